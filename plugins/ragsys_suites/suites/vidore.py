"""ViDoRe, versions 1 to 3: which page image answers a query."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ragsys.evaluation.records import GoldBox, GoldPage, Question
from ragsys.options import Options, incidental
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.unpacked import Entry, Written, image_bytes, safe_name, unpack


class VidoreOptions(Options):
    """Options of `vidore` and `vidore-v3`."""

    folder: Path = Field(description="one dataset of the benchmark: corpus/, queries/ and qrels/ with parquet files")
    # the documents are the same for all: one state, and one library, serves every language
    language: str | None = incidental(None, description="only queries in this language, as the dataset writes it (all)")


class Vidore(Lenient):
    """ViDoRe v1 and v2 (Faysse et al. 2024, Macé et al. 2025): queries on page images, one dataset a folder.

    Where: dataset pages of the organisation `vidore` on the hub; v1 in BEIR layout is the ten with names ending in
    _beir (vidore/docvqa_test_subsampled_beir, ...), v2 is vidore/esg_reports_v2, vidore/biomedical_lectures_v2,
    vidore/economics_reports_v2, vidore/esg_reports_human_labeled_v2.
    What: of one dataset FOLDER/corpus/*.parquet, FOLDER/queries/*.parquet, FOLDER/qrels/*.parquet.
    Licence: each dataset has its own: see its page. Needs the extra `parquet`.

    Read of the corpus: corpus-id, image {bytes, path}; of the queries: query-id, query, language (v2); of the qrels:
    query-id, corpus-id, score. Names with `_` for `-` are read as well. Rows of score 0 are no gold.

    Each page image is written out once, its bytes as they are (WEBP becomes PNG), and is a document of one page.
    Official setting: the whole corpus of the dataset is searched. Official metric: nDCG@5, for v2 the mean over its
    languages (the option `language` asks for one). What could not be verified: further columns of v2's corpus and
    queries; they are not read.
    """

    name = "vidore"
    licence = "by dataset, see its page"
    metrics: tuple[str, ...] = ("page_ndcg@5", "page_recall@1", "page_recall@5")

    def __init__(self, options: VidoreOptions, context: Context) -> None:
        self.options = options
        self._state = context.state

    @functools.cached_property
    def root(self) -> Path:
        """Where the page images are written out: another folder for other files."""
        return self._state / reading.revision(self._files("corpus"))

    @property
    def revision(self) -> str:
        """Of the files of queries and qrels."""
        return reading.revision([*self._files("queries"), *self._files("qrels")])

    def documents(self) -> Iterator[Path]:
        """The page images."""
        root = self.root
        return (root / one.name for one in self._pages().values())

    def questions(self) -> Iterator[Question]:
        """One question a query."""
        pages = self._pages()
        gold, boxes = self._gold(pages)

        def read(row: reading.Row, parts: Parts) -> Question | None:
            language = row.get("language")
            if self.options.language and language != self.options.language:
                return None
            key = _id(row, "query")
            question = Question(
                id=key,
                question=row.text("query"),
                doc_ids=[one["doc"] for one in gold.get(key, ())],
                gold_pages=gold.get(key, []),
            )
            if question["doc_ids"] and "/" in question["doc_ids"][0]:  # pages of one document hang together
                question["cluster"] = question["doc_ids"][0].rpartition("/")[0]
            if boxes.get(key):
                question["gold_boxes"] = boxes[key]
            if language:
                question["source"] = str(language)
            parts(_more, question, row)
            return question

        files = self._files("queries")
        found = self.flaws.sound(self.options.folder / "queries", reading.parquet(files), read, "query")
        return (question for question in found if question is not None)

    def _files(self, part: str) -> list[Path]:
        return reading.parquet_files(self.options.folder / part, suite=self)

    def _pages(self) -> dict[str, Written]:
        return unpack(self.root, self._entries)

    def _entries(self) -> Iterator[Entry]:
        for row in reading.parquet(self._files("corpus")):
            key = _id(row, "corpus")
            name = safe_name(key)
            if row.get("doc_id") is not None and row.get("page_number_in_doc") is not None:  # v3; counts from 0
                page = row.integer("page_number_in_doc", low=0) + 1
                name = f"{safe_name(row.text('doc_id'))}/{page:05d}"
            where = row.where("image")
            yield Entry(key, name, image_bytes(row.get("image"), where), where)

    def _gold(self, pages: dict[str, Written]) -> tuple[dict[str, list[GoldPage]], dict[str, list[GoldBox]]]:
        gold: dict[str, list[GoldPage]] = {}
        boxes: dict[str, list[GoldBox]] = {}

        def read(row: reading.Row, parts: Parts) -> None:
            query, key, score = _id(row, "query"), _id(row, "corpus"), row.number("score", low=0)
            if key not in pages:
                raise row.error("corpus-id", key, "the id of a page of the corpus")
            if not score:
                return
            page = pages[key]
            gold.setdefault(query, []).append({"doc": page.name, "page": 1, "grade": score})
            for box in parts.each(lambda _, one: _box(one, page), row.rows("bounding_boxes", missing=True)):
                boxes.setdefault(query, []).append({"doc": page.name, "page": 1, "bbox": box})

        for _ in self.flaws.sound(self.options.folder / "qrels", reading.parquet(self._files("qrels")), read, "row"):
            pass
        return gold, boxes


class VidoreV3(Vidore):
    """ViDoRe v3 (2026): queries in six languages on page images, with boxes and answers; one dataset a folder.

    Where: dataset pages of the organisation `vidore` on the hub: vidore/vidore_v3_hr, _finance_en, _industrial,
    _pharmaceuticals, _computer_science, _energy, _physics, _finance_fr (two more are private).
    What: of one dataset FOLDER/corpus/*.parquet, FOLDER/queries/*.parquet, FOLDER/qrels/*.parquet.
    Licence: CC BY 4.0; documents as their publishers state. Needs the extra `parquet`.

    Read of the corpus: corpus_id, image {bytes, path}, doc_id, page_number_in_doc (counts from 0; names the file); of
    the queries: query_id, query, language (english | french | spanish | italian | german | portuguese), answer,
    raw_answers, content_type, query_types, query_format; of the qrels: query_id, corpus_id, score (2 the page answers,
    1 it is needed), bounding_boxes [{annotator, x1, y1, x2, y2}] in pixels of the image, which become 0..1; the boxes
    of all annotators are gold together.

    Each page image is written out once, its bytes as they are, and is a document of one page. Official setting: the
    whole corpus is searched; a query counts once in each language (the option `language` asks for one). Official
    metric: nDCG@10 with the grades. Intervals are drawn by doc_id.
    """

    name = "vidore-v3"
    licence = "CC BY 4.0"
    metrics = ("page_ndcg@10", "page_recall@10", "box_area_f1")


def _id(row: reading.Row, kind: str) -> str:
    """A corpus or query id, under the name of v1 and v2 (`corpus-id`) or of v3 (`corpus_id`)."""
    return row.key(
        f"{kind}_id" if row.get(f"{kind}-id") is None and row.get(f"{kind}_id") is not None else f"{kind}-id"
    )


def _box(row: reading.Row, page: Written) -> list[float]:
    """x0, y0, x1, y1 in 0..1 of the page; the parts of a box that lie outside of it are cut off."""
    x = sorted(min(max(row.number(key) / page.width_px, 0.0), 1.0) for key in ("x1", "x2"))
    y = sorted(min(max(row.number(key) / page.height_px, 0.0), 1.0) for key in ("y1", "y2"))
    return [x[0], y[0], x[1], y[1]]


def _more(question: Question, row: reading.Row) -> None:
    """What v3 gives besides: answers and kinds."""
    answers = [*row.texts("answer", missing=True), *row.texts("raw_answers", missing=True)]
    if answers := list(dict.fromkeys(text for text in answers if text.strip())):
        question["answer"], question["answers"], question["answer_type"] = answers[0], answers, "text"
    if kinds := [kind.lower() for kind in row.texts("content_type", missing=True)]:
        question["evidence_modality"] = kinds
    meta: dict[str, Any] = {key: row.get(key) for key in ("query_types", "query_format") if row.get(key) is not None}
    if meta:
        question["meta"] = meta
