"""Metrics of citations, abstention, cost and images, against values worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from ragsys_suites.metrics.abstention import accuracy_of_surest, risk_coverage_area
from ragsys_suites.metrics.mramg import distance, shown
from scored import abstention, build, failure, gold, outcome, pages, question


def cite(page: int, level: str, quote: str = "q", doc: str = "a") -> dict[str, Any]:
    return {"doc": doc, "page": page, "bbox": [0.0, 0.0, 1.0, 1.0], "quote": quote, "level": level}


# five boxes, four citations: page 1 "q" has two boxes and counts by its better level
CITING = outcome(
    "It is.",
    citations=[cite(1, "located"), cite(1, "supported"), cite(1, "quoted", "r"), cite(2, "located"), cite(3, "none")],
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("located_share", 3 / 4),
        ("quoted_share", 2 / 4),
        ("supported_share", 1 / 4),
        ("citation_page_precision", 1 / 2),  # cites pages 1 and 2 (3 is not proved to be there), gold 1 and 9
        ("citation_page_recall", 1 / 2),
    ],
)
def test_citations(name: str, value: float) -> None:
    asked = question(gold_pages=gold("a:1", "a:9"))
    metric = build(name)
    assert metric.score(asked, CITING) == value
    assert metric.score(asked, outcome("It is.")) == 0.0
    assert metric.score(asked, outcome()) is None
    assert metric.score(asked, abstention()) == (0.0 if name == "citation_page_recall" else None)
    assert metric.score(asked, failure()) == (0.0 if name == "citation_page_recall" else None)
    assert metric.score(question(), CITING) == (None if "page" in name else value)


def test_a_cited_page_of_grade_nothing_is_not_gold() -> None:
    asked = question(gold_pages=gold("a:1:0", "a:2"))
    assert build("citation_page_precision").score(asked, CITING) == 1 / 2


ASKED = question(answer="Paris", answer_type="text")
NOTHING = question(answer="Not answerable", answer_type="unanswerable")


@pytest.mark.parametrize(
    ("name", "of_none", "of_some"),
    [
        # scores of (abstention, answer, failure) for an unanswerable question, and for an answerable one
        ("abstention_accuracy", (1.0, 0.0, 0.0), (None, None, None)),
        ("abstention_recall", (1.0, 0.0, 0.0), (None, None, None)),
        ("abstention_precision", (1.0, None, None), (0.0, None, None)),
        ("answer_coverage", (None, None, None), (0.0, 1.0, 0.0)),
    ],
)
def test_abstention(name: str, of_none: tuple[Any, ...], of_some: tuple[Any, ...]) -> None:
    metric = build(name)
    given = (abstention(), outcome("Paris"), failure())
    assert tuple(metric.score(NOTHING, one) for one in given) == of_none
    assert tuple(metric.score(ASKED, one) for one in given) == of_some
    assert metric.score(NOTHING, outcome()) is None
    assert metric.score(ASKED, outcome()) is None
    partial = outcome("Paris", status="partial")
    assert metric.score(ASKED, partial) == (1.0 if name == "answer_coverage" else None)


def test_the_area_under_risk_and_coverage() -> None:
    # risks by confidence 0, 1, 0: risks of the first i are 0, 1/2, 1/3 -> mean 5/18
    assert risk_coverage_area([(0.2, 0.0), (0.9, 0.0), (0.5, 1.0)]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    # all equal: each place holds the mean risk of 1/3
    assert risk_coverage_area([(0.5, 0.0), (0.5, 0.0), (0.5, 1.0)]) == pytest.approx(1 / 3)
    # one sure and right, two equal with risk 1/2 each: 0, .5/2, 1/3
    assert risk_coverage_area([(0.9, 0.0), (0.5, 0.0), (0.5, 1.0)]) == pytest.approx((0 + 1 / 4 + 1 / 3) / 3)


def test_aurc_takes_the_best_page_for_confidence() -> None:
    metric = build("aurc")
    questions = [ASKED, ASKED, ASKED, NOTHING, question()]

    def sure(answer: str, score: float) -> Any:
        return outcome(answer, pages=[{**pages("a:1")[0], "score": score}])

    # right .2 | wrong .5 | right .9 | abstained rightly, last | no gold answer, left out: risks 0 1 0 0
    outcomes = [sure("Paris", 0.2), sure("Rome", 0.5), sure("Paris", 0.9), abstention(), sure("Rome", 1.0)]
    assert metric.total(questions, outcomes) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert [metric.score(q, o) for q, o in zip(questions, outcomes, strict=True)] == [0.0, 1.0, 0.0, 0.0, None]
    # a better signal is taken instead: now the wrong one is last of the three
    outcomes[1] = {**outcomes[1], "usage": {"confidence": 0.1}}
    assert metric.total(questions, outcomes) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert metric.total([question()], [outcome("Rome")]) is None
    assert metric.total([ASKED], [failure()]) == 1.0
    assert not metric.info.higher_is_better


def test_cost() -> None:
    spent = outcome(
        "Paris",
        usage={"calls": 2, "input_tokens": 300, "output_tokens": 20, "seconds": 1.5},
        seconds={"search": 0.5, "total": 2.25},
    )
    expected = {"seconds": 2.25, "calls": 2.0, "tokens": 320.0, "input_tokens": 300.0, "output_tokens": 20.0}
    for name, value in expected.items():
        metric = build(name)
        assert metric.score(question(), spent) == value
        assert metric.score(question(), outcome()) is None
        assert not metric.info.higher_is_better
    assert build("seconds").score(question(), outcome(usage={"seconds": 1.5})) == 1.5


def test_the_images_of_an_answer() -> None:
    text = "One ![a cat](images/cat.png) two <img:dog> and ![](<fig 3.jpg>) and again ![](cat.jpg)."
    assert shown(text) == ["cat", "dog", "fig 3"]
    assert shown("no image [link](cat.png)") == []
    assert shown("![](a/3.1) ![](3.2) ![](C:\\x\\4.JPG)") == ["3.1", "3.2", "4"]


def test_turning_one_list_into_another() -> None:
    assert distance(["a", "b"], ["a", "b"]) == 0.0
    assert distance(["a", "x"], ["a", "b"]) == 1.0  # wrong in its place
    assert distance(["a"], ["a", "b"]) == 2.0  # one is missing
    assert distance(["a", "b", "c"], ["a", "b"]) == 3.0  # one too many
    assert distance(["b", "a"], ["a", "b"]) == 2.0  # two wrong ones: cheaper than 3 + 2


@pytest.mark.parametrize(
    ("answer", "precision", "recall", "f1", "ordering"),
    [
        ("![](a.png) ![](b.png)", 1.0, 1.0, 1.0, 1.0),
        # b a: both there, distance 2 over 2 -> 1 * (1 - 1/3)
        ("![](b.png) ![](a.png)", 1.0, 1.0, 1.0, 2 / 3),
        # a only: recall 1/2, distance 2 over 2 -> 1/2 * 2/3
        ("![](a.png)", 1.0, 1 / 2, 2 / 3, 1 / 3),
        # a b c: precision 2/3, distance 3 over 3 -> 1 * (1 - 1/3)
        ("![](a.png) ![](b.png) ![](c.png)", 2 / 3, 1.0, 0.8, 2 / 3),
        ("![](x.png)", 0.0, 0.0, 0.0, 0.0),
        ("No image.", 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_mramg(answer: str, precision: float, recall: float, f1: float, ordering: float) -> None:
    asked = question(gold_images=["figures/a.png", "figures/b.png"])
    made = {
        "image_precision": precision,
        "image_recall": recall,
        "image_f1": f1,
        "image_ordering": ordering,
    }
    for name, value in made.items():
        metric = build(name)
        assert metric.score(asked, outcome(answer)) == pytest.approx(value)
        assert metric.score(asked, abstention()) == 0.0
        assert metric.score(asked, outcome()) is None
        assert metric.score(question(), outcome(answer)) is None


def test_the_surest_questions_are_a_point_of_the_curve() -> None:
    pairs = [(0.9, 1.0), (0.5, 0.0), (0.5, 1.0), (0.1, 0.0)]
    assert accuracy_of_surest(pairs, 1) == 1.0
    assert accuracy_of_surest(pairs, 2) == pytest.approx((1 + 0.5) / 2)  # one of two that are equally sure
    assert accuracy_of_surest(pairs, 4) == pytest.approx(2 / 4)
    metric = build("selective_accuracy", k=50)
    sure = [{**pages("a:1")[0], "score": score} for score in (0.9, 0.2)]
    outcomes = [outcome("Paris", pages=[sure[0]]), outcome("Rome", pages=[sure[1]]), abstention(), outcome("?")]
    assert metric.total([ASKED, ASKED, NOTHING, question()], outcomes) == pytest.approx((1 + 0) / 2)
    assert metric.info.name == "selective_accuracy@50"
    assert metric.total([question()], [outcome("Rome")]) is None


def test_of_the_answerable_questions_what_is_right_and_what_is_proved() -> None:
    right = build("answerable_accuracy")
    assert right.score(ASKED, outcome("Paris")) == 1.0
    assert right.score(ASKED, abstention()) == 0.0
    assert right.score(NOTHING, abstention()) is None
    proved = build("proved_answers")
    assert proved.score(ASKED, outcome("Rome", citations=[cite(1, "supported")])) == 1.0
    assert proved.score(ASKED, CITING) == 0.0
    assert proved.score(ASKED, outcome("Paris")) == 0.0
    assert proved.score(ASKED, abstention()) == proved.score(ASKED, failure()) == 0.0
    assert proved.score(NOTHING, outcome("Rome", citations=[cite(1, "supported")])) is None
    assert proved.score(ASKED, outcome()) is None
