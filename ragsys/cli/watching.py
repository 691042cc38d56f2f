"""Notices that a folder changed: by the system's notifications where `watchfiles` is installed, else by looking."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ragsys.scan import walk
from ragsys.types import Fault

SECONDS = 2.0  # between two looks
_SETTLE_SECONDS = 0.5  # a file that is being copied is waited for
_SETTLE_LOOKS = 20

Look = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched: the files of a folder that would be indexed."""

    root: Path
    suffixes: Sequence[str]
    include: Sequence[str] = ("**",)
    exclude: Sequence[str] = ()
    apart: Collection[Path] = ()  # folders that are passed over

    def look(self) -> Look:
        """{(path, size, mtime, inode)} of the files now; empty if the folder is not there."""
        failed: dict[str, Fault] = {}
        found = []
        if not self.root.exists():
            return frozenset()
        for path, entry in walk(self.root, self.include, self.exclude, failed, self.apart):
            if PurePosixPath(path).suffix.lower() in self.suffixes:
                try:
                    stat = entry.stat()
                except OSError:  # gone since it was listed
                    continue
                found.append((path, stat.st_size, stat.st_mtime_ns, stat.st_ino))
        return frozenset(found)

    def changes(self, before: Look, stop: threading.Event, *, seconds: float = SECONDS) -> Iterator[None]:
        """Yields when the files are other than `before`, and then whenever they changed again, until `stop` is set."""
        for _ in self._ticks(stop, seconds):
            now = self.look()
            if now == before:
                continue
            for _ in range(_SETTLE_LOOKS):
                if stop.wait(min(seconds, _SETTLE_SECONDS)):
                    return
                last, now = now, self.look()
                if now == last:
                    break
            before = now
            yield

    def _ticks(self, stop: threading.Event, seconds: float) -> Iterator[None]:
        """When it is worth looking. The first tick comes at once."""
        yield
        try:
            import watchfiles
        except ImportError:
            watchfiles = None  # type: ignore[assignment]
        if watchfiles is not None:
            folder = self.root if self.root.is_dir() else self.root.parent
            try:
                for _ in watchfiles.watch(folder, stop_event=stop, watch_filter=None, raise_interrupt=True):
                    yield
                return
            except (OSError, RuntimeError):  # the folder is gone, or the system has no more watches to give
                pass
        while not stop.wait(seconds):
            yield


def watches_natively() -> bool:
    """Whether `watchfiles` is installed; nothing is imported."""
    import importlib.util

    return importlib.util.find_spec("watchfiles") is not None


__all__ = ["Look", "Watched", "watches_natively"]
