"""What the extractive generator may say: the sentences and table rows of the evidence, each with its surroundings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragsys import sentences
from ragsys.citing import head_rows, row_stretches
from ragsys.grids import Grid
from ragsys.types import Block, BlockKind, Evidence

from .words import tokens

_SKIP = (BlockKind.HEADER, BlockKind.FOOTER)
_REFERENCE = re.compile(r"\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]")
_SOURCES = re.compile(
    r"\W*(?:\d+\W*)?(?:references|bibliography|works cited|literature cited|literature)\W*", re.IGNORECASE
)
#: "[3] Author, ...": an entry of a list of works; "8 (2019) 77–91": its volume, year and pages
_ENTRY = re.compile(r"\[\d{1,3}\]\s|.*\b\d{1,4}\s?(?:\(\d{1,3}\)\s?)?\((?:19|20)\d\d\),?\s?\d+\s?[-–]\s?\d+", re.DOTALL)
_BULLET = re.compile(r"^(?:[•◦▪●■‣·–*-]|\(?[a-z0-9]{1,2}[.)])\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence or a row: what would be said, what would be quoted, and the stems of what it says and stands under."""

    evidence: int
    block: int
    kind: str  # "text", "title", "row" of a table, "line" of a figure
    text: str
    quote: str
    own: tuple[str, ...]  # stems in order
    around: frozenset[str]  # of headings, caption, column headers, the sentence before
    cells: tuple[tuple[str, str], ...] = ()  # of a row: (column header, value), the label left out
    label: str = ""
    caption: str = ""  # of a row: its table's caption without its number
    heads: frozenset[str] = frozenset()  # of a row: the stems of the headers of its filled columns
    scale: str = ""  # of a row: what its table says of all its values, "dollars in millions"


def candidates(evidence: Evidence, longest: int) -> Iterator[Candidate]:
    """Every sentence and row of a page, in reading order; a sentence longer than `longest` characters is left out."""
    headings: dict[int, str] = {}
    path = [heading for passage in evidence.passages[:1] for heading in passage.headings]
    captions = {b.about: b.text for b in evidence.page.blocks if b.kind is BlockKind.CAPTION and b.about is not None}
    for block in spoken(evidence):
        if block.kind is BlockKind.TITLE:
            headings = {level: text for level, text in headings.items() if level < block.level}
            headings[block.level] = block.text
        above = frozenset(tokens(" ".join([*path, *headings.values(), captions.get(block.ordinal, "")])))
        if block.kind is BlockKind.TABLE and block.cells:
            yield from _rows(evidence.number, block, above, captions.get(block.ordinal, ""))
        elif block.kind is BlockKind.FIGURE:
            yield from _lines(evidence.number, block, above, longest)
        else:
            yield from _sentences(evidence.number, block, above, longest)


def spoken(evidence: Evidence) -> Iterator[Block]:
    """The blocks of a page that say something of its subject: no header, no footer, no list of other works."""
    sources = False
    for block in evidence.page.blocks:
        if block.kind in _SKIP or not block.text.strip():
            continue
        if block.kind is BlockKind.TITLE or len(block.text) < 30:
            sources = bool(_SOURCES.fullmatch(block.text)) or (sources and block.kind is not BlockKind.TITLE)
        if not sources and (block.kind is BlockKind.TABLE or not _ENTRY.match(block.text)):
            yield block


def _sentences(number: int, block: Block, above: frozenset[str], longest: int) -> Iterator[Candidate]:
    kind = "title" if block.kind is BlockKind.TITLE else "text"
    before: frozenset[str] = frozenset()
    for start, end in sentences.split(block.text):
        quote = block.text[start:end]
        text = _BULLET.sub("", re.sub(r"\s+", " ", _REFERENCE.sub("", quote))).strip()
        own = tuple(tokens(text))
        if len(own) >= 3 and len(text) <= longest:
            yield Candidate(number, block.ordinal, kind, text, quote, own, above | before)
        before = frozenset(own)


_LABEL = re.compile(r"^(.*?[^\W\d_]{2,}.*?)\s+(?=[-+(]?[$€£]?\d)")


def _lines(number: int, block: Block, above: frozenset[str], longest: int) -> Iterator[Candidate]:
    """The words of a figure stand in lines, not in sentences: a label and its values each, under the first lines."""
    lines = [line for line in block.text.split("\n") if line.strip()]
    around = above | frozenset(tokens(" ".join(lines[:3])))
    for line in lines:
        text, own = _line(line), tuple(tokens(line))
        label = _LABEL.match(text)
        if len(own) >= 2 and len(text) <= longest and re.search(r"[^\W\d_]{2}", text):
            yield Candidate(number, block.ordinal, "line", text, line, own, around, label=label[1] if label else "")


_NUMBERED = re.compile(r"^(?:table|tab\.|exhibit|tabelle|tableau|tabla)\s+[\w.]+\s*[:.–—-]\s*", re.IGNORECASE)
_SCALE = re.compile(
    r"\s*\(((?:(?:us )?dollars |amounts |figures |[$€£] ?)?(?:in )?(?:thousands|millions|billions))\b[^)]*\)",
    re.IGNORECASE,
)
_CAPTION = 90  # characters of a caption that are said with a row


def _rows(number: int, block: Block, above: frozenset[str], caption: str) -> Iterator[Candidate]:
    heads = head_rows(block.cells)
    grid = Grid(block.cells, heads)
    unlabelled = sum(not row[0].strip() for row in block.cells[heads:]) * 2 > len(block.cells) - heads
    section, named = "", _NUMBERED.sub("", _line(caption)).rstrip(" .:")
    named = named if len(named) <= _CAPTION else ""
    declared = _SCALE.search(" ".join([*grid.headers, caption]))
    scale = declared[1] if declared and not _SCALE.search(named) else ""
    places = row_stretches(block)
    for at, row in enumerate(block.cells):
        if at < heads:
            continue
        label = _line(row[0])
        values = [
            (_SCALE.sub("", grid.header(c)).strip(), _line(cell)) for c, cell in enumerate(row) if c and cell.strip()
        ]
        if not values:
            section = label
            continue
        values = [(head, value) for head, value in values if re.search(r"\w", value)] or values  # a dash says nothing
        if not label and not unlabelled:  # values that nothing names: a sum without a word, a row that was cut
            continue
        own = tuple(tokens(" ".join([label, *(value for _, value in values)])))
        if not own:
            continue
        around = above | frozenset(tokens(section))
        text = ""  # written when the row is chosen: the question decides which columns it names
        place = places[at]
        quote = block.text[place.start : place.end]
        over = frozenset(tokens(" ".join(head for head, _ in values)))
        yield Candidate(
            number, block.ordinal, "row", text, quote, own, around, tuple(values), label, named, over, scale
        )


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
