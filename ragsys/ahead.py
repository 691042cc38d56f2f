"""Parser processes started before anyone can tell them what to do: their imports run beside those of the owner.

A new library will surely need them; an indexed one mostly not. What was started is taken by the pool of parsers, or
dismissed by whoever finds nothing to parse. Commands that begin at the same time start them once: only one of them can
become the owner of the library. Imports next to nothing: it runs first of all.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from ragsys import private
from ragsys.environment import without_secrets
from ragsys.places import cache_dir, place_of

#: -P: a file of the current folder must never be taken for a module.
WORKER = (sys.executable, "-P", "-m", "ragsys.worker")
_MOST = 2  # more would keep the owner's own imports waiting
_PIPE_BYTES = 1 << 20  # some 150 pages; the usual 64 KB are full in a tenth of a second
_SLOT = "parsers.lock"  # in the cache folder: held while parsers wait that were started ahead
_started: list[subprocess.Popen[bytes]] = []
_slot: list[int] = []  # the descriptor of that file, while it is ours


def start(root: Path, folder: Path | None = None) -> None:
    """Start parser processes if the library of this root (in `folder`, if given) is not there yet."""
    dismiss()
    if not root.expanduser().exists() or place_of(root, folder).folder.exists():
        return
    if not _claim():
        return
    atexit.register(dismiss)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    for _ in range(min(_MOST, cores) if root.expanduser().is_dir() else 1):
        try:
            _started.append(launch((*WORKER, "ahead")))
        except OSError:  # the pool tells it when it needs one
            break
    if not _started:
        _release()


def _claim() -> bool:
    """Whether no other command of this user has parsers that wait at this moment."""
    try:
        private.folder(cache_dir())
        slot = os.open(cache_dir() / _SLOT, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return False
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(slot, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody has it, or the disk knows no locks
        os.close(slot)
        return False
    _slot.append(slot)
    return True


def _release() -> None:
    """Let another command start parsers ahead. The system does it where a process is killed."""
    while _slot:
        os.close(_slot.pop())


def launch(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """A worker, which waits for its first message. Raises `OSError`."""
    pipe = subprocess.PIPE
    # a parser multiplies no matrices: the threads that NumPy would start for them only spin
    own = {"OPENBLAS_NUM_THREADS": "1", **without_secrets()}
    process = subprocess.Popen(list(command), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0, env=own)
    if process.stdout is not None:
        _widen(process.stdout.fileno())
    return process


def _widen(pipe: int) -> None:
    """Let a pipe hold what a worker sends while its owner waits for the disk, where the system allows it."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux alone has it, and bounds it for each user
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def take() -> subprocess.Popen[bytes] | None:
    """A process that was started ahead and still runs, if there is one left."""
    try:
        while _started:
            process = _started.pop(0)
            if process.poll() is None:
                return process
            _end(process)
        return None
    finally:
        if not _started:
            _release()


def dismiss() -> None:
    """End those that nobody took."""
    while _started:
        _end(_started.pop())
    _release()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()
