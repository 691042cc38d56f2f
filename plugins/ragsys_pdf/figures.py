"""Figures: images on the page, drawings that a caption points at, and which caption speaks of which figure or table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ragsys.types import BlockKind
from ragsys_pdf.captions import CAPTION, is_table_caption
from ragsys_pdf.columns import regions
from ragsys_pdf.paragraphs import Draft
from ragsys_pdf.rows import Row, group_rows
from ragsys_pdf.spans import Box, RawPage, Span
from ragsys_pdf.tables import Table, find_tables

_MIN_SIDE = 28.0  # points
_MIN_AREA = 0.008  # of the page
_BACKGROUND = 0.7  # of the page: a larger image under much text is paper, not a figure
_PATHS = 3  # fewer are no drawing
_NEAR = 0.3  # of the page's height: a caption is no farther from what it speaks of


def image_boxes(page: RawPage) -> list[Box]:
    """The boxes of images that a reader would call a figure: large enough, strips of one picture made one."""
    if not page.images:
        return []
    area = max(1.0, page.width * page.height)
    boxes = [
        (max(0.0, x0), max(0.0, y0), min(page.width, x1), min(page.height, y1))
        for x0, y0, x1, y1 in page.images[:2000]
        if x1 > 0 and y1 > 0 and x0 < page.width and y0 < page.height
    ]
    joined = join_boxes([b for b in boxes if b[2] - b[0] > 4 and b[3] - b[1] > 1], gap=1.5)
    text = sum(len(s.text) for s in page.spans)
    return [
        b
        for b in joined
        if min(b[2] - b[0], b[3] - b[1]) >= _MIN_SIDE
        and _area(b) >= _MIN_AREA * area
        and not (_area(b) > _BACKGROUND * area and text > 150)
    ]


def join_boxes(boxes: Sequence[Box], gap: float) -> list[Box]:
    """Boxes that touch or lie within `gap` points of each other, as one; top to bottom."""
    if len(boxes) < 2:
        return list(boxes)
    joined: list[Box] = []
    for box in sorted(set(boxes), key=lambda b: (b[1], b[0])):
        merged = box
        changed = True
        while changed:
            changed = False
            for n, other in enumerate(joined):
                if (
                    merged[0] <= other[2] + gap
                    and merged[2] >= other[0] - gap
                    and merged[1] <= other[3] + gap
                    and merged[3] >= other[1] - gap
                ):
                    merged = union(merged, joined.pop(n))
                    changed = True
                    break
        joined.append(merged)
    return sorted(joined, key=lambda b: (b[1], b[0]))


def union(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def figures(page: RawPage, drawings: Callable[[], Sequence[Box]]) -> tuple[list[Draft], list[Span]]:
    """(figures, the spans that are in none of them). Labels inside a drawing become the figure's text.

    `drawings` gives the boxes of the page's paths; it is called only if a caption has no image near it.
    """
    images = image_boxes(page)
    drafts = [Draft(BlockKind.FIGURE, box, "", []) for box in images]
    captions = [s for s in page.spans if s.text[0] in "FfCGgSPIDEMAa图圖р" and _is_figure_caption(s, page)]
    lonely = [c for c in captions if not any(_distance(c[:4], box) < 0.08 * page.height for box in images)]
    if not lonely:
        return drafts, page.spans
    spans = page.spans
    paths = [b for b in drawings() if 0.5 < _area(b) < 0.7 * page.width * page.height or b[3] - b[1] > 8 > b[2] - b[0]]
    if len(paths) < _PATHS:
        return drafts, spans
    tables: list[Box] | None = None
    for caption in lonely:
        place = _drawn_near(caption, paths, spans, (), page)
        if place is not None:
            tables = _tables(page.spans, paths) if tables is None else tables
            place = _drawn_near(caption, paths, spans, tables, page) if tables else place
        if place is None or any(_overlap(place.box, d.box) > 0.3 for d in drafts):
            continue
        # labels stand a little outside of what is drawn, up to the caption
        box = place.box
        x0, y0, x1, y1 = box[0] - 16, max(box[1] - 16, place.low), box[2] + 16, min(box[3] + 16, place.high)
        inside = [
            s
            for s in spans
            if x0 <= (s.x0 + s.x1) / 2 <= x1
            and y0 <= (s.y0 + s.y1) / 2 <= y1
            and (len(s.text) < 46 or s.y1 < box[3])
            and not (s.y0 < caption.y1 + 1 and s.y1 > caption.y0 - 1)
        ]
        drafts.append(_with_labels(box, inside))
        gone = set(map(id, inside))
        spans = [s for s in spans if id(s) not in gone]
    return drafts, spans


def _tables(spans: Sequence[Span], paths: Sequence[Box]) -> list[Box]:
    """The boxes of what is a table and not the labels of a drawing, each with the rule under its last row.

    A table has a caption of its own right above it, or labels in its first column and nothing drawn in it but rules.
    """
    found: list[Box] = []
    for rows in regions(spans):
        for first, _, table in find_tables(rows):
            box = _without_strays(table)
            height = max(6.0, rows[first].y1 - rows[first].y0)
            if _captioned(rows, first, height) or (_labelled(table) and not _drawn_in(box, paths)):
                under = [b[3] for b in paths if b[3] - b[1] < 3 and -2 < b[1] - box[3] < height and _meet(b, box)]
                found.append((box[0], box[1], box[2], max([box[3], *under])))
    return found


def _captioned(rows: Sequence[Row], first: int, height: float) -> bool:
    """Whether a table's caption of at most three lines stands right above row `first`."""
    for n in range(first - 1, max(-1, first - 4), -1):
        if rows[n + 1].y0 - rows[n].y1 > 1.5 * height:
            return False
        if is_table_caption(rows[n].cells[0].text):
            return True
    return False


def _without_strays(table: Table) -> Box:
    """The box of the table's rows up to a blank strip far wider than those between the rows above it."""
    boxes = table.boxes
    end, usual = len(boxes), 0.0
    for n in range(1, len(boxes)):
        gap = boxes[n][1] - boxes[n - 1][3]
        if n > 2 and gap > 1.8 * usual + 0.4 * (boxes[n][3] - boxes[n][1]):
            end = n
            break
        usual = max(usual, gap)
    box = boxes[0]
    for other in boxes[1:end]:
        box = union(box, other)
    return box


def _labelled(table: Table) -> bool:
    """Whether three or more rows have words first and at least two columns filled."""
    rows = [row for row in table.rows if any(map(str.isalpha, row[0])) and any(row[1:])]
    return len(rows) > 2 and len(rows) > 0.6 * len(table.rows)


def _drawn_in(box: Box, paths: Sequence[Box]) -> bool:
    """Whether more than rules and the fills of whole rows is drawn between the rows."""
    return any(
        min(b[2] - b[0], b[3] - b[1]) > 3
        and b[2] - b[0] < 0.9 * (box[2] - box[0])
        and _meet(b, box)
        and b[1] < box[3] - 1
        and b[3] > box[1] + 1
        for b in paths
    )


def _meet(a: Box, b: Box) -> bool:
    """Whether one stands over the other, at least in part."""
    return a[0] < b[2] and a[2] > b[0]


def _is_figure_caption(span: Span, page: RawPage) -> bool:
    match = CAPTION.match(span.text)
    return match is not None and match[1] is not None and span.y1 > 0.04 * page.height


class _Place(NamedTuple):
    """Where a drawing stands, in points."""

    box: Box
    low: float  # what is above this, or below `high`, is not of the figure
    high: float


def _drawn_near(
    caption: Span, paths: Sequence[Box], spans: Sequence[Span], tables: Sequence[Box], page: RawPage
) -> _Place | None:
    """The drawing above the caption, else below it; between the caption and the nearest running text or table."""
    reach = _NEAR * 1.6 * page.height
    # a short caption may stand under a drawing much wider than itself, but text beside it is another column's
    x0, x1 = caption.x0 - 0.12 * page.width, max(caption.x1, caption.x0 + 0.42 * page.width)
    prose = [s for s in spans if len(s.text) > 45 and s.text.count(" ") > 5 and s.x0 < caption.x1 and s.x1 > caption.x0]
    # the last line of a paragraph may be short
    of_prose = {(s.block, s.size) for s in prose if s.block != caption.block}
    ends = [s[:4] for s in spans if (s.block, s.size) in of_prose or s in prose or is_table_caption(s.text)]
    ends = [b for b in (*ends, *tables) if b[0] < caption.x1 and b[2] > caption.x0]
    for above in (True, False):
        if above:
            limit = max((b[3] for b in ends if b[3] < caption.y0 - 1), default=0.0)
            low, high = max(limit, caption.y0 - reach), caption.y0
        else:
            limit = min((b[1] for b in ends if b[1] > caption.y1 + 30), default=page.height)
            low, high = caption.y1, min(limit, caption.y1 + reach)
        near = [b for b in paths if b[1] >= low - 3 and b[3] <= high + 3 and b[0] < x1 and b[2] > x0]
        # the rule under a table, or under a heading, is no part of the figure
        near = [b for b in near if b[3] - b[1] > 3 or b[1] > low + 1]
        if len(near) < _PATHS or high - low < 40:
            continue
        box = near[0]
        for other in near[1:]:
            box = union(box, other)
        if box[2] - box[0] > 50 and box[3] - box[1] > 40:
            return _Place(box, limit, page.height) if above else _Place(box, 0.0, limit)
    return None


def _with_labels(box: Box, spans: Sequence[Span]) -> Draft:
    text = ""
    lines: list[tuple[int, Box]] = []
    for row in group_rows(spans):
        text += "\n" if text else ""
        place = row[0][:4]
        for span in row[1:]:
            place = union(place, span[:4])
        lines.append((len(text), place))
        text += " ".join(s.text for s in row)
        box = union(box, place)
    return Draft(BlockKind.FIGURE, box, text, lines)


def _overlap(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height) / max(1.0, min(_area(a), _area(b)))


def _distance(a: Box, b: Box) -> float:
    """Points between two boxes, across counted double: captions stand above or below."""
    across = max(0.0, a[0] - b[2], b[0] - a[2])
    return max(0.0, a[1] - b[3], b[1] - a[3]) + 2 * across


def tie_captions(drafts: Sequence[Draft], height: float) -> None:
    """Give each caption the figure or table nearest to it; each is spoken of once. Tables first look for tables."""
    pairs = []
    for caption in drafts:
        if caption.kind is not BlockKind.CAPTION:
            continue
        match = CAPTION.match(caption.text)
        wanted = BlockKind.TABLE if match and match[2] else BlockKind.FIGURE
        for target in drafts:
            if target.kind in (BlockKind.TABLE, BlockKind.FIGURE):
                distance = _distance(caption.box, target.box)
                if distance < _NEAR * height:
                    pairs.append((target.kind is not wanted, distance, caption, target))
    taken: set[int] = set()
    for _, _, caption, target in sorted(pairs, key=lambda p: p[:2]):
        if caption.about is None and id(target) not in taken:
            caption.about = target
            taken.add(id(target))


def place_figures(drafts: list[Draft], found: Sequence[Draft]) -> list[Draft]:
    """The drafts with the figures among them: beside the caption, else before the first block that begins below it."""
    out = list(drafts)
    for figure in found:
        at = None
        for n, draft in enumerate(out):
            if draft.about is figure:
                at = n if draft.box[1] >= (figure.box[1] + figure.box[3]) / 2 else n + 1
                break
        if at is None:
            for n, draft in enumerate(out):
                if draft.kind is BlockKind.HEADER:
                    continue
                apart = draft.box[0] > figure.box[2] or draft.box[2] < figure.box[0]
                if (draft.box[1] >= figure.box[1] - 2 and not apart) or draft.kind is BlockKind.FOOTER:
                    at = n
                    break
        out.insert(len(out) if at is None else at, figure)
    return out
