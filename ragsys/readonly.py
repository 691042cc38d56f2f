"""A library in a folder that may not be written: it is asked from a copy, since the engine writes where it reads.

The copy goes when the library is closed. Nothing new is indexed, and no conversation or trace is kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from ragsys import places
from ragsys.errors import LibraryError
from ragsys.progress import Report
from ragsys.soundness import Sealed
from ragsys.space import Space

_BLOCK = 1 << 16
_ZERO = bytes(_BLOCK)
_MARGIN = 128 << 20  # bytes that stay free beside a copy: a store wants some room to open
_KEPT = ("store", places.ABOUT, "removed.json", "files.json")  # what of a library decides what it answers


class Copy:
    """Where a library is used: its own folder, or a copy of it."""

    def __init__(self, place: places.Place) -> None:
        """Raises `LibraryError` where there is no room for a copy."""
        self.original = place
        self.place = place
        self.made = places.read(place.folder) is not None and not os.access(place.folder, os.W_OK)
        if self.made:
            self.place = places.Place(self._copied(), place.root)

    def _copied(self) -> Path:
        from ragsys.gc import disk_bytes

        needed = disk_bytes(self.original.folder) + _MARGIN
        folder = Path(tempfile.mkdtemp(prefix="ragsys-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # also where opening fails
        try:
            if shutil.disk_usage(folder).free < needed:
                raise OSError(f"{needed >> 20} MB are needed in {folder.parent}")
            for name in _KEPT:
                if (self.original.folder / name).exists():
                    _copy(self.original.folder / name, folder / name)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise LibraryError(
                f"{self.original.folder} may not be written, and cannot be copied ({error.strerror or error})",
                hint="give yourself the right to write there, or name a disk with more room: TMPDIR=PATH",
            ) from error
        return folder

    def check(self, space: Space) -> None:
        """Raises `LibraryError` where the copy may be of a library that another user's process was writing."""
        if self.made and isinstance(space.store, Sealed) and not space.store.sealed:
            raise LibraryError(
                f"{self.original.folder} may not be written, and it was not closed: a process may have it open",
                hint="close it there, or give yourself the right to write there",
            )

    def report(self, retry: bool | None) -> Report:
        """What an indexing run gives: a note before a question (`retry` is False), else an error."""
        text = f"{self.original.folder} may not be written"
        if retry is False:
            note = f"{text}: the library is asked as it is; nothing new is indexed, conversations are not kept"
            return Report(warnings=[note])
        raise LibraryError(f"{text}: nothing can be indexed or removed", hint="give yourself the right to write there")

    def drop(self) -> None:
        """Delete the copy."""
        if self.made:
            shutil.rmtree(self.place.folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """A file, or a folder with its files; what is zero becomes a hole: the engine's files are mostly that."""
    if source.is_dir():
        target.mkdir()
        for entry in sorted(source.iterdir()):
            _copy(entry, target / entry.name)
        return
    with source.open("rb") as file, target.open("wb") as out:
        out.truncate(source.stat().st_size)
        at = 0
        while block := file.read(_BLOCK):
            if block != _ZERO[: len(block)]:
                out.seek(at)
                out.write(block)
            at += len(block)
