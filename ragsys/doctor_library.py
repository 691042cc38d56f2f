"""Whether libraries hold what they should: each is opened, its files are compared, its pages are read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ragsys import places
from ragsys.errors import EngineFailed, LibraryBusy, RagsysError
from ragsys.owning import is_open
from ragsys.wording import counted, verb

if TYPE_CHECKING:
    from ragsys.doctor import Check
    from ragsys.library import Library

_NAMED = 5  # damaged documents


def content(place: places.Place, config: str | None, overrides: Sequence[str]) -> Iterator[Check]:
    """What is damaged of a library, and how it is mended; nothing of one that a process has open."""
    from ragsys.config import load
    from ragsys.doctor import Check
    from ragsys.library import Library

    name = f"library {place.id} content"
    if place.format > places.FORMAT or is_open(place.folder):
        return
    logger = logging.getLogger("ragsys")
    level = logger.level
    logger.setLevel(logging.ERROR)  # what is damaged is told below
    try:
        own = Library(place.root, folder=place.folder, config=load(config, overrides), background=False, index=False)
        with own as opened:
            yield _read(opened, name)
    except LibraryBusy:
        return  # since it was looked at
    except EngineFailed as error:  # of files of which nothing was known, as after a kill
        remedy = f"make it again from the documents: {places.command(place, 'index FOLDER --rebuild')}"
        yield Check(name, "error", error.message, remedy)
    except RagsysError as error:
        yield Check(name, "error", error.message, error.hint or "")
    finally:
        logger.setLevel(level)


def _read(opened: Library, name: str) -> Check:
    from ragsys import soundness
    from ragsys.doctor import Check
    from ragsys.ingest import READABLE

    soundness.check(opened.space, all=True)
    states = [state for state in opened.space.catalog if not state.excluded]
    damaged = [state for state in states if not all(layer.sound for layer in state.layers.values())]
    lost = len(opened.space.catalog.unreadable)
    if damaged or lost:
        names = ", ".join(state.paths[0] for state in damaged[:_NAMED]) + (", ..." if len(damaged) > _NAMED else "")
        parts = [f"{counted(len(damaged), 'document')} {verb(len(damaged))} damaged: {names}"] if damaged else []
        parts += [f"the states of {counted(lost, 'document')} cannot be read"] if lost else []
        return Check(name, "error", "; ".join(parts), places.command(opened.place, "index FOLDER"))
    readable = sum(state.outcome in READABLE for state in states)
    return Check(name, "ok", f"{counted(readable, 'document')} can be read")


def unnamed() -> Iterator[Check]:
    """Folders among the libraries of which the note is lost that tells what they are of."""
    from ragsys.doctor import Check

    base = places.data_dir() / "libraries"
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        if (folder / "store").is_dir() and places.read(folder) is None:
            text = f"{places.ABOUT}, which tells what the library is of, is lost or damaged"
            remedy = "it is written again by the next command on its folder: ragsys index FOLDER"
            yield Check(f"library {folder.name}", "error", text, remedy)
