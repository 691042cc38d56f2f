"""Page images that a benchmark gives one by one, bound into one PDF a document.

A document then is what it is to the benchmark: its pages are numbered, and questions on it stand together when scores
are drawn again by document. JPEG and PNG data go into the PDF as they are. Files are written below the suite's own
state under another name and moved into place: one that is there is whole, and a run that was ended goes on with the
documents that are missing.
"""

from __future__ import annotations

import html
import itertools
import logging
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragsys.errors import SuiteError
from ragsys.wording import part
from ragsys_suites.suites import reading
from ragsys_suites.suites.unpacked import image

log = logging.getLogger("ragsys.suites")

_DPI = 144  # that a page image is taken to have; only its proportions matter to boxes
_NARROW = 360.0  # points: no page with a caption is narrower
_LINE = 13.0  # points: height of a caption's line
_LETTER = 5.4  # points: width of a letter
#: Of one width, since letters that are drawn as one (fl, ffi) would be read as one.
_STYLE = "p {font-family: monospace; font-size: 9pt; margin: 0}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page to be."""

    content: bytes  # an image file
    where: str  # file and row, for errors
    caption: str = ""  # set below the image, as text


def bind(
    root: Path, sizes: Mapping[str, int], leaves: Callable[[Collection[str]], Iterable[tuple[str, Leaf]]]
) -> list[Path]:
    """The documents below `root`, made where they are missing; `sizes` says how many pages each one must have.

    `leaves` is given the names that are missing and gives their pages: of one document one after the other, in order.
    Raises `SuiteError` on an image that cannot be used, another number of pages, and where the disk refuses.
    """
    paths = {name: reading.inside(root, name) for name in sizes}
    missing = {name for name, path in paths.items() if not path.is_file()}
    if not missing:
        return list(paths.values())
    made: set[str] = set()
    log.info("%d of %d documents are written to %s", len(missing), len(sizes), root)
    for name, group in itertools.groupby(leaves(missing), key=lambda leaf: leaf[0]):
        _bind(paths[name], sizes[name], [leaf for _, leaf in group])
        made.add(name)
    if absent := missing - made:
        raise SuiteError(
            f"{part(len(absent), len(sizes), 'document', 'has', 'have')} no page images, the first: {min(absent)}"
        )
    return list(paths.values())


def _bind(path: Path, size: int, leaves: Sequence[Leaf]) -> None:
    import pymupdf

    if len(leaves) != size:
        raise SuiteError(f"{leaves[-1].where}: '{path.name}' has {len(leaves)} page images together, expected {size}")
    document: Any = pymupdf.open()  # type: ignore[no-untyped-call]
    with document:
        for leaf in leaves:
            _add(document, leaf)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            document.save(partial, no_new_id=True)  # the same pages give the same bytes
            os.replace(partial, path)
        except (OSError, RuntimeError) as error:
            partial.unlink(missing_ok=True)
            raise SuiteError(
                f"{path}: cannot be written ({error})", hint="make room there and run the same command: it goes on"
            ) from error


def _add(document: Any, leaf: Leaf) -> None:
    _, width_px, height_px, content = image(leaf.content, leaf.where)
    width, height = width_px * 72 / _DPI, height_px * 72 / _DPI
    across, below = width, 0.0
    if leaf.caption:
        across = max(width, _NARROW)
        below = _LINE * (1 + math.ceil(len(leaf.caption) * _LETTER / across))
    page = document.new_page(width=across, height=height + below)
    try:
        page.insert_image((0, 0, width, height), stream=content)
    except (RuntimeError, ValueError) as error:
        raise SuiteError(f"{leaf.where}: an image that cannot be used ({error})") from error
    if leaf.caption:
        box = (4, height + 2, across - 4, height + below)
        page.insert_htmlbox(box, f"<p>{html.escape(leaf.caption)}</p>", css=_STYLE, scale_low=0)
