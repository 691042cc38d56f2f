"""TREC files: runs and qrels as standard tools read them, names that survive, answers within the track's limits."""

from __future__ import annotations

import itertools
import json
import struct
from pathlib import Path
from typing import Any, cast

import pytest

from ragsys.errors import SuiteError
from ragsys.evaluation import trec, trecrag
from ragsys.evaluation.records import ConfigInfo, Outcome, Provenance, Question, Scored

NASTY = "sub folder/100% of\tthe\u00a0plan #3.pdf"
QUESTIONS: tuple[Question, ...] = (
    {
        "id": "q 1",
        "question": "What?",
        "gold_pages": [{"doc": NASTY, "page": 3, "grade": 2.0}, {"doc": "b.pdf", "page": 1, "grade": 0.4}],
    },
    {"id": "q2", "question": "Who?", "gold_pages": [{"doc": "b.pdf", "page": 2}]},
    {"id": "q3", "question": "No gold?"},
)


def outcome(id: str, pages: list[tuple[str, int, float]], **more: Any) -> Outcome:
    made: Any = {
        "id": id,
        "config": "a",
        "pages": [{"doc": doc, "page": page, "score": score, "stage_scores": {}} for doc, page, score in pages],
        "answer": None,
        "status": None,
        "citations": [],
        "usage": {},
        "seconds": {},
        "error": None,
        **more,
    }
    return cast(Outcome, made)


OUTCOMES = (
    outcome("q 1", [("b.pdf", 9, 2.5), (NASTY, 3, 2.5), ("b.pdf", 1, 2.5), ("b.pdf", 9, 1.0), ("c.pdf", 1, 2.6)]),
    outcome("q2", [("b.pdf", 2, 0.0), ("c.pdf", 7, 0.0), ("c.pdf", 8, -3.0)]),
    outcome("q3", []),
)


def scored(outcomes: dict[str, tuple[Outcome, ...]], questions: tuple[Question, ...] = QUESTIONS) -> Scored:
    return Scored(
        provenance=Provenance("s", "MIT", "r", "c", "d", "x", "m", 1),
        questions=questions,
        configs=tuple(ConfigInfo(name, "0") for name in outcomes),
        metrics=(),
        outcomes=outcomes,
        scores={},
        estimates={},
        groups={},
    )


def test_scores_fall_strictly_in_single_precision(tmp_path: Path) -> None:
    lines = [line.split() for line in trec.run_lines(OUTCOMES, "my tag")]
    assert all(len(parts) == 6 and parts[1] == "Q0" and parts[5] == "my%20tag" for parts in lines)
    for qid, count in (("q%201", 4), ("q2", 3)):
        own = [parts for parts in lines if parts[0] == qid]
        assert [int(parts[3]) for parts in own] == list(range(1, count + 1))
        single = [struct.unpack("<f", struct.pack("<f", float(parts[4])))[0] for parts in own]
        assert all(first > second for first, second in itertools.pairwise(single))
    assert [parts[2] for parts in lines if parts[0] == "q2"] == ["b.pdf#2", "c.pdf#7", "c.pdf#8"]
    assert float(lines[-1][4]) == -3.0  # a score that falls by itself is left alone


@pytest.mark.parametrize("doc", ["a.pdf", NASTY, "%41 %.pdf", "x#1.pdf", "日本 語.pdf", "\ud83d.pdf"])
def test_a_name_is_one_word_and_can_be_read_back(doc: str) -> None:
    name = trec.docid(doc, 12)
    assert len(name.split()) == 1
    assert trec.place(name) == (doc, 12)


@pytest.mark.parametrize("name", ["a.pdf", "a.pdf#", "a.pdf#x", "a.pdf#²"])
def test_a_name_of_no_page_is_refused(name: str) -> None:
    with pytest.raises(SuiteError, match="names no page"):
        trec.place(name)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    trec.write(scored({"a": OUTCOMES}), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["qrels.trec", "run.trec"]
    run = trec.read_run(tmp_path / "run.trec")
    assert list(run) == ["a"]
    assert [trec.place(name) for name in run["a"]["q%201"]] == [
        ("b.pdf", 9), (NASTY, 3), ("b.pdf", 1), ("c.pdf", 1),
    ]  # fmt: skip
    nasty = trec.docid(NASTY, 3)
    assert trec.read_qrels(tmp_path / "qrels.trec") == {"q%201": {nasty: 2, "b.pdf#1": 1}, "q2": {"b.pdf#2": 1}}


def test_ir_measures_reads_both_and_agrees_by_hand(tmp_path: Path) -> None:
    ir_measures = pytest.importorskip("ir_measures")
    from ir_measures import RR, R

    trec.write(scored({"a": OUTCOMES}), tmp_path)
    found = ir_measures.calc_aggregate(
        [R @ 2, RR],
        list(ir_measures.read_trec_qrels(str(tmp_path / "qrels.trec"))),
        list(ir_measures.read_trec_run(str(tmp_path / "run.trec"))),
    )
    # q 1: of two gold pages one within the first two, the first at rank 2; q2: its page at rank 1
    assert found[R @ 2] == pytest.approx((0.5 + 1) / 2)
    assert found[RR] == pytest.approx((0.5 + 1) / 2)


def test_each_of_several_configurations_has_its_own_run(tmp_path: Path) -> None:
    names = ("laptop", "my/other", "LAPTOP")
    trec.write(scored(dict.fromkeys(names, OUTCOMES)), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "qrels.trec", "run.trec", "run.laptop.trec", "run.other.trec", "run.LAPTOP-2.trec",
    }  # fmt: skip
    assert (tmp_path / "run.trec").read_bytes() == (tmp_path / "run.laptop.trec").read_bytes()
    assert list(trec.read_run(tmp_path / "run.other.trec")) == ["my/other"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q Q0 a#1 1 0.5", r"run.trec:1: 5 columns, 6 are expected"),
        ("\nq Q0 a#1 one 0.5 t", r"run.trec:2: rank 'one'"),
        ("q Q0 a#1 1 nan t", r"run.trec:1: score 'nan'"),
        ("q Q0 a#1 1 2 t\nq Q0 a#1 2 1 t", r"run.trec:2: a#1 is ranked twice for q"),
    ],
)
def test_a_wrong_run_names_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "run.trec").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=said):
        trec.read_run(tmp_path / "run.trec")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q 0 a#1", "3 columns, 4 are expected"),
        ("q 0 a#1 0.5", "grade '0.5'"),
        ("q 0 a#1 1\nq 0 a#1 0", ":2: a#1 is judged twice"),
    ],
)
def test_wrong_qrels_name_their_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "q").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=said):
        trec.read_qrels(tmp_path / "q")
    with pytest.raises(SuiteError, match="cannot be read"):
        trec.read_qrels(tmp_path / "none")


def cited(doc: str, page: int, quote: str) -> dict[str, Any]:
    return {"doc": doc, "page": page, "bbox": [0, 0, 1, 1], "quote": quote, "level": "quoted"}


def test_an_answer_in_the_form_of_the_track() -> None:
    given = outcome(
        "1",
        [],
        answer="Coal drove mills.  Railways came later. Ford built cars.",
        status="answered",
        citations=[
            cited("r.pdf", 4, "the railways came in 1830"),
            cited("c.pdf", 1, "mills were driven by coal"),
            cited("c.pdf", 1, "coal"),
            cited("x.pdf", 9, "nothing alike"),
        ],
    )
    topic: Question = {"id": "1", "question": "How did it begin?"}
    made = trecrag.record(topic, given, "run-1")
    assert made == {
        "run_id": "run-1",
        "topic_id": "1",
        "topic": "How did it begin?",
        "references": ["c.pdf#1", "r.pdf#4"],
        "response_length": 9,
        "answer": [
            {"text": "Coal drove mills.", "citations": [0]},
            {"text": "Railways came later.", "citations": [1]},
            {"text": "Ford built cars.", "citations": []},
        ],
    }
    later = trecrag.record_2025(topic, given, "run-1", team="us")
    assert list(later) == ["metadata", "references", "answer"]
    assert later["metadata"] == {
        "team_id": "us", "run_id": "run-1", "type": "automatic", "narrative_id": "1", "narrative": "How did it begin?",
    }  # fmt: skip
    assert later["answer"] == made["answer"]


def test_limits_of_words_and_references() -> None:
    sentence = "Word" + " word" * 98 + " end."  # 100 words
    kept, length = trecrag.trimmed(" ".join([sentence] * 5))
    assert (len(kept), length) == (4, 400)
    assert trecrag.trimmed("one " * 401) == ([], 0)
    assert trecrag.words("ﬁve\u00a0words①in\u2003all") == 3  # NFKC: blanks of any width, no new ones
    many = outcome("1", [], answer="One fact.", citations=[cited(f"{n}.pdf", 1, "fact") for n in range(120)])
    topic: Question = {"id": "1", "question": "?"}
    assert len(trecrag.record(topic, many, "r")["references"]) == 20
    assert max(trecrag.record(topic, many, "r")["answer"][0]["citations"]) == 19
    assert len(trecrag.record_2025(topic, many, "r")["references"]) == 100


def test_what_the_track_does_not_get_is_told() -> None:
    long = " ".join(["Word" + " word" * 98 + " end."] * 5)
    given = [
        outcome("1", [], answer=long, status="answered", citations=[cited("x.pdf", 9, "nothing alike")]),
        outcome("2", [], answer="One fact.", citations=[cited(f"{n}.pdf", 1, "fact") for n in range(23)]),
        outcome("3", [], answer=None, status=None),
    ]
    (told,) = trecrag.notes({"a": given, "search": [given[2]], "whole": [outcome("4", [], answer="A fact.")]})
    assert told == (
        "a: left out of the files for the TREC RAG track: 1 topics without an answer; 1 answers longer than 400 words, "
        "in part; 3 references beyond 20 (2024); 1 citations whose quotes share no word with a sentence of their answer"
    )


def test_only_suites_of_topics_give_answers_to_the_track(tmp_path: Path) -> None:
    answered = tuple({**one, "answer": "Yes. \ud83d", "status": "answered"} for one in OUTCOMES)
    trec.write(scored({"a": answered}), tmp_path)  # type: ignore[dict-item]
    lines = (tmp_path / "rag.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["topic_id"] for line in lines] == ["q 1", "q2", "q3"]
    assert (tmp_path / "rag-2025.jsonl").is_file()
    other = tmp_path / "other"
    other.mkdir()
    trec.write(scored({"a": answered}, tuple({**q, "answer": "x"} for q in QUESTIONS)), other)  # type: ignore[dict-item]
    assert not (other / "rag.jsonl").exists()
