"""Temporary folders that a later run cleans where the process that made them was killed.

Such a folder holds a lock that its process has as long as it lives. One whose lock can be taken, that is not new, is
this user's and holds nothing but what ragsys puts there, is left over. Everything else in the temporary folder is not
ours.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import portalocker

PREFIX = "ragsys-"
LOCK = "in-use.lock"
_OLD = 600.0  # seconds: a younger folder may be just being made
_OURS = re.compile(r"worker-\d+")  # what the pool of parsers puts there


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """A folder of this process; what killed runs left over goes first."""
    clean(Path(tempfile.gettempdir()))
    # a worker that was ended may hold its file for a moment longer, which Windows does not let go
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        lock = portalocker.Lock(os.path.join(name, LOCK), mode="a", timeout=0, fail_when_locked=True)
        with contextlib.suppress(portalocker.exceptions.LockException, OSError):  # then it is never cleaned
            lock.acquire()
        try:
            yield Path(name)
        finally:
            lock.release()


def clean(parent: Path) -> list[Path]:
    """Delete the folders that killed runs left in `parent`; returns them."""
    gone = []
    with contextlib.suppress(OSError):
        for folder in parent.glob(PREFIX + "*"):
            with contextlib.suppress(OSError, portalocker.exceptions.LockException):
                if _left_over(folder):
                    shutil.rmtree(folder)
                    gone.append(folder)
    return gone


def _left_over(folder: Path) -> bool:
    """Whether the process that made a folder is gone. Raises `OSError` or `LockException` where it is not."""
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
        return False
    if time.time() - about.st_mtime < _OLD:
        return False
    found = list(os.scandir(folder))
    plain = all(one.is_file(follow_symlinks=False) for one in found)
    if not plain or not all(one.name == LOCK or _OURS.fullmatch(one.name) for one in found):
        return False
    if not any(one.name == LOCK for one in found):  # nothing shows that it is ours
        return False
    with portalocker.Lock(str(folder / LOCK), mode="r+", timeout=0, fail_when_locked=True):
        return True
