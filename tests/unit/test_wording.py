"""Numbers in messages agree with their nouns and verbs."""

from __future__ import annotations

import pytest

from ragsys.wording import counted, part, verb


@pytest.mark.parametrize(
    ("count", "noun", "told"),
    [(0, "page", "0 pages"), (1, "page", "1 page"), (1234, "page", "1,234 pages"), (2, "query", "2 queries")],
)
def test_a_number_and_its_noun(count: int, noun: str, told: str) -> None:
    assert counted(count, noun) == told


def test_a_verb_and_its_number() -> None:
    assert [verb(1), verb(2), verb(0), verb(1, "it", "them")] == ["is", "are", "are", "it"]


@pytest.mark.parametrize(
    ("some", "count", "told"),
    [(1, 1, "1 of 1 page was"), (1, 3, "1 of 3 pages was"), (2, 3, "2 of 3 pages were"), (0, 2, "0 of 2 pages were")],
)
def test_a_part_and_its_verb(some: int, count: int, told: str) -> None:
    assert part(some, count, "page", "was", "were") == told
