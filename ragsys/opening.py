"""What keeps a library from being opened, in words: its cause, and the next command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragsys.errors import LibraryError, RagsysError, StoreDamaged
from ragsys.places import Place, command

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
    except BaseException as error:
        with contextlib.suppress(Exception):
            store.close()
        if isinstance(error, StoreDamaged):
            error.hint = f"make it again from the documents: {command(place, 'index FOLDER --rebuild')}"
        if isinstance(error, RagsysError) or not isinstance(error, Exception) or config.store.options:
            raise
        # whatever a limit of the machine, or what a server holds, makes the reader of states say
        raise LibraryError(
            f"the library of {place.root} cannot be read ({type(error).__name__}: {_first_line(error)})",
            hint=f"look for the cause: {command(place, 'doctor FOLDER')}",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else "no message"
