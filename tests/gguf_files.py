"""Makes the heads of GGUF files, with as much data behind them as a test wants."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def text(value: str) -> bytes:
    """As GGUF holds it."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def held(value: Any) -> bytes:
    """A value with its kind: text, whole number, float, truth, list of texts or of whole numbers."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if all(isinstance(one, str) for one in value):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return struct.pack("<IIQ", 9, 4, len(value)) + struct.pack(f"<{len(value)}I", *value)


def gguf_file(path: Path, values: Mapping[str, Any], *, data: int = 4096, version: int = 3, tensors: int = 2) -> Path:
    """A file with such a head, tensors that begin 1024 bytes apart, and so many bytes of data."""
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(values))
    head += b"".join(text(key) + held(value) for key, value in values.items())
    for n in range(tensors):
        head += text(f"tensor{n}") + struct.pack("<IQQIQ", 2, 16, 16, 0, 1024 * n)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + b"\1" * data)
    return path


SMALL = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "llama.context_length": 2048,
    "general.file_type": 3,
    "rope": 0.5,
    "add": True,
    "tokens": ["a", "b" * 5000, "ü"],
    "kinds": [1, 2, 3],
}
