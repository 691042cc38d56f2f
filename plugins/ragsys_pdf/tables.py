"""Tables by rules: rows whose cells line up, numbers first. Lines and fills cost too much to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragsys_pdf.captions import is_caption
from ragsys_pdf.cleaning import glue
from ragsys_pdf.rows import Cell, Row
from ragsys_pdf.spans import Box

_SHORT = 42  # characters: a longer cell is running text
_LABELS = 3  # rows in a row without values that a table may hold (wrapped labels, section labels)
_YEAR = re.compile(r"(?:FY|Q[1-4]|[1-4]Q)?\s?['’]?(?:19|20)?\d\d(?:\s?[EePpAa]|\s?Q[1-4])?(?:\s?\(\d\)|\*)?")
_MARKER = re.compile(r"[•▪■◦●○◆▶►‣∙·–—\-*✓✔☐☒o§]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\d+(?:\.\d+)+\.?")


@dataclass(slots=True)
class Table:
    """A table in points: `rows[n]` stand in `boxes[n]`; the first row is the header."""

    rows: list[tuple[str, ...]]
    boxes: list[Box]
    columns: list[tuple[float, float]]  # x0, x1 of each column
    headed: bool  # whether the first row is a printed header and not data

    @property
    def box(self) -> Box:
        """The smallest box that holds all rows."""
        return (
            min(b[0] for b in self.boxes),
            min(b[1] for b in self.boxes),
            max(b[2] for b in self.boxes),
            max(b[3] for b in self.boxes),
        )


def strength(row: Row) -> int:
    """How tabular a row is: 2 has numbers in columns or three short cells, 1 has two short cells apart, 0 is text."""
    cells = row.cells
    if len(cells) < 2:
        return 0
    if len(cells) == 2 and _MARKER.fullmatch(cells[0].text) and not cells[1].value:
        return 0
    values = 0
    for cell in cells[1:]:
        values += cell.value
    if cells[0].value:
        values += values > 0 or len(cells) > 2
    if values:
        longest = max(len(c.text) for c in cells if not c.value) if values < len(cells) else 0
        if values >= 2 or longest <= 3 * _SHORT:
            return 2
    texts = [len(c.text) for c in cells]
    if max(texts) > _SHORT:
        return 1 if len(cells) > 2 and sum(n <= _SHORT for n in texts) >= 2 else 0
    if len(cells) > 2:
        return 2
    return 1 if cells[1].x0 - cells[0].x1 > 1.8 * cells[0].size else 0


def find_tables(rows: Sequence[Row]) -> list[tuple[int, int, Table]]:
    """(first row, row after the last, table) of each table among the rows of one region, top to bottom."""
    kinds = [strength(row) if len(row.cells) > 1 else 0 for row in rows]
    if sum(map(bool, kinds)) < 2:
        return []
    found: list[tuple[int, int, Table]] = []
    start = 0
    while start < len(rows):
        if kinds[start] == 0:
            start += 1
            continue
        end = _run_end(rows, kinds, start)
        first = _run_start(rows, kinds, start, end, found[-1][1] if found else 0)
        table = None
        if _accept(rows[start:end], kinds[start:end]):
            end = _with_rest(rows, start, end)
            table = _table(rows[first:end], kinds[first:end])
        if table is not None:
            found.append((first, end, table))
            start = end
        else:
            # a weak start may hide a table that begins below it
            start += 1
            while start < end and kinds[start] < 2:
                start += 1
    return found


def as_table(rows: Sequence[Row]) -> Table | None:
    """All the rows as one table, for a caller who knows that they are one; None if they have no two columns."""
    return _table(rows, [strength(row) for row in rows]) if rows else None


def _run_end(rows: Sequence[Row], kinds: Sequence[int], start: int) -> int:
    """The row after the last tabular one that belongs with `start`."""
    last = start
    values_from = _values_from(rows[start])
    usual = -1.0  # the least gap between rows so far, points; none yet
    n = start + 1
    while n < len(rows):
        row, before = rows[n], rows[n - 1]
        height = max(6.0, before.y1 - before.y0)
        gap = row.y0 - before.y1
        if gap > 2.6 * height:
            break
        # after a wider gap: the label of a further section if its rows follow at once, else the table is over
        wider = kinds[n] == 0 and gap > 0.7 * height and gap > 1.8 * max(0.0, usual) + 2
        if wider and not _same_places(rows[n + 1 : n + 2], rows[start : last + 1]):
            break
        usual = gap if usual < 0 else min(usual, max(gap, 0.0))
        if kinds[n]:
            values_from = min(values_from, _values_from(row))
            last = n
        elif n - last > _LABELS or not _may_be_label(row, values_from):
            break
        n += 1
    return last + 1


def _with_rest(rows: Sequence[Row], start: int, end: int) -> int:
    """The row after the rest of the last row's label."""
    values_from = min(_values_from(row) for row in rows[start:end] if len(row.cells) > 1)
    text = rows[end - 1].cells[0].text
    while (
        end < len(rows) and _goes_on(text, rows[end].cells[0].text) and _is_under(rows[end], rows[end - 1], values_from)
    ):
        text += " " + rows[end].cells[0].text
        end += 1
    return end


def _is_under(row: Row, above: Row, values_from: float) -> bool:
    """Whether a row is one cell that stands tight under the label of the row above and reaches no value."""
    cell, label = row.cells[0], above.cells[0]
    return (
        len(row.cells) == 1
        and cell.x1 <= values_from
        and abs(cell.x0 - label.x0) < 1.5 * cell.size
        and abs(cell.size - label.size) < 0.1 * cell.size
        and row.y0 - above.y1 < 0.5 * (row.y1 - row.y0)
    )


def _goes_on(before: str, after: str) -> bool:
    """Whether a label that filled its line goes on: in lower case, or after what cannot end it."""
    if len(before) <= 12:
        return False
    return after[0].islower() or before[-1] in ",-–—/&+" or before.endswith((" and", " of", " to", " the"))


def _same_places(below: Sequence[Row], above: Sequence[Row]) -> bool:
    """Whether the numbers below stand under numbers of the rows above, and are more than a header's years."""
    values = [c for row in below for c in row.cells[1:] if c.value]
    if not values or all(_YEAR.fullmatch(c.text) for c in values):
        return False
    edges = [c.x1 for r in above for c in r.cells[1:] if c.value]
    return all(any(abs(c.x1 - x) < 1.2 * c.size for x in edges) for c in values)


def _values_from(row: Row) -> float:
    """Where the cells after the label begin."""
    if len(row.cells) < 2:
        return row.x1 + 1
    first = row.cells[0]
    return first.x0 if first.value and row.cells[1].value else row.cells[1].x0


def _may_be_label(row: Row, values_from: float) -> bool:
    cell = row.cells[0]
    if len(row.cells) > 1:
        return len(cell.text) <= 3
    if is_caption(cell.text):
        return False
    return len(cell.text) <= 110 and (cell.x1 <= values_from + 2 * cell.size or len(cell.text) <= 60)


def _run_start(rows: Sequence[Row], kinds: Sequence[int], start: int, end: int, floor: int) -> int:
    """The first header row: rows above that stand over the columns and not over the labels."""
    values_from = min(_values_from(row) for row in rows[start:end] if len(row.cells) > 1)
    first = start
    while first > floor and start - first < 4:
        row, below = rows[first - 1], rows[first]
        height = max(6.0, row.y1 - row.y0)
        if below.y0 - row.y1 > 1.0 * height or row.x0 < values_from - 3 * row.cells[0].size:
            break
        if any(len(c.text) > 70 for c in row.cells):
            break
        first -= 1
    return first


def _accept(rows: Sequence[Row], kinds: Sequence[int]) -> bool:
    """Whether the rows are a table: enough of them are tabular and their cells line up."""
    strong = [row for row, kind in zip(rows, kinds, strict=True) if kind == 2]
    some = [row for row, kind in zip(rows, kinds, strict=True) if kind]
    if len(some) < 2 or len(some) < 0.34 * len(rows):
        return False
    if len(strong) >= 2 and _aligned(strong, 2) >= 2:
        return True
    enough = max(3, int(0.6 * len(some)))
    return len(some) >= 3 and _aligned(some, enough) >= enough


def _aligned(rows: Sequence[Row], enough: int) -> int:
    """How many rows have a cell after the first at an edge (left or right, within 0.6 em) that another row shares.

    Counting ends at `enough`.
    """
    seen: dict[tuple[bool, int], int] = {}
    good: set[int] = set()
    for n, row in enumerate(rows):
        for cell in row.cells[1:]:
            step = max(4.0, 0.6 * cell.size)
            for right, x in ((False, cell.x0), (True, cell.x1)):
                place = round(x / step)
                for near in (place, place - 1, place + 1):
                    other = seen.get((right, near))
                    if other is not None and other != n:
                        good.add(other)
                        good.add(n)
                        break
                seen.setdefault((right, place), n)
        if len(good) >= enough:
            break
    return len(good)


def _columns(rows: Sequence[Row], kinds: Sequence[int]) -> list[tuple[float, float]]:
    """The columns' x intervals, left to right: cells that overlap across rows are one column."""
    data = [row for row, kind in zip(rows, kinds, strict=True) if kind == 2] or [r for r in rows if len(r.cells) > 1]
    values = [(c.x0, c.x1) for row in data for n, c in enumerate(row.cells) if c.value and (n or len(row.cells) > 1)]
    numeric = len(values) >= len(data)
    columns = _stacked(values) if numeric else []
    if numeric:
        # columns of words beside the numbers ("Note", "Unit"): what meets no column and is no label
        left = columns[0][0]
        more = [
            (c.x0, c.x1)
            for row in data
            for c in row.cells
            if not c.value and c.x1 - c.x0 < 200 and not any(c.x0 < b and c.x1 > a for a, b in columns)
        ]
        for column in _merged(more):
            members = sum(column[0] <= a and b <= column[1] for a, b in more)
            if members >= (max(2, 0.2 * len(data)) if column[0] > left else 0.3 * len(data)):
                columns.append(column)
        columns.sort()
        if min(row.x0 for row in rows) < columns[0][0] - 4:
            columns.insert(0, (min(row.x0 for row in rows), columns[0][0] - 1))
        return columns
    widths = [len(row.cells) for row in data]
    usual = max(set(widths), key=lambda w: (widths.count(w), w))
    return _merged([(c.x0, c.x1) for row in data if len(row.cells) >= usual for c in row.cells])


def _stacked(intervals: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Columns of numbers. A few wide intervals that would join two columns are left out of the count."""
    clusters: list[list[float]] = []  # x0, x1, members
    bridges = 0
    for x0, x1 in sorted(intervals, key=lambda i: i[1] - i[0]):
        met = [c for c in clusters if x0 < c[1] - 0.5 and x1 > c[0] + 0.5]
        if not met:
            clusters.append([x0, x1, 1])
        elif len(met) == 1:
            met[0][0], met[0][1], met[0][2] = min(met[0][0], x0), max(met[0][1], x1), met[0][2] + 1
        else:
            bridges += 1
    if bridges > 0.15 * len(intervals) or min(c[2] for c in clusters) < 2:
        return _merged(intervals)
    return sorted((c[0], c[1]) for c in clusters)


def _merged(intervals: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for x0, x1 in sorted(intervals):
        if merged and x0 < merged[-1][1] - 0.5:
            merged[-1] = (merged[-1][0], max(merged[-1][1], x1))
        else:
            merged.append((x0, x1))
    return merged


def _place(cell: Cell, columns: Sequence[tuple[float, float]]) -> list[int]:
    """The columns that a cell stands in: those it covers if it spans several, else the one it overlaps most."""
    x0, x1 = cell.x0, cell.x1
    met = [n for n, (a, b) in enumerate(columns) if x0 < b and x1 > a]
    if len(met) == 1:
        return met
    shares = [min(x1, b) - max(x0, a) for a, b in columns]
    covered = [n for n, (a, b) in enumerate(columns) if shares[n] > 0.6 * (b - a) or cell.x0 <= (a + b) / 2 <= cell.x1]
    if len(covered) > 1:
        return covered
    best = max(range(len(columns)), key=lambda n: shares[n])  # negative: the nearest
    return [best]


def _table(rows: Sequence[Row], kinds: Sequence[int]) -> Table | None:
    columns = _columns(rows, kinds)
    if len(columns) < 2:
        return None
    heads = _header_rows(rows, kinds)
    grid: list[list[str]] = []
    for n, row in enumerate(rows):
        line = [""] * len(columns)
        groups = _groups(row, columns) if n < heads else {}
        for cell in row.cells:
            places = groups.get(id(cell)) or _place(cell, columns)
            if n >= heads and (len(row.cells) > 1 or cell.x0 < columns[0][1]):
                places = places[:1] if not cell.value else places[-1:]
            for place in places:
                line[place] = f"{line[place]} {cell.text}" if line[place] else cell.text
        grid.append(line)
    filled = sum(sum(map(bool, line)) > 1 for line in grid)
    if filled < 2:
        return None
    boxes = [row.box for row in rows]
    if heads > 1:
        head = [" ".join(dict.fromkeys(grid[n][c] for n in range(heads) if grid[n][c])) for c in range(len(columns))]
        grid[:heads] = [head]
        boxes[:heads] = [_union(boxes[:heads])]
    keep = [n for n in range(len(columns)) if any(line[n] for line in grid)]
    grid = [[line[n] for n in keep] for line in grid]
    grid, boxes = _merge_wrapped(grid, boxes, 1 if heads else 0)
    return Table([tuple(line) for line in grid], boxes, [columns[n] for n in keep], heads > 0)


def _groups(row: Row, columns: Sequence[tuple[float, float]]) -> dict[int, list[int]]:
    """{id of cell: columns} of a header row that names groups: "Three Months Ended" over two of four columns.

    Empty if the columns after the labels do not fall into as many equal groups as the row has cells, or if a cell
    does not stand at the middle of its group.
    """
    over = [cell for cell in row.cells if cell.x0 > columns[0][1]]
    size, rest = divmod(len(columns) - 1, len(over) or len(columns))
    if not over or rest or size < 2 or any(len(cell.text) > 40 or cell.value for cell in over):
        return {}
    found: dict[int, list[int]] = {}
    for n, cell in enumerate(over):
        members = list(range(1 + n * size, 1 + (n + 1) * size))
        x0, x1 = columns[members[0]][0], columns[members[-1]][1]
        if abs((cell.x0 + cell.x1) - (x0 + x1)) > (0.4 if len(over) > 1 else 0.15) * (x1 - x0):
            return {}
        found[id(cell)] = members
    return found


def _header_rows(rows: Sequence[Row], kinds: Sequence[int]) -> int:
    """How many rows at the top are header: up to the first with a label and a value that is no year."""
    for n, row in enumerate(rows[:9]):
        cells = row.cells
        values = [c for c in cells if c.value]
        if len(cells) == 1:
            if n and values:
                return n
            if n and cells[0].x0 <= min(r.x0 for r in rows) + 2 and n + 1 < len(rows) and kinds[n - 1]:
                return n  # a section label under the header
            continue
        if values and not all(_YEAR.fullmatch(c.text) for c in values):
            return n
        if not values and not any(c.value for r in rows for c in r.cells[1:]):
            return 1  # all words: the first row
    return 0 if len(rows) <= 6 else 1


def _merge_wrapped(grid: list[list[str]], boxes: list[Box], floor: int) -> tuple[list[list[str]], list[Box]]:
    """Rows that a line's end broke, made one: a label that goes on in lower case, a row whose label cell is empty."""
    out: list[list[str]] = []
    places: list[Box] = []
    for n, (line, box) in enumerate(zip(grid, boxes, strict=True)):
        before = out[-1] if len(out) > floor else None
        if before is not None and before[0] and line[0]:
            alone, bare = not any(line[1:]), not any(before[1:])
            tight = box[1] - places[-1][3] < 0.6 * (box[3] - box[1])
            if tight and (bare or alone) and _goes_on(before[0], line[0]):
                kept, joint = glue(before[0], line[0], frozenset())
                before[0] = kept + joint + line[0]
                if bare:
                    before[1:] = line[1:]
                places[-1] = _union((places[-1], box))
                continue
        if before is not None and not line[0] and n and before[0] and _goes_on_below(before, line):
            tight = box[1] - places[-1][3] < 0.5 * (box[3] - box[1])
            if tight:
                for c, text in enumerate(line):
                    before[c] = f"{before[c]} {text}".strip()
                places[-1] = _union((places[-1], box))
                continue
        out.append(line)
        places.append(box)
    return out, places


def _goes_on_below(before: Sequence[str], line: Sequence[str]) -> bool:
    """Whether a row without a label is the rest of the one above: words under words, no numbers."""
    texts = [(b, t) for b, t in zip(before, line, strict=True) if t]
    return all(b and not any(c.isdigit() for c in t) for b, t in texts)


def _union(boxes: Sequence[Box]) -> Box:
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def markdown(rows: Sequence[Sequence[str]]) -> tuple[str, list[int]]:
    """(the table as markdown, the offset of each row). The rule under the header belongs to the header's row."""
    starts: list[int] = []
    parts: list[str] = []
    offset = 0
    for n, row in enumerate(rows):
        line = "| " + " | ".join(cell.replace("|", "¦") for cell in row) + " |\n"
        if n == 0:
            line += "|" + "---|" * len(row) + "\n"
        starts.append(offset)
        parts.append(line)
        offset += len(line)
    return "".join(parts).rstrip("\n"), starts
