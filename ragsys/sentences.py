"""Where sentences begin and end: offsets into the text as it stands, so that a sentence can be found on its page."""

from __future__ import annotations

import re
from typing import NamedTuple

# a full stop after these does not end a sentence
_SHORT = frozenset(
    re.findall(
        r"\S+",
        """mr mrs ms dr prof st jr sr inc ltd co corp llc plc vs etc cf eg ie e.g i.e al fig figs eq eqs sec secs tab
        nos vol pp ed eds approx dept est jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k u.n a.m p.m ph.d ca
        resp ref refs""",
    )
)
# a run of marks is looked at once, from its beginning: a page of thousands must not take the square of their number
_END = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s)|[。！？]+[」』”）]*|\n\s*\n|\n(?=\s*(?:[•◦▪●■–*-]|\(?\w{1,2}[.)])\s)"
)
_OPENS = re.compile(r"[\s\"'“‘(\[]*(\S)")


_LONGEST = 40  # characters of a word that are looked at: abbreviations and the numbers of list items are shorter


class Stretch(NamedTuple):
    """`text[start:end]`, without blanks at its ends."""

    start: int
    end: int


def split(text: str) -> list[Stretch]:
    """The sentences of a text, in order; together they hold every character that is not a blank.

    A new list item or a blank line begins a sentence; a single line end does not. Abbreviations, initials and decimal
    points do not end one.
    """
    found = []
    start = 0
    for match in _END.finditer(text):
        if match.group().startswith(".") and not _ends(text, start, match):
            continue
        found.append(_trimmed(text, start, match.end()))
        start = match.end()
    found.append(_trimmed(text, start, len(text)))
    return [stretch for stretch in found if stretch.end > stretch.start]


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    if len(match.group().rstrip("\"'”’)]")) > 1:  # an ellipsis ends a sentence if a capital follows
        return _next(text, match.end()).isupper()
    before = re.search(r"[\w.]+$", text[max(start, match.start() - _LONGEST) : match.start()])
    word = before.group().lower().strip(".") if before else ""
    after = _next(text, match.end())
    if word in _SHORT or (len(word) == 1 and word.isalpha()):
        return False
    if (
        word.isdigit()
        and len(word) <= 3
        and before is not None
        and not text[start : match.start()][: -len(word)].strip()
    ):
        return False  # the number of a list item
    if word == "no" and after.isdigit():
        return False
    return not after.islower()


def _next(text: str, at: int) -> str:
    match = _OPENS.match(text, at)
    return match.group(1) if match else ""


def _trimmed(text: str, start: int, end: int) -> Stretch:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Stretch(start, end)
