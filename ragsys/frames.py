"""Messages between our own processes: a JSON header and a block of bytes, both with their length in front.

Used by the parser's workers (over pipes) and by the library's service (over a local socket). Nothing is unpickled.
"""

from __future__ import annotations

import json
import struct
from typing import BinaryIO

from ragsys.types import JSON

SIZES = struct.Struct("<II")  # in front of a message: the bytes of its header and of its block
LIMIT = 1 << 30  # bytes of one message


def write(stream: BinaryIO, header: JSON, blob: bytes = b"") -> None:
    """Write one message and flush it."""
    stream.write(packed(header, blob))
    stream.flush()


def packed(header: JSON, blob: bytes = b"") -> bytes:
    """One message as it is sent."""
    head = json.dumps(header, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return SIZES.pack(len(head), len(blob)) + head + blob


def read(stream: BinaryIO, limit: int = LIMIT) -> tuple[JSON, bytes] | None:
    """The next message, or None at the end of the stream. Raises `ValueError` for a message cut short or too long."""
    head = read_header(stream, limit)
    return head if head is None else (head[0], read_block(stream, head[1], limit))


def read_header(stream: BinaryIO, limit: int) -> tuple[JSON, int] | None:
    """(the header of the next message, the bytes of the block behind it, which is to be read next); see `read`."""
    sizes = _exactly(stream, SIZES.size)
    if sizes is None:
        return None
    head_size, blob_size = SIZES.unpack(sizes)
    _bound(head_size, limit)
    head = _exactly(stream, head_size)
    if head is None:
        raise ValueError("a message was cut short")
    return header_of(head), blob_size


def header_of(head: bytes) -> JSON:
    """The header of a message. Raises `ValueError` for anything but a JSON object."""
    try:
        header = json.loads(head.decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError("a message's header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("a message's header is not a JSON object")
    return header


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
