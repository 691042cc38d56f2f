"""M-LongDoc's schema, on a file of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys_suites.suites.m_longdoc import MLongDoc, MLongDocOptions
from suite_files import each_field_is_checked, fails, make, put, put_lines

from ragsys.testing.roles import check_suite

RECORD = {
    "question": "How does the oven vent?",
    "answer": "",
    "category": "figures or diagrams or charts",
    "evidence_pages": [115],
    "raw_output": "",
    "pred": "",
    "source": "data/test/2401.01729.json",
    "annotator": "a-model",
    "generator": "",
    "retrieved_pages": [],
    "judgements": [],
}


def _suite(folder: Path, *records: Any) -> MLongDoc:
    put_lines(folder / "data" / "questions" / "test.json", records or [RECORD])
    put(folder / "data" / "test" / "2401.01729.pdf")
    put(folder / "data" / "test" / "unasked.pdf")
    return make(MLongDoc, MLongDocOptions, folder)


def test_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", RECORD, {**RECORD, "category": "tables", "evidence_pages": [3, 4]})
    one, other = check_suite(suite)
    assert one["gold_pages"] == [{"doc": "2401.01729.pdf", "page": 115}]
    assert one["scope"] == ["2401.01729.pdf"]
    assert "answer" not in one
    assert "mlongdoc_correctness" not in suite.metrics  # without answers a judge has nothing to grade by
    assert [one["id"], other["id"]] == ["1", "2"]
    assert other["evidence_modality"] == ["table"]
    assert [path.name for path in suite.documents()] == ["2401.01729.pdf"]


def test_wrong_fields(tmp_path: Path) -> None:
    fields = ("question", "category", "evidence_pages", "source")
    each_field_is_checked(RECORD, fields, lambda one: _suite(tmp_path / "data", one), "test.json")
    fails(_suite(tmp_path / "data", RECORD, {**RECORD, "evidence_pages": [0]}), "line 2", "evidence_pages[0]", "0")
    fails(_suite(tmp_path / "data", {**RECORD, "category": "chart"}), "category", "chart", "tables")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    error = fails(make(MLongDoc, MLongDocOptions, tmp_path / "data"), "data/questions/test.json")
    assert "chiayewken/multimodal-docs" in str(error.hint)
