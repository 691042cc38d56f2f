"""The facts of a page in few bytes, as they are stored with it, and back.

    form          1 byte
    sizes         6 numbers of 2 bytes: distinct terms, terms, parts, years, bytes of the label, 0
    deflated      distinct term ids in rising order as differences, 4 bytes each, all first bytes before all second ones
                  the place of each term among them, in reading order: 1 byte, 2 where there are more than 256
                  the field of each part: 1 byte; parts are what stands between two terms of id 0
                  make-up: float32
                  years and how often each is written: 2 bytes each
                  the label, UTF-8

Bytes of one significance side by side deflate better: the high ones of differences are alike.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ragsys_rank.facts import FIELDS, MAKE_UP, Facts

_FORM = 1
_SIZES = struct.Struct("<B6H")
_MOST = 0xFFFF  # of everything that is counted in two bytes
_LARGEST = 1 << 21  # bytes that are inflated at most: what is stored is not trusted to be sound


def packed(facts: Facts) -> bytes:
    """The digest of a page's facts; empty where the page is too large for its numbers."""
    ids, places = np.unique(facts.terms, return_inverse=True)  # (u,), (n,)
    # a part's field is that of its terms: the break in front of a part belongs to it
    breaks = facts.terms == 0  # (n,)
    starts = np.flatnonzero(breaks)
    fields = facts.fields[np.concatenate([[0], starts])] if len(facts.terms) else facts.fields[:0]  # (parts,)
    label = facts.label.encode("utf-8", "replace")
    sizes = (len(ids), len(facts.terms), len(fields), len(facts.years), len(label))
    if max(sizes) > _MOST or any(count > _MOST for count in facts.years.values()):
        return b""
    years = np.array([number for pair in facts.years.items() for number in pair], "<u2")
    wide = places.astype("<u1" if len(ids) <= 256 else "<u2")
    body = b"".join(
        (
            _planes(np.diff(ids, prepend=np.uint32(0)).astype("<u4")),
            _planes(wide),
            fields.astype("<u1").tobytes(),
            facts.make_up.astype("<f4").tobytes(),
            years.tobytes(),
            label,
        )
    )
    return _SIZES.pack(_FORM, *sizes, 0) + zlib.compress(body, 6)


def unpacked(digest: bytes) -> Facts | None:
    """The inverse of `packed`; None where the bytes are none of its digests."""
    try:
        form, distinct, count, parts, dated, named, _ = _SIZES.unpack_from(digest)
        if form != _FORM:
            return None
        body = zlib.decompressobj().decompress(digest[_SIZES.size :], _LARGEST)
        width = 1 if distinct <= 256 else 2
        ends = np.cumsum((4 * distinct, width * count, parts, 4 * len(MAKE_UP), 4 * dated, named)).tolist()
        if len(body) != ends[-1]:
            return None
        ids = np.cumsum(_joined(body[: ends[0]], 4, "<u4"), dtype=np.uint32)  # (u,)
        terms = ids[_joined(body[ends[0] : ends[1]], width, f"<u{width}")]  # (n,)
        own = np.frombuffer(body, np.uint8, parts, ends[1])
        if parts and own.max() >= FIELDS:
            return None
        fields = own[np.cumsum(terms == 0)] if count else np.empty(0, np.uint8)  # (n,)
        make_up = np.frombuffer(body, "<f4", len(MAKE_UP), ends[2]).astype(np.float32)
        years = np.frombuffer(body, "<u2", 2 * dated, ends[3]).tolist()
        label = body[ends[4] :].decode("utf-8")
    except (struct.error, zlib.error, ValueError, IndexError):
        return None
    return Facts(terms, fields, make_up, dict(zip(years[::2], years[1::2], strict=True)), label)


def _planes(numbers: NDArray[np.unsignedinteger]) -> bytes:
    """All lowest bytes, then all that come above them, and so on."""
    return numbers.view(np.uint8).reshape(-1, numbers.dtype.itemsize).T.tobytes()


def _joined(planes: bytes, width: int, kind: str) -> NDArray[np.unsignedinteger]:
    """The inverse of `_planes`."""
    return np.ascontiguousarray(np.frombuffer(planes, np.uint8).reshape(width, -1).T).view(kind).ravel()
