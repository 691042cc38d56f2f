"""Gold as records hold it, out of what several benchmarks write alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ragsys.evaluation.records import GoldPage
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.rows import Row

#: What MMLongBench-Doc (and MMDocIR, which takes its questions over) calls a modality -> our name.
MODALITIES = {
    "Pure-text (Plain-text)": "text",
    "Generalized-text (Layout)": "layout",
    "Table": "table",
    "Chart": "chart",
    "Figure": "figure",
}


def page_numbers(
    row: Row, key: str, values: Iterable[Any], parts: Parts, *, low: int = 1, high: int | None = None
) -> list[int]:
    """The pages (from 1) that `values` of the field `key` name, counted from `low`; what is no page is left out."""
    at = isinstance(row.get(key), list)  # else they are one value, or written as one text

    def read(number: int, value: Any) -> int:
        return row.whole(f"{key}[{number}]" if at else key, value, low=low, high=high) + 1 - low

    return parts.each(read, values)


def pages_of(doc: str, numbers: Iterable[int]) -> list[GoldPage]:
    """These pages (from 1) of a document, each once, in order."""
    return [{"doc": doc, "page": page} for page in dict.fromkeys(numbers)]


def unit_box(row: Row, key: str, size: str) -> list[float]:
    """`row[key]`, two corners in the unit of `row[size]` = [width, height], as [x0, y0, x1, y1] in 0..1.

    What lies outside of the page is cut off. Raises `SuiteError` on anything but four and two numbers, and on a page
    without area.
    """
    x0, y0, x1, y1 = row.numbers(key, length=4)
    width, height = row.numbers(size, length=2)
    if width <= 0 or height <= 0:
        raise row.error(size, [width, height], "a width and a height above 0")
    (left, right), (top, bottom) = sorted((x0, x1)), sorted((y0, y1))
    return [_cut(left / width), _cut(top / height), _cut(right / width), _cut(bottom / height)]


def _cut(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def answer_text(row: Row, key: str) -> str:
    """An answer: a text, or a number, true or false as one; a list becomes its JSON."""
    value = row.value(key, "an answer")
    text = as_text(value)
    if text is None:
        raise row.error(key, value, "a text, a number, or a list of them")
    return text


def as_text(value: Any) -> str | None:
    """The text of an answer; None if it is none."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return json.dumps(value, ensure_ascii=False)
    return None


def modalities(names: Sequence[Any], known: dict[str, str] = MODALITIES) -> list[str]:
    """Our names of modalities, each once; a name that is not known is kept in lower case."""
    return list(dict.fromkeys(known.get(str(name), str(name).lower()) for name in names))
