"""Spans into rows (what stands side by side) and cells (what stands together in a row)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragsys_pdf.cleaning import is_cjk, is_rtl
from ragsys_pdf.spans import Box, Span

_VALUE = re.compile(
    r"[\s(\[<>~≈±+\-–—−$€£¥]*(?:[A-Z]{0,3}\$)?\s?[(]?[\-–−+]?[\d.,]*\d[\d.,]*\s?(?:[%)\]xX*†‡°]|bps?|pts?|pp|[KMB])*"
    r"(?:\s?(?:\([\dA-Za-z]\)|[*†‡]+|(?:±|\+/[-−]|[/–-])\s?[\d.,]+%?|\([-−–]?[\d.,]*%?\)))?|[—–\-−]+[%)]?|\$\s?[—–\-−]|n/?[am]|N/?[AM]|nm|NM|\*+"
)
_UNIT_ENDS = frozenset("xXKMBaAmMpst")  # last letters of what a value may end in
_NUMBER_STARTS = frozenset("0123456789-–—−+($€£¥")
_CURRENCY = frozenset(("$", "€", "£", "¥", "US$", "$(", "($", "(", "R$", "C$"))
_CLOSING = frozenset((")", "%", ")%", "%)", "pts", "x", "pp"))


def is_value(text: str) -> bool:
    """Whether a cell holds a number, or what stands for one: a dash, "n/a", "nm"."""
    if len(text) > 27 or (text[-1].isalpha() and text[-1] not in _UNIT_ENDS):
        return False
    if text[0].isalpha() and text[0] not in "nN" and "$" not in text:  # most words: no number begins so
        return False
    return _VALUE.fullmatch(text) is not None


@dataclass(slots=True)
class Cell:
    """Spans of one row that stand together."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float
    bold: bool
    block: int  # the engine's, of its first span
    value: bool = False

    @property
    def box(self) -> Box:
        """In points."""
        return self.x0, self.y0, self.x1, self.y1


class Row:
    """Cells side by side, left to right, and the box around them in points."""

    __slots__ = ("cells", "x0", "x1", "y0", "y1")

    def __init__(self, cells: list[Cell]) -> None:
        self.cells = cells
        cell = cells[0]
        self.x0, self.y0, self.x1, self.y1 = cell.x0, cell.y0, cell.x1, cell.y1
        if len(cells) > 1:
            self.x1 = max([c.x1 for c in cells])
            self.y0, self.y1 = min([c.y0 for c in cells]), max([c.y1 for c in cells])

    @property
    def box(self) -> Box:
        """In points."""
        return self.x0, self.y0, self.x1, self.y1


def group_rows(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans by row, top to bottom, each row left to right. Two share a row if the lower half of one meets the other."""
    rows: list[list[Span]] = []
    top = bottom = 0.0
    for span in sorted(spans, key=_middle):
        y0, y1 = span[1], span[3]
        if rows:
            shared = (y1 if y1 < bottom else bottom) - (y0 if y0 > top else top)
            height = y1 - y0 if y1 - y0 < bottom - top else bottom - top
            if shared > 0.55 * height:
                rows[-1].append(span)
                if y1 - y0 > bottom - top and len(rows[-1]) < 3:  # the line's main text, not its footnote mark
                    top, bottom = y0, y1
                continue
        rows.append([span])
        top, bottom = y0, y1
    for row in rows:
        if len(row) > 1:
            row.sort()
    return rows


def _middle(span: Span) -> float:
    return span[1] + span[3]


def mono_blocks(rows: Sequence[Sequence[Span]]) -> set[int]:
    """Engine blocks of two or more lines, one stretch a line: paragraphs of one column, not rows of a table."""
    lines: dict[int, int] = {}
    broken: set[int] = set()
    for row in rows:
        last: dict[int, Span] = {}
        for span in row:
            block = span.block
            before = last.get(block)
            if before is None:
                lines[block] = lines.get(block, 0) + 1
            elif span.x0 - before.x1 > 1.5 * span.size:
                broken.add(block)
            last[block] = span
    return {block for block, count in lines.items() if count > 1 and block not in broken}


def make_cells(row: Sequence[Span]) -> list[Cell]:
    """The row's cells: spans nearer than a wide blank are one, a currency sign joins the number after it."""
    if len(row) == 1:
        x0, y0, x1, y1, text, size, bold, block, _ = row[0]
        return [Cell(x0, y0, x1, y1, text, size, bold, block, len(text) < 28 and is_value(text))]
    for span in row:
        if not span[4].isascii():
            return _mirrored_cells(row) if is_rtl(" ".join(s.text for s in row)) else _joined_cells(row)
    return _joined_cells(row)


def _joined_cells(row: Sequence[Span]) -> list[Cell]:
    cells: list[Cell] = []
    for x0, y0, x1, y1, text, size, bold, block, spaced in row:
        if cells:
            cell = cells[-1]
            gap = x0 - cell.x1
            em = size if size < cell.size else cell.size
            near = gap < 0.85 * em
            if not near and gap < 12 * size:
                near = (cell.text in _CURRENCY and text[0] in "0123456789(.—–-") or (
                    text in _CLOSING and gap < 1.6 * em
                )
            elif near and gap > 0.18 * em and text[0] in _NUMBER_STARTS and text not in _CLOSING:
                # numbers set close to each other, or close to their label, are columns
                whole = cell.value and ("." in cell.text or gap > 0.45 * em)
                near = not whole and not (gap > 0.42 * em and len(cell.text) > 1 and is_value(text))
            if near:
                apart = gap > 0.12 * em or (spaced and text[0] not in ",.;:)")
                cell.text += (" " if apart and _blank(cell.text, text) else "") + text
                cell.x1 = x1 if x1 > cell.x1 else cell.x1
                cell.y0 = y0 if y0 < cell.y0 else cell.y0
                cell.y1 = y1 if y1 > cell.y1 else cell.y1
                cell.bold = cell.bold and (bold or not any(map(str.isalpha, text)))
                cell.size = size if size > cell.size else cell.size
                cell.value = len(cell.text) < 28 and is_value(cell.text)
                continue
        cells.append(Cell(x0, y0, x1, y1, text, size, bold, block, len(text) < 28 and is_value(text)))
    return cells


def _mirrored_cells(row: Sequence[Span]) -> list[Cell]:
    """The cells of a row that reads right to left: joined in its order, but listed left to right like all others."""
    joined: list[Span] = []
    for span in row:
        last = joined[-1] if joined else None
        latin = last is not None and _reads_left_to_right(last.text) and _reads_left_to_right(span.text)
        if last is not None and latin and span.x0 - last.x1 < 0.85 * span.size:
            # a stretch of another script keeps its own order
            joined[-1] = last._replace(x1=span.x1, text=f"{last.text} {span.text}")
            continue
        joined.append(span)
    turned = [span._replace(x0=-span.x1, x1=-span.x0) for span in reversed(joined)]
    cells = _joined_cells(turned)
    for cell in cells:
        cell.x0, cell.x1 = -cell.x1, -cell.x0
    return cells[::-1]


def _reads_left_to_right(text: str) -> bool:
    return text[0].isalpha() and not is_rtl(text)


def _blank(before: str, after: str) -> bool:
    if before in _CURRENCY or after in _CLOSING:
        return False
    return not (is_cjk(before[-1]) and is_cjk(after[0]))


def level(one: Cell, other: Cell) -> bool:
    """Whether two cells of a row stand level: at their middles or baselines.

    The labels of a chart stand where its values put them: beside a line of text they share a row by chance.
    """
    near = 0.16 * min(one.y1 - one.y0, other.y1 - other.y0) + 0.3
    return abs(one.y0 + one.y1 - other.y0 - other.y1) < 2 * near or abs(_baseline(one) - _baseline(other)) < near


def _baseline(cell: Cell) -> float:
    return cell.y1 - 0.22 * (cell.y1 - cell.y0)


def row_text(cells: Sequence[Cell]) -> str:
    """The row as one line of running text, right to left where its script is."""
    if len(cells) == 1:
        return cells[0].text
    order = cells[::-1] if is_rtl(" ".join(c.text for c in cells)) else cells
    return " ".join(c.text for c in order)


def most_crossed(strips: Sequence[tuple[float, float]]) -> tuple[float, int]:
    """The x, in points, that lies in the most of these strips, and in how many; edges meet from the inside."""
    edges = sorted([(a, -1) for a, _ in strips] + [(b, 1) for _, b in strips])
    count = best = 0
    at = 0.0
    for n, (x, kind) in enumerate(edges):
        count -= kind
        if kind < 0 and count > best:
            best, at = count, (x + edges[n + 1][0]) / 2
    return at, best
