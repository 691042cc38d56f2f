"""Upkeep of libraries: `move` copies one store into another, vectors and all, and goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragsys.protocols import Store
from ragsys.records import STATES
from ragsys.store import AllOf, Condition, Has, Is, Not, Point, Record

_STATE = Is("layer", STATES)
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did, in points."""

    copied: int
    kept: int  # were in the target already, equal
    extra: int  # are in the target alone; left as they are


def move(source: Store, target: Store, progress: Callable[[int, int], None] | None = None) -> Moved:
    """Copy every point of `source` with its payload and vectors into `target`; nothing is embedded anew.

    Goes by id, so that a move that was stopped goes on: points that the target holds with an equal payload and the same
    named vectors are kept. State points go last and after a flush: no document is complete before all of it is there.
    `progress(done, total)` is called after every batch. The source is only read; it must not be written meanwhile.
    """
    schema = source.schema()
    target.ensure(schema)
    total = source.count()
    names = sorted(schema.vectors)
    done = copied = extra = 0
    for part in (Not(_STATE), _STATE):
        batch: list[str] = []
        for name, ahead in _missing(source, target, part, names):
            if ahead:
                extra += 1
                continue
            if name:
                batch.append(name)
            done += 1
            if len(batch) >= _BATCH:
                copied += _copy(source, target, batch, names)
                batch = []
            if progress is not None and done % _BATCH == 0:
                progress(done, total)
        copied += _copy(source, target, batch, names)
        target.flush()
    if progress is not None:
        progress(done, total)
    return Moved(copied, done - copied, extra)


def _copy(source: Store, target: Store, ids: list[str], names: list[str]) -> int:
    records = source.get(ids, vectors=names)
    target.upsert([Point(record.id, record.payload, record.vectors) for record in records])
    return len(records)


def _missing(source: Store, target: Store, part: Condition, names: list[str]) -> Iterator[tuple[str, bool]]:
    """For each point of the source, by id: (its id, False) if the target lacks it or holds another, else ("", False);
    (id, True) for each point that the target alone holds. Reads both side by side and holds no list of ids."""
    ours, theirs = _Carrying(source, part, names), _Carrying(target, part, names)
    there = next(theirs, None)
    for here in ours:
        while there is not None and there[0].id < here[0].id:
            yield there[0].id, True
            there = next(theirs, None)
        if there is not None and there[0].id == here[0].id:
            equal = there[0].payload == here[0].payload and there[1] == here[1]
            there = next(theirs, None)
            yield ("" if equal else here[0].id), False
        else:
            yield here[0].id, False
    while there is not None:
        yield there[0].id, True
        there = next(theirs, None)


class _Carrying:
    """The points of a store by id, each with the names of the vectors that it carries; no vector is read for that."""

    def __init__(self, store: Store, part: Condition, names: list[str]) -> None:
        self._points = store.scroll(part, batch=_BATCH)
        self._carriers = {name: store.scroll(_both(part, name), payload=False, batch=_BATCH) for name in names}
        self._heads: dict[str, Record | None] = {name: next(ids, None) for name, ids in self._carriers.items()}

    def __iter__(self) -> _Carrying:
        return self

    def __next__(self) -> tuple[Record, frozenset[str]]:
        record = next(self._points)
        carried = []
        for name, head in self._heads.items():
            while head is not None and head.id < record.id:
                head = next(self._carriers[name], None)
            self._heads[name] = head
            if head is not None and head.id == record.id:
                carried.append(name)
        return record, frozenset(carried)


def _both(part: Condition, name: str) -> Condition:
    return AllOf((part, Has(name)))
