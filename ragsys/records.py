"""Pages and passages as points of a store, and back: the one place that knows the payload's keys.

A page's blocks are packed (JSON, deflated) into one key: a third of their size, and no text is stored twice, since a
passage names pieces of blocks. Keys of every point: `kind` ("page", "passage" or "state"), `doc`, `layer` (the
fingerprint of what made it; `STATES` of a state). A page also has `page`; a passage `page` (its first), `last`,
`ordinal`. No condition asks for the kind: the layer tells it, and one index less is less to write and to keep.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragsys.packing import pack, unpack
from ragsys.store import FieldType
from ragsys.types import JSON, BBox, Block, BlockKind, Line, Page, Piece

_NAMESPACE = uuid.UUID("6f1d6a52-6f5c-5d6e-9a0b-3c1f2a7d9e10").bytes
_GRID = 10_000  # boxes are kept to 1/10,000 of the page: 0.08 points on a letter page
_KINDS = tuple(BlockKind)
_IN_TEXT = 1

#: The layer of the documents' state points.
STATES = "state"

#: The payload fields that conditions use.
FIELDS: dict[str, FieldType] = {
    "doc": "keyword",
    "layer": "keyword",
    "page": "integer",
    "last": "integer",
}

#: The payload keys of which the texts recur from point to point.
RECURRING = frozenset({"kind", "doc", "layer", "source", "headings"})

#: Passages of pages without a text layer count from here on, so that they never meet those of the text layer.
OCR_ORDINAL = 1 << 20
OCR_PER_PAGE = 512  # passages of one page without a text layer, at most


def ocr_ordinal(page: int, ordinal: int) -> int:
    """The ordinal in its document of passage `ordinal` of a page without a text layer."""
    return OCR_ORDINAL + page * OCR_PER_PAGE + ordinal


def page_of_item(ordinal: int, items: str) -> int:
    """The page of an item that is a page without a text layer, or a passage of one; 0 for other passages."""
    if items == "page":
        return ordinal
    return (ordinal - OCR_ORDINAL) // OCR_PER_PAGE if ordinal >= OCR_ORDINAL else 0


def point_id(doc: str, layer: str, ordinal: int) -> str:
    """The id of item `ordinal` of a document's layer, a UUID of version 5; equal on every machine and every run."""
    # as `uuid.uuid5`, in a fifth of its time: sixty a search, six a page that is written
    digest = hashlib.sha1(_NAMESPACE + f"{doc}/{layer}/{ordinal}".encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16], "big") & ~(0xF000 << 64 | 0xC000 << 48) | 5 << 76 | 0x8000 << 48
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def sound(text: str) -> str:
    """`text` as every store takes it: a lone surrogate, which a damaged file may hold, becomes "?"; same length."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def sound_page(page: Page) -> Page:
    """A page of which every text is `sound`."""
    texts = (page.label, *(block.text for block in page.blocks), *(c for b in page.blocks for r in b.cells for c in r))
    if all(sound(text) == text for text in texts):
        return page
    blocks = (
        replace(block, text=sound(block.text), cells=tuple(tuple(map(sound, row)) for row in block.cells))
        for block in page.blocks
    )
    return replace(page, label=sound(page.label), blocks=tuple(blocks))


def _grid(box: BBox) -> list[int]:
    return [round(value * _GRID) for value in box]


def _box(grid: Sequence[int]) -> BBox:
    # a page has a hundred: the tuple is made in half the time of a call of its type
    return tuple.__new__(BBox, (grid[0] / _GRID, grid[1] / _GRID, grid[2] / _GRID, grid[3] / _GRID))


def _lines(block: Block) -> list[int]:
    """The block's lines, five numbers each, as differences: lines are alike, and small numbers deflate to a half.

    Start after the line before; left edge from the block's; top from the line before (the first: the block's); what the
    right edge lacks to the block's; height.
    """
    flat: list[int] = []
    left, top, right, _ = _grid(block.bbox)
    start = 0
    for line in block.lines:
        x0, y0, x1, y1 = _grid(line.bbox)
        flat += (line.start - start, x0 - left, y0 - top, right - x1, y1 - y0)
        start, top = line.start, y0
    return flat


def _lines_of(box: Sequence[int], flat: Sequence[int]) -> tuple[Line, ...]:
    """The inverse of `_lines`."""
    left, top, right, _ = box
    start = 0
    lines = []
    for n in range(0, len(flat), 5):
        after, inset, down, lack, height = flat[n : n + 5]
        start, top = start + after, top + down
        lines.append(Line(start, _box((left + inset, top, right - lack, top + height))))
    return tuple(lines)


def _cells(block: Block) -> Any:
    """The rows of a table; `_IN_TEXT` for those that its text, a table in Markdown, tells as well."""
    return _IN_TEXT if block.cells and _read(block.text) == block.cells else block.cells


def _cells_of(held: Any, text: str) -> tuple[tuple[str, ...], ...]:
    """The inverse of `_cells`."""
    return _read(text) if held == _IN_TEXT else tuple(map(tuple, held))


def _read(text: str) -> tuple[tuple[str, ...], ...]:
    lines = text.split("\n")
    del lines[1:2]  # the rule below the head
    return tuple(tuple(line[2:-2].split(" | ")) for line in lines)


def page_payload(doc: str, layer: str, page: Page) -> JSON:
    """The payload of a page's point."""
    blocks = [
        [
            _KINDS.index(block.kind),
            _grid(block.bbox),
            block.text,
            _lines(block),
            _cells(block),
            block.level,
            block.about,
            int(block.continues),
        ]
        for block in page.blocks
    ]
    return {
        "kind": "page",
        "doc": doc,
        "layer": layer,
        "page": page.number,
        "size": [round(page.width_pt, 2), round(page.height_pt, 2)],
        "source": page.source,
        "label": page.label,
        "blocks": pack(blocks),
    }


def digest_payload(key: str, digest: bytes) -> JSON:
    """What a ranker made of a page, under the key of that ranker: goes into the page's payload."""
    return {"digest": f"{key} {base64.b64encode(digest).decode('ascii')}"}


def digest_of(payload: Mapping[str, Any], key: str) -> bytes | None:
    """The digest of a page's payload; None where it holds none of this key, or a damaged one."""
    held, _, packed = str(payload.get("digest", "")).partition(" ")
    if held != key or not packed:
        return None
    try:
        return base64.b64decode(packed)
    except ValueError:
        return None


def page_of(payload: Mapping[str, Any]) -> Page:
    """The page of a page's payload."""
    blocks = tuple(
        Block(
            ordinal,
            _KINDS[kind],
            _box(box),
            text,
            _lines_of(box, lines),
            _cells_of(cells, text),
            level,
            about,
            bool(continues),
        )
        for ordinal, (kind, box, text, lines, cells, level, about, continues) in enumerate(unpack(payload["blocks"]))
    )
    width, height = payload["size"]
    return Page(payload["page"], width, height, blocks, payload["source"], payload["label"])


def passage_payload(doc: str, layer: str, ordinal: int, pieces: Sequence[Piece], headings: Sequence[str]) -> JSON:
    """The payload of a passage's point: which pieces of which blocks, and its section path; no text.

    Both lie in one text each: an engine takes a text in a tenth of the time of a list.
    """
    return {
        "kind": "passage",
        "doc": doc,
        "layer": layer,
        "ordinal": ordinal,
        "page": pieces[0].page,
        "last": pieces[-1].page,
        "pieces": " ".join([str(number) for piece in pieces for number in piece]),
        "headings": "\n".join([heading.replace("\n", " ") for heading in headings]),
    }


def pieces_of(payload: Mapping[str, Any]) -> tuple[Piece, ...]:
    """The pieces of a passage's payload."""
    held = payload["pieces"]
    flat = list(map(int, held.split())) if isinstance(held, str) else held  # a list in libraries of the first versions
    return tuple(Piece(*flat[n : n + 4]) for n in range(0, len(flat), 4))


def headings_of(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The section path of a passage's payload."""
    held = payload["headings"]
    if isinstance(held, str):
        return tuple(held.split("\n")) if held else ()
    return tuple(held)  # of the first versions


def pages_touched(payloads: Iterable[Mapping[str, Any]]) -> set[tuple[str, int]]:
    """(document, page) of every page that these passages touch."""
    return {(p["doc"], number) for p in payloads for number in range(p["page"], p["last"] + 1)}
