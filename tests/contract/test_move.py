"""A library moves between stores without a vector made anew, and a move that was stopped goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions, ServerOptions
from ragsys_qdrant.server import ServerStore

from ragsys.maintain import Moved, move
from ragsys.protocols import Context, Store
from ragsys.records import STATES
from ragsys.store import Is, Plan, Point
from ragsys.testing.points import DENSE, RAW, SCHEMA, WORDS, identity, sample, words
from ragsys.testing.stores import StoreContract
from ragsys.types import Sparse

MANY = 30


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    store = EdgeStore(EdgeOptions(), Context(tmp_path / "source", tmp_path))
    store.ensure(SCHEMA)
    store.upsert(sample())
    store.upsert([Point(identity(50_000 + n), {"layer": STATES, "doc": f"d{n}"}) for n in range(MANY)])
    store.upsert([Point(identity(60_000 + n), {"kind": "page", "n": n}, {WORDS.name: words(n)}) for n in range(600)])
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    store = ServerStore(ServerOptions(url=":memory:"), Context(tmp_path / "library" / "target", tmp_path))
    yield store
    store.close()


def assert_equal(left: Store, right: Store) -> None:
    assert left.schema() == right.schema()
    names = list(SCHEMA.vectors)
    for ours, theirs in zip(left.scroll(vectors=names), right.scroll(vectors=names), strict=True):
        assert (ours.id, ours.payload, set(ours.vectors)) == (theirs.id, theirs.payload, set(theirs.vectors))
        for name, vector in ours.vectors.items():
            other = theirs.vectors[name]
            if isinstance(vector, Sparse):
                assert isinstance(other, Sparse)
                assert vector.indices.tolist() == other.indices.tolist()
                assert vector.values.tolist() == other.values.tolist()
            else:
                assert np.abs(np.asarray(vector) - np.asarray(other)).max() < 1e-3
    for spec, query in StoreContract().queries():
        ranks = [[p.id for p in store.search(Plan(spec.name, query, 1000, exact=True))] for store in (left, right)]
        assert ranks[0] == ranks[1]


def test_everything_arrives_and_a_second_move_copies_nothing(source: Store, target: Store) -> None:
    total = source.count()
    seen: list[tuple[int, int]] = []
    assert move(source, target, lambda done, all_: seen.append((done, all_))) == Moved(total, 0, 0)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    assert_equal(source, target)
    assert move(source, target) == Moved(0, total, 0)


def test_what_changed_since_is_copied_and_strangers_are_counted(source: Store, target: Store) -> None:
    total = source.count()
    move(source, target)
    source.set_payload([identity(4), identity(50_003)], {"generation": 2})
    source.set_vectors(DENSE.name, {identity(0): np.ones(DENSE.dim, np.float32), identity(60_001): np.ones(DENSE.dim)})
    target.upsert([Point(identity(99_000 + n), {"kind": "page"}) for n in range(3)])
    assert move(source, target) == Moved(4, total - 4, 3)
    assert target.count(Is("generation", 2)) == 2
    assert identity(0) in target.score([identity(0)], Plan(DENSE.name, np.ones(DENSE.dim, np.float32), 1))


class Unplugged(Exception):
    pass


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_stopped_move_goes_on_and_shows_no_document_before_it_is_whole(
    source: Store, target: Store, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    total = source.count()
    write, calls = target.upsert, 0

    def failing(points: list[Point]) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Unplugged
        write(points)

    with monkeypatch.context() as patch:
        patch.setattr(target, "upsert", failing)
        with pytest.raises(Unplugged):
            move(source, target)
    arrived = target.count()
    assert (arrived > 0) == (after > 0)
    assert target.count(Is("kind", "state")) == 0
    assert move(source, target) == Moved(total - arrived, arrived, 0)
    assert_equal(source, target)


def test_a_move_between_folders(source: Store, tmp_path: Path) -> None:
    other = EdgeStore(EdgeOptions(), Context(tmp_path / "other", tmp_path))
    move(source, other)
    other.close()
    other = EdgeStore(EdgeOptions(), Context(tmp_path / "other", tmp_path))
    assert_equal(source, other)
    assert other.get([identity(3)], vectors=[RAW.name])[0].payload == sample()[3].payload
    other.close()
