"""The parts of a plot: a frame with axes, marks of many shapes, bands, whiskers. Colours come from the page's style.

A configuration is told by colour and by shape together, so that no plot needs colour to be read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragsys.markup import text

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 72, 20, 14, 54
STYLES = 8  # colours, shapes and dashes repeat after so many configurations
Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it shows, from where to where, and its ticks."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False
    digits: Callable[[float], str] = str

    def scale(self, start: float, end: float) -> Scale:
        """Values to places between two ends."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)
        span = (high - low) or 1.0

        def place(value: float) -> float:
            at = math.log10(max(value, self.low)) if self.log else value
            return start + (end - start) * (min(max(at, low), high) - low) / span

        return place


def linear(label: str, values: Sequence[float], digits: Callable[[float], str], *, floor: float | None = None) -> Axis:
    """An axis around the values, from a round number to a round number."""
    low, high = min(values), max(values)
    low = floor if floor is not None else low
    if high - low < 1e-9:
        low, high = low - abs(low) * 0.5, high + (abs(high) * 0.5 or 1.0)
        low = floor if floor is not None else low
    step = _step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(n * step, 12) for n in range(first, last + 1))
    return Axis(label, ticks[0], ticks[-1], ticks, digits=digits)


def shares(label: str, values: Sequence[float], digits: Callable[[float], str]) -> Axis:
    """An axis of shares: 0 to 1, or less where all values are far from 1."""
    top = max([value for value in values if math.isfinite(value)], default=1.0)
    if top > 0.6:
        return Axis(label, 0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), digits=digits)
    return linear(label, [0.0, max(top, 0.05)], digits, floor=0.0)


def logarithmic(label: str, values: Sequence[float], digits: Callable[[float], str]) -> Axis:
    """An axis of powers of ten and their halves, for positive values that lie far apart."""
    low, high = min(values), max(values)
    marks = [
        m * 10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)
    ]
    first = max((n for n, mark in enumerate(marks) if mark <= low * (1 + 1e-9)), default=0)
    last = min((n for n, mark in enumerate(marks) if mark >= high * (1 - 1e-9)), default=len(marks) - 1)
    kept = marks[first : last + 1]
    ticks = tuple(kept if len(kept) <= 7 else [mark for mark in kept if _power(mark)])
    return Axis(label, kept[0], kept[-1], ticks, log=True, digits=digits)


def _power(value: float) -> bool:
    return abs(math.log10(value) - round(math.log10(value))) < 1e-9


def _step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough - 1e-12)


def frame(x: Axis, y: Axis, body: str, *, title: str, describe: str, key: str) -> str:
    """A whole plot: grid, axes with their labels, and the body over them."""
    px, py = x.scale(LEFT, WIDTH - RIGHT), y.scale(HEIGHT - BOTTOM, TOP)
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py(t):.1f}" y2="{py(t):.1f}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{py(t) + 4:.1f}" text-anchor="end">{text(y.digits(t))}</text>'
        for t in y.ticks
    ]
    parts += [
        f'<line class="notch" x1="{px(t):.1f}" x2="{px(t):.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 5}"/>'
        f'<text class="tick" x="{px(t):.1f}" y="{HEIGHT - BOTTOM + 21}" text-anchor="middle">{text(x.digits(t))}</text>'
        for t in x.ticks
    ]
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text class="label" x="{middle_x}" y="{HEIGHT - 8}" text-anchor="middle">{text(x.label)}</text>'
        f'<text class="label" transform="translate(16 {middle_y}) rotate(-90)" text-anchor="middle">'
        f"{text(y.label)}</text>"
    )
    return wrap("".join(parts) + body, WIDTH, HEIGHT, title=title, describe=describe, key=key)


def wrap(body: str, width: float, height: float, *, title: str, describe: str, key: str) -> str:
    """An SVG element that says what it shows to those who do not see it."""
    return (
        f'<svg class="plot" id="{key}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{text(title)}</title>'
        f'<desc id="{key}-d">{text(describe)}</desc>{body}</svg>'
    )


def line(points: Sequence[tuple[float, float]], n: int) -> str:
    """A line in the style of the n-th configuration."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="line c{n % STYLES} d{n % STYLES}" points="{path}"/>'


def band(low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]], n: int) -> str:
    """The area between two lines."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*high, *reversed(low)])
    return f'<polygon class="band f{n % STYLES}" points="{path}"/>'


def whisker(x1: float, y1: float, x2: float, y2: float, n: int) -> str:
    """An interval with a short bar at both ends."""
    dx, dy = (0, 4) if abs(y2 - y1) < abs(x2 - x1) else (4, 0)
    ends = "".join(
        f'<line class="whisker c{n % STYLES}" x1="{x - dx:.1f}" y1="{y - dy:.1f}" x2="{x + dx:.1f}" y2="{y + dy:.1f}"/>'
        for x, y in ((x1, y1), (x2, y2))
    )
    return f'<line class="whisker c{n % STYLES}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>{ends}'


def mark(x: float, y: float, n: int, tip: str = "", size: float = 5.5) -> str:
    """The shape of the n-th configuration; `tip` is shown to whoever points at it."""
    told = f"<title>{text(tip)}</title>" if tip else ""
    shape = _SHAPES[n % STYLES](x, y, size)
    return f'<g class="mark f{n % STYLES}">{shape}{told}</g>'


def key(names: Sequence[str]) -> str:
    """What shape and colour stand for which configuration."""
    items = "".join(
        f'<li><svg viewBox="0 0 34 14" aria-hidden="true">{line([(1, 7), (33, 7)], n)}{mark(17, 7, n, size=5)}</svg>'
        f"<span>{text(name)}</span></li>"
        for n, name in enumerate(names)
    )
    return f'<ul class="key">{items}</ul>'


def _polygon(*points: tuple[float, float]) -> Callable[[float, float, float], str]:
    def draw(x: float, y: float, size: float) -> str:
        path = " ".join(f"{x + dx * size:.1f},{y + dy * size:.1f}" for dx, dy in points)
        return f'<polygon points="{path}"/>'

    return draw


def _circle(x: float, y: float, size: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size * 0.95:.1f}"/>'


_ARM = 0.38
_PLUS = [(-_ARM, -1), (_ARM, -1), (_ARM, -_ARM), (1, -_ARM), (1, _ARM), (_ARM, _ARM),
         (_ARM, 1), (-_ARM, 1), (-_ARM, _ARM), (-1, _ARM), (-1, -_ARM), (-_ARM, -_ARM)]  # fmt: skip
_SHAPES: tuple[Callable[[float, float, float], str], ...] = (
    _circle,
    _polygon((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    _polygon((0, -1.1), (1.05, 0.85), (-1.05, 0.85)),
    _polygon((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    _polygon(*_PLUS),
    _polygon((0, 1.1), (1.05, -0.85), (-1.05, -0.85)),
    _polygon(*((x * 0.71 - y * 0.71, x * 0.71 + y * 0.71) for x, y in _PLUS)),
    _polygon(*((math.sin(n * math.pi / 3), -math.cos(n * math.pi / 3)) for n in range(6))),
)
