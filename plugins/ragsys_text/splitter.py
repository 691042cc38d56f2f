"""The splitter `layout`: passages that follow the page's blocks, sections and tables.

A title begins a new passage and stays in the section path. Paragraphs fill a passage up to its size and are cut at
sentence ends only; a table is cut between rows, and each part reads with caption and header row in front. A caption
stays with its figure or table. Page headers and footers are left out. A passage ends with its page, unless a paragraph
runs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ragsys.passages import header_end, passage_text, runs_on, table_lead
from ragsys.protocols import Context
from ragsys.types import Block, BlockKind, Page, Passage, Piece
from ragsys_text.options import SplitterOptions
from ragsys_text.prose import count_words, sentences, slices

_HEADING = 160  # characters: a longer title is a paragraph set large and names no section
_DEPTH = 4  # headings of a section path, the innermost
_LEFT_OUT = (BlockKind.HEADER, BlockKind.FOOTER)


class LayoutSplitter:
    """Cuts pages into passages of at most `words` words; only a single row of a table may be longer."""

    def __init__(self, options: SplitterOptions, context: Context) -> None:
        self._options = options

    def split(self, pages: Iterable[Page]) -> Iterator[Passage]:
        """Passages in reading order; holds back the passage being filled and the pages that it touches."""
        run = _Run(self._options)
        for page in pages:
            yield from run.page(page)
        yield from run.flush()


@dataclass(slots=True)
class _Draft:
    """The passage being filled."""

    pieces: list[Piece] = field(default_factory=list)
    headings: tuple[str, ...] = ()
    words: int = 0
    body: bool = False  # whether it holds more than titles


class _Run:
    """One document being split."""

    def __init__(self, options: SplitterOptions) -> None:
        self.options = options
        self.draft = _Draft()
        self.path: list[tuple[int, str]] = []  # (level, title), outermost first
        self.held: dict[int, Page] = {}
        self.ordinal = 0

    def page(self, page: Page) -> Iterator[Passage]:
        """The passages that are complete when `page` has been added."""
        blocks = [block for block in page.blocks if block.kind not in _LEFT_OUT and block.text.strip()]
        runs_over = bool(blocks) and self._runs_on(blocks[0])
        if not runs_over:
            yield from self.flush()
        self.held = {piece.page: self.held[piece.page] for piece in self.draft.pieces} | {page.number: page}
        for unit in _units(blocks):
            if unit[0].kind is BlockKind.TITLE:
                yield from self._title(page, unit[0])
            else:
                yield from self._unit(page, unit, runs_over)
            if runs_over:  # the pages meet in this paragraph only: what follows belongs to its own page
                runs_over = False
                yield from self.flush()

    def flush(self) -> Iterator[Passage]:
        """The draft as a passage, if it holds anything."""
        draft, self.draft = self.draft, _Draft()
        if draft.pieces:
            pieces = _joined(draft.pieces)
            yield Passage(self.ordinal, pieces, passage_text(pieces, self.held), draft.headings)
            self.ordinal += 1

    def _runs_on(self, first: Block) -> bool:
        """Whether the draft's last paragraph goes on in the first block of the next page."""
        if not self.draft.pieces:
            return False
        last = self.draft.pieces[-1]
        block = self.held[last.page].blocks[last.block]
        return block.kind is first.kind is BlockKind.TEXT and runs_on(block.text[last.start : last.end], first.text)

    def _title(self, page: Page, block: Block) -> Iterator[Passage]:
        if self.draft.body and self.draft.words >= self.options.least:
            yield from self.flush()
        text = " ".join(block.text.split())
        if len(text) <= _HEADING:
            level = max(block.level, 1)
            above = [entry for entry in self.path if entry[0] < level]
            self.path = [*above[1 - _DEPTH :], (level, text)]
        yield from self._prose(page, block)
        if not self.draft.body:  # the passage that begins with a section's title is under that section's path
            self.draft.headings = self._headings()

    def _unit(self, page: Page, unit: Sequence[Block], runs_over: bool) -> Iterator[Passage]:
        total = sum(count_words(block.text) for block in unit)
        room = self.options.words - self.draft.words
        if total > room and self.draft.body and not runs_over:
            # what can stay whole gets a passage of its own; two thirds of a passage are enough to end it at a paragraph
            whole = total <= self.options.words and (len(unit) > 1 or unit[0].kind is BlockKind.TABLE)
            if whole or room * 3 <= self.options.words:
                yield from self.flush()
        for block in unit:
            yield from (self._table if block.kind is BlockKind.TABLE else self._prose)(page, block)

    def _prose(self, page: Page, block: Block) -> Iterator[Passage]:
        limit = self.options.words
        text = block.text
        if text.isascii() and (size := count_words(text)) <= limit - self.draft.words:
            self._add(page, block, 0, len(text), size)  # all of it has room: where its sentences end matters to none
            return
        for start, end in sentences(text, 0, len(text)):
            size = count_words(text[start:end])
            parts = [(start, end, size)]
            if size > limit:  # only a sentence that no passage can hold is cut inside
                parts = [(a, b, count_words(text[a:b])) for a, b in slices(text, start, end, limit)]
            for begin, stop, words in parts:
                if self.draft.pieces and self.draft.words + words > limit:
                    yield from self._full(limit - words)
                self._add(page, block, begin, stop, words)

    def _table(self, page: Page, block: Block) -> Iterator[Passage]:
        for start, end in _rows(block.text):
            size = count_words(block.text[start:end])
            if self.draft.body and self.draft.words + size > self.options.words:
                yield from self.flush()
            held = {(piece.page, piece.block) for piece in self.draft.pieces}
            if (page.number, block.ordinal) not in held:
                size += count_words(table_lead(page, block, start, held))
            self._add(page, block, start, end, size)

    def _full(self, room: int) -> Iterator[Passage]:
        """Ends the draft inside a section; its last sentences begin the next: `overlap` words, never over `room`."""
        pieces, headings, held = self.draft.pieces, self.draft.headings, self.held
        yield from self.flush()
        most = left = min(self.options.overlap, room)
        kept: list[Piece] = []
        for piece in _last_sentences(pieces, held):
            block = held[piece.page].blocks[piece.block]
            size = count_words(block.text[piece.start : piece.end])
            if block.kind not in (BlockKind.TEXT, BlockKind.LIST) or size > left:
                break
            left -= size
            kept.insert(0, piece)
        if kept:
            self.draft = _Draft(kept, headings, most - left, body=True)

    def _add(self, page: Page, block: Block, start: int, end: int, words: int) -> None:
        start, end = _trimmed(block.text, start, end)
        if start == end:
            return
        if not self.draft.pieces:
            self.draft.headings = self._headings()
        self.draft.pieces.append(Piece(page.number, block.ordinal, start, end))
        self.draft.words += words
        self.draft.body = self.draft.body or block.kind is not BlockKind.TITLE

    def _headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.path)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _last_sentences(pieces: Sequence[Piece], held: Mapping[int, Page]) -> Iterator[Piece]:
    """The pieces from the last to the first, each sentence by itself."""
    for piece in reversed(pieces):
        text = held[piece.page].blocks[piece.block].text
        for start, end in reversed(list(sentences(text, piece.start, piece.end))):
            start, end = _trimmed(text, start, end)
            if start < end:
                yield piece._replace(start=start, end=end)


def _units(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks in reading order, a figure or table together with its captions, whatever stands between them."""
    floats = {block.ordinal for block in blocks if block.kind in (BlockKind.FIGURE, BlockKind.TABLE)}
    captions: dict[int, list[Block]] = {}
    for block in blocks:
        if block.kind is BlockKind.CAPTION and block.about in floats and block.about is not None:
            captions.setdefault(block.about, []).append(block)
    bound = {block.ordinal for group in captions.values() for block in group}
    for block in blocks:
        if block.ordinal not in bound:
            # the caption leads: it says what the figure's words and the table's rows are
            yield [*captions.get(block.ordinal, ()), block]


def _rows(text: str) -> list[tuple[int, int]]:
    """(start, end) of a table's rows; the header row, its rule and the first row are one."""
    starts = [0]
    at = text.find("\n", header_end(text)) + 1
    while 0 < at < len(text):
        starts.append(at)
        at = text.find("\n", at) + 1
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbouring pieces of one block as one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and (last.page, last.block) == (piece.page, piece.block) and last.end <= piece.start:
            joined[-1] = last._replace(end=piece.end)
        else:
            joined.append(piece)
    return tuple(joined)
