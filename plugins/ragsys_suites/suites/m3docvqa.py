"""M3DocVQA: questions over thousands of Wikipedia pages as PDFs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ragsys.evaluation.records import Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.gold import as_text, modalities

log = logging.getLogger("ragsys.suites")


class M3DocVqaOptions(Options):
    """Options of `m3docvqa`."""

    folder: Path = Field(description="what the benchmark's scripts make: multimodalqa/, dev_doc_ids.json, pdfs_dev/")
    split: Literal["dev", "train"] = Field("dev", description="which part; figures are published for dev")
    absent: Literal["error", "skip"] = Field(
        "error", description="PDFs that could not be downloaded: an error, or left out with the questions they answer"
    )


class M3DocVqa(Lenient):
    """M3DocVQA (Cho et al. 2024): 2,441 questions of MultiModalQA on 3,368 PDFs with 41,005 pages.

    Where: made by m3docvqa/main.py of the repository bloomberg/m3docrag on GitHub, which takes the questions of
    allenai/multimodalqa and prints Wikipedia's pages as PDFs.
    What: FOLDER/multimodalqa/MMQA_dev.jsonl, FOLDER/dev_doc_ids.json and FOLDER/pdfs_dev/ID.pdf (or
    FOLDER/splits/pdfs_dev/); its steps download_mmqa, generate_wiki_mapping, create_splits, download_pdfs, check_pdfs.
    Licence: scripts Apache 2.0; MultiModalQA's questions MIT, as one of its loaders says; texts CC BY-SA (Wikipedia).

    Read of each question: qid, question, answers [{answer}] (or texts), supporting_context [{doc_id, doc_part}],
    metadata {type} (may be absent). Several answers are the members of one list: `answer_type` is list then. The list
    of ids dev_doc_ids.json says what is searched.

    Official setting: all documents of the split are searched. Official metrics: list-EM and list-F1, and recall of
    documents at 1, 2, 4, 5 and 10; gold pages do not exist. Pages that Wikipedia no longer has cannot be downloaded:
    `--option absent=skip` leaves them out, with the questions that need them, and says how many. What could not be
    verified: the licence of the questions in their own repository.
    """

    name = "m3docvqa"
    licence = "MIT (questions); CC BY-SA (Wikipedia)"
    metrics = (
        "m3docvqa_f1",
        "m3docvqa_em",
        *(f"document_recall@{k}" for k in (1, 2, 4, 5, 10)),
    )

    def __init__(self, options: M3DocVqaOptions, context: Context) -> None:
        self.options = options

    @property
    def root(self) -> Path:
        """The folder of PDFs."""
        name = f"pdfs_{self.options.split}"
        return reading.need(self.options.folder, name, f"splits/{name}", suite=self)

    @property
    def revision(self) -> str:
        """Of the questions and the list of documents."""
        return reading.revision([self._file(), self._list()])

    def documents(self) -> Iterator[Path]:
        """The PDFs of the list."""
        root = self.root
        paths = (reading.inside(root, name, str(self._list())) for name in self._names())
        if self.options.absent == "error":
            return paths
        found = list(paths)
        there = [path for path in found if path.is_file()]
        if len(there) < len(found):
            log.warning("m3docvqa: %d of %d documents are left out: not there", len(found) - len(there), len(found))
        return iter(there)

    def questions(self) -> Iterator[Question]:
        """One question a line."""
        skip = self.options.absent == "skip"
        known = set(self._names())
        there = {path.name for path in self.documents()} if skip else known
        left = 0
        file = self._file()

        def read(row: reading.Row, parts: Parts) -> Question:
            return self._question(row, parts, known)

        for question in self.flaws.sound(file, reading.json_lines(file), read):
            if there.issuperset(question["doc_ids"]):
                yield question
            else:
                left += 1
        if left:
            log.warning("m3docvqa: %d questions are left out: a document of theirs is not there", left)

    def _file(self) -> Path:
        name = f"MMQA_{self.options.split}.jsonl"
        return reading.need(self.options.folder, f"multimodalqa/{name}", name, suite=self)

    def _list(self) -> Path:
        return reading.need(self.options.folder, f"{self.options.split}_doc_ids.json", suite=self)

    def _names(self) -> list[str]:
        return [f"{name}.pdf" for name in dict.fromkeys(reading.json_texts(self._list()))]

    def _question(self, row: reading.Row, parts: Parts, known: set[str]) -> Question:
        context = row.rows("supporting_context")
        docs = [f"{one.key('doc_id')}.pdf" for one in context]
        for one, doc in zip(context, docs, strict=True):
            if doc not in known:
                raise one.error("doc_id", doc.removesuffix(".pdf"), f"an id that {self._list().name} lists")
        texts = [_answer(row, number, value) for number, value in enumerate(row.list("answers"))]
        if not texts:
            raise row.error("answers", [], "at least one answer")
        answer = texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)
        question = Question(
            id=row.key("qid"),
            question=row.text("question"),
            answer=answer,
            answers=[answer],
            answer_type="text" if len(texts) == 1 else "list",
            doc_ids=list(dict.fromkeys(docs)),
            evidence_modality=modalities([one.text("doc_part") for one in context], {"image": "figure"}),
        )
        if row.has("metadata"):
            about = row.row("metadata")
            if about.has("type"):
                question["source"] = parts(about.text, "type") or ""
        return question


def _answer(row: reading.Row, number: int, value: object) -> str:
    found = value.get("answer") if isinstance(value, dict) else value
    text = as_text(found)
    if text is None or isinstance(found, list):
        raise row.error(f"answers[{number}]", value, "a text, or an object with one in `answer`")
    return text
