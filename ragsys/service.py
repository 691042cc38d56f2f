"""The owner of an open library serves other processes over a local socket, so that `ask` works while `index` runs.

The owner writes where it listens and a random token into the library's folder, readable by this user alone; `door` lets
in who shows the token. Messages are `frames` (JSON and bytes).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ragsys import door, frames, imageblocks
from ragsys.actions import Turn
from ragsys.budget import CANCELLED
from ragsys.codec import plain
from ragsys.config import AnswerConfig
from ragsys.door import failure
from ragsys.errors import BudgetSpent, LibraryBusy, LibraryError, NoAnswer, RagsysError
from ragsys.exchange import Cancel
from ragsys.owning import ADDRESS as ABOUT
from ragsys.types import JSON, BBox

if TYPE_CHECKING:
    from ragsys.library import Library

log = logging.getLogger("ragsys")
_CONNECT_SECONDS = 5.0
_WELCOME_SECONDS = 60.0  # that an owner on a busy machine has to let a client in
_TRIES = 3  # at least, of a client that the owner does not let in
_WELCOME_BYTES = 1 << 16
_TICK = 0.2  # seconds between two looks at whether a client still waits for that
_CANCEL_SECONDS = 5.0  # that the owner has to end a call that is given up
_LULL = 0.2  # seconds between two calls of a client that asks for one thing after another
_ASKED = 1 << 20  # bytes of the head of a client's message


class _Gone(Exception):
    """The client hung up."""


class Service:
    """Serves one open library until it is closed. A client that breaks off costs its own connection only."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._about = library.place.folder / ABOUT
        self._token = secrets.token_hex(32)
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._running = 0  # calls that are under way
        self._counted = threading.Condition()  # that number has changed
        try:
            listener, self._address = door.listen(library.place.folder)
            self._door = door.Door(listener, self._token, self._admit)
        except OSError as error:
            raise self._unserved(error) from error
        try:
            about = {**self._address, "token": self._token, "pid": os.getpid(), "protocol": door.PROTOCOL}
            _write_private(self._about, about)
        except OSError as error:
            self.close()
            raise self._unserved(error) from error

    def _unserved(self, error: OSError) -> LibraryError:
        reason = error.strerror or str(error)
        return LibraryError(
            f"{self._about}: the library cannot be served to other commands: {reason}",
            hint="remove what is in that place if it is a folder; may you write there?",
        )

    def finish(self, seconds: float) -> None:
        """Wait until no call is under way, but no longer than this."""
        until = time.monotonic() + seconds
        with self._counted:
            while self._running and (left := until - time.monotonic()) > 0:
                self._counted.wait_for(lambda: not self._running, left)
                self._counted.wait_for(lambda: self._running, _LULL)

    def close(self) -> None:
        """Stop listening; connections in use are cut."""
        for path in (self._about, Path(self._address.get("socket", self._about))):
            with contextlib.suppress(OSError):
                path.unlink()
        self._door.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _admit(self, client: socket.socket) -> bool:
        with self._lock:
            if len(self._clients) >= door.CLIENTS:
                return False
            self._clients.add(client)
        try:
            threading.Thread(target=self._serve, args=(client,), name="ragsys-client", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            with self._lock:
                self._clients.discard(client)
            return False
        return True

    def _serve(self, client: socket.socket) -> None:
        try:
            client.setblocking(True)
            with client, _stream_of(client) as stream:
                frames.write(stream, {"type": "welcome"})
                while (head := frames.read_header(stream, _ASKED)) is not None:
                    message, size = head
                    blob = frames.read_block(stream, size, imageblocks.LIMIT)
                    with self._under_way():
                        self._answer(message, blob, stream, client)
        except (OSError, ValueError, _Gone):
            return  # the client is gone, or is no client of ours
        except Exception:
            log.warning("a call of another process ended early", exc_info=True)
        finally:
            with self._lock:
                self._clients.discard(client)

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._counted:
            self._running += more
            self._counted.notify_all()

    def _answer(self, message: JSON, block: bytes, stream: BinaryIO, line: socket.socket) -> None:
        def tell(event: JSON) -> None:
            try:
                frames.write(stream, event)
            except (OSError, ValueError) as error:
                raise _Gone from error

        try:
            if message.get("config") != self._library.config.shared:
                where = f"the library of {self._library.place.root} is open in process {os.getpid()}"
                raise LibraryBusy(
                    f"{where} with another configuration",
                    hint="end that process, or use the same --config and --set",
                )
            call = _CALLS.get(str(message.get("call")))
            if call is None:
                raise RagsysError(f"unknown call {message.get('call')!r}: the versions of ragsys differ")
            args = message.get("args", {})
            if message["call"] == "stream":
                args = {**args, "images": imageblocks.unpacked(block, args.get("images", ()))}
            if message["call"] in _LONG:
                with _watched(line) as cancel:
                    if args.get("cancelled"):  # before it was asked: no need to look at the line for it
                        cancel.set()
                    result, blob = call(self._library, {**args, "cancel": cancel}, tell)
            else:
                result, blob = call(self._library, args, tell)
        except _Gone:
            raise
        except RagsysError as error:
            tell(failure(error))
        except Exception as error:  # told to the client; the owner goes on
            tell(failure(RagsysError(f"{type(error).__name__}: {error}")))
        else:
            frames.write(stream, {"type": "result", "result": result}, blob)


Tell = Callable[[JSON], None]


def _find(library: Library, args: JSON, _: Tell) -> tuple[Any, bytes]:
    hits, explained = library.find(args["text"], args["k"], filter=args["filter"])
    return {"hits": plain(hits), "explained": plain(explained)}, b""


def _stream(library: Library, args: JSON, tell: Tell) -> tuple[Any, bytes]:
    told = {key: args[key] for key in ("filter", "budget", "cancel", "images")}
    answer = AnswerConfig.model_validate(args["answer"])  # the client's own
    for event in library.stream(args["question"], **told, history=_turns(args.get("history", ())), answer=answer):
        data = plain(event.data) if event.kind == "answer" else None
        tell({"type": "event", "kind": event.kind, "text": event.text, "step": plain(event.step), "data": data})
    return None, b""


def _reworded(library: Library, args: JSON, _: Tell) -> tuple[Any, bytes]:
    made = library.reworded(args["question"], _turns(args["history"]), seconds=args["seconds"], cancel=args["cancel"])
    return None if made is None else {"text": made[0], "usage": plain(made[1])}, b""


def _turns(history: Sequence[JSON]) -> list[Turn]:
    return [Turn(str(one["question"]), str(one["answer"])) for one in history]


def _index(library: Library, args: JSON, tell: Tell) -> tuple[Any, bytes]:
    def watch(progress: Any) -> None:
        tell({"type": "progress", "progress": plain(progress)})

    return plain(library.index(**args, progress=watch)), b""


def _finish(library: Library, args: JSON, _: Tell) -> tuple[Any, bytes]:
    return library.finish(args["seconds"]), b""  # another thread does the work: it must not write on our line


def _render(library: Library, args: JSON, _: Tell) -> tuple[Any, bytes]:
    clip = BBox(*args["clip"]) if args["clip"] else None
    page = library.render(args["doc"], args["page"], dpi=args["dpi"], clip=clip)
    out = io.BytesIO()
    page.image.save(out, "PNG")
    return {"page": page.page, "dpi": page.dpi}, out.getvalue()


def _done(name: str) -> Callable[[Library, JSON, Tell], tuple[Any, bytes]]:
    """A call that takes nothing and gives nothing."""

    def call(library: Library, _: JSON, __: Tell) -> tuple[Any, bytes]:
        getattr(library, name)()
        return None, b""

    return call


def _restore(library: Library, args: JSON, _: Tell) -> tuple[Any, bytes]:
    library.restore(args["name"])
    return None, b""


_CALLS: Mapping[str, Callable[[Library, JSON, Tell], tuple[Any, bytes]]] = {
    "find": _find,
    "stream": _stream,
    "reworded": _reworded,
    "index": _index,
    "finish": _finish,
    "render": _render,
    "documents": lambda library, args, _: (plain(library.documents(**args)), b""),
    "document": lambda library, args, _: (plain(library.document(args["name"])), b""),
    "remove": lambda library, args, _: (plain(library.remove(args["name"])), b""),
    "restore": _restore,
    "status": lambda library, _, __: (plain(library.status()), b""),
    "key": lambda library, _, __: (library.key, b""),
    "under_way": lambda library, _, __: (library.under_way, b""),
    **{name: _done(name) for name in ("resume", "refresh", "prepare")},
}


#: Calls that may wait for a model: they are given up when the client hangs up, and are given a `Cancel` for it.
_LONG = ("stream", "reworded")
_WATCH_SECONDS = 0.2


@contextlib.contextmanager
def _watched(line: socket.socket) -> Iterator[Cancel]:
    """Something that is set when the client hangs up while its call runs."""
    cancel, over = Cancel(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                readable = select.select([line], [], [], 0)[0]
                if readable and not line.recv(1, socket.MSG_PEEK):
                    cancel.set()
            except OSError:  # the line was cut
                cancel.set()
            except ValueError:  # more open files than can be watched: the call's next word to the client tells
                return
            over.wait(_WATCH_SECONDS)

    watcher = threading.Thread(target=watch, name="ragsys-watch", daemon=True)
    watcher.start()
    try:
        yield cancel
    finally:
        over.set()
        watcher.join(timeout=2 * _WATCH_SECONDS)


class Connection:
    """A client's way to the owner of a library. Each call has a line of its own: a call may be made while another one
    streams, by any thread, and one that is left early hangs up and is cancelled there."""

    def __init__(self, folder: Path, config: str) -> None:
        """`config` is the client's `Config.shared`. Raises `LibraryBusy` if the owner left no word of where it is."""
        with self._reaching(folder):
            about = frames.header_of((folder / ABOUT).read_bytes())
            self._token, self.owner, self._address = str(about["token"]), int(about["pid"]), about
        if about.get("protocol") != door.PROTOCOL:
            raise door.another_version(self.owner)
        self._folder, self._config = folder, config

    @staticmethod
    @contextlib.contextmanager
    def _reaching(folder: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoAnswer(
                f"another process has the library in {folder} open and does not answer ({error})",
                hint="wait until it ends, or end it; `ragsys doctor` names it",
            ) from error

    def events(
        self, call: str, args: JSON, cancel: Cancel | None = None, block: bytes = b""
    ) -> Iterator[tuple[JSON, bytes]]:
        """What the owner sends, the result as the last one. Raises what the call raised there.

        `cancel` says that nothing more is asked for: the owner gives the call up and sends what that ends in, as a call
        in this process does. Where it does not in time, the call ends with `BudgetSpent` here.
        """
        if cancel is not None and cancel.is_set:
            args = {**args, "cancelled": True}
        with self._let_in(cancel) as line, _stream_of(line) as stream, _half_closed(line, cancel) as sent:
            try:
                frames.write(stream, {"config": self._config, "call": call, "args": args}, block)
                sent()
                while (message := frames.read(stream)) is not None:
                    header, blob = message
                    if header["type"] == "error":
                        raise _error(header)
                    yield header, blob
                    if header["type"] == "result":
                        return
            except (OSError, ValueError) as error:
                if cancel is not None and cancel.is_set:
                    raise BudgetSpent(CANCELLED) from error
                raise NoAnswer(f"the connection to the library's owner broke: {error}", hint="run it again") from error
        if cancel is not None and cancel.is_set:
            raise BudgetSpent(CANCELLED)
        raise NoAnswer("the library's owner ended", hint="run it again")

    def _let_in(self, cancel: Cancel | None) -> socket.socket:
        """A line on which the owner waits for a call.

        It is asked again where it serves as many as it can, or where this process was so slow that it was cut off.
        """
        until, tries = time.monotonic() + _CONNECT_SECONDS, 0
        while True:
            tries += 1
            with self._reaching(self._folder), contextlib.ExitStack() as undo:
                line = undo.enter_context(door.dial(self._address, _CONNECT_SECONDS))
                try:
                    line.sendall(frames.packed(door.hello(self._token)))
                    _answered(line, cancel)
                    line.settimeout(None)  # an indexing run may take long between two messages
                    _welcome(line)
                except (NoAnswer, ConnectionError):
                    if time.monotonic() > until and tries >= _TRIES:
                        raise
                    time.sleep(_TICK)
                    continue
                undo.pop_all()
                return line

    def call(self, call: str, args: JSON | None = None) -> Any:
        """The result of a call."""
        result: Any = None
        for header, _ in self.events(call, args or {}):
            result = header.get("result")
        return result


def _answered(line: socket.socket, cancel: Cancel | None) -> None:
    """Wait until the owner says something. Raises `TimeoutError`, `BudgetSpent` where nobody waits any more."""
    began = time.monotonic()
    line.settimeout(_TICK)
    while True:
        with contextlib.suppress(TimeoutError):
            line.recv(1, socket.MSG_PEEK)
            return
        waited = time.monotonic() - began
        if cancel is not None and cancel.is_set and waited > _CANCEL_SECONDS:
            raise BudgetSpent(CANCELLED)
        if waited > _WELCOME_SECONDS:
            raise TimeoutError(f"it let nobody in for {waited:.0f} s")


def _welcome(line: socket.socket) -> None:
    """The first words of the owner. Raises what it refuses the client with; `ValueError` if it is no owner."""
    with _stream_of(line) as stream:
        message = frames.read(stream, _WELCOME_BYTES)
    if message is None:
        raise ConnectionResetError("it hung up")
    if message[0].get("type") == "error":
        raise _error(message[0])
    if message[0].get("type") != "welcome":
        raise ValueError("it is no process of ragsys")


@contextlib.contextmanager
def _half_closed(line: socket.socket, cancel: Cancel | None) -> Iterator[Callable[[], None]]:
    """What is to be called when the request is sent: from then on, `cancel` closes the line's way to the owner, and a
    while later, where the owner has not ended the call, the way back."""
    waiting: list[threading.Timer] = []

    def give_up() -> None:
        _shut(line, socket.SHUT_WR)
        waiting.append(threading.Timer(_CANCEL_SECONDS, _shut, (line, socket.SHUT_RDWR)))
        waiting[-1].daemon = True
        waiting[-1].start()

    try:
        yield lambda: cancel.on(give_up) if cancel is not None else None
    finally:
        for timer in waiting:
            timer.cancel()


def _shut(line: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(how)


def _error(header: JSON) -> RagsysError:
    """The owner's error as the same class here."""
    from ragsys import errors

    kind = getattr(errors, str(header.get("error")), RagsysError)
    error = RagsysError(str(header["message"]), hint=header.get("hint"))
    if isinstance(kind, type) and issubclass(kind, RagsysError):
        plain_error = RagsysError.__new__(kind)
        RagsysError.__init__(plain_error, str(header["message"]), hint=header.get("hint"))
        error = plain_error
    error.exit_code = int(header.get("exit_code", 1))
    return error


def _stream_of(line: socket.socket) -> BinaryIO:
    return cast(BinaryIO, line.makefile("rwb"))


def _write_private(path: Path, content: JSON) -> None:
    """Write a file that only this user can read, at once."""
    partial = path.with_suffix(".part")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out)
    os.replace(partial, path)


__all__ = ["ABOUT", "Connection", "Service"]
