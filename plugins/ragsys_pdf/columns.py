"""Reading order: a page into regions that are one column wide, left to right inside each band, bands top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ragsys_pdf.cleaning import is_rtl
from ragsys_pdf.rows import Cell, Row, group_rows, make_cells, mono_blocks, most_crossed
from ragsys_pdf.sides import Sides, find_sides
from ragsys_pdf.spans import Span

_MIN_ROWS = 4  # rows of running text on both sides that make a gutter
_DEPTH = 3  # gutters inside columns: up to eight columns


def regions(spans: Sequence[Span], *, depth: int = 0) -> list[list[Row]]:
    """The rows of each region in reading order; every span is in exactly one row."""
    rows = group_rows(spans)
    if all(len(row) < 2 for row in rows):
        return [[Row(make_cells(row)) for row in rows]] if rows else []
    cells = [make_cells(row) for row in rows]
    gutter = find_gutter(rows, cells) if len(spans) >= 2 * _MIN_ROWS and depth < _DEPTH else None
    if gutter is None:
        sides = find_sides(rows, cells) if depth < _DEPTH else None
        return [[Row(row) for row in cells]] if sides is None else _apart(rows, sides, depth)
    middle = (gutter[0] + gutter[1]) / 2
    bands: list[tuple[bool, list[int]]] = []
    for n, row in enumerate(cells):
        wide = _is_wide(row, middle, bands[-1][0] if bands else True)
        wide = wide or bool(bands and bands[-1][0] and _ends(row, cells[n - 1], middle))
        if bands and bands[-1][0] == wide:
            bands[-1][1].append(n)
        else:
            bands.append((wide, [n]))
    found: list[list[Row]] = []
    for wide, band in bands:
        if wide:
            found.append([Row(cells[n]) for n in band])
            continue
        found += _halves([span for n in band for span in rows[n]], middle, depth)
    return found


def _halves(spans: Sequence[Span], middle: float, depth: int) -> list[list[Row]]:
    """The regions left and right of `middle`, in reading order."""
    left = [s for s in spans if s.x0 + s.x1 <= 2 * middle]
    right = [s for s in spans if s.x0 + s.x1 > 2 * middle]
    halves = [right, left] if is_rtl(" ".join(s.text for s in spans[:40])) else [left, right]
    return [region for half in halves for region in regions(half, depth=depth + 1)]


def _apart(rows: Sequence[Sequence[Span]], sides: Sides, depth: int) -> list[list[Row]]:
    """The regions of the rows above the two sides, of the sides, and of the rows below them."""
    above, inside, below = (
        [span for row in part for span in row]
        for part in (rows[: sides.first], rows[sides.first : sides.end], rows[sides.end :])
    )
    return [
        *regions(above, depth=depth),
        *_halves(inside, sides.middle, depth),
        *regions(below, depth=depth),
    ]


def _is_wide(cells: Sequence[Cell], middle: float, before: bool) -> bool:
    """Whether the row runs across the gutter. A row that could be either goes with the one before it."""
    if any(c.x0 < middle - 3 and c.x1 > middle + 3 for c in cells):
        return True
    # a row of a table that has just begun to run across
    return (
        before
        and len(cells) > 2
        and sum(c.value for c in cells) > 1
        and not any(_is_prose(c, frozenset()) for c in cells)
    )


def _ends(row: Sequence[Cell], above: Sequence[Cell], middle: float) -> bool:
    """Whether the row is the short last line of what runs across above it."""
    cell, first = row[0], above[0]
    return (
        len(row) == 1
        and cell.x1 <= middle
        and cell.bold == first.bold
        and abs(cell.size - first.size) < 0.05 * cell.size
        and cell.y0 - first.y1 < 0.6 * cell.size
        and abs(cell.x0 - first.x0) < 1.5 * cell.size
    )


def find_gutter(rows: Sequence[Sequence[Span]], cells: Sequence[Sequence[Cell]]) -> tuple[float, float] | None:
    """The edges in points of the blank strip that has running text on both sides in the most rows, if there is one."""
    pairs = [
        (left, right)
        for row in cells
        if len(row) > 1
        for left, right in pairwise(row)
        if right.x0 - left.x1 > 0.6 * right.size
        and not left.value
        and not right.value
        and len(left.text) > 9
        and len(right.text) > 9
    ]
    if len(pairs) < _MIN_ROWS:
        return None
    mono = mono_blocks(rows)
    strips = [(left.x1, right.x0) for left, right in pairs if _is_prose(left, mono) and _is_prose(right, mono)]
    if len(strips) < _MIN_ROWS:
        return None
    at, count = most_crossed(strips)
    if count < _MIN_ROWS:
        return None
    inside = [(a, b) for a, b in strips if a <= at <= b]
    # the columns end where most of their lines do; a lone long line must not narrow the strip to nothing
    x0, x1 = max(a for a, _ in inside), min(b for _, b in inside)
    return (x0, x1) if x0 <= x1 else (at, at)


def _is_prose(cell: Cell, mono: set[int] | frozenset[int]) -> bool:
    """Whether a cell is a line of running text; `mono` are the engine blocks that are single columns."""
    if cell.value:
        return False
    text = cell.text
    length = len(text)
    if length >= 25:
        return text.count(" ") >= 3 or not text.isascii()
    return cell.block in mono and length >= 10 and sum(map(str.isalpha, text)) > 0.6 * length
