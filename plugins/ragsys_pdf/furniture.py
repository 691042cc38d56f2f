"""Running headers, footers and page numbers: what stands at the edge of several pages alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragsys_pdf.rows import group_rows
from ragsys_pdf.spans import RawPage, Span

_EDGE = 0.09  # of the page's height at the top and at the bottom
_ROWS = 3  # rows of an edge that are looked at
_DIGITS = re.compile(r"\d+")
_LAST_NUMBER = re.compile(r"(?:^|[\s|\-–—])(\d{1,4})$")
_PAGE_NUMBER = re.compile(
    r"[\s\-–—|•.]*(?:(?:page|seite|p\.|pg\.?|página|стр\.?)\s*)?(?:[A-Z]-)?(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:of|/|von|de|sur|из)\s*\d{1,4})?[\s\-–—|•.]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A row at a page's edge."""

    top: bool
    y: float  # share of the page's height, of the row's top
    text: str  # digits as '#'
    raw: str
    size: float
    spans: tuple[Span, ...]
    outermost: bool
    offset: int | None = None  # of a row that ends with a number: what it is ahead of the page's place in the file


def edges(page: RawPage) -> list[Edge]:
    """The rows in the page's top and bottom edge, outermost first."""
    found: list[Edge] = []
    low, high = _EDGE * page.height, (1 - _EDGE) * page.height
    for top in (True, False):
        near = [s for s in page.spans if s[3] <= low + 2] if top else [s for s in page.spans if s[1] >= high - 2]
        rows = group_rows(near)
        if not top:
            rows.reverse()
        for n, row in enumerate(rows[:_ROWS]):
            raw = " ".join(s.text for s in row)
            size = max(s.size for s in row)
            y = min(s.y0 for s in row) / max(1.0, page.height)
            found.append(Edge(top, y, _DIGITS.sub("#", raw), raw, size, tuple(row), n == 0, _offset(raw, page)))
        if not top and not rows and page.spans:
            # a page half full: its number stands right under the text, far above the bottom
            lowest = max(page.spans, key=lambda s: s.y0)
            last = sorted(s for s in page.spans if s.y1 > lowest.y0 + 1)
            raw = " ".join(s.text for s in last)
            offset = _offset(raw, page)
            if offset is not None and lowest.y0 > 0.3 * page.height and len(raw) < 100:
                y = lowest.y0 / page.height
                found.append(Edge(False, y, _DIGITS.sub("#", raw), raw, lowest.size, tuple(last), False, offset))
    return found


def _offset(raw: str, page: RawPage) -> int | None:
    """What the number that the row ends with is ahead of the page's place in the file."""
    match = _LAST_NUMBER.search(raw)
    return int(match[1]) - page.number if match else None


def furniture(
    own: Sequence[Edge], others: Sequence[Sequence[Edge]], body: float
) -> tuple[list[tuple[Span, ...]], list[tuple[Span, ...]]]:
    """(header rows, footer rows) of a page, given the edges of pages near it and the body's font size in points.

    A row is furniture if it is the outermost and a page number, if it is a number that counts on with another page's,
    or if the same words (numbers aside) stand at the same height on two of the other pages (or on the only one).
    """
    headers: list[tuple[Span, ...]] = []
    footers: list[tuple[Span, ...]] = []
    needed = min(2, len(others))
    for edge in own:
        goes = edge.outermost and len(edge.raw) < 20 and _PAGE_NUMBER.fullmatch(edge.raw) is not None
        if not goes and edge.offset is not None:
            goes = any(o.offset == edge.offset and o.text == edge.text for other in others for o in other)
        if not goes and needed and edge.size <= 1.3 * body and any(map(str.isalpha, edge.text)):
            alike = sum(
                any(o.top == edge.top and o.text == edge.text and abs(o.y - edge.y) < 0.012 for o in other)
                for other in others
            )
            goes = alike >= needed
        if goes:
            (headers if edge.top else footers).append(edge.spans)
    return headers, footers
