"""Words and sentences of running text, counted and cut without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator

# scripts that write no spaces between words: kana, Han, Hangul is spaced, Thai, Lao, Khmer, Burmese
UNSPACED = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORDS = re.compile(r"\S+")
# a run of marks is looked at once, from its beginning: a page of thousands must not take the square of their number
_STOP = re.compile(
    r"[。！？]+[”’」』）]*|(?<![A-Z]\.)(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s+[\"'“‘«(\[]?[^\Wa-z_]|\s*\n)"
)
_SHORT = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|Nos|Fig|Figs|Eq|Eqs|Sec|Ch|Vol|vs|cf|al|etc|e\.g|i\.e|Inc|Ltd|Co|Corp|approx"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec))\.$"
)


def count_words(text: str) -> int:
    """How many words a text has; two characters of a script without spaces count as one word."""
    unspaced = len(_UNSPACED.findall(text)) if not text.isascii() else 0
    return len(text.split()) + unspaced // 2


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the sentences of `text[start:end]`; together they are the whole stretch."""
    at = start
    for match in _STOP.finditer(text, start, end):
        if _SHORT.search(text, max(at, match.start() - 10), match.start() + 1):
            continue
        yield at, match.end()
        at = match.end()
    if at < end:
        yield at, end


def slices(text: str, start: int, end: int, words: int) -> Iterator[tuple[int, int]]:
    """(start, end) of stretches of at most `words` words that make up `text[start:end]`: a sentence without an end."""
    at, held, unspaced = start, 0, 0  # the open stretch: where it begins, its words and its unspaced characters
    for match in _WORDS.finditer(text, start, end):
        size = len(_UNSPACED.findall(match.group()))
        if held and held + 1 + (unspaced + size) // 2 > words:
            yield at, match.start()
            at, held, unspaced = match.start(), 0, 0
        if not held and 1 + size // 2 > words:  # one word longer than a passage: cut where it gets too long
            step = 2 * words - 1  # so many characters are at most `words` words, whatever they are
            begin = match.start()
            while begin + step < match.end():
                begin += step
                yield at, begin
                at = begin
            held, unspaced = 1, len(_UNSPACED.findall(text, at, match.end()))
        else:
            held, unspaced = held + 1, unspaced + size
    if at < end:
        yield at, end
