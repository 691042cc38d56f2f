"""Passages and their pages: how a document's pages are split, and the text of a passage, rebuilt from its pieces.

Passages are stored as pieces of blocks and hold no text. Whoever has the pages gets the same text back, whatever
splitter cut them. Splitters, the library and readers share these definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ragsys.records import OCR_PER_PAGE, ocr_ordinal
from ragsys.types import Block, BlockKind, Page, Passage, Piece

if TYPE_CHECKING:
    from ragsys.protocols import Splitter

_RULE = re.compile(r"^[\s|:+=-]*-[\s|:+=-]*$")  # the line under a markdown table's header
_ENDED = re.compile(r"[.!?:;。！？…][\"'”’»)\]]*$")


def split_pages(splitter: Splitter, pages: Iterable[Page]) -> Iterator[tuple[int, Passage]]:
    """(ordinal in the document, passage) of every passage of a document's pages, which are read one by one.

    Pages with a text layer are split as one text. A page without one, be it read by OCR already or not, is split by
    itself: OCR replaces such a page and its passages, and no passage of another page may name its blocks.
    """
    alone: list[Page] = []

    def run() -> Iterator[Page]:
        for page in pages:
            if page.source == "text":
                yield page
                continue
            if page.blocks:
                alone.append(page)
            yield Page(page.number, page.width_pt, page.height_pt, (), "none", page.label)

    for passage in splitter.split(run()):
        yield passage.ordinal, passage
    for page in alone:
        for passage in islice(splitter.split([page]), OCR_PER_PAGE):
            yield ocr_ordinal(page.number, passage.ordinal), passage


def passage_text(pieces: Sequence[Piece], pages: Mapping[int, Page]) -> str:
    """What a reader sees of a passage, from the pages (by number) that its pieces name.

    Blocks stand a blank line apart; a paragraph that runs over a page's end is one paragraph. Rows of a table come with
    its caption and header row in front where the pieces do not hold these. Raises `KeyError` or `IndexError` if a page
    or block is not there.
    """
    held = {(piece.page, piece.block) for piece in pieces}
    parts: list[str] = []
    before: Piece | None = None
    for piece in pieces:
        page = pages[piece.page]
        block = page.blocks[piece.block]
        text = block.text[piece.start : piece.end].strip()
        same = before is not None and (before.page, before.block) == (piece.page, piece.block)
        if block.kind is BlockKind.TABLE and not same:
            text = table_lead(page, block, piece.start, held) + text
        if before is not None:
            parts.append(_between(before, piece, parts[-1], text, pages))
        parts.append(text)
        before = piece
    return "".join(parts)


def embedded_text(headings: Sequence[str], text: str) -> str:
    """What is embedded and searched of a passage: its section path, less the headings it begins with, and its text."""
    opening = [line.strip() for line in text.split("\n", 6)[:6]]
    path = [heading for heading in headings if heading not in opening]
    return f"{' > '.join(path)}\n{text}" if path else text


def header_end(text: str) -> int:
    """Where a markdown table's rows begin: behind its header line and the rule under it, if there is one."""
    first = text.find("\n") + 1
    if not first:
        return 0
    second = text.find("\n", first)
    line = text[first:] if second < 0 else text[first:second]
    if not _RULE.match(line):
        return first
    return len(text) if second < 0 else second + 1


def table_lead(page: Page, block: Block, start: int, held: frozenset[tuple[int, int]] | set[tuple[int, int]]) -> str:
    """What goes before `block.text[start:]`: the captions of the table that are not `held`, and its header row.

    `held` are the (page, block) of the passage's pieces. Empty, or ends with a line break.
    """
    lead = [
        other.text.strip()
        for other in page.blocks
        if other.kind is BlockKind.CAPTION and other.about == block.ordinal and (page.number, other.ordinal) not in held
    ]
    rows = header_end(block.text)
    if start >= rows > 0:
        lead.append(block.text[:rows].strip())
    return "".join(f"{line}\n" for line in lead if line)


def runs_on(before: str, after: str) -> bool:
    """Whether a paragraph that ends in `before` goes on with `after`: no end of a sentence, and no capital follows."""
    return bool(before and after) and not _ENDED.search(before.rstrip()) and after.lstrip()[:1].islower()


def _between(before: Piece, piece: Piece, text: str, following: str, pages: Mapping[int, Page]) -> str:
    """The white space between two pieces, `text` and `following`."""
    if (before.page, before.block) == (piece.page, piece.block):
        return "\n" if pages[piece.page].blocks[piece.block].kind is BlockKind.TABLE else " "
    kinds = (pages[before.page].blocks[before.block].kind, pages[piece.page].blocks[piece.block].kind)
    prose = kinds == (BlockKind.TEXT, BlockKind.TEXT)
    return " " if before.page != piece.page and prose and runs_on(text, following) else "\n\n"
