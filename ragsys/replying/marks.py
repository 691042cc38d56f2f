"""Marks in a model's text, `[3.7 "its words"]`: found in every form that models write, told from what is only text.

`3.7` is block 7 of evidence 3. A mark says what its writer points at, and is no proof of anything: `citing` proves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ragsys.quotes import align, block_of
from ragsys.types import Evidence, Mark

#: The block of a mark that names a page alone: `[3]`, `[page 3]`.
WHOLE_PAGE = -1
#: Characters: a mark is no longer than the one, and a quote in it is cut at the other.
LONGEST, QUOTE = 2100, 2000
_MANY = 10**9  # stands for every larger number: no evidence has it
_OPEN, _CLOSE = "[【［", "]】］"
_QUOTES = {'"': '"”', "“": '"”', "„": '“”"', "«": "»", "「": "」"}
_AROUND = " \t\n\"“”„«»「」'‘’"
_WORDS = ("see", "page", "pages", "pg", "p", "block", "blocks", "source", "sources", "evidence", "id", "ref", "cite")
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_ID = re.compile(
    rf"[\s^#]*(?:(?:{_WORD})\b[.:#\s]*)?(?P<n>\d{{1,60}})"
    rf"(?:\s?\.\s?(?P<b>\d{{1,60}})|[\s,]{{1,3}}block\b[.:#\s]*(?P<b2>\d{{1,60}}))?(?![\d%])(?!\.\d)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"[\s^#]{0,8}(?P<word>[A-Za-z]{0,9})(?P<rest>[.:#\s]{0,8})")
_NEXT = re.compile(
    rf"(?:[;,&]|\band\b)(?!\s?block\b[.:#\s]{{0,8}}\d+(?![\d.]))(?=[\s^#]{{0,8}}(?:(?:{_WORD})\b[.:#\s]{{0,8}})?\d)",
    re.IGNORECASE,
)
_ROUND = re.compile(r"\(([^()\n]{1,400})\)")
# what a number in round brackets may belong to: "a loss of (3.7)"
_VALUE_BEFORE = re.compile(
    r"(?:[\d$€£¥%=<>+-]|\b(?:of|was|were|is|are|be|to|by|at|than|from|about|around|over|under|or|and))\s*$", re.I
)
_SENTENCE_END = re.compile(r"\s*(?:[.!?]|$|\n|[\[(【])")
_INTERVAL = re.compile(r"\b(?:CI|interval|range|between|within)\s*:?\s*$", re.I)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")  # 12,000
_YEARS = range(1000, 2200)
_BRACKET = re.compile(f"[{re.escape(_OPEN)}]")
_CUT_OFF = re.compile(r"[\[【［]\s*(\d{1,9})\s?\.\s?(\d{1,9})(?!\d)[^\[\]【】］［]*\Z")


class Found(NamedTuple):
    """`text[start:end]` is a mark, or several; `shown` stands in its place."""

    start: int
    end: int
    marks: tuple[Mark, ...]
    shown: str = ""


def find(text: str, pages: Collection[Evidence] = ()) -> list[Found]:
    """Every mark of a whole text, in order. `pages` decide where a form could be a mark or a part of the text."""
    known = {page.number: page for page in pages}
    found: list[Found] = []
    at = 0
    while (at := _first(text, at)) >= 0:
        end = _end(text[at : at + LONGEST], final=True)
        read = _read(text[at + 1 : at + end - 1], known) if end else None
        if read is not None and _INTERVAL.search(text[max(0, at - 12) : at]) and not _resolved(read[0], known):
            read = None  # "a 95 % confidence interval [3.2, 4.1]"
        if read is not None:
            found.append(Found(at, at + end, *read))
        elif not end and len(text) - at < LONGEST and (cut := _CUT_OFF.match(text, at)):
            found.append(Found(at, len(text), (Mark(_number(cut[1]), _number(cut[2])),)))
        at = found[-1].end if found and found[-1].end > at else at + 1
    return sorted([*found, *_round(text, found, known)])


def _first(text: str, at: int) -> int:
    match = _BRACKET.search(text, at)
    return match.start() if match else -1


def _end(text: str, *, final: bool) -> int:
    """The length of the bracket that `text` begins with; 0 if it is none of ours, -1 if more text may close it.

    A bracket inside quotation marks closes nothing, unless the quotation marks themselves are never closed.
    """
    lead = _LEAD.match(text, 1)
    word = lead["word"].lower() if lead else ""
    if lead is None or lead.end() == len(text):
        open_ = lead is not None and (not word or any(one.startswith(word) for one in _WORDS))
        return -1 if open_ and not final and len(text) < LONGEST else 0
    if not text[lead.end()].isdigit() or (word and word not in _WORDS):
        return 0
    closers = ""
    for at, char in enumerate(text[1:], 1):
        if closers:
            closers = "" if char in closers else closers
        elif char in _QUOTES:
            closers = _QUOTES[char]
        elif char in _CLOSE:
            return at + 1
        elif char in _OPEN:
            return 0
    if not final and len(text) < LONGEST:
        return -1
    first = re.search(f"[{re.escape(_CLOSE)}]", text)
    return first.end() if first else 0


def _read(content: str, known: Mapping[int, Evidence]) -> tuple[tuple[Mark, ...], str] | None:
    """The marks that a bracket holds, and what of it stays as text; None if it holds anything else."""
    if _GROUPED.fullmatch(content.strip()):
        return None
    masked = _masked(content)
    cuts = list(_NEXT.finditer(masked))
    starts, ends = [0, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), len(content)]
    marks = []
    for start, end in zip(starts, ends, strict=True):
        item = content[start:end]
        match = _ID.match(item)
        if match is None:
            return None
        block = match["b"] or match["b2"]
        rest = item[match.end() :].strip(" \t\n:,;-–—")
        quote = "" if rest.startswith("†") else rest.strip(_AROUND)[:QUOTE]
        mark = Mark(_number(match["n"]), _number(block) if block else WHOLE_PAGE, quote)
        if quote and rest[0] not in _AROUND and not _stands(mark, known):
            return None
        marks.append(mark)
    only = marks[0]
    if len(marks) == 1 and only.block == WHOLE_PAGE and only.evidence in _YEARS and only.evidence not in known:
        return (), f"({content.strip()})"
    return tuple(marks), ""


def _masked(content: str) -> str:
    """The content with every character inside quotation marks replaced: what stands there parts nothing."""
    out, closers = [], ""
    for char in content:
        if closers:
            closers = "" if char in closers else closers
            out.append("\0")
        else:
            closers = _QUOTES.get(char, "")
            out.append(char)
    return "".join(out) if not closers else content.replace(",", "\0").replace(" and ", "\0" * 5)


def _number(digits: str) -> int:
    return min(int(digits[:12]), _MANY)


def _stands(mark: Mark, known: Mapping[int, Evidence]) -> bool:
    """Whether words without quotation marks are a quote: several, and they stand in the block."""
    page = known.get(mark.evidence)
    block = block_of(page, mark.block) if page else None
    return block is not None and len(mark.quote.split()) > 2 and align(mark.quote, block.text) is not None


def _resolved(marks: Collection[Mark], known: Mapping[int, Evidence]) -> bool:
    return bool(marks) and all(
        (page := known.get(mark.evidence)) is not None
        and (mark.block == WHOLE_PAGE or block_of(page, mark.block) is not None)
        for mark in marks
    )


def _round(text: str, found: Collection[Found], known: Mapping[int, Evidence]) -> list[Found]:
    """Marks in round brackets: only at a sentence's end, only of blocks that were shown, and never after what a value
    in brackets could belong to: a number that is taken out of a sentence must not have been a part of it."""
    more: list[Found] = []
    for match in _ROUND.finditer(text):
        if any(one.start < match.end() and match.start() < one.end for one in found):
            continue
        read = _read(match[1], known)
        if read is None or not read[0] or not _resolved(read[0], known):
            continue
        named = match[1].lstrip()[:1].isalpha() or any(mark.quote for mark in read[0])
        if any(mark.block == WHOLE_PAGE for mark in read[0]) and not named:
            continue
        before, after = text[max(0, match.start() - 12) : match.start()], text[match.end() :][:3]
        if named or (_SENTENCE_END.match(after) and not _VALUE_BEFORE.search(before)):
            more.append(Found(*match.span(), *read))
    return more


class MarkFilter:
    """Takes the marks out of streamed text: holds a bracket back until it is clear whether a mark begins there.

    What it shows does not depend on how the text is cut into pieces.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._held = ""

    def feed(self, piece: str) -> None:
        """Pass on what is certain."""
        self._held += piece
        self._pass(final=False)

    def end(self) -> None:
        """Pass on what is left."""
        self._pass(final=True)

    def _pass(self, *, final: bool) -> None:
        out: list[str] = []
        text, at = self._held, 0
        while (start := _first(text, at)) >= 0:
            out.append(text[at:start])
            window = text[start : start + LONGEST]
            end = _end(window, final=final or len(window) == LONGEST)
            if end < 0:
                at = start
                break
            read = _read(window[1 : end - 1], {}) if end else None
            out.append(read[1] if read else window[0])
            at = start + (end if read else 1)
            if final and not end and _CUT_OFF.match(text, start) and len(text) - start < LONGEST:
                out.pop()
                at = len(text)
        else:
            out.append(text[at:])
            at = len(text)
        self._held = text[at:]
        shown = "".join(out)
        if shown:
            self._show(shown)
