"""The topics and qrels of TREC RAG, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragsys_suites.suites.trec_rag import TrecRag, TrecRagOptions
from suite_files import fails, make, put, put_lines

from ragsys.testing.roles import check_suite

TOPICS_2024 = "2024-1\twhy do mills\tturn\n2024-2\twho grinds\n\n"
QRELS = "2024-1 0 doc_1#0_2 3\n2024-1 0 doc_2#1_5 1\n2024-1 0 doc_9#0_0 2\n2024-1 0 doc_8#0_0 0\n"


def _suite(folder: Path, topics: str = TOPICS_2024) -> TrecRag:
    put(folder / "topics.rag24.test.txt", topics)
    for name in ("a/doc_1#0_2.txt", "a/doc_2#1_5.md", "doc_3#0_0.txt", "notes.xyz"):
        put(folder / "corpus" / name, "A text.")
    return make(TrecRag, TrecRagOptions, folder)


def test_topics_of_2024(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    one, two = check_suite(suite)
    assert (one["id"], one["question"]) == ("2024-1", "why do mills\tturn")
    assert "doc_ids" not in two
    assert "doc_ids" not in one
    assert [path.name for path in suite.documents()] == ["doc_1#0_2.txt", "doc_2#1_5.md", "doc_3#0_0.txt"]


def test_topics_of_2025(tmp_path: Path) -> None:
    put(tmp_path / "data" / "trec_rag_2025_queries.jsonl", json.dumps({"id": "100", "title": "I want to know"}) + "\n")
    put(tmp_path / "elsewhere" / "one.txt", "A text.")
    suite = make(TrecRag, TrecRagOptions, tmp_path / "data", corpus=tmp_path / "elsewhere")
    (question,) = check_suite(suite)
    assert (question["id"], question["question"], question["source"]) == ("100", "I want to know", "2025")
    bad = put(tmp_path / "data" / "trec_rag_2025_queries.jsonl", json.dumps({"id": "100"}) + "\n")
    fails(suite, bad.name, "line 1", "title", "missing")


def test_judgements(tmp_path: Path) -> None:
    one, two = check_suite(_judged(tmp_path))
    assert one["doc_ids"] == ["a/doc_1#0_2.txt"]
    assert one["meta"] == {"qrels": {"a/doc_1#0_2.txt": 3, "a/doc_2#1_5.md": 1}, "judged_elsewhere": 1}
    assert "meta" not in two
    lower, _ = check_suite(_judged(tmp_path, relevant=1))
    assert lower["doc_ids"] == ["a/doc_1#0_2.txt", "a/doc_2#1_5.md"]


def test_nuggets(tmp_path: Path) -> None:
    _suite(tmp_path / "data")
    record = {"qid": "2024-2", "nuggets": [{"text": "stones grind", "importance": "vital", "assignment": "support"}]}
    other = {"qid": "2024-2", "nuggets": [{"text": "another run", "importance": "okay", "assignment": "support"}]}
    path = put_lines(tmp_path / "data" / "nuggets.jsonl", [record, other])
    suite = make(TrecRag, TrecRagOptions, tmp_path / "data", nuggets=path.name)
    one, two = check_suite(suite)
    assert "nuggets" not in one
    assert two["nuggets"] == [{"text": "stones grind", "vital": True}]
    put_lines(path, [{"qid": "2024-2", "nuggets": [{"text": "x", "importance": "high"}]}])
    fails(suite, "nuggets.jsonl", "line 1", "nuggets[0].importance", "'high'", "vital | okay")


def test_wrong_lines(tmp_path: Path) -> None:
    fails(_suite(tmp_path / "data", "2024-1 no tab\n"), "topics.rag24.test.txt, line 1", "no tab", "an id, a tab")
    fails(_judged(tmp_path, text="2024-1 0 doc\n"), "qrels.txt:1", "qid 0 docid grade")
    fails(_judged(tmp_path, text="2024-1 0 doc high\n"), "qrels.txt:1", "grade", "high", "whole number")
    put(tmp_path / "data" / "corpus" / "b" / "doc_1#0_2.md", "Again.")
    fails(_judged(tmp_path), "same document id", "doc_1#0_2")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    fails(make(TrecRag, TrecRagOptions, tmp_path / "data"), "corpus")
    put(tmp_path / "data" / "corpus" / "one.txt", "A text.")
    error = fails(make(TrecRag, TrecRagOptions, tmp_path / "data"), "topics.rag24.test.txt")
    assert "castorini/anserini-tools" in str(error.hint)


def _judged(tmp_path: Path, text: str = QRELS, **given: Any) -> TrecRag:
    _suite(tmp_path / "data")
    put(tmp_path / "data" / "qrels.txt", text)
    return make(TrecRag, TrecRagOptions, tmp_path / "data", qrels="qrels.txt", **given)
