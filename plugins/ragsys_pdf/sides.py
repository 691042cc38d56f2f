"""Text beside a chart or beside other text: where a stretch of rows falls into two sides that share no row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ragsys_pdf.cleaning import SENTENCE_END
from ragsys_pdf.rows import Cell, level, mono_blocks, most_crossed
from ragsys_pdf.spans import Span

_LARGER = 1.15  # times the size of what stands beside it
_ROWS = 2  # that two paragraphs share
_ENOUGH = 2  # rows that do not stand level show two sides
_SHORT = 10  # characters: a shorter cell is no line of a paragraph
_LONG = 20  # characters: the longest line of a paragraph has them, that of a column's header has not
_WIDE = 40  # characters: the longest line of a paragraph that something of its own size may stand beside
_MARK = 4  # characters: what is no longer and begins a row may be the mark of a note or an item


class Sides(NamedTuple):
    """Rows `first`..`end - 1` are two sides, left and right of `middle` (points)."""

    first: int
    end: int
    middle: float


class _Pair(NamedTuple):
    """Two neighbours of a row that the engine has in different blocks."""

    row: int
    left: Cell
    right: Cell
    level: bool  # so are all cells of the row at the left with all at the right


def find_sides(rows: Sequence[Sequence[Span]], cells: Sequence[Sequence[Cell]]) -> Sides | None:
    """The first stretch of rows whose left and right sides were set independently of each other, if there is one.

    Signs of it: words beside something of another size that is not level with them (the labels of a chart are where
    its values put them), two paragraphs whose lines do not pair off, and two paragraphs with nothing else beside them.
    The rows of a table are level.
    """
    pairs: list[_Pair] = []
    for n, row in enumerate(cells):
        for k in range(1, len(row)):
            a, b = row[k - 1], row[k]
            if a.block == b.block or b.x0 - a.x1 < a.size or (a.value and b.value):
                continue
            even = all(level(one, other) for one in row[:k] for other in row[k:])
            if not even or (len(a.text) >= _SHORT and len(b.text) >= _SHORT):
                pairs.append(_Pair(n, a, b, even))
    if not pairs:
        return None
    paragraphs = _Paragraphs(rows)
    signs = [(pair, weight) for pair in pairs if (weight := _sign(pair, cells, paragraphs))]
    sides = None
    if sum(weight for _, weight in signs) >= _ENOUGH and not _are_entries([pair for pair, _ in signs], paragraphs):
        sides = _around(signs, cells)
    return sides or _boxes(pairs, cells, paragraphs)


class _Paragraphs:
    """The engine's blocks that are paragraphs of one column, looked at once a page and only where it may matter."""

    def __init__(self, rows: Sequence[Sequence[Span]]) -> None:
        mono = mono_blocks(rows)
        self.lines: dict[int, list[Span]] = {}
        for row in rows:
            for span in row:
                if span.block in mono:
                    self.lines.setdefault(span.block, []).append(span)

    def have_words(self, cell: Cell) -> bool:
        """Whether a cell, or a line of its paragraph, has three words."""
        if cell.value:
            return False
        return cell.text.count(" ") > 1 or any(s.text.count(" ") > 1 for s in self.lines.get(cell.block, ()))

    def flow(self, cell: Cell, least: int) -> bool:
        """Whether a cell is of a paragraph that runs on from line to line, the longest of `least` characters.

        Its lines begin at one edge, the first perhaps with an indent; a column's header is centred.
        """
        lines = self.lines.get(cell.block)
        if cell.value or not lines or max(len(s.text) for s in lines) < least:
            return False
        edges = [line.x0 for line in lines[1 if len(lines) > 2 else 0 :]]
        if max(edges) - min(edges) >= 0.5 * cell.size:
            return False
        return any(b.text[0].islower() and not a.text.endswith(SENTENCE_END) for a, b in pairwise(lines))

    def apart(self, pair: _Pair) -> bool:
        """Whether a row's neighbours are lines of two paragraphs whose other lines do not pair off."""
        left, right = self.lines.get(pair.left.block, []), self.lines.get(pair.right.block, [])
        if min(len(left), len(right)) < _ROWS or not (self.flow(pair.left, _LONG) or self.flow(pair.right, _LONG)):
            return False
        if not (self.have_words(pair.left) and self.have_words(pair.right)):
            return False
        near = 0.3 * min(pair.left.size, pair.right.size)
        top, bottom = max(left[0].y0, right[0].y0) - near, min(left[-1].y1, right[-1].y1) + near
        one, other = ([s.y1 for s in its if s.y0 >= top and s.y1 <= bottom] for its in (left, right))
        return len(one) != len(other) or any(abs(a - b) > near for a, b in zip(one, other, strict=True))

    def box(self, cell: Cell) -> tuple[float, float]:
        """Top and bottom of a cell's paragraph, in points."""
        lines = self.lines.get(cell.block)
        return (min(s.y0 for s in lines), max(s.y1 for s in lines)) if lines else (cell.y0, cell.y1)


def _sign(pair: _Pair, cells: Sequence[Sequence[Cell]], paragraphs: _Paragraphs) -> int:
    """How much a pair tells of two sides: of `_ENOUGH`."""
    if _other_size(pair.left, pair.right):
        if paragraphs.apart(pair):
            return _ENOUGH
        words = paragraphs.have_words(pair.left) or paragraphs.have_words(pair.right)
    else:
        words = paragraphs.flow(pair.left, _WIDE) or paragraphs.flow(pair.right, _WIDE)
    return int(not pair.level and words and not _is_mark(pair, cells, paragraphs))


def _is_mark(pair: _Pair, cells: Sequence[Sequence[Cell]], paragraphs: _Paragraphs) -> bool:
    """Whether the left cell may be the mark of a note or an item, which stands higher or lower than its text."""
    left = pair.left
    return left is cells[pair.row][0] and len(left.text) <= _MARK and not paragraphs.have_words(left)


def _boxes(pairs: Sequence[_Pair], cells: Sequence[Sequence[Cell]], paragraphs: _Paragraphs) -> Sides | None:
    """Two paragraphs side by side with nothing beside them that is no paragraph, as a table's other cells would be."""
    both: dict[tuple[int, int], list[_Pair]] = {}
    for pair in sorted(pairs, key=lambda one: one.row):
        if paragraphs.flow(pair.left, _LONG) and paragraphs.flow(pair.right, _LONG):
            both.setdefault((pair.left.block, pair.right.block), []).append(pair)
    for blocks, its in both.items():
        x0, x1 = max(p.left.x1 for p in its), min(p.right.x0 for p in its)
        own = [n for n, row in enumerate(cells) if any(cell.block in blocks for cell in row)]
        first, end = own[0], own[-1] + 1
        inside = [cell for row in cells[first:end] for cell in row]
        if len(its) >= _ROWS and all(
            paragraphs.flow(cell, _SHORT) and (cell.x1 <= x0 + 1 or cell.x0 >= x1 - 1) for cell in inside
        ):
            return Sides(first, end, (x0 + x1) / 2)
    return None


def _are_entries(pairs: Sequence[_Pair], paragraphs: _Paragraphs) -> bool:
    """Whether each paragraph at the left is the name of one at its right: most begin or have their middle level.

    Entries of a glossary or a table of text: each is read with its name.
    """
    both = {(pair.left.block, pair.right.block): pair for pair in pairs}
    if len(both) < 2 or len({a for a, _ in both}) < len(both) or len({b for _, b in both}) < len(both):
        return False
    even = 0
    for pair in both.values():
        if paragraphs.have_words(pair.right):
            (top, bottom), (other_top, other_bottom) = paragraphs.box(pair.left), paragraphs.box(pair.right)
            apart = min(abs(top - other_top), abs(top + bottom - other_top - other_bottom) / 2)
            even += apart < 0.3 * min(pair.left.size, pair.right.size)
    return even >= 2 and 2 * even >= len(both)


def _around(signs: Sequence[tuple[_Pair, int]], cells: Sequence[Sequence[Cell]]) -> Sides | None:
    """The rows around those that show two sides, unless more of them stand level across the strip between."""
    x0, x1, inside = _strip([pair for pair, _ in signs])
    if x1 - x0 < 0.5 * min(pair.left.size for pair in inside):
        return None
    weights = {pair.row: weight for pair, weight in signs if pair in inside}
    found: list[int] = []
    told = against = 0
    for n, weight in weights.items():
        between = cells[found[-1] + 1 : n] if found else ()
        if any(_crosses(row, x0, x1) for row in between):
            if told >= max(_ENOUGH, against):
                break
            found, told, against = [], 0, 0
        else:
            against += sum(_level_across(row, x0) for row in between)
        found.append(n)
        told += weight
    if told < max(_ENOUGH, against):
        return None
    first, end = found[0], found[-1] + 1
    first -= _reach(cells[:first][::-1], x0, x1)
    end += _reach(cells[end:], x0, x1)
    if told < 2 * _ENOUGH and any(_is_of_table(cells, *ends, x0) for ends in ((first - 1, first), (end, end - 1))):
        return None
    inner = [c.x1 for row in cells[first:end] for c in row if c.x0 < x0 and c.x1 < x1]
    middle = (max(inner, default=x0) + x1) / 2
    while first and cells[first][-1].x1 <= middle and _tight(cells[first - 1][0], cells[first][0]):
        first += 1  # the end of a paragraph that begins above
    return Sides(first, _without_trailing(cells, first, end, middle), middle)


def _strip(pairs: Sequence[_Pair]) -> tuple[float, float, list[_Pair]]:
    """The blank strip that the most pairs share: its edges in points, and those pairs."""
    at, _ = most_crossed([(p.left.x1, p.right.x0) for p in pairs])
    inside = [p for p in pairs if p.left.x1 <= at <= p.right.x0]
    return max(p.left.x1 for p in inside), min(p.right.x0 for p in inside), inside


def _reach(cells: Sequence[Sequence[Cell]], x0: float, x1: float) -> int:
    """How many rows, going away from two sides, belong to them: up to one that crosses, or to rows that stand level.

    A line may stand level with what is beside it by chance, the more so with something of another size.
    """
    reached = balance = 0
    for n, row in enumerate(cells, 1):
        if _crosses(row, x0, x1):
            break
        balance += _balance(row, x0)
        if balance < -1:
            break
        if balance >= 0:
            reached, balance = n, min(balance, 1)
    return reached


def _balance(row: Sequence[Cell], x0: float) -> int:
    """1 if a row's cells at the strip do not stand level, -1 if they do and are of one size, else 0."""
    left, right = [c for c in row if c.x0 < x0], [c for c in row if c.x0 >= x0]
    if not left or not right:
        return 0
    if not level(left[-1], right[0]):
        return 1
    return 0 if _other_size(left[-1], right[0]) else -1


def _is_of_table(cells: Sequence[Sequence[Cell]], outer: int, inner: int, x0: float) -> bool:
    """Whether the sides end near a row of three or more level cells: they are cells of a table."""
    if not 0 <= outer < len(cells) or len(cells[outer]) < 3:
        return False
    (upper, lower) = (cells[n][0] for n in sorted((outer, inner)))
    return lower.y0 - upper.y1 < lower.size and _level_across(cells[outer], x0)


def _tight(above: Cell, below: Cell) -> bool:
    """Whether two lines may be of one paragraph."""
    return below.y0 - above.y1 < 0.6 * below.size and abs(below.size - above.size) < 0.1 * below.size


def _other_size(a: Cell, b: Cell) -> bool:
    return a.size >= _LARGER * b.size or b.size >= _LARGER * a.size


def _crosses(row: Sequence[Cell], x0: float, x1: float) -> bool:
    return any(c.x0 < x0 and c.x1 >= x1 for c in row)


def _level_across(row: Sequence[Cell], x0: float) -> bool:
    """Whether a row has cells on both sides, all level."""
    left, right = [c for c in row if c.x0 < x0], [c for c in row if c.x0 >= x0]
    return bool(left and right) and all(level(a, b) for a in left for b in right)


def _without_trailing(cells: Sequence[Sequence[Cell]], first: int, end: int, middle: float) -> int:
    """The end without the rows of the left side that come after all of the right and stand apart from those above."""
    last = max(n for n in range(first, end) if cells[n][-1].x1 > middle)
    left = [cells[n][0] for n in range(first, last + 1) if cells[n][0].x0 < middle]
    usual = max([0.5 * left[-1].size, *(b.y0 - a.y1 for a, b in pairwise(left))])
    before = left[-1]
    for n in range(last + 1, end):
        cell = cells[n][0]
        if cell.y0 - before.y1 > 1.2 * usual or abs(cell.size - before.size) > 0.1 * before.size:
            return n
        before = cell
    return end
