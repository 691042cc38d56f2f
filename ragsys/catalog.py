"""The documents of a library: their state points in the store, held in memory, and what may surface in a search."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragsys.globs import matches
from ragsys.protocols import Store
from ragsys.records import STATES, point_id
from ragsys.statistics import TermCounts
from ragsys.store import Is, Point, Record
from ragsys.types import JSON, Document, Fault, Filter, LayerState, Outcome

_HEAVY = "terms"  # the state's key that is read only when statistics are summed


@dataclass(slots=True)
class Layer:
    """What the store holds of a document under one fingerprint: `items` points; complete once all are written."""

    kind: str  # "pages" | "passages"
    items: int = 0
    complete: bool = False


def tally(what: str, layer: str) -> str:
    """The key of what is counted for a named vector or a stage: layers coexist, and each has its own."""
    return f"{what}/{layer}"


def vector_of(key: str) -> str:
    """The vector of a `tally`."""
    return key.rpartition("/")[0]


def layer_of(key: str) -> str:
    """The layer of a `tally`."""
    return key.rpartition("/")[2]


@dataclass(slots=True)
class State:
    """Everything the library knows of a document; stored as the payload of its state point."""

    doc: str
    paths: list[str] = field(default_factory=list)
    title: str = ""
    pages: int = 0
    bytes: int = 0
    outcome: Outcome = Outcome.INDEXED
    metadata: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    layers: dict[str, Layer] = field(default_factory=dict)  # by fingerprint
    vectors: dict[str, int] = field(default_factory=dict)  # `tally` of vector and layer -> items that were looked at
    waiting: dict[str, list[int]] = field(default_factory=dict)  # `tally` of stage and page layer -> pages that wait
    tried: dict[str, list[int]] = field(default_factory=dict)  # the same -> pages that the stage has seen
    excluded: bool = False  # removed by the user while its file stays in the folder

    def payload(self) -> JSON:
        """The state point's payload, without its terms."""
        return {
            "kind": "state",
            "layer": STATES,
            "doc": self.doc,
            "paths": sorted(self.paths),
            "title": self.title,
            "pages": self.pages,
            "bytes": self.bytes,
            "outcome": str(self.outcome),
            "metadata": self.metadata,
            "faults": [[fault.page, fault.reason, str(fault.outcome)] for fault in self.faults],
            "layers": {fp: [layer.kind, layer.items, layer.complete] for fp, layer in self.layers.items()},
            "vectors": self.vectors,
            "waiting": self.waiting,
            "tried": self.tried,
            "excluded": self.excluded,
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> State:
        """From a state point's payload."""
        return cls(
            doc=payload["doc"],
            paths=list(payload["paths"]),
            title=payload["title"],
            pages=payload["pages"],
            bytes=payload["bytes"],
            outcome=Outcome(payload["outcome"]),
            metadata=dict(payload["metadata"]),
            faults=[Fault(page, reason, Outcome(outcome)) for page, reason, outcome in payload["faults"]],
            layers={fp: Layer(*layer) for fp, layer in payload["layers"].items()},
            vectors=dict(payload["vectors"]),
            waiting={stage: list(pages) for stage, pages in payload["waiting"].items()},
            tried={stage: list(pages) for stage, pages in payload["tried"].items()},
            excluded=payload["excluded"],
        )

    def forget(self, layer: str) -> None:
        """No page of this layer waits for a stage or was seen by one: it is made anew, or gone."""
        self.waiting = {key: pages for key, pages in self.waiting.items() if layer_of(key) != layer}
        self.tried = {key: pages for key, pages in self.tried.items() if layer_of(key) != layer}

    def complete(self, layer: str) -> bool:
        """Whether the layer is whole."""
        return layer in self.layers and self.layers[layer].complete

    @property
    def date(self) -> str:
        """The document's day, as an ISO date; empty if its file states none."""
        return (self.metadata.get("created") or self.metadata.get("modified") or "")[:10]


class Catalog:
    """All states of a library. Thread-safe; every change is written to the store before the call returns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._states: dict[str, State] = {}
        self._statistics: dict[str, TermCounts] | None = None
        self._counted: set[str] = set()  # documents that are in the statistics
        self._changed: set[str] = set()  # documents whose counts were written since
        self._key: str | None = None
        for record in store.scroll(Is("layer", STATES), payload=list(State("").payload())):
            state = State.of(record.payload)
            self._states[state.doc] = state

    def __contains__(self, doc: str) -> bool:
        return doc in self._states

    def __iter__(self) -> Iterator[State]:
        with self._lock:
            return iter(sorted(self._states.values(), key=lambda state: (sorted(state.paths)[:1], state.doc)))

    def get(self, doc: str) -> State | None:
        """The document's state."""
        return self._states.get(doc)

    def save(self, state: State, terms: Mapping[str, TermCounts] | None = None) -> None:
        """Write a state; with `terms`, {`tally`: term counts} of some of its sparse vectors beside those it has."""
        with self._lock:
            known = state.doc in self._states
            self._states[state.doc] = state
            self._key = None
            payload = state.payload()
            if terms is not None:
                packed = {**(self.terms(state.doc) if known else {}), **{k: v.pack() for k, v in terms.items()}}
                payload[_HEAVY] = packed
                self._changed.add(state.doc)
            if known:
                self._store.set_payload([point_id(state.doc, STATES, 0)], payload)
            else:
                self._store.upsert([Point(point_id(state.doc, STATES, 0), {_HEAVY: {}, **payload})])

    def terms(self, doc: str) -> dict[str, str]:
        """{`tally`: packed counts} of one document."""
        records = self._store.get([point_id(doc, STATES, 0)], payload=[_HEAVY])
        return dict(records[0].payload.get(_HEAVY, {})) if records else {}

    def drop_terms(self, doc: str, keys: Iterable[str]) -> None:
        """Forget a document's term counts under these `tally` keys."""
        with self._lock:
            gone = set(keys)
            known = self.terms(doc)
            if gone & set(known):
                kept = {name: packed for name, packed in known.items() if name not in gone}
                self._store.set_payload([point_id(doc, STATES, 0)], {_HEAVY: kept})
                self._statistics = None

    def remove(self, doc: str) -> None:
        """Delete a document and every point of it."""
        with self._lock:
            self._store.delete_where(Is("doc", doc))
            self._states.pop(doc, None)
            self._statistics = None
            self._key = None

    def statistics(self, vector: str, shown: Callable[[State], Collection[str]]) -> TermCounts:
        """The summed term counts of a sparse vector over the documents and their layers (`shown`) that may surface.

        Kept; documents that came since are added, and all are summed anew where one that was counted changed or went.
        `shown` must be the same in every call.
        """
        with self._lock:
            if self._statistics is None or self._changed & self._counted:
                self._statistics, self._counted = {}, set()
                self._count(self._store.scroll(Is("layer", STATES), payload=["doc", _HEAVY]), shown)
            elif self._changed:
                ids = [point_id(doc, STATES, 0) for doc in self._changed]
                self._count(self._store.get(ids, payload=["doc", _HEAVY]), shown)
            self._changed = set()
            return self._statistics.get(vector, TermCounts.empty())

    def _count(self, records: Iterable[Record], shown: Callable[[State], Collection[str]]) -> None:
        gathered: dict[str, list[TermCounts]] = {name: [known] for name, known in (self._statistics or {}).items()}
        for record in records:
            state = self._states.get(record.payload["doc"])
            if state is None or state.excluded:
                continue
            layers = shown(state)
            for key, packed in record.payload.get(_HEAVY, {}).items():
                if layer_of(key) in layers:
                    gathered.setdefault(vector_of(key), []).append(TermCounts.unpack(packed))
                    self._counted.add(state.doc)
        self._statistics = {name: TermCounts.total(parts) for name, parts in gathered.items()}

    def selected(self, where: Filter) -> list[State]:
        """The documents that a filter lets through; all of its parts but the page range."""
        return [state for state in self if _passes(state, where)]

    @property
    def key(self) -> str:
        """Changes with every change of what a search may return: 16 hex digits."""
        with self._lock:
            if self._key is None:
                content = [
                    [
                        s.doc,
                        sorted(s.paths),
                        s.excluded,
                        sorted((fp, x.complete, x.items) for fp, x in s.layers.items()),
                        sorted(s.vectors.items()),
                    ]
                    for s in sorted(self._states.values(), key=lambda s: s.doc)
                ]
                self._key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
            return self._key


def _passes(state: State, where: Filter) -> bool:
    date = state.date
    return (
        (not where.path or any(matches(path, where.path) for path in state.paths))
        and (not where.doc or state.doc in where.doc)
        and (not where.after or date >= where.after)
        and (not where.before or ("" < date < where.before))
        and all(state.metadata.get(key, "").casefold() == value.casefold() for key, value in where.metadata.items())
    )


def document_of(state: State, layers: Mapping[str, LayerState]) -> Document:
    """The public form of a state."""
    return Document(
        id=state.doc,
        paths=tuple(sorted(state.paths)),
        title=state.title,
        pages=state.pages,
        bytes=state.bytes,
        outcome=state.outcome,
        metadata=dict(state.metadata),
        faults=tuple(state.faults),
        layers=dict(layers),
    )
