"""Conversations on disk: a JSON-lines file each in the library's folder, a line a turn, flushed before it is told.

A process that is killed loses at most the line that it was writing: a torn last line is left out, told, and cut off
before the next one is written. Lines are only ever added: taking a turn back is a line, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import time
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import portalocker

from ragsys import private
from ragsys.errors import LibraryBusy, UsageError, did_you_mean
from ragsys.types import JSON
from ragsys.wording import counted

FOLDER = "threads"
FORMAT = 1
_SUFFIX = ".jsonl"
_LONGEST = 64  # characters of a name
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$", re.IGNORECASE)  # devices, on Windows


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """A kept conversation."""

    name: str
    turns: int
    question: str  # the first that was asked
    changed: float  # seconds since 1970
    bytes: int


def checked(name: str) -> str:
    """A thread's name that can be a file's on every system. Raises `UsageError`."""
    text = unicodedata.normalize("NFC", name)
    plain = bool(text) and all(char.isalnum() or char in "._-" for char in text) and text[0].isalnum()
    if not plain or len(text.encode()) > 2 * _LONGEST or len(text) > _LONGEST or text.endswith("."):
        raise UsageError(
            f"'{name[:80]}' cannot be a thread's name", hint=f"letters, digits, . _ -; at most {_LONGEST} characters"
        )
    if _RESERVED.match(text):
        raise UsageError(f"'{name}' cannot be a thread's name: it is a device on Windows", hint="choose another name")
    return text


class Threads:
    """The conversations of one library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """The names, the one that was changed last first."""
        found = []
        if self.folder.is_dir():
            for path in self.folder.glob(f"*{_SUFFIX}"):
                with contextlib.suppress(OSError):  # deleted meanwhile
                    found.append((path.stat().st_mtime_ns, path.name.removesuffix(_SUFFIX)))
        return [name for _, name in sorted(found, reverse=True)]

    def list(self) -> list[ThreadInfo]:
        """Every conversation, the one that was changed last first."""
        found = []
        for name in self.names():
            path = self._path(name)
            with contextlib.suppress(OSError):
                read = _read(path)
                first = str(read.turns[0].get("asked", "")) if read.turns else ""
                stat = path.stat()
                found.append(ThreadInfo(name, len(read.turns), first, stat.st_mtime, stat.st_size))
        return found

    def open(self, name: str | None = None) -> ThreadFile:
        """The conversation of this name, to go on with or to begin; None: a new one with a name of its own.

        Raises `UsageError` for a name that cannot be one, `LibraryBusy` if another chat has it open.
        """
        if name is None:
            name = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
        return ThreadFile(self._path(checked(name)))

    def delete(self, name: str) -> None:
        """Delete a conversation. Raises `UsageError` if there is none, `LibraryBusy` if a chat has it open."""
        path = self._path(checked(name))
        if not path.exists():
            known = self.names()
            raise UsageError(
                f"no thread named '{name}'.{did_you_mean(name, known)}",
                hint=f"there are: {', '.join(known[:5]) or '-'}",
            )
        opened = ThreadFile(path)
        try:
            path.unlink()
        finally:
            opened.close()
        with contextlib.suppress(OSError):
            _lock_path(path).unlink()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"


@dataclass(slots=True)
class _Read:
    turns: list[JSON] = field(default_factory=list)
    end: int = 0  # bytes that are whole lines
    closed: bool = True  # the last line ends with its line feed
    damaged: int = 0  # lines in the middle that are none
    torn: bool = False  # the last line was cut short


class ThreadFile:
    """One open conversation. `turns` are what was kept; `notes` what of it could not be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name.removesuffix(_SUFFIX)
        self._lock = _locked(path) if path.exists() else None
        self.notes: list[str] = []
        try:
            self._state = _read(path) if path.exists() else _Read()
        except OSError as error:
            self.close()
            raise UsageError(f"thread '{self.name}' cannot be read: {error.strerror or error}") from error
        if self._state.torn:
            self.notes.append("the last line of this thread was cut short, by a crash or a full disk: it is left out")
        if self._state.damaged:
            self.notes.append(f"left out of this thread: {counted(self._state.damaged, 'damaged line')}")

    @property
    def turns(self) -> list[JSON]:
        """The turns in order, those left out that were taken back."""
        return list(self._state.turns)

    def append(self, turn: JSON) -> None:
        """Keep a turn: it is on disk when this returns.

        Raises `OSError` if it cannot be written, `LibraryBusy` if another chat has begun this thread meanwhile.
        """
        self._write({"turn": turn})
        self._state.turns.append(turn)

    def undo(self) -> None:
        """Take the last turn back."""
        if self._state.turns:
            self._write({"undo": 1})
            self._state.turns.pop()

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _write(self, line: JSON) -> None:
        private.folder(self.path.parent)
        if self._lock is None:
            self._lock = _locked(self.path)
            if self.path.exists():  # another chat has begun it since this one was opened, and ended
                self._state = _read(self.path)
        state = self._state
        data = b"" if state.closed else b"\n"
        if not state.end:
            data += _line({"thread": self.name, "format": FORMAT, "began": time.strftime("%Y-%m-%dT%H:%M:%S%z")})
        data += _line(line)
        with self.path.open("ab") as out:
            out.truncate(state.end)  # what was torn must not become the beginning of this line
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        state.end, state.closed = state.end + len(data), True


def _line(value: JSON) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _read(path: Path) -> _Read:
    """What a file holds. Whole lines count; the last one counts without its line feed if it is whole otherwise."""
    data = path.read_bytes()
    found = _Read()
    at = 0
    while at < len(data):
        stop = data.find(b"\n", at)
        last = stop < 0
        piece = data[at:] if last else data[at:stop]
        line = _parsed(piece)
        if line is None and last:
            found.torn = True
            break
        if line is None:
            found.damaged += bool(piece.strip())
        elif isinstance(line.get("turn"), dict):
            found.turns.append(line["turn"])
        elif "undo" in line and found.turns:
            found.turns.pop()
        found.end, found.closed = (len(data), False) if last else (stop + 1, True)
        at = found.end
    return found


def _parsed(piece: bytes) -> JSON | None:
    try:
        line = json.loads(piece.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_SUFFIX) + ".lock")


def _locked(path: Path) -> portalocker.Lock:
    lock = portalocker.Lock(str(_lock_path(path)), mode="a", timeout=0, fail_when_locked=True)
    try:
        lock.acquire()
    except portalocker.exceptions.LockException as error:
        name = path.name.removesuffix(_SUFFIX)
        raise LibraryBusy(
            f"thread '{name}' is open in another chat", hint="end that chat, or begin another thread: --thread NAME"
        ) from error
    return lock
