"""The types that cross the border to a vector store: points, conditions, plans. No engine's type crosses it.

The protocol itself is `protocols.Store`; adapters translate these into their engine's calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ragsys.types import JSON, Vector, VectorSpec

FieldType = Literal["keyword", "integer", "datetime"]


@dataclass(frozen=True, slots=True)
class Schema:
    """Named vectors and indexed payload fields.

    `recurring` is a hint and changes no result: payload keys of which the texts recur from point to point, so that a
    store may keep each text once. It is settled when a store is made; later ones are not taken in.
    """

    vectors: Mapping[str, VectorSpec] = field(default_factory=dict)
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    recurring: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Point:
    """What is written: `id` is a UUID string; `vectors` may hold any subset of the schema's."""

    id: str
    payload: JSON
    vectors: Mapping[str, Vector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """What is read back; `payload` and `vectors` hold what was asked for."""

    id: str
    payload: JSON
    vectors: Mapping[str, Vector] = field(default_factory=dict)


class Scored(NamedTuple):  # hundreds a search
    """One found point."""

    id: str
    score: float
    payload: JSON


# -- conditions: a small closed set that every engine has --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Is:
    """The field equals the value, or, for a list field, holds it. Booleans are stored and matched as 0 and 1."""

    field: str
    value: str | int


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values; no values match nothing."""

    field: str
    values: Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Between:
    """low <= field <= high, a missing bound is open. Numbers, or ISO dates for a datetime field."""

    field: str
    low: float | str | None = None
    high: float | str | None = None
    below: float | str | None = None  # field < below


@dataclass(frozen=True, slots=True)
class Has:
    """The point carries the named vector."""

    vector: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds; none at all holds for every point."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds; none at all holds for no point."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    part: Condition


Condition = Is | In | Between | Has | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Plan:
    """One search: a vector against one named vector, under a condition.

    `exact` asks for brute force instead of an approximate index. Ties are broken by id by the adapter.
    """

    using: str
    vector: Vector
    limit: int
    where: Condition | None = None
    payload: bool | Sequence[str] = False
    exact: bool = False
