"""The schemas of VisDoMBench's five parts, on files of our own."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.visdombench import PARTS, VisDomBench, VisDomOptions
from suite_files import fails, make, put

from ragsys.testing.roles import check_suite

ROW = {
    "q_id": "12844",
    "doc_id": "Mill",
    "question": " Which mill is\ntaller? ",
    "answer": "The upper one,\nby far.",
    "doc_path": "Mill.pdf",
    "documents": "['Mill.pdf', \"Baker's house.pdf\"]",
}
ROWS: dict[str, dict[str, str]] = {
    "feta_tab": {**ROW, "doc_url": "x", "table_array": "[['a']]", "highlighted_cell_ids": "[[1, 0]]"},
    "paper_tab": {
        **ROW,
        "answer": "[{'answer': 'state of the art', 'type': 'extractive'}, {'answer': '3', 'type': 'abstractive'}]",
        "evidence": "x",
        "title": "x",
        "abstract": "x",
    },
    "scigraphqa": {**ROW, "image_file": "x.png", "caption": "x", "first_mention": "x", "title": "x", "abstract": "x"},
    "slidevqa": {
        **ROW,
        "deck_url": "x",
        "arithmetic_expression": "",
        "evidence_pages": "[0, 6]",
        "answer_type": "Single-Span",
        "resoning_type": "Multi-Hop",
        "directory_exists": "True",
    },
    "spiqa": {
        **ROW,
        "old_question": "x",
        "rationale": "x",
        "reference_figure": "x",
        "paper_title": "x",
        "caption": "x",
    },
}
FOLDERS = {part: part for part in PARTS} | {"scigraphqa": "scigraphvqa"}


def _suite(folder: Path, rows: Mapping[str, Any] | None = None, **options: Any) -> VisDomBench:
    for part, row in (rows or ROWS).items():
        written = io.StringIO()
        table = csv.DictWriter(written, list(row))
        table.writeheader()
        table.writerow(row)
        put(folder / FOLDERS[part] / f"{part}.csv", written.getvalue())
        put(folder / FOLDERS[part] / "docs" / "Mill.pdf")
        put(folder / FOLDERS[part] / "docs" / "Baker's house.pdf")
    suite: VisDomBench = make(VisDomBench, VisDomOptions, folder, **options)
    return suite


def test_five_parts(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    questions = {question["source"]: question for question in check_suite(suite)}
    assert tuple(questions) == PARTS
    assert questions["scigraphqa"] == {
        "id": "scigraphqa/12844",
        "question": "Which mill is\ntaller?",
        "answer": "The upper one,\nby far.",
        "answers": ["The upper one,\nby far."],
        "answer_type": "text",
        "doc_ids": ["scigraphvqa/docs/Mill.pdf"],
        "scope": ["scigraphvqa/docs/Mill.pdf", "scigraphvqa/docs/Baker's house.pdf"],
        "evidence_modality": ["chart"],
        "source": "scigraphqa",
    }
    assert questions["paper_tab"]["answers"] == ["state of the art", "3"]
    slides = questions["slidevqa"]["gold_pages"]
    assert slides == [{"doc": "slidevqa/docs/Mill.pdf", "page": 1}, {"doc": "slidevqa/docs/Mill.pdf", "page": 7}]
    assert [part for part in PARTS if "gold_pages" in questions[part]] == ["slidevqa"]
    assert len(list(suite.documents())) == 10


def test_some_parts(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", {"spiqa": ROWS["spiqa"]}, parts=["spiqa"])
    assert [question["source"] for question in check_suite(suite)] == ["spiqa"]


def test_an_id_that_comes_again(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", {"spiqa": ROWS["spiqa"]}, parts=["spiqa"])
    file = tmp_path / "data" / "spiqa" / "spiqa.csv"
    header, row = file.read_text(encoding="utf-8").split("\n", 1)
    put(file, f"{header}\n{row}{row}")
    assert [question["id"] for question in check_suite(suite)] == ["spiqa/12844", "spiqa/12844#2"]


@pytest.mark.parametrize(
    ("answer", "answers", "kind"),
    [
        ("[{'answer': 'Yes', 'type': 'boolean'}, {'answer': 'No', 'type': 'boolean'}]", ["Yes", "No"], "yesno"),
        (
            "[{'answer': 'Yes', 'type': 'boolean'}, {'answer': 'in part', 'type': 'abstractive'}]",
            ["Yes", "in part"],
            "text",
        ),
        ("[{'answer': '', 'type': 'none'}]", ["Unanswerable"], "unanswerable"),
    ],
)
def test_answers_of_paper_tab(tmp_path: Path, answer: str, answers: list[str], kind: str) -> None:
    rows = {"paper_tab": {**ROWS["paper_tab"], "answer": answer}}
    (question,) = check_suite(_suite(tmp_path / "data", rows, parts=["paper_tab"]))
    assert question["answers"] == answers
    assert question["answer_type"] == kind


@pytest.mark.parametrize("part", PARTS)
def test_wrong_fields(tmp_path: Path, part: str) -> None:
    def broken(wrong: Mapping[str, str]) -> VisDomBench:
        return _suite(tmp_path / "data", {part: {**ROWS[part], **wrong}}, parts=[part])

    file = f"{part}.csv"
    for column in ("q_id", "question", "answer", "doc_path", "documents", *(["evidence_pages"] * (part == "slidevqa"))):
        row = {key: value for key, value in ROWS[part].items() if key != column}
        fails(_suite(tmp_path / "data", {part: row}, parts=[part]), file, f"no column '{column}'")
    fails(broken({"q_id": ""}), file, "field 'q_id': found ''")
    fails(broken({"documents": "Mill.pdf"}), file, "field 'documents'", "a list, or one written as a text")
    fails(broken({"documents": "[1]"}), file, "'documents[0]': found 1, expected the name of a PDF")
    if part == "slidevqa":
        fails(broken({"evidence_pages": "[-1]"}), file, "'evidence_pages': found -1")
    if part == "paper_tab":
        fails(broken({"answer": "['x']"}), file, "'answer[0]': found 'x', expected an object")
        fails(broken({"answer": "[{'type': 'x'}]"}), file, "'answer[0].answer': found None")


def test_a_row_that_ends_early_names_its_line(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", {"spiqa": ROWS["spiqa"]}, parts=["spiqa"])
    file = tmp_path / "data" / "spiqa" / "spiqa.csv"
    put(file, file.read_text(encoding="utf-8") + "spiqa_1,x\n")
    lines = len(file.read_text(encoding="utf-8").splitlines())
    fails(suite, f"spiqa.csv, line {lines}: found 2 fields, expected the 11 of the header")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(VisDomBench, VisDomOptions, tmp_path / "data")
    fails(suite, "holds no 'feta_tab/feta_tab.csv'", "MananSuri27/VisDoM", "ragsys eval visdombench --list")
