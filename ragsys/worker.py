"""A parser's process: reads jobs from stdin, writes points to stdout. Holds no store; may be killed at any time.

One process parses, splits and encodes a document, so that the library's owner has only to store what comes. The page
that is being read is written to a small file, so that whoever ends a hanging worker knows which page it hung on.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ragsys import frames
from ragsys.errors import DocumentError, PluginError, RagsysError
from ragsys.passages import embedded_text, split_pages
from ragsys.records import digest_payload, page_payload, passage_payload, sound, sound_page
from ragsys.types import JSON, Fault, Outcome, Page, Passage, Sparse

if TYPE_CHECKING:
    from ragsys.layers import Layers
    from ragsys.protocols import LayoutModel, Ocr

_BATCH = 32  # items a message: large enough that messages cost nothing, small enough to search early
_SECONDS = 0.25  # a message goes out at least this often while items come
_OCR_DPI = 200.0
_AROUND = 6  # pages around one that is read again: as many as loaders look at for running headers


class Sender:
    """Collects items and sends them in batches: JSON headers with the sparse vectors' arrays behind them."""

    def __init__(self, stream: BinaryIO, layers: Layers) -> None:
        self._stream = stream
        self._items: list[tuple[JSON, str]] = []
        self._sent = time.monotonic()
        makers = layers.makers(eager=True)
        self._makers = {
            kind: [(s.name, r) for s, r in makers.values() if s.items == kind] for kind in ("page", "passage")
        }

    def add(self, payload: JSON, ordinal: int, text: str) -> None:
        """Queue one page or passage with the text that its vectors are made of."""
        self._items.append(({"payload": payload, "ordinal": ordinal}, text))
        if len(self._items) >= _BATCH or time.monotonic() - self._sent > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Encode and send what is queued."""
        if not self._items:
            return
        headers = [header for header, _ in self._items]
        arrays: dict[int, list[bytes]] = {n: [] for n in range(len(headers))}
        for kind, makers in self._makers.items():
            chosen = [n for n, header in enumerate(headers) if header["payload"]["kind"] == kind]
            for name, retriever in makers:
                encoded = retriever.encode_items([self._items[n][1] for n in chosen])
                for n, vectors in zip(chosen, encoded, strict=True):
                    sparse = vectors[name]
                    if not isinstance(sparse, Sparse):
                        raise PluginError(f"vector '{name}' is made while parsing, so it must be sparse")
                    headers[n].setdefault("vectors", []).append([name, len(sparse.indices)])
                    arrays[n] += [sparse.indices.astype("<u4").tobytes(), sparse.values.astype("<f4").tobytes()]
        self._items = []
        self.send({"type": "items", "items": headers}, b"".join(part for n in arrays for part in arrays[n]))

    def send(self, header: JSON, blob: bytes = b"") -> None:
        """Send one message now."""
        frames.write(self._stream, header, blob)
        self._sent = time.monotonic()


class Worker:
    """Runs jobs of one configuration."""

    def __init__(self, layers: Layers, stream: BinaryIO, at: Path) -> None:
        self.layers = layers
        self.sender = Sender(stream, layers)
        self._at = _mapped(at)

    def run(self, job: JSON) -> None:
        """One job; whatever goes wrong with the document becomes an `error` message."""
        try:
            {"parse": self.parse, "ocr": self.ocr}[job["kind"]](job)
            self.sender.flush()
            self.sender.send({"type": "end"})
        except DocumentError as error:
            self._fail(error.message + (f" ({error.hint})" if error.hint else ""), error.outcome)
        except MemoryError:
            self._fail("ran out of memory", Outcome.OUT_OF_MEMORY)
        except RagsysError as error:
            self._fail(str(error), Outcome.BROKEN)
        except BrokenPipeError:
            raise
        except Exception as error:  # a parser may raise anything at all on a damaged file
            self._fail(f"{type(error).__name__}: {error}", Outcome.BROKEN)

    def _fail(self, reason: str, outcome: str) -> None:
        self.sender.send({"type": "error", "reason": sound(reason), "outcome": str(outcome)})

    def _unread(self, page: int, reason: str, outcome: str) -> None:
        self.sender.send({"type": "fault", "page": page, "reason": sound(reason), "outcome": str(outcome)})

    def _mark(self, page: int) -> None:
        self._at[:] = b"%012d" % page

    def parse(self, job: JSON) -> None:
        """A file -> its pages and passages. `skip` are pages that ended a worker before."""
        path, doc, skip = Path(job["path"]), job["doc"], set(job["skip"])
        loader = self.layers.loader(path.name)
        self._mark(0)
        info = loader.info(path)
        last = min(info.pages, job["max_pages"])
        only = job.get("only")  # pages that are read again; those around them show what repeats
        if only:
            wanted = {number for page in only for number in range(page - _AROUND, page + _AROUND + 1)}
            skip |= set(range(1, last + 1)) - wanted
            last = max(only)
        else:
            metadata = {sound(key): sound(value) for key, value in info.metadata.items()}
            self.sender.send({"type": "info", "pages": info.pages, "title": sound(info.title), "metadata": metadata})
        pages = self._pages(path, last, skip)
        if only:
            pages = (page for page in pages if (page.page if isinstance(page, Fault) else page.number) in only)
        if job["refine"]:
            pages = self._refined(path, pages)
        page_layer = job["layer"]

        def sent() -> Iterator[Page]:
            for page in pages:
                if isinstance(page, Fault):
                    self.sender.send({"type": "fault", "page": page.page, "reason": sound(page.reason)})
                    continue
                page = sound_page(page)
                self.sender.add(self._page(doc, page_layer, page), page.number, page.text)
                yield page

        if only:  # passages are made of all pages
            for _ in sent():
                pass
            return
        self._passages(doc, self.layers.passages(page_layer), split_pages(self.layers.splitter, sent()))
        if info.pages > job["max_pages"]:
            reason = f"only the first {job['max_pages']} of {info.pages} pages are read (index.limits.pages)"
            self.sender.send({"type": "fault", "page": job["max_pages"] + 1, "reason": reason})

    def _page(self, doc: str, layer: str, page: Page) -> JSON:
        payload = page_payload(doc, layer, page)
        if (ranker := self.layers.digesting) is not None and (digest := ranker.digest(page)):
            payload |= digest_payload(self.layers.digests, digest)
        return payload

    def _pages(self, path: Path, last: int, skip: set[int]) -> Iterator[Page | Fault]:
        for page in self.layers.loader(path.name).open(path, skip=skip, touched=self._mark):
            yield page
            if (page.page if isinstance(page, Fault) else page.number) >= last:
                return

    def _refined(self, path: Path, pages: Iterable[Page | Fault]) -> Iterator[Page | Fault]:
        model: LayoutModel = self.layers.builder.build("layout", self.layers.config.layout)
        for page in pages:
            if isinstance(page, Fault):
                yield page
            else:
                for refined in model.refine(path, [page]):
                    yield page if isinstance(refined, Fault) else refined  # the rules' blocks are better than no page

    def _passages(self, doc: str, layer: str, passages: Iterable[tuple[int, Passage]]) -> None:
        for ordinal, passage in passages:
            payload = passage_payload(doc, layer, ordinal, passage.pieces, passage.headings)
            self.sender.add(payload, ordinal, embedded_text(passage.headings, passage.text))

    def ocr(self, job: JSON) -> None:
        """Pages without text -> pages and passages with what OCR reads; each page by itself."""
        path, doc, layer = Path(job["path"]), job["doc"], job["layer"]
        reader: Ocr = self.layers.builder.build("ocr", self.layers.config.ocr)
        loader = self.layers.loader(path.name)
        for number in job["pages"]:
            self._mark(number)
            if number in job["skip"]:
                self._unread(number, "it could not be read", Outcome.BROKEN)
                continue
            try:
                blocks = tuple(reader.read(loader.render(path, number, dpi=_OCR_DPI)))
            except RagsysError as error:  # a missing package is of no page
                if not isinstance(error, DocumentError):
                    raise
                self._unread(number, error.message, error.outcome)
                continue
            except MemoryError:
                self._unread(number, "ran out of memory", Outcome.OUT_OF_MEMORY)
                continue
            except Exception as error:  # a renderer or a reader may raise anything at all on an odd picture
                self._unread(number, f"{type(error).__name__}: {error}", Outcome.BROKEN)
                continue
            width_pt, height_pt = job["sizes"][str(number)]
            if blocks:  # where nothing was read, what little text the page has stays
                stored = sound_page(Page(number, width_pt, height_pt, blocks, "ocr", job["labels"][str(number)]))
                self.sender.add(self._page(doc, layer, stored), number, stored.text)
                self._passages(doc, self.layers.passages(layer), split_pages(self.layers.splitter, [stored]))
            self.sender.flush()  # "read" tells that all of the page was sent
            self.sender.send({"type": "read", "page": number})


def _mapped(path: Path) -> mmap.mmap:
    """The 12 bytes of the file that names the page: in memory, for a write may wait until a whole disk is in order."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(file, b"%012d" % 0)
        return mmap.mmap(file, 12)
    finally:
        os.close(file)


def main() -> None:
    """Serve jobs until stdin ends. The first message holds the configuration."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the owner decides when we end
    gc.disable()  # pages are trees that are freed by count; looking for circles costs a tenth of the time
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # native libraries print to descriptor 1: never into our messages
    if "ahead" in sys.argv[1:]:
        _warm_up()
    start = frames.read(sys.stdin.buffer)
    if start is None:
        return
    worker = _worker(start[0], out)
    try:
        frames.write(out, {"type": "ready"})
        first = True
        while (message := frames.read(sys.stdin.buffer)) is not None:
            worker.run(message[0])
            gc.collect()
            if first:  # what was imported stays: a look at it after each document costs as much as eight of its pages
                gc.freeze()
                first = False
    except BrokenPipeError:
        os._exit(0)  # the owner is gone; nothing is left to tell


def _warm_up() -> None:
    """Import what a job of the default configuration needs while the owner is not ready to send one."""
    with contextlib.suppress(Exception):  # what cannot be imported is told when a job asks for it
        from ragsys.config import load
        from ragsys.configfile import DEFAULT
        from ragsys.errors import ConfigError
        from ragsys.layers import Layers
        from ragsys.plugins import Builder, load_target, registry

        try:
            config = load(None)
        except ConfigError:  # one with a variable that is not for us
            config = load(DEFAULT)
        roles = [*(("loader", spec) for spec in config.loaders.values())]
        for role, spec in (*roles, ("splitter", config.splitter), ("lexical", config.lexical)):
            if spec is not None:
                load_target(registry().find(role, spec.use).target)
        layers = Layers(config, Builder(registry(), config.defaults, Path(), Path()))
        layers.makers(eager=True)
        _ = layers.digesting


def _worker(start: dict[str, Any], out: BinaryIO) -> Worker:
    from ragsys.config import Config
    from ragsys.layers import Layers
    from ragsys.plugins import Builder, registry

    config = Config.model_validate(start["config"])
    # a worker encodes the cheap vectors only; the others are not in what it is sent
    builder = Builder(registry(), config.defaults, Path(start["state"]), Path(start["cache"]))
    return Worker(Layers(config, builder), out, Path(start["at"]))


__all__ = ["Worker", "main"]

if __name__ == "__main__":
    main()
