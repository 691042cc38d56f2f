"""What follows when documents can be searched: every later stage, and pages that a passing cause kept from being read.

A document that could not be read at all has nothing to lose: it is read as if it were new. Of a document that lacks
pages only these are read again, beside those that it has: whatever becomes of the attempt, nothing that could be found
is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ragsys.catalog import ATTEMPTS, State, tally
from ragsys.ingest import (
    PASSING,
    READABLE,
    Commit,
    Plan,
    attempt_of,
    fault_of,
    parse,
    parse_job,
    passing,
    points_of,
)
from ragsys.pool import Job, Pool
from ragsys.progress import Meter, Report, Watch
from ragsys.scan import File
from ragsys.stages import derive_one, embed, layout, ocr, recount
from ragsys.store import Point
from ragsys.types import Fault, Outcome

if TYPE_CHECKING:
    from ragsys.space import Space


def later(space: Space, watch: Watch, stop: threading.Event) -> list[str]:
    """Every later stage in the order in which one builds on another: what failed by a passing cause is read again, the
    layout model makes pages anew, OCR fills those without text, vectors come last. Returns what could not run."""
    notes: list[str] = []
    reread(space, watch, stop)
    if space.config.index.layout and not stop.is_set():
        layout(space, watch, stop)
    if space.config.index.ocr != "never" and not stop.is_set() and (missing := ocr(space, watch, stop)):
        notes.append(f"OCR: {missing}")
    if not stop.is_set():
        embed(space, watch, stop)
    return notes


def reread(space: Space, watch: Watch, stop: threading.Event, *, always: bool = False) -> None:
    """Read again what failed by a passing cause: three times at most, or `always`; once as long as it is open."""
    whole, parts = Plan(), []
    for state in space.catalog:
        lost = passing(state)
        if not lost or state.excluded or state.doc in space.attempted or not space.layers.loader_name(state.paths[0]):
            continue
        layer = space.page_layer(state) if state.outcome in READABLE else space.layers.plain(state.paths[0])
        if (state.attempts.get(tally("parse", layer), 0) < ATTEMPTS or always) and space.source(state):
            if state.outcome in READABLE:
                parts.append((state, layer, sorted({page for page in lost if page})))
            else:
                whole.parse[state.doc] = [File(path, state.bytes, 0, 0, state.doc) for path in state.paths]
    if whole.parse:
        parse(space, whole, Commit(space, Report()), watch, stop)
    if parts and not stop.is_set():
        _reread_pages(space, parts, watch, stop)


def _reread_pages(space: Space, parts: list[tuple[State, str, list[int]]], watch: Watch, stop: threading.Event) -> None:
    limits = space.config.index.limits
    meter = Meter("parse", "pages", watch)
    jobs = []
    for state, layer, pages in parts:
        space.attempted.add(state.doc)
        meter.learn(state.doc, len(pages))
        refine = layer != space.layers.plain(state.paths[0])
        patience = state.patience(tally("parse", layer))
        file = space.source(state) or space.root
        job = parse_job(state.doc, file, layer, limits.pages, refine=refine, patience=patience)
        job.message["only"] = pages
        jobs.append(job)
    points: dict[str, list[Point]] = {}
    faults: dict[str, dict[int, Fault]] = {}
    with Pool(space.worker_start(), space.workers(len(jobs)), limits) as pool:
        for message in pool.run(jobs, stop):
            doc = message.job.doc
            mine, lost = points.setdefault(doc, []), faults.setdefault(doc, {})
            if message.type == "items":
                mine += points_of(message.header, message.blob)
            elif message.type == "fault":
                lost[message.header["page"]] = fault_of(message, "parse")
            elif message.type == "again":
                mine.clear()
                lost.clear()
            elif message.type in ("end", "error"):
                if message.type == "error":  # it takes no page of those that were read before
                    reason, outcome = message.header["reason"], Outcome(message.header["outcome"])
                    lost |= {page: Fault(page, reason, outcome) for page in message.job.message["only"]}
                    mine.clear()
                _commit(space, message.job, mine, lost)
                meter.add(doc, len(message.job.message["only"]), message.job.message["path"])
    meter.end()


def _commit(space: Space, job: Job, points: list[Point], faults: Mapping[int, Fault]) -> None:
    """Add the pages that were read this time, and make the document's passages from all that it has now."""
    state = space.catalog.get(job.doc)
    if state is None:
        return
    layer = job.message["layer"]
    found = {point.payload["page"] for point in points}
    if found:
        # a run that ends before the last line leaves the layer to be checked
        state.layers[space.layers.passages(layer)].sound = False
        space.catalog.save(state)
        space.store.upsert(points)
        space.forget(state.doc)
        waiting = {point.payload["page"] for point in points if point.payload["source"] == "none"}
        if waiting:
            key = tally("ocr", layer)
            state.waiting[key] = sorted({*state.waiting.get(key, ()), *waiting})
    state.faults = [f for f in state.faults if f.stage != "parse" or f.page not in found | set(faults)]
    if any(fault.outcome in PASSING for fault in faults.values()):
        state.attempt(tally("parse", layer))
    for fault in faults.values():
        which = attempt_of(state, "parse", layer) if fault.outcome in PASSING else ""
        state.faults.append(replace(fault, reason=fault.reason + which))
    if state.outcome is Outcome.PARTIAL and not any(fault.stage == "parse" for fault in state.faults):
        state.outcome = Outcome.INDEXED
    recount(space, state)
    if found:
        derive_one(space, state)
