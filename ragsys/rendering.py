"""Pages as images, kept in the user's cache by content: a page is drawn once, however often it is shown.

They are drawn in a process of their own, within bounds: see `ragsys.drawing`.

A page is drawn from a file that holds the very bytes that were indexed, and kept under their hash: an entry is never
stale. The cache has a size; what was used longest ago goes first. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys import private
from ragsys.drawing import Sheet
from ragsys.errors import DocumentError, UsageError
from ragsys.places import quoted
from ragsys.types import BBox, PageImage

if TYPE_CHECKING:
    from ragsys.space import Space

MAX_DPI = 1200
_FORM = 2  # raised when entries of before must not be shown
CAP = 256 * 2**20  # bytes of kept pages


def render(space: Space, doc: str, page: int, dpi: float = 110, clip: BBox | None = None) -> PageImage:
    """A page of a document, or a part of it.

    Raises `DocumentError` if no file holds its bytes any more, or if it cannot be drawn within `index.limits`.
    """
    if not 0 < dpi <= MAX_DPI:
        raise UsageError(f"a page is drawn at up to {MAX_DPI} dpi, not at {dpi:g}")
    state = space.catalog.get(doc)
    if state is None:
        raise DocumentError(f"document {doc} is not in this library", outcome="unreadable")
    part = "-".join(f"{round(value * 10_000)}" for value in clip) if clip else "whole"
    kept = space.cache / "pages" / doc / f"{page}-{dpi:g}-{part}-{_FORM}.png"
    if (image := _load(kept, page, dpi)) is not None:
        return image
    file = space.source(state)
    if file is None:
        there = [path for path in state.paths if space.file(path).is_file()]
        what = f"{there[0]}: the file has changed since" if there else f"{', '.join(state.paths)}: the file is gone"
        raise DocumentError(what, outcome="unreadable", hint=f"ragsys index {quoted(space.root)}")
    drawn = space.drawer.draw(Sheet(doc, file, page, state.paths[0]), dpi, clip)
    _keep(kept, drawn)
    return drawn


def _load(kept: Path, page: int, dpi: float) -> PageImage | None:
    from PIL import Image

    with contextlib.suppress(OSError, SyntaxError, ValueError):  # absent or damaged: drawn anew
        image = Image.open(kept)
        image.load()
        os.utime(kept)
        return PageImage(page, image.width, image.height, float(image.info.get("dpi", (dpi,))[0]), image.convert("RGB"))
    return None


def _keep(kept: Path, drawn: PageImage) -> None:
    with contextlib.suppress(OSError):  # a cache that cannot be written is no reason to fail
        private.folder(kept.parent)
        partial = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        drawn.image.save(partial, "PNG", dpi=(drawn.dpi, drawn.dpi))
        os.replace(partial, kept)
        trim(kept.parent.parent, CAP)


def trim(folder: Path, cap: int) -> None:
    """Delete what was used longest ago until at most `cap` bytes are left."""
    files = []
    for path in folder.rglob("*.png"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            files.append((stat.st_mtime, stat.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= cap:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
