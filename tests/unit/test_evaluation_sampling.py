"""Samples are stratified, of the asked size, and the same for a seed whatever the order of the questions."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsys.errors import UsageError
from ragsys.evaluation.records import Question
from ragsys.evaluation.sampling import sampled


def questions(sizes: dict[str, int]) -> list[Question]:
    return [
        {"id": f"{source}-{n}", "question": "?", "source": source}
        for source, size in sizes.items()
        for n in range(size)
    ]


def test_each_source_has_its_share() -> None:
    chosen = sampled(questions({"a": 60, "b": 30, "c": 10}), 10, seed=0)
    assert Counter(one["source"] for one in chosen) == {"a": 6, "b": 3, "c": 1}


def test_the_largest_remainders_get_what_is_left() -> None:
    # shares of 5 among 7, 2, 1: 3.5, 1.0, 0.5: the one that is left goes to a, by name
    chosen = sampled(questions({"a": 7, "b": 2, "c": 1}), 5, seed=0)
    assert Counter(one["source"] for one in chosen) == {"a": 4, "b": 1}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30), min_size=1),
    st.integers(1, 60),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter(sizes: dict[str, int], limit: int, seed: int, chance: random.Random) -> None:
    every = questions(sizes)
    chosen = sampled(every, limit, seed)
    assert len(chosen) == min(limit, len(every))
    shuffled = list(every)
    chance.shuffle(shuffled)
    again = sampled(shuffled, limit, seed)
    assert {one["id"] for one in again} == {one["id"] for one in chosen}
    places = [every.index(one) for one in chosen]
    assert places == sorted(places)


def test_another_seed_is_another_sample() -> None:
    every = questions({"a": 100})
    assert sampled(every, 10, 0) != sampled(every, 10, 1)


def test_no_limit_is_everything_and_none_is_refused() -> None:
    every = questions({"a": 3})
    assert sampled(every, None, 0) == tuple(every)
    with pytest.raises(UsageError, match="at least one"):
        sampled(every, 0, 0)
