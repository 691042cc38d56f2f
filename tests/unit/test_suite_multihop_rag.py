"""MultiHop-RAG's schema, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragsys_suites.suites.multihop_rag import MultiHopRag, MultiHopRagOptions
from suite_files import each_field_is_checked, fails, make, put

from ragsys.testing.roles import check_suite

ARTICLES = [
    {
        "title": "The mill: a story",
        "author": None,
        "source": "The Daily",
        "published_at": "2023-09-28T12:00:00+00:00",
        "category": "business",
        "url": "news://daily/mill",
        "body": "The mill turned.\nIt was sold in May.",
    },
    {
        "title": "The mill: a story",
        "author": "A. Writer",
        "source": "The Weekly",
        "published_at": "2023-10-01T12:00:00+00:00",
        "category": "business",
        "url": "news://weekly/mill",
        "body": "The miller left in June.",
    },
]
QUESTION = {
    "query": "Was the mill sold before the miller left?",
    "answer": "Yes",
    "question_type": "temporal_query",
    "evidence_list": [
        {**{k: v for k, v in ARTICLES[0].items() if k != "body"}, "fact": "It was sold in May."},
        {**{k: v for k, v in ARTICLES[1].items() if k != "body"}, "fact": "The miller left in June."},
    ],
}
NULL = {"query": "Who?", "answer": "Insufficient information.", "question_type": "null_query", "evidence_list": []}


def _suite(folder: Path, *records: Any, articles: Any = ARTICLES) -> MultiHopRag:
    put(folder / "MultiHopRAG.json", json.dumps(list(records) or [QUESTION, NULL]))
    put(folder / "corpus.json", json.dumps(articles))
    return make(MultiHopRag, MultiHopRagOptions, folder)


def test_questions_and_articles(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    one, null = check_suite(suite)
    paths = list(suite.documents())
    assert len(set(paths)) == 2  # two outlets, one title
    assert paths[0].read_text(encoding="utf-8") == (
        "# The mill: a story\n\nsource: The Daily\npublished_at: 2023-09-28T12:00:00+00:00\n\n"
        "The mill turned.\nIt was sold in May.\n"
    )
    assert [(suite.root / gold["doc"], gold["text"]) for gold in one["gold_passages"]] == [
        (paths[0], "It was sold in May."),
        (paths[1], "The miller left in June."),
    ]
    assert one["answer_type"] == "yesno"
    assert null["answer_type"] == "unanswerable"
    assert "gold_passages" not in null
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["MultiHopRAG.json", "corpus.json"]


def test_other_articles_are_written_elsewhere(tmp_path: Path) -> None:
    before = _suite(tmp_path / "data")
    root, revision = before.root, before.revision
    after = _suite(tmp_path / "data", QUESTION, articles=[{**ARTICLES[0], "body": "It burned."}, ARTICLES[1]])
    assert after.root != root
    assert after.revision != revision


def test_wrong_fields(tmp_path: Path) -> None:
    each_field_is_checked(QUESTION, tuple(QUESTION), lambda one: _suite(tmp_path / "data", one), "MultiHopRAG.json")
    read = ("title", "source", "published_at", "url", "body")
    each_field_is_checked(ARTICLES[1], read, lambda one: _suite(tmp_path / "data", articles=[one]), "corpus.json")
    elsewhere = {**QUESTION, "evidence_list": [{"url": "news://none", "fact": "x"}]}
    fails(_suite(tmp_path / "data", elsewhere), "record [0]", "evidence_list[0].url", "news://none", "corpus.json")
    fails(_suite(tmp_path / "data", {**QUESTION, "evidence_list": []}), "evidence_list", "null_query")
    fails(_suite(tmp_path / "data", articles=[ARTICLES[0], ARTICLES[0]]), "corpus.json", "news://daily/mill", "twice")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "yixuantt" in str(fails(make(MultiHopRag, MultiHopRagOptions, tmp_path / "data"), "corpus.json").hint)
