"""The documents of a library: their state points in the store, held in memory, and what may surface in a search."""

from __future__ import annotations

import hashlib
import json
import logging
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

log = logging.getLogger("ragsys")
ATTEMPTS = 3  # at what may fail by a passing cause: time, memory, a crash
_HEAVY = "terms"  # the state's key that is read only when statistics are summed


@dataclass(slots=True)
class Layer:
    """What the store holds of a document under one fingerprint: `items` points; complete once all are written.

    `sound` is False where something of it was found damaged, or it was written by a version that did not replace pages
    and passages together: the next indexing run checks it, and makes it again if need be.
    """

    kind: str  # "pages" | "passages"
    items: int = 0
    complete: bool = False
    sound: bool = True


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
    tried: dict[str, list[int]] = field(default_factory=dict)  # the same -> pages or items that it is done with
    attempts: dict[str, int] = field(default_factory=dict)  # the same -> failed attempts that another may mend
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
            "faults": [[fault.page, fault.reason, str(fault.outcome), fault.stage] for fault in self.faults],
            "layers": {fp: [layer.kind, layer.items, layer.complete, layer.sound] for fp, layer in self.layers.items()},
            "vectors": self.vectors,
            "waiting": self.waiting,
            "tried": self.tried,
            "attempts": self.attempts,
            "excluded": self.excluded,
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> State:
        """From a state point's payload. Raises whatever a damaged one makes Python raise."""
        tried = {stage: list(pages) for stage, pages in payload["tried"].items()}
        read = {layer_of(key) for stages in (payload["waiting"], tried) for key in stages if vector_of(key) == "ocr"}
        return cls(
            doc=payload["doc"],
            paths=list(payload["paths"]),
            title=payload["title"],
            pages=payload["pages"],
            bytes=payload["bytes"],
            outcome=Outcome(payload["outcome"]),
            metadata=dict(payload["metadata"]),
            faults=[_fault(tried, *held) for held in payload["faults"]],
            layers={fp: _layer(bool(read), *held) for fp, held in payload["layers"].items()},
            vectors=dict(payload["vectors"]),
            waiting={stage: list(pages) for stage, pages in payload["waiting"].items()},
            tried=tried,
            attempts=dict(payload.get("attempts", {})),
            excluded=payload["excluded"],
        )

    def forget(self, layer: str) -> None:
        """No item of this layer waits for a stage, was seen by one or has its vectors: it is made again, or gone."""
        self.waiting = {key: pages for key, pages in self.waiting.items() if layer_of(key) != layer}
        self.tried = {key: pages for key, pages in self.tried.items() if layer_of(key) != layer}
        self.vectors = {key: count for key, count in self.vectors.items() if layer_of(key) != layer}

    def attempt(self, key: str) -> bool:
        """Count a failed attempt under a `tally`; whether another one follows by itself."""
        self.attempts[key] = self.attempts.get(key, 0) + 1
        return self.attempts[key] < ATTEMPTS

    def patience(self, key: str) -> float:
        """How many times the usual limits the next attempt has: twice after each that failed, at most eight times."""
        return float(2 ** min(3, self.attempts.get(key, 0)))

    def retry(self) -> bool:
        """Let the later stages try again all that they failed on; whether there is any."""
        failed = {(fault.stage, fault.page) for fault in self.faults if fault.stage != "parse"}
        if not failed:
            return False
        for key, seen in list(self.tried.items()):
            stage = vector_of(key)
            if stage != "ocr":
                del self.tried[key]
            elif again := [page for page in seen if (stage, page) in failed]:
                self.waiting[key] = sorted({*self.waiting.get(key, ()), *again})
                self.tried[key] = [page for page in seen if page not in again]
        self.faults = [fault for fault in self.faults if fault.stage == "parse"]
        return True

    def failed(self, stage: str, layer: str) -> int:
        """How many items of a layer a stage could not do, and will not try again by itself."""
        return len(self.tried.get(tally(stage, layer), ()))

    def complete(self, layer: str) -> bool:
        """Whether the layer is whole."""
        return layer in self.layers and self.layers[layer].complete

    @property
    def date(self) -> str:
        """The document's day, as an ISO date; empty if its file states none."""
        return (self.metadata.get("created") or self.metadata.get("modified") or "")[:10]


def _layer(ocr: bool, kind: str, items: int, complete: bool, sound: bool | None = None) -> Layer:
    """A stored layer. Libraries of format 1 do not say whether it is sound: passages are checked once where OCR was."""
    return Layer(kind, items, complete, not (ocr and kind == "passages") if sound is None else sound)


def _fault(tried: Mapping[str, list[int]], page: int, reason: str, outcome: str, stage: str = "") -> Fault:
    """A stored fault. Libraries of format 1 do not name the stage."""
    if not stage:
        seen = any(page in pages for key, pages in tried.items() if vector_of(key) == "ocr")
        stage = "layout" if reason.startswith("layout: ") else "ocr" if seen else "parse"
    return Fault(page, reason, Outcome(outcome), stage)


class Catalog:
    """All states of a library. Thread-safe; every change is written to the store before the call returns.

    A state that cannot be read leaves its document unknown: the next indexing run reads the file again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._states: dict[str, State] = {}
        self._statistics: dict[str, TermCounts] | None = None
        self._counted: set[str] = set()  # documents that are in the statistics
        self._changed: set[str] = set()  # documents whose counts were written since
        self._key: str | None = None
        self.unreadable: set[str] = set()  # documents whose state is damaged: their points are of no use
        for record in store.scroll(Is("layer", STATES), payload=list(State("").payload())):
            try:
                state = State.of(record.payload)
            except Exception as error:  # whatever a damaged payload holds
                log.warning("a document's state cannot be read (%s): it is indexed again", error)
                self.unreadable.add(str(record.payload.get("doc", "")))
                continue
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

    def drop_terms(self, doc: str, gone: Callable[[str], bool] = lambda _: True) -> None:
        """Forget a document's term counts under the `tally` keys that are `gone`."""
        with self._lock:
            known = self.terms(doc)
            kept = {key: packed for key, packed in known.items() if not gone(key)}
            if kept != known:
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
                    try:
                        counts = TermCounts.unpack(packed)
                    except Exception as error:  # whatever damaged counts hold
                        name = state.paths[0] if state.paths else state.doc
                        log.warning("%s: its word counts are damaged until the next indexing run (%s)", name, error)
                        state.vectors.pop(key, None)  # they are made and counted again
                        self.save(state)
                        continue
                    gathered.setdefault(vector_of(key), []).append(counts)
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
