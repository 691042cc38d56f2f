"""Scores of a run: names of metrics, what errors count for, groups, what configurations are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import evaluating
import pytest

from ragsys.config import load
from ragsys.errors import UsageError
from ragsys.evaluation.grouping import groups_of
from ragsys.evaluation.records import ConfigInfo, MetricInfo, Outcome, Provenance, Question, Scored
from ragsys.evaluation.scoring import NamedMetric, build_metrics, main_metrics, score

PROVENANCE = Provenance("tiny", "CC0", "1", "ragsys eval tiny", "2026-01-01", "abc", "here", 0)
GOLD: list[Question] = [
    {
        "id": f"q{n}",
        "question": "?",
        "gold_pages": [{"doc": f"d{n % 4}.pdf", "page": 1}],
        "answer": "yes",
        "source": "ab"[n % 2],
        "evidence_modality": ["text", "table"] if n == 0 else ["text"],
        "answer_type": "text",
    }
    for n in range(8)
]


@pytest.fixture(autouse=True)
def _metrics() -> None:
    evaluating.install()


def outcome(question: str, config: str, *, hit: bool = True, **changes: Any) -> Outcome:
    gold = next(one for one in GOLD if one["id"] == question)["gold_pages"][0]["doc"]
    made: Outcome = {
        "id": question,
        "config": config,
        "pages": [{"doc": gold if hit else "other.pdf", "page": 1, "score": 1.0, "stage_scores": {}}],
        "answer": "Yes, it is.",
        "status": "answered",
        "citations": [],
        "usage": {"calls": 0},
        "seconds": {"total": 0.1},
        "error": None,
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def scored(metrics: Sequence[str], **outcomes: Sequence[Outcome]) -> Scored:
    made, _ = build_metrics(metrics)
    return score(
        GOLD,
        outcomes,
        made,
        main=main_metrics(made),
        configs=[ConfigInfo(name, name) for name in outcomes],
        provenance=PROVENANCE,
    )


def test_the_number_behind_the_name_is_the_depth() -> None:
    made, notes = build_metrics(["found@3", "found", "said"])
    assert [(one.name, one.k) for one in made] == [("found@3", 3), ("found", 10), ("said", None)]
    assert made[0].info.name == "found@3"
    assert not notes


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fuond", "Did you mean 'found'"),
        ("found@", "@K is a number"),
        ("found@0", "@K is a number"),
        ("found@five", "@K is a number"),
        ("found@²", "@K is a number"),
        ("said@5", "takes no @K"),
    ],
)
def test_wrong_names_are_told(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_metrics([name])


def test_a_metric_that_asks_a_model_needs_one_that_is_pinned() -> None:
    with pytest.raises(UsageError, match="asks a model") as caught:
        build_metrics(["asks"], needs=load("laptop"))
    assert "--judge" in str(caught.value)
    made, notes = build_metrics(["asks", "said"], needs=load("laptop"), asked=False)
    assert [one.name for one in made] == ["said"]
    assert "left out" in notes[0]
    made, notes = build_metrics(["asks"], judge=load("laptop", ["generator.use=grader"]))
    assert [one.name for one in made] == ["asks"]
    assert not notes


def test_a_judge_that_cannot_judge_is_refused() -> None:
    with pytest.raises(UsageError, match="'extractive' cannot judge") as caught:
        build_metrics(["asks"], judge=load("laptop"))
    assert "configure a language model" in str(caught.value)


def test_a_judge_that_nothing_asks_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to judge") as caught:
        build_metrics(["said"], judge=load("laptop", ["generator.use=grader"]))
    assert "--metric NAME, one of: " in str(caught.value)
    assert "asks" in str(caught.value)


class Opinion:
    """A metric that asks a model, which gives no usable reply about the first question."""

    judge = "sharp@1"

    def __init__(self) -> None:
        self.info = MetricInfo("opinion", "what a model says")
        self.lost = 0

    def score(self, question: Question, outcome: Outcome) -> float | None:
        self.lost += question["id"] == "q0"
        return None if question["id"] == "q0" else 1.0

    def notes(self) -> list[str]:
        return [f"judged by {self.judge}", f"{self.lost} replies of the judge could not be used"]


def test_who_judged_and_what_became_of_it_is_told() -> None:
    made = score(
        GOLD,
        {name: [outcome(q["id"], name) for q in GOLD] for name in ("a", "b")},
        [NamedMetric("opinion", Opinion())],
        main=["opinion"],
        configs=[ConfigInfo("a", "1", "blunt@1"), ConfigInfo("b", "2", "sharp@1")],
        provenance=PROVENANCE,
    )
    assert made.estimates["a"]["opinion"].undefined == 1
    assert made.notes[1:] == (
        "opinion: judged by sharp@1",
        "opinion: 2 replies of the judge could not be used",
        "b: answered by the model that judges, sharp@1: models favour their own answers",
    )


def test_a_real_difference_is_told_and_a_total_is_no_mean() -> None:
    a = [outcome(q["id"], "a") for q in GOLD]
    b = [outcome(q["id"], "b", hit=n == 0, status="abstained" if n < 4 else "answered") for n, q in enumerate(GOLD)]
    made = scored(["found@1", "said", "share-answered"], a=a, b=b)
    assert made.estimates["a"]["found@1"].value == 1.0
    assert made.estimates["b"]["found@1"].value == 1 / 8
    assert made.estimates["b"]["share-answered"].value == 0.5
    assert made.estimates["b"]["share-answered"].clusters == 4
    assert {one.metric for one in made.comparisons} == {"found@1", "said", "share-answered"}
    total = next(one for one in made.comparisons if one.metric == "share-answered")
    assert (total.difference, total.n, total.clusters) == (0.5, 8, 4)
    first = made.comparisons[0]
    assert (first.a, first.b, first.difference, first.n) == ("a", "b", 7 / 8, 8)
    assert first.p_adjusted >= first.p
    assert set(made.groups) == {"source", "modality", "document"}  # all answers are of one type, all gold is one page
    assert made.groups["source"]["a"]["b"]["found@1"].value == 1 / 4
    assert made.groups["source"]["b"]["b"]["found@1"].value == 0.0
    assert made.groups["modality"]["table"]["a"]["found@1"].n == 1


def test_failing_never_pays() -> None:
    fine = [outcome(q["id"], "a") for q in GOLD]
    broken: dict[str, Any] = {"pages": [], "answer": None, "status": None, "error": "GenerationError: gone"}
    failed = [*fine[:4], *(outcome(q["id"], "b", **broken) for q in GOLD[4:])]
    made = scored(["found@1", "said", "share-answered"], a=fine, b=failed)
    assert made.estimates["b"]["found@1"].value == 0.5
    assert made.estimates["b"]["said"].value == 0.5
    assert made.estimates["b"]["said"].undefined == 0
    assert made.estimates["b"]["share-answered"].value == 0.5
    assert any("4 of 8 questions ended with an error, such as: GenerationError: gone" in note for note in made.notes)


def test_what_searches_said_of_themselves_is_told_once_with_counts() -> None:
    plain, said = [outcome(q["id"], "a") for q in GOLD], "the ranking model was not used"
    noted = [outcome(q["id"], "b", notes=[said]) for q in GOLD]
    some = [*(outcome(q["id"], "c", notes=[said]) for q in GOLD[:3]), *(outcome(q["id"], "c") for q in GOLD[3:])]
    notes = scored(["found@1"], a=plain, b=noted, c=some).notes
    assert [note for note in notes if said in note] == [f"b, c: in 3 to 8 of 8 questions: {said}"]
    assert not any(said in note for note in scored(["found@1"], a=plain).notes)
    many = [outcome(q["id"], "d", notes=[f"note {n}"]) for n, q in enumerate(GOLD)]
    told = [note for note in scored(["found@1"], d=many).notes if "note" in note]
    assert told[0] == "d: in 1 of 8 questions: note 0"
    assert told[-1] == "3 more kinds of notes of searches are in results.jsonl"


def test_what_is_defined_nowhere_is_left_out_and_told() -> None:
    only: dict[str, Any] = {"answer": None, "status": None}
    made = scored(["found@1", "said", "share-answered"], a=[outcome(q["id"], "a", **only) for q in GOLD])
    assert [metric.name for metric in made.metrics] == ["found@1"]
    assert made.notes[0] == (
        "left out, as they need answers and the run only searched (--search-only): said, share-answered"
    )


def test_what_no_answer_would_define_is_told_apart() -> None:
    asked: list[Question] = [{"id": q["id"], "question": "?", "doc_ids": ["d"]} for q in GOLD]
    made, _ = build_metrics(["found@1", "said", "share-answered"])
    told = score(
        asked,
        {"a": [outcome(q["id"], "a", answer=None, status=None) for q in GOLD]},
        made,
        main=[],
        configs=[ConfigInfo("a", "1")],
        provenance=PROVENANCE,
    ).notes
    assert told[:2] == (
        "defined for no question here: found@1, said",
        "left out, as they need answers and the run only searched (--search-only): share-answered",
    )


def test_numbers_that_rest_on_too_little_are_told() -> None:
    made = scored(["found@1"], a=[outcome(q["id"], "a") for q in GOLD])
    assert (made.estimates["a"]["found@1"].low, made.estimates["a"]["found@1"].high) == (1.0, 1.0)
    (told,) = made.notes
    assert told.startswith("8 questions on 4 documents: too few to rely on")
    asked: list[Question] = [
        {"id": str(n), "question": "?", "doc_ids": [str(n)], **({"answer": "yes"} if n < 3 else {})}  # type: ignore[typeddict-item]
        for n in range(12)
    ]
    metrics, _ = build_metrics(["said", "share-answered"])
    given = [{**outcome("q0", "a"), "id": str(n)} for n in range(12)]
    made = score(asked, {"a": given}, metrics, main=[], configs=[ConfigInfo("a", "1")], provenance=PROVENANCE)  # type: ignore[dict-item]
    assert made.notes == ("fewer than 10 documents, too few to rely on: said",)


def test_one_metric_of_a_family_is_compared() -> None:
    made, _ = build_metrics(["found@5", "found@1", "said", "share-answered"])
    assert main_metrics(made) == ["found@5", "said", "share-answered"]


def test_groups_that_say_nothing_are_left_out() -> None:
    assert groups_of(GOLD[:1], ["d0.pdf"])["modality"] == {"table": [0], "text": [0]}
    assert set(groups_of(GOLD[:1], ["d0.pdf"])) == {"modality"}
    plain: list[Question] = [{"id": "q", "question": "?"}, {"id": "r", "question": "?"}]
    assert groups_of(plain, ["q", "r"]) == {}
    some: list[Question] = [
        {"id": "q", "question": "?", "answer_type": "text"},
        {"id": "r", "question": "?"},
        {"id": "s", "question": "?", "answer_type": "yesno"},
    ]
    types = groups_of(some, ["q", "r", "s"])["answer type"]
    assert list(types.items()) == [("text", [0]), ("yesno", [2]), ("not stated", [1])]
    many: list[Question] = [
        {"id": str(n), "question": "?", "gold_pages": [{"doc": "d", "page": page} for page in range(1, n + 1)]}
        for n in range(6)
    ]
    many[0]["gold_pages"] = [{"doc": "d", "page": 1, "grade": 0.0}]  # judged, and no gold
    assert groups_of(many, ["d"] * 6)["gold pages"] == {"0": [0], "1": [1], "2": [2], "3 or more": [3, 4, 5]}


def test_named_keeps_what_the_metric_says() -> None:
    made, _ = build_metrics(["found@3"])
    assert isinstance(made[0], NamedMetric)
    assert made[0].info.summary == made[0].metric.info.summary
