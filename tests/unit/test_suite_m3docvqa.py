"""M3DocVQA's schema, on files of our own."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.m3docvqa import M3DocVqa, M3DocVqaOptions
from suite_files import each_field_is_checked, fails, make, put, put_lines

from ragsys.testing.roles import check_suite

LINE = {
    "qid": "5454c14a",
    "question": "Which mill is taller?",
    "answers": [{"answer": "Upper Mill", "type": "string", "modality": "text"}],
    "metadata": {"type": "Compose(TableQ,TextQ)", "modalities": ["text", "table"]},
    "supporting_context": [{"doc_id": "a1", "doc_part": "table"}, {"doc_id": "b2", "doc_part": "image"}],
}
LIST = {
    **LINE,
    "qid": "2",
    "answers": [{"answer": "Upper"}, {"answer": 7}],
    "supporting_context": LINE["supporting_context"][:1],
}  # type: ignore[index]


def _suite(folder: Path, *lines: Any, ids: Any = ("a1", "b2", "c3"), absent: str = "error") -> M3DocVqa:
    put_lines(folder / "multimodalqa" / "MMQA_dev.jsonl", lines or [LINE, LIST])
    put(folder / "dev_doc_ids.json", json.dumps(ids))
    for name in ("a1", "b2", "c3"):
        put(folder / "pdfs_dev" / f"{name}.pdf")
    suite: M3DocVqa = make(M3DocVqa, M3DocVqaOptions, folder, absent=absent)
    return suite


def test_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    one, several = check_suite(suite)
    assert one == {
        "id": "5454c14a",
        "question": "Which mill is taller?",
        "answer": "Upper Mill",
        "answers": ["Upper Mill"],
        "answer_type": "text",
        "doc_ids": ["a1.pdf", "b2.pdf"],  # no pages, and no scope: all documents are searched
        "evidence_modality": ["table", "figure"],
        "source": "Compose(TableQ,TextQ)",
    }
    assert several["answer"] == '["Upper", "7"]'  # the members of one list, not alternatives
    assert several["answer_type"] == "list"
    assert [path.name for path in suite.documents()] == ["a1.pdf", "b2.pdf", "c3.pdf"]


def test_answers_as_texts(tmp_path: Path) -> None:
    (question,) = check_suite(_suite(tmp_path / "data", {**LINE, "answers": ["Upper Mill"]}))
    assert question["answers"] == ["Upper Mill"]


def test_documents_that_could_not_be_downloaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _suite(tmp_path / "data")
    (tmp_path / "data" / "pdfs_dev" / "b2.pdf").unlink()
    suite = make(M3DocVqa, M3DocVqaOptions, tmp_path / "data", absent="skip")
    with caplog.at_level(logging.WARNING, "ragsys.suites"):
        assert [question["id"] for question in check_suite(suite)] == ["2"]
    assert "1 of 3 documents are left out" in caplog.text
    assert "1 questions are left out" in caplog.text


def test_wrong_fields(tmp_path: Path) -> None:
    file = "MMQA_dev.jsonl, line 1"
    each_field_is_checked(
        LINE, ["qid", "question", "answers", "supporting_context"], lambda one: _suite(tmp_path / "data", one), file
    )
    for wrong, words in (
        ({"answers": []}, "'answers': found [], expected at least one answer"),
        ({"answers": [{"text": "x"}]}, "'answers[0]': found {'text': 'x'}"),
        (
            {"supporting_context": [{"doc_id": "z9", "doc_part": "text"}]},
            "found 'z9', expected an id that dev_doc_ids.json",
        ),
        ({"supporting_context": [{"doc_id": "a1"}]}, "'supporting_context[0].doc_part': missing"),
    ):
        fails(_suite(tmp_path / "data", {**LINE, **wrong}), file, words)
    fails(_suite(tmp_path / "data", ids={"a1": 1}), "dev_doc_ids.json", "expected a list of texts")
    fails(_suite(tmp_path / "data", ids=["a1", 2]), "dev_doc_ids.json, [1]: found 2, expected a text")
    fails(_suite(tmp_path / "data", ids=["../a1"]), "dev_doc_ids.json", "'../a1.pdf'")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(M3DocVqa, M3DocVqaOptions, tmp_path / "data")
    fails(suite, "holds no 'pdfs_dev' or 'splits/pdfs_dev'", "bloomberg/m3docrag", "download_pdfs")
    (tmp_path / "data" / "splits" / "pdfs_dev").mkdir(parents=True)
    fails(suite, "dev_doc_ids.json")
    put(tmp_path / "data" / "dev_doc_ids.json", "[]")
    fails(suite, "MMQA_dev.jsonl")
