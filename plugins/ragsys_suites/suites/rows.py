"""One record of a benchmark's file, whose values are checked when they are read."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ragsys.errors import SuiteError

_Values = list[Any]  # Row.list hides the name inside the class
_Texts = list[str]
_Numbers = list[float]
_Rows = list["Row"]
_LITERAL = 100_000  # characters of a list that is written as text


def shown(value: Any) -> str:
    """A value as an error shows it: at most 60 characters."""
    if isinstance(value, bytes | str | list):
        value = value[:80]
    elif isinstance(value, dict):
        value = dict(list(value.items())[:8])
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its values, and where it stands. Readers raise `SuiteError` "file, line, field: found, expected"."""

    data: Mapping[str, Any]
    file: Path
    line: int  # from 1 in files of lines; from 0 in lists and parquet files
    place: str = ""  # the same for errors: "line 3", "record [3]", "row 3"
    within: str = ""  # of a record inside a record: "evidence[0]"

    def where(self, key: str = "") -> str:
        """File, line and field, as errors name them."""
        field = ".".join(part for part in (self.within, key) if part)
        return ", ".join(
            [str(self.file), *([self.place] if self.place else []), *([f"field '{field}'"] if field else [])]
        )

    def error(self, key: str, found: Any, expected: str) -> SuiteError:
        """The error to raise for a field that does not hold what its schema says."""
        return SuiteError(f"{self.where(key)}: found {shown(found)}, expected {expected}")

    def get(self, key: str, default: Any = None) -> Any:
        """The value as it is; the default where it is missing."""
        return self.data.get(key, default)

    def has(self, *keys: str) -> bool:
        """Whether all of these are there and not null."""
        return all(self.data.get(key) is not None for key in keys)

    def value(self, key: str, expected: str = "a value") -> Any:
        """The value as it is; missing is an error, null is not."""
        if key not in self.data:
            near = ", ".join(list(self.data)[:12])
            raise SuiteError(f"{self.where(key)}: missing, expected {expected}", hint=f"fields there: {near or 'none'}")
        return self.data[key]

    def text(self, key: str) -> str:
        """A text; it may be empty."""
        value = self.value(key, "a text")
        return value if isinstance(value, str) else self._wrong(key, value, "a text")

    def key(self, key: str) -> str:
        """An id: a text that is not empty, or a whole number, as a text."""
        value = self.value(key, "an id")
        return _id(value) or self._wrong(key, value, "an id (a text or a whole number)")

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.value(key, "true or false")
        return value if isinstance(value, bool) else self._wrong(key, value, "true or false")

    def integer(self, key: str, *, low: int | None = None, high: int | None = None) -> int:
        """A whole number, not below `low` or above `high`."""
        return self._integer(key, self.value(key, _whole(low, high)), low, high)

    def number(self, key: str, *, low: float | None = None, high: float | None = None) -> float:
        """A finite number, not below `low` or above `high`."""
        return self._number(key, self.value(key, _bounds("a number", low, high)), low, high)

    def one_of(self, key: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
        """A text that is one of these."""
        value = self.value(key, " | ".join(known))
        return value if isinstance(value, str) and value in known else self._wrong(key, value, " | ".join(known))

    def list(self, key: str, *, missing: bool = False) -> _Values:
        """A list of anything; with `missing` an empty one where it is missing or null."""
        if missing and self.data.get(key) is None:
            return []
        value = self.value(key, "a list")
        return value if isinstance(value, list) else self._wrong(key, value, "a list")

    def texts(self, key: str, *, missing: bool = False) -> _Texts:
        """A list of texts, or one text alone."""
        values = self._listed(key, str, "a list of texts", missing)
        for number, value in enumerate(values):
            if not isinstance(value, str):
                raise self.error(f"{key}[{number}]", value, "a text")
        return values

    def keys(self, key: str, *, missing: bool = False) -> _Texts:
        """A list of ids: texts or whole numbers, as texts."""
        values = self.list(key, missing=missing)
        return [
            _id(v) or self._wrong(f"{key}[{n}]", v, "an id (a text or a whole number)") for n, v in enumerate(values)
        ]

    def listed(self, key: str) -> _Values:
        """A list of what should be whole numbers, or one of them alone."""
        return self._listed(key, int, "a list of whole numbers", False)

    def numbers(self, key: str, *, length: int | None = None) -> _Numbers:
        """A list of finite numbers, of this length."""
        values = self.list(key)
        if length is not None and len(values) != length:
            raise self.error(key, values, f"{length} numbers")
        return [self._number(f"{key}[{n}]", value, None, None) for n, value in enumerate(values)]

    def row(self, key: str) -> Row:
        """An object."""
        value = self.value(key, "an object")
        return self._row(key, value)

    def rows(self, key: str, *, missing: bool = False) -> _Rows:
        """A list of objects."""
        return [self._row(f"{key}[{n}]", value) for n, value in enumerate(self.list(key, missing=missing))]

    def written_list(self, key: str) -> _Values:
        """A list, or one written as a text in JSON or in Python (`"[3, 'a']"`), as some benchmarks have it."""
        value = self.value(key, "a list")
        if isinstance(value, list):
            return value
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "(") and len(value) <= _LITERAL:
            for read in (json.loads, ast.literal_eval):
                try:
                    found = read(value.strip())
                except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                    continue
                if isinstance(found, list | tuple):
                    return [*found]
        return self._wrong(key, value, 'a list, or one written as a text such as "[1, 2]"')

    def whole(self, key: str, value: Any, *, low: int | None = None, high: int | None = None) -> int:
        """A value of the field `key` that was taken out of a list: a whole number, not below `low` or above `high`."""
        return self._integer(key, value, low, high)

    def _row(self, key: str, value: Any) -> Row:
        if not isinstance(value, Mapping):
            raise self.error(key, value, "an object")
        return Row(value, self.file, self.line, self.place, ".".join(part for part in (self.within, key) if part))

    def _listed(self, key: str, alone: type, expected: str, missing: bool) -> _Values:
        value = self.data.get(key) if missing else self.value(key, expected)
        if value is None and missing:
            return []
        if isinstance(value, alone):
            return [value]
        return value if isinstance(value, list) else self._wrong(key, value, expected)

    def _integer(self, key: str, value: Any, low: int | None, high: int | None) -> int:
        if isinstance(value, float) and value.is_integer():  # a column of numbers with gaps becomes one of floats
            value = int(value)
        right = isinstance(value, int) and not isinstance(value, bool)
        if not right or (low is not None and value < low) or (high is not None and value > high):
            raise self.error(key, value, _whole(low, high))
        return int(value)

    def _number(self, key: str, value: Any, low: float | None, high: float | None) -> float:
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not right or (low is not None and value < low) or (high is not None and value > high):
            raise self.error(key, value, _bounds("a number", low, high))
        return float(value)

    def _wrong(self, key: str, value: Any, expected: str) -> NoReturn:
        raise self.error(key, value, expected)


def _id(value: Any) -> str:
    return (
        str(value)
        if (isinstance(value, str) and value) or (isinstance(value, int) and not isinstance(value, bool))
        else ""
    )


def _whole(low: int | None, high: int | None) -> str:
    return _bounds("a whole number", low, high)


def _bounds(what: str, low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{what} in {low:g}..{high:g}"
    return what + (f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else "")
