"""Retrievers over libraries whose best pages are known; what fusions keep."""

from __future__ import annotations

from pathlib import Path

from ragsys_text.fusions import Rrf, Zsum
from ragsys_text.lexical import WordsLexical
from ragsys_text.options import Bm25Options, DenseOptions, RrfOptions, SplitterOptions, WordsOptions, ZsumOptions
from ragsys_text.retrievers import Bm25Retriever, DenseRetriever
from ragsys_text.splitter import LayoutSplitter

from ragsys.protocols import Context
from ragsys.store import AllOf, Between, Is, Plan, Schema
from ragsys.testing.fakes import FakeIndex, HashEmbedder, page_of_texts
from ragsys.types import Filter, Page, Query, RankedList, Span

CONTEXT = Context(Path("state"), Path("cache"), "0123456789ab")


def bm25(level: str) -> Bm25Retriever:
    lexical = WordsLexical(WordsOptions(), CONTEXT)
    return Bm25Retriever(Bm25Options.model_validate({"level": level}), CONTEXT, lexical)


def dense() -> DenseRetriever:
    return DenseRetriever(DenseOptions(), CONTEXT, HashEmbedder(256))


def index(documents: dict[str, list[Page]], *retrievers: Bm25Retriever | DenseRetriever) -> FakeIndex:
    splitter = LayoutSplitter(SplitterOptions(words=20, least=0), CONTEXT)
    return FakeIndex.of(documents, splitter, retrievers)


def spans(ranked: RankedList) -> list[Span]:
    return [hit.span for hit in ranked.hits]


def test_a_passage_credits_every_page_that_it_touches() -> None:
    pages = [page_of_texts(1, "The zebra goes"), page_of_texts(2, "over the bridge."), page_of_texts(3, "Nothing.")]
    for retriever in (bm25("passage"), dense()):
        found = retriever.retrieve(Query("zebra bridge"), 2, index({"a": pages}, retriever))
        assert spans(found) == [Span("a", 1, 1), Span("a", 2, 2)]
        assert found.hits[0].score == found.hits[1].score
        assert found.hits[0].passages == (0,)


def test_a_filter_of_pages_cuts_spans_that_run_out_of_it() -> None:
    pages = [page_of_texts(1, "The zebra goes"), page_of_texts(2, "over the bridge.")]
    retriever = bm25("passage")
    library = index({"a": pages}, retriever)
    for page in (1, 2):
        found = retriever.retrieve(Query("zebra", filter=Filter(pages=(page, page))), 5, library)
        assert spans(found) == [Span("a", page, page)]


def test_the_search_widens_until_k_pages_are_found() -> None:
    # one page holds forty passages that all beat the other pages'
    crowd = page_of_texts(1, *["Zebra zebra zebra zebra."] * 40)
    others = [page_of_texts(n, "A zebra and many other animals of the wide plain live here.") for n in range(2, 8)]
    for retriever in (bm25("passage"), dense()):
        found = retriever.retrieve(Query("zebra"), 5, index({"a": [crowd, *others]}, retriever))
        assert len(found.hits) == 5
        assert found.hits[0].page == 1


def test_a_page_scores_as_its_best_passage_and_names_its_passages_best_first() -> None:
    weak, strong = "One zebra among so many words of every other kind here.", "Zebra zebra zebra."
    page = page_of_texts(1, weak + " " + "Filler words " * 8 + "end.", strong + " " + "More filler text " * 5 + "end.")
    retriever = bm25("passage")
    library = index({"a": [page]}, retriever)
    found = retriever.retrieve(Query("zebra"), 1, library)
    name = retriever.specs[0].name
    hits = library.store.search(Plan(name, found.vectors[name], 9, payload=["ordinal"]))
    assert found.hits[0].score == hits[0].score > hits[1].score
    assert found.hits[0].passages == tuple(hit.payload["ordinal"] for hit in hits)
    assert found.hits[0].passages[0] > found.hits[0].passages[1] == 0


def test_rarity_follows_the_library() -> None:
    retriever = bm25("page")
    library = index({"a": [page_of_texts(n, "common" if n > 1 else "common rare") for n in range(1, 9)]}, retriever)
    query = Query("common rare")
    before = retriever.retrieve(query, 8, library)
    assert before.hits[0].page == 1
    library.store.delete_where(AllOf((Is("kind", "page"), Between("page", low=2))))
    after = retriever.retrieve(query, 8, library)
    assert spans(after) == [Span("a", 1, 1)]
    assert after.hits[0].score < before.hits[0].score  # neither word is rare any more


def test_the_list_says_what_it_could_find() -> None:
    retriever = dense()
    library = index({"a": [page_of_texts(1, "one"), page_of_texts(2, "two")]}, retriever)
    assert retriever.retrieve(Query("one"), 5, library).coverage == 1.0
    library.store.drop_vector(retriever.specs[0].name)
    library.store.ensure(Schema({retriever.specs[0].name: retriever.specs[0]}))
    nothing = retriever.retrieve(Query("one"), 5, library)
    assert (nothing.coverage, nothing.hits) == (0.0, ())
    assert set(nothing.vectors) == {retriever.specs[0].name}


def test_fusions_keep_scores_passages_and_vectors() -> None:
    words, meaning = bm25("page"), dense()
    library = index({"a": [page_of_texts(n, f"zebra number {n}") for n in range(1, 5)]}, words, meaning)
    lists = [retriever.retrieve(Query("zebra 2"), 3, library) for retriever in (words, meaning)]
    for fusion in (Rrf(RrfOptions(), CONTEXT), Zsum(ZsumOptions(), CONTEXT)):
        fused = fusion.fuse(lists)
        assert fused.hits[0].page == 2
        assert set(fused.hits[0].stage_scores) == {"bm25", "dense", fused.name}
        assert fused.hits[0].passages
        assert set(fused.vectors) == {words.specs[0].name, meaning.specs[0].name}


def test_names_of_vectors_tell_what_made_them() -> None:
    assert bm25("page").specs[0].name == "words-page-0123456789ab"
    assert bm25("passage").specs[0].items == "passage"
