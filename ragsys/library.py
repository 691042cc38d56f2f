"""The public Python API: `ragsys.open(folder)` gives a `Library` to search, ask and inspect."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import backfill, exclusions, ingest, opening, places, readonly, soundness, stages, warming
from ragsys.asking import CLOSED, Asking, Explained, Narrowed, SearchHit, Status, check_question, check_search
from ragsys.catalog import Catalog, State, document_of
from ragsys.config import AnswerConfig, Config, load, preflight
from ragsys.errors import LibraryBusy, LibraryError, NoAnswer, UsageError, did_you_mean
from ragsys.filters import to_filter as to_filter
from ragsys.gc import remove_library
from ragsys.layers import Layers
from ragsys.locating import best_blocks
from ragsys.owning import own
from ragsys.plugins import Builder, registry
from ragsys.progress import Progress, Report, Watch
from ragsys.search import Searcher
from ragsys.service import Service
from ragsys.space import Space
from ragsys.types import BBox, Document, Event, Outcome, PageImage, Query, Usage
from ragsys.wording import counted

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.actions import Turn
    from ragsys.exchange import Cancel
    from ragsys.protocols import Store
    from ragsys.remote import RemoteLibrary

log = logging.getLogger("ragsys")
_PATIENCE = 60.0  # seconds that an owner may take to open its library, to answer or to let go
_QUIET = 3.0  # seconds after which a wait for it is noted
_LATE = 5.0  # seconds that lists which came too late may still read the store
_CLIENTS = 130.0  # seconds that other processes have to end what they asked: a question's budget, by default


class Library(Asking):
    """A folder of documents that can be searched and asked. Close it, or use it as a context manager.

    The first `search`, `ask` or `stream` indexes what is new, unless the library was opened with `index=False`. Layers
    that are too slow to wait for are then filled in the background. One process owns a library at a time.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        config: Config | Mapping[str, Any] | str | Path | None = None,
        overrides: Sequence[str] = (),
        store: Store | None = None,
        folder: str | Path | None = None,
        index: bool = True,
        background: bool = True,
        progress: Watch | None = None,
    ) -> None:
        """Open the library of a folder or file; it is made where there is none.

        `config` is a preset's name, a YAML file, a mapping such as the file would hold, or a `Config`; `overrides` are
        "a.b=value". `folder` is where the library lives, by default in the user's data directory. `index=False` leaves
        new files alone until `index` is called, `background=False` the later layers; `progress` is told what is done.
        Raises `ConfigError`, `LibraryBusy`, `LibraryError`.
        """
        self.config = load(config, overrides)
        if problems := preflight(self.config, registry()):
            raise problems[0]
        self._copy = readonly.Copy(places.place_of(Path(root), Path(folder) if folder else None))
        self.place = self._copy.place
        known = places.check(self.place)
        self._refresh_first, self._background = index, background and not self._copy.made
        self._watchers = [progress] if progress else []  # are told how far the later layers are
        self._stop, self._thread = threading.Event(), None
        self._work = threading.RLock()  # one writer at a time: an indexing run or a later stage
        self._writers = 0  # that run or wait; the later layers make way for all of them
        self._count = threading.Lock()
        self._stops: set[threading.Event] = set()  # of the indexing runs
        self._running: Progress | None = None  # of an indexing run
        self._made = not self.place.folder.exists()
        places.register(self.place)
        self._lock = own(self.place)
        try:
            self.space = self._open(store)
            self._copy.check(self.space)
            if known is not None and known.format < places.FORMAT:
                places.upgrade(self.place)
            self.searcher = Searcher(self.space)
            self._service = Service(self)
        except BaseException:
            if hasattr(self, "space"):
                self.space.close()
            self._let_go(empty=True)
            raise

    _thread: threading.Thread | None
    _closed = False

    def _open(self, store: Store | None) -> Space:
        builder = Builder(registry(), self.config.defaults, self.place.folder, places.cache_dir())
        chosen: Store = store if store is not None else builder.build("store", self.config.store)
        builder.give("store", chosen)
        layers = Layers(self.config, builder)
        with opening.explained(self.place, chosen, self.config):
            chosen.ensure(layers.schema)
            catalog = Catalog(chosen)
            cache = places.cache_dir()
            space = Space(self.place.root, self.place.folder, cache, self.config, builder, chosen, layers, catalog)
            exclusions.meet(self.place.folder, catalog)
            soundness.count(space)
        return space

    def __repr__(self) -> str:
        return f"<Library of {self.place.root}{', closed' if self._closed else ''}>"

    @property
    def owner(self) -> int:
        return os.getpid()

    # -- indexing --------------------------------------------------------------------------------------------------

    def index(
        self, *, wait: bool = False, prune: bool = False, retry: bool | None = None, progress: Watch | None = None
    ) -> Report:
        if self._copy.made:
            return self._copy.report(retry)
        told = progress or self._tell
        stop = threading.Event()
        self._stops.add(stop)

        def watch(progress: Progress) -> None:
            self._running = progress
            told(progress)

        try:
            with self._writing():
                self._running = Progress("scan", 0, 0, "files")
                try:
                    if retry is not False:  # no answer waits for it
                        soundness.once(self.space)
                    report = ingest.index(self.space, prune=prune, retry=retry, watch=watch, stop=stop)
                    report.warnings += stages.derive(self.space, watch, stop)
                    if retry is not False:
                        backfill.reread(self.space, watch, stop, always=bool(retry))
                    if wait:
                        before = self._later_faults()
                        report.warnings += backfill.later(self.space, watch, stop)
                        report.faults += [one for one in self._later_faults() if one not in before]
                except BaseException:
                    self.space.store.flush()
                    raise
                finally:
                    self._running = None
                self._refresh_first = False
        finally:
            self._stops.discard(stop)
        return report

    def _later_faults(self) -> list[tuple[str, int, str]]:
        """(path, page, reason) of what the stages after parsing failed on."""
        return [(s.paths[0], f.page, f.reason) for s in self.space.catalog for f in s.faults if f.stage != "parse"]

    @property
    def under_way(self) -> str:
        running = self._running
        if running is None or running.stage not in ("scan", "parse"):  # later layers are told as pending
            return ""
        whole = sum(not state.excluded and state.outcome is not Outcome.WAITING for state in self.space.catalog)
        read = f", {running.done} of about {counted(running.total, 'page')} of this run" if running.total else ""
        return (
            f"indexing is still under way ({counted(whole, 'document')} can be searched{read}): ask again for the rest"
        )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone with the store: the later layers make way, and go on when nobody else waits to write."""
        with self._count:
            self._writers += 1
        try:
            self._pause()
            with self._work:
                self._alive()
                if self._copy.made:
                    self._copy.report(None)
                yield
        finally:
            with self._count:
                self._writers -= 1
            if self._background:
                self.resume()

    def resume(self) -> None:
        with self._count:
            if self._closed or self._writers or (self._thread is not None and self._thread.is_alive()):
                return
            self._stop = threading.Event()
            thread = threading.Thread(target=self._later, args=(self._stop,), name="ragsys-layers", daemon=True)
            thread.start()
            self._thread = thread  # only now: Ctrl-C may come in between, and one that never began cannot be joined

    def finish(self, seconds: float, progress: Watch | None = None) -> bool:
        self._alive()
        until = time.monotonic() + seconds
        told = [progress] if progress else []
        self._watchers += told
        try:
            while self.status().pending and time.monotonic() < until:
                self.resume()
                thread, stop = self._thread, self._stop
                while thread is not None and thread.is_alive() and (left := until - time.monotonic()) > 0:
                    thread.join(min(left, 0.2))  # a wait without an end could not be interrupted on Windows
                if thread is not None and not thread.is_alive() and not stop.is_set():
                    break  # it did all that can be done here
                if thread is None:  # somebody writes: it begins after that
                    time.sleep(0.05)
        finally:
            for watch in told:
                self._watchers.remove(watch)
            if not self._background:
                self._pause()
        return not self.status().pending

    def _tell(self, progress: Progress) -> None:
        for watch in tuple(self._watchers):
            with contextlib.suppress(Exception):  # who looks on never ends the work
                watch(progress)

    def _later(self, stop: threading.Event) -> None:
        try:
            with self._work:
                backfill.later(self.space, self._tell, stop)
        except Exception:  # the library stays usable; what failed is pending and is tried again
            # a script that ends without closing its library takes the embedder's threads away
            if not stop.is_set() and threading.main_thread().is_alive():
                log.warning("filling later layers failed", exc_info=True)

    def _pause(self) -> None:
        with self._count:
            self._stop.set()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def refresh(self) -> None:
        self._alive()
        if self._refresh_first:
            self.prepare()
            self.index(retry=False)

    def prepare(self) -> None:
        self._alive()
        warming.begin(self.searcher.retrievers.values())

    # -- asking ----------------------------------------------------------------------------------------------------

    def find(self, text: str, k: int = 10, *, filter: Narrowed = None) -> tuple[list[SearchHit], Explained]:
        check_search(text, k)
        query = Query(text, filter=to_filter(filter))
        self._alive()
        self.refresh()
        found = self.searcher.search(query, k)
        score = self.searcher.words(query, found.lists)
        hits = [
            SearchHit.of(one, functools.partial(best_blocks, one.page, one.passages, score))
            for one in self.searcher.evidence(found.hits)
        ]
        notes = (*found.notes, running) if (running := self.under_way) else found.notes
        return hits, Explained(dict(found.coverage), dict(found.seconds), notes)

    def stream(
        self,
        question: str,
        *,
        filter: Narrowed = None,
        budget: Mapping[str, float] | None = None,
        images: Sequence[Image] = (),
        history: Sequence[Turn] = (),
        cancel: Cancel | None = None,
        answer: AnswerConfig | None = None,
    ) -> Iterator[Event]:
        from ragsys.answer import stream
        from ragsys.host import LibraryHost
        from ragsys.smalltalk import replied

        check_question(question, images)
        self._alive()
        if not images and (reply := replied(question)) is not None:
            yield Event("answer", reply.text, data=reply)
            return
        self.refresh()
        config = self.config.model_copy(update={"answer": answer}) if answer is not None else self.config
        host = LibraryHost(self, to_filter(filter), config)
        judge = self.space.builder.build("judge", self.config.judge) if self.config.judge else None
        given: Any = {"budget": budget, "images": tuple(images), "history": tuple(history)}
        for event in stream(host, question, **given, judge=judge, cancel=cancel):
            registry().notify(event)
            yield event

    def reworded(
        self, question: str, history: Sequence[Turn], *, seconds: float = 20.0, cancel: Cancel | None = None
    ) -> tuple[str, Usage] | None:
        from ragsys.calls import reads_prompts
        from ragsys.chatting.rewriting import PROMPT, rewrite

        self._alive()
        builder = self.space.builder
        generator = builder.build("generator", self.config.generator)
        if not reads_prompts(generator):
            return None
        prompt = builder.registry.prompt(PROMPT)
        return rewrite(generator, prompt, question, history, seconds=seconds, cancel=cancel)

    # -- documents -------------------------------------------------------------------------------------------------

    def documents(self, *, removed: bool = False) -> list[Document]:
        self._alive()
        return [self._document(state) for state in self.space.catalog if removed or not state.excluded]

    def _document(self, state: State) -> Document:
        """The public form of a state, with what of its files is not there now."""
        found = document_of(state, self.space.states(state))
        gone = tuple(path for path in found.paths if not self.space.file(path).exists())
        return replace(found, gone=gone, removed=state.excluded)

    def document(self, name: str) -> Document:
        return self._document(self._state(name))

    def _state(self, name: str, *, excluded: bool = False) -> State:
        self._alive()
        states = [state for state in self.space.catalog if state.excluded == excluded]
        wanted = name.replace("\\", "/")
        if self.place.root.is_dir():
            with contextlib.suppress(ValueError, OSError):
                wanted = Path(name).expanduser().resolve().relative_to(self.place.root).as_posix()
        tests = (
            lambda s: wanted in s.paths or name in s.paths or s.doc == name,
            lambda s: any(path.endswith("/" + name) for path in s.paths),
            lambda s: len(name) >= 6 and s.doc.startswith(name.lower()),
        )
        for test in tests:
            found = [state for state in states if test(state)]
            if len(found) == 1:
                return found[0]
            if found:
                raise UsageError(f"'{name}' fits {len(found)} documents", hint="\n".join(s.paths[0] for s in found[:5]))
        known = [path for state in states for path in state.paths]
        kind = "removed document" if excluded else "document"
        raise UsageError(f"no {kind} named '{name}'.{did_you_mean(name, known)}", hint="ragsys docs FOLDER list")

    def remove(self, name: str) -> Document:
        with self._writing():
            state = self._state(name)
            document = self._document(state)
            self.space.catalog.remove(state.doc)
            self.space.catalog.save(State(state.doc, paths=state.paths, bytes=state.bytes, excluded=True))
            self.space.store.flush()
            exclusions.save(self.place.folder, self.space.catalog)
            self.space.forget(state.doc)
        return document

    def restore(self, name: str) -> None:
        with self._writing():
            state = self._state(name, excluded=True)
            exclusions.save(self.place.folder, self.space.catalog, without={state.doc})
            self.space.catalog.remove(state.doc)
            self.space.store.flush()

    def status(self) -> Status:
        self._alive()
        outcomes: dict[str, int] = {}
        pages = passages = documents = 0
        for state in self.space.catalog:
            if state.excluded:
                continue
            documents += 1
            outcomes[state.outcome.value] = outcomes.get(state.outcome.value, 0) + 1
            pages += self.space.items(state, "page")
            passages += self.space.items(state, "passage")
        root, folder = str(self.place.root), str(self.place.folder)
        return Status(root, folder, documents, pages, passages, outcomes, self.space.summary())

    def render(self, doc: str, page: int, *, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        from ragsys.rendering import render

        self._alive()
        return render(self.space, doc, page, dpi, clip)

    # -- care ------------------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return self.space.catalog.key

    def _alive(self) -> None:
        if self._closed:
            raise LibraryError(CLOSED)

    def __exit__(self, *error: object) -> None:
        """Close it; what other processes ask of it at this moment is answered before, unless an error ends this one."""
        try:
            if not any(error) and not self._closed:
                self._service.finish(_CLIENTS)
        finally:
            self.close()

    def close(self) -> None:
        """Stop what runs in the background, make everything durable, let go of the library. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._service.close()
        for stop in list(self._stops):  # runs of other threads and of clients end between two documents
            stop.set()
        self._pause()
        self.searcher.settle(_LATE)
        with self._work:
            empty = not any(True for _ in self.space.catalog)
            try:
                self.space.close()
            finally:
                self._let_go(empty=empty)

    def _let_go(self, *, empty: bool) -> None:
        """Release the lock. A library that was made by this object and came to hold nothing goes again."""
        self._lock.release()
        self._copy.drop()
        if self._made and empty:
            with contextlib.suppress(LibraryError, OSError):  # another process has just opened it
                remove_library(self.place)


def open(
    root: str | Path,
    *,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    overrides: Sequence[str] = (),
    store: Store | None = None,
    folder: str | Path | None = None,
    index: bool = True,
    background: bool = True,
    progress: Watch | None = None,
) -> Library | RemoteLibrary:
    """The library of a folder or file, or, if another process has it open, a client of that process.

    Takes what `Library` takes, and both have the same methods. What is opened once by the owner (`store`, `index`,
    `background`) is the owner's choice. Raises what `Library` raises; `LibraryBusy` only if the owner does not answer.
    """
    from ragsys.remote import RemoteLibrary

    chosen, began = load(config, overrides), time.monotonic()
    noted = False
    own: Any = {"store": store, "folder": folder, "index": index, "background": background, "progress": progress}
    while True:
        try:
            return Library(root, config=chosen, **own)
        except LibraryBusy:
            place = places.place_of(Path(root), Path(folder) if folder else None)
        try:
            return RemoteLibrary(place, chosen, progress=progress)
        except NoAnswer:  # it may be just opening, or closing: within a moment it answers, or lets go
            waited = time.monotonic() - began
            if waited > _PATIENCE:
                raise
            if waited > _QUIET and not noted:
                noted = True
                log.warning("waiting for the process that has the library of %s open and does not answer yet", root)
            time.sleep(0.1)


__all__ = ["Explained", "Library", "Progress", "Report", "SearchHit", "Status", "open", "to_filter"]
