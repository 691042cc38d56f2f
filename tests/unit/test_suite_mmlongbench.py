"""MMLongBench-Doc's schema in both versions, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.mmlongbench import MmLongBench, MmLongBenchOptions, MmLongBenchV2
from suite_files import each_field_is_checked, fails, make, put, put_parquet

from ragsys.testing.roles import check_suite

RECORD = {
    "doc_id": "mill.pdf",
    "doc_type": "Brochure",
    "question": "How many bags of flour?",
    "answer": "842",
    "evidence_pages": "[3, 5]",
    "evidence_sources": "['Pure-text (Plain-text)', 'Chart']",
    "answer_format": "Int",
}
NONE = {
    **RECORD,
    "question": "Who owns it?",
    "answer": "Not answerable",
    "evidence_pages": "[]",
    "evidence_sources": "[]",
    "answer_format": "None",
}
LIST = {**RECORD, "answer": "['Upper', 'Lower']", "answer_format": "List", "doc_id": "2303.05039v2.pdf"}


def _suite(folder: Path, *records: Any, kind: type = MmLongBench) -> Any:
    put(folder / "data" / "samples.json", json.dumps(list(records) or [RECORD, NONE, LIST]))
    put(folder / "data" / "documents" / "mill.pdf")
    put(folder / "data" / "documents" / "2303.05039v2.pdf")
    put(folder / "data" / "documents" / "unasked.pdf")
    return make(kind, MmLongBenchOptions, folder)


def test_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "bench")
    one, none, several = check_suite(suite)
    assert one == {
        "id": "mill.pdf#0",
        "question": "How many bags of flour?",
        "answer": "842",
        "answers": ["842"],
        "answer_type": "int",
        "doc_ids": ["mill.pdf"],
        "gold_pages": [{"doc": "mill.pdf", "page": 3}, {"doc": "mill.pdf", "page": 5}],  # from 1 in the file
        "scope": ["mill.pdf"],
        "evidence_modality": ["text", "chart"],
        "source": "Brochure",
        "meta": {},
    }
    assert none["answer_type"] == "unanswerable"
    assert "gold_pages" not in none
    assert several["answer"] == "['Upper', 'Lower']"  # the form that list scores read
    assert several["answer_type"] == "list"
    assert [path.name for path in suite.documents()] == ["mill.pdf", "2303.05039v2.pdf"]


def test_the_parquet_file_of_the_hub(tmp_path: Path) -> None:
    put_parquet(tmp_path / "bench" / "data" / "train-00000-of-00001.parquet", [RECORD, NONE])
    put(tmp_path / "bench" / "documents" / "mill.pdf")
    one, none = check_suite(make(MmLongBench, MmLongBenchOptions, tmp_path / "bench"))
    assert one["gold_pages"] == [{"doc": "mill.pdf", "page": 3}, {"doc": "mill.pdf", "page": 5}]
    assert none["answer_type"] == "unanswerable"


def test_version_2_has_kinds_of_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "bench", kind=MmLongBenchV2)
    assert [question["meta"] for question in check_suite(suite)] == [{}, {}, {}]
    kind = {key: RECORD[key] for key in ("doc_id", "question")} | {"task_type": "count", "requires_visual": True}
    file = tmp_path / "bench" / "data" / "question_types.json"
    put(file, json.dumps([kind]))
    assert check_suite(suite)[0]["meta"] == {"task_type": "count", "requires_visual": True}
    assert suite.name == "mmlongbench-doc-v2"
    put(file, json.dumps([{**kind, "requires_visual": "yes"}]))
    fails(suite, "question_types.json, record [0], field 'requires_visual': found 'yes', expected true or false")


@pytest.mark.parametrize("kind", [MmLongBench, MmLongBenchV2])
def test_a_question_whose_page_is_not_known_is_asked_without_one(tmp_path: Path, kind: type) -> None:
    records = [{**RECORD, "question": f"How many bags in year {number}?"} for number in range(60)]
    records[7] = {**records[7], "evidence_pages": "[0]"}  # as three of the published records are
    records[9] = {**records[9], "evidence_pages": "[0, 5]"}
    suite = _suite(tmp_path / "bench", *records, kind=kind)
    questions = check_suite(suite)
    assert [question["id"] for question in questions] == [f"mill.pdf#{number}" for number in range(60)]
    assert "gold_pages" not in questions[7]
    assert questions[7]["doc_ids"] == ["mill.pdf"]
    assert questions[9]["gold_pages"] == [{"doc": "mill.pdf", "page": 5}]
    assert suite.notes == [
        "samples.json: 2 of 60 records are used without the part that is wrong: "
        "record [7], field 'evidence_pages': found 0, expected a whole number of at least 1; "
        "record [9], field 'evidence_pages': found 0, expected a whole number of at least 1"
    ]


def test_wrong_fields(tmp_path: Path) -> None:
    file = "samples.json, record [0]"
    each_field_is_checked(RECORD, list(RECORD), lambda one: _suite(tmp_path / "bench", one), file)
    for wrong, words in (
        ({"evidence_pages": "[0]"}, "'evidence_pages': found 0, expected a whole number of at least 1"),
        ({"evidence_pages": "3, 5"}, "a list, or one written as a text"),
        ({"answer_format": "Number"}, "found 'Number', expected Str | Int | Float | List | None"),
        ({"doc_id": "/etc/passwd"}, "found the path '/etc/passwd'"),
    ):
        fails(_suite(tmp_path / "bench", {**RECORD, **wrong}), file, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "found {}, expected a list of objects"),
        ("[1]", "record [0]: found 1, expected an object"),
        ("[{]", "not valid JSON"),
        (b"[\xff]", "expected text in UTF-8"),
    ],
)
def test_no_list_of_records(tmp_path: Path, content: str | bytes, words: str) -> None:
    suite = _suite(tmp_path / "bench")
    put(tmp_path / "bench" / "data" / "samples.json", content)
    fails(suite, "samples.json", words)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    for kind, repository in (
        (MmLongBench, "mayubo2333/MMLongBench-Doc"),
        (MmLongBenchV2, "VectifyAI/MMLongBench-Doc-V2"),
    ):
        suite = make(kind, MmLongBenchOptions, tmp_path / "bench")
        fails(suite, "holds no 'data/documents' or 'documents'", repository, f"ragsys eval {suite.name} --list")
    (tmp_path / "bench" / "documents").mkdir()
    fails(
        make(MmLongBench, MmLongBenchOptions, tmp_path / "bench"), "data/samples.json", "train-00000-of-00001.parquet"
    )
