"""Vectors as they are stored: checked, of unit length, rounded to the stored type, the same on every engine.

Engines differ in when they normalise and round, and that moves scores by up to 1e-3. So it is done here, once: a cosine
is a dot product of unit vectors (`distance` Dot on every engine), and float16 is rounded to before the engine sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragsys.errors import StoreError, did_you_mean
from ragsys.store import Schema
from ragsys.types import Sparse, Vector, VectorSpec

#: Numbers in one multi-vector: more than this the engine refuses.
MOST_NUMBERS = 1_048_575

#: Of a new embedded store. 1: it keeps everything as it is given, as a server does; 2: what recurs by number, see
#: `folding`.
FORMAT = 2


def find(specs: Mapping[str, VectorSpec], name: str) -> VectorSpec:
    """The spec of a named vector. Raises `StoreError` naming the nearest one."""
    if name not in specs:
        raise StoreError(
            f"the store holds no vector named '{name}'.{did_you_mean(name, specs)}",
            hint=f"it holds: {', '.join(sorted(specs)) or 'none'}",
        )
    return specs[name]


def prepared(spec: VectorSpec, vector: Vector) -> NDArray[np.float32]:
    """A dense (d,) or multi (n, d) vector as it is stored: float32 numbers that `spec.dtype` can hold.

    Raises `StoreError` on a wrong shape, on what is not finite, and on a multi-vector that is too large.
    """
    if isinstance(vector, Sparse):
        raise StoreError(f"vector '{spec.name}' is {spec.kind}, given a sparse one")
    array = np.asarray(vector, dtype=np.float32)
    if array.ndim != (2 if spec.kind == "multi" else 1) or array.shape[-1] != spec.dim or not array.size:
        want = f"(n, {spec.dim})" if spec.kind == "multi" else f"({spec.dim},)"
        raise StoreError(f"vector '{spec.name}' has the shape {array.shape}, not {want}")
    if array.size > MOST_NUMBERS:
        raise StoreError(
            f"vector '{spec.name}' has {array.shape[0]} rows of {spec.dim}: more than {MOST_NUMBERS:,} numbers",
            hint="pool its rows, or render the page smaller",
        )
    if spec.distance == "cosine":
        length = np.linalg.norm(array.astype(np.float64), axis=-1, keepdims=True)  # (1,) or (n, 1)
        array = (array / np.where(length > 0, length, 1.0)).astype(np.float32)
    if spec.dtype == "float16":
        with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite and is refused below
            array = array.astype(np.float16).astype(np.float32)
    if not np.isfinite(array).all():
        raise StoreError(f"vector '{spec.name}' holds numbers that are not finite in {spec.dtype}")
    return array


def sparse(spec: VectorSpec, vector: Vector) -> tuple[list[int], list[float]]:
    """Term ids and weights of a sparse vector. Raises `StoreError` on anything but ascending ids and finite weights."""
    if spec.kind != "sparse" or not isinstance(vector, Sparse):
        raise StoreError(f"vector '{spec.name}' is {spec.kind}, given {type(vector).__name__}")
    indices = np.asarray(vector.indices)
    values = np.asarray(vector.values, dtype=np.float32)
    if indices.ndim != 1 or indices.shape != values.shape:
        raise StoreError(f"vector '{spec.name}': {indices.shape} term ids and {values.shape} weights")
    if indices.size and (
        indices.dtype.kind not in "iu"
        or int(indices[0]) < 0
        or int(indices[-1]) >= 2**32
        or not (indices[1:] > indices[:-1]).all()
    ):
        raise StoreError(f"vector '{spec.name}': term ids are not ascending integers below 2^32")
    if not np.isfinite(values).all():
        raise StoreError(f"vector '{spec.name}': a weight is not finite")
    ids: list[int] = indices.tolist()
    weights: list[float] = values.tolist()
    return ids, weights


def restored(spec: VectorSpec, value: Any) -> Vector:
    """What an engine gave back, as our types: (d,) or (n, d) float32, or `Sparse`."""
    if spec.kind == "sparse":
        return Sparse(np.asarray(value.indices, dtype=np.uint32), np.asarray(value.values, dtype=np.float32))
    return np.asarray(value, dtype=np.float32)


class Parsed(NamedTuple):
    """A schema, and the format of the store that it was read from."""

    schema: Schema
    format: int


def dump(schema: Schema, format: int = FORMAT) -> str:
    """The schema as JSON text; engines keep no word on what a vector reads or which points carry it."""
    vectors = {name: asdict(spec) for name, spec in sorted(schema.vectors.items())}
    fields = dict(sorted(schema.fields.items()))
    return json.dumps({"format": format, "vectors": vectors, "fields": fields, "recurring": sorted(schema.recurring)})


def parse(text: str, where: str) -> Parsed:
    """The inverse of `dump`. Raises `StoreError` if the text is not of a format that this version knows."""
    try:
        data = json.loads(text)
        if data["format"] not in range(1, FORMAT + 1):
            raise StoreError(
                f"{where}: made by a newer version of ragsys (format {data['format']})",
                hint="pip install --upgrade ragsys",
            )
        vectors = {name: VectorSpec(**fields) for name, fields in data["vectors"].items()}
        schema = Schema(vectors, dict(data["fields"]), frozenset(data.get("recurring", ())))
        return Parsed(schema, data["format"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{where}: not the schema of a library ({type(error).__name__}: {error})",
            hint="make it again from the documents: ragsys index FOLDER --rebuild; or choose another collection",
        ) from error


def merged(old: Schema | None, new: Schema, where: str) -> Schema:
    """Both together. Raises `StoreError` where a name is defined twice and differently."""
    if old is None:
        old = Schema(recurring=new.recurring)
    for name, spec in new.vectors.items():
        known = old.vectors.get(name)
        if spec.name != name:
            raise StoreError(f"{where}: the vector '{spec.name}' is given under the name '{name}'")
        if known is not None and known != spec:
            raise StoreError(f"{where}: vector '{name}' exists with other settings: {known} is not {spec}")
    for name, kind in new.fields.items():
        if old.fields.get(name, kind) != kind:
            raise StoreError(f"{where}: field '{name}' is indexed as {old.fields[name]}, not as {kind}")
    return replace(old, vectors={**old.vectors, **new.vectors}, fields={**old.fields, **new.fields})
