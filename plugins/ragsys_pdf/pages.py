"""A raw page into a `Page`: furniture out, columns, tables, paragraphs, figures, captions, in reading order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragsys.types import BBox, Block, BlockKind, Line, Page
from ragsys_pdf.columns import regions
from ragsys_pdf.figures import figures, place_figures, tie_captions
from ragsys_pdf.paragraphs import Draft, line_of, margins, paragraphs, table_draft, text_draft
from ragsys_pdf.paragraphs import Line as TextLine
from ragsys_pdf.rows import Row, make_cells
from ragsys_pdf.spans import Box, RawPage, Span
from ragsys_pdf.tables import find_tables, markdown

CHAIN = 8  # pages that a table's header is carried on, at most
_WORDS = 12  # letters that make a page's text usable


@dataclass(frozen=True, slots=True)
class Carry:
    """What a page hands to the next: the table at its end."""

    header: tuple[str, ...]
    columns: tuple[tuple[float, float], ...]  # x0, x1 in points
    age: int  # pages since the header was printed


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of a page from outside of it."""

    body: float = 10.0  # font size of running text, points
    headers: Sequence[Sequence[Span]] = ()
    footers: Sequence[Sequence[Span]] = ()
    outline: Mapping[str, int] | None = None  # heading, folded by `fold` -> level
    carry: Carry | None = None
    tables: bool = True
    drawings: Callable[[], Sequence[Box]] = tuple


def fold(text: str) -> str:
    """Letters and digits alone, in lower case: how headings are compared."""
    return "".join(c for c in text.lower() if c.isalnum())


def build_page(raw: RawPage, setting: Setting, source: Literal["text", "ocr"] = "text") -> tuple[Page, Carry | None]:
    """The page, and what it hands to the next."""
    gone = {id(s) for row in (*setting.headers, *setting.footers) for s in row}
    all_spans = raw.spans
    if gone:
        raw.spans = [s for s in all_spans if id(s) not in gone]
    found, spans = figures(raw, setting.drawings)
    drafts = text_blocks(spans, setting)
    raw.spans = all_spans
    if setting.outline:
        _apply_outline(drafts, setting.outline)
    if found or any(d.kind is BlockKind.CAPTION for d in drafts):
        tie_captions([*drafts, *found], raw.height)
    heads = [_furniture(BlockKind.HEADER, row) for row in setting.headers]
    feet = [_furniture(BlockKind.FOOTER, row) for row in setting.footers]
    carry = _continue_tables(drafts, setting.carry)
    drafts = place_figures(drafts, found)
    beside = [_aside(span, raw) for span in raw.aside]
    ordered = [*heads, *(d for d in beside if d.kind is BlockKind.HEADER), *drafts]
    ordered += [*(d for d in beside if d.kind is not BlockKind.HEADER), *sorted(feet, key=lambda d: d.box[1])]
    blocks = finish(ordered, raw)
    width, height = raw.displayed_size
    letters = 0
    for draft in ordered:
        if draft.kind is not BlockKind.HEADER and draft.kind is not BlockKind.FOOTER:
            letters += sum(map(str.isalnum, draft.text[:50]))
            if letters >= _WORDS:
                break
    usable: Literal["text", "ocr", "none"] = source if letters >= _WORDS or _enough(raw, letters) else "none"
    return Page(raw.number, width, height, blocks, usable, raw.label), carry


def _enough(raw: RawPage, letters: int) -> bool:
    """Whether little text is all there is to read: no large image stands on the page."""
    area = max(1.0, raw.width * raw.height)
    pictured = sum((b[2] - b[0]) * (b[3] - b[1]) for b in raw.images[:500]) > 0.2 * area
    return letters > 0 and not pictured


class _Words:
    """The words of the spans in lower case; gathered when the first is looked up, for few pages break a word."""

    __slots__ = ("found", "spans")

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self.found: set[str] | None = None

    def __contains__(self, word: object) -> bool:
        if self.found is None:
            self.found = {w.strip(".,;:!?()[]“”\"'’") for s in self.spans for w in s.text.lower().split()}
        return word in self.found


def text_blocks(spans: Sequence[Span], setting: Setting) -> list[Draft]:
    """The text, table, title, list and caption blocks of the spans, in reading order."""
    vocabulary = _Words(spans)
    drafts: list[Draft] = []
    for rows in regions(spans):
        tables = find_tables(rows) if setting.tables else []
        edges = margins(rows)
        at = 0
        for first, end, table in tables:
            drafts += paragraphs([line_of(row) for row in rows[at:first]], setting.body, vocabulary, edges)
            drafts.append(table_draft(table))
            at = end
        drafts += paragraphs([line_of(row) for row in rows[at:]], setting.body, vocabulary, edges)
    return drafts


def _furniture(kind: BlockKind, row: Sequence[Span]) -> Draft:
    return text_draft(kind, [line_of(Row(make_cells(row)))])


def _aside(span: Span, raw: RawPage) -> Draft:
    margin = span.x1 < 0.1 * raw.width or span.x0 > 0.9 * raw.width
    kind = BlockKind.HEADER if margin else BlockKind.TEXT
    return text_draft(kind, [TextLine(span[:4], span.text, span.size, span.bold)])


def _apply_outline(drafts: Sequence[Draft], outline: Mapping[str, int]) -> None:
    """Headings that the file's outline names are titles of its levels; other titles go below the deepest of them."""
    deepest = 0
    for draft in drafts:
        if draft.kind not in (BlockKind.TITLE, BlockKind.TEXT, BlockKind.LIST) or len(draft.text) > 250:
            continue
        level = outline.get(fold(draft.text))
        if level:
            draft.kind, draft.level = BlockKind.TITLE, min(6, level)
            deepest = draft.level
        elif draft.kind is BlockKind.TITLE and deepest:
            draft.level = min(6, max(draft.level, deepest + 1))


def _continue_tables(drafts: Sequence[Draft], carry: Carry | None) -> Carry | None:
    """Mark the page's first table if it goes on from the page before; the carry for the next page."""
    tables = [d for d in drafts if d.table is not None]
    if not tables:
        return None
    first, last = tables[0], tables[-1]
    age = 0
    if carry is not None and first.table is not None and _leads(drafts, first) and _same_columns(first, carry):
        first.continues = True
        age = carry.age + 1
        if not first.table.headed and carry.age < CHAIN and len(carry.header) == len(first.cells[0]):
            first.cells.insert(0, carry.header)
            first.text, starts = markdown(first.cells)
            boxes = [first.box, *first.table.boxes]
            first.lines = list(zip(starts, boxes, strict=True))
            first.table.headed = True
        elif first.table.headed:
            age = 0
    if last.table is None or drafts[-1] is not last or not last.table.headed or (last is first and age >= CHAIN):
        return None
    return Carry(last.cells[0], tuple(last.table.columns), age if last is first else 0)


def _leads(drafts: Sequence[Draft], table: Draft) -> bool:
    """Whether nothing but headings stands before the table."""
    for draft in drafts:
        if draft is table:
            return True
        if draft.kind not in (BlockKind.TITLE, BlockKind.CAPTION) and len(draft.text) > 60:
            return False
    return False


def _same_columns(draft: Draft, carry: Carry) -> bool:
    columns = draft.table.columns if draft.table else []
    if abs(len(columns) - len(carry.columns)) > 1:
        return False
    meet = sum(any(a < d and b > c for c, d in carry.columns) for a, b in columns)
    return meet >= 0.75 * len(columns)


def finish(drafts: Sequence[Draft], raw: RawPage) -> tuple[Block, ...]:
    """Blocks with ordinals and boxes in [0, 1] of the displayed page."""
    width, height = raw.displayed_size
    across, down = 1.0 / max(width, 1e-6), 1.0 / max(height, 1e-6)
    turned = raw.turned

    new = tuple.__new__  # thousands of boxes a document: half the time of BBox(...)

    def unit(box: Box) -> BBox:
        x0, y0, x1, y1 = raw.displayed(box) if turned else box
        x0, y0, x1, y1 = x0 * across, y0 * down, x1 * across, y1 * down
        if x0 < 0 or y0 < 0 or x1 < 0 or y1 < 0 or x0 > 1 or y0 > 1 or x1 > 1 or y1 > 1:
            x0, y0, x1, y1 = [0.0 if v < 0 else 1.0 if v > 1 else v for v in (x0, y0, x1, y1)]
        return new(BBox, (x0, y0, x1, y1))

    ordinal = {id(draft): n for n, draft in enumerate(drafts)}
    return tuple(
        Block(
            n,
            draft.kind,
            unit(draft.box),
            draft.text,
            tuple([new(Line, (start, unit(box))) for start, box in draft.lines]),
            tuple(draft.cells),
            draft.level,
            ordinal.get(id(draft.about)) if draft.about is not None else None,
            draft.continues,
        )
        for n, draft in enumerate(drafts)
    )
