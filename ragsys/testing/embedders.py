"""The contract of embedders: call it from the tests of a plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ragsys.protocols import Embedder
from ragsys.testing.loaders import ContractError
from ragsys.types import FloatArray, Query

if TYPE_CHECKING:
    from PIL.Image import Image


def _law(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def check_embedder(
    embedder: Embedder, items: Sequence[str | Image], *, tolerance: float = 1e-5
) -> list[dict[str, FloatArray]]:
    """Embed three or more items and hold the vectors against their contract; returns those vectors.

    The first and the last item must be unlike in what they say.

    Laws: `specs` are named, unlike and of dense or multi kind; nothing in gives nothing out; every item has exactly
    the vectors of `specs`, finite float32, not all zeros, (d,) or (n, d); same order as the input; a second call gives
    equal vectors; an item's vector is the same alone, in another order, and beside any batch mates (each value to
    `tolerance` times the vector's largest); different items have different vectors; queries have the shapes of items.
    """
    _law(len(items) >= 3, "give three items or more")
    specs = embedder.specs
    _law(len({spec.name for spec in specs}) == len(specs) > 0, f"specs need names of their own: {specs}")
    _law(all(spec.kind in ("dense", "multi") and spec.dim > 0 for spec in specs), f"specs are dense or multi: {specs}")
    _law(embedder.specs == specs, "specs stay as they are")
    _law(embedder.embed_items([]) == [], "no items, no vectors")
    _law(embedder.embed_queries([]) == [], "no queries, no vectors")

    whole = embedder.embed_items(items)
    _check_shapes(embedder, whole, len(items), "items")
    _check_equal(whole, embedder.embed_items(items), 0.0, "a second call")
    backwards = embedder.embed_items(list(reversed(items)))
    _check_equal(whole, list(reversed(backwards)), tolerance, "the reversed order")
    alone = [embedder.embed_items([item])[0] for item in items]
    _check_equal(whole, alone, tolerance, "each item alone")
    halves = [*embedder.embed_items(items[0::2]), *embedder.embed_items(items[1::2])]
    _check_equal([*whole[0::2], *whole[1::2]], halves, tolerance, "every other item")
    _check_equal([whole[0]] * 2, embedder.embed_items([items[0]] * 2), tolerance, "an item beside itself")
    for spec in specs:
        first, last = whole[0][spec.name], whole[-1][spec.name]
        same = first.shape == last.shape and bool(np.allclose(first, last, rtol=0, atol=tolerance))
        _law(not same, f"{spec.name}: the first and the last item, which differ, have the same vector")

    queries = [Query(item) for item in items if isinstance(item, str)] or [Query("a query")]
    made = embedder.embed_queries(queries)
    _check_shapes(embedder, made, len(queries), "queries")
    _check_equal(made, [embedder.embed_queries([query])[0] for query in queries], tolerance, "each query alone")
    return whole


def _check_shapes(embedder: Embedder, made: Sequence[dict[str, FloatArray]], count: int, what: str) -> None:
    _law(len(made) == count, f"{count} {what} in, {len(made)} out")
    names = {spec.name for spec in embedder.specs}
    for n, vectors in enumerate(made):
        _law(set(vectors) == names, f"{what} {n}: vectors {sorted(vectors)}, specs {sorted(names)}")
        for spec in embedder.specs:
            vector, here = vectors[spec.name], f"{what} {n}, {spec.name}"
            _law(vector.dtype == np.float32, f"{here}: {vector.dtype} is not float32")
            if spec.kind == "dense":
                _law(vector.shape == (spec.dim,), f"{here}: shape {vector.shape}, dim {spec.dim}")
            else:
                fits = vector.ndim == 2 and vector.shape[0] > 0 and vector.shape[1] == spec.dim
                _law(fits, f"{here}: shape {vector.shape}, dim {spec.dim}")
            _law(bool(np.isfinite(vector).all()), f"{here}: not finite")
            _law(bool(np.abs(vector).max() > 0), f"{here}: all zeros")


def _check_equal(
    one: Sequence[dict[str, FloatArray]], other: Sequence[dict[str, FloatArray]], tolerance: float, how: str
) -> None:
    _law(len(one) == len(other), f"{how}: {len(one)} and {len(other)} results")
    for n, (left, right) in enumerate(zip(one, other, strict=True)):
        for name, vector in left.items():
            _law(vector.shape == right[name].shape, f"item {n}, {name}: another shape by {how}")
            apart = float(np.abs(vector - right[name]).max()) if vector.size else 0.0
            bound = tolerance * float(np.abs(vector).max())
            _law(apart <= bound, f"item {n}, {name}: moved by {apart:.2g} by {how}, {bound:.2g} is allowed")
