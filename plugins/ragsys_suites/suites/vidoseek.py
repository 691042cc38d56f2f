"""ViDoSeek: questions that one page of a large collection of slides and documents answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ragsys.evaluation.records import Question
from ragsys.options import Options
from ragsys_suites.suites import reading
from ragsys_suites.suites.base import PdfSuite
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.gold import answer_text, page_numbers, pages_of

_FILES = {"vidoseek": ("vidoseek.json", "rag_dataset.json"), "slidevqa": ("slidevqa_refined.json",)}


class ViDoSeekOptions(Options):
    """Options of `vidoseek`."""

    folder: Path = Field(description="holds vidoseek.json (or slidevqa_refined.json) and pdf/, the unzipped documents")
    part: Literal["vidoseek", "slidevqa"] = Field(
        "vidoseek", description="vidoseek, or SlideVQA as it was refined in the same form"
    )


class ViDoSeek(PdfSuite[ViDoSeekOptions]):
    """ViDoSeek (Wang et al. 2025): 1,142 questions with one answer each on 292 visually rich PDFs with 5,385 pages.

    Where: the dataset page Qiuchen-Wang/ViDoSeek (once autumncc/ViDoSeek) of the hub; code and schema in
    Alibaba-NLP/ViDoRAG on GitHub.
    What: FOLDER/vidoseek.json and FOLDER/pdf/ (or FOLDER/vidoseek_pdf_document/) with the unzipped
    vidoseek_pdf_document.zip; for `--option part=slidevqa` FOLDER/slidevqa_refined.json and the PDFs of that part.
    Licence: Apache 2.0, as users of its dataset page state; the documents belong to their authors.

    Read of {"examples": [...]}: uid, query, reference_answer, meta_info {file_name, reference_page (1-based: page 1 is
    NAME_1.jpg; kept), source_type, query_type}.

    Official setting: all documents are searched. Official metrics: recall of pages and MRR@5 for retrieval, a model's
    grade of 1 to 5 for answers (4 and 5 are correct). Published recall is of single pages; gold of several pages counts
    by its share. What could not be verified: the files of the part of slides.
    """

    name = "vidoseek"
    licence = "Apache 2.0; documents of their authors"
    metrics = ("page_recall@1", "page_recall@3", "page_recall@5", "page_mrr@5", "vidoseek_accuracy")
    PDFS = ("pdf", "pdfs", "vidoseek_pdf_document", "slidevqa_pdf_document")

    def documents(self) -> Iterator[Path]:
        """Every PDF of the folder: those without a question are searched too."""
        return iter(reading.files(self.root, (".pdf",), suite=self))

    def questions(self) -> Iterator[Question]:
        """One question an example."""
        root = self.root  # the archive may hold a folder: files are known by their names alone
        names = {path.name: path.relative_to(root).as_posix() for path in self.documents()}

        def read(row: reading.Row, parts: Parts) -> Question:
            about = row.row("meta_info")
            file = about.key("file_name")
            if file not in names:
                raise about.error("file_name", file, f"a file below {root}")
            doc = names[file]
            answer = answer_text(row, "reference_answer")
            return Question(
                id=row.key("uid"),
                question=row.text("query"),
                answer=answer,
                answers=[answer],
                answer_type="text",
                doc_ids=[doc],
                gold_pages=pages_of(doc, page_numbers(about, "reference_page", about.listed("reference_page"), parts)),
                evidence_modality=[kind.lower() for kind in [parts(about.text, "source_type")] if kind],
                source=parts(about.text, "query_type") or "",
            )

        return self.flaws.sound(self._file(), reading.json_object(self._file()).rows("examples"), read)

    def _file(self) -> Path:
        return reading.need(self.options.folder, *_FILES[self.options.part], suite=self)
