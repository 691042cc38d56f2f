"""What both stores share: the store protocol in terms of the few calls that an engine has."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ragsys.errors import StoreError
from ragsys.store import AllOf, AnyOf, Between, Condition, Has, In, Is, Not, Plan, Point, Record, Schema, Scored
from ragsys.types import JSON, Vector, VectorSpec
from ragsys_qdrant import ranking, vectors
from ragsys_qdrant.translate import Dialect, translate

_CONDITIONS = (Is, In, Between, Has, AllOf, AnyOf, Not)
_IDS = 512  # ids in one request

Selection = bool | Sequence[str]


class Chunk(NamedTuple):
    """One step of a scroll: records by id, and where the next step begins."""

    records: list[Record]
    next: Any


@dataclass(frozen=True, slots=True)
class Ask:
    """One search as an engine takes it: `where` is the engine's filter or None, `vector` is ready."""

    spec: VectorSpec
    vector: Any
    limit: int
    where: Any
    payload: Selection
    exact: bool


class QdrantStore(ABC):
    """The store protocol over an engine's primitives. Opens at the first use; `close` is final."""

    batch: int  # points in one write

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._schema: Schema | None = None
        self._closed = False

    # -- an engine's primitives --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def dialect(self) -> Dialect:
        """How the engine spells filters."""

    @property
    @abstractmethod
    def where(self) -> str:
        """The store in words, for errors."""

    @abstractmethod
    def _open(self) -> Schema | None:
        """Connect or load; the stored schema, or None if nothing was ever stored."""

    @abstractmethod
    def _extend(self, old: Schema | None, new: Schema) -> None:
        """Make what `new` has beyond `old`, then keep `new`."""

    @abstractmethod
    def _shrink(self, name: str, new: Schema) -> None:
        """Drop a vector, then keep `new`."""

    @abstractmethod
    def _upsert(self, points: Sequence[tuple[str, dict[str, Any], JSON]]) -> None: ...

    @abstractmethod
    def _update(self, name: str, items: Sequence[tuple[str, Any]]) -> None: ...

    @abstractmethod
    def _set_payload(self, target: Any, payload: JSON, *, ids: bool) -> None: ...

    @abstractmethod
    def _query(self, ask: Ask) -> list[ranking.Raw]: ...

    @abstractmethod
    def _retrieve(self, ids: Sequence[str], payload: Selection, names: Sequence[str]) -> list[Record]: ...

    @abstractmethod
    def _scroll(self, where: Any, offset: Any, limit: int, payload: Selection, names: Sequence[str]) -> Chunk: ...

    @abstractmethod
    def _count(self, where: Any) -> int: ...

    @abstractmethod
    def _delete(self, where: Any) -> None: ...

    @abstractmethod
    def _sparse(self, ids: list[int], weights: list[float]) -> Any: ...

    def _sparse_query(self, ids: list[int], weights: list[float]) -> Any:
        return self._sparse(ids, weights)

    @abstractmethod
    def _release(self) -> None:
        """Flush and let go; may be called on a store that never opened."""

    @abstractmethod
    def flush(self) -> None:
        """Return when everything written is durable."""

    @abstractmethod
    def maintain(self) -> None:
        """Merge, index, vacuum: may take long; results of searches stay equal."""

    # -- schema ------------------------------------------------------------------------------------------------------

    def _ready(self) -> Schema | None:
        with self._guard:
            if self._closed:
                raise StoreError(f"{self.where} is closed")
            if self._schema is None:
                self._schema = self._open()
            return self._schema

    def _specs(self) -> Mapping[str, VectorSpec]:
        schema = self._ready()
        return schema.vectors if schema else {}

    def ensure(self, schema: Schema) -> None:
        """Make what is missing: the collection, named vectors, payload indexes. Idempotent; drops nothing."""
        with self._guard:
            old = self._ready()
            new = vectors.merged(old, schema, self.where)
            if old is None or old != new:
                self._extend(old, new)
                self._schema = new

    def schema(self) -> Schema:
        """What the store holds now."""
        return self._ready() or Schema()

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point and from the schema; one that is not there is no error."""
        with self._guard:
            old = self._ready()
            if old is None or name not in old.vectors:
                return
            left = {other: spec for other, spec in old.vectors.items() if other != name}
            new = replace(old, vectors=left)
            self._shrink(name, new)
            self._schema = new

    # -- writing -----------------------------------------------------------------------------------------------------

    def _writable(self) -> Mapping[str, VectorSpec]:
        schema = self._ready()
        if schema is None:
            raise StoreError(f"{self.where} holds nothing yet", hint="call ensure(schema) first")
        return schema.vectors

    def _native(self, spec: VectorSpec, vector: Vector) -> Any:
        if spec.kind == "sparse":
            return self._sparse(*vectors.sparse(spec, vector))
        return vectors.prepared(spec, vector).tolist()

    def _natives(self, specs: Mapping[str, VectorSpec], given: Mapping[str, Vector]) -> dict[str, Any]:
        return {name: self._native(vectors.find(specs, name), vector) for name, vector in given.items()}

    def upsert(self, points: Sequence[Point]) -> None:
        """Write whole points; a point with the same id is replaced, its vectors and payload keys too."""
        specs = self._writable()
        for start in range(0, len(points), self.batch):
            some = points[start : start + self.batch]
            rows = [(point.id, self._natives(specs, point.vectors), point.payload) for point in some]
            try:
                self._upsert(rows)
            except StoreError:
                for point in some:  # an engine's own words name neither the point nor the key
                    _check_payload(point.payload)
                raise

    def set_vectors(self, name: str, given: Mapping[str, Vector]) -> None:
        """Give existing points {id: vector} a named vector; the rest of each point stays. Unknown ids are left out."""
        spec = vectors.find(self._writable(), name)
        ids = list(given)
        for start in range(0, len(ids), self.batch):
            known = self._known(ids[start : start + self.batch])
            if known:
                self._update(name, [(found, self._native(spec, given[found])) for found in known])

    def set_payload(self, where: Condition | Sequence[str], payload: JSON) -> None:
        """Set these keys on the points that match a condition or have these ids; unknown ids are left out."""
        self._writable()
        if isinstance(where, _CONDITIONS):
            found = self._filter(where)
            if found is not False:
                self._set_payload(found, payload, ids=False)
            return
        ids = list(dict.fromkeys(where))
        for start in range(0, len(ids), _IDS):
            known = self._known(ids[start : start + _IDS])
            if known:
                self._set_payload(known, payload, ids=True)

    def delete_where(self, where: Condition) -> None:
        """Delete the points that match."""
        if self._ready() is not None:
            found = self._filter(where)
            if found is not False:
                self._delete(found)

    def _known(self, ids: Sequence[str]) -> list[str]:
        return [record.id for record in self._retrieve(ids, False, ())]

    # -- reading -----------------------------------------------------------------------------------------------------

    def _filter(self, where: Condition | None) -> Any:
        """The engine's filter; one without parts where every point matches; False where none does."""
        found = translate(self.dialect, where)
        return self.dialect.group(must=[], should=[], must_not=[]) if found is True else found

    def _ask(self, plan: Plan, where: Any) -> Ask:
        spec = vectors.find(self._specs(), plan.using)
        if spec.kind == "sparse":
            vector = self._sparse_query(*vectors.sparse(spec, plan.vector))
        else:
            vector = self._native(spec, plan.vector)
        return Ask(spec, vector, plan.limit, where, plan.payload, plan.exact)

    def search(self, plan: Plan) -> list[Scored]:
        """The best points of a plan, by score then id; scores have 6 digits. No point without the vector, and of a
        sparse one none that shares no term."""
        where = self._filter(plan.where)
        if where is False or plan.limit <= 0:
            return []
        ask = self._ask(plan, where)
        return ranking.best(lambda limit: self._query(replace(ask, limit=limit)), plan.limit)

    def search_groups(self, plan: Plan, *, by: str, groups: int, size: int = 1) -> list[list[Scored]]:
        """The best groups of points that share a payload value, best first; `plan.limit` is not used.

        Widens until `groups` groups are found or the points are exhausted. The engines' own grouping is not used: it
        breaks ties otherwise on each of them. Payloads hold `by` beside what was asked for.
        """
        where = self._filter(plan.where)
        if where is False:
            return []
        payload = plan.payload
        if not isinstance(payload, bool):
            payload = [*dict.fromkeys((*payload, by))]
        ask = replace(self._ask(plan, where), payload=payload or [by])
        return ranking.grouped(
            lambda limit: ranking.best(lambda n: self._query(replace(ask, limit=n)), limit),
            by=by,
            groups=groups,
            size=size,
            most=max(1, self._count(self._filter(None))),
        )

    def score(self, ids: Sequence[str], plan: Plan) -> dict[str, float]:
        """{id: score} of these points, exact, in the order of `ids`; without those that lack the vector or do not match
        the plan's condition. A sparse vector that shares no term with the plan's scores 0."""
        found = translate(self.dialect, plan.where)
        if found is False:
            return {}
        wanted = list(dict.fromkeys(ids))
        base = replace(self._ask(plan, None), payload=False, exact=True)
        scores: dict[str, float] = {}
        for start in range(0, len(wanted), _IDS):
            some = wanted[start : start + _IDS]
            parts = [self.dialect.has_id(some), self.dialect.has_vector(plan.using)]
            where = self.dialect.group(must=parts if found is True else [*parts, found], should=[], must_not=[])
            if base.spec.kind == "sparse":
                carrying = self._scroll(where, None, len(some), False, ()).records
                scores |= {record.id: 0.0 for record in carrying}
            asked = replace(base, where=where, limit=len(some))
            scores |= {name: ranking.settle(score) for name, score, _ in self._query(asked)}
        return {name: scores[name] for name in wanted if name in scores}

    def get(self, ids: Sequence[str], *, payload: Selection = True, vectors: Sequence[str] = ()) -> list[Record]:
        """The points with these ids, in that order; unknown ids are left out."""
        if self._ready() is None:
            return []
        names = self._names(vectors)
        table: dict[str, Record] = {}
        for start in range(0, len(ids), _IDS):
            table |= {r.id: r for r in self._retrieve(ids[start : start + _IDS], payload, names)}
        return [table[name] for name in ids if name in table]

    def scroll(
        self,
        where: Condition | None = None,
        *,
        payload: Selection = True,
        vectors: Sequence[str] = (),
        batch: int = 256,
    ) -> Iterator[Record]:
        """All points that match, by id."""
        found = self._filter(where)
        if self._ready() is None or found is False:
            return
        names = self._names(vectors)
        offset = None
        while True:
            chunk = self._scroll(found, offset, batch, payload, names)
            yield from chunk.records
            if chunk.next is None:
                return
            offset = chunk.next

    def count(self, where: Condition | None = None) -> int:
        """How many points match, exactly."""
        found = self._filter(where)
        return 0 if self._ready() is None or found is False else self._count(found)

    def close(self) -> None:
        """Flush and let go. Idempotent; any other call after it is an error."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._release()

    def _names(self, names: Sequence[str]) -> Sequence[str]:
        for name in names:
            vectors.find(self._specs(), name)
        return names

    def _restored(self, found: Mapping[str, Any] | None) -> dict[str, Vector]:
        specs = self._specs()
        return {
            name: vectors.restored(specs[name], value)
            for name, value in (found or {}).items()
            if name in specs and value is not None
        }


def _check_payload(payload: JSON) -> None:
    for key, value in payload.items():
        try:
            json.dumps([key, value], ensure_ascii=False, allow_nan=False).encode("utf-8")
        except (TypeError, ValueError) as error:
            raise StoreError(f"payload key {key!r} holds what is not JSON in UTF-8: {error}") from error
