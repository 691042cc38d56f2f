"""The later layers: what another configuration lacks, OCR, the layout model, vectors that are too slow to wait for.

Each stage continues where the last run ended and may be stopped between any two batches.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragsys.catalog import ATTEMPTS, Layer, State, layer_of, tally
from ragsys.errors import LibraryError
from ragsys.filling import fill
from ragsys.ingest import (
    PASSING,
    READABLE,
    Commit,
    attempt_of,
    fault_of,
    parse_job,
    points_of,
)
from ragsys.passages import split_pages
from ragsys.pool import Job, Message, Pool
from ragsys.progress import Meter, Report, Watch
from ragsys.records import page_of_item, passage_payload, point_id
from ragsys.scan import File
from ragsys.statistics import TermCounts
from ragsys.store import AllOf, Between, Has, In, Is, Not, Point, Record
from ragsys.types import Fault, Outcome, Page, Passage, Sparse, VectorSpec

if TYPE_CHECKING:
    from ragsys.protocols import Ocr, Retriever
    from ragsys.space import Space

log = logging.getLogger("ragsys")
_WINDOW = 256  # points written together
_ENCODED = 32  # items encoded together: about a second's work, so that a stop is soon heard
_COUNTED = 8  # windows that share one flush of what was encoded
_OCR_JOB = 16  # pages of a document that one worker reads
_OCR_SECONDS = 5.0  # between two commits of what it has read


def readable(space: Space) -> list[State]:
    """The documents that have pages to work on."""
    return [state for state in space.catalog if not state.excluded and state.outcome in READABLE]


def derive(space: Space, watch: Watch, stop: threading.Event) -> list[str]:
    """Passages and cheap vectors that this configuration needs and the library lacks; nothing is parsed.

    What was found damaged is made again from the pages. A document that fails costs itself alone. Returns what failed.
    """
    meter = Meter("derive", "pages", watch)
    failed = []
    for state in readable(space):
        if stop.is_set():
            break
        try:
            if count := derive_one(space, state):
                meter.add(state.doc, count, state.paths[0])
        except LibraryError:  # the store itself
            raise
        except Exception as error:  # whatever a damaged document or a component makes of it
            log.warning("%s: its passages could not be made", state.paths[0], exc_info=True)
            failed.append(f"{state.paths[0]}: its passages could not be made ({type(error).__name__}: {error})")
    space.store.flush()
    return failed


def derive_one(space: Space, state: State) -> int:
    """Make what one document lacks. Returns its number of pages, 0 if it lacks nothing."""
    layer = space.page_layer(state)
    if not state.complete(layer):
        return 0
    passages = space.layers.passages(layer)
    makers = space.layers.makers(eager=True)
    missing = [name for name, (spec, _) in makers.items() if state_lacks(space, state, spec)]
    held = state.layers.get(passages)
    whole = held is not None and held.complete
    if whole and held is not None and held.sound and not missing:
        return 0
    pages = pages_of(space, state, layer)
    if len(pages) < state.layers[layer].items:
        space.damaged(state.doc, layer, "a stored page is missing")
        raise LookupError(f"{len(pages)} of its {state.layers[layer].items} stored pages can be read")
    made = dict(split_pages(space.layers.splitter, pages))
    if not whole or (held is not None and not held.sound and _differ(space, state, passages, made)):
        _split_again(space, state, passages, made)
        missing = [n for n, (s, _) in makers.items() if s.items == "passage" or n in missing]
    elif held is not None and not held.sound:
        held.sound = True
        recount(space, state)  # the run that wrote them may have ended before they were counted
    _encode_again(space, state, {name: makers[name] for name in missing})
    return len(pages)


def pages_of(space: Space, state: State, layer: str) -> list[Page]:
    """All pages of a document that can be read, in order."""
    numbers = sorted(
        record.payload["page"]
        for record in space.store.scroll(AllOf((Is("doc", state.doc), Is("layer", layer))), payload=["page"])
    )
    found = space.pages((state.doc, layer, number) for number in numbers)
    return [page for number in numbers if (page := found.get((state.doc, layer, number)))]


def _differ(space: Space, state: State, layer: str, made: Mapping[int, Passage]) -> bool:
    """Whether the stored passages are other ones than the pages give."""
    points = {ordinal: _passage_point(state.doc, layer, ordinal, passage) for ordinal, passage in made.items()}
    expected = {point.id: point.payload for point in points.values()}
    where = AllOf((Is("doc", state.doc), Is("layer", layer)))
    return {record.id: record.payload for record in space.store.scroll(where)} != expected


def _split_again(space: Space, state: State, layer: str, made: Mapping[int, Passage]) -> None:
    state.layers[layer] = Layer("passages")
    state.forget(layer)
    later = {name for name, (spec, _) in space.layers.makers(eager=False).items() if spec.items == "passage"}
    state.faults = [fault for fault in state.faults if fault.stage not in later]
    space.catalog.save(state)
    points = [_passage_point(state.doc, layer, ordinal, passage) for ordinal, passage in made.items()]
    with space.rewriting(state.doc):
        space.store.delete_where(AllOf((Is("doc", state.doc), Is("layer", layer))))
        for start in range(0, len(points), _WINDOW):
            space.store.upsert(points[start : start + _WINDOW])
    space.store.flush()
    state.layers[layer] = Layer("passages", len(points), True)
    space.catalog.save(state)


def _passage_point(doc: str, layer: str, ordinal: int, passage: Passage) -> Point:
    payload = passage_payload(doc, layer, ordinal, passage.pieces, passage.headings)
    return Point(point_id(doc, layer, ordinal), payload)


def _encode_again(space: Space, state: State, makers: Mapping[str, tuple[VectorSpec, Retriever]]) -> None:
    for name, (spec, retriever) in makers.items():
        layer = space.layer(state, spec.items)
        records = list(space.store.scroll(AllOf((Is("doc", state.doc), Is("layer", layer)))))
        texts = [text or "" for text in space.item_texts(spec, records)]
        vectors = [encoded[name] for encoded in retriever.encode_items(texts)]
        space.store.set_vectors(name, dict(zip([record.id for record in records], vectors, strict=True)))
    if makers:
        recount(space, state)


def recount(space: Space, state: State) -> None:
    """Bring a document's numbers of items, vectors and terms up to what the store holds, and save its state.

    Flushed first: no count is ever ahead of the disk.
    """
    space.store.flush()
    for layer in space.shown(state) & state.layers.keys():
        state.layers[layer].items = space.store.count(AllOf((Is("doc", state.doc), Is("layer", layer))))
    terms: dict[str, TermCounts] = {}
    for name, (spec, _) in space.layers.makers(eager=True).items():
        key = tally(name, space.layer(state, spec.items))
        where = AllOf((Is("doc", state.doc), Is("layer", layer_of(key)), Has(name)))
        found = (record.vectors.get(name) for record in space.store.scroll(where, payload=False, vectors=[name]))
        terms[key] = TermCounts.of([v.indices for v in found if isinstance(v, Sparse) and len(v.indices)])
        # an item without a word has no vector, and is done with all the same
        state.vectors[key] = space.items(state, spec.items)
    for name, (spec, _) in space.layers.makers(eager=False).items():
        key = tally(name, space.layer(state, spec.items))
        state.vectors[key] = space.store.count(AllOf((Is("doc", state.doc), Is("layer", layer_of(key)), Has(name))))
    space.catalog.save(state, terms)


# -- vectors that are too slow to wait for -------------------------------------------------------------------------


def embed(space: Space, watch: Watch, stop: threading.Event) -> None:
    """Fill every later vector of every document, document by document. An item that fails costs itself alone."""
    names = space.layers.names()
    for name, (spec, retriever) in space.layers.makers(eager=False).items():
        meter = Meter(names[name], "passages" if spec.items == "passage" else "pages", watch)
        pending = [s for s in readable(space) if state_lacks(space, s, spec)]
        for state in pending:
            meter.learn(state.doc, space.items(state, spec.items) - space.made(state, spec))
        done: list[State] = []
        for number, window in enumerate(_windows(_items(space, pending, spec), _ENCODED), 1):
            if stop.is_set():
                break
            failed = fill(space, spec, retriever, [record for _, record in window])
            for state, record in window:
                if record.id in failed:
                    _give_up(state, space.layer(state, spec.items), spec, names[name], record, failed[record.id])
            meter.add(window[-1][0].doc, len(window), window[-1][0].paths[0])
            done += [state for state, _ in window]
            if number % _COUNTED == 0:
                _account(space, spec, done)
                done = []
        _account(space, spec, done)
        meter.end()
    space.store.flush()


def state_lacks(space: Space, state: State, spec: VectorSpec) -> bool:
    """Whether items of a document wait for a vector."""
    return space.made(state, spec) < space.items(state, spec.items)


def _items(space: Space, states: Sequence[State], spec: VectorSpec) -> Iterator[tuple[State, Record]]:
    for state in states:
        layer = space.layer(state, spec.items)
        where = AllOf((Is("doc", state.doc), Is("layer", layer), Not(Has(spec.name))))
        failed = set(state.tried.get(tally(spec.name, layer), ()))
        found = False
        for record in list(space.store.scroll(where)):
            if _ordinal(record) not in failed:
                found = True
                yield state, record
        if not found:  # all were embedded on demand: only the count is behind
            _account(space, spec, [state])


def _ordinal(record: Record) -> int:
    """What tells an item in its layer: a passage's ordinal, a page's number."""
    return int(record.payload["ordinal" if "ordinal" in record.payload else "page"])


def _give_up(state: State, layer: str, spec: VectorSpec, stage: str, record: Record, reason: str) -> None:
    """Note that an item has no vector and why; it is saved with the document's count."""
    state.tried.setdefault(tally(spec.name, layer), []).append(_ordinal(record))
    state.faults.append(Fault(record.payload["page"], f"{stage}: {reason}", Outcome.BROKEN, spec.name))


def _windows(items: Iterator[tuple[State, Record]], size: int) -> Iterator[list[tuple[State, Record]]]:
    window: list[tuple[State, Record]] = []
    for item in items:
        window.append(item)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window


def _account(space: Space, spec: VectorSpec, states: Sequence[State]) -> None:
    """Bring the documents' counts up to what the store holds; flushed first, so that a count is never ahead."""
    space.store.flush()
    for doc in {state.doc for state in states}:
        state = space.catalog.get(doc)
        if state is None:
            continue
        layer = space.layer(state, spec.items)
        carrying = AllOf((Is("doc", doc), Is("layer", layer), Has(spec.name)))
        state.vectors[tally(spec.name, layer)] = space.store.count(carrying)
        space.catalog.save(state)


# -- OCR and the layout model --------------------------------------------------------------------------------------


def ocr(space: Space, watch: Watch, stop: threading.Event) -> str:
    """Read the pages that wait for OCR. Returns what is missing if no OCR can run here, else an empty string."""
    waiting = []
    for state in readable(space):
        layer = space.page_layer(state)
        if (numbers := state.waiting.get(tally("ocr", layer))) and space.source(state):
            waiting.append((state, layer, numbers))
    if not waiting:
        return ""
    reader: Ocr = space.builder.build("ocr", space.config.ocr)
    if missing := reader.available():
        return missing
    meter = Meter("ocr", "pages", watch)
    jobs = []
    for state, layer, numbers in waiting:
        if stop.is_set():
            return ""
        meter.learn(state.doc, len(numbers))
        pages = space.pages((state.doc, layer, number) for number in numbers)
        path = str(space.source(state))
        patience = state.patience(tally("ocr", layer))
        # a page that cannot be read is read again with its document, and waits for that
        whole = [number for number in numbers if (state.doc, layer, number) in pages]
        for start in range(0, len(whole), _OCR_JOB):
            some = whole[start : start + _OCR_JOB]
            found = {number: pages[state.doc, layer, number] for number in some}
            sizes = {str(number): [page.width_pt, page.height_pt] for number, page in found.items()}
            labels = {str(number): page.label for number, page in found.items()}
            order = {"kind": "ocr", "path": path, "doc": state.doc, "layer": layer, "pages": some}
            jobs.append(Job(state.doc, {**order, "sizes": sizes, "labels": labels}, patience=patience))
    if not jobs:
        return ""
    run = _Reading(space)
    with Pool(space.worker_start(), space.workers(len(jobs)), space.config.index.limits) as pool:
        for message in pool.run(jobs, stop):
            if message.type == "read":
                meter.add(message.job.doc, 1, message.job.message["path"])
            run.take(message)
            if stop.is_set():
                break
    run.commit_all()
    meter.end()
    return ""


@dataclass(slots=True)
class _Read:
    """What came of a job since its last commit."""

    job: Job
    points: list[Point] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    pages: set[int] = field(default_factory=set)  # of which all points are here
    since: float = field(default_factory=time.monotonic)


class _Reading:
    """The commits of one run of OCR: of each job some pages at a time, so that a run that ends loses seconds."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._jobs: dict[int, _Read] = {}
        self._counted: set[str] = set()  # documents of which a failed attempt was counted in this run

    def take(self, message: Message) -> None:
        """Store what a worker sent."""
        read = self._jobs.setdefault(id(message.job), _Read(message.job))
        header = message.header
        if message.type == "items":
            read.points += points_of(header, message.blob)
        elif message.type == "fault":
            read.faults[header["page"]] = fault_of(message, "ocr")
        elif message.type == "read":
            read.pages.add(header["page"])
        elif message.type == "again":
            self._jobs[id(message.job)] = _Read(message.job)
        elif message.type == "error":
            left = set(message.job.message["pages"]) - read.pages - set(read.faults)
            fault = Fault(0, f"OCR: {header['reason']}", Outcome(header["outcome"]), "ocr")
            read.faults |= {page: replace(fault, page=page) for page in sorted(left)}
        if message.type in ("end", "error"):
            self._commit(self._jobs.pop(id(message.job)))
        elif message.type == "read" and time.monotonic() - read.since >= _OCR_SECONDS:
            # the worker sends page after page: nothing of the next one has come
            self._commit(self._jobs.pop(id(message.job)))

    def commit_all(self) -> None:
        """Keep what was read of the jobs that did not end."""
        for read in self._jobs.values():
            self._commit(read)
        self._jobs.clear()

    def _commit(self, read: _Read) -> None:
        """Pages and their passages change in one step: what was made of a page without its text goes with the old page.

        A page that failed by a passing cause goes on waiting, as often as `State.attempt` allows.
        """
        space, job = self._space, read.job
        state = space.catalog.get(job.doc)
        done = read.pages | set(read.faults)
        if state is None or not done:
            return
        layer = job.message["layer"]
        passages = space.layers.passages(layer)
        own = tally("ocr", layer)
        points = [point for point in read.points if point.payload["page"] in read.pages]
        replaced = {point.payload["page"] for point in points}  # not those on which nothing was read
        sound = state.layers[passages].sound
        if replaced:  # a run that ends before the last line leaves the layer to be checked
            state.layers[passages].sound = False
            space.catalog.save(state)
        with space.rewriting(job.doc):
            for page in sorted(replaced):
                alone = (Between("page", page, page), Between("last", page, page))
                space.store.delete_where(AllOf((Is("doc", job.doc), Is("layer", passages), *alone)))
            for start in range(0, len(points), _WINDOW):
                space.store.upsert(points[start : start + _WINDOW])
        passing = {page for page, fault in read.faults.items() if fault.outcome in PASSING}
        if passing and job.doc not in self._counted:
            self._counted.add(job.doc)
            state.attempt(own)
        state.faults = [f for f in state.faults if f.stage != "ocr" or f.page not in done]
        for page, fault in read.faults.items():
            reason = fault.reason + (attempt_of(state, "ocr", layer) if page in passing else "")
            state.faults.append(replace(fault, reason=reason))
        ended = done - passing if state.attempts.get(own, 0) < ATTEMPTS else done
        state.waiting[own] = [page for page in state.waiting.get(own, []) if page not in ended]
        state.tried[own] = sorted({*state.tried.get(own, []), *ended})
        state.layers[passages].sound = sound
        _forget_items(space, state, replaced)
        if state.outcome is Outcome.NO_TEXT and any(point.payload["kind"] == "passage" for point in points):
            state.outcome = Outcome.INDEXED
        recount(space, state)
        job.message["pages"] = [page for page in job.message["pages"] if page not in done]


def _forget_items(space: Space, state: State, pages: Set[int]) -> None:
    """What later vectors failed on was of the pages as they were."""
    for name, (spec, _) in space.layers.makers(eager=False).items():
        key = tally(name, space.layer(state, spec.items))
        gone = {ordinal for ordinal in state.tried.get(key, ()) if page_of_item(ordinal, spec.items) in pages}
        if gone:
            state.tried[key] = [ordinal for ordinal in state.tried[key] if ordinal not in gone]
            state.faults = [f for f in state.faults if f.stage != name or f.page not in pages]


def layout(space: Space, watch: Watch, stop: threading.Event) -> None:
    """Find the blocks of every page anew with the layout model; each document is swapped when all of it is done."""
    pending = []
    for state in readable(space):
        refined = space.layers.refined(state.paths[0])
        if refined and state.complete(refined):
            _drop_plain(space, state)  # the last run may have ended just before
        elif refined and tally("layout", refined) not in state.tried and space.source(state):
            pending.append((state, refined))
    if not pending:
        return
    meter = Meter("layout", "pages", watch)
    commit = Commit(space, Report(), refine=True)
    jobs = []
    limits = space.config.index.limits
    for state, refined in pending:
        files = [File(path, state.bytes, 0, 0, state.doc) for path in state.paths]
        commit.expect(state.doc, files, refined)
        meter.expect(state.doc, state.bytes)
        patience = state.patience(tally("layout", refined))
        source = space.source(state) or space.root
        jobs.append(parse_job(state.doc, source, refined, limits.pages, refine=True, patience=patience))
    with Pool(space.worker_start(), space.workers(len(jobs)), limits) as pool:
        for message in pool.run(jobs, stop):
            commit.take(message, meter)
            if stop.is_set():
                break
    commit.settle()
    for state, refined in pending:
        if state.complete(refined):
            _drop_plain(space, state)
    meter.end()


def _drop_plain(space: Space, state: State) -> None:
    """The refined pages took the place of the plain ones."""
    plain = space.layers.plain(state.paths[0])
    both = [plain, space.layers.passages(plain)]
    if not state.layers.keys() & set(both):
        return
    space.store.delete_where(AllOf((Is("doc", state.doc), In("layer", both))))
    space.store.flush()  # else a kill may bring the points back, and no state would name them
    for layer in both:
        state.layers.pop(layer, None)
        state.forget(layer)
    space.catalog.save(state)
    space.catalog.drop_terms(state.doc, lambda key: layer_of(key) in both)
    space.forget(state.doc)
