"""Charts drawn by code: bars (grouped or stacked), lines, horizontal bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pymupdf
from kit import BLUE, GREY, INK, RULE, SAND, SANS, TEAL, Colour, put, ticks

COLOURS: tuple[Colour, ...] = (BLUE, TEAL, SAND, (0.62, 0.24, 0.26))


def _axes(page: pymupdf.Page, rect: pymupdf.Rect, top: float, title: str, size: float) -> tuple[pymupdf.Rect, float]:
    """Title, grid and value axis; gives the plot's area and the points a unit of value takes."""
    put(page, rect.x0, rect.y0 + size, title, SANS.bold, size)
    area = pymupdf.Rect(rect.x0 + size * 3, rect.y0 + size * 3.2, rect.x1 - 4, rect.y1 - size * 1.9)
    values = list(ticks(top))
    scale = area.height / values[-1]
    for value in values:
        y = area.y1 - value * scale
        page.draw_line((area.x0, y), (area.x1, y), color=INK if value == 0 else RULE, width=0.8 if value == 0 else 0.4)
        put(page, area.x0 - 5, y + size * 0.35, f"{value:g}", SANS.regular, size * 0.9, GREY, "right")
    return area, scale


def _legend(page: pymupdf.Page, rect: pymupdf.Rect, names: Sequence[str], size: float) -> None:
    x = rect.x1
    for name, colour in reversed(list(zip(names, COLOURS, strict=False))):
        put(page, x, rect.y0 + size, name, SANS.regular, size, INK, "right")
        x -= SANS.regular.text_length(name, size) + 5
        page.draw_rect((x - size * 0.8, rect.y0 + size * 0.25, x, rect.y0 + size * 1.05), color=None, fill=colour)
        x -= size * 0.8 + 12


def bars(
    page: pymupdf.Page,
    rect: pymupdf.Rect,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    stacked: bool = False,
    form: str = "{:g}",
    size: float = 8.0,
) -> None:
    """One group of bars a label; stacked bars carry their total on top, the others their value."""
    columns = list(zip(*series.values(), strict=True))
    top = max(sum(column) if stacked else max(column) for column in columns)
    area, scale = _axes(page, rect, top * 1.06, title, size)
    if len(series) > 1:
        _legend(page, rect, list(series), size)
    slot = area.width / len(labels)
    for n, (label, column) in enumerate(zip(labels, columns, strict=True)):
        middle = area.x0 + slot * (n + 0.5)
        put(page, middle, area.y1 + size * 1.4, label, SANS.regular, size, INK, "centre")
        thick = slot * (0.5 if stacked else 0.76 / len(column))
        base = 0.0
        for m, value in enumerate(column):
            x = middle - thick / 2 if stacked else middle + thick * (m - len(column) / 2)
            y0, y1 = area.y1 - (base + value) * scale, area.y1 - base * scale
            page.draw_rect((x + 0.6, y0, x + thick - 0.6, y1), color=None, fill=COLOURS[m])
            if stacked:
                base += value
            else:
                put(page, x + thick / 2, y0 - 2.5, form.format(value), SANS.regular, size * 0.86, INK, "centre")
        if stacked:
            put(page, middle, area.y1 - base * scale - 3, form.format(base), SANS.bold, size * 0.92, INK, "centre")


def lines(
    page: pymupdf.Page,
    rect: pymupdf.Rect,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    form: str = "{:.2f}",
    show: bool = True,
    size: float = 8.0,
) -> None:
    """One line a series; each point carries its value where `show` is set."""
    area, scale = _axes(page, rect, max(max(values) for values in series.values()) * 1.08, title, size)
    if len(series) > 1:
        _legend(page, rect, list(series), size)
    step = area.width / max(1, len(labels) - 1 + (1 if show else 0))
    start = area.x0 + (step / 2 if show else 0)
    for n, label in enumerate(labels):
        put(page, start + step * n, area.y1 + size * 1.4, label, SANS.regular, size, INK, "centre")
    for colour, values in zip(COLOURS, series.values(), strict=False):
        points = [(start + step * n, area.y1 - value * scale) for n, value in enumerate(values)]
        page.draw_polyline(points, color=colour, width=1.6)
        for (x, y), value in zip(points, values, strict=True):
            page.draw_circle((x, y), 2.2 if show else 1.4, color=colour, fill=colour)
            if show:
                put(page, x, y - 6, form.format(value), SANS.bold, size * 0.92, INK, "centre")


def shares(
    page: pymupdf.Page,
    rect: pymupdf.Rect,
    title: str,
    values: Mapping[str, float],
    *,
    form: str = "{:g} %",
    size: float = 8.0,
) -> None:
    """Horizontal bars with their names and values."""
    put(page, rect.x0, rect.y0 + size, title, SANS.bold, size)
    left = rect.x0 + max(SANS.regular.text_length(name, size) for name in values) + 8
    scale = (rect.x1 - left - size * 4.5) / max(values.values())
    step = (rect.height - size * 2) / len(values)
    for n, (name, value) in enumerate(values.items()):
        y = rect.y0 + size * 2 + step * n
        put(page, left - 6, y + step / 2 + size * 0.35, name, SANS.regular, size, INK, "right")
        page.draw_rect((left, y + step * 0.18, left + value * scale, y + step * 0.82), color=None, fill=COLOURS[n % 3])
        put(page, left + value * scale + 5, y + step / 2 + size * 0.35, form.format(value), SANS.bold, size)
