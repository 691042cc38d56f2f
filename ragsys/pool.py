"""A pool of parser processes: gives them jobs, bounds their time and memory, and passes on what they send.

Workers are plain subprocesses (never forks, and the user's own script is not run again in them). One that hangs,
grows or dies costs the page that it was on: the document is read again without that page, and given up after three
such pages.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

import psutil

from ragsys import ahead, frames
from ragsys.config import Limits
from ragsys.errors import RagsysError
from ragsys.tempfolders import temporary
from ragsys.types import JSON, Outcome

_ATTEMPTS = 3  # pages of one document that may end a worker
_TICK = 0.2  # seconds between looks at the workers
_STILL = 30.0  # seconds, or its limit if that is longer: a worker that neither computes nor ends is given up
_MOVED = 0.01  # seconds of computing that show that it is at work
_STARTING = 60.0  # seconds after which a worker that is not ready has the machine to itself
_START_SECONDS = 900.0  # one that is not ready by then cannot run here
_ENDING = 5.0  # seconds that a worker that was killed is waited for
_STARTS = 3  # workers in a row that may end before they are ready


@dataclass(slots=True)
class Job:
    """One document for one worker. `message` is what the worker is sent."""

    doc: str
    message: JSON
    skip: list[int] = field(default_factory=list)  # pages that ended a worker
    lost: dict[int, tuple[str, Outcome]] = field(default_factory=dict)  # {such a page: how}
    patience: float = 1.0  # times the limits: an earlier attempt was over them


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


@dataclass(frozen=True, slots=True)
class Over:
    """Why a worker is ended."""

    outcome: Outcome
    reason: str
    whole: bool = False  # its document is given up, not only the page that it is on


class WorkerProcess:
    """One worker and the thread that reads from it."""

    def __init__(
        self, command: Sequence[str], start: JSON, at: Path, inbox: queue.Queue[tuple[WorkerProcess, JSON, bytes]]
    ) -> None:
        self.at = at
        self.job: Job | None = None
        self.since = self.heard = time.monotonic()
        self.ready = False
        self._computed = self._page_computed = 0.0  # CPU seconds when the job and the page that it is on began
        self._page_since = 0.0  # `heard` when that page began
        self._moved, self._moved_at = 0.0, self.since  # what it had computed when it was last seen at work
        self._handing = False  # a message waits for its place in the inbox: the owner is the slower one
        early = ahead.take() if tuple(command) == ahead.WORKER else None
        self.popen = early or ahead.launch(tuple(command))
        self._inbox = inbox
        self._in: IO[bytes] = self.popen.stdin  # type: ignore[assignment]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send({**start, "at": str(self.at)})

    @functools.cached_property
    def _known(self) -> psutil.Process:
        """Raises `psutil.Error` where it is gone."""
        return psutil.Process(self.popen.pid)

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

    @property
    def reading(self) -> bool:
        """Whether something of it may still come."""
        return self._reader.is_alive()

    def _send(self, message: JSON) -> None:
        with contextlib.suppress(OSError):  # a dead worker is noticed by its reader
            frames.write(self._in, message)  # type: ignore[arg-type]

    def give(self, job: Job) -> None:
        self.job, self.since, self.heard = job, time.monotonic(), time.monotonic()
        self._computed = self._page_computed = self._moved = self._cpu([]) or 0.0
        self._moved_at = self.since
        self._page_since = self.heard
        self._send({**job.message, "skip": job.skip})

    def page(self) -> int:
        """The page that it is on, 0 if it has not begun with one."""
        try:
            return int(self.at.read_bytes() or b"0")
        except (OSError, ValueError):
            return 0

    def over(self, limits: Limits, setting: str = "page_seconds") -> Over | None:
        """Which limit it is over, if any; `setting` is the limit of a page's time. Computing time counts where the
        system tells it: a busy machine is no fault of the document."""
        children: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            children = self._known.children(recursive=True)  # looks through all processes of the machine: once a tick
        if (late := self._late(limits, children, setting)) is not None:
            return late
        with contextlib.suppress(psutil.Error):
            held = sum(one.memory_info().rss for one in (self._known, *children)) >> 20
            if held > limits.memory_mb:
                return Over(Outcome.OUT_OF_MEMORY, f"held {held} MB (index.limits.memory_mb is {limits.memory_mb})")
        return None

    def _late(self, limits: Limits, children: Sequence[psutil.Process], setting: str) -> Over | None:
        patience = self.job.patience if self.job else 1.0
        now, cpu = time.monotonic(), self._cpu(children)
        if cpu is not None and self.heard != self._page_since:
            self._page_since, self._page_computed = self.heard, cpu
        if cpu is not None and (cpu - self._moved > _MOVED or self.heard > self._moved_at):
            self._moved, self._moved_at = cpu, now
        if self._handing:
            return None
        page_seconds: float = getattr(limits, setting)
        still = max(_STILL, page_seconds)
        if cpu is not None and now - self._moved_at > still:
            return Over(Outcome.TIMEOUT, f"a page took more than {still:g} s without computing")
        spent = (
            ("document", self.since, self._computed, limits.document_seconds, "document_seconds"),
            ("page", self.heard, self._page_computed, page_seconds, setting),
        )
        for what, since, computed, limit, name in spent:
            most = limit * patience
            if (now - since if cpu is None else cpu - computed) <= most:
                continue
            took = f"{most:g} s{' of computing time' if cpu is not None else ''}"
            reason = f"a {what} took more than {took} (index.limits.{name})"
            return Over(Outcome.TIMEOUT, reason, whole=what == "document")
        return None

    def _cpu(self, children: Sequence[psutil.Process]) -> float | None:
        """Seconds that the worker and its children computed so far; None where the system does not tell."""
        with contextlib.suppress(psutil.Error):
            own = self._known.cpu_times()
            total = own.user + own.system + own.children_user + own.children_system
            for child in children:
                with contextlib.suppress(psutil.Error):
                    total += sum(child.cpu_times()[:2])
            return float(total)
        return None

    def exit_code(self) -> int | None:
        """The code of a process that sends nothing any more; None if it goes on all the same."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.popen.wait(_ENDING)
        return None

    def end(self) -> None:
        """Kill it and what it started."""
        with contextlib.suppress(psutil.Error):  # an OCR program that the worker runs must not outlive it
            for child in psutil.Process(self.popen.pid).children(recursive=True):
                child.kill()
        with contextlib.suppress(OSError):
            self.popen.kill()
        # where the system is slow to end it, that goes on beside: its pipes are closed whenever it has ended
        rest = threading.Thread(target=self._close, daemon=True)
        rest.start()
        rest.join(_ENDING)

    def _close(self) -> None:
        self.popen.wait()
        with contextlib.suppress(OSError):
            self._in.close()
        self._reader.join()
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
        self._inbox: queue.Queue[tuple[WorkerProcess, JSON, bytes]] = queue.Queue(maxsize=16)
        self._processes: list[WorkerProcess] = []
        self._dropped: list[WorkerProcess] = []  # ended before the pool was left; they may still be ending
        self._numbers = 0
        self._failures = 0  # workers in a row that ended before they were ready
        self._watched = 0.0  # when the workers were last looked at
        self._open = contextlib.ExitStack()
        self._folder = Path()

    def __enter__(self) -> Pool:
        self._folder = self._open.enter_context(temporary())
        return self

    def __exit__(self, *_: object) -> None:
        threading.Thread(target=self._drain, args=([*self._processes, *self._dropped],), daemon=True).start()
        for process in self._processes:
            process.end()
        self._processes = []
        self._open.close()

    def _drain(self, processes: Sequence[WorkerProcess]) -> None:
        """Readers may wait for a place in the inbox, however slow they are."""
        while any(process.reading for process in processes) or not self._inbox.empty():
            with contextlib.suppress(queue.Empty):
                self._inbox.get(timeout=_TICK)

    def run(self, jobs: Iterable[Job], stop: threading.Event | None = None) -> Iterator[Message]:
        """What the workers send about each job; the last message of a job is `end` or `error`. Ends early, within a
        tick, when `stop` is set.

        A worker that does not start is tried again, alone; raises `RagsysError` if none can be started at all.
        """
        waiting = deque(jobs)
        while waiting or any(process.job for process in self._processes):
            if stop is not None and stop.is_set():
                return
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
        at = self._folder / f"worker-{self._numbers}"
        try:
            self._processes.append(WorkerProcess(self._command, self._start, at, self._inbox))
        except OSError as error:  # no memory, or no processes left, for a moment
            self._unstarted(f"a parser process could not be started: {error.strerror or error}")

    def _unstarted(self, reason: str) -> None:
        """A worker did not start: go on with those that run, or with one at a time. Raises `RagsysError` when that
        was tried often enough."""
        self._failures += 1
        running = sum(process.ready for process in self._processes)
        self._size = max(1, running)
        if running:
            return
        if self._failures >= _STARTS:
            raise RagsysError(
                f"{reason}; tried {_STARTS} times",
                hint="is there memory and room for processes? What was read is kept. See what is wrong: ragsys doctor",
            )
        time.sleep(_TICK * 5**self._failures)

    def _take(self, process: WorkerProcess, header: JSON, blob: bytes, waiting: deque[Job]) -> Iterator[Message]:
        kind = header["type"]
        if process not in self._processes:
            return  # it was ended; what it still sent does not count
        if kind == "ready":
            process.ready = True
            self._failures = 0
        elif kind == "gone":
            if not process.ready:
                code = process.exit_code()
                self._drop(process)
                self._unstarted(f"a parser process ended before it was ready (exit code {code})")
                return
            yield from self._lost(process, Over(Outcome.CRASHED, "ended its parser process"), waiting)
        elif process.job is not None:
            yield Message(process.job, header, blob)
            if kind in ("end", "error"):
                process.job = None

    def _watch(self, waiting: deque[Job]) -> Iterator[Message]:
        self._watched = time.monotonic()
        for process in list(self._processes):
            if not process.ready:
                if process in self._processes:  # the wait for another one may have ended it
                    self._wait_for(process)
                continue
            # a full inbox means that we are slow, not the worker
            if process.job is not None and not self._inbox.full() and (over := process.over(self._limits)):
                yield from self._lost(process, over, waiting)

    def _wait_for(self, process: WorkerProcess) -> None:
        """A worker is starting: one that takes long is left alone with the machine; the others are enough, or go."""
        took = time.monotonic() - process.since
        if took < _STARTING:
            return
        others = [other for other in self._processes if other is not process]
        if took > _START_SECONDS or any(other.ready for other in others):
            self._drop(process)
            self._unstarted(f"a parser process did not start within {took:.0f} s")
        elif others:
            self._size = 1
            for other in others:
                self._drop(other)

    def _drop(self, process: WorkerProcess) -> None:
        self._processes.remove(process)
        self._dropped.append(process)
        threading.Thread(target=process.end, daemon=True).start()

    def _lost(self, process: WorkerProcess, over: Over, waiting: deque[Job]) -> Iterator[Message]:
        """End a worker; its document goes again without the page it was on, or is given up."""
        job, page = process.job, process.page()
        self._drop(process)
        if job is None:
            return
        if page and not over.whole and page not in job.skip and len(job.skip) < _ATTEMPTS:
            job.skip.append(page)
            job.lost[page] = over.reason, over.outcome
            waiting.appendleft(job)
            yield Message(job, {"type": "again", "page": page, "reason": over.reason})
        else:
            where = f"page {page} " if page else ""
            yield Message(job, {"type": "error", "reason": where + over.reason, "outcome": str(over.outcome)})
