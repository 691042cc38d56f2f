"""A pool of parser processes: gives them jobs, bounds their time and memory, and passes on what they send.

Workers are plain subprocesses (never forks, and the user's own script is not run again in them). One that hangs,
grows or dies costs the page that it was on: the document is read again without that page, and given up after three
such pages.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

import psutil

from ragsys import ahead, frames
from ragsys.config import Limits
from ragsys.errors import RagsysError
from ragsys.types import JSON, Outcome

_ATTEMPTS = 3  # pages of one document that may end a worker
_TICK = 0.2  # seconds between looks at the workers
_START_SECONDS = 60.0  # a worker that is not ready by then cannot run here


@dataclass(slots=True)
class Job:
    """One document for one worker. `message` is what the worker is sent."""

    doc: str
    message: JSON
    skip: list[int] = field(default_factory=list)  # pages that ended a worker


@dataclass(frozen=True, slots=True)
class Message:
    """What a worker sent about a job. Types: info, items, fault, read, end, error; `again` when a job starts anew."""

    job: Job
    header: JSON
    blob: bytes = b""

    @property
    def type(self) -> str:
        """What it tells."""
        return str(self.header["type"])


class _Process:
    """One worker and the thread that reads from it."""

    def __init__(
        self, command: Sequence[str], start: JSON, at: Path, inbox: queue.Queue[tuple[_Process, JSON, bytes]]
    ) -> None:
        self.at = at
        self.job: Job | None = None
        self.since = self.heard = time.monotonic()
        self.ready = False
        self._handing = False  # a message waits for its place in the inbox: the owner is the slower one
        early = ahead.take() if tuple(command) == ahead.WORKER else None
        self.popen = early or ahead.launch(tuple(command))
        self._inbox = inbox
        self._in: IO[bytes] = self.popen.stdin  # type: ignore[assignment]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send({**start, "at": str(self.at)})

    def _read(self) -> None:
        out = self.popen.stdout
        if out is None:
            return
        buffered: BinaryIO = io.BufferedReader(io.FileIO(os.dup(out.fileno())), 1 << 20)
        with contextlib.suppress(OSError, ValueError), buffered:
            while (message := frames.read(buffered)) is not None:
                came = self.heard = time.monotonic()
                self._handing = True
                self._inbox.put((self, *message))
                # what the worker stood still for the owner is not the document's time
                self.since += time.monotonic() - came
                self.heard = time.monotonic()
                self._handing = False
        self._inbox.put((self, {"type": "gone"}, b""))

    def _send(self, message: JSON) -> None:
        with contextlib.suppress(OSError):  # a dead worker is noticed by its reader
            frames.write(self._in, message)  # type: ignore[arg-type]

    def give(self, job: Job) -> None:
        self.job, self.since, self.heard = job, time.monotonic(), time.monotonic()
        self._send({**job.message, "skip": job.skip})

    def page(self) -> int:
        """The page that it is on, 0 if it has not begun with one."""
        try:
            return int(self.at.read_bytes() or b"0")
        except (OSError, ValueError):
            return 0

    def over(self, limits: Limits) -> tuple[Outcome, str] | None:
        """Which limit it is over, if any."""
        now = time.monotonic()
        if not self._handing and now - self.since > limits.document_seconds:
            return Outcome.TIMEOUT, f"took more than {limits.document_seconds:g} s (index.limits.document_seconds)"
        if not self._handing and now - self.heard > limits.page_seconds:
            return Outcome.TIMEOUT, f"a page took more than {limits.page_seconds:g} s (index.limits.page_seconds)"
        with contextlib.suppress(psutil.Error):
            worker = psutil.Process(self.popen.pid)
            held = sum(one.memory_info().rss for one in (worker, *worker.children(recursive=True))) >> 20
            if held > limits.memory_mb:
                return Outcome.OUT_OF_MEMORY, f"held {held} MB (index.limits.memory_mb is {limits.memory_mb})"
        return None

    def end(self) -> None:
        with contextlib.suppress(psutil.Error):  # an OCR program that the worker runs must not outlive it
            for child in psutil.Process(self.popen.pid).children(recursive=True):
                child.kill()
        with contextlib.suppress(OSError):
            self.popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(5)
        with contextlib.suppress(OSError):
            self._in.close()
        self._reader.join(5)
        if self.popen.stdout is not None:
            self.popen.stdout.close()


class Pool:
    """Runs jobs in up to `size` workers. Use as a context manager: leaving it ends every worker."""

    def __init__(self, start: JSON, size: int, limits: Limits, command: Sequence[str] = ahead.WORKER) -> None:
        self._command = command
        self._start = start
        self._size = size
        self._limits = limits
        # a bounded inbox: parsers wait when the store is slower than they are, and memory stays bounded
        self._inbox: queue.Queue[tuple[_Process, JSON, bytes]] = queue.Queue(maxsize=16)
        self._processes: list[_Process] = []
        self._numbers = 0
        self._watched = 0.0  # when the workers were last looked at
        self._folder: Any = None

    def __enter__(self) -> Pool:
        self._folder = tempfile.TemporaryDirectory(prefix="ragsys-")
        return self

    def __exit__(self, *_: object) -> None:
        drained = threading.Thread(target=self._drain, daemon=True)
        drained.start()  # readers may wait for a place in the inbox
        for process in self._processes:
            process.end()
        self._processes = []
        self._folder.cleanup()

    def _drain(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._inbox.get(timeout=1)

    def run(self, jobs: Iterable[Job]) -> Iterator[Message]:
        """What the workers send about each job; the last message of a job is `end` or `error`.

        Raises `RagsysError` if no worker can be started at all.
        """
        waiting = deque(jobs)
        while waiting or any(process.job for process in self._processes):
            while waiting and len(self._processes) < min(self._size, len(waiting) + self._busy):
                self._add()
            for process in self._processes:
                if process.ready and process.job is None and waiting:
                    process.give(waiting.popleft())
            try:
                process, header, blob = self._inbox.get(timeout=_TICK)
            except queue.Empty:
                yield from self._watch(waiting)
                continue
            yield from self._take(process, header, blob, waiting)
            if time.monotonic() - self._watched > _TICK:
                yield from self._watch(waiting)

    @property
    def _busy(self) -> int:
        return sum(process.job is not None for process in self._processes)

    def _add(self) -> None:
        self._numbers += 1
        at = Path(self._folder.name) / f"worker-{self._numbers}"
        self._processes.append(_Process(self._command, self._start, at, self._inbox))

    def _take(self, process: _Process, header: JSON, blob: bytes, waiting: deque[Job]) -> Iterator[Message]:
        kind = header["type"]
        if process not in self._processes:
            return  # it was ended; what it still sent does not count
        if kind == "ready":
            process.ready = True
        elif kind == "gone":
            if not process.ready:
                raise RagsysError(
                    f"a parser process ended before it was ready (exit code {process.popen.poll()})",
                    hint="ragsys doctor",
                )
            yield from self._lost(process, Outcome.CRASHED, "ended its parser process", waiting)
        elif process.job is not None:
            yield Message(process.job, header, blob)
            if kind in ("end", "error"):
                process.job = None

    def _watch(self, waiting: deque[Job]) -> Iterator[Message]:
        self._watched = time.monotonic()
        for process in list(self._processes):
            if not process.ready:
                if time.monotonic() - process.since > _START_SECONDS:
                    raise RagsysError("a parser process did not start", hint="ragsys doctor")
                continue
            # a full inbox means that we are slow, not the worker
            if process.job is not None and not self._inbox.full() and (over := process.over(self._limits)):
                yield from self._lost(process, *over, waiting)

    def _lost(self, process: _Process, outcome: Outcome, reason: str, waiting: deque[Job]) -> Iterator[Message]:
        """End a worker; its document goes again without the page it was on, or is given up."""
        job, page = process.job, process.page()
        self._processes.remove(process)
        threading.Thread(target=process.end, daemon=True).start()
        if job is None:
            return
        whole = time.monotonic() - process.since > self._limits.document_seconds
        if page and not whole and page not in job.skip and len(job.skip) < _ATTEMPTS:
            job.skip.append(page)
            waiting.appendleft(job)
            yield Message(job, {"type": "again", "page": page, "reason": reason})
        else:
            where = f"page {page} " if page else ""
            yield Message(job, {"type": "error", "reason": where + reason, "outcome": str(outcome)})
