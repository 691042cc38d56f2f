"""Laws of the ranking maths: permutation, identity, scale, batch; one golden worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsys import ranking

scores = st.dictionaries(
    st.integers(0, 30), st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3)), max_size=15
)
some = scores.filter(bool)
lists = st.lists(scores, min_size=1, max_size=4)


def shuffled(mapping: dict[int, float], seed: int) -> dict[int, float]:
    keys = list(mapping)
    np.random.default_rng(seed).shuffle(keys)
    return {key: mapping[key] for key in keys}


@given(lists, st.integers(0, 99))
def test_fusions_do_not_depend_on_the_order_of_hits_or_lists(given_lists: list[dict[int, float]], seed: int) -> None:
    other = [shuffled(one, seed) for one in reversed(given_lists)]
    for fuse in (ranking.rrf, ranking.zsum):
        assert fuse(given_lists) == fuse(other)  # exactly: sums are rounded once


@given(some)
def test_a_fusion_of_one_list_keeps_its_order(one: dict[int, float]) -> None:
    by_rank = ranking.rrf([one])
    assert ranking.ordered(by_rank) == ranking.ordered(one)
    if np.std(list(one.values())) > 1e-6:
        assert ranking.ordered({k: round(v, 9) for k, v in ranking.zsum([one]).items()}) == ranking.ordered(one)


@given(some, st.floats(0.1, 50), st.floats(-50, 50))
def test_zscores_ignore_shift_and_scale(one: dict[int, float], scale: float, shift: float) -> None:
    values = np.array(list(one.values()))
    if values.std() > 0.01 or np.ptp(values) == 0:
        moved = ranking.zscores(np.round(values * 1024) / 1024)
        assert np.allclose(moved, ranking.zscores(np.round(values * 1024) / 1024 * scale + shift), atol=1e-6)


@given(lists)
def test_presence_is_never_worse_than_absence(given_lists: list[dict[int, float]]) -> None:
    fused = ranking.zsum(given_lists)
    everywhere = [k for k in fused if all(k in one for one in given_lists if one)]
    floor = sum(float(ranking.zscores(list(one.values())).min()) for one in given_lists if one)
    assert all(fused[key] >= floor - 1e-9 for key in everywhere)


@given(some, st.dictionaries(st.integers(40, 50), st.floats(-5, 5), min_size=1))
def test_a_weight_of_zero_removes_a_list(one: dict[int, float], other: dict[int, float]) -> None:
    fused = ranking.zsum([one, other], weights=[1, 0])
    alone = ranking.zsum([one])
    assert all(math.isclose(fused[key], alone[key], abs_tol=1e-12) for key in alone)


def test_golden_rrf() -> None:
    fused = ranking.rrf([{"a": 3.0, "b": 2.0, "c": 2.0}, {"b": 9.0, "d": 1.0}], k=60, weights=[1, 0.5])
    expected = {"a": 1 / 61, "b": 1 / 62 + 0.5 / 61, "c": 1 / 62, "d": 0.5 / 62}
    assert fused == pytest.approx(expected, abs=1e-15)


def test_golden_zsum() -> None:
    # first: mean 2, deviation sqrt(2/3); second: mean 3, deviation 1
    fused = ranking.zsum([{"a": 3, "b": 2, "c": 1}, {"b": 4, "d": 2}])
    z = math.sqrt(1.5)
    assert fused == pytest.approx({"a": z - 1, "b": 1.0, "c": -z - 1, "d": -z - 1})
    assert ranking.zsum([{"a": 3, "b": 2, "c": 1}, {"b": 4, "d": 2}], absent="zero")["a"] == pytest.approx(z)


def test_edges() -> None:
    assert ranking.rrf([]) == {}
    assert ranking.zsum([{}, {"a": 1.0}]) == {"a": 0.0}
    assert ranking.ranks({"a": 1.0, "b": 2.0, "c": 1.0, "d": 0.0}) == {"b": 1, "a": 2, "c": 2, "d": 4}
    with pytest.raises(ValueError, match="2 weights for 1 lists"):
        ranking.zsum([{"a": 1.0}], weights=[1, 2])


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 5), st.integers(0, 1000))
def test_maxsim_does_not_see_padding(q: int, n: int, padding: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    query, item = rng.normal(size=(q, 8)).astype(np.float32), rng.normal(size=(n, 8)).astype(np.float32)
    padded = np.concatenate([item, np.zeros((padding, 8), np.float32)])
    mask = np.arange(n + padding) < n
    assert ranking.maxsim(query, padded, mask) == pytest.approx(ranking.maxsim(query, item))
    order = rng.permutation(n)
    assert ranking.maxsim(query, item[order]) == pytest.approx(ranking.maxsim(query, item))
    by_hand = sum(max(float(a.astype(float) @ b.astype(float)) for b in item) for a in query)
    assert ranking.maxsim(query, item) == pytest.approx(by_hand, abs=1e-6)


def test_maxsim_of_nothing() -> None:
    one = np.ones((1, 2), np.float32)
    assert ranking.maxsim(one, np.empty((0, 2), np.float32)) == -math.inf
    assert ranking.maxsim(one, one, np.array([False])) == -math.inf
    assert ranking.maxsim(np.empty((0, 2), np.float32), one) == 0.0


falling = st.lists(st.floats(-50, 50), max_size=12).map(lambda values: sorted(values, reverse=True))


@given(falling, st.integers(1, 5), st.integers(5, 9), st.floats(0, 1))
def test_cuts_stay_in_their_bounds(values: list[float], least: int, most: int, share: float) -> None:
    for kept in (
        ranking.cut_gap(values, least=least, most=most),
        ranking.cut_relative(values, share=share, least=least, most=most),
    ):
        assert min(least, len(values)) <= kept <= min(most, len(values))


def test_cuts() -> None:
    assert ranking.cut_gap([9, 8.5, 8, 2, 1.9]) == 3
    assert ranking.cut_gap([9, 1, 0.9], least=2) == 2
    assert ranking.cut_gap([3, 3, 3], most=2) == 2
    assert ranking.cut_gap([5, 4, 0], most=2) == 2  # the drop behind the last allowed hit counts
    assert ranking.cut_relative([10, 9, 5, 0], share=0.5) == 3
    assert ranking.cut_relative([10, 9, 5, 0], share=0.95, least=2) == 2
    assert ranking.cut_relative([4.0], share=1.0) == 1
    assert ranking.cut_relative([], share=0.5) == 0
