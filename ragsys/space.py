"""An open library's parts, shared by the ways in, across and out: folder, configuration, store, documents, layers."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from types import MappingProxyType

from ragsys import workerconfig
from ragsys.catalog import Catalog, State, tally
from ragsys.config import Config
from ragsys.drawing import Drawer
from ragsys.layers import Layers
from ragsys.passages import embedded_text, passage_text
from ragsys.plugins import Builder
from ragsys.protocols import Store
from ragsys.records import headings_of, page_of, pieces_of, point_id
from ragsys.scan import TABLE, File, document_id, load_table
from ragsys.statistics import TermCounts
from ragsys.store import Record
from ragsys.types import JSON, LayerState, Page, Passage, Piece, VectorSpec

log = logging.getLogger("ragsys")
_PAGES_HELD = 512  # unpacked pages kept in memory


@dataclass
class Space:
    """The parts of one open library."""

    root: Path  # the folder of documents (or one file)
    folder: Path  # where the library lives; never inside the root
    cache: Path  # the user's cache folder: may vanish at any time
    config: Config
    builder: Builder
    store: Store
    layers: Layers
    catalog: Catalog
    checked: bool = False  # since it was opened: see `soundness`
    attempted: set[str] = field(default_factory=set)  # documents that were read since it was opened: not again at once
    _held: OrderedDict[tuple[str, str, int], Page] = field(default_factory=OrderedDict)
    _checked: dict[str, File] = field(default_factory=dict)  # files that were seen to hold their documents
    _table: tuple[int, Mapping[str, File]] = field(default=(0, MappingProxyType({})))  # when it was written, ns
    _versions: Counter[str] = field(default_factory=Counter)  # by document: how often its points were written anew
    _lock: RLock = field(default_factory=RLock)
    drawer: Drawer = field(init=False)  # draws pages

    def __post_init__(self) -> None:
        self.drawer = Drawer(self.worker_start, self.config.index.limits)

    def close(self) -> None:
        """Let go of the store and of the process that draws."""
        self.drawer.close()
        self.store.close()

    # -- layers of one document ------------------------------------------------------------------------------------

    def page_layer(self, state: State) -> str:
        """The page layer that a search sees of a document: the refined one where it is complete."""
        path = state.paths[0] if state.paths else ""
        refined = self.layers.refined(path) if self.layers.loader_name(path) else None
        if refined and state.complete(refined):
            return refined
        return self.layers.plain(path) if self.layers.loader_name(path) else ""

    def layer(self, state: State, kind: str) -> str:
        """The layer of pages ("page") or passages ("passage") that a search sees of a document."""
        pages = self.page_layer(state)
        return pages if kind == "page" else self.layers.passages(pages)

    def shown(self, state: State) -> set[str]:
        """Both layers that a search sees of a document."""
        pages = self.page_layer(state)
        return {pages, self.layers.passages(pages)}

    def items(self, state: State, kind: str) -> int:
        """How many pages ("page") or passages ("passage") of a document a search sees."""
        found = state.layers.get(self.layer(state, kind))
        return found.items if found else 0

    def made(self, state: State, spec: VectorSpec) -> int:
        """How many of these items were looked at for a named vector: those that have it, and those that failed."""
        layer = self.layer(state, spec.items)
        return state.vectors.get(tally(spec.name, layer), 0) + state.failed(spec.name, layer)

    def statistics(self, vector: str) -> TermCounts:
        """The term counts of a sparse vector over all that a search may see."""
        return self.catalog.statistics(vector, self.shown)

    def concealed(self) -> tuple[list[str], dict[str, list[str]]]:
        """(documents that must not surface, {layer: documents of which it must not): removed ones, half written ones,
        and layers beside those that a search sees, such as one that the layout model is still writing."""
        names = {*self.layers.page_layers, *self.layers.passage_layers}
        documents: list[str] = []
        beside: dict[str, list[str]] = {}
        for state in self.catalog:
            own = names & state.layers.keys()
            if state.excluded:
                documents.append(state.doc)
            elif len(own) > 2 or not all(state.layers[layer].complete for layer in own):
                shown = self.shown(state)
                if all(state.complete(layer) for layer in shown):
                    for layer in sorted(own - shown):
                        beside.setdefault(layer, []).append(state.doc)
                else:
                    documents.append(state.doc)
        return documents, beside

    def plain(self) -> bool:
        """Whether the store holds no layers of documents beside those that a search of this configuration sees: then a
        vector's name alone tells its points."""
        return all(state.layers.keys() <= self.shown(state) for state in self.catalog)

    def states(self, state: State) -> dict[str, LayerState]:
        """{stage: how much of it is done} of one document; stages are named as a person would."""
        names = self.layers.names()
        pages = self.items(state, "page")
        found = {"pages": LayerState(pages, pages), "passages": LayerState(*[self.items(state, "passage")] * 2)}
        for name, spec in self.layers.vectors.items():
            total = self.items(state, spec.items)
            found[names[name]] = LayerState(min(total, self.made(state, spec)), total)
        key = tally("ocr", self.page_layer(state))
        if key in state.waiting and self.config.index.ocr != "never":
            seen = len(state.tried.get(key, ()))
            found["ocr"] = LayerState(seen, seen + len(state.waiting[key]))
        if (refined := self._refined(state)) is not None:
            done = state.complete(refined) or tally("layout", refined) in state.tried
            found["layout"] = LayerState(pages if done else 0, pages)
        return found

    def _refined(self, state: State) -> str | None:
        path = state.paths[0] if state.paths else ""
        return self.layers.refined(path) if self.layers.loader_name(path) else None

    def summary(self) -> dict[str, LayerState]:
        """{stage: how much of it is done} over all documents."""
        done: dict[str, int] = {}
        total: dict[str, int] = {}
        for state in self.catalog:
            if state.excluded:
                continue
            for stage, layer in self.states(state).items():
                done[stage] = done.get(stage, 0) + layer.done
                total[stage] = total.get(stage, 0) + layer.total
        return {stage: LayerState(done[stage], total[stage]) for stage in total}

    # -- content ---------------------------------------------------------------------------------------------------

    def pages(self, wanted: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str, int], Page]:
        """{(document, page layer, number): page} of those that the store holds and that can be read.

        A damaged page costs itself alone; its document is read again by the next indexing run.
        """
        wanted = list(dict.fromkeys(wanted))
        damaged: list[tuple[tuple[str, str, int], str]] = []
        with self._lock:
            found = {key: self._held[key] for key in wanted if key in self._held}
            missing = {point_id(*key): key for key in wanted if key not in found}
            for record in self.store.get(list(missing)):
                key = missing[record.id]
                try:
                    found[key] = self._held[key] = page_of(record.payload)
                except Exception as error:  # whatever a damaged payload makes its reader say
                    damaged.append((key, f"page {key[2]} cannot be read ({type(error).__name__}: {error})"))
            while len(self._held) > _PAGES_HELD:
                self._held.popitem(last=False)
        for (doc, layer, _), reason in damaged:
            self.damaged(doc, layer, reason)
        return found

    def damaged(self, doc: str, layer: str, reason: str) -> None:
        """Note that a document's layer holds something that cannot be used: the next indexing run mends it."""
        state = self.catalog.get(doc)
        held = state.layers.get(layer) if state else None
        if state is None or held is None or not held.sound:
            return
        name = state.paths[0] if state.paths else doc
        log.warning("%s: %s; it is left out until the next indexing run", name, reason)
        held.sound = False
        self.catalog.save(state)

    def version(self, doc: str) -> int:
        """A number that changes when a document's points are written anew."""
        return self._versions[doc]

    @contextlib.contextmanager
    def unchanged(self, versions: Mapping[str, int]) -> Iterator[set[str]]:
        """Those of these documents that have not been written anew since; none is while the block runs."""
        with self._lock:
            yield {doc for doc, version in versions.items() if self._versions[doc] == version}

    @contextlib.contextmanager
    def rewriting(self, doc: str) -> Iterator[None]:
        """A block that replaces points of a document: nothing that was made of the old ones is stored with the new."""
        with self._lock:
            try:
                yield
            finally:
                self.forget(doc)

    def forget(self, doc: str) -> None:
        """Drop a document's pages from memory: they were written anew."""
        with self._lock:
            self._versions[doc] += 1
            for key in [key for key in self._held if key[0] == doc]:
                del self._held[key]

    def passages(self, records: Sequence[Record]) -> list[Passage | None]:
        """The passages of passage points, with their texts; same order. None for one that does not fit its pages."""
        layers = {
            state.doc: self.page_layer(state)
            for state in map(self.catalog.get, {r.payload["doc"] for r in records})
            if state
        }
        pieces = [_pieces(record) for record in records]
        pages = self.pages(
            (record.payload["doc"], layers.get(record.payload["doc"], ""), piece.page)
            for record, parts in zip(records, pieces, strict=True)
            for piece in parts
        )
        found: list[Passage | None] = []
        for record, parts in zip(records, pieces, strict=True):
            doc = record.payload["doc"]
            numbers = {part.page for part in parts}
            own = {n: pages[key] for n in numbers if (key := (doc, layers.get(doc, ""), n)) in pages}
            passage = None
            if parts:
                with contextlib.suppress(LookupError, ValueError):
                    text = passage_text(parts, own)
                    passage = Passage(record.payload["ordinal"], parts, text, headings_of(record.payload))
            if passage is None:
                self.damaged(doc, record.payload["layer"], "a passage does not fit its page")
            found.append(passage)
        return found

    def texts(self, records: Sequence[Record]) -> list[str | None]:
        """The texts of passage points as they are embedded: headings first; same order. None where there is none."""
        return [embedded_text(found.headings, found.text) if found else None for found in self.passages(records)]

    def item_texts(self, spec: VectorSpec, records: Sequence[Record]) -> list[str | None]:
        """The texts that a vector is made of, of pages or passages as it asks; same order. None where there is none."""
        if spec.items != "page":
            return self.texts(records)
        keys = [(record.payload["doc"], record.payload["layer"], record.payload["page"]) for record in records]
        pages = self.pages(keys)
        return [pages[key].text if key in pages else None for key in keys]

    def file(self, path: str) -> Path:
        """The file at a path that is relative to the root."""
        return self.root / path if self.root.is_dir() else self.root

    def source(self, state: State) -> Path | None:
        """A file that still holds the bytes of a document; None if there is none: a disk that is not mounted, a change.

        Size, mtime and inode as at the last scan tell that; else the bytes themselves.
        """
        for path in state.paths:
            with contextlib.suppress(OSError):
                if self._holds(path, state):
                    return self.file(path)
        return None

    def _holds(self, path: str, state: State) -> bool:
        file = self.file(path)
        about = file.stat()
        if about.st_size != state.bytes or not file.is_file():
            return False
        stamp = File(path, about.st_size, about.st_mtime_ns, about.st_ino, state.doc)
        if self._checked.get(path) != stamp:
            if self._scanned().get(path) != stamp and document_id(file) != state.doc:
                return False
            self._checked[path] = stamp
        return True

    def _scanned(self) -> Mapping[str, File]:
        """The files of the last scan, read once as long as it is the last."""
        table = self.folder / TABLE
        written = table.stat().st_mtime_ns if table.exists() else 0
        if self._table[0] != written:
            self._table = (written, load_table(table))
        return self._table[1]

    # -- workers ---------------------------------------------------------------------------------------------------

    def worker_start(self) -> JSON:
        """The first message to a worker."""
        eager = [name for name, retriever in self.layers.retrievers.items() if retriever.eager]
        return {
            "config": workerconfig.of(
                self.config, self.builder.registry, eager, digesting=self.layers.digesting is not None
            ),
            "state": str(self.builder.state),
            "cache": str(self.builder.cache),
        }

    def workers(self, jobs: int) -> int:
        """How many worker processes to use for so many jobs."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
        return max(1, min(jobs, self.config.index.workers or min(8, cores)))

    @property
    def has_password(self) -> bool:
        """Whether a loader was given a password: encrypted files are worth another try."""
        return any(spec.options.get("password") for spec in self.config.loaders.values())


def _pieces(record: Record) -> tuple[Piece, ...]:
    """The pieces of a passage's point; none where they cannot be read."""
    try:
        return pieces_of(record.payload)
    except (ValueError, TypeError, KeyError):
        return ()
