"""A file that only grows: what a store refers to by number, in the order in which it came.

What is added is in the file after `write` and durable after `sync`. A crash may leave a part of an entry at the end; it
was never referred to, and goes with the next write.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ragsys.errors import StoreDamaged, StoreError


class Growing:
    """The file, for one writer. `whole(held)` tells how many of the bytes that it holds are whole entries."""

    def __init__(self, path: Path, whole: Callable[[bytes], int]) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fresh: list[bytes] = []  # entries that are not in the file yet
        self._file: BinaryIO | None = None  # opened by the first write
        with explained(path):
            held = path.read_bytes()
        self._end = self._synced = whole(held)
        self.held = held[: self._end]  # what was in it

    def add(self, entry: bytes) -> None:
        """One more entry; not in the file before `write`."""
        self._fresh.append(entry)

    def write(self) -> None:
        """Return when all entries are in the file; what failed is tried again by the next call."""
        if not self._fresh:
            return
        with self._lock, explained(self.path):
            count = len(self._fresh)  # more may come meanwhile
            data = memoryview(b"".join(self._fresh[:count]))
            if self._file is None:
                self._file = self.path.open("r+b", buffering=0)
                self._file.truncate(self._end)
            self._file.seek(self._end)
            done = 0
            while done < len(data):
                done += self._file.write(data[done:]) or 0
            self._end += done
            del self._fresh[:count]

    def sync(self) -> None:
        """Return when all that is in the file is durable."""
        with self._lock, explained(self.path):
            if self._file is not None and self._synced < self._end:
                os.fsync(self._file.fileno())
                self._synced = self._end

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What a file does not give, as a `StoreError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreDamaged(f"store {path.parent}", [path.name], "a file is lost") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}", hint="is the disk full? may you write there?") from error
    except ValueError as error:
        raise StoreDamaged(f"store {path.parent}", [path.name], f"a file is none of a store ({error})") from error
