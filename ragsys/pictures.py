"""Pictures of pages for people and models: boxes drawn on a citation's page, block numbers, a montage. Needs PIL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from ragsys.answers import Citation
from ragsys.passages import header_end
from ragsys.types import BBox, Block, BlockKind, Evidence, Page, PageImage

#: (evidence, dpi, the part of the page or None) -> the rendered page.
Render = Callable[[Evidence, float, BBox | None], PageImage]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
FILL = (255, 214, 10, 72)
EDGE = (214, 120, 0, 255)
BREAK = (236, 236, 236)
_ONE = 0.55  # of the page's height: a table's header and a row that are no farther apart are shown in one piece
_LINE = 0.08  # of the page's height: what is higher is no line of text, and may be cut
_TOUCH = 0.002  # of the page's height: lines may meet by so much


class Cut(NamedTuple):
    """The parts of a page that prove a citation, top to bottom, and the header of a table that is on no part of it."""

    views: tuple[BBox, ...]
    header: tuple[str, ...] = ()


def citation_picture(render: Render, evidence: Evidence, citation: Citation, dpi: float, crop: bool) -> Image.Image:
    """The citation's page with its boxes drawn; with `crop` the lines around them, under the header of their table."""
    if not crop:
        return draw_boxes(render(evidence, dpi, None).image, citation.bboxes)
    cut = cut_of(evidence.page, citation)
    parts = []
    for view in cut.views:
        image = render(evidence, dpi, view).image
        parts.append(draw_boxes(image, [_inside(box, view) for box in citation.bboxes if _meets(box, view)]))
    return _stacked(parts, cut.header)


def cut_of(page: Page, citation: Citation) -> Cut:
    """What of a page to show for a citation: whole lines, and of a table its caption and header row too.

    A header that is near is shown in one piece with the row; a far one is a part of its own above it. A table that
    goes on from the page before has its header there: it is given as text.
    """
    tables = [page.blocks[n] for n in citation.blocks if n < len(page.blocks)]
    tables = [block for block in tables if block.kind is BlockKind.TABLE]
    cited = around(citation.bboxes)
    heads: list[BBox] = []
    header: tuple[str, ...] = ()
    for table in tables:
        captions = [b.bbox for b in page.blocks if b.kind is BlockKind.CAPTION and b.about == table.ordinal]
        heads += [box for box in captions if box.y0 <= table.bbox.y0]
        rows = [line.bbox for line in table.lines if line.start < header_end(table.text)]
        if table.continues and any(_height(box) > 0.9 * _height(table.bbox) for box in rows):
            header = header or (table.cells[0] if table.cells else ())
        else:
            heads += rows
    top = min((box.y0 for box in heads), default=cited.y0)
    if top >= cited.y0:
        return Cut((_whole_lines(page, cited),), header)
    if cited.y1 - top <= _ONE:
        return Cut((_whole_lines(page, BBox(0.0, top, 1.0, cited.y1)),), header)
    row = around(citation.bboxes, least=0.15)
    above = BBox(0.0, top, 1.0, max(box.y1 for box in heads))
    above, row = _whole_lines(page, above), _whole_lines(page, row)
    if above.y1 >= row.y0:
        return Cut((above.union(row),), header)
    return Cut((above, row), header)


def _height(box: BBox) -> float:
    return box.y1 - box.y0


def _meets(box: BBox, view: BBox) -> bool:
    return box.y0 < view.y1 and box.y1 > view.y0


def _whole_lines(page: Page, view: BBox) -> BBox:
    """The view, grown so that its upper and lower edge cut no line of text."""
    lines = [line.bbox for block in page.blocks for line in block.lines] + [b.bbox for b in page.blocks if not b.lines]
    lines = [box for box in lines if _height(box) <= _LINE]
    top, bottom = view.y0, view.y1
    for box in sorted(lines, key=lambda box: -box.y0):  # upwards: lines may overlap
        if box.y0 + _TOUCH < top < box.y1 - _TOUCH:
            top = box.y0
    for box in sorted(lines, key=lambda box: box.y1):
        if box.y0 + _TOUCH < bottom < box.y1 - _TOUCH:
            bottom = box.y1
    return BBox(0.0, max(0.0, top), 1.0, min(1.0, bottom))


def _stacked(parts: Sequence[Image.Image], header: Sequence[str]) -> Image.Image:
    """The parts below each other with a visible break between two; `header` is a line of text on top."""
    width = max(part.width for part in parts)
    band = max(8, width // 60)
    font = ImageFont.load_default(size=max(11, width // 62))
    title = "header, from a page before: " + "  ·  ".join(filter(None, header)) if any(header) else ""
    lines = _wrapped(title, font, width - 2 * band) if title else []
    step = round(1.5 * font.size) if isinstance(font, ImageFont.FreeTypeFont) else 16
    top = step * len(lines) + band if lines else 0
    sheet = Image.new("RGB", (width, top + sum(part.height for part in parts) + band * (len(parts) - 1)), BREAK)
    pen = ImageDraw.Draw(sheet)
    for n, line in enumerate(lines):
        pen.text((band, band // 2 + n * step), line, fill=(40, 40, 40), font=font)
    y = top
    for n, part in enumerate(parts):
        if n:
            for x in range(0, width, 2 * band):  # a torn edge: something is left out here
                pen.line((x, y - band // 4, x + band, y - 3 * band // 4), fill=(150, 150, 150), width=2)
                pen.line((x + band, y - 3 * band // 4, x + 2 * band, y - band // 4), fill=(150, 150, 150), width=2)
        sheet.paste(part, (0, y))
        y += part.height + band
    return sheet


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """The text in at most four lines of so many pixels."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if len(lines) <= 4 else [*lines[:3], lines[3] + " ..."]


def around(boxes: Sequence[BBox], *, margin: float = 0.04, least: float = 0.3) -> BBox:
    """The part of a page to show: all boxes with a margin, the page's full width, at least `least` of its height."""
    top = max(0.0, min((box.y0 for box in boxes), default=0.0) - margin)
    bottom = min(1.0, max((box.y1 for box in boxes), default=1.0) + margin)
    if bottom - top < least:
        middle = min(max((top + bottom) / 2, least / 2), 1 - least / 2)
        top, bottom = middle - least / 2, middle + least / 2
    return BBox(0.0, top, 1.0, bottom)


def _inside(box: BBox, view: BBox) -> BBox:
    width, height = max(view.x1 - view.x0, 1e-6), max(view.y1 - view.y0, 1e-6)
    return BBox(
        (box.x0 - view.x0) / width,
        (box.y0 - view.y0) / height,
        (box.x1 - view.x0) / width,
        (box.y1 - view.y0) / height,
    )


def draw_boxes(image: Image.Image, boxes: Sequence[BBox]) -> Image.Image:
    """A copy with translucent boxes, a pixel or two wider than the words they hold."""
    base = image.convert("RGBA")
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    grow, line = max(1, base.width // 400), max(1, base.width // 500)
    for box in boxes:
        x0, y0, x1, y1 = box.scaled(base.width, base.height)
        pen.rectangle((x0 - grow, y0 - grow, x1 + grow, y1 + grow), fill=FILL, outline=EDGE, width=line)
    return Image.alpha_composite(base, layer).convert("RGB")


def numbered(image: Image.Image, evidence: Evidence) -> Image.Image:
    """A copy with each block's id (evidence.block) at its corner: a model that sees the page can point at it."""
    copy = image.convert("RGB")
    pen = ImageDraw.Draw(copy)
    font = ImageFont.load_default(size=max(10, copy.width // 70))
    for block in evidence.page.blocks:
        _label(pen, f"{evidence.number}.{block.ordinal}", block, copy, font)
    return copy


def _label(pen: ImageDraw.ImageDraw, text: str, block: Block, image: Image.Image, font: Font) -> None:
    x0, y0, _, _ = block.bbox.scaled(image.width, image.height)
    box = pen.textbbox((0, 0), text, font=font)
    width, height = box[2] + 4, box[3] + 2
    x = min(max(0.0, x0 - width), image.width - width)
    pen.rectangle((x, y0, x + width, y0 + height), fill=(180, 0, 60))
    pen.text((x + 2, y0), text, fill=(255, 255, 255), font=font)


def montage(images: Sequence[Image.Image], labels: Sequence[str], *, width_px: int = 1600) -> Image.Image:
    """All pages in one picture, in rows from the top left, each with its label above."""
    columns = math.ceil(math.sqrt(len(images)))
    cell = width_px // columns
    font = ImageFont.load_default(size=max(12, cell // 20))
    head = max(18, cell // 12)
    thumbs = [image.resize((cell - 8, max(1, round(image.height * (cell - 8) / image.width)))) for image in images]
    rows = [thumbs[n : n + columns] for n in range(0, len(thumbs), columns)]
    heights = [max(thumb.height for thumb in row) + head + 8 for row in rows]
    sheet = Image.new("RGB", (width_px, sum(heights)), (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for n, thumb in enumerate(thumbs):
        x, y = (n % columns) * cell + 4, sum(heights[: n // columns])
        pen.text((x, y + 2), labels[n], fill=(0, 0, 0), font=font)
        sheet.paste(thumb, (x, y + head))
    return sheet
