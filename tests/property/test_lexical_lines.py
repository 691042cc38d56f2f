"""Lines are read once and remembered: a text is exactly what its lines are, one after the other."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ragsys_text import lexical
from ragsys_text.lexical import WordsLexical
from ragsys_text.options import WordsOptions
from ragsys_text.tokens import chunks

from ragsys.protocols import Context
from ragsys.types import Sparse

_WORDS = WordsLexical(WordsOptions(), Context(Path(), Path(), "test"))
_LINE = st.one_of(
    st.text(max_size=40),
    st.text("aeéß’'-.,0123456789 \u00a0\u0301\u3000\u00b4x½日本ไทย_“”", max_size=40),
)


@given(st.lists(_LINE, max_size=6))
def test_no_chunk_runs_across_lines(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in lines]
    assert chunks("\n".join(lines)) == list(chain.from_iterable(map(chunks, lines)))


@given(st.lists(_LINE, min_size=1, max_size=6))
def test_the_ids_are_those_of_the_terms(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert _WORDS.term_ids(text) == [_WORDS.term_id(term) for term in _WORDS.terms(text)]


def test_more_lines_than_are_remembered_give_the_same() -> None:
    text = "\n".join(f"line {n} of the table" for n in range(2 * lexical._LINES + 5))
    assert _WORDS.term_ids(text) == [_WORDS.term_id(term) for term in _WORDS.terms(text)]
    assert len(lexical._CHUNKS) <= lexical._LINES


def test_a_page_that_holds_the_break_between_parts_is_scored_as_any_other() -> None:
    query = Sparse(np.array([_WORDS.term_id("pump")], np.uint32), np.ones(1, np.float32))

    def scored(number: str) -> list[float]:
        return _WORDS.scores(query, [[f"Pump {number}", "one pump"], [f"{number} pump"], ["none"]], level="page")

    assert scored(lexical._BREAK) == scored(f"{lexical._BREAK}7") == scored("12345")
    assert scored(lexical._BREAK)[1] > scored(lexical._BREAK)[2] == 0
