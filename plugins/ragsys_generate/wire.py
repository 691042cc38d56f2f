"""One HTTP server: calls that are bounded in number, retried, and broken off at once when nobody waits for them.

All connections of the process live on one event loop in a thread of its own, because there alone a call can be given up
in any state: while it waits for its turn, connects, backs off, or has not had its first byte.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import email.utils
import itertools
import json
import os
import random
import socket
import ssl
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from ragsys.exchange import Cancel

from . import bounds
from .bounds import Backlog, Bounds

T = TypeVar("T")
Event = dict[str, Any]
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 529})  # statuses after which another try may do
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  # seconds between two tries: doubled each time, a quarter of it by chance
LONGEST_ASKED = 120.0  # seconds that a server may ask us to wait
KEPT = 4.0  # seconds an idle connection is kept; uvicorn closes its own after five
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Cancelled(Exception):
    """The call was given up by its caller."""


class Late(Exception):
    """The deadline passed."""


class Refused(Exception):
    """The server answered with an error, or with something that is no answer."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.headers = headers

    @property
    def wait(self) -> float | None:
        """The seconds that the server asks to wait before another try, if it does."""
        with contextlib.suppress(KeyError, ValueError):
            return float(self.headers["retry-after-ms"]) / 1000
        value = self.headers.get("retry-after", "")
        with contextlib.suppress(ValueError):
            return max(0.0, float(value))
        with contextlib.suppress(ValueError, TypeError):
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        return None


class Unreached(Exception):
    """The server was not reached, or its connection was lost. `kind` says how."""

    def __init__(self, kind: str, reason: str, tries: int = 1) -> None:
        super().__init__(reason)
        # "refused", "unknown host", "connect timeout", "certificate", "proxy", "lost", "silent", "too much"
        self.kind = kind
        self.reason = reason
        self.tries = tries


class Again:
    """In a stream: the connection was lost before anything was shown, and the stream begins anew."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to hold out. Times in seconds."""

    connect: float
    silence: float  # without a byte
    retries: int
    restart: float  # for a server that was reached before and now refuses connections


class Wire:
    """The connections to one server. `lasts` says of a refusal whether another try would end in the same.

    `direct`: no proxy is between, whatever the environment says.
    """

    _numbers = itertools.count()

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        patience: Patience,
        concurrency: int,
        lasts: Callable[[Refused], bool] = lambda refused: False,
        *,
        direct: bool = False,
    ) -> None:
        self.url = url
        self._headers = {"accept-encoding": "identity", **headers}
        self._patience = patience
        self._concurrency = concurrency
        self._lasts = lasts
        # a proxy that the environment names is not for this machine
        self._proxied = not direct and urlsplit(url).hostname not in LOOPBACK
        self._reached = False
        self._key = next(self._numbers)
        weakref.finalize(self, _Loop.forget, self._key)

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        _Loop.forget(self._key)

    def get(self, path: str, deadline: float | None = None, cancel: Cancel | None = None) -> Any:
        """The JSON at a path below the server's url. It waits for no turn: it costs the server nothing."""
        return _Loop.current().run(self._json("GET", path, None, (deadline, None), bounds.LISTING), cancel)

    def post(
        self,
        path: str,
        body: bytes,
        deadline: float | None = None,
        cancel: Cancel | None = None,
        *,
        turn: bool = True,
        most: int = bounds.LISTING,
    ) -> Any:
        """The JSON that is answered to a JSON body, at a path or a whole address; in its turn, or at once.

        Raises `Refused`, `Unreached`, `Late` and `Cancelled`; `Unreached` too where it is of more than `most` bytes.
        """
        width = self._concurrency if turn else None
        return _Loop.current().run(self._json("POST", path, body, (deadline, width), most), cancel)

    def events(
        self,
        path: str,
        body: bytes,
        shows: Callable[[Event], bool],
        ends: Callable[[Event], bool],
        deadline: float | None = None,
        cancel: Cancel | None = None,
        most: Bounds = Bounds(),
    ) -> Iterator[Event | Again]:
        """The JSON events of a stream. Until one of them `shows` something, a lost connection is tried again.

        A stream is whole with its end mark `[DONE]`, or with an event that `ends` it: not every server sends the mark.
        Raises as `post` does; the calling thread may leave the iterator at any time.
        """
        arrived: Backlog[Event | Again | None] = Backlog()
        task = self._stream(path, body, (shows, ends), deadline, arrived, most)
        future = _Loop.current().start(task, cancel)
        future.add_done_callback(lambda done: arrived.put(None))
        try:
            while (item := arrived.take()) is not None:
                yield item
            _result(future)
        finally:
            future.cancel()

    async def _json(
        self, method: str, path: str, body: bytes | None, held: tuple[float | None, int | None], most: int
    ) -> Any:
        async def once() -> Any:
            async with self._answer(method, path, body) as response:
                content = await bounds.whole(response, most)
            try:
                return json.loads(content)
            except (ValueError, RecursionError):
                raise Refused(response.status_code, content, response.headers) from None

        return await self._held(once, *held)

    async def _stream(
        self,
        path: str,
        body: bytes,
        told: tuple[Callable[[Event], bool], Callable[[Event], bool]],
        deadline: float | None,
        arrived: Backlog[Event | Again | None],
        most: Bounds,
    ) -> None:
        shows, ends = told
        shown = False
        began = False

        async def once() -> None:
            nonlocal shown, began
            if began:
                arrived.put(Again())
            async with self._answer("POST", path, body) as response:
                began = True
                async for event, size in _events(response, ends, most):
                    shown = shown or shows(event)
                    arrived.put(event, size)
                    await arrived.room()

        await self._held(once, deadline, self._concurrency, lambda: not shown)

    async def _held(
        self,
        once: Callable[[], Coroutine[Any, Any, T]],
        deadline: float | None,
        width: int | None,
        may_repeat: Callable[[], bool] = lambda: True,
    ) -> T:
        """`once`, in its turn among `width` (None: at once), repeated while there is time and reasons may pass."""
        until = None if deadline is None else time.monotonic() + deadline
        try:
            async with asyncio.timeout_at(until), _Loop.current().lane(self.url).turn(width):
                return await self._repeated(once, until, may_repeat)
        except TimeoutError:
            raise Late from None

    async def _repeated(
        self,
        once: Callable[[], Coroutine[Any, Any, T]],
        until: float | None,
        may_repeat: Callable[[], bool],
    ) -> T:
        tries, counted = 0, 0  # those while a server restarts are not counted
        gone_since: float | None = None
        while True:
            tries, counted = tries + 1, counted + 1
            asked: float | None = None
            most = self._patience.retries
            try:
                return await once()
            except Refused as error:
                failure: Refused | Unreached = error
                passes, asked = error.status in PASSING and not self._lasts(error), error.wait
            except Unreached as error:
                error.tries = tries
                failure = error
                passes = error.kind in ("refused", "lost", "connect timeout")
                self._reached = self._reached or error.kind == "lost"
                if error.kind == "refused" and self._reached:  # it restarts
                    gone_since = gone_since or time.monotonic()
                    if time.monotonic() - gone_since < self._patience.restart:
                        counted = min(counted, most)
                elif error.kind == "refused":  # more likely it is not there at all, and its user waits to be told
                    most = min(most, 1)
            if not passes or counted > most or not may_repeat():
                raise failure
            wait = min(FIRST_WAIT * 2 ** (counted - 1), LONGEST_WAIT) * random.uniform(0.75, 1.0)  # noqa: S311
            wait = wait if asked is None else asked
            if wait > LONGEST_ASKED or (until is not None and time.monotonic() + wait >= until):
                raise failure
            await asyncio.sleep(wait)

    @contextlib.asynccontextmanager
    async def _answer(self, method: str, path: str, body: bytes | None) -> AsyncIterator[httpx2.Response]:
        """A response whose status says that all is well; its body is still to come."""
        address = path if "://" in path else self.url + path
        headers = {"content-type": "application/json"} if body is not None else {}
        with _told():
            async with self._opened().stream(method, address, content=body, headers=headers) as response:
                self._reached = True
                if response.status_code >= 300:
                    raise Refused(response.status_code, await bounds.error_body(response), response.headers)
                yield response

    def _opened(self) -> httpx2.AsyncClient:
        """The client, made on the loop that it belongs to."""
        clients = _Loop.current().clients
        if self._key not in clients:
            clients[self._key] = httpx2.AsyncClient(
                headers=self._headers,
                timeout=httpx2.Timeout(self._patience.silence, connect=self._patience.connect, pool=None),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=KEPT),
                trust_env=self._proxied,
                verify=urlsplit(self.url).scheme == "https",  # no certificates are read where none is shown
            )
        return clients[self._key]


async def _events(
    response: httpx2.Response, ends: Callable[[Event], bool], most: Bounds
) -> AsyncIterator[tuple[Event, int]]:
    """The `data:` of server-sent events as JSON with their lengths, until `[DONE]`. What is no such stream is
    `Refused`."""
    seen = ended = False
    plain: list[str] = []
    room = most.piece  # for what is no event, which is kept
    async for line in bounds.lines(response, most):
        if line.startswith("data:"):
            data = line[5:].strip()
            if data == "[DONE]":
                return
            try:
                event = json.loads(data)
            except (ValueError, RecursionError):
                raise Refused(response.status_code, line.encode(), response.headers) from None
            if isinstance(event, dict):
                seen = True
                ended = ended or ends(event)
                yield event, len(data)
        elif not seen and line.strip() and not line.startswith((":", "event:", "id:", "retry:")):
            plain.append(line)
            if (room := room - len(line)) < 0:
                raise Unreached("too much", f"more than {bounds.size(most.piece)} that are no events")
    if not seen:
        raise Refused(response.status_code, "\n".join(plain).encode(), response.headers)
    if not ended:
        raise Unreached("lost", "the stream ended before the reply did")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """The client library's errors as ours."""
    try:
        yield
    except httpx2.ConnectTimeout as error:
        raise Unreached("connect timeout", "it takes no connection") from error
    except httpx2.ConnectError as error:
        raise Unreached(_kind(error), _root(error)) from error
    except httpx2.ProxyError as error:
        raise Unreached("proxy", str(error) or "the proxy refuses the connection") from error
    except httpx2.TimeoutException as error:
        raise Unreached("silent", "it has sent nothing for too long") from error
    except bounds.TooMuch as error:
        raise Unreached("too much", str(error)) from error
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise Unreached("lost", str(error) or "the connection was closed") from error


def _kind(error: Exception) -> str:
    text = _root(error).lower()
    if "certificate" in text or "ssl" in text or "wrong version number" in text:
        return "certificate"
    if any(part in text for part in ("name or service", "nodename", "getaddrinfo", "name resolution", "no address")):
        return "unknown host"
    return "refused"


def _root(error: BaseException) -> str:
    """The words of the error that all others came from."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif (cause := error.__cause__ or error.__context__) is not None:
            error = cause
        else:
            break
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror | ssl.SSLError) and error.errno:
        return os.strerror(error.errno)  # without the address, which is told anyway
    return str(error)


def _end(future: concurrent.futures.Future[Any]) -> None:
    with contextlib.suppress(RuntimeError):  # the process ends, and its loop has ended before
        future.cancel()


def begin(task: Coroutine[Any, Any, T], cancel: Cancel | None) -> concurrent.futures.Future[T]:
    """Run what is no call of a `Wire` on the loop of all connections; `cancel` ends it."""
    return _Loop.current().start(task, cancel)


def _result(future: concurrent.futures.Future[T]) -> T:
    try:
        return future.result()
    except concurrent.futures.CancelledError:
        raise Cancelled from None


class _Lane:
    """How many calls to one server are under way in this process; the bound is that of each caller."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @contextlib.asynccontextmanager
    async def turn(self, width: int | None) -> AsyncIterator[None]:
        if width is None:
            yield
            return
        while self._running >= width:
            freed = asyncio.get_running_loop().create_future()
            self._waiting.add(freed)
            try:
                await freed
            finally:
                self._waiting.discard(freed)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            for freed in self._waiting:
                if not freed.done():
                    freed.set_result(None)


class _Loop:
    """The process's event loop for connections, in a thread that ends with the process."""

    _guard = threading.Lock()
    _current: _Loop | None = None

    def __init__(self) -> None:
        self.process = os.getpid()
        self.clients: dict[int, httpx2.AsyncClient] = {}
        self._lanes: dict[str, _Lane] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ragsys-http", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @classmethod
    def current(cls) -> _Loop:
        """The one that runs; another after a fork, which takes no thread along."""
        with cls._guard:
            if cls._current is None or cls._current.process != os.getpid():
                cls._current = cls()
            return cls._current

    def start(self, task: Coroutine[Any, Any, T], cancel: Cancel | None) -> concurrent.futures.Future[T]:
        """Run it there; `cancel` ends it."""
        future = asyncio.run_coroutine_threadsafe(task, self._loop)
        if cancel is not None:
            cancel.on(lambda: _end(future))
        return future

    def run(self, task: Coroutine[Any, Any, T], cancel: Cancel | None) -> T:
        """The result of it, waited for here."""
        future = self.start(task, cancel)
        try:
            return _result(future)
        finally:
            future.cancel()  # of a thread that was interrupted while it waited

    def lane(self, url: str) -> _Lane:
        """Of the calls to a server."""
        return self._lanes.setdefault(url, _Lane())

    @classmethod
    def forget(cls, key: int) -> None:
        """Close the client of a `Wire`."""
        loop = cls._current
        if loop is not None and loop.alive and (client := loop.clients.pop(key, None)) is not None:
            _quietly(client.aclose(), loop._loop)

    @property
    def alive(self) -> bool:
        """Whether its thread runs in this process."""
        return self.process == os.getpid() and self._thread.is_alive()

    def stop(self) -> None:
        """Close everything."""
        if not self.alive:
            return

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.wait(others, timeout=1.0) if others else None
            for client in self.clients.values():
                with contextlib.suppress(Exception):
                    await client.aclose()
            self._loop.stop()

        _quietly(end(), self._loop)
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._loop.close()


def _quietly(task: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> None:
    """Start what nobody waits for, unless the loop has ended."""
    try:
        asyncio.run_coroutine_threadsafe(task, loop)
    except RuntimeError:
        task.close()
