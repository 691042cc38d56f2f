"""OHR-Bench's schema, on a file of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragsys_suites.suites.ohr_bench import OhrBench, OhrBenchOptions
from suite_files import each_field_is_checked, fails, make, put

from ragsys.testing.roles import check_suite

RECORD = {
    "doc_name": "finance/MILL_2021Q1",
    "ID": "00073cc2",
    "questions": "How much flour?",
    "answers": "842",
    "doc_type": "finance",
    "answer_form": "Numeric",
    "evidence_source": "table",
    "evidence_context": "flour & 842",
    "evidence_page_no": 24,
}
SEVERAL = {
    **RECORD,
    "doc_name": "law/contract",
    "ID": "1",
    "doc_type": "law",
    "answer_form": "Yes/No",
    "answers": "Yes",
    "evidence_context": ["first", "second"],
    "evidence_page_no": [0, 3],
}


def _suite(folder: Path, *records: Any, **options: Any) -> OhrBench:
    put(folder / "qas_v2.json", json.dumps(list(records) or [RECORD, SEVERAL]))
    put(folder / "pdfs" / "finance" / "MILL_2021Q1.pdf")
    put(folder / "pdfs" / "law" / "contract.pdf")
    return make(OhrBench, OhrBenchOptions, folder, **options)


def test_questions(tmp_path: Path) -> None:
    one, other = check_suite(_suite(tmp_path / "data"))
    assert one["gold_pages"] == [{"doc": "finance/MILL_2021Q1.pdf", "page": 25}]
    assert one["evidence_modality"] == ["table"]
    assert [page["page"] for page in other["gold_pages"]] == [1, 4]
    assert [passage["text"] for passage in other["gold_passages"]] == ["first", "second"]
    assert other["answer_type"] == "yesno"


def test_one_domain(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", domain="law")
    (question,) = check_suite(suite)
    assert question["source"] == "law"
    assert [path.name for path in suite.documents()] == ["contract.pdf"]


def test_wrong_fields(tmp_path: Path) -> None:
    each_field_is_checked(RECORD, tuple(RECORD), lambda one: _suite(tmp_path / "data", one), "qas_v2.json")
    fails(_suite(tmp_path / "data", RECORD, {**SEVERAL, "evidence_page_no": [0, "x"]}), "[1]", "evidence_page_no[1]")
    fails(
        _suite(tmp_path / "data", {**RECORD, "doc_name": "../secret"}), "record [0]", "doc_name", "../secret", "pdfs/"
    )


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "pdfs.zip" in str(fails(make(OhrBench, OhrBenchOptions, tmp_path / "data"), "pdfs").hint)
    put(tmp_path / "data" / "pdfs" / "a.pdf")
    fails(make(OhrBench, OhrBenchOptions, tmp_path / "data"), "qas_v2.json")
