"""The record of a question: every step with its inputs and outputs, one JSON line each, enough to replay an agent."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragsys import private
from ragsys.codec import plain, restore
from ragsys.errors import UsageError
from ragsys.types import JSON, Event, Evidence, Step, Usage

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A finished trace.

    `header`: question, task, kit, agent, generator, config, state, versions; `end`: status, stop reason, usage.
    """

    id: str
    header: JSON
    steps: tuple[Step, ...]
    evidence: dict[int, Evidence] = field(default_factory=dict)
    end: JSON = field(default_factory=dict)

    def children(self, parent: int | None) -> list[Step]:
        """The steps that ran inside a step, in the order in which they were asked for."""
        return [step for step in self.steps if step.parent == parent]


class Recorder:
    """Collects the steps of one question. Thread-safe; numbers are given when a step is asked for, not when it ends."""

    def __init__(self, header: JSON, emit: Callable[[Event], None] | None = None) -> None:
        self.id = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(4)
        self.header = header
        self._emit = emit or (lambda event: None)
        self._began = time.monotonic()
        self._steps: list[Step] = []
        self._evidence: dict[int, Evidence] = {}
        self._lock = threading.Lock()

    def begin(self, parent: int | None, kind: str, name: str, given: JSON, key: str) -> int:
        """Open a step and return its number."""
        with self._lock:
            step = Step(len(self._steps), parent, kind, name, given, started=time.monotonic() - self._began, key=key)
            self._steps.append(step)
        self._emit(Event("step", step.name, step))
        return step.number

    def finish(self, number: int, output: JSON, usage: Usage, error: str = "") -> None:
        """Close a step. Its seconds are wall-clock from its beginning."""
        with self._lock:
            step = self._steps[number]
            seconds = time.monotonic() - self._began - step.started
            step = replace(step, output=output, usage=replace(usage, seconds=seconds), error=error)
            self._steps[number] = step
        self._emit(Event("done", step.name, step))

    def show(self, evidence: Evidence) -> None:
        """Keep a page that was shown, once."""
        with self._lock:
            self._evidence.setdefault(evidence.number, evidence)

    def text(self, piece: str) -> None:
        """Pass on a piece of the answer's text."""
        if piece:
            self._emit(Event("text", piece))

    def close(self, end: JSON) -> Trace:
        """The finished trace."""
        with self._lock:
            return Trace(self.id, self.header, tuple(self._steps), dict(self._evidence), end)


class TraceFolder:
    """Traces as files `ID.jsonl` in one folder; the newest `keep` stay. Names sort by time."""

    def __init__(self, folder: Path, *, keep: int = 200) -> None:
        self.folder = folder
        self.keep = keep

    def save(self, trace: Trace) -> Path:
        """Write a trace whole or not at all."""
        private.folder(self.folder)
        path = self.folder / f"{trace.id}.jsonl"
        partial = path.with_suffix(f".{os.getpid()}.part")
        with partial.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as out:
            for line in _lines(trace):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        partial.replace(path)
        for old in self._paths()[: -self.keep]:
            with contextlib.suppress(OSError):  # another process may have removed it first
                old.unlink()
        return path

    def load(self, name: str) -> Trace:
        """The trace with this id, or the newest for "last". Raises `UsageError` if there is none."""
        known = {path.stem: path for path in self._paths()}
        chosen = max(known, default=None) if name == "last" else name
        if chosen is None or chosen not in known:
            raise UsageError(f"no trace '{name}' in {self.folder}", hint=f"there are: {', '.join(sorted(known)[-5:])}")
        return read(known[chosen])

    def names(self) -> list[str]:
        """The ids, oldest first."""
        return [path.stem for path in self._paths()]

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl")) if self.folder.is_dir() else []


def _lines(trace: Trace) -> Iterator[JSON]:
    yield {"trace": trace.id, "format": FORMAT, **trace.header}
    for number in sorted(trace.evidence):
        yield {"evidence": plain(trace.evidence[number])}
    for step in trace.steps:
        yield {"step": plain(step)}
    yield {"end": trace.end}


def read(path: Path) -> Trace:
    """A trace's file. Raises `UsageError` if it is not one or was made by another format."""
    header: JSON = {}
    steps: list[Step] = []
    evidence: dict[int, Evidence] = {}
    end: JSON = {}
    try:
        with path.open(encoding="utf-8", errors="surrogatepass") as lines:
            for text in lines:
                line: Any = json.loads(text)
                if "trace" in line:
                    header = line
                elif "step" in line:
                    steps.append(restore(Step, line["step"]))
                elif "evidence" in line:
                    one: Evidence = restore(Evidence, line["evidence"])
                    evidence[one.number] = one
                elif "end" in line:
                    end = line["end"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path}: not a trace that can be read: {error}") from error
    if header.pop("format", None) != FORMAT:
        raise UsageError(f"{path}: not a trace, or one of another version of ragsys")
    return Trace(header.pop("trace"), header, tuple(steps), evidence, end)
