"""JSON in little room as text, which is all that every store takes: deflated, in base 85.

A page is too short for deflate to learn its words, so it begins with a dictionary: common words of reports, manuals and
papers, the commonest last (near ones cost fewer bits), and the signs between a page's numbers. That is a tenth less of
an English page and no more of any other. What is packed cannot be read with another dictionary: it stays as it is, and
a new one gets a new mark.
"""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from importlib.resources import files
from typing import Any

_MARK = ":"  # what was packed before begins with the "e" of zlib in base 64
_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"  # as in RFC 1924

_WORDS = "commonwords.txt"  # the commonest last
#: In front of the words of a page: what stands between blocks.
_SIGNS = (
    '|---|---|---| | $ 000, 0.0% ,0,0,0],[],0,"",0],[0,[1000,9000,"\\n","],[0,0,0,0,150,0,0,160,0,150,70,0,160,0,150,'
)


def pack(content: Any) -> str:
    """JSON -> deflated -> base 85."""
    raw = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    writer = _writer().copy()  # cheaper than to learn the dictionary anew
    return _MARK + to_text(writer.compress(raw) + writer.flush())


def unpack(packed: str) -> Any:
    """The inverse of `pack`, and of the form that libraries of the first versions hold."""
    if packed.startswith(_MARK):
        raw = zlib.decompressobj(-zlib.MAX_WBITS, _dictionary()).decompress(from_text(packed[len(_MARK) :]))
    else:
        raw = zlib.decompress(base64.b64decode(packed))
    return json.loads(raw.decode("utf-8", "surrogatepass"))


@cache
def _dictionary() -> bytes:
    words = files("ragsys").joinpath(_WORDS).read_text(encoding="ascii")
    return (" ".join(words.split()) + _SIGNS).encode("ascii")


@cache
def _writer() -> Any:
    return zlib.compressobj(5, wbits=-zlib.MAX_WBITS, zdict=_dictionary())


def to_text(data: bytes) -> str:
    """Bytes in base 85: five ASCII characters for four bytes, none of which JSON has to escape."""
    import numpy as np

    rest = -len(data) % 4
    words = np.frombuffer(data + bytes(rest), ">u4").astype(np.uint32)  # (n,)
    base = np.uint32(85)
    digits = np.empty((len(words), 5), np.uint8)
    for place in range(4, 0, -1):
        left = words // base  # a tenth of the time of divmod
        digits[:, place] = words - left * base
        words = left
    digits[:, 0] = words
    text = digits.tobytes().translate(_signs()).decode("ascii")
    return text[: len(text) - rest]


def from_text(text: str) -> bytes:
    """The inverse of `to_text`. Raises `ValueError` for what it never gives."""
    import numpy as np

    rest = -len(text) % 5
    held = text.encode("ascii") + b"~" * rest
    if held.translate(None, _DIGITS):
        raise ValueError("not in base 85")
    digits = np.frombuffer(held.translate(_values()), np.uint8).reshape(-1, 5)  # (n, 5)
    words = digits[:, 0].astype(np.uint64)  # (n,)
    for place in range(1, 5):
        words = words * np.uint64(85) + digits[:, place]
    if len(words) and int(words.max()) >= 2**32:
        raise ValueError("not in base 85")
    data = words.astype(">u4").tobytes()
    return data[: len(data) - rest]


@cache
def _signs() -> bytes:
    return _DIGITS + bytes(256 - len(_DIGITS))


@cache
def _values() -> bytes:
    return bytes.maketrans(_DIGITS, bytes(range(len(_DIGITS))))
