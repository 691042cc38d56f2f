"""The later layers: what another configuration lacks, OCR, the layout model, vectors that are too slow to wait for.

Each stage continues where the last run ended and may be stopped between any two batches.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ragsys.catalog import Layer, State, layer_of, tally
from ragsys.ingest import READABLE, Commit, Meter, Report, Watch, parse_job, points_of
from ragsys.pool import Job, Pool
from ragsys.records import ocr_ordinal, passage_payload, point_id
from ragsys.scan import File
from ragsys.statistics import Ids, TermCounts
from ragsys.store import AllOf, Has, In, Is, Not, Point, Record
from ragsys.types import Fault, Outcome, Page, Passage, Sparse, VectorSpec

if TYPE_CHECKING:
    from ragsys.protocols import Ocr, Retriever
    from ragsys.space import Space

_WINDOW = 256  # points written together
_ENCODED = 32  # items encoded together: about a second's work, so that a stop is soon heard
_COUNTED = 8  # windows that share one flush of what was encoded
_OCR_COMMIT = 16  # pages of a document that share one commit


def readable(space: Space) -> list[State]:
    """The documents that have pages to work on."""
    return [state for state in space.catalog if not state.excluded and state.outcome in READABLE]


def derive(space: Space, watch: Watch, stop: threading.Event) -> None:
    """Passages and cheap vectors that this configuration needs and an earlier one did not make; nothing is parsed."""
    meter = Meter("derive", "pages", watch)
    makers = space.layers.makers(eager=True)
    for state in readable(space):
        layer = space.page_layer(state)
        if stop.is_set():
            return
        if not state.complete(layer):
            continue
        passages = space.layers.passages(layer)
        missing = [name for name, (spec, _) in makers.items() if state_lacks(space, state, spec)]
        if state.complete(passages) and not missing:
            continue
        pages = pages_of(space, state, layer)
        if not state.complete(passages):
            _split_again(space, state, passages, pages)
            missing = [n for n, (s, _) in makers.items() if s.items == "passage" or n in missing]
        _encode_again(space, state, {name: makers[name] for name in missing})
        meter.add(state.doc, len(pages), state.paths[0])
    space.store.flush()


def pages_of(space: Space, state: State, layer: str) -> list[Page]:
    """All pages of a document, in order."""
    numbers = sorted(
        record.payload["page"]
        for record in space.store.scroll(AllOf((Is("doc", state.doc), Is("layer", layer))), payload=["page"])
    )
    found = space.pages((state.doc, layer, number) for number in numbers)
    return [found[state.doc, layer, number] for number in numbers]


def _split_again(space: Space, state: State, layer: str, pages: Sequence[Page]) -> None:
    space.store.delete_where(AllOf((Is("doc", state.doc), Is("layer", layer))))
    state.layers[layer] = Layer("passages")
    space.catalog.save(state)
    passages = [(passage.ordinal, passage) for passage in space.layers.splitter.split(map(_without_ocr, pages))]
    for page in pages:
        if page.source == "ocr":
            passages += [(ocr_ordinal(page.number, p.ordinal), p) for p in space.layers.splitter.split([page])]
    points = [_passage_point(state.doc, layer, ordinal, passage) for ordinal, passage in passages]
    for start in range(0, len(points), _WINDOW):
        space.store.upsert(points[start : start + _WINDOW])
    space.store.flush()
    state.layers[layer] = Layer("passages", len(points), True)
    space.catalog.save(state)


def _without_ocr(page: Page) -> Page:
    """OCR text makes passages of its own: it may come long after the rest."""
    if page.source != "ocr":
        return page
    return Page(page.number, page.width_pt, page.height_pt, (), "none", page.label)


def _passage_point(doc: str, layer: str, ordinal: int, passage: Passage) -> Point:
    payload = passage_payload(doc, layer, ordinal, passage.pieces, passage.headings)
    return Point(point_id(doc, layer, ordinal), payload)


def _encode_again(space: Space, state: State, makers: Mapping[str, tuple[VectorSpec, Retriever]]) -> None:
    terms: dict[str, TermCounts] = {}
    for name, (spec, retriever) in makers.items():
        layer = space.layer(state, spec.items)
        records = list(space.store.scroll(AllOf((Is("doc", state.doc), Is("layer", layer)))))
        if spec.items == "page":
            pages = space.pages((state.doc, layer, record.payload["page"]) for record in records)
            texts = [pages[state.doc, layer, record.payload["page"]].text for record in records]
        else:
            texts = space.texts(records)
        vectors = [encoded[name] for encoded in retriever.encode_items(texts)]
        space.store.set_vectors(name, dict(zip([record.id for record in records], vectors, strict=True)))
        key = tally(name, layer)
        terms[key] = TermCounts.of([v.indices for v in vectors if isinstance(v, Sparse) and len(v.indices)])
        state.vectors[key] = len(records)
    space.catalog.save(state, terms)


# -- vectors that are too slow to wait for -------------------------------------------------------------------------


def embed(space: Space, watch: Watch, stop: threading.Event) -> None:
    """Fill every later vector of every document, document by document."""
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
            fill(space, spec, retriever, [record for _, record in window])
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
        found = False
        for record in list(space.store.scroll(where)):
            found = True
            yield state, record
        if not found:  # all were embedded on demand: only the count is behind
            _account(space, spec, [state])


def _windows(items: Iterator[tuple[State, Record]], size: int) -> Iterator[list[tuple[State, Record]]]:
    window: list[tuple[State, Record]] = []
    for item in items:
        window.append(item)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window


def fill(space: Space, spec: VectorSpec, retriever: Retriever, records: Sequence[Record]) -> None:
    """Encode these points for one vector and store it."""
    encoded = retriever.encode_items(space.texts(records))
    vectors = {record.id: vectors[spec.name] for record, vectors in zip(records, encoded, strict=True)}
    space.store.set_vectors(spec.name, vectors)


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
        meter.learn(state.doc, len(numbers))
        pages = space.pages((state.doc, layer, number) for number in numbers)
        path = str(space.source(state))
        for start in range(0, len(numbers), _OCR_COMMIT):
            some = numbers[start : start + _OCR_COMMIT]
            sizes = {str(n): [page.width_pt, page.height_pt] for (_, _, n), page in pages.items() if n in some}
            order = {"kind": "ocr", "path": path, "doc": state.doc, "layer": layer, "pages": some, "sizes": sizes}
            jobs.append(Job(state.doc, order))
    with Pool(space.worker_start(), space.workers(len(jobs)), space.config.index.limits) as pool:
        points: dict[int, list[Point]] = {}
        faults: dict[int, list[Fault]] = {}
        for message in pool.run(jobs):
            mine = points.setdefault(id(message.job), [])
            lost = faults.setdefault(id(message.job), [])
            if message.type == "items":
                mine += points_of(message.header, message.blob)
            elif message.type == "again":
                mine.clear()
                lost.clear()
            elif message.type == "fault":
                lost.append(Fault(message.header["page"], message.header["reason"]))
            elif message.type == "read":
                meter.add(message.job.doc, 1, message.job.message["path"])
            elif message.type in ("end", "error"):
                if message.type == "error":
                    read = {point.payload["page"] for point in mine} | {fault.page for fault in lost}
                    reason, left = f"OCR: {message.header['reason']}", set(message.job.message["pages"]) - read
                    lost += [Fault(page, reason, Outcome(message.header["outcome"])) for page in sorted(left)]
                _commit_ocr(space, message.job, points.pop(id(message.job)), lost)
            if stop.is_set():
                break
    meter.end()
    return ""


def _commit_ocr(space: Space, job: Job, points: Sequence[Point], faults: Sequence[Fault]) -> None:
    """Replace the pages that were read and add their passages; then the state, with the terms that came."""
    state = space.catalog.get(job.doc)
    if state is None:
        return
    for start in range(0, len(points), _WINDOW):
        space.store.upsert(points[start : start + _WINDOW])
    space.store.flush()
    layer = job.message["layer"]
    passages = sum(point.payload["kind"] == "passage" for point in points)
    state.faults += faults
    done = set(job.message["pages"])
    own = tally("ocr", layer)
    state.waiting[own] = [page for page in state.waiting.get(own, []) if page not in done]
    state.tried[own] = sorted({*state.tried.get(own, []), *done})
    state.layers[space.layers.passages(layer)].items += passages
    if passages and state.outcome is Outcome.NO_TEXT:
        state.outcome = Outcome.INDEXED
    gathered: dict[str, list[Ids]] = {}
    for point in points:
        for name, vector in point.vectors.items():
            if isinstance(vector, Sparse) and len(vector.indices):
                gathered.setdefault(tally(name, point.payload["layer"]), []).append(vector.indices)
    known = space.catalog.terms(job.doc)
    terms = {
        key: TermCounts.total([TermCounts.of(ids), *([TermCounts.unpack(known[key])] if key in known else [])])
        for key, ids in gathered.items()
    }
    for name, (spec, _) in space.layers.makers(eager=True).items():
        if spec.items == "passage":
            key = tally(name, space.layers.passages(layer))
            state.vectors[key] = state.vectors.get(key, 0) + passages
    space.catalog.save(state, terms)
    space.forget(job.doc)


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
        jobs.append(parse_job(state.doc, space.source(state) or space.root, refined, limits.pages, refine=True))
    with Pool(space.worker_start(), space.workers(len(jobs)), limits) as pool:
        for message in pool.run(jobs):
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
    for layer in both:
        state.layers.pop(layer, None)
    state.forget(plain)
    state.vectors = {key: count for key, count in state.vectors.items() if layer_of(key) not in both}
    space.catalog.save(state)
    space.catalog.drop_terms(state.doc, [key for key in space.catalog.terms(state.doc) if layer_of(key) in both])
    space.forget(state.doc)


def later(space: Space, watch: Watch, stop: threading.Event) -> list[str]:
    """Every later stage in the order in which one builds on another: the layout model makes pages anew, OCR fills
    those without text, vectors come last. Returns what could not run."""
    notes = []
    if space.config.index.layout:
        layout(space, watch, stop)
    if space.config.index.ocr != "never" and not stop.is_set() and (missing := ocr(space, watch, stop)):
        notes.append(f"OCR: {missing}")
    if not stop.is_set():
        embed(space, watch, stop)
    return notes
