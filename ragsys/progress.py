"""What an indexing run tells: how far each of its stages is, and what it did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ragsys.types import Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. `rate` is units a second, `left` seconds (None while unknown)."""

    stage: str  # "scan", "parse", or a later layer's name
    done: int
    total: int
    unit: str
    detail: str = ""
    rate: float = 0.0
    left: float | None = None


@dataclass(slots=True)
class Report:
    """What an indexing run did. Paths are relative to the root."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)  # known, and read once more: interrupted, retried, other settings
    moved: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # gone from the folder, not deleted: see `warnings`
    unchanged: int = 0
    pages: int = 0
    passages: int = 0
    seconds: float = 0.0
    no_text: list[str] = field(default_factory=list)  # read in this run, but without text: they wait for OCR
    skipped: list[tuple[str, Outcome, str]] = field(default_factory=list)  # path, outcome, reason
    unsupported: list[str] = field(default_factory=list)  # files that no loader takes; they are not in the library
    faults: list[tuple[str, int, str]] = field(default_factory=list)  # path, page, reason
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False


Watch = Callable[[Progress], None]


class Meter:
    """Turns pages done into progress: totals are estimated from file sizes until the page counts are known."""

    def __init__(self, stage: str, unit: str, watch: Watch) -> None:
        self.stage, self.unit, self.watch = stage, unit, watch
        self._sizes: dict[str, int] = {}
        self._pages: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._done = 0
        self._began = self._told = time.monotonic()

    def expect(self, doc: str, size: int) -> None:
        """A document of `size` bytes will come."""
        self._sizes[doc] = size

    def learn(self, doc: str, pages: int) -> None:
        """It has this many pages."""
        self._pages[doc] = pages

    def restart(self, doc: str) -> None:
        """It is read again from its first page."""
        self._done -= self._read.pop(doc, 0)

    def add(self, doc: str, count: int, detail: str) -> None:
        """This many of its items are done."""
        self._read[doc] = self._read.get(doc, 0) + count
        self._done += count
        if time.monotonic() - self._told > 0.1:
            self.tell(detail)

    def tell(self, detail: str = "") -> None:
        """Report now."""
        self._told = time.monotonic()
        seconds = max(1e-6, self._told - self._began)
        known = sum(self._pages.values())
        known_bytes = sum(self._sizes[doc] for doc in self._pages if doc in self._sizes)
        unknown_bytes = sum(self._sizes.values()) - known_bytes
        total = known + round(unknown_bytes * known / known_bytes) if known_bytes else known
        rate = self._done / seconds
        left = (total - self._done) / rate if rate and total else None
        self.watch(Progress(self.stage, self._done, max(total, self._done), self.unit, detail, rate, left))

    def end(self) -> None:
        """Report the end."""
        seconds = max(1e-6, time.monotonic() - self._began)
        self.watch(Progress(self.stage, self._done, self._done, self.unit, "", self._done / seconds, 0.0))
