"""The contracts of everything between a query and its hits: retrievers, fusions, cuts, rerankers, rewriters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ragsys.protocols import Cut, Fusion, Postprocessor, Ranker, Reranker, Retriever, Rewriter, Searchable
from ragsys.testing.loaders import ContractError
from ragsys.types import Filter, Hit, Query, RankedList, Span


def _law(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def ranked_list(name: str, scores: Sequence[float], *, doc: str = "d", first: int = 1) -> RankedList:
    """A list over pages `first`, `first` + 1, ... of one document with these scores."""
    return RankedList.of(name, {Span(doc, first + n, first + n): score for n, score in enumerate(scores)})


def check_ranked(ranked: RankedList) -> None:
    """Hits by falling score, ties by span; spans unique; ranks from 1; coverage in 0..1; its own stage score."""
    _law([hit.rank for hit in ranked.hits] == list(range(1, len(ranked.hits) + 1)), f"{ranked.name}: ranks are wrong")
    _law(len({hit.span for hit in ranked.hits}) == len(ranked.hits), f"{ranked.name}: a span comes twice")
    for one, other in pairwise(ranked.hits):
        _law((-one.score, one.span) <= (-other.score, other.span), f"{ranked.name}: {one} stands before {other}")
    _law(0 <= ranked.coverage <= 1, f"{ranked.name}: coverage {ranked.coverage} is not in 0..1")
    _law(all(ranked.name in hit.stage_scores for hit in ranked.hits), f"{ranked.name}: its own stage score is missing")


def check_retriever(retriever: Retriever, index: Searchable, queries: Sequence[Query]) -> None:
    """Search for each query with several k.

    Laws: specs are known, all of one kind of item; lists are as in `check_ranked`, at most k pages; a short list is the
    head of the longer one; a second search is equal; a filter by document or page holds; the empty query raises
    nothing; encoding gives a vector a spec for every item, in order.
    """
    _law(bool(retriever.specs), "no specs")
    _law(len({spec.items for spec in retriever.specs}) == 1, "its specs are of pages and of passages")
    texts = ["one", "two words here", ""]
    made = retriever.encode_items(texts)
    _law(len(made) == len(texts), "encode_items: not one result an item")
    names = {spec.name for spec in retriever.specs}
    _law(all(set(vectors) == names for vectors in made), f"encode_items: vectors are not {sorted(names)}")
    _law(retriever.encode_items([]) == [], "encode_items: something comes of nothing")
    for query in [*queries, Query("")]:
        whole = retriever.retrieve(query, 1000, index)
        check_ranked(whole)
        again = retriever.retrieve(query, 1000, index)
        _law(again.hits == whole.hits, f"{query.text!r}: a second search differs")
        for k in (1, 2, 5):
            short = retriever.retrieve(query, k, index)
            _law([h.span for h in short.hits] == [h.span for h in whole.hits[:k]], f"{query.text!r}: k={k} differs")
        for hit in whole.hits[:2]:
            chosen = replace(query, filter=Filter(doc=(hit.doc,), pages=(hit.page, hit.page)))
            found = retriever.retrieve(chosen, 10, index)
            _law([h.span for h in found.hits] == [hit.span], f"{query.text!r}: the filter lets {found.hits} through")


def check_fusion(fusion: Fusion) -> None:
    """Fuse lists made for the purpose.

    Laws: the result is as in `check_ranked` and holds every span of the inputs once; independent of the order of the
    lists; a span that is first everywhere is first; stage scores and passages of the inputs are kept; an empty list
    changes nothing; the inputs stay as they are; coverage is never more than that of the least covered input.
    """
    one, two = ranked_list("one", [5, 3, 3, 1]), ranked_list("two", [0.9, 0.8, 0.1], first=1)
    three = replace(ranked_list("three", [7, 7, 6], first=3), coverage=0.5)
    before = (one.hits, two.hits, three.hits)
    fused = fusion.fuse([one, two, three])
    check_ranked(fused)
    _law((one.hits, two.hits, three.hits) == before, "an input was changed")
    _law({h.span for h in fused.hits} == {h.span for r in (one, two, three) for h in r.hits}, "spans were lost or made")
    _law(fused.scores() == fusion.fuse([three, one, two]).scores(), "it depends on the order of the lists")
    _law(fused.coverage <= 0.5, "it claims more coverage than its least covered input")
    for hit in fused.hits:
        for ranked in (one, two, three):
            scores = ranked.scores()
            if hit.span in scores:
                _law(hit.stage_scores.get(ranked.name) == scores[hit.span], f"{hit.span}: a stage score was lost")
    _law(fusion.fuse([one, two]).hits[0].span == one.hits[0].span, "what is first everywhere is not first")
    empty = RankedList("none", ())
    alone = [hit.span for hit in fusion.fuse([one]).hits]
    _law([h.span for h in fusion.fuse([one, empty]).hits] == alone, "an empty list changes the order")
    _law(fusion.fuse([]).hits == () and fusion.fuse([empty]).hits == (), "hits come of nothing")


def check_ranker(
    ranker: Ranker, fusion: Fusion, retrievers: Mapping[str, Retriever], index: Searchable, query: Query
) -> None:
    """Rank what these retrievers find.

    Laws: every fused page is kept and none comes twice; a page that is new is in scope; ranks from 1, scores fall; the
    inputs stay; the same twice; a filter by document holds; where a list is incomplete the fused order stays and a note
    says so; nothing comes of nothing.
    """
    lists = [replace(r.retrieve(query, 10, index), name=name) for name, r in retrievers.items()]
    fused = fusion.fuse(lists)
    before = (fused.hits, [ranked.hits for ranked in lists])
    made, _ = ranker.rank(query, fused, lists, index)
    _law((fused.hits, [ranked.hits for ranked in lists]) == before, "an input was changed")
    _law([h.rank for h in made.hits] == list(range(1, len(made.hits) + 1)), "ranks are wrong")
    _law(all(a.score >= b.score for a, b in pairwise(made.hits)), "scores do not fall")
    _law(len({h.span for h in made.hits}) == len(made.hits), "a span comes twice")
    _law({h.span for h in fused.hits} <= {h.span for h in made.hits}, "spans were lost")
    _law(ranker.rank(query, fused, lists, index)[0].hits == made.hits, "a second time differs")
    for hit in fused.hits[:1]:
        chosen = replace(query, filter=Filter(doc=(hit.doc,), pages=(hit.page, hit.page)))
        own = [replace(r.retrieve(chosen, 10, index), name=name) for name, r in retrievers.items()]
        found, _ = ranker.rank(chosen, fusion.fuse(own), own, index)
        _law([h.span for h in found.hits] == [hit.span], f"the filter lets {found.hits} through")
    part = [replace(ranked, coverage=0.5) for ranked in lists]
    kept, notes = ranker.rank(query, fused, part, index)
    _law(kept.hits == fused.hits and bool(notes or not fused.hits), "an incomplete list was ranked, or nothing said so")
    _law(ranker.rank(query, RankedList("none", ()), [], index)[0].hits == (), "hits come of nothing")


def check_postprocessor(postprocessor: Postprocessor, query: Query) -> None:
    """Laws: a list as in `check_ranked` over a subset of the spans; the input stays; nothing comes of nothing."""
    given = ranked_list("one", [5, 3, 3, 1])
    before = given.hits
    made = postprocessor.process(query, given)
    _law([h.rank for h in made.hits] == list(range(1, len(made.hits) + 1)), "ranks are wrong")
    _law({h.span for h in made.hits} <= {h.span for h in before}, "it made spans")
    _law(given.hits == before, "the input was changed")
    _law(postprocessor.process(query, RankedList("one", ())).hits == (), "hits come of nothing")


def check_cut(cut: Cut) -> None:
    """Laws: a prefix, at least one hit if there is one; equal scores, a single hit and no hit raise nothing."""
    for scores in (
        [9.0, 8.0, 2.0, 1.9, 1.8],
        [1.0] * 30,
        [3.0],
        [-1.0, -2.0, -9.0],
        [float(n) for n in range(40, 0, -1)],
    ):
        given = ranked_list("one", scores)
        kept = cut.cut(given)
        _law(kept.hits == given.hits[: len(kept.hits)], f"{scores}: not a prefix")
        _law(len(kept.hits) >= 1, f"{scores}: nothing is left")
    _law(cut.cut(RankedList("one", ())).hits == (), "hits come of nothing")


def check_reranker(reranker: Reranker, query: Query) -> None:
    """Laws: at most k hits, a subset of those given, ranks from 1, the same twice; nothing comes of nothing."""
    given = ranked_list("one", [5, 3, 3, 1])
    texts = ["a page about apples", "a page about pears", "nothing", query.text]
    for k in (1, 2, 10):
        made: Sequence[Hit] = reranker.rerank(query, given.hits, texts, k)
        _law(len(made) <= k, f"{len(made)} hits for k={k}")
        _law([h.rank for h in made] == list(range(1, len(made) + 1)), "ranks are wrong")
        _law(len({h.span for h in made}) == len(made), "a span comes twice")
        _law({h.span for h in made} <= {h.span for h in given.hits}, "it made spans")
        _law(list(reranker.rerank(query, given.hits, texts, k)) == list(made), "a second time differs")
    _law(len(reranker.rerank(query, (), (), 3)) == 0, "hits come of nothing")


def check_rewriter(rewriter: Rewriter, query: Query) -> None:
    """Laws: at least one query, each with the filter of the one given."""
    filtered = replace(query, filter=Filter(doc=("d",)))
    made = rewriter.rewrite(filtered)
    _law(len(made) >= 1, "no query is left")
    _law(all(q.filter == filtered.filter for q in made), "a filter was lost")
