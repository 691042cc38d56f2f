"""How qdrant-edge spells filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qdrant_edge as engine

from ragsys_qdrant.folding import Folding


class EdgeDialect:
    """Filters over payloads that are folded."""

    def __init__(self, folding: Folding) -> None:
        self._folding = folding

    def equals(self, key: str, value: str | int) -> Any:
        """The field holds the value."""
        folding = self._folding
        return engine.FieldCondition(folding.key(key), match=engine.MatchValue(folding.value(key, value)))

    def one_of(self, key: str, values: list[str] | list[int]) -> Any:
        """The field holds one of the values."""
        folding = self._folding
        found: list[Any] = [folding.value(key, value) for value in values]
        return engine.FieldCondition(folding.key(key), match=engine.MatchAny(found))

    def number_range(self, key: str, bounds: dict[str, float]) -> Any:
        """Bounds by gte, lte, lt."""
        return engine.FieldCondition(self._folding.key(key), range=engine.RangeFloat(**bounds))

    def date_range(self, key: str, bounds: dict[str, str]) -> Any:
        """Bounds by gte, lte, lt as ISO dates."""
        return engine.FieldCondition(self._folding.key(key), range=engine.RangeDateTime(**bounds))

    def has_vector(self, name: str) -> Any:
        """The point carries the named vector."""
        return engine.HasVectorCondition(name)

    def has_id(self, ids: Sequence[str]) -> Any:
        """The point is one of these."""
        return engine.HasIdCondition(set(ids))

    def group(self, *, must: list[Any], should: list[Any], must_not: list[Any]) -> Any:
        """A filter of parts; an empty list is no demand."""
        return engine.Filter(must=must or None, should=should or None, must_not=must_not or None)
