"""Conditions of `ragsys.store` -> a Qdrant filter, for every engine that speaks Qdrant's filter language.

What no point or every point satisfies is folded away here, so that no engine's reading of an empty filter matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ragsys.errors import StoreError
from ragsys.store import AllOf, AnyOf, Between, Condition, Has, In, Is, Not


class Dialect(Protocol):
    """How one client library spells the parts of a filter."""

    def equals(self, key: str, value: str | int) -> Any:
        """The field holds the value."""
        ...

    def one_of(self, key: str, values: list[str] | list[int]) -> Any:
        """The field holds one of the values, at least one given, all of one type."""
        ...

    def number_range(self, key: str, bounds: dict[str, float]) -> Any:
        """Bounds by gte, lte, lt."""
        ...

    def date_range(self, key: str, bounds: dict[str, str]) -> Any:
        """Bounds by gte, lte, lt as ISO dates."""
        ...

    def has_vector(self, name: str) -> Any:
        """The point carries the named vector."""
        ...

    def has_id(self, ids: Sequence[str]) -> Any:
        """The point is one of these."""
        ...

    def group(self, *, must: list[Any], should: list[Any], must_not: list[Any]) -> Any:
        """A filter of parts; an empty list is no demand."""
        ...


def translate(dialect: Dialect, where: Condition | None) -> Any | bool:
    """The engine's filter; True where every point matches, False where none does.

    Raises `StoreError` for a boolean value: the embedded engine cannot match one.
    """
    if where is None:
        return True
    part = _part(dialect, where)
    if isinstance(part, bool) or isinstance(where, AllOf | AnyOf | Not):
        return part
    return dialect.group(must=[part], should=[], must_not=[])


def _part(dialect: Dialect, where: Condition) -> Any | bool:
    match where:
        case Is(field, value):
            return dialect.equals(field, _value(field, value))
        case In(field, values):
            return _one_of(dialect, field, values)
        case Between():
            return _between(dialect, where)
        case Has(vector):
            return dialect.has_vector(vector)
        case AllOf(parts):
            return _all(dialect, parts)
        case AnyOf(parts):
            return _any(dialect, parts)
        case Not(part):
            inner = _part(dialect, part)
            return not inner if isinstance(inner, bool) else dialect.group(must=[], should=[], must_not=[inner])
    raise StoreError(f"not a condition: {type(where).__name__}")


def _value(field: str, value: str | int) -> str | int:
    if isinstance(value, bool):
        raise StoreError(f"{field}: stores match no booleans", hint="store 0 or 1 and match that")
    return value


def _one_of(dialect: Dialect, field: str, values: Sequence[str | int]) -> Any | bool:
    texts = sorted({value for value in values if isinstance(value, str)})
    numbers = sorted({_value(field, value) for value in values if not isinstance(value, str)}, key=int)
    parts = [dialect.one_of(field, kind) for kind in (texts, numbers) if kind]  # type: ignore[arg-type]
    if not parts:
        return False
    return parts[0] if len(parts) == 1 else dialect.group(must=[], should=parts, must_not=[])


def _between(dialect: Dialect, where: Between) -> Any | bool:
    bounds = {"gte": where.low, "lte": where.high, "lt": where.below}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    if not given:
        return True
    dates = {name: bound for name, bound in given.items() if isinstance(bound, str)}
    if not dates:
        return dialect.number_range(where.field, {name: float(bound) for name, bound in given.items()})
    if len(dates) < len(given):
        raise StoreError(f"{where.field}: a range is of numbers or of dates, not of both")
    return dialect.date_range(where.field, dates)


def _all(dialect: Dialect, parts: Sequence[Condition]) -> Any | bool:
    must: list[Any] = []
    must_not: list[Any] = []
    for part in parts:
        negated = isinstance(part, Not)
        inner = _part(dialect, part.part if isinstance(part, Not) else part)
        if isinstance(inner, bool):
            if inner == negated:
                return False
        else:
            (must_not if negated else must).append(inner)
    return dialect.group(must=must, should=[], must_not=must_not) if must or must_not else True


def _any(dialect: Dialect, parts: Sequence[Condition]) -> Any | bool:
    should = []
    for part in parts:
        inner = _part(dialect, part)
        if inner is True:
            return True
        if inner is not False:
            should.append(inner)
    return dialect.group(must=[], should=should, must_not=[]) if should else False
