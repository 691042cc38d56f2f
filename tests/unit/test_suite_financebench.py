"""FinanceBench's schema, on a file of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys_suites.suites.financebench import FinanceBench, FinanceBenchOptions
from suite_files import each_field_is_checked, fails, make, put, put_lines

from ragsys.testing.roles import check_suite

RECORD = {
    "financebench_id": "financebench_id_1",
    "company": "Mill",
    "doc_name": "MILL_2020_10K",
    "question_type": "metrics-generated",
    "question_reasoning": None,
    "domain_question_num": None,
    "question": "What did the mill earn?",
    "answer": "$12.00",
    "justification": "line 3",
    "dataset_subset_label": "OPEN_SOURCE",
    "evidence": [
        {"evidence_text": "Earned 12", "doc_name": "MILL_2020_10K", "evidence_page_num": 59},
        {"evidence_text": "Spent 3", "doc_name": "MILL_2020_10K", "evidence_page_num": 59},
        {"evidence_text": "Earned 9", "doc_name": "MILL_2019_10K", "evidence_page_num": 0},
    ],
}


def _suite(folder: Path, *records: Any, **options: Any) -> FinanceBench:
    put_lines(folder / FinanceBench.FILES[0], records or [RECORD])
    for name in ("MILL_2020_10K", "MILL_2019_10K", "OTHER_2001_10K"):
        put(folder / "pdfs" / f"{name}.pdf")
    return make(FinanceBench, FinanceBenchOptions, folder, **options)


def test_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (question,) = check_suite(suite)
    assert question["gold_pages"] == [{"doc": "MILL_2020_10K.pdf", "page": 60}, {"doc": "MILL_2019_10K.pdf", "page": 1}]
    assert [one["text"] for one in question["gold_passages"]] == ["Earned 12", "Spent 3", "Earned 9"]
    assert question["answers"] == ["$12.00"]
    assert "scope" not in question
    assert {path.name for path in suite.documents()} == {"MILL_2020_10K.pdf", "MILL_2019_10K.pdf"}


def test_a_question_may_be_asked_of_its_own_filing_alone(tmp_path: Path) -> None:
    (question,) = check_suite(_suite(tmp_path / "data", setting="single"))
    assert question["scope"] == ["MILL_2020_10K.pdf"]


def test_wrong_fields(tmp_path: Path) -> None:
    fields = ("financebench_id", "question", "answer", "doc_name", "question_type", "company", "evidence")
    each_field_is_checked(RECORD, fields, lambda one: _suite(tmp_path / "data", one), "financebench_open_source.jsonl")
    bad = {**RECORD, "evidence": [{"evidence_text": "x", "doc_name": "MILL_2020_10K", "evidence_page_num": -1}]}
    fails(_suite(tmp_path / "data", RECORD, bad), "line 2", "evidence[0].evidence_page_num", "-1", "at least 0")
    outside = {**RECORD, "doc_name": "../../secret", "evidence": []}
    fails(_suite(tmp_path / "data", outside), "../../secret", "below")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    error = fails(make(FinanceBench, FinanceBenchOptions, tmp_path / "data"), FinanceBench.FILES[0])
    assert "patronus-ai/financebench" in str(error.hint)
