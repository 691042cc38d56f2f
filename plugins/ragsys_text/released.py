"""A file of a model is the one that was released, byte by byte: looked at once in a process, before it is opened."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from ragsys.errors import ConfigError


@functools.cache  # 40 ms for the 23 MB of the default model, beside 800 ms to open it
def released(file: Path, sha256: str, embedder: str, remedy: str) -> Path:
    """`file`. Raises `ConfigError` with the `remedy` where it cannot be read or has another hash."""
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            f"embedder '{embedder}': {file} cannot be read: {error.strerror or error}", hint=remedy
        ) from error
    if found != sha256:
        raise ConfigError(
            f"embedder '{embedder}': {file} is not the model that was released: "
            f"its sha256 begins with {found[:12]}, not with {sha256[:12]}",
            hint=remedy,
        )
    return file
