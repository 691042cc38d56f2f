"""What the head of a GGUF file tells, and whether the file is whole: known before a runtime is given the file."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ragsys.errors import GenerationError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST = 10_000_000  # entries of a list, characters of a text: more is no head of a model
_EDGE = 2**20  # bytes at both ends of a file that tell it from others
_LONGEST_KEPT = 4096  # bytes of a text that is kept


@dataclass(frozen=True, slots=True)
class Head:
    """Of a model's file. `context` is how many tokens the model was trained for, 0 where that is not told."""

    architecture: str
    name: str
    context: int
    size: int  # bytes
    revision: str  # of the file: a hash of its size and both its ends


def read(path: Path) -> Head:
    """The head of a file. Raises `GenerationError` where it is missing, no GGUF file, or cut off."""
    hint = "another file: --set generator.model=FILE.gguf"
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if file.read(4) != MAGIC:
                raise GenerationError(f"{path} is no GGUF file", hint=hint)
            values, last = _Reader(file).head()
            if last >= size:
                raise GenerationError(
                    f"{path} is cut off: it holds {size:,} bytes, and its last tensor begins at {last:,}",
                    hint="copy or download it again",
                )
            file.seek(0)
            digest = hashlib.sha256(str(size).encode() + file.read(_EDGE))
            file.seek(max(0, size - _EDGE))
            digest.update(file.read())
    except OSError as error:
        raise GenerationError(
            f"the model's file cannot be read: {path}: {error.strerror or error}", hint=hint
        ) from error
    except (ValueError, struct.error) as error:
        raise GenerationError(f"{path} is a broken GGUF file: {error}", hint="copy or download it again") from error
    architecture = str(values.get("general.architecture", ""))
    context = values.get(f"{architecture}.context_length", 0)
    return Head(
        architecture,
        str(values.get("general.name", "")),
        context if isinstance(context, int) else 0,
        size,
        digest.hexdigest()[:12],
    )


class _Reader:
    """Behind the magic number: version, counts, keys with values, the list of tensors. Little-endian throughout."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def head(self) -> tuple[dict[str, Any], int]:
        """(values by key, lists left out; the byte at which the last tensor's data begin).

        Raises `ValueError` and `struct.error` on what is no such head.
        """
        version = self._one("I")
        if version not in VERSIONS:
            raise ValueError(f"version {version} is not known")
        tensors, keys = self._count("tensors"), self._count("keys")
        values: dict[str, Any] = {}
        for _ in range(keys):
            key = self._text()
            values[key] = self._value(self._one("I"))
        furthest = 0
        for _ in range(tensors):
            self._text()
            self._skip(8 * self._one("I") + 4)  # its shape and its type
            furthest = max(furthest, self._one("Q"))
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError("its alignment is no number of bytes")
        begin = -(-self._file.tell() // alignment) * alignment
        return values, begin + furthest if tensors else 0

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._one(_scalar(kind))
        kind, entries = self._one("I"), self._count("entries")
        if kind in _SCALARS:
            self._skip(entries * struct.calcsize(_SCALARS[kind]))
            return None
        for _ in range(entries):
            self._value(kind)
        return None

    def _text(self) -> str:
        length = self._count("characters")
        kept = self._bytes(min(length, _LONGEST_KEPT))
        self._skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def _count(self, what: str) -> int:
        count = int(self._one("Q"))
        if count > _MOST:
            raise ValueError(f"it tells of {count:,} {what}")
        return count

    def _one(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self._bytes(struct.calcsize(form)))[0]

    def _bytes(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise ValueError("it ends inside its head")
        return data

    def _skip(self, count: int) -> None:
        self._file.seek(count, 1)


def _scalar(kind: int) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"a value of kind {kind} is not known")
    return _SCALARS[kind]
