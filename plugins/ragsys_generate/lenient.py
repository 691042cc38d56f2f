"""JSON as models write it: read where it can be read in one way only, and told where it was cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 64  # levels
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_UNFINISHED = re.compile(r"[-\d][-+.\deE]*\Z")
_AFTER_STRING = re.compile(r"\s*(?:[,:}\]]|//|/\*|$)")
_NEXT_ON_A_NEW_LINE = re.compile(r"[ \t]*\r?\n\s*[\"'{\[]")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_CUT = object()  # a value of which the end is missing


@dataclass(slots=True)
class _Open:
    """A container whose end is missing, and where it stands in its own."""

    value: Any
    place: Any = None  # the key or index under which the one around it holds it


@dataclass(slots=True)
class Lenient:
    """The value at a place of a text. `open` are the containers that the end of the text left open, outermost first."""

    value: Any
    end: int
    open: list[_Open] = field(default_factory=list)

    def readings(self) -> Iterator[Any]:
        """The value; of one that was cut off, then without its last unfinished part, then without the one around it."""
        yield self.value
        for above, below in zip(reversed(self.open[:-1]), reversed(self.open[1:]), strict=True):
            del above.value[below.place]
            yield self.value


def read(text: str, start: int = 0) -> Lenient:
    """The object or array that begins at `start`.

    Read besides JSON: a comma before a closing bracket or none between two lines, comments, single quotes, keys without
    quotes, True/False/None, line breaks and quotes inside strings, unknown escapes. Where the text ends inside the
    value, unfinished strings, numbers and keys are left out and open brackets closed. Raises `ValueError` on the rest,
    and on a key that is given twice with different values.
    """
    reader = _Reader(text, start)
    value = reader.value(0)
    if value is _CUT:
        raise ValueError("the text ends before its first value does")
    return Lenient(value, reader.at, reader.open)


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.open: list[_Open] = []

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError(f"the value is nested more than {DEEPEST} levels deep")
        char = self._char()
        if char == "{":
            return self._container({}, "}", depth)
        if char == "[":
            return self._container([], "]", depth)
        if char in ('"', "'"):
            return self._string(char)
        if char == "":
            return _CUT
        if _UNFINISHED.match(self.text, self.at):
            self.at = len(self.text)
            return _CUT  # 12 may have been 123
        if match := _NUMBER.match(self.text, self.at):
            self.at = match.end()
            self._ends_here(match.group())
            number = match.group()
            return float(number) if re.search(r"[.eE]", number) else int(number)
        if match := _WORD.match(self.text, self.at):
            if match.group() in _WORDS:
                self.at = match.end()
                return _WORDS[match.group()]
            if match.end() == len(self.text):
                return _CUT
        raise ValueError(f"{self._here()} is no value")

    def _container(self, made: Any, closing: str, depth: int) -> Any:
        self.at += 1
        is_object = closing == "}"
        while True:
            char = self._char()
            if char == closing:
                self.at += 1
                return made
            if char == "":
                self.open.insert(0, _Open(made))
                return made
            key: Any = self._key() if is_object else len(made)
            item = _CUT if key is _CUT else self.value(depth + 1)
            if item is _CUT:
                self.open.insert(0, _Open(made))
                return made
            self._keep(made, key, item)
            if self.open:  # the text has ended inside the item
                self.open[0].place = key
                self.open.insert(0, _Open(made))
                return made
            self._separator(closing)

    def _keep(self, made: Any, key: Any, item: Any) -> None:
        if isinstance(made, list):
            made.append(item)
        elif key in made and made[key] != item:
            raise ValueError(f"the key {key!r} is given twice")
        else:
            made[key] = item

    def _key(self) -> Any:
        char = self._char()
        if char in ('"', "'"):
            key = self._string(char)
        elif match := _WORD.match(self.text, self.at):
            key, self.at = match.group(), match.end()
        else:
            raise ValueError(f"{self._here()} is no key")
        if key is _CUT or self._char() == "":
            return _CUT
        if self._char() != ":":
            raise ValueError(f"{self._here()} stands where a colon is expected")
        self.at += 1
        return key

    def _separator(self, closing: str) -> None:
        between = self.at
        char = self._char()
        if char == ",":
            self.at += 1
        elif char not in (closing, "") and not _NEXT_ON_A_NEW_LINE.match(self.text, between):
            raise ValueError(f"{self._here()} stands where a comma is expected")

    def _string(self, quote: str) -> Any:
        out: list[str] = []
        at = self.at + 1
        stop = re.compile(r"[\\" + quote + "]")
        while True:
            match = stop.search(self.text, at)
            if match is None:
                self.at = len(self.text)
                return _CUT
            out.append(self.text[at : match.start()])
            at = match.end()
            if match.group() == quote:
                if _AFTER_STRING.match(self.text, at) or _NEXT_ON_A_NEW_LINE.match(self.text, at):
                    self.at = at
                    return "".join(out)
                out.append(quote)  # in JSON nothing else can follow a string: this quote is a part of it
                continue
            if at >= len(self.text):
                self.at = at
                return _CUT
            escaped, at = self._escape(at)
            out.append(escaped)

    def _escape(self, at: int) -> tuple[str, int]:
        char = self.text[at]
        if char == "u":
            units = re.match(r"(?:u[dD][89abAB][0-9a-fA-F]{2}\\)?u[0-9a-fA-F]{4}", self.text[at:])
            if units:
                points = [int(unit, 16) for unit in re.findall(r"u(.{4})", units.group())]
                raw = b"".join(point.to_bytes(2, "big") for point in points)
                return raw.decode("utf-16-be", "replace"), at + units.end()
        if char in "\"\\/'":
            return char, at + 1
        return _ESCAPES.get(char, f"\\{char}"), at + 1

    def _ends_here(self, token: str) -> None:
        if re.match(r"[\w.%$€£]", self.text[self.at : self.at + 1]):
            raise ValueError(f"{token}{self._here()} is no value")

    def _char(self) -> str:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def _here(self) -> str:
        return repr(self.text[self.at : self.at + 20])
