"""Term statistics."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragsys.statistics import TermCounts

items = st.lists(st.sets(st.integers(0, 2**32 - 1), max_size=8), max_size=8)


def counted(sets: list[set[int]]) -> TermCounts:
    return TermCounts.of([np.array(sorted(one), np.uint32) for one in sets])


@given(items, items)
def test_totals_are_the_counts_over_everything(first: list[set[int]], second: list[set[int]]) -> None:
    total = TermCounts.total([counted(first), counted(second)])
    every = [*first, *second]
    terms = sorted(set().union(*every)) if every else []
    assert total.items == len(every)
    assert total.frequency(terms) == [sum(term in one for one in every) for term in terms]


@given(items)
def test_packed_counts_come_back(sets: list[set[int]]) -> None:
    before = counted(sets)
    after = TermCounts.unpack(before.pack())
    assert after.items == before.items
    assert after.ids.tolist() == before.ids.tolist()
    assert after.counts.tolist() == before.counts.tolist()


def test_unknown_terms_occur_nowhere() -> None:
    assert counted([{5}, {5, 9}]).frequency([4, 5, 9, 10, 2**32 - 1]) == [0, 2, 1, 0, 0]
    assert TermCounts.empty().frequency([1]) == [0]
    assert TermCounts.total([]).items == 0
