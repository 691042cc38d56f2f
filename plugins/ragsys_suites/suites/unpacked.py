"""Documents that a benchmark keeps inside data files, written out once as files that a loader can read.

They go below the suite's own state, never into the user's folder. Every file is written under another name and moved
into place, so a file that is there is whole; a run that was ended goes on where it was. What was written is listed in
a file beside the folder, with the sizes of the images: only that list says that all of it is there.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragsys.errors import SuiteError
from ragsys.wording import counted
from ragsys_suites.suites.rows import shown

log = logging.getLogger("ragsys.suites")

#: PIL's name of a format -> the ending that loaders know it by; these bytes are kept as they are
_KEPT = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "JPEG2000": ".jp2"}
_MADE_PNG = ("WEBP",)  # no loader reads it: written as PNG, which loses nothing
_READ = [form for form in (*_KEPT, *_MADE_PNG) if form != "MPO"]  # which PIL opens as JPEG
MAX_IMAGE_BYTES = 200_000_000
MAX_IMAGE_PIXELS = 150_000_000  # a page of A0 at 300 dpi has 140 million
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}  # Windows


@dataclass(frozen=True, slots=True)
class Entry:
    """One document as a benchmark's data file holds it."""

    key: str  # what gold names it by; unique
    name: str  # path below the folder without an ending, made of safe names
    content: bytes | str  # an image file's bytes, or a text in Markdown
    where: str = ""  # file and row, for errors


@dataclass(frozen=True, slots=True)
class Written:
    """One document as a file."""

    name: str  # path below the root, with forward slashes
    width_px: int = 0  # of an image
    height_px: int = 0


def safe_name(text: str) -> str:
    """A file name that every system takes, at most 73 characters: two texts never share one, whatever the case.

    A text of lower-case letters, digits, `-`, `_` and inner dots is its own name; of any other what can be kept is
    kept, with 8 hex digits of the text behind it.
    """
    plain = re.sub(r"[^a-z0-9._-]+", "_", text.lower())[:64].strip("._-") or "x"
    if plain == text and plain.split(".")[0] not in _RESERVED:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def unpack(root: Path, entries: Callable[[], Iterable[Entry]]) -> dict[str, Written]:
    """{key: what was written of it} for all entries, in their order; `root` is theirs alone.

    `entries` is called only where something is missing. Raises `SuiteError` on an image that cannot be used, on two
    entries with one key, and where the disk refuses.
    """
    listed = root.with_name(f".{root.name.lstrip('.')}.json")  # hidden: it may stand in a folder that is indexed
    known = _read_list(listed)
    if known is not None and all((root / one.name).is_file() for one in known.values()):
        return known
    log.info("documents are written to %s", root)
    written: dict[str, Written] = {}
    for entry in entries():
        if entry.key in written:
            raise SuiteError(f"{entry.where}: '{entry.key}' is there twice; the keys of documents must differ")
        try:
            written[entry.key] = _write(root, entry)
        except OSError as error:
            raise SuiteError(
                f"{entry.where}: cannot be written to {root} ({error})",
                hint=f"after {counted(len(written), 'document')}; make room there and run the same command: it goes on",
            ) from error
    log.info("%d documents are there", len(written))
    _put(listed, json.dumps({k: [w.name, w.width_px, w.height_px] for k, w in written.items()}).encode())
    return written


def _read_list(path: Path) -> dict[str, Written] | None:
    """None where there is no list, or one that was damaged: it is made anew."""
    try:
        found: Any = json.loads(path.read_bytes())
        return {str(key): Written(str(name), int(width), int(height)) for key, (name, width, height) in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _write(root: Path, entry: Entry) -> Written:
    if isinstance(entry.content, str):
        return _keep(root, Written(f"{entry.name}.md"), entry.content.encode("utf-8", "replace"))
    suffix, width, height, content = image(entry.content, entry.where)
    return _keep(root, Written(f"{entry.name}{suffix}", width, height), content)


def _keep(root: Path, written: Written, content: bytes) -> Written:
    path = root / written.name
    if not (path.is_file() and path.stat().st_size == len(content)):
        _put(path, content)
    return written


def _put(path: Path, content: bytes) -> None:
    """Write under another name, then move into place: a file that is there is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def image(content: bytes, where: str) -> tuple[str, int, int, bytes]:
    """An image file's ending, width and height in pixels, and its bytes: as they are where a loader reads them.

    Raises `SuiteError` if it is no image that can be used, or a very large one; nothing is decoded that need not be.
    """
    from PIL import Image, UnidentifiedImageError

    if len(content) > MAX_IMAGE_BYTES:
        raise SuiteError(f"{where}: an image of {len(content):,} bytes; at most {MAX_IMAGE_BYTES:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is below
            opened = Image.open(io.BytesIO(content), formats=_READ)
        if opened.width * opened.height > MAX_IMAGE_PIXELS:
            raise SuiteError(
                f"{where}: an image of {opened.width} x {opened.height} pixels; at most {MAX_IMAGE_PIXELS:,} are read"
            )
        if opened.format in _KEPT:
            return _KEPT[opened.format], opened.width, opened.height, content
        made = io.BytesIO()
        opened.save(made, "PNG")
        return ".png", opened.width, opened.height, made.getvalue()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        known = ", ".join(sorted(_READ))
        raise SuiteError(f"{where}: found {shown(content)}, expected an image file ({known})") from error


def image_bytes(value: Any, where: str) -> bytes:
    """The bytes of a cell of an image column: `{bytes, path}`, as parquet files of the hub hold them, or bytes alone.

    Raises `SuiteError` if it is neither; a path without bytes is not followed.
    """
    found = value.get("bytes") if isinstance(value, Mapping) else value
    if not isinstance(found, bytes) or not found:
        raise SuiteError(f"{where}: found {shown(value)}, expected an image: {{bytes, path}} with the bytes in it")
    return found
