"""What the embedded engine fails on, in words: a limit of the machine is told as such, and never taken for damage."""

from __future__ import annotations

import re

from ragsys.errors import EngineFailed, StoreError

#: (what the system says in small letters, what that is, what to do). By words and by the numbers of POSIX and Windows.
_LIMITS = (
    (
        ("cannot allocate memory", "out of memory", "os error 12)", "memoryerror", "not enough memory"),
        "there is not enough memory",
        "end other programs, or allow this one more memory (ulimit -v); then run it again",
    ),
    (
        ("resource temporarily unavailable", "os error 11)"),
        "the system gives no more threads or memory",
        "end other programs, or allow this one more (ulimit -u, ulimit -v); then run it again",
    ),
    (
        ("too many open files", "os error 24)", "os error 23)"),
        "too many files are open",
        "allow more open files (ulimit -n 4096), then run it again",
    ),
    (
        ("no space left", "os error 28)", "os error 112)", "quota exceeded", "os error 122)"),
        "the disk is full",
        "make room, then run it again: what was done is kept",
    ),
    (
        ("permission denied", "access is denied", "read-only file system", "os error 30)", "os error 13)"),
        "its files may not be written",
        "make the library's folder writable for this user, then run it again",
    ),
    (
        ("input/output error", "os error 5)"),
        "the disk cannot be read",
        "look at the disk's health; copy the library to another one",
    ),
)

_NUMBER = re.compile(r"\(os error (\d+)\)")
_LOST = frozenset({2, 3})  # a file or a folder that is not there, on POSIX and Windows


def explained(error: BaseException, what: str, where: str) -> StoreError:
    """The engine's error, with its cause where that is a limit of the machine."""
    lines = str(error).splitlines()
    text = lines[0] if lines else type(error).__name__
    said = f"{type(error).__name__} {error}".lower()
    for signs, cause, remedy in _LIMITS:
        if any(sign in said for sign in signs):
            return StoreError(f"{where}: could not {what}: {cause} ({text})", hint=remedy)
    if (number := _NUMBER.search(said)) and int(number[1]) not in _LOST:
        return StoreError(f"{where}: could not {what}: {text}", hint="look for the cause: ragsys doctor FOLDER")
    return EngineFailed(f"{where}: could not {what}: {text}", hint="look for damage: ragsys doctor FOLDER")
