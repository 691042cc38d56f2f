"""The documents that a user took out of a library, in a file beside its store: they stay out when the store is lost.

The file and the states of the store name the same documents. Where a kill or damage left one of them behind, what
either names is out. So a removal is written to the store first, a return to the file first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys import checked
from ragsys.catalog import State

if TYPE_CHECKING:
    from ragsys.catalog import Catalog

FILE = "removed.json"  # in the library's folder


def load(folder: Path) -> dict[str, State]:
    """{document: its state} as the file has it; empty if there is none or it is damaged."""
    try:
        rows = checked.load(folder / FILE)
        return {doc: State(doc, paths=list(paths), bytes=int(size), excluded=True) for doc, paths, size in rows}
    except (OSError, ValueError, TypeError):
        return {}


def save(folder: Path, catalog: Catalog, without: Collection[str] = ()) -> None:
    """Write the file as the states are, but for those that are about to come back."""
    states = [state for state in catalog if state.excluded and state.doc not in without]
    rows = [[state.doc, sorted(state.paths), state.bytes] for state in states]
    with contextlib.suppress(OSError):  # a disk that is full: the store has them
        checked.save(folder / FILE, rows)


def meet(folder: Path, catalog: Catalog) -> None:
    """Bring both to what either names; the file is there afterwards."""
    known = load(folder)
    for doc, state in known.items():
        found = catalog.get(doc)
        if found is None or not found.excluded:
            catalog.remove(doc)
            catalog.save(state)
            catalog.unreadable.discard(doc)
    if not (folder / FILE).exists() or known.keys() != {state.doc for state in catalog if state.excluded}:
        save(folder, catalog)
