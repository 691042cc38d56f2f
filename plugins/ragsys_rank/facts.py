"""What a page's features need of its content, worked out once a page: its terms in order by field, and its make-up."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragsys.protocols import Lexical
from ragsys.types import BlockKind, Page

BODY, TITLE, TABLE, HEAD, CAPTION, MARGIN = range(6)
FIELDS = 6

#: Numbers of `Facts.make_up`, in order.
MAKE_UP = ("terms", "digits", "tables", "table_area", "figures", "figure_area", "captions", "titles", "lists", "ocr")

_BREAK = "918273645546372819"  # a number that is one term in every language; no text holds it
_NUMBER = re.compile(r"\d+")
_FIELD = {
    BlockKind.TITLE: TITLE,
    BlockKind.CAPTION: CAPTION,
    BlockKind.HEADER: MARGIN,
    BlockKind.FOOTER: MARGIN,
    BlockKind.TABLE: TABLE,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """One page."""

    terms: NDArray[np.uint32]  # (n,) ids in reading order, 0 between blocks
    fields: NDArray[np.uint8]  # (n,)
    make_up: NDArray[np.float32]  # (len(MAKE_UP),)
    years: dict[int, int]  # year -> how often it is written
    label: str


#: Of a page that the store does not hold any more.
BLANK = Facts(np.empty(0, np.uint32), np.empty(0, np.uint8), np.zeros(len(MAKE_UP), np.float32), {}, "")


def facts_of(page: Page, lexical: Lexical) -> Facts:
    """The facts of a page; its language is told from the whole of it."""
    parts: list[tuple[int, str]] = []
    for block in page.blocks:
        if not block.text:
            continue
        if block.kind is BlockKind.TABLE:
            head, _, rows = block.text.partition("\n")
            parts += [(HEAD, head), (TABLE, rows)]
        else:
            parts.append((_FIELD.get(block.kind, BODY), block.text))
    found = lexical.term_ids(f"\n{_BREAK}\n".join(text for _, text in parts)) if parts else []
    terms = np.array(found, np.uint32)  # (n,)
    breaks = terms == lexical.term_id(_BREAK)  # (n,)
    terms[breaks] = 0
    own = np.array([field for field, _ in parts] or [BODY], np.uint8)
    fields = own[np.minimum(np.cumsum(breaks), len(own) - 1)]  # (n,): a break belongs to the block behind it
    text = "".join(text for _, text in parts)
    # a third of the time of an expression that looks behind itself at every digit
    numbers = _NUMBER.findall(text)
    years = Counter(int(number) for number in numbers if len(number) == 4 and "1950" <= number <= "2049")
    digits = sum(map(len, numbers)) if text.isascii() else sum(map(text.count, "0123456789"))
    kinds = [block.kind for block in page.blocks]
    areas = {BlockKind.TABLE: 0.0, BlockKind.FIGURE: 0.0}
    for block in page.blocks:
        if block.kind in areas:
            areas[block.kind] += block.bbox.area
    make_up = (
        np.log1p(len(found)),
        digits / max(1, len(text)),
        kinds.count(BlockKind.TABLE),
        areas[BlockKind.TABLE],
        kinds.count(BlockKind.FIGURE),
        areas[BlockKind.FIGURE],
        kinds.count(BlockKind.CAPTION),
        kinds.count(BlockKind.TITLE),
        kinds.count(BlockKind.LIST),
        float(page.source == "ocr"),
    )
    return Facts(terms, fields, np.array(make_up, np.float32), dict(years), page.label)
