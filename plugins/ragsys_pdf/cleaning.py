"""Text as a reader would type it: odd characters out, words that a line's end broke joined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

# presentation forms of Latin and Arabic ligatures; everything else keeps its own code point
_PRESENTATION = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
# TeX sets an accent as a glyph of its own before the letter: "Fr´enay"
_ACCENTS = {"´": "\u0301", "`": "\u0300", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "˚": "\u030a", "ˇ": "\u030c"}
_SPACING_ACCENT = re.compile("([´¨ˆ˜˚ˇ])([A-Za-zı])")
# controls, and direction marks that only say how to draw; joiners (U+200C, U+200D) are spelling in Persian and Indic
_DROP = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ue000-\uf8ff]+"
)
# what symbol fonts put into the private use area for list marks
_MARK_SOURCES = "\uf0b7\uf0a7\uf0d8\uf0a8\uf076\uf0fc\uf06e\uf071\uf02d"
_MARKS = str.maketrans(dict.fromkeys(_MARK_SOURCES, "•"))
_BAD = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
SENTENCE_END = (".", "!", "?", ":", "。", "！", "？", "؟", "।", '."', ".”", ".)", "?”")


def clean(text: str) -> str:
    """`text` trimmed, inner white space as one blank, control and direction characters out, ligatures as letters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    if not text.isprintable():
        text = _DROP.sub("", text.translate(_MARKS) if "\uf02c" < max(text) < "\uf100" else text)
    if not text.isascii():
        text = _PRESENTATION.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)
        text = _SPACING_ACCENT.sub(lambda m: ("i" if m[2] == "ı" else m[2]) + _ACCENTS[m[1]], text)
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def unmappable(text: str) -> int:
    """How many characters have no meaning: no Unicode mapping, private use (list marks aside), controls."""
    if text.isascii() and text.isprintable():
        return 0
    found = _BAD.findall(text)
    return len(found) - sum(c in _MARK_SOURCES for c in found) if found else 0


def is_cjk(char: str) -> bool:
    """Whether the character is written without blanks between words: Chinese, Japanese; Korean has blanks."""
    return (
        "\u2e80" <= char <= "\u9fff"
        or "\uf900" <= char <= "\ufaff"
        or "\uff00" <= char <= "\uff60"
        or char >= "\U00020000"
    )


def is_rtl(text: str) -> bool:
    """Whether the first letter with a direction runs right to left."""
    if text.isascii():
        return False
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in ("R", "AL"):
            return True
        if direction == "L":
            return False
    return False


def glue(before: str, after: str, vocabulary: Container[str]) -> tuple[str, str]:
    """(`before` without a hyphen that the line's end put there, what goes between the two lines).

    A hyphen at a line's end is the typesetter's unless the words say otherwise: the joined form is dropped in favour of
    the hyphenated one if only that one stands elsewhere on the page, or if the second part has a hyphen of its own.
    """
    if not before or not after:
        return before, ""
    last = before[-1]
    if last in "-‐" and len(before) > 1 and before[-2].isalpha() and after[0].islower():
        head = before[:-1].rsplit(None, 1)[-1]
        tail = after.split(None, 1)[0].strip(".,;:!?)]”\"'’")
        joined, hyphened = (head + tail).lower(), f"{head}-{tail}".lower()
        if joined.strip("(“[") in vocabulary:
            return before[:-1], ""
        if hyphened in vocabulary or "-" in tail or "-" in head:
            return before, ""
        return before[:-1], ""
    if last in "-‐/" and len(before) > 1 and not before[-2].isspace():  # "COVID-" + "19", "and/" + "or"
        return before, ""
    if is_cjk(last) and is_cjk(after[0]):
        return before, ""
    return before, " "
