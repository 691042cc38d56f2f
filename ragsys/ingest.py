"""The way in: files -> pages -> passages -> layers -> store. Read it from `index` down.

A document's commit: its state is marked as being written, its points go in, the store is flushed, the state is marked
complete, and only then does what it replaces go. What is half written never surfaces, and a run that ends at any moment
is continued by the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragsys import ahead
from ragsys.catalog import ATTEMPTS, Layer, State, layer_of, tally
from ragsys.places import Place, apart, command
from ragsys.pool import Job, Message, Pool
from ragsys.progress import Meter, Progress, Report, Watch
from ragsys.records import STATES, point_id
from ragsys.scan import TABLE, File, Scan, load_table, save_table, scan
from ragsys.statistics import Ids, TermCounts
from ragsys.store import AllOf, In, Is, Not, Point
from ragsys.types import JSON, Fault, Outcome, Sparse
from ragsys.wording import counted, verb

if TYPE_CHECKING:
    from ragsys.space import Space

_GROUP_SECONDS = 1.0  # documents that end within this time share one flush
_UPSERT = 256  # points a write: larger ones would keep searches waiting

#: Outcomes that leave something to search (or to OCR) in the library.
READABLE = frozenset({Outcome.INDEXED, Outcome.PARTIAL, Outcome.NO_TEXT})
#: Outcomes that may have a passing cause, such as a busy machine: another attempt follows by itself.
PASSING = frozenset({Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY})
#: Outcomes that another attempt may change although the file is the same.
RETRIED = PASSING | {Outcome.TOO_LARGE, Outcome.BROKEN}


@dataclass(slots=True)
class Plan:
    """What is to be done."""

    parse: dict[str, list[File]] = field(default_factory=dict)  # {document: its files}
    gone: list[State] = field(default_factory=list)
    replaced: list[State] = field(default_factory=list)


def index(
    space: Space,
    *,
    prune: bool = False,
    retry: bool | None = None,
    watch: Watch = lambda _: None,
    stop: threading.Event | None = None,
) -> Report:
    """Bring the library up to the folder: the way in, from the folder to searchable pages.

    `prune` deletes what is gone from the folder however much it is. `retry` tries everything again that failed before;
    None: only what may have failed by a passing cause, and not too often; False: nothing, that no answer waits for it.
    Later layers (OCR, dense vectors) stay pending; see `ragsys.stages`. Raises `LibraryError` if the store refuses.
    """
    began, report, stop = time.monotonic(), Report(), stop or threading.Event()
    if retry:
        space.attempted.clear()
    found = look(space, watch)
    plan = compare(space, found, report, prune=prune, retry=retry)
    commit = Commit(space, report)
    parse(space, plan, commit, watch, stop)
    for state in (*plan.replaced, *plan.gone):
        if not stop.is_set():
            space.catalog.remove(state.doc)
    space.store.flush()
    save_table(space.folder / TABLE, found.files)
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
        load_table(space.folder / TABLE),
        include=config.include,
        exclude=config.exclude,
        apart=apart(space.folder),
        most=config.limits.bytes,
    )


def compare(space: Space, found: Scan, report: Report, *, prune: bool, retry: bool | None) -> Plan:
    """What is new, changed, moved, gone. Moves are written at once: they touch the document's state alone."""
    plan = Plan()
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
        if retry and state.retry():
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
    known = sum(not state.excluded for state in space.catalog)
    config = space.config.index
    many = len(gone) > config.prune_least and len(gone) > config.prune_share * known
    if gone and not prune and (found.missing or many):
        report.kept = [path for state in gone for path in state.paths[:1]]
        reason = f"{counted(len(gone), 'document')} {verb(len(gone))} gone from {space.root}"
        reason = f"{space.root} is not there" if found.missing else reason
        meant = command(Place(space.folder, space.root), "index FOLDER --prune")
        report.warnings.append(f"{reason}: nothing was deleted. If that is meant: {meant}")
    else:
        plan.gone = gone
        report.removed = [state.paths[0] if state.paths else state.doc for state in gone]
    return plan


def _due(space: Space, state: State, *, retry: bool | None) -> bool:
    """Whether a known document must be read (again) for this configuration."""
    if state.excluded:
        return False
    path = state.paths[0]
    layers = [layer for layer in (space.layers.plain(path), space.layers.refined(path)) if layer]
    if not any(state.complete(layer) for layer in layers) or not all(
        state.layers[layer].sound for layer in layers if layer in state.layers
    ):
        return True
    if state.outcome is Outcome.ENCRYPTED:
        return retry or space.has_password
    if state.outcome is Outcome.TOO_LARGE and state.bytes <= space.config.index.limits.bytes:
        return True
    # single pages that were lost are read again beside the others: see `ragsys.backfill`
    if retry is None:
        tried = state.attempts.get(tally("parse", space.layers.plain(path)), 0)
        return state.outcome in PASSING and tried < ATTEMPTS
    return retry and state.outcome in RETRIED


def passing(state: State) -> list[int]:
    """The pages that were not read by a cause that may pass; 0 is the document as a whole."""
    return [fault.page for fault in state.faults if fault.stage == "parse" and fault.outcome in PASSING]


def _recall(state: State, report: Report) -> None:
    if state.outcome not in READABLE and not state.excluded:
        reason = state.faults[0].reason if state.faults else ""
        report.skipped.append((state.paths[0], state.outcome, reason))


def parse(space: Space, plan: Plan, commit: Commit, watch: Watch, stop: threading.Event) -> None:
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
            state = space.catalog.get(doc)
            patience = state.patience(tally("parse", layer)) if state else 1.0
            jobs.append(parse_job(doc, space.file(file.path), layer, limits.pages, patience=patience))
    if jobs:
        with Pool(space.worker_start(), space.workers(len(jobs)), limits) as pool:
            for message in pool.run(jobs, stop):
                commit.take(message, meter)
                if stop.is_set():
                    break
        meter.end()
    ahead.dismiss()
    commit.settle()


def parse_job(doc: str, path: Path, layer: str, max_pages: int, *, refine: bool = False, patience: float = 1.0) -> Job:
    """The order to read a document, by the loader's rules or (`refine`) by the layout model; `patience`: see `Job`."""
    message = {"kind": "parse", "path": str(path), "doc": doc, "layer": layer, "refine": refine, "max_pages": max_pages}
    return Job(doc, message, patience=patience)


def fault_of(message: Message, stage: str) -> Fault:
    """The fault that a worker told of a page: why it ended a worker before, or what its reader says."""
    page = message.header["page"]
    known = message.job.lost.get(page)
    reason, outcome = known or (message.header["reason"], message.header.get("outcome", Outcome.BROKEN))
    label = "OCR: " if stage == "ocr" else ""
    return Fault(page, label + reason, Outcome(outcome), stage)


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
        self.space.attempted.add(doc)
        state = self.space.catalog.get(doc) or State(doc)
        state.paths, state.bytes = sorted(file.path for file in files), files[0].size
        self._writing[doc] = _Writing(state, files[0].path, layer)

    def _begin(self, writing: _Writing) -> None:
        """Mark a document as being written; what an earlier, broken run left of it goes."""
        state = writing.state
        both = (writing.layer, self.space.layers.passages(writing.layer))
        if state.doc in self.space.catalog.unreadable:
            self.space.store.delete_where(Is("doc", state.doc))
            self.space.catalog.unreadable.discard(state.doc)
        elif any(layer in state.layers for layer in both):
            self.space.store.delete_where(AllOf((Is("doc", state.doc), In("layer", both))))
            self.space.catalog.drop_terms(state.doc, lambda key: layer_of(key) in both)
        self.space.forget(state.doc)
        for layer in both:
            state.forget(layer)
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
            writing.faults.append(fault_of(message, "parse"))
        elif message.type == "again":
            meter.restart(doc)
            self._begin(writing)
        elif message.type == "error":
            (self._leave if self.refine else self.fail)(doc, header["reason"], Outcome(header["outcome"]))
        elif message.type == "end" and self.refine and (lost := _lacking(writing)):
            self._leave(doc, f"page {lost.page}: {lost.reason}", lost.outcome)
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
        if outcome in PASSING:
            reason += _attempted(state, writing.layer)
        for paths in (self.report.added, self.report.changed, self.report.again):
            if state.paths[0] in paths:
                paths.remove(state.paths[0])
        layers = [writing.layer, self.space.layers.passages(writing.layer)]
        # those of other configurations too: no state would tell of them any more
        self.space.store.delete_where(AllOf((Is("doc", doc), Not(Is("layer", STATES)))))
        self.space.catalog.drop_terms(doc)
        self.space.forget(doc)
        state.outcome, state.faults, state.vectors = outcome, [Fault(0, reason, outcome)], {}
        state.layers = {layer: Layer(kind, 0, True) for layer, kind in zip(layers, ("pages", "passages"), strict=True)}
        self.space.catalog.save(state, {})
        _recall(state, self.report)

    def _leave(self, doc: str, reason: str, outcome: Outcome) -> None:
        """The pages could not be refined: those that are there stay. It is tried again if the cause may pass."""
        writing = self._writing.pop(doc)
        state = writing.state
        layers = [writing.layer, self.space.layers.passages(writing.layer)]
        state.layers = {layer: held for layer, held in state.layers.items() if layer not in layers}
        key = tally("layout", writing.layer)
        again = outcome in PASSING and state.attempt(key)
        if outcome in PASSING:
            reason += attempt_of(state, "layout", writing.layer)
        kept = [fault for fault in state.faults if fault.stage != "layout"]
        state.faults = [*kept, Fault(0, f"layout: {reason}", outcome, "layout")]
        if not again:
            state.tried[key] = list(range(1, state.pages + 1))
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
        if any(fault.outcome in PASSING for fault in state.faults):
            which = _attempted(state, writing.layer)
            state.faults = [replace(f, reason=f.reason + which) if f.outcome in PASSING else f for f in state.faults]
        else:
            state.attempts.pop(tally("parse", writing.layer), None)
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
        self.report.faults += [(writing.path, fault.page, fault.reason) for fault in state.faults]
        if state.outcome is Outcome.NO_TEXT:
            self.report.no_text.append(writing.path)
        elif state.outcome not in READABLE:
            _recall(state, self.report)


def _lacking(writing: _Writing) -> Fault | None:
    """A page that the refined pages lack and the plain ones have."""
    known = {fault.page for fault in writing.state.faults if fault.stage == "parse"}
    return next((fault for fault in writing.faults if fault.page not in known), None)


def _attempted(state: State, layer: str) -> str:
    """Count a failed attempt at reading a document; in words, for its faults."""
    state.attempt(tally("parse", layer))
    return attempt_of(state, "parse", layer)


def attempt_of(state: State, stage: str, layer: str) -> str:
    """Which of how many attempts this was, and what follows; to be added to a fault's reason."""
    number = state.attempts[tally(stage, layer)]
    following = "the next run tries again" if number < ATTEMPTS else "try again: ragsys index FOLDER --retry"
    return f"; attempt {min(number, ATTEMPTS)} of {ATTEMPTS}, {following}"


def _outcome(writing: _Writing) -> Outcome:
    if not writing.pages:
        # what may pass comes first: it decides whether the document is read again
        outcomes = sorted((fault.outcome for fault in writing.faults), key=lambda outcome: outcome not in PASSING)
        return outcomes[0] if outcomes else Outcome.EMPTY
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
