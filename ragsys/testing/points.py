"""The points, conditions and reference scores that the contract of a store is tested with."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np

from ragsys.store import AllOf, AnyOf, Between, Condition, Has, In, Is, Not, Point, Schema
from ragsys.types import FloatArray, Sparse, Vector, VectorSpec

WORDS = VectorSpec("words-page-0a1b2c3d4e5f", "sparse", items="page")
DENSE = VectorSpec("dense-0a1b2c3d4e5f", "dense", 16)
MULTI = VectorSpec("multi-0a1b2c3d4e5f", "multi", 8, items="page", reads="image")
RAW = VectorSpec("raw-0a1b2c3d4e5f", "dense", 4, distance="dot", dtype="float32")
SCHEMA = Schema(
    {spec.name: spec for spec in (WORDS, DENSE, MULTI, RAW)},
    {"kind": "keyword", "doc": "keyword", "page": "integer", "date": "datetime"},
    frozenset({"kind", "doc", "dirs", "size"}),
)
DOCS = 8
PAGES = 10  # of each document


def identity(number: int) -> str:
    """The id of a test's point."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def words(*terms: int, weights: Sequence[float] | None = None) -> Sparse:
    """A sparse vector over these terms."""
    values = weights or [1.0] * len(terms)
    order = np.argsort(terms)
    return Sparse(np.asarray(terms, np.uint32)[order], np.asarray(values, np.float32)[order])


def dense(*numbers: float) -> FloatArray:
    """A vector of these numbers."""
    return np.asarray(numbers, np.float32)


def ones(*shape: int) -> FloatArray:
    """An array of ones."""
    return np.ones(shape, np.float32)


def random(rng: np.random.Generator, *shape: int) -> FloatArray:
    """An array of normal numbers."""
    return rng.standard_normal(shape).astype(np.float32)


def sample() -> list[Point]:
    """DOCS x PAGES points with every kind of vector and payload; equal in every call. Point 0 has no vector."""
    rng = np.random.default_rng(7)
    points = []
    for number in range(DOCS * PAGES):
        doc, page = divmod(number, PAGES)
        vectors: dict[str, Vector] = {
            WORDS.name: words(
                *sorted({int(t) for t in rng.integers(0, 30, 6)} | {2**32 - 1 - doc}),
                weights=None,
            ),
            DENSE.name: random(rng, DENSE.dim),
            RAW.name: dense(doc, page, 0.5, -1.0),
        }
        if page % 2:
            vectors[MULTI.name] = random(rng, int(rng.integers(1, 5)), MULTI.dim)
        payload = {
            "kind": "page" if page < 8 else "passage",
            "doc": f"d{doc}",
            "page": page + 1,
            "dirs": ["a", f"a/{doc % 3}"],
            "date": f"202{doc}-03-0{page % 9 + 1}",
            "blocks": "é\u4e2d\n" * page,
            "size": [595.0, 842.5],
            "nested": {"x": [1, None, "y"]},
        }
        points.append(Point(identity(number), payload, vectors if number else {}))
    return points


def holds(condition: Condition, point: Point) -> bool:
    """The reference reading of a condition."""
    match condition:
        case Is(field, value):
            found = point.payload.get(field)
            return value in found if isinstance(found, list) else found == value
        case In(field, values):
            return any(holds(Is(field, value), point) for value in values)
        case Between(field, low, high, below):
            found = point.payload.get(field)
            return found is not None and all(
                (low is None or found >= low, high is None or found <= high, below is None or found < below)
            )
        case Has(vector):
            return vector in point.vectors
        case AllOf(parts):
            return all(holds(part, point) for part in parts)
        case AnyOf(parts):
            return any(holds(part, point) for part in parts)
        case Not(part):
            return not holds(part, point)
    raise AssertionError(condition)


CONDITIONS: list[Condition] = [
    Is("doc", "d3"),
    Is("page", 4),
    Is("dirs", "a/1"),
    Is("absent", "x"),
    In("doc", ["d1", "d2", "nobody"]),
    In("page", (1, 2)),
    In("page", [1, "d1"]),
    In("doc", []),
    Between("page", 3, 5),
    Between("page", below=3),
    Between("page", low=9.5),
    Between("page"),
    Between("date", low="2023-03-02", below="2025-01-01"),
    Between("date", high="2021-03-04"),
    Has(MULTI.name),
    Not(Has(WORDS.name)),
    AllOf(()),
    AnyOf(()),
    Not(AllOf(())),
    Not(AnyOf(())),
    AllOf((Is("kind", "page"), Not(In("doc", ["d0", "d1"])))),
    AllOf((Is("kind", "page"), Not(In("doc", [])))),
    AnyOf((Is("doc", "d0"), AllOf((Is("doc", "d1"), Between("page", 2, 3))))),
    AllOf((AnyOf((Is("page", 1), Is("page", 2))), AnyOf((Is("doc", "d4"), Is("doc", "d5"))))),
    AnyOf((Not(Is("kind", "page")), Is("page", 1))),
    Not(AnyOf((Is("kind", "page"), Is("page", 9)))),
    Not(AllOf((Is("kind", "page"), Between("page", 1, 6)))),
    Not(Not(Is("doc", "d6"))),
]


def expected(
    spec: VectorSpec, query: Vector, points: Sequence[Point], where: Condition | None
) -> list[tuple[str, float]]:
    """(id, score) by score then id in float64: the reference for every engine."""
    found = []
    for point in points:
        if spec.name in point.vectors and (where is None or holds(where, point)):
            score = similarity(spec, query, point.vectors[spec.name])
            if score is not None:
                found.append((point.id, score))
    return sorted(found, key=lambda pair: (-round(pair[1], 5), pair[0]))


def similarity(spec: VectorSpec, query: Vector, item: Vector) -> float | None:
    """The score by its definition; None for sparse vectors that share no term."""
    if isinstance(query, Sparse) and isinstance(item, Sparse):
        shared = set(query.indices.tolist()) & set(item.indices.tolist())
        left = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
        right = dict(zip(item.indices.tolist(), item.values.tolist(), strict=True))
        return sum(left[term] * right[term] for term in shared) if shared else None
    rows = np.atleast_2d(np.asarray(query, np.float64))  # (q, d)
    columns = np.atleast_2d(np.asarray(item, np.float64))  # (n, d)
    if spec.distance == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    return float((rows @ columns.T).max(axis=1).sum())  # MaxSim; of one row each, the dot product
