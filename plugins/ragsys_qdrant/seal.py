"""The seal of a closed store: what each of its files held when it was closed, by size and checksum.

The engine keeps no checksums: it finds other pages after a flipped bit, and reads beyond the end of a file that was
cut, which ends the process. So a store is sealed as it is closed, and the seal is compared before the engine opens it.
While it is open there is none: the engine writes into its files, and a process that is killed leaves files of which
nothing can be said.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import NamedTuple

NAME = "seal.json"
_BLOCK = 1 << 16
_ZERO = bytes(_BLOCK)
_SMALL = 1 << 18  # bytes on disk: such a file is read at every opening
_QUICK = 64 << 20  # bytes on disk of a store that is read whole at every opening: some hundredths of a second
_MOST = 1 << 30  # bytes on disk of a store whose large files have checksums: they are read at every closing
_TOUCHED = ("tracker_journal.dat", ".json")  # ends of names: the engine writes them as it opens, too
_APART = frozenset({"lock", NAME})


class _Held(NamedTuple):
    size: int
    checksum: int | None  # None: not taken


class Seal:
    """The seal of the store in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, _Held] = {}  # as it was closed the last time; empty if that is not known
        self._unread: set[str] = set()  # large files that were not read at opening
        self._times: dict[str, int] = {}  # of the files when they were durable, ns

    def broken(self) -> list[str]:
        """The files that are not as they were when the store was closed, by name. None where there is no seal.

        Large files of a large store are compared by their sizes alone: `unread` compares the rest.
        """
        self._held = _read(self._folder / NAME)
        there = dict(_files(self._folder))
        self.mark()
        whole = sum(map(_allocated, there.values())) <= _QUICK
        self._unread = set() if whole else {name for name, path in there.items() if _large(path)}
        return self._differ(self._held.keys(), there)

    def exists(self) -> bool:
        """Whether there is one now."""
        return (self._folder / NAME).exists()

    @property
    def known(self) -> bool:
        """Whether there was a seal at opening."""
        return bool(self._held)

    def unread(self) -> list[str]:
        """Of the files that `broken` did not read, those that hold something else. To be called before any write."""
        there = dict(_files(self._folder))
        as_opened = {name for name, path in there.items() if path.stat().st_mtime_ns == self._times.get(name)}
        found = self._differ(self._held.keys() & self._unread & as_opened, there, every=True)
        self._unread = set(found)
        return found

    def _differ(self, names: Iterable[str], there: Mapping[str, Path], *, every: bool = False) -> list[str]:
        found = []
        for name in names:
            held, path = self._held[name], there.get(name)
            try:
                if path is None or path.stat().st_size != held.size:
                    found.append(name)
                elif held.checksum is not None and (every or name not in self._unread):
                    found += [name] if _checksum(path) != held.checksum else []
            except OSError:
                found.append(name)
        return sorted(found)

    def open(self) -> None:
        """Remove the seal; durable when this returns. To be called before the engine opens the files."""
        path = self._folder / NAME
        if path.exists():
            path.unlink()
            _sync(self._folder)

    def mark(self) -> None:
        """Note that all files are durable as they are."""
        self._times = {name: path.stat().st_mtime_ns for name, path in _files(self._folder)}

    def close(self, *, written: bool) -> None:
        """Seal the files. To be called when the engine has closed them. `written`: something was stored meanwhile; if
        not, the engine has touched small files alone."""
        there = dict(_files(self._folder))
        large = sum(map(_allocated, there.values())) > _MOST
        held: dict[str, _Held] = {}
        for name, path in there.items():
            before, about = self._held.get(name), path.stat()
            small = not _large(path)
            same = not written and not small and about.st_mtime_ns == self._times.get(name)
            if same and before is not None:  # also if it is damaged and was not read: that stays known
                held[name] = before
                continue
            held[name] = _Held(about.st_size, _checksum(path) if small or not large else None)
            if about.st_mtime_ns != self._times.get(name):
                _sync(path)
        files = json.dumps({name: list(one) for name, one in sorted(held.items())})
        fresh = (self._folder / NAME).with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"checksum": zlib.crc32(files.encode()), "files": files}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / NAME)


def _read(path: Path) -> dict[str, _Held]:
    """A seal; empty if there is none, or one that is damaged itself."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if zlib.crc32(data["files"].encode()) != data["checksum"]:
            return {}
        return {name: _Held(*held) for name, held in json.loads(data["files"]).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of each file of a store."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in _APART and path.suffix != ".new" and path.is_file():
            yield name, path


def _large(path: Path) -> bool:
    return _allocated(path) > _SMALL and not path.name.endswith(_TOUCHED)


def _allocated(path: Path) -> int:
    """The bytes that a file takes on the disk, holes left out where the system tells."""
    try:
        stat = path.stat()
    except OSError:
        return 0
    return stat.st_blocks * 512 if hasattr(stat, "st_blocks") else stat.st_size


def _checksum(path: Path) -> int:
    """A checksum of what a file holds and where; a hole counts as the zeros that it reads as."""
    found = at = 0
    with path.open("rb", buffering=0) as file:
        while block := _next(file, at):
            at = file.tell()
            if block != _ZERO[: len(block)]:
                found = zlib.crc32(block, zlib.crc32(at.to_bytes(8, "little"), found))
    return found


def _next(file: FileIO, at: int) -> bytes:
    """The next block at or after `at`, holes left out where the system tells; empty at the end."""
    if hasattr(os, "SEEK_DATA"):
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA) // _BLOCK * _BLOCK
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return b""
    file.seek(at)
    return file.read(_BLOCK)


def _sync(path: Path) -> None:
    """Return when a file, or the names in a folder, are durable; at once where the system does not do that."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
