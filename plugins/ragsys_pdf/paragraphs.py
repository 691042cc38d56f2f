"""Lines of one region into paragraphs, titles, lists and captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ragsys.types import BlockKind
from ragsys_pdf.captions import is_caption
from ragsys_pdf.cleaning import SENTENCE_END, glue, is_cjk
from ragsys_pdf.rows import Row, row_text
from ragsys_pdf.spans import Box
from ragsys_pdf.tables import Table, markdown

_BULLET = re.compile(
    r"(?:[•▪■◦●○◆▶►‣∙·✓✔☐☒❖➢\uf0b7\u2043]|[–—-](?=\s)|\*(?=\s)|o(?=\s[A-Z])"
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[)]|\d{1,2}\.(?!\d))\s*(?=\S)"
)
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,3}){0,4})\.?\s+(?=[^\W\d])")
_NAMED = re.compile(
    r"(part|chapter|book|volume|kapitel|teil|chapitre)\s+(?:\d+|[ivxlc]+)\b"
    r"|(item|note|section|appendix|annex|schedule|article|exhibit)\s+(?:\d+[a-z]?|[ivxlc]+|[a-z])\b(?=[.:\s—–-]|$)",
    re.IGNORECASE,
)


def _is_item(text: str) -> bool:
    """Whether the line begins an item of a list. Most lines begin with a word and need no expression."""
    return not (text[0].isalpha() and text[1:2].isalpha() and ")" not in text[:6]) and _BULLET.match(text) is not None


@dataclass(slots=True)
class Line:
    """One line of running text, in points."""

    box: Box
    text: str
    size: float
    bold: bool


@dataclass(slots=True)
class Draft:
    """A block being made, in points of the layout's frame."""

    kind: BlockKind
    box: Box
    text: str
    lines: list[tuple[int, Box]]  # offset in `text`, box
    size: float = 0.0
    level: int = 0
    cells: list[tuple[str, ...]] = field(default_factory=list)
    table: Table | None = None
    about: Draft | None = None
    continues: bool = False


def line_of(row: Row) -> Line:
    """A row as one line of text."""
    cells = row.cells
    if len(cells) == 1:
        cell = cells[0]
        return Line(cell.box, cell.text, cell.size, cell.bold)
    return Line(row.box, row_text(cells), max(c.size for c in cells), all(c.bold for c in cells))


def table_draft(table: Table) -> Draft:
    """A table as a block: markdown, a line a row."""
    text, starts = markdown(table.rows)
    lines = list(zip(starts, table.boxes, strict=True))
    return Draft(BlockKind.TABLE, table.box, text, lines, cells=list(table.rows), table=table)


def text_draft(kind: BlockKind, lines: Sequence[Line], vocabulary: Container[str] = frozenset()) -> Draft:
    """Lines as one block, broken words joined; items of a list keep a line each."""
    first = lines[0]
    text, size = first.text, first.size
    x0, y0, x1, y1 = first.box
    starts: list[tuple[int, Box]] = [(0, first.box)]
    for line in lines[1:]:
        if kind is BlockKind.LIST and _is_item(line.text):
            text += "\n"
        else:
            text, joint = glue(text, line.text, vocabulary)
            text += joint
        box = line.box
        starts.append((len(text), box))
        text += line.text
        x0 = box[0] if box[0] < x0 else x0
        y0 = box[1] if box[1] < y0 else y0
        x1 = box[2] if box[2] > x1 else x1
        y1 = box[3] if box[3] > y1 else y1
        size = line.size if line.size > size else size
    return Draft(kind, (x0, y0, x1, y1), text, starts, size=size)


def paragraphs(
    lines: Sequence[Line], body: float, vocabulary: Container[str], margins: tuple[float, float]
) -> list[Draft]:
    """The blocks of consecutive lines of one region, in order.

    `body` is the size of running text, `margins` where the region's text begins and ends, all in points.
    """
    if not lines:
        return []
    left, right = margins
    pitch = _pitch(lines)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and not _breaks(groups[-1], line, left, right, pitch):
            groups[-1].append(line)
        else:
            groups.append([line])
    drafts: list[Draft] = []
    for n, group in enumerate(groups):
        kind, level = _kind(group, body, left, right, groups[n + 1] if n + 1 < len(groups) else None)
        before = drafts[-1] if drafts else None
        if kind is BlockKind.LIST and before is not None and before.kind is BlockKind.LIST:
            _append_item(before, group, vocabulary)
            continue
        draft = text_draft(kind, group, vocabulary)
        draft.level = level
        drafts.append(draft)
    return drafts


def _append_item(draft: Draft, lines: Sequence[Line], vocabulary: Container[str]) -> None:
    item = text_draft(BlockKind.LIST, lines, vocabulary)
    offset = len(draft.text) + 1
    draft.text += "\n" + item.text
    draft.lines += [(start + offset, box) for start, box in item.lines]
    a, b = draft.box, item.box
    draft.box = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def margins(rows: Sequence[Row]) -> tuple[float, float]:
    """Where a region's text begins and ends: the left edge, and the right edge that one row in ten passes."""
    rights = sorted(row.x1 for row in rows)
    return min(row.x0 for row in rows), rights[int(0.9 * (len(rights) - 1))]


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of baselines as a multiple of the font size."""
    steps: Counter[float] = Counter()
    for a, b in pairwise(lines):
        step = (b.box[3] - a.box[3]) / max(1.0, b.size)
        if abs(a.size - b.size) < 0.06 * b.size and 0.7 < step < 2.3:
            steps[round(step * 20) / 20] += 1
    if sum(steps.values()) < 3:
        return 1.25
    usual = max(steps.values())
    return min(step for step, count in steps.items() if count >= 0.5 * usual)


def _breaks(group: Sequence[Line], line: Line, left: float, right: float, pitch: float) -> bool:
    """Whether a new block begins with `line`."""
    before = group[-1]
    size = max(before.size, line.size, 1.0)
    step = (line.box[3] - before.box[3]) / size
    if step > 1.22 * pitch + 0.08 or step < -0.5:
        return True
    if abs(before.size - line.size) > 0.11 * size and len(before.text) > 3 and len(line.text) > 3:
        return True
    if before.bold != line.bold and len(line.text) > 2 and len(before.text) > 2:
        return True
    ended = before.text.endswith(SENTENCE_END)
    if _is_item(line.text) and (ended or _is_item(group[0].text)):
        return True
    if line.bold and (_NUMBERED.match(line.text) or _NAMED.match(line.text)):
        return True
    if ended and is_caption(line.text):
        return True
    first = line.text[0]
    starts = first.isupper() or first.isdigit() or first in "“\"'(" or is_cjk(first)
    if ended and starts and before.box[2] < right - 0.12 * (right - left):
        return True
    indented = line.box[0] > before.box[0] + 0.8 * size and line.box[0] < left + 6 * size
    return indented and ended and not _is_item(group[0].text)


def _kind(
    group: Sequence[Line], body: float, left: float, right: float, after: Sequence[Line] | None
) -> tuple[BlockKind, int]:
    first = group[0]
    if len(group) < 9 and len(first.text) > 5 and is_caption(first.text):
        return BlockKind.CAPTION, 0
    level = title_level(group, body, left, right)
    if level and not (_is_item(first.text) and not _NUMBERED.match(first.text)):
        return BlockKind.TITLE, level
    if _is_item(first.text):
        return BlockKind.LIST, 0
    return BlockKind.TEXT, 0


def title_level(group: Sequence[Line], body: float, left: float, right: float) -> int:
    """1 (highest) to 6 if the lines are a heading, else 0: by size, bold type, capitals, numbering."""
    first, last = group[0], group[-1]
    ratio = max(line.size for line in group) / max(1.0, body)
    large = ratio >= 1.35
    if len(group) > (4 if large else 3):
        return 0
    bold = all(line.bold for line in group)
    text = first.text if len(group) == 1 else " ".join(line.text for line in group)
    if len(text) > (220 if large else 160) or (ratio < 1.12 and not bold and not text.isupper()):
        return 0
    letters = sum(map(str.isalpha, text))
    if letters < 2 or letters < 0.45 * len(text):
        return 0
    numbered, named = _NUMBERED.match(text), _NAMED.match(text)
    if not large:
        if last.text[-1] in ",;" or (last.text[-1] == "." and not (named or numbered) and len(text.split()) > 3):
            return 0
        if first.text[0].islower():
            return 0
    upper = text.isupper() and letters > 5 and len(text) < 100 and (bold or ratio > 0.93)
    narrow = last.box[2] < right - 0.06 * (right - left) or (len(group) == 1 and len(text) < 60)
    if ratio < 1.12 and not (bold and (narrow or upper)) and not (upper and narrow and len(group) < 3):
        return 0
    if ratio < 1.12 and not bold and text.endswith("."):
        return 0
    if numbered:
        return min(6, numbered[1].count(".") + 2)
    if named:
        return 1 if named[1] else (2 if named[2].lower() in ("item", "appendix", "annex", "article") else 3)
    if ratio >= 1.7:
        return 1
    if ratio >= 1.35:
        return 2
    if ratio >= 1.12:
        return 3
    return 4 if upper and bold else 5 if bold else 6
