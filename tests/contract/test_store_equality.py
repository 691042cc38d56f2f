"""Ranks on the embedded engine and on the client's own are equal, before and after half of the documents go."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions, ServerOptions
from ragsys_qdrant.server import ServerStore

from ragsys.protocols import Context
from ragsys.store import In, Is, Not, Plan
from ragsys.testing.points import DOCS, SCHEMA, sample
from ragsys.testing.stores import StoreContract


def test_ranks_and_scores_are_equal_on_both_engines(tmp_path: Path) -> None:
    here = EdgeStore(EdgeOptions(), Context(tmp_path / "edge", tmp_path))
    there = ServerStore(ServerOptions(url=":memory:"), Context(tmp_path / "server", tmp_path))
    stores = (here, there)
    for store in stores:
        store.ensure(SCHEMA)
        store.upsert(sample())
    here.flush()

    def compare() -> None:
        for spec, query in StoreContract().queries():
            for limit in (3, 10, 1000):
                for where in (None, Is("kind", "page"), Not(In("doc", ["d0", "d6"]))):
                    left, right = (s.search(Plan(spec.name, query, limit, where, exact=True)) for s in stores)
                    assert [p.id for p in left] == [p.id for p in right], spec.name
                    assert [p.score for p in left] == pytest.approx([p.score for p in right], abs=1e-4), spec.name
            left_groups, right_groups = (
                s.search_groups(Plan(spec.name, query, 1), by="doc", groups=4, size=2) for s in stores
            )
            assert [[p.id for p in g] for g in left_groups] == [[p.id for p in g] for g in right_groups]

    compare()
    half = In("doc", [f"d{n}" for n in range(0, DOCS, 2)])
    for store in stores:
        store.delete_where(half)
    compare()
    here.maintain()
    compare()
    here.close()
    here = EdgeStore(EdgeOptions(), Context(tmp_path / "edge", tmp_path))
    stores = (here, there)
    compare()
    here.close()
    there.close()
