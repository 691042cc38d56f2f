"""Filters that are joined: what passes both."""

from __future__ import annotations

import pytest

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
