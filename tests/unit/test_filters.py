"""Filters that are joined: what passes both."""

from __future__ import annotations

import pytest

from ragsys.asking import check_search
from ragsys.errors import UsageError
from ragsys.filters import both, to_filter
from ragsys.types import Filter


def test_joining_narrows() -> None:
    one = Filter(path=("2023/*",), doc=("a", "b"), pages=(2, 9), after="2023-01-01", metadata={"author": "x"})
    other = Filter(doc=("b", "c"), pages=(5, 20), after="2022-01-01", before="2024-01-01")
    assert both(one, other) == Filter(
        path=("2023/*",),
        doc=("b",),
        pages=(5, 9),
        after="2023-01-01",
        before="2024-01-01",
        metadata={"author": "x"},
    )
    assert both(Filter(), one) == both(one, Filter()) == one


def test_what_is_in_neither_passes_nothing() -> None:
    assert both(Filter(doc=("a",)), Filter(doc=("b",))).doc == ("",)
    with pytest.raises(UsageError, match="cannot be joined"):
        both(Filter(path=("a/*",)), Filter(path=("b/*",)))


@pytest.mark.parametrize("where", [{"path": 5}, {"doc": [1]}, {"metadata": "x"}])
def test_wrong_kinds_are_told(where: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected"):
        to_filter(where)


def test_a_filter_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(UsageError, match=r"filter: expected a mapping, found 'd40\*'"):
        to_filter("d40*")  # type: ignore[arg-type]


def test_pages_that_end_before_they_start() -> None:
    with pytest.raises(UsageError, match="7-3 ends before it starts") as caught:
        to_filter({"pages": "7-3"})
    assert caught.value.hint == "pages 3-7"
    with pytest.raises(UsageError, match="starts at 1 or later"):
        to_filter({"pages": "0-3"})


def test_what_no_search_can_be_asked_for_is_refused() -> None:
    with pytest.raises(UsageError, match="k: expected a whole number of pages, found 'a'"):
        check_search("x", "a")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="k is 0: at least one page"):
        check_search("x", 0)
    with pytest.raises(UsageError, match="the query must be a text, found None"):
        check_search(None, 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the query is empty"):
        check_search(" \n", 3)
