"""Files of a run are written whole or not at all; where the disk refuses, the error names the file and the way on."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from ragsys.errors import RagsysError
from ragsys.places import quoted


@contextlib.contextmanager
def writing(path: Path, then: str | None = None, *, kept: str = "") -> Iterator[None]:
    """Raises `RagsysError` that names `path` for an `OSError` of what is done inside: a full disk, a missing right.

    Its hint says what is `kept` and what to do `then`; by default, report the run in the file's folder again.
    """
    try:
        yield
    except OSError as error:
        first = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        after = then or f"then: ragsys eval {quoted(path.parent)} --report-only"
        hint = f"{kept}{first}, {after}"
        raise RagsysError(f"{path}: cannot be written: {error.strerror or error}", hint=hint) from error


def replace(path: Path, data: bytes) -> None:
    """Write a file so that at every moment it is the old one or the new one. Raises `OSError`."""
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()  # of a full disk it would take the rest
        raise
