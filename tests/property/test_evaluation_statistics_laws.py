"""Laws of the statistics on any scores: order changes nothing, swapping swaps signs, intervals and p stay in range."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragsys.evaluation.records import MetricInfo
from ragsys.evaluation.statistics import adjusted, compare, estimate

SHARE = MetricInfo("share", "a share")
_scores = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
_rows = st.lists(st.tuples(_scores, _scores, st.sampled_from("abcdefghijklmnop")), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(_rows, st.integers(0, 99))
def test_estimates_hold_their_value_and_forget_the_order(
    rows: list[tuple[float | None, float | None, str]], seed: int
) -> None:
    scores, _, labels = (list(column) for column in zip(*rows, strict=True))
    found = estimate(scores, labels, seed=seed, samples=200)
    assert found.n + found.undefined == len(rows)
    if found.value is None:
        assert found.n == 0
        return
    assert 0.0 <= found.value <= 1.0
    if found.low is not None and found.high is not None:
        assert 0.0 <= found.low <= found.high <= 1.0
    shuffled = list(zip(scores, labels, strict=True))
    random.Random(seed).shuffle(shuffled)
    again = estimate([one for one, _ in shuffled], [one for _, one in shuffled], seed=seed, samples=200)
    assert again.value == pytest.approx(found.value)
    assert again.low == pytest.approx(found.low)


@settings(max_examples=60, deadline=None)
@given(_rows, st.integers(0, 99))
def test_swapping_the_configurations_swaps_the_sign_alone(
    rows: list[tuple[float | None, float | None, str]], seed: int
) -> None:
    a, b, labels = (list(column) for column in zip(*rows, strict=True))
    one = compare(SHARE, "a", "b", a, b, labels, seed=seed, permutations=500, samples=200)
    other = compare(SHARE, "b", "a", b, a, labels, seed=seed, permutations=500, samples=200)
    assert one.difference == pytest.approx(-other.difference)
    assert one.p == other.p
    assert one.low == pytest.approx(-other.high)
    assert 0.0 < one.p <= 1.0


@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=12))
def test_adjusting_never_lowers_and_keeps_the_order(values: list[float]) -> None:
    base = compare(SHARE, "a", "b", [1.0], [0.0], ["x"], seed=1)
    found = adjusted([replace(base, p=p, p_adjusted=p) for p in values])
    for p, one in zip(values, found, strict=True):
        assert p <= one.p_adjusted <= 1.0
    ordered = [one.p_adjusted for _, one in sorted(zip(values, found, strict=True), key=lambda pair: pair[0])]
    assert ordered == sorted(ordered)
    assert min(one.p_adjusted for one in found) == pytest.approx(min(1.0, min(values) * len(values)))
