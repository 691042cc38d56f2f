"""Small JSON files with a checksum: what was changed by accident is told from what was written."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from ragsys import private


def save(path: Path, value: Any) -> None:
    """Replace a file at once, so that a kill leaves the old or the new. Raises `OSError`."""
    text = json.dumps(value)
    partial = path.with_suffix(".part")
    private.file(partial)
    partial.write_text(json.dumps({"checksum": checksum(value), "value": json.loads(text)}), encoding="utf-8")
    os.replace(partial, path)


def load(path: Path) -> Any:
    """What `save` wrote. Raises `ValueError` for anything else, `OSError` where it cannot be read."""
    held = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(held, dict) or "value" not in held or held.get("checksum") != checksum(held["value"]):
        raise ValueError("its checksum does not fit")
    return held["value"]


def checksum(value: Any) -> int:
    """A checksum of what is JSON."""
    return zlib.crc32(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass"))
