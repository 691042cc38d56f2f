"""A small typesetter over PyMuPDF: flowing text, headings, tables, figures, headers and footers, frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pymupdf

Colour = tuple[float, float, float]
INK: Colour = (0.13, 0.14, 0.17)
GREY: Colour = (0.45, 0.48, 0.52)
RULE: Colour = (0.78, 0.80, 0.83)
BLUE: Colour = (0.06, 0.31, 0.47)
TEAL: Colour = (0.10, 0.56, 0.56)
SAND: Colour = (0.90, 0.66, 0.30)
PALE: Colour = (0.93, 0.96, 0.97)
WHITE: Colour = (1, 1, 1)
A4 = (595.0, 842.0)


@dataclass(frozen=True)
class Face:
    """Four fonts of a family; sizes in points."""

    regular: pymupdf.Font
    bold: pymupdf.Font
    italic: pymupdf.Font


SANS = Face(pymupdf.Font("helv"), pymupdf.Font("hebo"), pymupdf.Font("heit"))
SERIF = Face(pymupdf.Font("tiro"), pymupdf.Font("tibo"), pymupdf.Font("tiit"))


def put(
    page: pymupdf.Page,
    x: float,
    y: float,
    text: str,
    font: pymupdf.Font,
    size: float,
    colour: Colour = INK,
    align: str = "left",
) -> None:
    """One line with its baseline at y; `align` says what of it stands at x: left, right or centre."""
    width = font.text_length(text, size)
    start = x - {"left": 0.0, "right": width, "centre": width / 2}[align]
    writer = pymupdf.TextWriter(page.rect, color=colour)
    writer.append((start, y), text, font=font, fontsize=size)
    writer.write_text(page)


def wrapped(text: str, font: pymupdf.Font, size: float, width: float) -> list[str]:
    """The lines of a text that is `width` points wide."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.text_length(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


@dataclass
class Flow:
    """Writes from top to bottom, from frame to frame, from page to page."""

    doc: pymupdf.Document
    frames: Sequence[tuple[float, float, float, float]]  # x0 y0 x1 y1 on every page, filled in order
    dress: Callable[[pymupdf.Page, int], None]  # draws header and footer of page n (1-based)
    face: Face = SANS
    size: float = 10.0
    leading: float = 1.38
    justify: bool = False
    paper: tuple[float, float] = A4
    first_frames: Sequence[tuple[float, float, float, float]] = ()
    frame: int = -1
    y: float = 0.0
    page: pymupdf.Page = field(init=False)

    def __post_init__(self) -> None:
        self.new_page()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The frame that is being filled."""
        first = self.doc.page_count == 1 and self.first_frames
        return (self.first_frames if first else self.frames)[self.frame]

    @property
    def width(self) -> float:
        """Of the frame."""
        return self.box[2] - self.box[0]

    def new_page(self) -> None:
        """Go on at the top of a fresh page."""
        self.page = self.doc.new_page(width=self.paper[0], height=self.paper[1])
        self.dress(self.page, self.doc.page_count)
        self.frame = 0
        self.y = self.box[1]

    def next_frame(self) -> None:
        """Go on at the top of the next column or page."""
        if self.frame + 1 < len(self.frames):
            self.frame += 1
            self.y = self.box[1]
        else:
            self.new_page()

    def need(self, height: float) -> None:
        """Go on in the next frame unless this much fits here."""
        if self.y + height > self.box[3]:
            self.next_frame()

    def space(self, height: float) -> None:
        """Leave some room, but not at the top of a frame."""
        if self.y > self.box[1]:
            self.y += height

    def heading(self, text: str, level: int = 1, colour: Colour = BLUE) -> None:
        """A heading, kept with some of what follows."""
        size = {1: self.size * 1.75, 2: self.size * 1.28, 3: self.size * 1.08}[level]
        self.space(size * (0.9 if level == 1 else 0.75))
        lines = wrapped(text, self.face.bold, size, self.width)
        self.need(len(lines) * size * 1.2 + self.size * 4)
        for line in lines:
            self.y += size
            put(self.page, self.box[0], self.y, line, self.face.bold, size, colour)
            self.y += size * 0.2
        self.y += size * 0.35

    def text(self, text: str, font: pymupdf.Font | None = None, size: float = 0, indent: float = 0) -> None:
        """A paragraph."""
        font, size = font or self.face.regular, size or self.size
        lines = wrapped(text, font, size, self.width - indent)
        for n, line in enumerate(lines):
            self.need(size * self.leading)
            self.y += size
            last = n == len(lines) - 1
            self._line(line, font, size, indent, justify=self.justify and not last)
            self.y += size * (self.leading - 1)
        self.y += size * 0.55

    def _line(self, line: str, font: pymupdf.Font, size: float, indent: float, justify: bool) -> None:
        x = self.box[0] + indent
        words = line.split(" ")
        gap = (self.width - indent - font.text_length(line, size)) / max(1, len(words) - 1) if justify else 0.0
        writer = pymupdf.TextWriter(self.page.rect, color=INK)
        for word in words:
            end = writer.append((x, self.y), word + " ", font=font, fontsize=size)[1].x
            x = end + gap
        writer.write_text(self.page)

    def bullets(self, items: Sequence[str], numbered: bool = False) -> None:
        """A list."""
        for n, item in enumerate(items, 1):
            self.need(self.size * self.leading)
            mark = f"{n}." if numbered else "•"
            put(self.page, self.box[0] + 4, self.y + self.size, mark, self.face.regular, self.size, BLUE)
            self.text(item, indent=18)
            self.y -= self.size * 0.2
        self.y += self.size * 0.4

    def table(
        self,
        caption: str,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        shares: Sequence[float],
        *,
        align: str = "",
        strong: Sequence[int] = (),
        size: float = 0,
        plain: bool = False,
    ) -> None:
        """A table under its caption. `align` has an `l` or `r` for each column (else the first is set left, the others
        right); `strong` rows are bold."""
        align = align or "l" + "r" * (len(header) - 1)
        size = size or self.size * 0.9
        widths = [share / sum(shares) * self.width for share in shares]
        cells = [
            [wrapped(c, self.face.regular, size, w - 10) or [""] for c, w in zip(r, widths, strict=True)] for r in rows
        ]
        heads = [wrapped(c, self.face.bold, size, w - 10) or [""] for c, w in zip(header, widths, strict=True)]
        step = size * 1.25

        def tall(row: Sequence[Sequence[str]]) -> float:
            return max(len(cell) for cell in row) * step + size * 0.55

        self.space(size * 0.6)
        above = wrapped(caption, self.face.bold, size, self.width)
        self.need(sum(map(tall, cells)) + tall(heads) + len(above) * step + 8)
        for line in above:
            self.y += size
            put(self.page, self.box[0], self.y, line, self.face.bold, size, INK)
            self.y += step - size
        self.y += 4
        top = self.y
        if not plain:
            self.page.draw_rect((self.box[0], top, self.box[2], top + tall(heads)), color=None, fill=PALE)
        self._rule(1.1)
        for n, row in enumerate([heads, *cells]):
            font = self.face.bold if n == 0 or n - 1 in strong else self.face.regular
            x = self.box[0]
            for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
                for m, line in enumerate(cell):
                    y = self.y + size * 1.08 + m * step
                    if align[column] == "l":
                        put(self.page, x + 5, y, line, font, size)
                    else:
                        put(self.page, x + width - 5, y, line, font, size, align="right")
                x += width
            self.y += tall(row)
            if n == 0:
                self._rule(0.7)
            elif not plain and n < len(cells):
                self._rule(0.3, RULE)
        self._rule(1.1)
        self.y += size * 1.3

    def _rule(self, width: float, colour: Colour = INK) -> None:
        self.page.draw_line((self.box[0], self.y), (self.box[2], self.y), color=colour, width=width)

    def figure(self, caption: str, height: float, draw: Callable[[pymupdf.Page, pymupdf.Rect], None]) -> None:
        """A drawing with its caption below."""
        size = self.size * 0.88
        lines = wrapped(caption, self.face.italic, size, self.width)
        self.space(4)
        self.need(height + len(lines) * size * 1.3 + 16)
        draw(self.page, pymupdf.Rect(self.box[0], self.y, self.box[2], self.y + height))
        self.y += height + 5
        for line in lines:
            self.y += size
            put(self.page, self.box[0], self.y, line, self.face.italic, size, GREY)
            self.y += size * 0.3
        self.y += self.size * 1.1


def ticks(top: float) -> Iterator[float]:
    """Axis values from 0 to a round number at or above `top`, in six steps at most."""
    step = next(nice for nice in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if nice * 6 >= top)
    yield from (step * n for n in range(math.ceil(top / step) + 1))
