"""VisDoMBench: questions over several documents with tables, charts and slides, in five parts."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from pydantic import Field

from ragsys.evaluation.records import AnswerType, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.gold import as_text, page_numbers, pages_of

Part = Literal["feta_tab", "paper_tab", "scigraphqa", "slidevqa", "spiqa"]
PARTS: tuple[Part, ...] = get_args(Part)
COLUMNS = ("q_id", "question", "answer", "doc_path", "documents")
#: part -> the folder it lies in
_FOLDERS: dict[Part, str] = {
    "feta_tab": "feta_tab",
    "paper_tab": "paper_tab",
    "scigraphqa": "scigraphvqa",
    "slidevqa": "slidevqa",
    "spiqa": "spiqa",
}
_MODALITY = {"feta_tab": "table", "paper_tab": "table", "scigraphqa": "chart", "slidevqa": "layout", "spiqa": "figure"}


class VisDomOptions(Options):
    """Options of `visdombench`."""

    folder: Path = Field(description="a checkout of MananSuri27/VisDoM: PART/PART.csv and PART/docs/")
    parts: tuple[Part, ...] = Field(PARTS, min_length=1, description="which of the five parts are asked")


class VisDomBench(Lenient):
    """VisDoMBench (Suri et al. 2025): 2,271 questions on 1,277 PDFs in five parts, each over some eight documents.

    Where: the repository MananSuri27/VisDoM on GitHub.
    What: as they are in the repository, FOLDER/feta_tab/feta_tab.csv, paper_tab/paper_tab.csv,
    scigraphvqa/scigraphqa.csv, slidevqa/slidevqa.csv, spiqa/spiqa.csv, and beside each file docs/*.pdf.
    Licence: the repository states none; the questions come from FeTaQA, QASPER, SciGraphQA, SlideVQA and SPIQA, and the
    documents belong to their publishers.

    Read of each row: q_id, question, answer, doc_path (the PDF that answers), documents ("['A.pdf', 'B.pdf']", the PDFs
    that are searched for this question). paper_tab: answer is a list of {answer, type}, all accepted; type boolean is
    yes or no, none cannot be answered. slidevqa: evidence_pages ("[0, 6]", counts from 0, as 0 occurs; becomes 1-based)
    and answer_type. The other columns are not needed. An id is PART/q_id, with #2 where it comes again.

    Official setting: the documents of the question are searched (`scope`). Official metrics: word F1 of the answer as
    in SQuAD; for retrieval, whether the source document is found. Page gold exists in slidevqa only. What could not be
    verified: how the official score takes paper_tab's several answers (here: the best one), and the type `none`.
    """

    name = "visdombench"
    licence = "not stated; sources have their own"
    metrics = ("visdom_f1", "document_recall@1", "document_recall@5", "page_recall@5")

    def __init__(self, options: VisDomOptions, context: Context) -> None:
        self.options = options
        self.root = options.folder

    @property
    def revision(self) -> str:
        """Of the files of questions."""
        return reading.revision([self._file(part) for part in self.options.parts])

    def documents(self) -> Iterator[Path]:
        """The PDFs that questions search; a paper that two parts have is two documents."""
        names = dict.fromkeys(doc for question in self.questions() for doc in question["scope"])
        return (reading.inside(self.root, name) for name in names)

    def questions(self) -> Iterator[Question]:
        """One question a row, by part."""
        for part in self.options.parts:
            seen: Counter[str] = Counter()
            read = functools.partial(_question, part)
            for question in self.flaws.sound(self._file(part), self._rows(part), read):
                seen[question["id"]] += 1
                if seen[question["id"]] > 1:  # ids come from other benchmarks, which nobody says to be unique
                    question["id"] += f"#{seen[question['id']]}"
                yield question

    def _file(self, part: Part) -> Path:
        folder = _FOLDERS[part]
        return reading.need(self.options.folder, f"{folder}/{part}.csv", suite=self)

    def _rows(self, part: Part) -> Iterator[reading.Row]:
        more = ("evidence_pages",) if part == "slidevqa" else ()
        return reading.csv_rows(self._file(part), (*COLUMNS, *more))


def _question(part: Part, row: reading.Row, parts: Parts) -> Question:
    answers, kind = _answers(part, row)
    doc = _doc(part, row.key("doc_path"))
    question = Question(
        id=f"{part}/{row.key('q_id')}",
        question=row.text("question").strip(),
        answer=answers[0],
        answers=answers,
        answer_type=kind,
        doc_ids=[doc],
        scope=_searched(part, row),
        evidence_modality=[_MODALITY[part]],
        source=part,
    )
    if part == "slidevqa":
        named = parts(row.written_list, "evidence_pages") or ()
        question["gold_pages"] = pages_of(doc, page_numbers(row, "evidence_pages", named, parts, low=0))
    return question


def _searched(part: Part, row: reading.Row) -> list[str]:
    """The documents of a question, the one that answers among them."""
    names = row.written_list("documents")
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise row.error(f"documents[{number}]", name, "the name of a PDF")
    return list(dict.fromkeys(_doc(part, name) for name in [*names, row.key("doc_path")]))


def _doc(part: Part, name: str) -> str:
    plain = PurePosixPath(name).name
    return f"{_FOLDERS[part]}/docs/{plain if plain.lower().endswith('.pdf') else plain + '.pdf'}"


def _answers(part: Part, row: reading.Row) -> tuple[list[str], AnswerType]:
    if part != "paper_tab":
        return [row.text("answer").strip()], "text"
    given = row.written_list("answer")
    texts = [(_text(row, number, one), one.get("type")) for number, one in enumerate(_objects(row, given))]
    real = [text for text, kind in texts if kind != "none" and text]
    if not real:
        return ["Unanswerable"], "unanswerable"
    alike = all(kind == "boolean" for _, kind in texts)
    return list(dict.fromkeys(real)), "yesno" if alike else "text"


def _objects(row: reading.Row, given: Sequence[Any]) -> list[dict[str, Any]]:
    for number, one in enumerate(given):
        if not isinstance(one, dict):
            raise row.error(f"answer[{number}]", one, "an object with answer and type")
    return [*given]


def _text(row: reading.Row, number: int, one: dict[str, Any]) -> str:
    text = as_text(one.get("answer"))
    if text is None:
        raise row.error(f"answer[{number}].answer", one.get("answer"), "a text")
    return text.strip()
