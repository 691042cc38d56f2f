"""Text for a terminal: styled parts, wrapping, tables, excerpts. Text of documents can send no control codes."""

from __future__ import annotations

import re
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import click

from ragsys.wording import unbroken

#: C0 and C1 controls but tab and line feed, and marks that turn the direction of what follows.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WORDS = re.compile(r"\w+")
_MAX_WIDTH = 110


class Styled(NamedTuple):
    """A text and how it looks; plain where colours are off."""

    text: str
    colour: str | None = None
    bold: bool = False
    dim: bool = False


Part = str | Styled


def bold(text: object) -> Styled:
    """Bold."""
    return Styled(str(text), bold=True)


def dim(text: object) -> Styled:
    """Faint."""
    return Styled(str(text), dim=True)


def coloured(text: object, colour: str) -> Styled:
    """In one of the terminal's named colours."""
    return Styled(str(text), colour=colour)


def safe(text: str) -> str:
    """`text` without control characters: a document must not be able to drive the terminal."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """`text` on one line, without control characters."""
    return " ".join(safe(text).split())


def rendered(parts: Iterable[Part]) -> str:
    """The parts with their ANSI codes, each text made safe."""
    return "".join(
        click.style(safe(part.text), fg=part.colour, bold=part.bold or None, dim=part.dim or None)
        if isinstance(part, Styled)
        else safe(part)
        for part in parts
    )


def line_of(parts: Iterable[Part]) -> str:
    """The parts as `rendered`, on one line."""
    return unbroken(rendered(parts))


def width() -> int:
    """Columns to write in: the terminal's (or $COLUMNS), 100 where there is none, at most 110."""
    return max(40, min(_MAX_WIDTH, shutil.get_terminal_size((100, 24)).columns))


def cells(text: str) -> int:
    """How many columns a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def wrapped(text: str, *, indent: int = 0, whole: str = "") -> list[str]:
    """`text` in lines of the terminal's width, each indented by so many spaces; the stretch `whole` is on one line."""
    pad = " " * indent
    text, whole = one_line(text), one_line(whole)
    if whole:
        text = text.replace(whole, whole.replace(" ", "\0"))  # `one_line` left no such character
    lines = textwrap.wrap(
        text, width(), initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False, break_long_words=not whole
    )
    return [line.replace("\0", " ") for line in lines] or [""]


def shortened(text: str, limit: int) -> str:
    """`text` on one line, cut at a word with an ellipsis if it is longer than `limit` characters."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return cut[: cut.rfind(" ")].rstrip(" ,;:") + "…" if " " in cut[limit // 2 :] else cut + "…"


def marked(line: str) -> Iterator[Part]:
    """A line of an answer with its [1] marks set off."""
    for piece in re.split(r"((?:\[\d+\])+)", line):
        if piece:
            yield Styled(piece, "cyan", True) if re.fullmatch(r"(?:\[\d+\])+", piece) else piece


def table(
    rows: Sequence[Sequence[Part]], *, head: Sequence[str] = (), right: Sequence[int] = ()
) -> Iterator[list[Part]]:
    """Lines of a table, columns padded with spaces; `right` columns are flush right, the last one is never padded."""
    everything: list[Sequence[Part]] = [[dim(name) for name in head], *rows] if head else list(rows)
    if not everything:
        return
    widths = [max(cells(_text(row[n])) for row in everything) for n in range(len(everything[0]))]
    for row in everything:
        line: list[Part] = []
        for n, part in enumerate(row):
            pad = " " * (widths[n] - cells(_text(part)))
            last = n + 1 == len(row)
            line += [pad, part] if n in right else [part] if last else [part, pad]
            line += [] if last else ["  "]
        yield line


def _text(part: Part) -> str:
    return one_line(part.text if isinstance(part, Styled) else part)


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return ""


# -- excerpts ----------------------------------------------------------------------------------------------------------


def _keys(query: str) -> set[str]:
    """The beginnings that count as a query's words: inflected forms of a word share them."""
    words = [word.casefold() for word in _WORDS.findall(query)]
    kept = [word for word in words if len(word) > 2 or word.isdigit() or not word.isascii()]
    return {word if len(word) <= 4 or word.isdigit() else word[: max(4, len(word) - 3)] for word in kept or words}


def _stem(key: str) -> bool:
    """Whether words that begin like the key count as the same word."""
    return len(key) >= 4 and not key.isdigit()


def _matches(text: str, keys: set[str]) -> list[tuple[int, int]]:
    """Where words of `text` begin like a key; in scripts without spaces, where a key stands inside a word."""
    found = []
    for word in _WORDS.finditer(text):
        folded = word[0].casefold()
        for key in keys:
            if key.isascii() and (folded == key or (_stem(key) and folded.startswith(key))):
                found.append(word.span())
                break
            if not key.isascii() and len(folded) == len(word[0]) and key in folded:
                start = word.start() + folded.index(key)
                found.append((start, start + len(key)))
                break
    return found


def excerpt(text: str, query: str, limit: int = 240) -> str:
    """The stretch of about `limit` characters of `text` that holds most of the query's words, on one line."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    keys = _keys(query)
    matches = _matches(text, keys)
    best, start = 0, 0
    for first, _ in matches:
        inside = {text[a : a + 4].casefold() for a, b in matches if first <= a and b <= first + limit - 40}
        if len(inside) > best:
            best, start = len(inside), first
    start = max(0, min(start - 40, len(text) - limit))
    start = text.rfind(" ", 0, start + 1) + 1 if start else 0
    body = text[start : start + limit]
    if start + limit < len(text):
        body = body[: body.rfind(" ")] + " …" if " " in body[limit // 2 :] else body + "…"
    return ("… " if start else "") + body


def highlighted(line: str, query: str) -> Iterator[Part]:
    """A line with the query's words set off."""
    at = 0
    for start, end in _matches(line, _keys(query)):
        yield line[at:start]
        yield Styled(line[start:end], "yellow", True)
        at = end
    yield line[at:]
