"""How much a server may send: bytes are counted as they come, before anything is built of them.

A server is not trusted with memory or time. What it sends is read raw: a content encoding was not asked for, and a few
kilobytes of one can expand to gigabytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2

T = TypeVar("T")
LISTING = 4 << 20  # bytes of a listing, a count, and all else that is no reply of a model
ERROR = 256 << 10  # bytes of an error's body: what is beyond is left unread
ERROR_SECONDS = 10.0  # to send an error's body: what comes later is left unread
BACKLOG = 1 << 20  # bytes of a stream that may wait to be taken
_WHOLE = 2 << 20  # bytes of a reply beside its tokens
_STREAM = 16 << 20  # of a stream: not every server counts thoughts among the tokens that it was asked for
_TOKEN = 256  # bytes of a token in a whole reply, and of each alternative to it
_EVENT = 4096  # bytes of the event that brings a token


class TooMuch(Exception):
    """The server sends more than it may, or in an encoding that was not asked for."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one reply, in bytes: `piece` is the most of a line of a stream, and of a reply that comes at once."""

    piece: int = LISTING
    stream: int = LISTING

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Bounds:
        """What the reply to such a request needs at the very most, by the tokens that it asks for."""
        tokens = max(_number(asked.get("max_tokens")), _number(asked.get("max_completion_tokens")))
        tokens *= max(1, _number(asked.get("n")))
        alternatives = _number(asked.get("top_logprobs"))
        piece = _WHOLE + tokens * _TOKEN * (1 + alternatives)
        return cls(piece, _STREAM + piece + tokens * _EVENT)


async def whole(response: httpx2.Response, most: int) -> bytes:
    """The body. Raises `TooMuch`."""
    body = bytearray()
    async for part in _raw(response, most):
        body += part
    return bytes(body)


async def lines(response: httpx2.Response, bounds: Bounds) -> AsyncGenerator[str, None]:
    """The lines of a stream, each as soon as it is whole. Raises `TooMuch`."""
    held = bytearray()
    async with contextlib.aclosing(_raw(response, bounds.stream)) as parts:
        async for part in parts:
            for piece in part.splitlines(keepends=True):
                held += piece
                if len(held) > bounds.piece:
                    raise TooMuch(f"a line of more than {size(bounds.piece)}")
                if piece.endswith((b"\n", b"\r")):
                    line = held.decode("utf-8", "replace")
                    held.clear()
                    yield line.rstrip("\r\n")
    if held:
        yield held.decode("utf-8", "replace")


async def error_body(response: httpx2.Response) -> bytes:
    """The beginning of an error's body, as much as comes within the bounds; its status says the most."""
    body = bytearray()
    with contextlib.suppress(TimeoutError, TooMuch):
        async with asyncio.timeout(ERROR_SECONDS), contextlib.aclosing(_raw(response, ERROR)) as parts:
            async for part in parts:
                body += part
    return bytes(body)


async def _raw(response: httpx2.Response, most: int) -> AsyncGenerator[bytes, None]:
    """The body's bytes as they come, not decoded, `most` of them."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise TooMuch(f"the content encoding '{encoding[:40]}', which was not asked for")
    came = 0
    async with contextlib.aclosing(response.aiter_raw()) as parts:
        async for part in parts:
            came += len(part)
            if came > most:
                raise TooMuch(f"more than {size(most)}")
            yield part


class Backlog(Generic[T]):
    """What one thread brings and another takes; whoever brings waits for room while too much of it was not taken."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[tuple[T, int]] = queue.SimpleQueue()
        self._brought = 0  # bytes; written by the thread that brings alone, the next by the one that takes
        self._taken = 0

    def put(self, item: T, size: int = 0) -> None:
        """Bring one that was made of so many bytes."""
        self._brought += size
        self._items.put((item, size))

    def take(self) -> T:
        """The next one; waits for it."""
        item, size = self._items.get()
        self._taken += size
        return item

    async def room(self) -> None:
        """Return when there is room for more."""
        while self._brought - self._taken > BACKLOG:
            await asyncio.sleep(0.01)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / (1 << 20):.1f} MB" if count >= 1 << 20 else f"{count >> 10} kB"
