"""The door of a library's owner: where it listens, how a client finds it, and who is let in.

The owner listens on a Unix socket that this user alone may open: in the library's folder, or in the user's runtime
folder where that path is too long for a socket. Where there is neither, it listens on the loopback address, which every
user of the machine reaches. So a client first shows the token of the owner's address file, in a small message and
within seconds. Until then it costs a socket and a kilobyte: one thread looks after all of them, and where they are many
the oldest makes way.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import selectors
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragsys import frames
from ragsys.errors import LibraryBusy, NoAnswer, RagsysError
from ragsys.types import JSON

PROTOCOL = 2
SOCKET = "owner.sock"  # in the library's folder
CLIENTS = 256  # that are served at a time; a call has a connection of its own
_WAITING = 128  # connections without the token
_HELLO_SECONDS = 5.0
_HELLO_BYTES = 1024
_BACKLOG = 512  # connections that the system holds for the thread that takes them
_TOGETHER = 16  # connections that are taken between two looks at those that are waiting
_PATH_BYTES = 103  # of a Unix socket, on every system
_PAUSE = 0.1  # seconds until the next try where the system has no more files
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def listen(folder: Path) -> tuple[socket.socket, JSON]:
    """A socket for the owner of the library in a folder, and how a client reaches it. Raises `OSError`."""
    for path in _paths(folder):
        with contextlib.suppress(OSError):  # a disk that holds no sockets
            return _unix(path), {"socket": str(path)}
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    return listener, {"port": listener.getsockname()[1]}


def _paths(folder: Path) -> Iterator[Path]:
    if not hasattr(socket, "AF_UNIX"):
        return
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    paths = [folder / SOCKET]
    with contextlib.suppress(OSError):
        about = runtime.stat()
        if about.st_uid == os.getuid() and not about.st_mode & 0o077:
            paths.append(runtime / f"ragsys-{name}.sock")
    yield from (path for path in paths if len(os.fsencode(path)) <= _PATH_BYTES)


def _unix(path: Path) -> socket.socket:
    if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):  # of an owner that was killed: we hold its lock
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # before anybody can connect
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def dial(about: JSON, seconds: float) -> socket.socket:
    """A connection to the owner with this address. Raises `OSError`, or `ValueError` where it is no address."""
    if "socket" not in about:
        return socket.create_connection(("127.0.0.1", int(about["port"])), seconds)
    until = time.monotonic() + seconds
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(seconds)
            line.connect(str(about["socket"]))
        except BlockingIOError:  # so many connect at this moment that the system holds no more
            line.close()
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
        except BaseException:
            line.close()
            raise
        else:
            return line


def hello(token: str) -> JSON:
    """The first message of a client."""
    return {"token": token, "protocol": PROTOCOL}


@dataclass(slots=True)
class _Visitor:
    """A connection that has not shown the token."""

    line: socket.socket
    since: float = field(default_factory=time.monotonic)
    got: bytes = b""

    def missing(self) -> int:
        """Bytes that its first message still lacks. Raises `ValueError` for one that is too large."""
        if len(self.got) < frames.SIZES.size:
            return frames.SIZES.size - len(self.got)
        head, _ = frames.SIZES.unpack_from(self.got)  # a block behind it is never read
        if head > _HELLO_BYTES:
            raise ValueError(f"a first message of {head} bytes")
        return frames.SIZES.size + int(head) - len(self.got)


class Door:
    """Takes connections and hands on those that show the token, until it is closed."""

    def __init__(self, listener: socket.socket, token: str, admit: Callable[[socket.socket], bool]) -> None:
        """`admit` is given a connection and begins to serve it; False if there are too many."""
        self._listener, self._token, self._admit = listener, token.encode(), admit
        self._waiting: dict[socket.socket, _Visitor] = {}  # the oldest first
        self._selector = selectors.DefaultSelector()
        self._stopped, self._stop = socket.socketpair()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._watch, name="ragsys-door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections. Idempotent."""
        with contextlib.suppress(OSError):
            self._stop.close()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        try:
            while self._open():
                pass
        finally:
            for line in [*self._waiting, self._listener, self._stopped]:
                line.close()
            self._selector.close()

    def _open(self) -> bool:
        """One look at all connections; False when the door is closed."""
        try:
            if not self._look():
                return False
            self._expire()
        except OSError:  # no memory in the system for a moment
            time.sleep(_PAUSE)
        return True

    def _look(self) -> bool:
        ready = [key.fileobj for key, _ in self._selector.select(self._patience())]
        if self._stopped in ready:
            return False
        for line in ready:  # first those that wait: a client with the token is not made to go by those without
            if isinstance(line, socket.socket) and line in self._waiting:
                self._read(self._waiting[line])
        if self._listener in ready:
            self._accept()
        return True

    def _patience(self) -> float | None:
        oldest = next(iter(self._waiting.values()), None)
        return None if oldest is None else max(0.0, oldest.since + _HELLO_SECONDS - time.monotonic())

    def _expire(self) -> None:
        late = time.monotonic() - _HELLO_SECONDS
        for visitor in [visitor for visitor in self._waiting.values() if visitor.since <= late]:
            self._drop(visitor)

    def _accept(self) -> None:
        for _ in range(_TOGETHER):
            try:
                line, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _FULL:  # room is made
                    for visitor in list(self._waiting.values())[: _WAITING // 2]:
                        self._drop(visitor)
                    time.sleep(_PAUSE)
                return  # else it left while it waited
            while len(self._waiting) >= _WAITING:
                self._drop(next(iter(self._waiting.values())))
            line.setblocking(False)
            self._waiting[line] = _Visitor(line)
            self._selector.register(line, selectors.EVENT_READ)

    def _read(self, visitor: _Visitor) -> None:
        try:
            data = visitor.line.recv(visitor.missing())
            visitor.got += data
            if data and visitor.missing():
                return
            if not data:
                raise ValueError("it hung up")
            message = frames.header_of(visitor.got[frames.SIZES.size :])
        except BlockingIOError:
            return
        except (OSError, ValueError):  # it is gone, or is no client of ours
            self._drop(visitor)
            return
        refused = self._refused(message)
        if refused is None:
            self._forget(visitor)
            if self._admit(visitor.line):
                return
            refused = NoAnswer(f"process {os.getpid()} serves {CLIENTS} calls already", hint="run it again in a moment")
        with contextlib.suppress(OSError):
            visitor.line.send(frames.packed(failure(refused)))
        self._drop(visitor)

    def _refused(self, message: JSON) -> RagsysError | None:
        token = message.get("token")
        shown = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
        if not hmac.compare_digest(shown, self._token):
            return NoAnswer("wrong token", hint="run it again")  # of an owner before this one, perhaps
        if message.get("protocol") != PROTOCOL:
            return another_version(os.getpid())
        return None

    def _forget(self, visitor: _Visitor) -> None:
        if self._waiting.pop(visitor.line, None) is not None:
            self._selector.unregister(visitor.line)

    def _drop(self, visitor: _Visitor) -> None:
        self._forget(visitor)
        visitor.line.close()


def another_version(pid: int) -> LibraryBusy:
    """The owner and its client are of versions that do not understand each other."""
    return LibraryBusy(
        f"process {pid} has the library open with another version of ragsys", hint="end that process, then run it again"
    )


def failure(error: RagsysError) -> JSON:
    """An error as a message."""
    return {"type": "error", **error.as_dict(), "exit_code": error.exit_code}
