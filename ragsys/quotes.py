"""Where a quote stands on a page: the same words in any writing, every digit and negation as it is."""

from __future__ import annotations

import re
from typing import NamedTuple

from rapidfuzz import fuzz

from ragsys.claims import fold
from ragsys.types import Block, Evidence

#: Least similarity of a quote and the words it is aligned with (rapidfuzz partial ratio, 0..100, of normalised forms).
#: 90 lets one character in ten differ: broken ligatures, lost blanks, OCR. Digits and negations must be equal anyway.
QUOTE_RATIO = 90.0
# a prompt writes brackets in these ways: see `messages.data`
_ALIKE = {"[": "(", "]": ")", "‹": "<"}
_SIGNED = re.compile(r"(?:(?<![\w.])-)?\d+")


class Stretch(NamedTuple):
    """`text[start:end]` of a block."""

    start: int
    end: int


def block_of(evidence: Evidence, ordinal: int) -> Block | None:
    """The block of a page with this position; None if there is none."""
    return next((block for block in evidence.page.blocks if block.ordinal == ordinal), None)


def align(quote: str, text: str) -> Stretch | None:
    """Where the quote stands in the text, or None.

    Case, blanks, hyphens, ligatures, quotation marks and a table's bars make no difference.
    """
    wanted, _ = _normal(quote)
    have, places = _normal(text)
    wanted = wanted.strip(" .,;:…\"'")
    if not wanted or not have:
        return None
    at = _whole_words(wanted, have)
    if at >= 0:
        return Stretch(places[at], places[at + len(wanted) - 1] + 1)
    if len(wanted) < 12:  # too short to be told from something else
        return None
    found = fuzz.partial_ratio_alignment(wanted, have, score_cutoff=QUOTE_RATIO)
    if found is None or found.dest_end <= found.dest_start:
        return None
    if len(have) < len(wanted) * 0.9:  # the text would be aligned with a part of the quote
        return None
    start, end = found.dest_start, found.dest_end
    while start > 0 and have[start - 1] not in " " and have[start] != " ":
        start -= 1
    while end < len(have) and have[end] != " " and have[end - 1] != " ":
        end += 1
    if _SIGNED.findall(wanted) != _SIGNED.findall(have[start:end]):
        return None
    if _negations(wanted) != _negations(have[start:end]):
        return None
    return Stretch(places[start], places[end - 1] + 1)


def _negations(text: str) -> int:
    return len(re.findall(r"\b(?:not|no|never|cannot|without|nor|none)\b|n't\b", text))


def _whole_words(wanted: str, have: str) -> int:
    at = have.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        cut = (at > 0 and have[at - 1].isalnum() and wanted[0].isalnum()) or (
            end < len(have) and have[end].isalnum() and wanted[-1].isalnum()
        )
        # 1,577 inside 21,577 or 1,577.5 is another number
        longer = wanted[-1].isdigit() and re.match(r"[.,]\d", have[end:])
        longer = longer or (wanted[0].isdigit() and re.search(r"\d[.,]$", have[max(0, at - 2) : at]))
        if not cut and not longer:
            return at
        at = have.find(wanted, at + 1)
    return -1


def _normal(text: str) -> tuple[str, list[int]]:
    """The lower-case form that quotes are compared in, and for each of its characters the place in `text`."""
    out: list[str] = []
    places: list[int] = []
    for at, char in enumerate(text):
        # a hyphen between letters is one with a blank: "state-of-the-art"; before a digit it is a minus
        joins = fold(char) == "-" and text[at - 1 : at].isalpha() and text[at + 1 : at + 2].isalpha()
        if char.isspace() or char == "|" or joins:
            if out and out[-1] != " ":
                out.append(" ")
                places.append(at)
            continue
        for one in fold(_ALIKE.get(char, char)).lower():
            out.append(one)
            places.append(at)
    while out and out[-1] == " ":
        out.pop()
        places.pop()
    return "".join(out), places
