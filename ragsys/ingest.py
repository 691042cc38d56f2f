"""The way in: files -> pages -> passages -> layers -> store. Read it from `index` down.

A document's commit: its state is marked as being written, its points go in, the store is flushed, the state is marked
complete, and only then does what it replaces go. What is half written never surfaces, and a run that ends at any moment
is continued by the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragsys import ahead
from ragsys.catalog import Layer, State, tally
from ragsys.pool import Job, Message, Pool
from ragsys.records import STATES, point_id
from ragsys.scan import File, Scan, load_table, save_table, scan
from ragsys.statistics import Ids, TermCounts
from ragsys.store import AllOf, In, Is, Not, Point
from ragsys.types import JSON, Fault, Outcome, Sparse

if TYPE_CHECKING:
    from ragsys.space import Space

_GROUP_SECONDS = 1.0  # documents that end within this time share one flush
_UPSERT = 256  # points a write: larger ones would keep searches waiting

#: Outcomes that leave something to search (or to OCR) in the library.
READABLE = frozenset({Outcome.INDEXED, Outcome.PARTIAL, Outcome.NO_TEXT})
#: Outcomes that another try may change although the file is the same.
RETRIED = frozenset({Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.TOO_LARGE, Outcome.BROKEN})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. `rate` is units a second, `left` seconds (None while unknown)."""

    stage: str  # "scan", "parse", or a later layer's name
    done: int
    total: int
    unit: str
    detail: str = ""
    rate: float = 0.0
    left: float | None = None


@dataclass(slots=True)
class Report:
    """What an indexing run did. Paths are relative to the root."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)  # known, and read once more: interrupted, retried, other settings
    moved: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # gone from the folder, not deleted: see `warnings`
    unchanged: int = 0
    pages: int = 0
    passages: int = 0
    seconds: float = 0.0
    no_text: list[str] = field(default_factory=list)  # read in this run, but without text: they wait for OCR
    skipped: list[tuple[str, Outcome, str]] = field(default_factory=list)  # path, outcome, reason
    unsupported: list[str] = field(default_factory=list)  # files that no loader takes; they are not in the library
    faults: list[tuple[str, int, str]] = field(default_factory=list)  # path, page, reason
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False


Watch = Callable[[Progress], None]


@dataclass(slots=True)
class _Plan:
    parse: dict[str, list[File]] = field(default_factory=dict)  # {document: its files}
    gone: list[State] = field(default_factory=list)
    replaced: list[State] = field(default_factory=list)


def index(
    space: Space,
    *,
    prune: bool = False,
    retry: bool = False,
    watch: Watch = lambda _: None,
    stop: threading.Event | None = None,
) -> Report:
    """Bring the library up to the folder: the way in, from the folder to searchable pages.

    `prune` deletes what is gone from the folder however much it is; `retry` reads documents again that failed before.
    Later layers (OCR, dense vectors) stay pending; see `ragsys.stages`. Raises `LibraryError` if the store refuses.
    """
    began, report, stop = time.monotonic(), Report(), stop or threading.Event()
    found = look(space, watch)
    plan = compare(space, found, report, prune=prune, retry=retry)
    commit = Commit(space, report)
    parse(space, plan, commit, watch, stop)
    for state in (*plan.replaced, *plan.gone):
        if not stop.is_set():
            space.catalog.remove(state.doc)
    space.store.flush()
    save_table(space.folder / "files.json", found.files)
    report.interrupted = stop.is_set()
    report.seconds = time.monotonic() - began
    return report


def look(space: Space, watch: Watch) -> Scan:
    """Scan the folder."""
    config = space.config.index
    watch(Progress("scan", 0, 0, "files"))
    return scan(
        space.root,
        space.layers.suffixes,
        load_table(space.folder / "files.json"),
        include=config.include,
        exclude=config.exclude,
    )


def compare(space: Space, found: Scan, report: Report, *, prune: bool, retry: bool) -> _Plan:
    """What is new, changed, moved, gone. Moves are written at once: they touch the document's state alone."""
    plan = _Plan()
    paths: dict[str, list[File]] = {}
    for file in found.files.values():
        paths.setdefault(file.doc, []).append(file)
    owners = {path: state.doc for state in space.catalog for path in state.paths}
    report.skipped += [(path, fault.outcome, fault.reason) for path, fault in found.unreadable.items()]
    report.unsupported = sorted(found.unsupported)
    for doc, files in paths.items():
        names = sorted(file.path for file in files)
        state = space.catalog.get(doc)
        if state is None:
            was = [path for path in names if path in owners]
            (report.changed if was else report.added).append(names[0])
            plan.parse[doc] = files
            continue
        if names != sorted(state.paths):
            report.moved += [name for name in names if name not in state.paths]
            state.paths = names
            space.catalog.save(state)
        if _due(space, state, retry=retry):
            report.again.append(names[0])
            plan.parse[doc] = files
        else:
            report.unchanged += 1
            _recall(state, report)
    absent = [state for state in space.catalog if state.doc not in paths and not state.excluded]
    blind = tuple("" if folder == "." else folder for folder in found.unreadable)
    absent = [s for s in absent if not any(p == f or p.startswith(f + "/") or not f for p in s.paths for f in blind)]
    plan.replaced = [state for state in absent if any(path in found.files for path in state.paths)]
    gone = [state for state in absent if state not in plan.replaced]
    share = len(gone) / max(1, sum(not state.excluded for state in space.catalog))
    if gone and not prune and (found.missing or share > space.config.index.prune_share):
        report.kept = [path for state in gone for path in state.paths[:1]]
        reason = f"{space.root} is not there" if found.missing else f"{len(gone)} documents are gone from {space.root}"
        report.warnings.append(f"{reason}: nothing was deleted. If that is meant: ragsys index {space.root} --prune")
    else:
        plan.gone = gone
        report.removed = [state.paths[0] if state.paths else state.doc for state in gone]
    return plan


def _due(space: Space, state: State, *, retry: bool) -> bool:
    """Whether a known document must be read (again) for this configuration."""
    if state.excluded:
        return False
    path = state.paths[0]
    known = any(layer and state.complete(layer) for layer in (space.layers.plain(path), space.layers.refined(path)))
    if known and state.outcome is Outcome.ENCRYPTED:
        return retry or space.has_password
    if known and state.outcome in RETRIED:
        return retry
    return not known


def _recall(state: State, report: Report) -> None:
    if state.outcome not in READABLE and not state.excluded:
        reason = state.faults[0].reason if state.faults else ""
        report.skipped.append((state.paths[0], state.outcome, reason))


def parse(space: Space, plan: _Plan, commit: Commit, watch: Watch, stop: threading.Event) -> None:
    """Read the due documents in worker processes and commit them one by one; Ctrl-C ends between two messages."""
    jobs = []
    meter = Meter("parse", "pages", watch)
    limits = space.config.index.limits
    # the largest first: the last worker to end then ends soonest
    for doc, files in sorted(plan.parse.items(), key=lambda item: (-item[1][0].size, item[1][0].path)):
        file, layer = files[0], space.layers.plain(files[0].path)
        commit.expect(doc, files, layer)
        if file.size == 0:
            commit.fail(doc, "the file has no bytes", Outcome.EMPTY)
        elif file.size > limits.bytes:
            commit.fail(doc, f"{file.size} bytes, over index.limits.bytes ({limits.bytes})", Outcome.TOO_LARGE)
        else:
            meter.expect(doc, file.size)
            jobs.append(parse_job(doc, space.file(file.path), layer, limits.pages))
    if jobs:
        with Pool(space.worker_start(), space.workers(len(jobs)), limits) as pool:
            for message in pool.run(jobs):
                commit.take(message, meter)
                if stop.is_set():
                    break
        meter.end()
    ahead.dismiss()
    commit.settle()


def parse_job(doc: str, path: Path, layer: str, max_pages: int, *, refine: bool = False) -> Job:
    """The order to read a document, by the loader's rules or (`refine`) by the layout model."""
    message = {"kind": "parse", "path": str(path), "doc": doc, "layer": layer, "refine": refine, "max_pages": max_pages}
    return Job(doc, message)


class Meter:
    """Turns pages done into progress: totals are estimated from file sizes until the page counts are known."""

    def __init__(self, stage: str, unit: str, watch: Watch) -> None:
        self.stage, self.unit, self.watch = stage, unit, watch
        self._sizes: dict[str, int] = {}
        self._pages: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._done = 0
        self._began = self._told = time.monotonic()

    def expect(self, doc: str, size: int) -> None:
        """A document of `size` bytes will come."""
        self._sizes[doc] = size

    def learn(self, doc: str, pages: int) -> None:
        """It has this many pages."""
        self._pages[doc] = pages

    def restart(self, doc: str) -> None:
        """It is read again from its first page."""
        self._done -= self._read.pop(doc, 0)

    def add(self, doc: str, count: int, detail: str) -> None:
        """This many of its items are done."""
        self._read[doc] = self._read.get(doc, 0) + count
        self._done += count
        if time.monotonic() - self._told > 0.1:
            self.tell(detail)

    def tell(self, detail: str = "") -> None:
        """Report now."""
        self._told = time.monotonic()
        seconds = max(1e-6, self._told - self._began)
        known = sum(self._pages.values())
        known_bytes = sum(self._sizes[doc] for doc in self._pages if doc in self._sizes)
        unknown_bytes = sum(self._sizes.values()) - known_bytes
        total = known + round(unknown_bytes * known / known_bytes) if known_bytes else known
        rate = self._done / seconds
        left = (total - self._done) / rate if rate and total else None
        self.watch(Progress(self.stage, self._done, max(total, self._done), self.unit, detail, rate, left))

    def end(self) -> None:
        """Report the end."""
        seconds = max(1e-6, time.monotonic() - self._began)
        self.watch(Progress(self.stage, self._done, self._done, self.unit, "", self._done / seconds, 0.0))


@dataclass(slots=True)
class _Writing:
    """One document between `begin` and its commit."""

    state: State
    path: str
    layer: str
    pages: int = 0
    texts: int = 0  # pages with text
    waiting: list[int] = field(default_factory=list)  # pages that wait for OCR
    passages: int = 0
    terms: dict[str, list[Ids]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    begun: bool = False  # its state says that it is being written
    ready: bool = False  # all its points are written


class Commit:
    """Writes what the workers send and marks documents complete, several with one flush."""

    def __init__(self, space: Space, report: Report, *, refine: bool = False) -> None:
        """`refine`: what is written takes the place of pages that stay until it is whole, and stay if it fails."""
        self.space, self.report, self.refine = space, report, refine
        self._writing: dict[str, _Writing] = {}
        self._flushed = time.monotonic()

    def expect(self, doc: str, files: Sequence[File], layer: str) -> None:
        """A document will come; nothing is written yet."""
        state = self.space.catalog.get(doc) or State(doc)
        state.paths, state.bytes = sorted(file.path for file in files), files[0].size
        self._writing[doc] = _Writing(state, files[0].path, layer)

    def _begin(self, writing: _Writing) -> None:
        """Mark a document as being written; what an earlier, broken run left of it goes."""
        state = writing.state
        both = (writing.layer, self.space.layers.passages(writing.layer))
        if any(layer in state.layers for layer in both):
            self.space.store.delete_where(AllOf((Is("doc", state.doc), In("layer", both))))
        state.forget(writing.layer)
        if not self.refine:
            state.outcome, state.faults = Outcome.WAITING, []
        state.layers |= {layer: Layer(kind) for layer, kind in zip(both, ("pages", "passages"), strict=True)}
        self.space.catalog.save(state)
        self._writing[state.doc] = _Writing(state, writing.path, writing.layer, begun=True)

    def take(self, message: Message, meter: Meter) -> None:
        """Store what a worker sent."""
        doc, header = message.job.doc, message.header
        if not self._writing[doc].begun:
            self._begin(self._writing[doc])
        writing = self._writing[doc]
        if message.type == "info":
            writing.state.pages, writing.state.title = header["pages"], header["title"]
            writing.state.metadata = header["metadata"]
            meter.learn(doc, header["pages"])
        elif message.type == "items":
            points = list(points_of(header, message.blob))
            for start in range(0, len(points), _UPSERT):
                self.space.store.upsert(points[start : start + _UPSERT])
            meter.add(doc, self._count(writing, points), writing.path)
        elif message.type == "fault":
            writing.faults.append(Fault(header["page"], header["reason"]))
        elif message.type == "again":
            meter.restart(doc)
            self._begin(writing)
        elif message.type == "error":
            (self._leave if self.refine else self.fail)(doc, header["reason"], Outcome(header["outcome"]))
        elif message.type == "end":
            writing.ready = True
        if time.monotonic() - self._flushed > _GROUP_SECONDS:
            self.settle()

    def _count(self, writing: _Writing, points: Iterable[Point]) -> int:
        pages = 0
        for point in points:
            for name, vector in point.vectors.items():
                if isinstance(vector, Sparse) and len(vector.indices):
                    writing.terms.setdefault(name, []).append(vector.indices)
            if point.payload["kind"] == "passage":
                writing.passages += 1
                continue
            pages += 1
            writing.texts += point.payload["source"] == "text"
            if point.payload["source"] == "none":
                writing.waiting.append(point.payload["page"])
        writing.pages += pages
        return pages

    def fail(self, doc: str, reason: str, outcome: Outcome) -> None:
        """The document as a whole could not be read: remember why, hold nothing of it."""
        writing = self._writing.pop(doc)
        state = writing.state
        reason = reason.removeprefix(f"{self.space.file(writing.path)}: ")
        for paths in (self.report.added, self.report.changed, self.report.again):
            if state.paths[0] in paths:
                paths.remove(state.paths[0])
        layers = [writing.layer, self.space.layers.passages(writing.layer)]
        # those of other configurations too: no state would tell of them any more
        self.space.store.delete_where(AllOf((Is("doc", doc), Not(Is("layer", STATES)))))
        state.outcome, state.faults, state.vectors = outcome, [Fault(0, reason, outcome)], {}
        state.layers = {layer: Layer(kind, 0, True) for layer, kind in zip(layers, ("pages", "passages"), strict=True)}
        self.space.catalog.save(state, {})
        _recall(state, self.report)

    def _leave(self, doc: str, reason: str, outcome: Outcome) -> None:
        """The pages could not be refined: those that stand stay, and it is not tried again."""
        writing = self._writing.pop(doc)
        state = writing.state
        layers = [writing.layer, self.space.layers.passages(writing.layer)]
        state.layers = {layer: held for layer, held in state.layers.items() if layer not in layers}
        state.faults = [*state.faults, Fault(0, f"layout: {reason}", outcome)]
        state.tried[tally("layout", writing.layer)] = list(range(1, state.pages + 1))
        # points first: a state that does not name their layers is taken to say that there are none
        self.space.store.delete_where(AllOf((Is("doc", doc), In("layer", layers))))
        self.space.catalog.save(state)

    def settle(self) -> None:
        """Flush, then mark every document complete whose points are all written."""
        ready = [writing for writing in self._writing.values() if writing.ready]
        self._flushed = time.monotonic()
        if not ready:
            return
        self.space.store.flush()
        for writing in ready:
            self._complete(writing)
            del self._writing[writing.state.doc]

    def _complete(self, writing: _Writing) -> None:
        state, layers = writing.state, self.space.layers
        state.outcome = _outcome(writing)
        state.faults = writing.faults
        if writing.waiting:
            state.waiting[tally("ocr", writing.layer)] = writing.waiting
        items = {
            writing.layer: ("pages", writing.pages),
            layers.passages(writing.layer): ("passages", writing.passages),
        }
        for layer, (kind, count) in items.items():
            state.layers[layer] = Layer(kind, count, True)
        terms: dict[str, TermCounts] = {}
        for name, (spec, _) in layers.makers(eager=True).items():
            key = tally(name, writing.layer if spec.items == "page" else layers.passages(writing.layer))
            state.vectors[key] = writing.pages if spec.items == "page" else writing.passages
            terms[key] = TermCounts.of(writing.terms.get(name, []))
        self.space.catalog.save(state, terms)
        self.report.pages += writing.pages
        self.report.passages += writing.passages
        self.report.faults += [(writing.path, fault.page, fault.reason) for fault in writing.faults]
        if state.outcome is Outcome.NO_TEXT:
            self.report.no_text.append(writing.path)
        elif state.outcome not in READABLE:
            _recall(state, self.report)


def _outcome(writing: _Writing) -> Outcome:
    if not writing.pages:
        return Outcome.BROKEN if writing.faults else Outcome.EMPTY
    if writing.faults:
        return Outcome.PARTIAL
    if len(writing.waiting) == writing.pages:
        return Outcome.NO_TEXT
    return Outcome.INDEXED


def points_of(header: JSON, blob: bytes) -> Iterator[Point]:
    """The points of a worker's `items` message."""
    at = 0
    for item in header["items"]:
        vectors = {}
        for name, size in item.get("vectors", []):
            indices = np.frombuffer(blob, "<u4", size, at).astype(np.uint32)
            values = np.frombuffer(blob, "<f4", size, at + 4 * size).astype(np.float32)
            vectors[name] = Sparse(indices, values)
            at += 8 * size
        payload = item["payload"]
        yield Point(point_id(payload["doc"], payload["layer"], item["ordinal"]), payload, vectors)
