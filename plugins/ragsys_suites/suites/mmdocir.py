"""MMDocIR: which page, and which part of a page, of a long document answers a question."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ragsys.evaluation.records import GoldBox, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.bound import Leaf, bind
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.gold import MODALITIES, answer_text, modalities, page_numbers, pages_of, unit_box
from ragsys_suites.suites.unpacked import image_bytes

ANNOTATIONS = ("MMDocIR_annotations.jsonl", "dataset/MMDocIR_annotations.jsonl")
PAGES = ("MMDocIR_pages.parquet", "dataset/MMDocIR_pages.parquet")
#: Questions come from MMLongBench-Doc and from DocBench, each with its own names.
_KINDS = MODALITIES | {"text-only": "text", "multimodal-t": "table", "multimodal-f": "figure", "meta-data": "layout"}


class MmDocIrOptions(Options):
    """Options of `mmdocir`."""

    folder: Path = Field(description="holds MMDocIR_annotations.jsonl, and MMDocIR_pages.parquet or pdfs/")
    pages: Literal["images", "pdfs"] = Field(
        "images", description="what is indexed: the published page images, or the original PDFs, where you have them"
    )


class MmDocIr(Lenient):
    """MMDocIR (Dong et al. 2025): 1,658 questions with pages and layout boxes on 313 documents with 20,395 pages.

    Where: the dataset page MMDocIR/MMDocIR_Evaluation_Dataset of the hub; schema in dataset/README.md of the repository
    MMDocRAG/MMDocIR on GitHub.
    What: FOLDER/MMDocIR_annotations.jsonl and FOLDER/MMDocIR_pages.parquet (1.6 GB), or both in FOLDER/dataset/. For
    `--option pages=pdfs` the original PDFs as FOLDER/pdfs/DOC_NAME instead of the parquet file: they are those of
    MMLongBench-Doc and DocBench.
    Licence: data CC BY-NC 4.0, code Apache 2.0, for research only. Page images need the extra `parquet`.

    Read of each line of the annotations: doc_name, domain, page_indices (first and last row of its pages, both counted
    in), questions [{Q, A, page_id (counts from 0; becomes 1-based), type ("['Chart']" or "multimodal-t"),
    layout_mapping [{page (from 0), page_size, bbox}]}]; of the pages: doc_name, image_binary, in the order of the
    pages. Boxes are in the unit of page_size and become 0..1. Questions have no id: DOC_NAME#N, from 0.

    The page images of a document are bound into one PDF, once, their bytes as they are; their text comes from OCR. The
    published OCR and VLM texts and MMDocIR_layouts.parquet are not read: the official layout ranking is of the layouts
    that the benchmark cut out, here it is of the blocks that ragsys finds. Official setting: the pages of the
    question's own document are ranked (`scope`). Official metrics: page recall at 1, 3, 5; layout recall at 1, 5, 10 by
    the share of the gold boxes that the ranked ones cover.
    """

    name = "mmdocir"
    licence = "CC BY-NC 4.0; research only"
    metrics = (
        *(f"page_recall@{k}" for k in (1, 3, 5)),
        *(f"mmdocir_layout_recall@{k}" for k in (1, 5, 10)),
    )

    def __init__(self, options: MmDocIrOptions, context: Context) -> None:
        self.options = options
        self._state = context.state

    @property
    def root(self) -> Path:
        """The folder of the original PDFs, or the one where page images are bound: another for other files."""
        if self.options.pages == "pdfs":
            return reading.need(self.options.folder, "pdfs", suite=self)
        return self._state / reading.revision([self._pages()])

    @property
    def revision(self) -> str:
        """Of the annotations."""
        return reading.revision([self._file()])

    def documents(self) -> Iterator[Path]:
        """The documents of the annotations."""
        sizes = {doc: size for doc, size, _, _ in self._documents()}
        if self.options.pages == "pdfs":
            return (reading.inside(self.root, name, str(self._file())) for name in sizes)
        return iter(bind(self.root, sizes, self._leaves))

    def questions(self) -> Iterator[Question]:
        """One question an item, by document."""
        items = (
            (f"{doc}#{number}", doc, size, domain, one)
            for doc, size, domain, asked in self._documents()
            for number, one in enumerate(asked)
        )
        return self.flaws.sound(self._file(), items, _question, "question")

    def _documents(self) -> Iterator[tuple[str, int, str, list[reading.Row]]]:
        """(name, number of pages, domain, questions) of each document."""
        file = self._file()
        return self.flaws.sound(file, reading.json_lines(file), _document, "document")

    def _file(self) -> Path:
        return reading.need(self.options.folder, *ANNOTATIONS, suite=self)

    def _pages(self) -> Path:
        return reading.need(self.options.folder, *PAGES, suite=self)

    def _leaves(self, missing: Collection[str]) -> Iterator[tuple[str, Leaf]]:
        for row in reading.parquet([self._pages()], ("doc_name", "image_binary")):
            if (name := _name(row)) in missing:
                where = row.where("image_binary")
                yield name, Leaf(image_bytes(row.get("image_binary"), where), where)


def _name(row: reading.Row) -> str:
    name = row.key("doc_name")
    return name if name.lower().endswith(".pdf") else f"{name}.pdf"


def _size(row: reading.Row) -> int:
    """Pages of a document: `page_indices` names its first and its last row."""
    first, last = [row.whole("page_indices", one, low=0) for one in row.numbers("page_indices", length=2)]
    if last < first:
        raise row.error("page_indices", [first, last], "[first row, last row]")
    return last - first + 1


def _document(row: reading.Row, parts: Parts) -> tuple[str, int, str, list[reading.Row]]:
    name = _name(row)
    reading.inside(row.file.parent, name, row.where("doc_name"))
    return name, _size(row), parts(row.text, "domain") or "", row.rows("questions")


def _question(item: tuple[str, str, int, str, reading.Row], parts: Parts) -> Question:
    key, doc, size, domain, row = item
    answer = answer_text(row, "A")
    if not (named := row.listed("page_id")):
        raise row.error("page_id", named, f"pages in 0..{size - 1}, as page_indices says")
    pages = page_numbers(row, "page_id", named, parts, low=0, high=size - 1)
    kinds = row.text("type")
    question = Question(
        id=key,
        question=row.text("Q"),
        answer=answer,
        answers=[answer],
        doc_ids=[doc],
        gold_pages=pages_of(doc, pages),
        scope=[doc],
        evidence_modality=modalities(row.written_list("type") if kinds.startswith("[") else [kinds], _KINDS),
        source=domain,
    )
    boxes = parts.each(lambda _, one: _box(doc, size, one), row.rows("layout_mapping"))
    if boxes:
        question["gold_boxes"] = boxes
    return question


def _box(doc: str, size: int, row: reading.Row) -> GoldBox:
    page = row.integer("page", low=0, high=size - 1) + 1
    return {"doc": doc, "page": page, "bbox": unit_box(row, "bbox", "page_size")}
