"""What keeps a library from being opened, in words: its cause, and the next command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragsys.errors import LibraryBusy, LibraryError, RagsysError, StoreDamaged
from ragsys.places import Place, command
from ragsys.soundness import Sealed

if TYPE_CHECKING:
    from ragsys.config import Config
    from ragsys.protocols import Store


@contextlib.contextmanager
def explained(place: Place, store: Store, config: Config) -> Iterator[None]:
    """A block that opens a library's store. Where it fails the store is closed, and the error says why.

    That the library be made again is advised only where its files are damaged.
    """
    try:
        yield
    except BaseException as given:
        error = _established(given, place, store)
        with contextlib.suppress(Exception):
            store.close()
        if isinstance(error, StoreDamaged):
            error.hint = f"make it again from the documents: {command(place, 'index FOLDER --rebuild')}"
        if error is not given:
            raise error from given
        if isinstance(error, RagsysError) or not isinstance(error, Exception) or config.store.options:
            raise
        # whatever a limit of the machine, or what a server holds, makes the reader of states say
        raise LibraryError(
            f"the library of {place.root} cannot be read ({type(error).__name__}: {_first_line(error)})",
            hint=f"look for the cause: {command(place, 'doctor FOLDER')}",
        ) from error


def _established(error: BaseException, place: Place, store: Store) -> BaseException:
    """The error, or the damage that explains it."""
    if isinstance(error, Exception) and not isinstance(error, StoreDamaged | LibraryBusy) and isinstance(store, Sealed):
        with contextlib.suppress(LibraryError):
            if files := store.damaged():
                return StoreDamaged(f"the library of {place.root}", files)
    return error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else "no message"
