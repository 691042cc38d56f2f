"""Numbers in texts: signs, thousands, percent, scale words, number words; and when two of them are the same."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SCALES = {
    "thousand": 1e3, "thousands": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6, "m": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "trillions": 1e12,
}  # fmt: skip
_ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
_WORDS = {word: float(value) for value, word in enumerate(_ONES)} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.,])(?P<open>\()?\s?(?P<sign>[-−–])?\s?[$€£¥]?\s?(?P<inner>[-−–])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?P<fraction>\.\d+)?(?<=\d)(?P<close>\))?"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b))?"
    r"(?:\s?(?P<scale>thousands?|millions?|billions?|trillions?|mn|bn|k|m|b)\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b(" + "|".join(_WORDS) + r")\b", re.IGNORECASE)
_SCALE_WORD = re.compile(r"\b(thousands?|millions?|billions?)\b", re.IGNORECASE)
_FALLS = re.compile(
    r"\b(decreas|declin|fell\b|fall|drop|loss|lost|lower|down\b|negative|shrunk|shrank|shrink|reduc)", re.I
)
#: Relative difference of two floats that are called equal: MMLongBench-Doc's.
TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written: `value` before its scale word."""

    value: float
    scale: float = 1.0
    percent: bool = False


def numbers(text: str) -> list[Number]:
    """The numbers of a text in order; digits inside words (FY2018, Q2) are none. (3.7) is 3.7 below zero."""
    found = []
    for match in _NUMBER.finditer(text):
        digits = (match["digits"] or "").replace(",", "") + (match["fraction"] or "")
        negative = bool(match["sign"] or match["inner"] or (match["open"] and match["close"]))
        value = float(digits)
        scale = _SCALES.get((match["scale"] or "").lower(), 1.0)
        found.append((match.start(), Number(-value if negative else value, scale, bool(match["percent"]))))
    found += [(match.start(), Number(_WORDS[match[1].lower()])) for match in _WORD.finditer(text)]
    return [number for _, number in sorted(found, key=lambda pair: pair[0])]


def same(gold: Number, given: Number, *, whole: bool, unit: float = 1.0, text: str = "") -> bool:
    """Whether two numbers are equal; `unit` is the scale that the question asks for, `text` what `given` stands in.

    Whole numbers, and what may be a year, must be equal; others may differ by 1 %. Each may be meant with or without
    its scale. A percentage and the share that it is are the same. A number below zero may be given without its sign
    where the text speaks of a fall.
    """
    year = gold.value == int(gold.value) and 1900 <= gold.value <= 2100 and not gold.percent and gold.scale == 1.0
    near = 1e-9 if whole or year else TOLERANCE
    left = {gold.value, gold.value * gold.scale, gold.value * unit}
    right = {given.value, given.value * given.scale}
    if gold.percent and not given.percent and not whole:
        right |= {value * 100 for value in right}
    if given.percent and not gold.percent and not whole:
        right |= {value / 100 for value in right}
    if gold.value < 0 and _FALLS.search(text):
        right |= {-abs(value) for value in right}
    return any(math.isclose(one, other, rel_tol=near, abs_tol=1e-9) for one in left for other in right)


def asked_scale(question: str) -> float:
    """The scale that a question asks for ("in USD millions"), else 1."""
    match = _SCALE_WORD.search(question)
    return _SCALES[match[1].lower()] if match else 1.0
