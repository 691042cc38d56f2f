"""Messages between our own processes: a JSON header and a block of bytes, both with their length in front.

Used by the parser's workers (over pipes) and by the library's service (over a local socket). Nothing is unpickled.
"""

from __future__ import annotations

import json
import struct
from typing import BinaryIO

from ragsys.types import JSON

_SIZES = struct.Struct("<II")
LIMIT = 1 << 30  # bytes of one message


def write(stream: BinaryIO, header: JSON, blob: bytes = b"") -> None:
    """Write one message and flush it."""
    head = json.dumps(header, separators=(",", ":")).encode("utf-8", "surrogatepass")
    stream.write(_SIZES.pack(len(head), len(blob)) + head + blob)
    stream.flush()


def read(stream: BinaryIO, limit: int = LIMIT) -> tuple[JSON, bytes] | None:
    """The next message, or None at the end of the stream. Raises `ValueError` for a message cut short or too long."""
    head = read_header(stream, limit)
    return head if head is None else (head[0], read_block(stream, head[1], limit))


def read_header(stream: BinaryIO, limit: int) -> tuple[JSON, int] | None:
    """(the header of the next message, the bytes of the block behind it, which is to be read next); see `read`."""
    sizes = _exactly(stream, _SIZES.size)
    if sizes is None:
        return None
    head_size, blob_size = _SIZES.unpack(sizes)
    _bound(head_size, limit)
    head = _exactly(stream, head_size)
    if head is None:
        raise ValueError("a message was cut short")
    header = json.loads(head.decode("utf-8", "surrogatepass"))
    if not isinstance(header, dict):
        raise ValueError("a message's header is not a JSON object")
    return header, blob_size


def read_block(stream: BinaryIO, size: int, limit: int) -> bytes:
    """The block of a message whose header was read. Raises `ValueError` for one that is cut short or too long."""
    _bound(size, limit)
    blob = _exactly(stream, size)
    if blob is None:
        raise ValueError("a message was cut short")
    return blob


def _bound(size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"a message of {size} bytes is over the limit")


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    parts: list[bytes] = []
    missing = size
    while missing:
        part = stream.read(missing)
        if not part:
            if parts:
                raise ValueError("a message was cut short")
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
