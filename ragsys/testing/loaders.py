"""The contracts of loaders, OCR engines and layout models: call these from the tests of a plugin."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ragsys.protocols import LayoutModel, Loader, Ocr
from ragsys.types import BBox, Block, BlockKind, Fault, Page, PageImage


class ContractError(AssertionError):
    """A component breaks its contract; the message says which law and where."""


def _law(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def check_loader(loader: Loader, path: Path) -> list[Page]:
    """Read a file that `loader` can read and hold its pages against the contract; returns the pages.

    Laws: as many items as `info` says, in order, 1-based; equal pages when read twice; every page is `touched` before
    it is given out, one in `skip` never, and it is a fault; blocks as in `check_blocks`; renders have the shape of the
    page, and clips the shape of the clip.
    """
    _law(all(s == s.lower() and s.startswith(".") for s in loader.suffixes), "suffixes are lower case with a dot")
    info = loader.info(path)
    items = list(loader.open(path))
    _law(len(items) == info.pages, f"{path}: info says {info.pages} pages, open gives {len(items)}")
    numbers = [item.number if isinstance(item, Page) else item.page for item in items]
    _law(numbers == list(range(1, info.pages + 1)), f"{path}: pages come as {numbers[:10]}...")
    _law(list(loader.open(path)) == items, f"{path}: a second reading differs")
    _check_skip(loader, path, len(items))
    pages = [item for item in items if isinstance(item, Page)]
    for page in pages:
        _law(page.width_pt > 0 and page.height_pt > 0, f"{path}: page {page.number} has no size")
        check_blocks(page.blocks, f"{path}: page {page.number}")
    if pages:
        _check_render(loader, path, pages[0])
    return pages


def _check_skip(loader: Loader, path: Path, count: int) -> None:
    for left_out in {1, (count + 1) // 2, count}:
        seen: list[int] = []
        for number, item in enumerate(loader.open(path, skip={left_out}, touched=seen.append), 1):
            if number == left_out:
                _law(isinstance(item, Fault) and item.page == number, f"{path}: page {number} in skip is no fault")
            else:
                _law(number in seen, f"{path}: page {number} is given out without being touched")
        _law(left_out not in seen, f"{path}: page {left_out} is touched although it is in skip")


def _check_render(loader: Loader, path: Path, page: Page) -> None:
    whole = loader.render(path, page.number, dpi=72)
    _law(whole.image.mode == "RGB", "renders are RGB")
    _law((whole.width_px, whole.height_px) == whole.image.size, "a render states its size")
    expected = page.width_pt / page.height_pt
    slack = 2 / min(whole.image.size) + 0.02
    _law(abs(whole.width_px / whole.height_px / expected - 1) < slack, "a render has the shape of the displayed page")
    part = loader.render(path, page.number, dpi=72, clip=BBox(0.25, 0.25, 0.75, 0.5))
    _law(abs(part.width_px - whole.width_px / 2) <= 2, "a clip has its share of the width")
    _law(abs(part.height_px - whole.height_px / 4) <= 2, "a clip has its share of the height")


def check_blocks(blocks: Sequence[Block], where: str = "blocks") -> None:
    """Hold blocks against their contract.

    Laws: ordinals count up from 0; boxes are ordered and in [0, 1]; lines start at ascending offsets inside the text,
    the first at 0, and stand inside the block; a table has a row of equal width a line; only titles have a level; a
    caption is about a figure or table of the page; no control characters but newlines.
    """
    for n, block in enumerate(blocks):
        here = f"{where}, block {n} ({block.kind})"
        _law(block.ordinal == n, f"{here}: ordinal {block.ordinal}")
        _law(_in_unit(block.bbox), f"{here}: box {block.bbox}")
        starts = [line.start for line in block.lines]
        _law(starts == sorted(set(starts)), f"{here}: line offsets {starts[:8]}")
        _law(
            not starts or (starts[0] == 0 and starts[-1] < max(1, len(block.text))),
            f"{here}: line offsets {starts[:8]}",
        )
        for line in block.lines:
            _law(_in_unit(line.bbox), f"{here}: line box {line.bbox}")
            _law(_holds(block.bbox, line.bbox), f"{here}: line {line.bbox} outside {block.bbox}")
        _law(not any(unicodedata.category(c) == "Cc" and c != "\n" for c in block.text), f"{here}: control characters")
        if block.kind is BlockKind.TABLE:
            _law(len(block.cells) >= 1 and len({len(row) for row in block.cells}) == 1, f"{here}: ragged rows")
            _law(len(block.lines) == len(block.cells), f"{here}: {len(block.lines)} lines, {len(block.cells)} rows")
        else:
            _law(not block.cells and not block.continues, f"{here}: cells outside a table")
        _law((block.level > 0) == (block.kind is BlockKind.TITLE), f"{here}: level {block.level}")
        if block.about is not None:
            _law(block.kind is BlockKind.CAPTION, f"{here}: only captions are about something")
            kinds = (BlockKind.FIGURE, BlockKind.TABLE)
            _law(0 <= block.about < len(blocks) and blocks[block.about].kind in kinds, f"{here}: about {block.about}")


def check_ocr(ocr: Ocr, image: PageImage, words: Sequence[str]) -> Sequence[Block]:
    """Read an image, hold the blocks against `check_blocks`, find nine of ten `words`; returns the blocks."""
    lacking = ocr.available()
    _law(not lacking, f"the engine cannot run here: {lacking}")
    blocks = ocr.read(image)
    check_blocks(blocks, "ocr")
    found = " ".join(block.text for block in blocks).lower()
    missed = [word for word in words if word.lower() not in found]
    _law(len(missed) <= 0.1 * len(words), f"ocr misses {missed} in: {found[:300]}")
    _law(all(block.lines for block in blocks if block.text), "every block with text has line boxes")
    return blocks


def check_layout(layout: LayoutModel, path: Path, pages: Sequence[Page]) -> list[Page]:
    """Refine pages: the same numbers, sizes and order, blocks as in `check_blocks`; returns the pages."""
    items = list(layout.refine(path, pages))
    _law(len(items) == len(pages), f"{len(pages)} pages in, {len(items)} out")
    refined: list[Page] = []
    for before, after in zip(pages, items, strict=True):
        if isinstance(after, Fault):
            _law(after.page == before.number, f"fault of page {after.page} in place of page {before.number}")
            continue
        same = (before.number, before.width_pt, before.height_pt)
        _law(
            (after.number, after.width_pt, after.height_pt) == same,
            f"page {before.number} comes back as {after.number}",
        )
        check_blocks(after.blocks, f"page {after.number}")
        refined.append(after)
    return refined


def _in_unit(box: BBox) -> bool:
    return 0 <= box.x0 <= box.x1 <= 1 and 0 <= box.y0 <= box.y1 <= 1


def _holds(outer: BBox, inner: BBox, slack: float = 1e-6) -> bool:
    return (
        inner.x0 >= outer.x0 - slack
        and inner.y0 >= outer.y0 - slack
        and inner.x1 <= outer.x1 + slack
        and inner.y1 <= outer.y1 + slack
    )
