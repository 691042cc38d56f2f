"""A page's facts survive being packed; what is no digest is told."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ragsys_rank.digest import packed, unpacked
from ragsys_rank.facts import FIELDS, MAKE_UP, Facts

_BYTES = st.integers(0, 2**16 - 1)
_PARTS = st.lists(
    st.tuples(st.integers(0, FIELDS - 1), st.lists(st.integers(1, 2**32 - 1) | st.integers(1, 40), max_size=300)),
    max_size=8,
)


def facts_with(parts: list[tuple[int, list[int]]], years: dict[int, int], label: str, numbers: list[float]) -> Facts:
    """Parts of (field, term ids), a term of id 0 between each two, which belongs to the later one."""
    terms = [term for n, (_, own) in enumerate(parts) for term in ([0, *own] if n else own)]
    fields = [field for n, (field, own) in enumerate(parts) for _ in ([0, *own] if n else own)]
    return Facts(np.array(terms, np.uint32), np.array(fields, np.uint8), np.array(numbers, np.float32), years, label)


@given(
    _PARTS,
    st.dictionaries(_BYTES, _BYTES, max_size=5),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.lists(st.floats(0, 1e6, width=32), min_size=len(MAKE_UP), max_size=len(MAKE_UP)),
)
def test_facts_come_back_as_they_were(
    parts: list[tuple[int, list[int]]], years: dict[int, int], label: str, numbers: list[float]
) -> None:
    facts = facts_with(parts, years, label, numbers)
    back = unpacked(packed(facts))
    assert back is not None
    assert np.array_equal(back.terms, facts.terms)
    assert np.array_equal(back.fields, facts.fields)
    assert np.array_equal(back.make_up, facts.make_up)
    assert (back.years, back.label) == (years, label)
    assert (back.terms.dtype, back.fields.dtype) == (np.uint32, np.uint8)


@given(st.binary(max_size=200), st.integers(0, 60), st.integers(0, 255))
def test_damaged_bytes_are_no_digest_or_a_sound_one(noise: bytes, at: int, byte: int) -> None:
    whole = packed(facts_with([(0, [5, 6, 5]), (1, [7])], {2020: 1}, "iv", [0.0] * len(MAKE_UP)))
    bent = whole[:at] + bytes([byte]) + whole[at + 1 :]
    for data in (noise, bent, whole[: at + 1]):
        facts = unpacked(data)
        assert facts is None or len(facts.terms) == len(facts.fields)


@given(st.integers(FIELDS, 255))
def test_a_field_that_is_none_makes_no_facts(field: int) -> None:
    sound = facts_with([(0, [5, 6, 5]), (1, [7])], {}, "", [0.0] * len(MAKE_UP))
    bent = Facts(sound.terms, np.where(sound.fields == 1, field, 0).astype(np.uint8), sound.make_up, {}, "")
    assert unpacked(packed(sound)) is not None
    assert unpacked(packed(bent)) is None


def test_a_page_of_more_terms_than_the_form_counts_has_no_digest() -> None:
    assert packed(facts_with([(0, [1] * 70_000)], {}, "", [0.0] * len(MAKE_UP))) == b""
