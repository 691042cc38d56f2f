"""The contract of a store, as tests: subclass `StoreContract`, give it a store, and run it with pytest.

class TestMyStore(StoreContract):
    @pytest.fixture
    def opened(self, tmp_path):
        def make(name="library"):
            return MyStore(Options(), Context(tmp_path / name / "store", tmp_path / "cache"))
        return make
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from ragsys.errors import StoreError
from ragsys.protocols import Store
from ragsys.store import AllOf, Condition, Has, In, Is, Not, Plan, Point, Schema
from ragsys.testing.points import (
    CONDITIONS,
    DENSE,
    DOCS,
    MULTI,
    PAGES,
    RAW,
    SCHEMA,
    WORDS,
    dense,
    expected,
    holds,
    identity,
    ones,
    random,
    sample,
    words,
)
from ragsys.types import Sparse, Vector, VectorSpec


class StoreContract:
    """What every store keeps to. `opened()` gives a fresh, empty store of the same place for the same name."""

    @pytest.fixture
    def opened(self) -> Callable[..., Store]:
        """A function that opens the store named by its argument; the same name again is the same place."""
        raise NotImplementedError

    reopens = True  # whether a closed store's points are there when it is opened again

    @pytest.fixture
    def store(self, opened: Callable[..., Store]) -> Iterator[Store]:
        """A store with the sample in it."""
        store = opened()
        store.ensure(SCHEMA)
        store.upsert(sample())
        store.flush()
        yield store
        store.close()

    # -- before anything is stored ------------------------------------------------------------------------------------

    def test_an_empty_store_reads_as_empty(self, opened: Callable[..., Store]) -> None:
        store = opened()
        assert isinstance(store, Store)
        assert store.schema() == Schema()
        assert store.count() == 0
        assert list(store.scroll()) == []
        assert store.get([identity(1)]) == []
        store.delete_where(AllOf(()))
        store.flush()
        store.close()
        store.close()

    def test_writing_without_a_schema_is_an_error(self, opened: Callable[..., Store]) -> None:
        store = opened()
        with pytest.raises(StoreError):
            store.upsert(sample()[:1])
        store.close()

    def test_a_schema_of_fields_alone(self, opened: Callable[..., Store]) -> None:
        store = opened()
        store.ensure(Schema({}, {"kind": "keyword"}))
        store.upsert([Point(identity(1), {"kind": "state"})])
        store.ensure(Schema({WORDS.name: WORDS}))
        store.set_vectors(WORDS.name, {identity(1): words(1)})
        assert store.count(AllOf((Is("kind", "state"), Has(WORDS.name)))) == 1
        assert store.schema() == Schema({WORDS.name: WORDS}, {"kind": "keyword"})
        store.close()

    # -- schema -------------------------------------------------------------------------------------------------------

    def test_ensure_is_idempotent_and_drops_nothing(self, store: Store) -> None:
        store.ensure(SCHEMA)
        store.ensure(Schema())
        assert store.schema() == SCHEMA
        assert store.count() == DOCS * PAGES

    def test_a_vector_with_other_settings_is_refused(self, store: Store) -> None:
        other = VectorSpec(DENSE.name, "dense", DENSE.dim + 1)
        with pytest.raises(StoreError):
            store.ensure(Schema({DENSE.name: other}))
        assert store.schema() == SCHEMA

    def test_a_vector_added_later(self, store: Store) -> None:
        late = VectorSpec("late-000000000000", "dense", 4)
        store.ensure(Schema({late.name: late}))
        assert store.schema().vectors == {**SCHEMA.vectors, late.name: late}
        assert store.count(Has(late.name)) == 0
        ids = [identity(n) for n in range(5)]
        store.set_vectors(late.name, {name: np.eye(4, dtype=np.float32)[n % 4] for n, name in enumerate(ids)})
        assert store.count(Has(late.name)) == 5
        found = store.search(Plan(late.name, np.eye(4, dtype=np.float32)[2], 3))
        assert found[0].id == ids[2]
        assert found[0].score == pytest.approx(1.0)
        kept = store.get([ids[2]], vectors=[DENSE.name])[0]
        assert kept.payload == sample()[2].payload
        assert DENSE.name in kept.vectors

    def test_a_dropped_vector_is_gone_and_can_come_back(self, store: Store) -> None:
        store.drop_vector(DENSE.name)
        store.drop_vector(DENSE.name)
        assert DENSE.name not in store.schema().vectors
        with pytest.raises(StoreError):
            store.search(Plan(DENSE.name, ones(DENSE.dim), 1))
        assert store.count(Has(WORDS.name)) == DOCS * PAGES - 1
        store.ensure(Schema({DENSE.name: DENSE}))
        assert store.count(Has(DENSE.name)) == 0

    # -- points -------------------------------------------------------------------------------------------------------

    def test_what_is_written_is_read_back(self, store: Store) -> None:
        points = sample()
        ids = [points[5].id, identity(10_000), points[1].id, points[5].id]
        found = store.get(ids, vectors=list(SCHEMA.vectors))
        assert [record.id for record in found] == [points[5].id, points[1].id, points[5].id]
        assert found[1].payload == points[1].payload
        assert set(found[1].vectors) == set(points[1].vectors)
        lexical, multi, raw = (found[1].vectors[spec.name] for spec in (WORDS, MULTI, RAW))
        wanted = points[1].vectors[WORDS.name]
        assert isinstance(lexical, Sparse)
        assert isinstance(wanted, Sparse)
        assert lexical.indices.tolist() == wanted.indices.tolist()
        assert lexical.values.tolist() == wanted.values.tolist()
        for read, spec in ((multi, MULTI), (raw, RAW)):
            written = points[1].vectors[spec.name]
            assert not isinstance(read, Sparse)
            assert not isinstance(written, Sparse)
            assert read.shape == written.shape
            assert spec is MULTI or read.tolist() == written.tolist()

    def test_payload_is_read_as_asked(self, store: Store) -> None:
        ids = [identity(1)]
        assert store.get(ids, payload=False)[0].payload == {}
        assert store.get(ids, payload=["page", "absent"])[0].payload == {"page": 2}
        assert store.get(ids)[0].vectors == {}
        assert store.search(Plan(RAW.name, ones(4), 1, payload=["doc"]))[0].payload == {"doc": "d7"}
        assert store.search(Plan(RAW.name, ones(4), 1))[0].payload == {}

    def test_an_upsert_replaces_the_whole_point(self, store: Store) -> None:
        store.upsert([Point(identity(3), {"kind": "new"}, {RAW.name: ones(4)})])
        record = store.get([identity(3)], vectors=list(SCHEMA.vectors))[0]
        assert record.payload == {"kind": "new"}
        assert set(record.vectors) == {RAW.name}
        assert store.count() == DOCS * PAGES

    def test_set_vectors_replaces_one_vector(self, store: Store) -> None:
        store.set_vectors(WORDS.name, {identity(0): words(500), identity(1): words(500), identity(10_000): words(500)})
        assert {p.id for p in store.search(Plan(WORDS.name, words(500), 9))} == {identity(0), identity(1)}
        assert store.count() == DOCS * PAGES
        record = store.get([identity(1)], vectors=[RAW.name])[0]
        assert record.payload == sample()[1].payload
        assert RAW.name in record.vectors

    def test_set_payload_keeps_the_other_keys(self, store: Store) -> None:
        store.set_payload(Is("doc", "d2"), {"generation": 3, "page": 99})
        store.set_payload([identity(1), identity(10_000)], {"generation": 4})
        store.set_payload([], {"generation": 5})
        store.set_payload(In("doc", []), {"generation": 5})
        assert store.count(Is("generation", 3)) == PAGES
        assert store.count(Is("page", 99)) == PAGES
        assert store.get([identity(1)])[0].payload == {**sample()[1].payload, "generation": 4}
        assert store.count(Is("generation", 5)) == 0
        assert store.count() == DOCS * PAGES

    def test_deleted_points_are_gone_from_everything(self, store: Store) -> None:
        store.delete_where(In("doc", ["d1", "d2"]))
        store.delete_where(In("doc", []))
        assert store.count() == (DOCS - 2) * PAGES
        assert store.count(Is("doc", "d1")) == 0
        assert store.get([identity(PAGES)]) == []
        assert len(store.search(Plan(RAW.name, ones(4), 1000))) == (DOCS - 2) * PAGES - 1

    def test_scroll_gives_every_match_by_id(self, store: Store) -> None:
        ids = [record.id for record in store.scroll(batch=7)]
        assert ids == sorted(point.id for point in sample())
        some = list(store.scroll(Is("doc", "d4"), payload=["page"], vectors=[RAW.name], batch=3))
        assert sorted(record.payload["page"] for record in some) == list(range(1, PAGES + 1))
        assert all(set(record.payload) == {"page"} and set(record.vectors) == {RAW.name} for record in some)

    def test_a_large_write_is_taken_whole(self, store: Store) -> None:
        store.upsert([Point(identity(10_000 + n), {"kind": "many"}, {WORDS.name: words(n % 7)}) for n in range(700)])
        assert store.count(Is("kind", "many")) == 700

    # -- conditions ---------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: repr(c)[:60])
    def test_conditions_mean_the_same_everywhere(self, store: Store, condition: Condition) -> None:
        points = sample()
        wanted = sorted(point.id for point in points if holds(condition, point))
        assert [record.id for record in store.scroll(condition, payload=False)] == wanted
        assert store.count(condition) == len(wanted)
        ranked = [point.id for point in store.search(Plan(RAW.name, dense(10, 1, 0, 0), 1000, condition))]
        assert sorted(ranked) == [name for name in wanted if name != identity(0)]

    def test_booleans_are_refused(self, store: Store) -> None:
        with pytest.raises(StoreError):
            store.count(Is("kind", True))

    # -- searching ----------------------------------------------------------------------------------------------------

    def queries(self) -> list[tuple[VectorSpec, Vector]]:
        """Two of each kind."""
        rng = np.random.default_rng(11)
        return [
            (WORDS, words(1, 5, 9, weights=[0.5, 2.0, 1.5])),
            (WORDS, words(3, 2**32 - 1, weights=[0.25, 4.0])),
            (DENSE, random(rng, DENSE.dim)),
            (DENSE, random(rng, DENSE.dim)),
            (MULTI, random(rng, 1, MULTI.dim)),
            (MULTI, random(rng, 3, MULTI.dim)),
            (RAW, dense(2.0, 1.0, 0.0, 0.0)),
        ]

    @pytest.mark.parametrize("exact", [False, True])
    @pytest.mark.parametrize("where", [None, AllOf((Is("kind", "page"), Not(In("doc", ["d0", "d5"]))))])
    def test_scores_and_ranks_are_those_of_the_definition(
        self, store: Store, where: Condition | None, exact: bool
    ) -> None:
        points = sample()
        for spec, query in self.queries():
            found = store.search(Plan(spec.name, query, 1000, where, exact=exact))
            wanted = expected(spec, query, points, where)
            # float16 keeps 11 bits of each number: about 1e-3 of a unit vector's products, summed over the query's rows
            near = 2e-3 * max(1, np.atleast_2d(query).shape[0]) if not isinstance(query, Sparse) else 1e-5
            assert {p.id: p.score for p in found} == pytest.approx(dict(wanted), abs=near)
            assert found == sorted(found, key=lambda p: (-p.score, p.id))
            if spec.dtype == "float32" or spec.kind == "sparse":
                assert [p.id for p in found] == [name for name, _ in wanted]

    def test_a_short_list_is_the_head_of_the_long_one(self, store: Store) -> None:
        for spec, query in self.queries():
            whole = store.search(Plan(spec.name, query, 1000))
            for limit in (1, 2, 5, 17):
                assert store.search(Plan(spec.name, query, limit)) == whole[:limit]
            assert store.search(Plan(spec.name, query, 0)) == []

    def test_ties_are_cut_by_id(self, store: Store) -> None:
        ids = sorted(identity(20_000 + n) for n in range(120))
        shuffled = [ids[n] for n in np.random.default_rng(3).permutation(len(ids))]
        store.upsert([Point(name, {"kind": "tie"}, {WORDS.name: words(777), RAW.name: ones(4)}) for name in shuffled])
        for limit in (1, 10, 119):
            plan = Plan(WORDS.name, words(777), limit)
            assert [p.id for p in store.search(plan)] == ids[:limit]
            plan = Plan(RAW.name, ones(4), limit, Is("kind", "tie"))
            assert [p.id for p in store.search(plan)] == ids[:limit]

    def test_no_shared_term_is_no_hit(self, store: Store) -> None:
        assert store.search(Plan(WORDS.name, words(12_345), 10)) == []
        assert store.search(Plan(WORDS.name, words(), 10)) == []

    def test_an_item_without_terms_is_no_hit(self, store: Store) -> None:
        store.set_vectors(WORDS.name, {identity(0): words()})
        assert store.count(Has(WORDS.name)) == DOCS * PAGES
        assert identity(0) not in {p.id for p in store.search(Plan(WORDS.name, words(*range(30)), 1000))}

    def test_writes_are_searched_at_once(self, store: Store) -> None:
        store.upsert([Point(identity(30_000), {}, {DENSE.name: np.full(DENSE.dim, 0.5, np.float32)})])
        assert store.search(Plan(DENSE.name, ones(DENSE.dim), 1))[0].id == identity(30_000)

    @pytest.mark.parametrize(
        ("spec", "vector"),
        [
            (DENSE, ones(DENSE.dim + 1)),
            (DENSE, np.full(DENSE.dim, np.nan, np.float32)),
            (DENSE, words(1)),
            (DENSE, ones(1, DENSE.dim)),
            (MULTI, ones(MULTI.dim)),
            (MULTI, ones(0, MULTI.dim)),
            (MULTI, ones(140_000, MULTI.dim)),
            (WORDS, ones(3)),
            (WORDS, Sparse(np.array([2, 1], np.uint32), np.ones(2, np.float32))),
            (WORDS, Sparse(np.array([1, 1], np.uint32), np.ones(2, np.float32))),
            (WORDS, Sparse(np.array([1, 2], np.uint32), dense(1.0, np.inf))),
            (WORDS, Sparse(np.array([1], np.uint32), np.ones(2, np.float32))),
        ],
        ids=lambda v: v.name if isinstance(v, VectorSpec) else type(v).__name__,
    )
    def test_vectors_that_do_not_fit_are_refused(self, store: Store, spec: VectorSpec, vector: Vector) -> None:
        with pytest.raises(StoreError):
            store.upsert([Point(identity(1), {}, {spec.name: vector})])
        with pytest.raises(StoreError):
            store.search(Plan(spec.name, vector, 3))
        assert store.get([identity(1)])[0].payload == sample()[1].payload

    def test_unknown_vectors_are_named(self, store: Store) -> None:
        with pytest.raises(StoreError, match="dense-0a1b2c3d4e5f"):
            store.search(Plan("dense-0a1b2c3d4e5e", ones(DENSE.dim), 1))
        with pytest.raises(StoreError):
            store.upsert([Point(identity(1), {}, {"nobody": ones(3)})])

    # -- scores of given points ---------------------------------------------------------------------------------------

    def test_scores_of_given_points_are_those_of_the_search(self, store: Store) -> None:
        ids = [identity(n) for n in (40, 3, 0, 17, 10_000, 3)]
        for spec, query in self.queries():
            whole = {p.id: p.score for p in store.search(Plan(spec.name, query, 1000))}
            scores = store.score(ids, Plan(spec.name, query, 1))
            carriers = [n for n in dict.fromkeys(ids) if n in scores]
            assert list(scores) == carriers
            assert scores == {name: whole.get(name, 0.0) for name in carriers}
            assert identity(0) not in scores
            if spec is not MULTI:
                assert set(scores) == {identity(n) for n in (40, 3, 17)}
        limited = store.score(ids, Plan(RAW.name, ones(4), 1, Is("doc", "d4")))
        assert set(limited) == {identity(40)}
        assert store.score(ids, Plan(RAW.name, ones(4), 1, In("doc", []))) == {}
        assert store.score([], Plan(RAW.name, ones(4), 1)) == {}

    # -- groups -------------------------------------------------------------------------------------------------------

    def test_groups_widen_until_they_are_found(self, store: Store) -> None:
        # document 7 fills the first places: a search for the limit alone would find one group
        plan = Plan(RAW.name, dense(100.0, 1.0, 0.0, 0.0), 1)
        for groups, size in ((1, 1), (3, 2), (8, 1), (20, 3)):
            found = store.search_groups(plan, by="doc", groups=groups, size=size)
            assert [group[0].payload["doc"] for group in found] == [f"d{n}" for n in range(7, -1, -1)][:groups]
            assert all(1 <= len(group) <= size for group in found)
            assert all(len({p.payload["doc"] for p in group}) == 1 for group in found)
            assert [group[0].payload for group in found] == [{"doc": f"d{n}"} for n in range(7, -1, -1)][:groups]
        assert found[0][0].score >= found[0][1].score

    def test_groups_of_a_list_field(self, store: Store) -> None:
        plan = Plan(RAW.name, dense(1.0, 0.0, 0.0, 0.0), 5, payload=["page"])
        found = store.search_groups(plan, by="dirs", groups=10)
        assert len(found) == 4
        assert {tuple(sorted(p.payload)) for group in found for p in group} == {("dirs", "page")}
        assert store.search_groups(plan, by="absent", groups=3) == []
        none = Plan(RAW.name, ones(4), 5, In("doc", []))
        assert store.search_groups(none, by="doc", groups=3) == []

    # -- across time --------------------------------------------------------------------------------------------------

    def test_ranks_stay_equal_across_deletes_upkeep_and_reload(
        self, store: Store, opened: Callable[..., Store]
    ) -> None:
        doomed = In("doc", ["d1", "d3", "d5", "d7"])
        before = [store.search(Plan(spec.name, query, 1000, Not(doomed))) for spec, query in self.queries()]
        store.delete_where(doomed)
        after = [store.search(Plan(spec.name, query, 1000)) for spec, query in self.queries()]
        assert after == before
        store.maintain()
        assert [store.search(Plan(spec.name, query, 1000)) for spec, query in self.queries()] == before
        if self.reopens:
            store.close()
            again = opened()
            assert again.schema() == SCHEMA
            assert [again.search(Plan(spec.name, query, 1000)) for spec, query in self.queries()] == before
            again.close()

    def test_a_closed_store_says_so(self, store: Store) -> None:
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.count()
