"""Pages are drawn in a process of their own: one that draws for ever or takes all memory costs its own picture alone.

A library has at most one such process. It starts with the first drawing, serves one after the other, and ends with the
library. A drawing that is over `index.limits.draw_seconds` or `index.limits.memory_mb` ends it; the next one starts
another. Ctrl-C ends it at once.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ragsys.config import Limits
from ragsys.errors import DocumentError, PluginError, RagsysError, UsageError
from ragsys.pool import Job, Over, WorkerProcess
from ragsys.types import JSON, BBox, Outcome, PageImage

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = (sys.executable, "-P", "-m", "ragsys.drawworker")
_TICK = 0.2  # seconds between looks at the process
_START_SECONDS = 300.0  # a process that is not ready by then cannot run here
_STARTS = 2  # processes in a row that may end before they are ready
_MOST_BYTES = 1 << 28  # of one picture: 89 million pixels


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be drawn. `name` is the file as messages call it."""

    doc: str
    file: Path
    page: int
    name: str


class Drawer:
    """Draws pages of one library; from any thread, one page at a time."""

    def __init__(self, start: Callable[[], JSON], limits: Limits, command: tuple[str, ...] = WORKER) -> None:
        """`start` gives the first message to a process."""
        self._start, self._limits, self._command = start, limits, command
        self._alone = threading.Lock()
        self._process: WorkerProcess | None = None
        self._inbox: queue.Queue[tuple[WorkerProcess, JSON, bytes]] = queue.Queue()
        self._closed = False
        # {(document, page): (dpi, how it ended)} of drawings that ended their process: not tried again at once
        self._failed: dict[tuple[str, int], tuple[float, DocumentError]] = {}

    def draw(self, sheet: Sheet, dpi: float, clip: BBox | None = None) -> PageImage:
        """The picture of a page or of a part of it. Raises `DocumentError`; `UsageError` if there is no such page."""
        with self._turn():
            tried, error = self._failed.get((sheet.doc, sheet.page), (0.0, None))
            if error is not None and dpi >= tried:
                raise DocumentError(error.message, outcome=error.outcome, hint=error.hint)
            try:
                process = self._ready()
                message = {"kind": "draw", "path": str(sheet.file), "page": sheet.page, "dpi": dpi}
                message |= {"clip": list(clip) if clip else None, "seconds": self._limits.draw_seconds}
                process.give(Job(sheet.doc, message))
                header, blob = self._reply(process, sheet, dpi)
            except DocumentError:
                raise
            except BaseException:  # Ctrl-C above all: whatever is being drawn, nobody waits for it
                self._end()
                raise
        if header["type"] == "error":
            _refuse(sheet, header)
        return _picture(sheet, header, blob)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        while not self._alone.acquire(timeout=_TICK):  # a wait without an end could not be interrupted on Windows
            pass
        try:
            yield
        finally:
            self._alone.release()

    def _ready(self) -> WorkerProcess:
        """A process that waits for an order."""
        if self._process is not None and self._process.popen.poll() is None:
            return self._process
        for _ in range(_STARTS):
            self._end()
            if self._closed:
                raise RagsysError("the library is closed")
            try:
                process = WorkerProcess(self._command, self._start(), Path(os.devnull), self._inbox)
            except OSError as error:
                raise _unstarted(str(error.strerror or error)) from error
            self._process = process
            until = time.monotonic() + _START_SECONDS
            while (message := self._next(process)) is None:
                if time.monotonic() > until:
                    self._end()
                    raise _unstarted(f"it was not ready within {_START_SECONDS:.0f} s")
            if message[0]["type"] == "ready":
                return process
        code = process.exit_code()
        self._end()
        raise _unstarted(f"it ended before it was ready (exit code {code})")

    def _next(self, process: WorkerProcess) -> tuple[JSON, bytes] | None:
        """What the process sent; None where nothing came within a tick."""
        with contextlib.suppress(queue.Empty):
            while True:
                sender, header, blob = self._inbox.get(timeout=_TICK)
                if sender is process:  # one that was ended may still have sent something
                    return header, blob
        return None

    def _reply(self, process: WorkerProcess, sheet: Sheet, dpi: float) -> tuple[JSON, bytes]:
        while True:
            message = self._next(process)
            if message is None:
                over = process.over(self._limits, "draw_seconds")
            elif message[0]["type"] != "gone":
                return message
            elif self._closed:
                raise RagsysError("the library is closed")
            else:
                over = Over(Outcome.CRASHED, "it ended its process")
            if over is not None:
                self._end()
                error = _failure(sheet, over)
                self._failed[sheet.doc, sheet.page] = dpi, error
                raise error

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def close(self) -> None:
        """End the process; a drawing of another thread fails. Idempotent."""
        self._closed = True
        self._end()


def _failure(sheet: Sheet, over: Over) -> DocumentError:
    higher = {Outcome.TIMEOUT: "draw_seconds=120", Outcome.OUT_OF_MEMORY: "memory_mb=4000"}.get(over.outcome)
    return DocumentError(
        f"page {sheet.page} of {sheet.name} could not be drawn: {over.reason.removeprefix('a page ')}",
        outcome=over.outcome,
        hint=f"if you trust the file, raise the limit: --set index.limits.{higher}" if higher else None,
    )


def _refuse(sheet: Sheet, header: JSON) -> NoReturn:
    """Raise the error that the process reports."""
    message = str(header["message"]).removeprefix(f"{sheet.file}: ").replace(str(sheet.file), sheet.name)
    hint = header.get("hint")
    if header["error"] == "usage":
        raise UsageError(message, hint=hint)
    if header["error"] == "plugin":
        raise PluginError(message, hint=hint)
    message = message.removeprefix(f"page {sheet.page} could not be drawn ").strip("()")
    raise DocumentError(
        f"page {sheet.page} of {sheet.name} could not be drawn: {message}", outcome=str(header["outcome"]), hint=hint
    )


def _picture(sheet: Sheet, header: JSON, blob: bytes) -> PageImage:
    from PIL import Image

    width, height = int(header["width"]), int(header["height"])
    if width < 1 or height < 1 or width * height * 3 != len(blob) or len(blob) > _MOST_BYTES:
        raise DocumentError(f"page {sheet.page} of {sheet.name} could not be drawn: its picture has a wrong size")
    return PageImage(sheet.page, width, height, float(header["dpi"]), Image.frombytes("RGB", (width, height), blob))


def _unstarted(reason: str) -> RagsysError:
    hint = "is there memory and room for processes? See what is wrong: ragsys doctor"
    return RagsysError(f"the process that draws pages could not be started: {reason}", hint=hint)
