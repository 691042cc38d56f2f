"""Pictures of pages for people and models: boxes drawn on a citation's page, block numbers, a montage. Needs PIL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFont

from ragsys.answers import Citation
from ragsys.types import BBox, Block, Evidence, PageImage

#: (evidence, dpi, the part of the page or None) -> the rendered page.
Render = Callable[[Evidence, float, BBox | None], PageImage]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
FILL = (255, 214, 10, 72)
EDGE = (214, 120, 0, 255)


def citation_picture(render: Render, evidence: Evidence, citation: Citation, dpi: float, crop: bool) -> Image.Image:
    """The citation's page with its boxes drawn; with `crop` the part around them, at least a third of the page high."""
    clip = around(citation.bboxes) if crop else None
    page = render(evidence, dpi, clip)
    view = clip or BBox(0, 0, 1, 1)
    boxes = [_inside(box, view) for box in citation.bboxes]
    return draw_boxes(page.image, boxes)


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
