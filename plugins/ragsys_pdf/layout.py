"""Blocks by PyMuPDF's layout model: it says where titles, tables and pictures are; the text is the page's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragsys.errors import MissingExtra
from ragsys.protocols import Context
from ragsys.types import BlockKind, Fault, Page
from ragsys_pdf.engine import pymupdf
from ragsys_pdf.figures import tie_captions
from ragsys_pdf.loader import body_size, open_document, read_raw
from ragsys_pdf.options import LayoutOptions, LoaderOptions
from ragsys_pdf.pages import Setting, finish, text_blocks
from ragsys_pdf.paragraphs import Draft, line_of, margins, table_draft, text_draft, title_level
from ragsys_pdf.rows import Row, group_rows, make_cells
from ragsys_pdf.spans import Box, RawPage, Span, turn
from ragsys_pdf.tables import as_table

_KINDS: Mapping[str, BlockKind] = {
    "title": BlockKind.TITLE,
    "section-header": BlockKind.TITLE,
    "text": BlockKind.TEXT,
    "formula": BlockKind.TEXT,
    "footnote": BlockKind.TEXT,
    "list-item": BlockKind.LIST,
    "table": BlockKind.TABLE,
    "picture": BlockKind.FIGURE,
    "caption": BlockKind.CAPTION,
    "page-header": BlockKind.HEADER,
    "page-footer": BlockKind.FOOTER,
}


class PyMuPdfLayout:
    """About a second a page. Pages without text come back as they are: the model sees text, not pixels."""

    def __init__(self, options: LayoutOptions, context: Context) -> None:
        self.options = options
        try:
            importlib.import_module("pymupdf.layout")  # puts `get_layout` on pages
        except ImportError as error:
            raise MissingExtra("layout", "pymupdf-layout", "pymupdf.layout", "layout") from error

    def refine(self, path: Path, pages: Sequence[Page]) -> Iterator[Page | Fault]:
        """The pages with their blocks found anew; a page that the model fails on is a `Fault`."""
        document = open_document(path, LoaderOptions(password=self.options.password))
        try:
            for page in pages:
                if page.source != "text":
                    yield page
                    continue
                try:
                    yield self._refined(document.load_page(page.number - 1), page)
                except MemoryError:
                    raise
                except Exception as error:
                    yield Fault(page.number, f"the layout model failed ({type(error).__name__}: {error})")
        finally:
            document.close()

    def _refined(self, sheet: Any, page: Page) -> Page:
        raw = read_raw(sheet, page.number, page.label)
        matrix = sheet.rotation_matrix  # before the model turns the page
        sheet.get_layout()
        width, height = raw.displayed_size
        found: list[tuple[Box, BlockKind]] = []
        for x0, y0, x1, y1, name in sheet.layout_information or []:
            box: Box = tuple(pymupdf.Rect(x0, y0, x1, y1) * matrix)
            if raw.turned:
                box = turn(box, raw.turned, width, height)
            found.append((box, _KINDS.get(name, BlockKind.TEXT)))
        if not found:
            return page
        drafts = self._drafts(raw, found)
        tie_captions(drafts, raw.height)
        return Page(page.number, page.width_pt, page.height_pt, finish(drafts, raw), page.source, page.label)

    def _drafts(self, raw: RawPage, found: Sequence[tuple[Box, BlockKind]]) -> list[Draft]:
        body = body_size([raw])
        inside: list[list[Span]] = [[] for _ in found]
        left: list[Span] = []
        for span in raw.spans:
            place = _smallest_around(span, found)
            (left if place is None else inside[place]).append(span)
        drafts: list[Draft] = []
        for (box, kind), spans in zip(found, inside, strict=True):
            drafts += _draft(box, kind, spans, body)
        headers = [d for d in drafts if d.kind is BlockKind.HEADER]
        footers = [d for d in drafts if d.kind is BlockKind.FOOTER]
        others = [d for d in drafts if d.kind not in (BlockKind.HEADER, BlockKind.FOOTER)]
        return [*headers, *others, *text_blocks(left, Setting(body=body)), *footers]


def _smallest_around(span: Span, found: Sequence[tuple[Box, BlockKind]]) -> int | None:
    x, y = (span.x0 + span.x1) / 2, (span.y0 + span.y1) / 2
    around = [n for n, (b, _) in enumerate(found) if b[0] - 2 <= x <= b[2] + 2 and b[1] - 2 <= y <= b[3] + 2]
    return min(around, key=lambda n: _area(found[n][0]), default=None)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _draft(box: Box, kind: BlockKind, spans: Sequence[Span], body: float) -> list[Draft]:
    """The block of one box of the model; nothing where it found no text and no picture."""
    rows = [Row(make_cells(row)) for row in group_rows(spans)]
    if kind is BlockKind.FIGURE:
        lines: list[tuple[int, Box]] = []
        text = ""
        for row in rows:
            text += "\n" if text else ""
            lines.append((len(text), row.box))
            text += line_of(row).text
        return [Draft(kind, box, text, lines)]
    if not rows:
        return []
    if kind is BlockKind.TABLE:
        table = as_table(rows)
        if table is not None:
            return [table_draft(table)]
        kind = BlockKind.TEXT
    texts = [line_of(row) for row in rows]
    words = {w for s in spans for w in s.text.lower().split()}
    draft = text_draft(kind, texts, words)
    if kind is BlockKind.TITLE:
        draft.level = title_level(texts, body, *margins(rows)) or 4
    return [draft]
