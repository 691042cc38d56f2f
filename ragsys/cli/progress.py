"""Progress of indexing on stderr: a bar a stage with its rate and the time left; rich is loaded when one is drawn."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.text import one_line, shortened

if TYPE_CHECKING:
    from ragsys.progress import Progress

_NAMES = {"scan": "looking", "parse": "reading", "derive": "dividing", "ocr": "OCR", "layout": "layout"}
_SCAN_SECONDS = 0.5  # before a bar is drawn for it
_LINE_SECONDS = 5.0  # before the first line where no bar can be drawn, and between two
_LONGEST_SECONDS = 60.0  # between two lines of a run that takes hours


class Bar:
    """A watcher of `ingest.Progress`, callable from any thread. A context manager: clears itself at the end."""

    def __init__(self, *, shown: bool, told: bool = False, at_once: bool = False) -> None:
        """`shown` draws bars; `told` writes a line now and then where no bar is drawn, `at_once` from the start on."""
        self._shown, self._told, self._at_once = shown, told, at_once
        self._lock = threading.Lock()
        self._drawn: Any = None
        self._tasks: dict[str, Any] = {}
        self._last, self._pause = (0.0 if at_once else time.monotonic()), _LINE_SECONDS
        self._begun: set[str] = set()  # stages of which a line was told
        self._waiting: threading.Timer | None = None

    def __call__(self, progress: Progress) -> None:
        """Show how far a stage is."""
        with self._lock:
            self._no_longer()
            if self._shown and progress.stage == "scan":  # mostly over before a bar could be seen
                self._waiting = threading.Timer(_SCAN_SECONDS, self._late, (progress,))
                self._waiting.daemon = True
                self._waiting.start()
            elif self._shown:
                self._draw(progress)
            elif self._told:
                self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        ended = progress.left == 0 and (self._at_once or progress.stage in self._begun)
        if not ended and time.monotonic() - self._last <= self._pause:
            return
        self._last, self._pause = time.monotonic(), min(self._pause * 1.25, _LONGEST_SECONDS)
        self._begun.add(progress.stage)
        click.echo(_line(progress), err=True)

    def _late(self, progress: Progress) -> None:
        with self._lock:
            if self._waiting is not None:
                self._draw(progress)

    def _no_longer(self) -> None:
        """The scan is over."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
            if "scan" in self._tasks:
                self._drawn.remove_task(self._tasks.pop("scan"))

    def _draw(self, progress: Progress) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        if self._drawn is None:
            self._drawn = Bars(
                TextColumn("{task.description:<9}"),
                BarColumn(28),
                TextColumn("{task.fields[counts]}", table_column=Column(no_wrap=True)),
                TextColumn("[dim]{task.fields[detail]}[/]", table_column=Column(no_wrap=True, overflow="ellipsis")),
                console=Console(file=sys.stderr, force_terminal=True),
                transient=True,
                refresh_per_second=8,
            )
            self._drawn.start()
        name = _NAMES.get(progress.stage, progress.stage)
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._drawn.add_task(name, total=None, counts="", detail="")
        from rich.markup import escape

        self._drawn.update(
            self._tasks[progress.stage],
            total=progress.total or None,
            completed=progress.done,
            counts=_counts(progress),
            detail=escape(shortened(progress.detail, 30)),
        )

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the bars off the screen; the next progress draws new ones."""
        with self._lock:
            self._no_longer()
            if self._drawn is not None:
                self._drawn.stop()
            self._drawn, self._tasks = None, {}


def _counts(progress: Progress) -> str:
    if not progress.total:
        return ""
    text = f"{progress.done:,}/{progress.total:,} {progress.unit}"
    if progress.rate:
        text += f", {progress.rate:,.0f}/s" if progress.rate >= 10 else f", {progress.rate:.1f}/s"
    if progress.left:
        text += f", {duration(progress.left)} left"
    return text


def _line(progress: Progress) -> str:
    return one_line(f"{_NAMES.get(progress.stage, progress.stage)}: {_counts(progress)} {progress.detail}")


def duration(seconds: float) -> str:
    """Seconds as people read them: 0.3 s, 42 s, 3 min 05 s, 2 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
