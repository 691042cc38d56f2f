"""What a question names slightly otherwise than the pages do: E7 for E07, D-40 for D40, Kelvarra for Kelvara."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process

from ragsys.types import Evidence

LIKE = 88.0  # least similarity of two spellings of a name (rapidfuzz ratio, 0..100): a letter in eight
LETTERS = 5  # of the shortest name that is compared by its letters: in shorter ones each letter counts
MOST = 3  # that are told
_CODE = re.compile(r"(?<![\w-])(?:[A-Z]{1,4} (?=\d)|[A-Za-z]{1,6}[-_]?)\d{1,6}[A-Za-z]?(?![\w-]|\.\d)")
_NAME = re.compile(rf"(?<![\w-])[A-Z]\w{{{LETTERS - 1},}}(?![\w-])")


class Alike(NamedTuple):
    """Two spellings of what may be the same."""

    asked: str
    named: str  # as the pages write it


def alike(question: str, pages: Sequence[Evidence]) -> tuple[Alike, ...]:
    """The codes and names of a question that are on none of the pages, each with what is there and looks like it."""
    text = "\n".join(block.text for page in pages for block in page.page.blocks)
    there = text.casefold()
    codes = {_plain(code): code for code in reversed(_CODE.findall(text))}  # the first of several spellings
    asked = _absent(_CODE.findall(question), there)
    found = [Alike(code, codes[_plain(code)]) for code in asked if _plain(code) in codes]
    names = sorted({*_NAME.findall(text)})
    for name in _absent(_NAME.findall(question)[_begins(question) :], there):
        best = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=LIKE)
        if best is not None:
            found.append(Alike(name, best[0]))
    return tuple(found[:MOST])


def _absent(words: Iterable[str], text: str) -> list[str]:
    return [word for word in dict.fromkeys(words) if not re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text)]


def _begins(question: str) -> int:
    """1 where the first word is long and capitalised as any first word is."""
    found = _NAME.match(question.lstrip())
    return int(found is not None)


def _plain(code: str) -> str:
    """ "E-07" and "e7" -> "e7"."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[-_ ]", "", code)).casefold()
