"""What a question asks for, read off its words: terms, years, a page or figure by number, a table, an amount."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragsys.protocols import Lexical, Statistics

_YEAR = re.compile(r"(?<!\d)(19[5-9]\d|20[0-4]\d)(?!\d)")
_FISCAL = re.compile(r"\b(?:fy|q[1-4]|h[12])\s*'?\s*(\d\d)\b", re.IGNORECASE)
_PAGE = re.compile(r"\b(?:page|slide|p\.)\s*(?:number\s*|no\.?\s*|#\s*)?(\d{1,4})\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(table|figure|fig\.?|chart|exhibit|section|chapter|appendix)\s*(\d+|[a-z]\b)", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\b(how (many|much|long|old|far|often|large|big)|percent\w*|ratio|rate|amount|number of|total|average|sum|"
    r"margin|growth|increase|decrease|million|billion|usd|cost|price|value|count)\b|[%$€£]",
    re.IGNORECASE,
)
_TABLE = re.compile(r"\b(tables?|rows?|columns?|balance sheet|statements?)\b", re.IGNORECASE)
_FIGURE = re.compile(
    r"\b(figures?|charts?|graphs?|plots?|diagrams?|images?|pictures?|photos?|maps?|colou?rs?|icons?|logos?|bars?|"
    r"curves?|pie|shapes?|screenshots?|shown|drawn|depict\w*|illustrat\w*)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(r"(?<![\w&])[A-Z](?:[A-Za-z&]{0,3})[A-Z](?![\w&])")
_OPENING = re.compile(r"\b(cover|first page|title page|authors?|titled?|publish\w*|wrote)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read."""

    terms: tuple[str, ...]  # in order, each once
    ids: NDArray[np.uint32]  # (q,)
    idf: NDArray[np.float64]  # (q,)
    follows: frozenset[tuple[int, int]]  # pairs of terms that stand side by side
    joined: frozenset[str]  # words and neighbours written together, as names of files have them
    short: frozenset[str]  # words that look like abbreviations of names, in lower case
    years: frozenset[int]
    page: int  # 0: none is named
    numbered: tuple[tuple[int, int], ...]  # (kind's term, number's term) of "Figure 3"
    amount: bool
    table: bool
    figure: bool
    opening: bool


def asked_of(text: str, lexical: Lexical, statistics: Statistics) -> Asked:
    """Reads a question; rarity of its terms is that of the library's pages."""
    every = lexical.terms(text)
    terms = tuple(dict.fromkeys(every))
    ids = np.array([lexical.term_id(term) for term in terms], np.uint32)  # (q,)
    frequency = np.array(statistics.frequency(ids.tolist()) if terms else [], np.float64)  # (q,)
    idf = np.log1p((statistics.items - frequency + 0.5) / (frequency + 0.5))  # (q,)
    place = {term: n for n, term in enumerate(terms)}
    follows = frozenset((place[a], place[b]) for a, b in itertools.pairwise(every) if a != b)
    words = re.findall(r"[^\W_]+", text.casefold())
    joined = frozenset((*words, *(a + b for a, b in itertools.pairwise(words))))
    years = {int(year) for year in _YEAR.findall(text)} | {_century(int(year)) for year in _FISCAL.findall(text)}
    page = _PAGE.search(text)
    return Asked(
        terms,
        ids,
        idf,
        follows,
        joined,
        frozenset(word.replace("&", "").casefold() for word in _SHORT.findall(text)),
        frozenset(years),
        int(page[1]) if page else 0,
        _numbered(text, lexical, place),
        bool(_AMOUNT.search(text)),
        bool(_TABLE.search(text)),
        bool(_FIGURE.search(text)),
        bool(_OPENING.search(text)),
    )


def _century(year: int) -> int:
    return 2000 + year if year < 50 else 1900 + year


def _numbered(text: str, lexical: Lexical, place: dict[str, int]) -> tuple[tuple[int, int], ...]:
    found = []
    for match in _NUMBERED.finditer(text):
        pair: Sequence[str] = lexical.terms(match[0])
        if len(pair) == 2 and all(term in place for term in pair):
            found.append((place[pair[0]], place[pair[1]]))
    return tuple(found)
