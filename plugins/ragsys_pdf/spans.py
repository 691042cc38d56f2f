"""What stands on a page: pieces of text of one font with their boxes, and images. In points of the displayed page."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ragsys_pdf.cleaning import clean, unmappable

Box = tuple[float, float, float, float]


class Span(NamedTuple):
    """A piece of text of one font on one line. `block` numbers the engine's block: a hint of what belongs together."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str  # cleaned, never empty
    size: float  # points
    bold: bool
    block: int
    spaced: bool = False  # white space stands before it, however narrow


@dataclass(slots=True)
class RawPage:
    """A page before its blocks are found. Boxes are in points of the displayed page unless it is `turned`."""

    number: int  # 1-based
    width: float  # points, of the frame that the spans are laid out in
    height: float
    spans: list[Span]
    images: list[Box] = field(default_factory=list)
    aside: list[Span] = field(default_factory=list)  # text that runs up or down beside the rest
    turned: int = 0  # degrees the displayed page was turned clockwise so that its text stands upright: 0, 90, 180, 270
    label: str = ""
    garbage: float = 0.0  # share of unmappable characters
    sizes: Counter[float] = field(default_factory=Counter)  # characters by font size, to half a point

    def displayed(self, box: Box) -> Box:
        """A box of the layout's frame as it stands on the displayed page."""
        x0, y0, x1, y1 = box
        if self.turned == 90:  # the text runs up: the frame was turned clockwise
            return y0, self.width - x1, y1, self.width - x0
        if self.turned == 270:
            return self.height - y1, x0, self.height - y0, x1
        if self.turned == 180:
            return self.width - x1, self.height - y1, self.width - x0, self.height - y0
        return box

    @property
    def displayed_size(self) -> tuple[float, float]:
        """Width and height of the displayed page, in points."""
        return (self.height, self.width) if self.turned in (90, 270) else (self.width, self.height)


# runs of blanks or dots set things apart inside one piece of text: "Revenue   12", "Business ........ 5"
_APART = re.compile(r"\s{3,}|(?:\s?[.…_·]){4,}\s*")
_NUMBER_STARTS = frozenset("0123456789(-–—$€£¥+ ")
_NUMBER_ENDS = frozenset("0123456789)% ")
_NUMBER = r"[-–—+(]?[$€£¥]?\(?\d[\d,.]*\)?%?(?:\([-−–]?[\d.,]*\))?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:\s+{_NUMBER})+")


# MuPDF's JSON has one fixed form. Reading it by an expression costs a third of parsing it into dictionaries
_WHOLE = "([0-9-]+)"
_LINE = re.compile(
    rf'\{{"wmode":[01],"bbox":\{{"x":{_WHOLE},"y":{_WHOLE},"w":{_WHOLE},"h":{_WHOLE}[^}}]*\}},"font":\{{"name":"[^"]*",'
    rf'"family":"[^"]*","weight":"([a-z]+)","style":"[a-z]+","size":{_WHOLE}\}},"x":[0-9-]+,"y":{_WHOLE},'
    r'"text":"([^"\\]*+(?:\\.[^"\\]*+)*+)"\}'
)
_IMAGE = re.compile(r'image","bbox":\{"x":(-?\d+),"y":(-?\d+),"w":(-?\d+),"h":(-?\d+)')
_Record = tuple[str, str, str, str, str, str, str, str]  # x, y, w, h, weight, size, baseline, escaped text


def _records(content: str) -> Iterator[list[_Record] | Box]:
    """The lines of each block in order; of an image block its box, unscaled."""
    parts = content.split('{"type":"')[1:]
    lines = [_LINE.findall(part) for part in parts]
    if sum(map(len, lines)) != content.count('"wmode":'):
        yield from _parsed_records(content)
        return
    for part, found in zip(parts, lines, strict=True):
        image = None if found else _IMAGE.match(part)
        if image:
            x, y, w, h = map(int, image.groups())
            yield x, y, x + w, y + h
        else:
            yield found


def _parsed_records(content: str) -> Iterator[list[_Record] | Box]:
    """The same from parsed JSON: for a MuPDF that writes its keys in another order."""
    for block in json.loads(content, strict=False)["blocks"]:
        box = block.get("bbox", {})
        if block["type"] == "image":
            yield box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"]
            continue
        lines: list[Any] = block.get("lines", [])
        yield [
            (
                *(str(line["bbox"][key]) for key in "xywh"),
                line["font"]["weight"],
                str(line["font"]["size"]),
                str(line["y"]),
                json.dumps(line["text"], ensure_ascii=False)[1:-1],
            )
            for line in lines
        ]


class Parsed(NamedTuple):
    """What MuPDF's structured text holds."""

    level: list[Span]
    up: list[Span]  # text that runs up the page
    down: list[Span]
    images: list[Box]
    garbage: float  # share of characters without a meaning, 0..1
    flipped: bool  # most of the level text stands on its head


def parse_stext(content: bytes, scale: float) -> Parsed:
    """MuPDF's structured text from its JSON form.

    `scale` is what the coordinates were multiplied with before they were rounded to whole numbers.
    """
    unit = 1.0 / scale
    level: list[Span] = []
    up: list[Span] = []
    down: list[Span] = []
    images: list[Box] = []
    seen: set[tuple[str, int, int]] = set()
    characters = bad = flipped = 0
    new = tuple.__new__  # Span(...) checks what is right here already, at twice the time
    for number, block in enumerate(_records(content.decode("utf-8", "replace"))):
        if isinstance(block, tuple):
            x0, y0, x1, y1 = block
            images.append((x0 * unit, y0 * unit, x1 * unit, y1 * unit))
            continue
        spaced = False
        for left, top, width, height, weight, points, baseline, raw in block:
            if not raw or raw.isspace():
                spaced = True
                continue
            if "\\" in raw:
                raw = json.loads(f'"{raw}"', strict=False)
            length = len(raw)
            characters += length
            first, last = raw[0], raw[-1]
            blanks = " " in raw
            if not (raw.isascii() and raw.isprintable()):
                text = clean(raw)
                bad += unmappable(raw)
                if not text:
                    continue
            elif blanks and (first == " " or last == " " or "  " in raw):
                text = " ".join(raw.split())
            else:
                text = raw
            x, y, w, h = int(left), int(top), int(width), int(height)
            key = (text, x // 100, y // 100)
            if key in seen:  # drawn twice in one place to look bold
                continue
            seen.add(key)
            em = int(points)
            if h > 2 * w and w < 3.2 * em and len(text) > 2:
                box = x * unit, y * unit, (x + w) * unit, (y + h) * unit
                span = Span(*box, text, em * unit, weight == "bold", number)
                (up if int(baseline) > y + h / 2 else down).append(span)
                continue
            if int(baseline) < y + 0.4 * h:
                flipped += length
            x0, x1 = x * unit, (x + w) * unit
            if first == " " or last == " ":
                blank = min(0.25 * em * unit, (x1 - x0) / (length + 1))
                x0 += blank * (length - len(raw.lstrip()))
                x1 -= blank * (length - len(raw.rstrip()))
            spaced = spaced or first.isspace()
            span = new(Span, (x0, y * unit, x1, (y + h) * unit, text, em * unit, weight == "bold", number, spaced))
            spaced = last.isspace()
            if blanks and (
                (first in _NUMBER_STARTS and last in _NUMBER_ENDS) or "   " in raw or "...." in raw or ". . ." in raw
            ):
                level += split_apart(span, raw)
            else:
                level.append(span)
    return Parsed(level, up, down, images, bad / max(1, characters), flipped > 0.6 * max(1, characters))


def split_apart(span: Span, raw: str) -> list[Span]:
    """The span in pieces where blanks, dot leaders or a row of numbers set its parts apart; widths by characters."""
    raw = raw.strip()
    parts = [(m.start(), m.end()) for m in _APART.finditer(raw)]
    if not parts and _NUMBERS.fullmatch(raw):
        parts = [(m.start(), m.end()) for m in re.finditer(r"\s+", raw)]
    if not parts:
        return [span]
    step = (span.x1 - span.x0) / max(1, len(raw))
    edges = [0, *(edge for part in parts for edge in part), len(raw)]
    pieces = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        text = clean(raw[start:end])
        if text:
            pieces.append(span._replace(x0=span.x0 + start * step, x1=span.x0 + end * step, text=text))
    return pieces or [span._replace(text=clean(raw))]


def turn(box: Box, turned: int, width: float, height: float) -> Box:
    """A box of the displayed page (width x height) in the frame turned upright; `RawPage.displayed` is its inverse."""
    x0, y0, x1, y1 = box
    if turned == 90:
        return height - y1, x0, height - y0, x1
    if turned == 270:
        return y0, width - x1, y1, width - x0
    return width - x1, height - y1, width - x0, height - y0


def _turned(span: Span, turned: int, width: float, height: float) -> Span:
    x0, y0, x1, y1 = turn((span.x0, span.y0, span.x1, span.y1), turned, width, height)
    return span._replace(x0=x0, y0=y0, x1=x1, y1=y1)


def raw_page(number: int, width: float, height: float, content: bytes, scale: float, label: str = "") -> RawPage:
    """The raw page of MuPDF's structured text. If most of the text runs up or down, it is turned upright."""
    spans, up, down, images, garbage, flipped = parse_stext(content, scale)
    aside = up + down
    turned = 180 if flipped else 0
    if aside and sum(len(s.text) for s in aside) > 1.5 * sum(len(s.text) for s in spans):
        turned = 90 if sum(len(s.text) for s in up) >= sum(len(s.text) for s in down) else 270
        # a short word is as wide as high, whichever way it runs: it goes with the rest
        short = [s for s in spans if s.x1 - s.x0 < 1.5 * s.size]
        aside, spans = [s for s in spans if s.x1 - s.x0 >= 1.5 * s.size], aside + short
    if turned:
        spans = [_turned(span, turned, width, height) for span in spans]
        aside = [_turned(span, turned, width, height) for span in aside]
        images = [turn(box, turned, width, height) for box in images]
        if turned != 180:
            width, height = height, width
    return RawPage(number, width, height, spans, images, aside, turned, label, garbage, count_sizes(spans))


def count_sizes(spans: Iterable[Span]) -> Counter[float]:
    """Characters by font size, sizes to half a point."""
    exact: dict[float, int] = {}
    for span in spans:
        size = span[5]
        exact[size] = exact.get(size, 0) + len(span[4])
    sizes: Counter[float] = Counter()
    for size, count in exact.items():
        sizes[round(size * 2) / 2] += count
    return sizes
