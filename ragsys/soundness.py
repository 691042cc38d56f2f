"""Whether a library holds what its states say: by counts at opening, by files and content before an indexing run.

What is damaged is noted in its document's state (`Space.damaged`): it is left out, and the next indexing run makes it
again. Where the store's own files are damaged nothing of it can be trusted, and the run ends with `StoreDamaged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragsys.catalog import State, layer_of, tally, vector_of
from ragsys.errors import StoreDamaged
from ragsys.places import Place, command
from ragsys.store import AllOf, Condition, Has, In, Is, Not
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.space import Space

_READ = 256  # points read together


@runtime_checkable
class Sealed(Protocol):
    """A store that knows what its files held when it was closed."""

    @property
    def sealed(self) -> bool:
        """Whether that was known at opening."""
        ...

    def damaged(self) -> Sequence[str]:
        """The files that hold something else; only before anything is written."""
        ...


def count(space: Space) -> None:
    """Compare the counts of the states with the store's: one count a layer and a vector as long as they agree."""
    states = list(space.catalog)
    for layer in sorted({layer for state in states for layer in state.layers}):
        whole = [s for s in states if layer in s.layers and s.layers[layer].complete and s.layers[layer].sound]
        rest = [s.doc for s in states if s not in whole]
        known = sum(state.layers[layer].items for state in whole)
        where: list[Condition] = [Is("layer", layer), *([Not(In("doc", rest))] if rest else [])]
        if space.store.count(AllOf(tuple(where))) != known:
            for state in whole:
                _count(space, state, layer)
    for name in sorted({spec.name for spec, _ in space.layers.makers(eager=False).values()}):
        keys = {key for state in states for key in state.vectors if vector_of(key) == name}
        known = sum(state.vectors.get(key, 0) for state in states for key in keys)
        if space.store.count(Has(name)) < known:  # it may hold more: searches add some
            for state in states:
                _recount(space, state, name)


def _count(space: Space, state: State, layer: str) -> None:
    held, what = state.layers[layer].items, state.layers[layer].kind.removesuffix("s")
    found = space.store.count(AllOf((Is("doc", state.doc), Is("layer", layer))))
    if found != held:
        space.damaged(state.doc, layer, f"the store holds {found} of {counted(held, what)}")


def _recount(space: Space, state: State, name: str) -> None:
    """Let the vectors that are lost be made again."""
    changed = False
    for key in [key for key in state.vectors if vector_of(key) == name]:
        found = space.store.count(AllOf((Is("doc", state.doc), Is("layer", layer_of(key)), Has(name))))
        if found < state.vectors[key]:
            state.vectors[tally(name, layer_of(key))], changed = found, True
    if changed:
        space.catalog.save(state)


def once(space: Space) -> None:
    """`check`, the first time that it is called for an open library."""
    if not space.checked:
        check(space)
        space.checked = True


def check(space: Space, *, all: bool = False) -> None:
    """Before an indexing run: compare the store's files with what they held. Where that is not known, as after a kill,
    or for `all`, read every page and passage. Raises `StoreDamaged`."""
    known = False
    if isinstance(space.store, Sealed):
        if files := space.store.damaged():
            error = StoreDamaged(f"the library of {space.root}", files)
            again = command(Place(space.folder, space.root), "index FOLDER --rebuild")
            error.hint = f"make it again from the documents: {again}"
            raise error
        known = space.store.sealed
    if known and not all:
        return
    for state in space.catalog:
        for layer, held in list(state.layers.items()):
            if held.complete and held.sound:
                _read(space, state, layer, held.kind)


def _read(space: Space, state: State, layer: str, kind: str) -> None:
    where = AllOf((Is("doc", state.doc), Is("layer", layer)))
    if kind == "pages":
        numbers = [record.payload["page"] for record in space.store.scroll(where, payload=["page"])]
        for start in range(0, len(numbers), _READ):
            space.pages((state.doc, layer, number) for number in numbers[start : start + _READ])
    elif layer == space.layer(state, "passage"):
        records = list(space.store.scroll(where))
        for start in range(0, len(records), _READ):
            space.passages(records[start : start + _READ])
