"""A folder of one's own: documents, and questions with whatever gold there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import Field

from ragsys.errors import SuiteError, did_you_mean
from ragsys.evaluation.records import AnswerType, GoldBox, GoldPage, Nugget, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.defaults import default_metrics
from ragsys_suites.suites import reading
from ragsys_suites.suites.gold import answer_text, as_text, unit_box

QUESTIONS = "questions.jsonl"
DOCUMENTS = "documents.jsonl"
FILES = "pdfs"
#: Keys of a line of questions.jsonl: those of a question record, and two forms that are read into it.
KEYS = (*Question.__annotations__, "boxes", "evidence")


class FolderOptions(Options):
    """Options of `folder`."""

    folder: Path = Field(description="holds questions.jsonl and pdfs/; documents.jsonl is optional")
    passages: bool = Field(
        False, description="take the texts of `evidence` for gold passages: right only where they are short quotes"
    )


class Folder:
    """Questions on documents of your own.

    Where: you write it.
    What: FOLDER/questions.jsonl, one JSON object a line, and FOLDER/pdfs/ with the documents: PDFs, or any other files
    that ragsys reads, in folders too. FOLDER/documents.jsonl may list which of them are searched, one
    {"doc": "NAME.pdf"} a line (with "pages", numbers of gold pages are held against it); without it all files are.
    Licence: yours.

    A question needs `id` and `question`; any of these may follow:

        answer        a text, a number, or for answer_type list a list; `answers` are all accepted ones
        answer_type   text | int | float | yesno | list | unanswerable
        gold_pages    [{"doc": "NAME.pdf", "page": 3}], pages from 1; "grade" for relevance other than 1
        doc_ids       ["NAME.pdf"], where only the document is known
        gold_boxes    [{"doc", "page", "bbox": [x0, y0, x1, y1]}] in 0..1 of the page, origin top-left; or `boxes`
                      [{"doc", "page", "bbox", "page_size": [width, height]}] in PDF points
        gold_passages [{"doc", "text"}]; `evidence` [{"doc", "page", "text"}] is read as such if the option `passages`
                      is set, and else only checked
        nuggets       [{"text", "vital": true}]; gold_images ["NAME.png"]; images ["below pdfs/"], the query's own
        scope         ["NAME.pdf"], the documents to search for this question; left out: all
        source, evidence_modality   for the tables of a report;  meta  an object of whatever else you keep
        cluster       what questions that hang together share, for the intervals; left out: their first gold document

    Documents are named by their path below pdfs/, with forward slashes. Any other key is an error that names it: a
    misspelt `gold_page` would leave metrics undefined without a word, so what is yours goes into `meta`.
    """

    name = "folder"
    licence = "of the folder's owner"

    def __init__(self, options: FolderOptions, context: Context) -> None:
        self.options = options
        self.root = options.folder / FILES
        self.name = options.folder.resolve().name or "folder"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The usual ones; of documents and boxes too where a question has such gold."""
        keys = {key for row in reading.json_lines(self._file()) for key, value in row.data.items() if value}
        more: tuple[str, ...] = ("document_recall@5",) if "doc_ids" in keys else ()
        more += ("ranked_box_hits@5", "cited_box_hits@5") if keys & {"boxes", "gold_boxes"} else ()
        return (*default_metrics(), *more)

    @property
    def revision(self) -> str:
        """Of the questions and the list of documents."""
        listed = reading.optional(self.options.folder, DOCUMENTS)
        return reading.revision([self._file(), *([listed] if listed else [])])

    def documents(self) -> Iterator[Path]:
        """The files of documents.jsonl, or all below pdfs/ but the images that questions come with."""
        return (reading.inside(self.root, name) for name in self._documents())

    def questions(self) -> Iterator[Question]:
        """One question a line."""
        documents = self._documents()
        lines: dict[str, int] = {}
        for row in reading.json_lines(self._file()):
            question = self._question(row, documents)
            if question["id"] in lines:
                raise row.error("id", question["id"], f"an id of its own: line {lines[question['id']]} has it")
            lines[question["id"]] = row.line
            yield question
        if not lines:
            raise SuiteError(
                f"{self._file()} has no questions",
                hint='one a line: {"id": "q1", "question": "What ...?", "answer": "..."}',
            )

    def _file(self) -> Path:
        return reading.need(self.options.folder, QUESTIONS, suite=type(self))

    def _documents(self) -> dict[str, int | None]:
        """{name: number of pages, where it is told}."""
        listed = reading.optional(self.options.folder, DOCUMENTS)
        if listed is None:
            asked = {name for row in reading.json_lines(self._file()) for name in row.texts("images", missing=True)}
            found = reading.files(self.root, ("",), suite=type(self))
            names = [path.relative_to(self.root).as_posix() for path in found]
            return {name: None for name in names if name not in asked}
        documents: dict[str, int | None] = {}
        for row in reading.json_lines(listed):
            name = row.key("doc")
            reading.inside(self.root, name, row.where("doc"))
            if row.get("file", f"{FILES}/{name}") != f"{FILES}/{name}":
                raise row.error(
                    "file", row.get("file"), f"'{FILES}/{name}': documents are named by their path below {FILES}/"
                )
            if name in documents:
                raise row.error("doc", name, "each document once")
            documents[name] = row.integer("pages", low=1) if row.has("pages") else None
        return documents

    def _question(self, row: reading.Row, documents: Mapping[str, int | None]) -> Question:
        for key in row.data:
            if key not in KEYS:
                near = did_you_mean(key, KEYS)
                raise SuiteError(f"{row.where(key)}: no such key.{near}", hint='keep what is your own under "meta"')
        question = Question(id=row.key("id"), question=row.text("question"))
        if not question["question"].strip():
            raise row.error("question", question["question"], "a text that is not blank")
        _answers(row, question)
        _gold(row, question, documents)
        for key in ("gold_images", "images"):
            if texts := row.texts(key, missing=True):
                question[key] = texts  # type: ignore[literal-required]
        for name in question.get("images", ()):
            if not reading.inside(self.root, name, row.where("images")).is_file():
                raise row.error("images", name, f"a file below {self.root}")
        if row.has("evidence"):
            self._evidence(row, question, documents)
        if nuggets := row.rows("nuggets", missing=True):
            question["nuggets"] = [_nugget(one) for one in nuggets]
        if modality := row.texts("evidence_modality", missing=True):
            question["evidence_modality"] = modality
        if row.has("source"):
            question["source"] = row.text("source")
        if row.has("cluster"):
            question["cluster"] = row.key("cluster")
        if row.has("meta"):
            question["meta"] = dict(row.row("meta").data)
        return question

    def _evidence(self, row: reading.Row, question: Question, documents: Mapping[str, int | None]) -> None:
        quotes = [(_doc(one, "doc", documents), one.text("text")) for one in row.rows("evidence")]
        if self.options.passages:
            passages = question.setdefault("gold_passages", [])
            passages.extend({"doc": doc, "text": text} for doc, text in quotes if text.strip())


def _answers(row: reading.Row, question: Question) -> None:
    if row.has("answer"):
        question["answer"] = answer_text(row, "answer")
        question["answers"] = [question["answer"]]
        if isinstance(row.get("answer"), list):
            question["answer_type"] = "list"
    if row.has("answers"):
        texts = [as_text(one) for one in row.list("answers")]
        if not texts or None in texts:
            raise row.error("answers", row.get("answers"), "a list of texts or numbers")
        accepted = [text for text in texts if text is not None]
        question.setdefault("answer", accepted[0])
        question["answers"] = list(dict.fromkeys([question["answer"], *accepted]))
    if row.has("answer_type"):
        question["answer_type"] = cast(AnswerType, row.one_of("answer_type", get_args(AnswerType)))


def _gold(row: reading.Row, question: Question, documents: Mapping[str, int | None]) -> None:
    pages = [_page(one, documents) for one in row.rows("gold_pages", missing=True)]
    boxes = [_box(one, documents) for one in row.rows("gold_boxes", missing=True)]
    boxes += [_box(one, documents, points=True) for one in row.rows("boxes", missing=True)]
    passages = [(_doc(one, "doc", documents), one.text("text")) for one in row.rows("gold_passages", missing=True)]
    named = [_known(row, f"doc_ids[{n}]", name, documents) for n, name in enumerate(row.texts("doc_ids", missing=True))]
    docs = [*named, *(one["doc"] for one in pages), *(one["doc"] for one in boxes), *(doc for doc, _ in passages)]
    scope = [_known(row, f"scope[{n}]", name, documents) for n, name in enumerate(row.texts("scope", missing=True))]
    if docs:
        question["doc_ids"] = list(dict.fromkeys(docs))
    if pages:
        question["gold_pages"] = pages
    if boxes:
        question["gold_boxes"] = boxes
    if passages:
        question["gold_passages"] = [{"doc": doc, "text": text} for doc, text in passages]
    if scope:
        question["scope"] = scope


def _page(row: reading.Row, documents: Mapping[str, int | None]) -> GoldPage:
    doc = _doc(row, "doc", documents)
    page: GoldPage = {"doc": doc, "page": row.integer("page", low=1, high=documents[doc])}
    if row.has("grade"):
        page["grade"] = row.number("grade", low=0)
    return page


def _box(row: reading.Row, documents: Mapping[str, int | None], *, points: bool = False) -> GoldBox:
    doc = _doc(row, "doc", documents)
    page = row.integer("page", low=1, high=documents[doc])
    corners = row.numbers("bbox", length=4)
    if corners[0] > corners[2] or corners[1] > corners[3]:
        raise row.error("bbox", corners, "[x0, y0, x1, y1] with x0 <= x1 and y0 <= y1")
    if not points and not all(0 <= corner <= 1 for corner in corners):
        raise row.error(
            "bbox", corners, "numbers in 0..1 of the page (with page_size, in points, they go into `boxes`)"
        )
    box: GoldBox = {"doc": doc, "page": page, "bbox": unit_box(row, "bbox", "page_size") if points else corners}
    if row.has("kind"):
        box["kind"] = row.text("kind")
    return box


def _nugget(row: reading.Row) -> Nugget:
    return {"text": row.text("text"), "vital": row.flag("vital") if row.has("vital") else True}


def _doc(row: reading.Row, key: str, documents: Mapping[str, int | None]) -> str:
    return _known(row, key, row.key(key), documents)


def _known(row: reading.Row, key: str, name: str, documents: Mapping[str, Any]) -> str:
    if name not in documents:
        raise SuiteError(
            f"{row.where(key)}: no document '{name}'.{did_you_mean(name, documents)}",
            hint=f"documents are named by their path below {FILES}/, and listed in {DOCUMENTS} if there is one",
        )
    return name
