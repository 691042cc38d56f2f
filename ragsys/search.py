"""The way across: query -> retrieve -> fuse -> rerank -> cut -> hits. Read it from `Searcher.search` down.

Only lists that cover everything in scope are fused: a list over a part of the documents would push the rest down. While
a layer is incomplete it rescores the shortlist of the complete ones, and embeds what the shortlist lacks on demand.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ragsys.errors import IncompleteLayer
from ragsys.filling import fill
from ragsys.index import Index
from ragsys.locating import Score, best_blocks, dot
from ragsys.places import quoted
from ragsys.protocols import Scoring
from ragsys.ranking import zscores
from ragsys.records import point_id
from ragsys.store import AllOf, AnyOf, Between, Condition, Is, Plan, Record, Scored
from ragsys.types import Evidence, Hit, Passage, Query, RankedList, Span, Sparse, Vector, VectorSpec
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.config import Spec
    from ragsys.protocols import Cut, Fusion, Postprocessor, Ranker, Reranker, Retriever, Rewriter
    from ragsys.space import Space

_SLOW_SHARE = 0.5  # of the time that a question has left, for lists that a model is needed for
_LATE_SHARE = 0.25  # of what is left then, for embedding on demand
_LATE_BATCH = 8  # passages embedded between two looks at the clock


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one search, and how they came about."""

    hits: tuple[Hit, ...]
    lists: tuple[RankedList, ...]  # what each retriever found
    coverage: Mapping[str, float]  # share of the scope that each retriever could have found, 0..1
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage
    notes: tuple[str, ...] = ()
    late: tuple[str, ...] = ()  # what was left out because time was running down, in words


class Searcher:
    """Runs searches of one configuration over one open library."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.index = Index(space)
        config, build = space.config.search, space.builder.build
        self.retrievers: dict[str, Retriever] = space.layers.retrievers
        self.fusion: Fusion = build("fusion", config.fuse)
        self.ranker: Ranker | None = space.layers.ranker
        self.rewriters: list[Rewriter] = [build("rewriter", spec) for spec in config.rewriters]
        self.postprocessors: list[tuple[Spec, Postprocessor]] = [
            (spec, build("postprocessor", spec)) for spec in config.postprocess
        ]
        self.rerankers: list[tuple[Spec, Reranker]] = [(spec, build("reranker", spec)) for spec in config.rerank]
        self.cut: Cut | None = build("cut", config.cut) if config.cut else None
        self._late: set[Future[RankedList]] = set()  # lists that nobody waits for any more

    def search(self, query: Query, k: int, *, partial: bool = True, until: float = math.inf) -> Found:
        """The best k distinct pages, or all there are. Without `partial`, an incomplete layer raises.

        `until` is when the answer is due (`time.monotonic`): lists that need a model, and embedding on demand, get a
        share of the time that is left; then what the words found is all there is.
        """
        clock = _Clock(until)
        queries = self.rewrite(query)
        lists = [ranked for one in queries for ranked in self.retrieve(one, k, clock)]
        whole = [ranked for ranked in lists if ranked.coverage >= 1.0]
        parts = [ranked for ranked in lists if ranked.coverage < 1.0]
        if parts and not partial:
            names = ", ".join(f"{ranked.name} ({ranked.coverage:.0%})" for ranked in parts)
            raise IncompleteLayer(f"incomplete: {names}", hint=f"ragsys index {quoted(self.space.root)} --wait")
        ranked = clock("fuse", lambda: self.fuse(whole or parts))
        if parts and whole:
            ranked = clock("rescore", lambda: self.rescore(query, ranked, parts, clock))
        notes = self._notes(parts, rescored=bool(whole))
        if self.ranker is not None:
            ranked, said = clock("rank", functools.partial(self.ranker.rank, query, ranked, lists, self.index))
            notes += tuple(said)
        for spec, post in self.postprocessors:
            ranked = clock(spec.use, functools.partial(post.process, query, ranked))
        for spec, reranker in self.rerankers:
            ranked = clock(spec.use, functools.partial(self.rerank, query, ranked, reranker, spec))
        if self.cut is not None:
            ranked = self.cut.cut(ranked)
        hits = clock("attach", lambda: self.attach(query, ranked.top(k).hits, lists))
        coverage = {one.name: one.coverage for one in lists}
        late = tuple(dict.fromkeys(clock.late))
        return Found(tuple(hits), tuple(lists), coverage, clock.seconds, (*notes, *late), late)

    def _notes(self, parts: Sequence[RankedList], *, rescored: bool) -> tuple[str, ...]:
        did = "and rescored the shortlist only" if rescored else "of what was searched: the rest is not found yet"
        return tuple(dict.fromkeys(f"{one.name} covers {one.coverage:.0%} {did}" for one in parts))

    def rewrite(self, query: Query) -> list[Query]:
        """The query and what the rewriters make of it."""
        queries = [query]
        for rewriter in self.rewriters:
            queries = [new for one in queries for new in rewriter.rewrite(one)]
        return queries

    def retrieve(self, query: Query, k: int, clock: _Clock) -> list[RankedList]:
        """One list a retriever, under its name in the configuration: of at least k pages where there are so many."""
        k = max(k, self.space.config.search.candidates)

        def one(name: str) -> RankedList:
            return _renamed(clock(name, lambda: self.retrievers[name].retrieve(query, k, self.index)), name)

        # a model encodes the query outside the interpreter's lock: meanwhile the words are looked up
        slow = [name for name, retriever in self.retrievers.items() if not retriever.eager]
        if not slow or len(slow) == len(self.retrievers):
            return [one(name) for name in self.retrievers]
        pool = ThreadPoolExecutor(len(slow), thread_name_prefix="ragsys-retrieve")
        try:
            begun = {name: pool.submit(one, name) for name in slow}
            due = clock.share(_SLOW_SHARE)
            found = {name: one(name) for name in self.retrievers if name not in begun}
            # a ranker is not used while a list is incomplete: what it would read is not read either
            ranker = self.space.layers.digesting
            specs = [spec for retriever in self.retrievers.values() for spec in retriever.specs]
            if ranker is not None and all(self.index.coverage(spec.name, query) >= 1.0 for spec in specs):
                clock("prepare", lambda: ranker.prepare(query, list(found.values()), self.index))
            for name, future in begun.items():
                left = None if due == math.inf else max(0.0, due - time.monotonic())
                try:
                    found[name] = future.result(left)
                except TimeoutError:
                    if future.done():  # just now, or with an error of its own
                        found[name] = future.result()
                        continue
                    self._late.add(future)
                    future.add_done_callback(self._late.discard)
                    clock.late.append(f"{name} was left out: it would have taken too much of the question's time")
            return [found[name] for name in self.retrievers if name in found]
        finally:
            pool.shutdown(wait=False)

    def settle(self, seconds: float) -> None:
        """Wait for lists that came too late for their question: they still read the store."""
        wait(set(self._late), timeout=seconds)

    def fuse(self, lists: Sequence[RankedList]) -> RankedList:
        """One list of several; a single list is itself."""
        if len(lists) == 1:
            return lists[0]
        return self.fusion.fuse(lists)

    # -- while a layer is incomplete ---------------------------------------------------------------------------------

    def rescore(self, query: Query, ranked: RankedList, parts: Sequence[RankedList], clock: _Clock) -> RankedList:
        """The top of the list, in the order of the sum of z-scores of its own score and each partial layer's.

        The rest keeps its order below. z is over the rescored pages (population deviation, 0 where all are equal).
        """
        config = self.space.config.search.rescore
        top = ranked.hits[: config.pages]
        if not top:
            return ranked
        totals = dict(zip([h.span for h in top], zscores([h.score for h in top]).tolist(), strict=True))
        stages: dict[Span, dict[str, float]] = {hit.span: dict(hit.stage_scores) for hit in top}
        best: dict[Span, tuple[int, ...]] = {hit.span: hit.passages for hit in top}
        for part in parts:
            for name, vector in part.vectors.items():
                scores, passages = self._on_demand(query, [hit.span for hit in top], name, vector, clock)
                if not scores:
                    continue
                # a page of which nothing could be scored is no better than the worst that was
                floor = min(scores.values())
                spans = list(totals)
                for span, z in zip(spans, zscores([scores.get(span, floor) for span in spans]).tolist(), strict=True):
                    totals[span] += z
                    if span in scores:
                        stages[span][part.name] = scores[span]
                        best[span] = tuple(dict.fromkeys((*passages[span], *best[span])))
        order = sorted(totals, key=lambda span: (-totals[span], span))
        head = [Hit(s, n, totals[s], {**stages[s], "rescore": totals[s]}, best[s]) for n, s in enumerate(order, 1)]
        # scores of the rest go on falling below the head's last one
        last = head[-1].score - ranked.hits[len(top) - 1].score
        tail = [replace(hit, score=min(hit.score + last, head[-1].score)) for hit in ranked.hits[len(top) :]]
        return replace(ranked, hits=(*head, *tail))

    def _on_demand(
        self, query: Query, spans: Sequence[Span], name: str, vector: Vector, clock: _Clock
    ) -> tuple[dict[Span, float], dict[Span, list[int]]]:
        """{span: best score} of a partial vector, and {span: passages that scored}; embeds what lacks, while there is
        time."""
        spec = self.space.layers.vectors[name]
        retriever = next(r for r in self.retrievers.values() if any(s.name == name for s in r.specs))
        records = self._shortlist(query, spans, spec)
        ids = [record.id for record in records]
        have = {r.id for r in self.space.store.get(ids, payload=["doc"], vectors=[name]) if name in r.vectors}
        missing = [record for record in records if record.id not in have]
        due = min(clock.share(_LATE_SHARE), time.monotonic() + self.space.config.search.rescore.seconds)
        took = 0.0  # seconds of the last batch: the next one must end in time too
        for start in range(0, len(missing), _LATE_BATCH):
            began = time.monotonic()
            if began + took >= due:
                left = counted(len(missing) - start, "passage")
                clock.late.append(f"{left} of the shortlist could not be embedded in the question's time")
                break
            fill(self.space, spec, retriever, missing[start : start + _LATE_BATCH])
            took = time.monotonic() - began
        scored = self.space.store.score(ids, Plan(name, vector, len(ids)))
        best: dict[Span, float] = {}
        passages: dict[Span, list[int]] = {}
        for record in sorted(records, key=lambda r: (-scored.get(r.id, float("-inf")), r.id)):
            if record.id not in scored:
                continue
            payload = record.payload
            for span in spans:
                if _touches(payload, span):
                    best.setdefault(span, scored[record.id])
                    if "ordinal" in payload:
                        passages.setdefault(span, []).append(payload["ordinal"])
        return best, passages

    def _shortlist(self, query: Query, spans: Sequence[Span], spec: VectorSpec) -> list[Record]:
        """The points of a shortlist's pages, the lexically best passages first, as many as may be embedded at once."""
        limit = self.space.config.search.rescore.passages
        where = AllOf((self.index.scope(query, items=spec.items), _touching(spans)))
        found = {record.id: record for record in self.space.store.scroll(where)}
        if len(found) <= limit:
            return list(found.values())
        ranked: list[str] = []
        for retriever in self.retrievers.values():
            own = [s for s in retriever.specs if s.kind == "sparse" and s.items == spec.items]
            if own and retriever.eager:
                vectors = retriever.retrieve(query, 1, self.index).vectors
                hits = self.space.store.search(Plan(own[0].name, vectors[own[0].name], limit, where))
                ranked = [hit.id for hit in hits]
                break
        # without a lexical order of passages, or behind it: page by page in the shortlist's order
        place = {span: n for n, span in enumerate(spans)}
        rest = sorted(
            (i for i in found if i not in ranked),
            key=lambda i: (place.get(Span(found[i].payload["doc"], *[found[i].payload["page"]] * 2), len(spans)), i),
        )
        return [found[i] for i in (*ranked, *rest)[:limit]]

    # -- after the ranking -------------------------------------------------------------------------------------------

    def rerank(self, query: Query, ranked: RankedList, reranker: Reranker, spec: Spec) -> RankedList:
        """The first hits in the reranker's order; the others stay below."""
        depth = self.space.config.search.rerank_depth
        head, tail = ranked.hits[:depth], ranked.hits[depth:]
        texts = self.page_texts(head)
        chosen = list(reranker.rerank(query, head, texts, len(head)))
        left = [hit for hit in head if hit.span not in {one.span for one in chosen}]
        hits = [
            replace(hit, rank=rank, stage_scores={**hit.stage_scores, spec.use: hit.score})
            for rank, hit in enumerate((*chosen, *left, *tail), 1)
        ]
        return replace(ranked, hits=tuple(hits))

    def page_texts(self, hits: Sequence[Hit]) -> list[str]:
        """The text of each hit's first page."""
        keys = [self._page_key(hit) for hit in hits]
        pages = self.space.pages(keys)
        return [pages[key].text if key in pages else "" for key in keys]

    def _page_key(self, hit: Hit) -> tuple[str, str, int]:
        state = self.space.catalog.get(hit.doc)
        return hit.doc, self.space.page_layer(state) if state else "", hit.page

    def attach(self, query: Query, hits: Sequence[Hit], lists: Sequence[RankedList]) -> list[Hit]:
        """Each hit with its best passages (by the passage vectors that searched) and its neighbouring pages."""
        best = self._best_passages(query, hits, lists)
        wanted = self.space.config.search.passages
        attached = []
        for rank, hit in enumerate(hits, 1):
            state = self.space.catalog.get(hit.doc)
            last = state.pages if state else hit.span.last
            near = tuple(n for n in (hit.span.first - 1, hit.span.last + 1) if 1 <= n <= last)
            passages = tuple(dict.fromkeys((*hit.passages, *best.get(hit.span, ()))))[:wanted]
            attached.append(Hit(hit.span, rank, hit.score, hit.stage_scores, passages, near))
        return attached

    def _best_passages(self, query: Query, hits: Sequence[Hit], lists: Sequence[RankedList]) -> dict[Span, list[int]]:
        """{span: ordinals of its passages, best first} for the hits that no passage led to: those of the others are in
        the lists already, as far as they fit the query."""
        short = [hit.span for hit in hits if not hit.passages]
        if not short or not self.space.config.search.passages:
            return {}
        where = AllOf((self.index.scope(query, items="passage"), _touching(short)))
        found: dict[Span, list[int]] = {}
        for ranked in lists:
            for name, vector in ranked.vectors.items():
                spec = self.space.layers.vectors.get(name)
                if spec is None or spec.items != "passage":
                    continue
                plan = Plan(name, vector, len(short) * 8, where, payload=["doc", "page", "last", "ordinal"])
                _credit(self.space.store.search(plan), short, found)
        lacking = [span for span in short if not found.get(span)]
        if lacking:  # no passage vector reached them: their first passages, in reading order
            where = AllOf((self.index.scope(query, items="passage"), _touching(lacking)))
            records = self.space.store.scroll(where, payload=["doc", "page", "last", "ordinal"])
            plain = [Scored(r.id, 0.0, r.payload) for r in sorted(records, key=lambda r: r.payload["ordinal"])]
            _credit(plain, lacking, found)
        return found

    def evidence(
        self, hits: Sequence[Hit], start: int = 1, query: Query | None = None, lists: Sequence[RankedList] = ()
    ) -> list[Evidence]:
        """The hits as numbered evidence: the page, its best passages' texts, and with a query its best blocks.

        `lists` are those of the query's search where it was just run: they hold the query's vectors.
        """
        keys = [self._page_key(hit) for hit in hits]
        pages = self.space.pages(keys)
        chosen = []
        for hit, key in zip(hits, keys, strict=True):
            state = self.space.catalog.get(hit.doc)
            if state is None or key not in pages:
                continue  # removed since the search
            chosen.append((hit, key, state))
        passages = self._passages([(hit, key[1]) for hit, key, _ in chosen])
        found = []
        score = self.words(query, lists) if query is not None and chosen else None
        for number, (hit, key, state) in enumerate(chosen, start):
            path = sorted(state.paths)[0] if state.paths else state.doc
            own = tuple(passages[hit.doc, n] for n in hit.passages if (hit.doc, n) in passages)
            blocks = best_blocks(pages[key], own, score) if score is not None else ()
            found.append(Evidence(number, hit.doc, path, state.title, pages[key], key[1], hit, own, blocks))
        return found

    def words(self, query: Query, lists: Sequence[RankedList] = ()) -> Score:
        """Scores a page's texts by the words of the query, as the first lexical list does; passages before pages.

        `lists` are those of the query's search where it was just run: they hold the query's vectors.
        """
        lexical = [(r, s) for r in self.retrievers.values() if r.eager for s in r.specs if s.kind == "sparse"]
        # rewriters search for other words than the query's
        known: dict[str, Vector] = (
            {} if self.rewriters else {name: vector for one in lists for name, vector in one.vectors.items()}
        )
        for retriever, spec in sorted(lexical, key=lambda pair: pair[1].items != "passage"):
            vectors = known if spec.name in known else retriever.retrieve(query, 1, self.index).vectors
            vector = vectors.get(spec.name)
            if isinstance(vector, Sparse):
                return functools.partial(_scored, retriever, spec.name, vector)
        return lambda texts: [0.0] * len(texts)

    def _passages(self, hits: Sequence[tuple[Hit, str]]) -> dict[tuple[str, int], Passage]:
        """{(document, ordinal): passage} of the passages that hits on these page layers name."""
        layers = {layer: self.space.layers.passages(layer) for _, layer in hits}
        ids = {point_id(hit.doc, layers[layer], n): None for hit, layer in hits for n in hit.passages}
        records = self.space.store.get(list(ids))
        found = zip(records, self.space.passages(records), strict=True)
        return {(record.payload["doc"], passage.ordinal): passage for record, passage in found if passage}


def _scored(retriever: Retriever, name: str, vector: Sparse, texts: Sequence[Sequence[str]]) -> list[float]:
    """The lexical score of each text of a page."""
    if isinstance(retriever, Scoring):
        return retriever.scores(vector, texts)
    items = [one[name] for one in retriever.encode_items([" ".join(parts) for parts in texts])]
    return [dot(vector, item) if isinstance(item, Sparse) else 0.0 for item in items]


def _touching(spans: Sequence[Span]) -> Condition:
    """Points that touch any of these pages."""
    by_doc: dict[str, list[int]] = {}
    for span in spans:
        by_doc.setdefault(span.doc, []).extend(span.pages)
    return AnyOf(
        tuple(
            AllOf((Is("doc", doc), AnyOf(tuple(_on_page(number) for number in sorted(set(numbers))))))
            for doc, numbers in sorted(by_doc.items())
        )
    )


def _on_page(number: int) -> Condition:
    # pages hold `page` alone; passages run from `page` to `last`
    return AnyOf((Between("page", number, number), AllOf((Between("page", high=number), Between("last", low=number)))))


def _touches(payload: Mapping[str, Any], span: Span) -> bool:
    last: int = payload.get("last", payload["page"])
    return bool(payload["doc"] == span.doc and payload["page"] <= span.first <= last)


def _credit(scored: Sequence[Scored], spans: Sequence[Span], found: dict[Span, list[int]]) -> None:
    for hit in scored:
        payload: Mapping[str, Any] = hit.payload
        for span in spans:
            if _touches(payload, span):
                ordinals = found.setdefault(span, [])
                if payload["ordinal"] not in ordinals:
                    ordinals.append(payload["ordinal"])


def _renamed(ranked: RankedList, name: str) -> RankedList:
    # hundreds of hits a query: `replace` takes five times as long
    hits = tuple(Hit(h.span, h.rank, h.score, {name: h.score}, h.passages, h.neighbours) for h in ranked.hits)
    return replace(ranked, name=name, hits=hits)


class _Clock:
    """Adds up the seconds of each stage, and tells how many are left."""

    def __init__(self, until: float = math.inf) -> None:
        self.seconds: dict[str, float] = {}
        self.until = until
        self.late: list[str] = []  # what was left out for want of time

    def share(self, share: float) -> float:
        """When this share of the time that is left is over."""
        now = time.monotonic()
        return self.until if self.until == math.inf else now + share * max(0.0, self.until - now)

    def __call__(self, stage: str, run: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        try:
            return run()
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began


__all__ = ["Found", "Index", "Searcher"]
