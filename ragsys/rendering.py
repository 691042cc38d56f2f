"""Pages as images, kept in the user's cache by content: a page is drawn once, however often it is shown.

A document's id is the hash of its bytes, so an entry can never be stale. The cache has a size; what was used longest
ago goes first. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys.errors import DocumentError
from ragsys.types import BBox, PageImage

if TYPE_CHECKING:
    from ragsys.space import Space

CAP = 256 * 2**20  # bytes of kept pages
_RENDERING = threading.Lock()  # MuPDF is not safe to use from several threads


def render(space: Space, doc: str, page: int, dpi: float = 110, clip: BBox | None = None) -> PageImage:
    """A page of a document, or a part of it. Raises `DocumentError` if no file of it can be read any more."""
    state = space.catalog.get(doc)
    if state is None:
        raise DocumentError(f"document {doc} is not in this library", outcome="unreadable")
    part = "-".join(f"{round(value * 10_000)}" for value in clip) if clip else "whole"
    kept = space.cache / "pages" / doc / f"{page}-{dpi:g}-{part}.png"
    if (image := _load(kept, page, dpi)) is not None:
        return image
    problem = DocumentError(f"document {doc} has no file", outcome="unreadable")
    for path in state.paths:
        file = space.file(path)
        if not file.is_file():
            problem = DocumentError(f"{file} is gone", outcome="unreadable", hint=f"ragsys index {space.root}")
            continue
        with _RENDERING:
            drawn = space.layers.loader(path).render(file, page, dpi=dpi, clip=clip)
        _keep(kept, drawn)
        return drawn
    raise problem


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
        kept.parent.mkdir(parents=True, exist_ok=True)
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
