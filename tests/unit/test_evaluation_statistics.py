"""Intervals, permutation tests and their sentences, against values worked out by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from ragsys.evaluation.records import Comparison, MetricInfo, Question
from ragsys.evaluation.statistics import adjusted, clusters, compare, compare_totals, estimate, estimate_total, sentence

RECALL = MetricInfo("page_recall@5", "share of the gold pages in the first 5")
SECONDS = MetricInfo("seconds", "wall-clock", higher_is_better=False, bounds=(0, float("inf")), unit="s")


def test_a_question_belongs_to_its_first_gold_document_or_to_itself() -> None:
    questions: list[Question] = [
        {"id": "1", "question": "?", "doc_ids": ["b.pdf", "a.pdf"], "gold_pages": [{"doc": "c.pdf", "page": 1}]},
        {"id": "2", "question": "?", "doc_ids": [], "gold_pages": [{"doc": "c.pdf", "page": 1}]},
        {"id": "3", "question": "?", "gold_boxes": [{"doc": "d.pdf", "page": 1, "bbox": [0, 0, 1, 1]}]},
        {"id": "4", "question": "?", "gold_passages": [{"doc": "e.txt", "text": "words"}]},
        {"id": "5", "question": "?"},
    ]
    assert clusters(questions) == ["b.pdf", "c.pdf", "d.pdf", "e.txt", "5"]
    more: list[Question] = [
        {"id": "1", "question": "", "cluster": "report", "doc_ids": ["report/1.png"]},
        {"id": "2", "question": "", "scope": ["a.pdf"]},  # not answerable, but asked of one document
        {"id": "3", "question": "", "scope": ["a.pdf", "b.pdf"]},
        {"id": "4", "question": "", "scope": ["folder/"]},
    ]
    assert clusters(more) == ["report", "a.pdf", "3", "4"]


def test_the_mean_leaves_out_what_is_undefined() -> None:
    found = estimate([1.0, 0.0, None, 0.5], ["a", "b", "b", "c"], seed=1)
    assert found.value == pytest.approx((1 + 0 + 0.5) / 3)
    assert (found.n, found.undefined, found.clusters) == (3, 1, 3)


def test_an_interval_of_two_clusters_holds_their_three_possible_means() -> None:
    # a: 1, 1 · b: 0. Draws: aa -> 1 (1/4), ab or ba -> 2/3 (1/2), bb -> 0 (1/4): at 40 % the tails are cut at 30 %,
    # inside the middle value; at 95 % both ends are reached
    scores, labels = [1.0, 1.0, 0.0], ["a", "a", "b"]
    inner = estimate(scores, labels, seed=3, confidence=0.4)
    assert inner.low == pytest.approx(2 / 3)
    assert inner.high == pytest.approx(2 / 3)
    outer = estimate(scores, labels, seed=3)
    assert (outer.low, outer.high) == (0.0, 1.0)


def test_the_interval_is_the_one_of_the_normal_law_where_that_holds() -> None:
    values = np.random.default_rng(5).normal(0.5, 0.1, 400)
    found = estimate(values.tolist(), [str(n) for n in range(400)], seed=7)
    half = 1.96 * values.std() / 20  # sd / sqrt(400)
    assert found.low == pytest.approx(values.mean() - half, abs=0.001)
    assert found.high == pytest.approx(values.mean() + half, abs=0.001)


def test_questions_of_one_document_widen_the_interval() -> None:
    scores = [float(n % 2) for n in range(40) for _ in range(10)]  # 40 documents, ten equal questions each
    alone = estimate(scores, [str(n) for n in range(400)], seed=1)
    together = estimate(scores, [str(n // 10) for n in range(400)], seed=1)
    assert alone.low is not None
    assert alone.high is not None
    assert together.low is not None
    assert together.high is not None
    # the variance of the mean is ten times as large: sqrt(10) = 3.16
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(3.16, rel=0.1)


def test_one_document_gives_no_interval_and_none_no_value() -> None:
    one = estimate([1.0, 0.0], ["a", "a"], seed=1)
    assert (one.value, one.low, one.high, one.clusters) == (0.5, None, None, 1)
    none = estimate([None, None], ["a", "b"], seed=1)
    assert (none.value, none.low, none.n, none.undefined, none.clusters) == (None, None, 0, 2, 0)
    assert estimate([], [], seed=1).value is None


def test_a_total_over_all_agrees_with_the_mean_where_it_is_one() -> None:
    scores = [float(score) for score in np.random.default_rng(2).random(60)]
    labels = [str(n % 15) for n in range(60)]

    def mean(indices: Sequence[int]) -> float:
        return sum(scores[n] for n in indices) / len(indices)

    total, plain = estimate_total(mean, labels, seed=4, samples=2000), estimate(scores, labels, seed=4)
    assert total.value == pytest.approx(plain.value)
    assert total.low == pytest.approx(plain.low)  # the same draws: the same seed
    assert total.high == pytest.approx(plain.high)
    assert (total.n, total.clusters) == (60, 15)


def test_a_total_that_is_mostly_undefined_has_no_interval() -> None:
    whole = estimate_total(lambda indices: 1.0 if len(set(indices)) == 8 else None, [str(n) for n in range(8)], seed=1)
    assert (whole.value, whole.low, whole.high) == (1.0, None, None)
    assert estimate_total(lambda _: None, ["a", "b"], seed=1).value is None
    assert estimate_total(lambda _: 0.5, ["a", "a"], seed=1).low is None


def _mean(scores: Sequence[float]) -> Callable[[Sequence[int]], float]:
    return lambda picks: sum(scores[n] for n in picks) / len(picks)


def test_totals_that_are_means_differ_as_means_do() -> None:
    labels = [f"d{n // 4}" for n in range(60)]
    one, other = [(n * 7 % 5) / 4 for n in range(60)], [(n * 3 % 4) / 3 for n in range(60)]
    total = compare_totals(RECALL, "a", "b", _mean(one), _mean(other), labels, seed=4, samples=2000)
    plain = compare(RECALL, "a", "b", one, other, labels, seed=4)
    assert total is not None
    assert (total.n, total.clusters) == (60, 15)
    assert total.difference == pytest.approx(plain.difference)
    assert (total.low, total.high) == pytest.approx((plain.low, plain.high))  # the same draws: the same seed


def test_both_totals_take_the_same_draws() -> None:
    # each document is as hard for both, and b is a quarter worse on every one: no draw says anything else
    hard = [0.25, 1.0, 0.5, 0.75, 0.25, 1.0, 0.25, 0.5, 1.0, 0.75]
    labels = [str(n) for n in range(10)]
    found = compare_totals(RECALL, "a", "b", _mean(hard), _mean([one - 0.25 for one in hard]), labels, seed=1)
    assert found is not None
    assert (found.difference, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert found.p == pytest.approx(2 / 1001)  # the least that a thousand draws can tell
    assert found.sentence.startswith("a is better than b on ")


def test_the_chance_of_two_documents_by_hand() -> None:
    # differences 1 and 0: draws of two give 1, 1/2 (twice) and 0: a quarter does not favour a -> p = 2/4
    found = compare_totals(RECALL, "a", "b", _mean([1.0, 0.5]), _mean([0.0, 0.5]), ["x", "y"], seed=3, samples=4000)
    assert found is not None
    assert (found.difference, found.low, found.high) == (0.5, 0.0, 1.0)
    assert found.p == pytest.approx(0.5, abs=0.04)
    alike = compare_totals(RECALL, "a", "b", _mean([1.0, 0.5]), _mean([1.0, 0.5]), ["x", "y"], seed=3)
    assert alike is not None
    assert (alike.difference, alike.p) == (0.0, 1.0)


def test_totals_that_cannot_be_compared() -> None:
    assert compare_totals(RECALL, "a", "b", _mean([1.0, 1.0]), lambda _: None, ["x", "y"], seed=1) is None
    single = compare_totals(RECALL, "a", "b", _mean([1.0, 1.0]), _mean([0.0, 0.0]), ["x", "x"], seed=1)
    assert single is not None
    assert (single.difference, single.p) == (1.0, 1.0)
    whole = compare_totals(
        RECALL,
        "a",
        "b",
        lambda picks: 1.0 if len(set(picks)) == 8 else None,
        lambda _: 0.0,
        [str(n) for n in range(8)],
        seed=1,
    )
    assert whole is not None
    assert (whole.difference, whole.p) == (1.0, 1.0)


def test_all_flips_of_three_documents_are_listed() -> None:
    # cluster totals 2, 1, 1 and n = 4: of the 8 choices of signs, |sum| reaches 4 twice -> p = 2/8
    found = compare(RECALL, "a", "b", [1, 1, 1, 1], [0, 0, 0, 0], ["x", "x", "y", "z"], seed=1)
    assert found.p == 2 / 8
    assert (found.difference, found.n, found.clusters) == (1.0, 4, 3)
    # totals 2, 1, -1: the sum is 2; |±2 ±1 ±1| is 4, 2, 2, 0 for +2 and as many for -2: at least 2 in 6 of 8
    assert compare(RECALL, "a", "b", [1, 1, 1, 0], [0, 0, 0, 1], ["x", "x", "y", "z"], seed=1).p == 6 / 8


def test_sampled_flips_come_near_the_listed_ones() -> None:
    random = np.random.default_rng(9)
    a, b = random.random(12) + 0.15, random.random(12)
    labels = [str(n) for n in range(12)]
    exact = compare(RECALL, "a", "b", a.tolist(), b.tolist(), labels, seed=1)  # 2^12 = 4,096 flips
    drawn = compare(RECALL, "a", "b", a.tolist(), b.tolist(), labels, seed=1, permutations=4000)
    assert 0.01 < exact.p < 0.9
    assert drawn.p == pytest.approx(exact.p, abs=0.03)


def test_only_questions_with_both_scores_are_compared() -> None:
    found = compare(RECALL, "a", "b", [1.0, None, 0.5], [0.0, 1.0, None], ["x", "y", "z"], seed=1)
    assert (found.n, found.difference, found.clusters) == (1, 1.0, 1)
    empty = compare(RECALL, "a", "b", [None], [1.0], ["x"], seed=1)
    assert (empty.n, empty.p, empty.difference) == (0, 1.0, 0.0)
    assert empty.sentence == "a and b cannot be compared on page_recall@5: no question has a score of both."


def test_equal_configurations_are_told_to_be_equal() -> None:
    labels = [str(n) for n in range(20)]
    found = compare(RECALL, "a", "b", [0.5] * 20, [0.5] * 20, labels, seed=1)
    assert found.p == 1.0
    assert found.sentence == (
        "no difference can be told between a and b on page_recall@5: +.000 [.000, .000], p = 1.00 over 20 questions"
    )


def _comparison(p: float, **changes: object) -> Comparison:
    fields: dict[str, object] = {
        "metric": "page_recall@5",
        "a": "a",
        "b": "b",
        "difference": 0.021,
        "low": 0.004,
        "high": 0.039,
        "p": p,
        "p_adjusted": p,
        "n": 602,
        "clusters": 72,
        "sentence": "",
    }
    return Comparison(**{**fields, **changes})  # type: ignore[arg-type]


def test_sentences() -> None:
    assert sentence(_comparison(0.012)) == (
        "a is better than b on page_recall@5: +.021 [.004, .039], p = .012 over 72 documents"
    )
    slower = _comparison(0.0001, metric="seconds", difference=1.25, low=1.0, high=1.5, higher_is_better=False)
    assert sentence(slower) == "b is better than a on seconds: -1.25 [-1.5, -1], p < .001 over 72 documents"
    behind = _comparison(0.012, difference=-0.021, low=-0.039, high=-0.004)
    assert sentence(behind).startswith("b is better than a on page_recall@5: +.021 [.004, .039]")
    few = _comparison(0.03, clusters=6)
    assert sentence(few).endswith("p = .030 over 6 documents; 6 documents are too few to rely on it")
    assert sentence(_comparison(1.0, clusters=1)).endswith(
        "+.021, p = 1.00 over 1 document; 1 document is too little to rely on it"
    )
    many = _comparison(0.5, difference=1234.5, low=-3.21, high=2469.0)
    assert "+1,234 [-3.21, 2,469], p = .50" in sentence(many)


def test_holm_by_hand() -> None:
    # sorted .01 .02 .03 .04 -> x4 .04, x3 .06, x2 .06, x1 .04 -> never below the one before: .06
    found = adjusted([_comparison(p) for p in (0.04, 0.01, 0.03, 0.02)])
    assert [one.p_adjusted for one in found] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert [one.p for one in found] == [0.04, 0.01, 0.03, 0.02]
    assert found[1].sentence.startswith("a is better than b on page_recall@5")
    assert "p = .040 (for 4 comparisons)" in found[1].sentence
    assert found[0].sentence.startswith("no difference can be told between a and b")


def test_holm_counts_no_comparison_without_questions() -> None:
    found = adjusted([_comparison(0.04), _comparison(1.0, n=0)])
    assert found[0].p_adjusted == 0.04
    assert found[1].sentence.endswith("no question has a score of both.")
    assert adjusted([]) == ()


def test_seven_hundred_and_fifty_questions_take_no_time() -> None:
    scores: list[float | None] = list(np.random.default_rng(1).random(750))
    labels = [str(n % 72) for n in range(750)]
    start = time.perf_counter()
    estimate(scores, labels, seed=1)
    assert time.perf_counter() - start < 0.3
