"""What nobody needs any more goes: layers and vectors that no configuration uses, and whole libraries."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ragsys import places
from ragsys.catalog import layer_of, vector_of
from ragsys.config import Config
from ragsys.errors import LibraryBusy, LibraryError
from ragsys.layers import Layers
from ragsys.owning import LOCK, locked
from ragsys.plugins import Builder
from ragsys.records import STATES
from ragsys.space import Space
from ragsys.store import Condition, In, Not


@dataclass(frozen=True, slots=True)
class Collected:
    """What went, or would go."""

    layers: tuple[str, ...]  # fingerprints of page and passage layers
    vectors: tuple[str, ...]  # names
    points: int  # of those layers
    dry: bool  # nothing was deleted


def collect(space: Space, others: Iterable[Config] = (), *, dry: bool = False) -> Collected:
    """Drop what neither the library's own configuration nor one of `others` uses.

    Documents name a layer, as incomplete, until its points are gone for good: a run that ends in between leaves points
    that no search shows, and the next run deletes them.
    """
    layers, vectors = used(space.layers)
    for config in others:
        builder = Builder(space.builder.registry, config.defaults, space.builder.state, space.builder.cache)
        builder.give("store", space.store)
        more = used(Layers(config, builder))
        layers, vectors = layers | more[0], vectors | more[1]
    orphans: Condition = Not(In("layer", sorted({*layers, STATES})))
    stale = {fp for state in space.catalog for fp in state.layers if fp not in layers}
    stale |= {str(r.payload["layer"]) for r in space.store.scroll(orphans, payload=["layer"])}
    unused = tuple(sorted(set(space.store.schema().vectors) - vectors))
    found = Collected(tuple(sorted(stale)), unused, space.store.count(orphans), dry)
    if dry:
        return found
    for state in list(space.catalog):
        counted = {*state.vectors, *space.catalog.terms(state.doc)}
        idle = {key for key in counted if vector_of(key) not in vectors or layer_of(key) not in layers}
        if stale & set(state.layers) or idle:
            for fp in stale & set(state.layers):
                state.layers[fp].complete = False
            state.vectors = {key: count for key, count in state.vectors.items() if key not in idle}
            for layer in stale:
                state.forget(layer)
            space.catalog.save(state)
            space.catalog.drop_terms(state.doc, idle.__contains__)
    space.store.flush()
    space.store.delete_where(orphans)
    space.store.flush()
    for state in list(space.catalog):
        if stale & set(state.layers):
            state.layers = {fp: layer for fp, layer in state.layers.items() if fp in layers}
            space.catalog.save(state)
    for name in unused:
        space.store.drop_vector(name)
    space.store.maintain()
    space.store.flush()
    return found


def used(layers: Layers) -> tuple[set[str], set[str]]:
    """(fingerprints of the page and passage layers, names of the vectors) that a configuration uses."""
    return {*layers.page_layers, *layers.passage_layers}, set(layers.vectors)


def remove_library(place: places.Place) -> list[Path]:
    """Delete what ragsys made in a library's folder, then the folder. Raises `LibraryBusy` if a process has it open.

    Returns what somebody else put into the folder: it is left there. What names it a library goes last: a removal that
    was interrupted can be done again.
    """
    about = places.read(place.folder)
    if about is None:
        raise LibraryError(f"there is no library in {place.folder}", hint="ragsys libraries")
    lock = locked(place.folder)
    if lock is None:
        raise LibraryBusy(f"a process has the library of {about.root} open", hint="end it first")
    made, others = places.made_here(place.folder)
    try:
        for entry in made:
            if entry.name not in (LOCK, places.ABOUT):
                _delete(entry)
    finally:
        lock.release()
    for name in (LOCK, places.ABOUT):
        (place.folder / name).unlink(missing_ok=True)
    if not others:
        with contextlib.suppress(OSError):  # somebody has just put something there: it stays
            place.folder.rmdir()
    return others


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def disk_bytes(folder: Path) -> int:
    """What a folder takes on disk: allocated blocks where the system tells them, else sizes of files."""
    total = 0
    for path in folder.rglob("*"):
        try:
            stat = path.lstat()
        except OSError:  # gone since it was listed
            continue
        blocks = getattr(stat, "st_blocks", None)  # the store's files have holes: their sizes say little
        total += blocks * 512 if blocks is not None else 0 if path.is_dir() else stat.st_size
    return total
