"""Folders and files for this user alone: a library holds what documents say, what was asked and what was answered."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_OTHERS = 0o077  # the rights of everybody else


def folder(path: Path) -> None:
    """Make a folder that only this user can open, and those above it that are missing. Raises `OSError`."""
    if path.is_dir():
        return
    if path.parent != path:
        folder(path.parent)
    with contextlib.suppress(FileExistsError):  # another process has just made it
        path.mkdir(mode=0o700)
    if not path.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(path))


def file(path: Path) -> None:
    """Make an empty file that only this user can read; one that is there stays. Raises `OSError`."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def tighten(path: Path) -> None:
    """Take from others their rights to a folder or file of this user. Links, and what is somebody else's, stay."""
    if not hasattr(os, "geteuid"):  # Windows: a user's folders are private by their place
        return
    with contextlib.suppress(OSError):
        about = path.lstat()
        ours = about.st_uid == os.geteuid() and (stat.S_ISDIR(about.st_mode) or stat.S_ISREG(about.st_mode))
        if ours and about.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS)
