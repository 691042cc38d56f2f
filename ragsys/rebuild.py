"""Makes a library's store again from the documents: conversations, traces and what was taken out of it stay.

The old store is given up in one step. A run that ends before that leaves the old library; one that ends after it leaves
a library that the next indexing run fills.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragsys import exclusions, places
from ragsys.catalog import Catalog
from ragsys.config import Config
from ragsys.errors import LibraryError
from ragsys.owning import own
from ragsys.plugins import Builder, registry
from ragsys.scan import TABLE, load_table
from ragsys.store import AllOf

log = logging.getLogger("ragsys")
_SECONDS = 120  # that reading the old states may take
_STATES = (
    "import sys; from ragsys.library import Library\n"
    "Library(sys.argv[1], folder=sys.argv[2], background=False, index=False).close()"
)


@runtime_checkable
class Discarding(Protocol):
    """A store that can be given up without being opened."""

    def discard(self) -> None:
        """Give up everything in one step; the next opening finds an empty store."""
        ...


def begin(root: Path, config: Config, *, folder: Path | None = None, prune: bool = False) -> None:
    """Give up a library's store; the next indexing run makes it again.

    Raises `LibraryError` where the documents are not there, or many are gone and not `prune`; `LibraryBusy` if a
    process has the library open.
    """
    place = places.place_of(root, folder)
    if not place.folder.exists():
        return  # there is nothing to give up
    _check_documents(place, config, prune)
    builder = Builder(registry(), config.defaults, place.folder, places.cache_dir())
    store = builder.build("store", config.store)
    if isinstance(store, Discarding) and not (place.folder / exclusions.FILE).exists():
        _note(place)
    places.register(place, again=True)
    lock = own(place)
    try:
        try:
            if isinstance(store, Discarding):
                store.discard()
            else:
                exclusions.meet(place.folder, Catalog(store))
                store.delete_where(AllOf(()))
        finally:
            with contextlib.suppress(LibraryError):
                store.close()
        (place.folder / TABLE).unlink(missing_ok=True)
    finally:
        lock.release()


def _check_documents(place: places.Place, config: Config, prune: bool) -> None:
    """What is gone could not be read again: the rule of `ragsys.ingest` that keeps it is kept here."""
    if not place.root.exists():
        raise LibraryError(f"{place.root} is not there: nothing was deleted", hint="mount it, or name its folder")
    known = load_table(place.folder / TABLE) if place.root.is_dir() else {}
    gone = sum(not (place.root / path).exists() for path in known)
    if not prune and gone > config.index.prune_least and gone > config.index.prune_share * len(known):
        raise LibraryError(
            f"{gone} of {len(known)} files are gone from {place.root}: nothing was deleted",
            hint=f"if that is meant: {places.command(place, 'index FOLDER --rebuild --prune')}",
        )


def _note(place: places.Place) -> None:
    """Have another process read which documents were taken out: a damaged store may end it."""
    if places.known(place) is None:
        return
    command = [sys.executable, "-P", "-c", _STATES, str(place.root), str(place.folder)]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=True)
        return
    log.warning("which documents were taken out of the library could not be read: they are indexed again")
