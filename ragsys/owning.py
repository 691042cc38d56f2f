"""Who has a library open: one process at a time, which holds the library's lock and serves the others."""

from __future__ import annotations

import contextlib
from pathlib import Path

import portalocker

from ragsys import private
from ragsys.errors import LibraryBusy, LibraryError
from ragsys.places import Place

LOCK = "owner.lock"
ADDRESS = "owner.json"  # where the owner listens


def own(place: Place) -> portalocker.Lock:
    """Take the library's lock. Raises `LibraryBusy` if another process has it."""
    lock = locked(place.folder)
    if lock is None:
        raise LibraryBusy(f"another process has the library of {place.root} open", hint=f"it is in {place.folder}")
    with contextlib.suppress(OSError):  # of an owner that was killed: its port may be somebody else's by now
        (place.folder / ADDRESS).unlink()
    return lock


def is_open(folder: Path) -> bool:
    """Whether a process has the library in a folder open."""
    if not (folder / LOCK).exists():
        return False
    try:
        lock = locked(folder)
    except LibraryError:  # a folder that may not be written: nobody here can have it open
        return False
    if lock is not None:
        lock.release()
    return lock is None


def locked(folder: Path) -> portalocker.Lock | None:
    """The library's lock, taken; None if a process has it."""
    with contextlib.suppress(OSError):  # a folder that cannot be written, say: taking the lock tells it
        private.file(folder / LOCK)
    lock = portalocker.Lock(str(folder / LOCK), mode="a", timeout=0, fail_when_locked=True)
    try:
        lock.acquire()
    except portalocker.exceptions.LockException:
        return None
    except OSError as error:
        raise LibraryError(f"{folder / LOCK}: {error.strerror or error}", hint="may you write there?") from error
    return lock
