"""The default's ranking model over real folders: it ranks where it fits, and says why where it does not."""

from __future__ import annotations

from pathlib import Path

import folders
import pytest
from ragsys_rank.ranker import TreesRanker

from ragsys.library import Library
from ragsys.types import Filter, Query, Span

QUESTION = Query("What was the revenue of the bakery in 2023?")


def opened(tmp_path: Path, *overrides: str) -> Library:
    root = folders.write_folder(tmp_path / "docs")
    library = Library(root, folder=tmp_path / "library", overrides=overrides, background=False)
    library.index(wait=True)
    return library


def test_a_tiny_library_keeps_the_fused_order_and_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as library:
        found = library.searcher.search(QUESTION, 3)
        library.searcher.ranker = None
        assert [hit.span for hit in found.hits] == [hit.span for hit in library.searcher.search(QUESTION, 3).hits]
    assert len(found.notes) == 1
    assert "the library has 7 pages, fewer than 30" in found.notes[0]


def test_the_shipped_model_ranks_the_lists_that_it_was_made_for(tmp_path: Path) -> None:
    with opened(tmp_path, "search.rank.least_pages=1", "search.rank.use=trees") as library:
        found = library.searcher.search(QUESTION, 7)
        paths = {document.id: document.path for document in library.documents()}
        assert found.notes == ()
        assert "rank" in found.seconds
        assert (paths[found.hits[0].doc], found.hits[0].page) == ("2023/annual.pdf", 1)
        assert all("rank" in hit.stage_scores for hit in found.hits)
        assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))
        chosen = Filter(path=("2022/*",), pages=(2, 2))
        only = library.searcher.search(Query(QUESTION.text, filter=chosen), 5)
        assert [(paths[hit.doc], hit.page) for hit in only.hits] == [("2022/annual.pdf", 2)]


def test_another_set_of_lists_is_told(tmp_path: Path) -> None:
    with opened(tmp_path, "search.rank={use: trees, least_pages: 1}", "search.retrievers.dense=null") as library:
        (note,) = library.searcher.search(QUESTION, 3).notes
    assert "it was made for the lists dense, pages, passages" in note


def test_lists_that_are_all_incomplete_say_that_pages_are_missing(tmp_path: Path) -> None:
    root = folders.write_folder(tmp_path / "docs")
    words = "search.retrievers={pages: null, passages: null}"
    with Library(root, folder=tmp_path / "library", overrides=[words], background=False) as library:
        library.index()
        found = library.searcher.search(QUESTION, 3)
    assert found.hits == ()
    assert found.notes == ("dense covers 0% of what was searched: the rest is not found yet",)


def test_what_the_ranker_needs_of_pages_is_stored_with_them(tmp_path: Path) -> None:
    with opened(tmp_path, "search.rank.least_pages=1", "search.rank.use=trees") as library:
        ranker = library.space.layers.ranker
        assert isinstance(ranker, TreesRanker)
        spans = [Span(doc.id, n, n) for doc in library.documents() for n in range(1, doc.pages + 1)]
        pages = library.searcher.index.content(spans)
        digests = library.searcher.index.digests([*spans, Span("unknown", 1, 1)])
        assert digests == {span: ranker.digest(page) for span, page in pages.items()}
        stored = library.searcher.search(QUESTION, 7).hits
    with opened(tmp_path, "search.rank.least_pages=1", "search.rank.use=trees") as library:
        library.searcher.index.digests = lambda spans: {}  # type: ignore[method-assign]
        assert library.searcher.search(QUESTION, 7).hits == stored
    with opened(tmp_path, "search.rank=null") as library:
        assert library.searcher.index.digests(spans) == {}


def test_nothing_is_read_for_a_ranker_that_an_incomplete_list_keeps_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Query] = []
    monkeypatch.setattr(TreesRanker, "prepare", lambda self, query, lists, index: prepared.append(query))
    root = folders.write_folder(tmp_path / "docs")
    settings = ["search.rank.least_pages=1", "search.rank.use=trees"]
    with Library(root, folder=tmp_path / "library", overrides=settings, background=False) as library:
        library.index()
        assert "rescore" in library.searcher.search(QUESTION, 3).seconds
        assert prepared == []
        library.index(wait=True)
        assert "rank" in library.searcher.search(QUESTION, 3).seconds
        assert prepared == [QUESTION]


def test_other_layers_in_the_store_are_kept_apart(tmp_path: Path) -> None:
    with opened(tmp_path) as library:
        assert library.space.plain()
        found = library.search(QUESTION.text, 3)
    with opened(tmp_path, "splitter.words=60") as library:  # the old passages are still there
        assert [(hit.path, hit.page) for hit in library.search(QUESTION.text, 3)] == [
            (hit.path, hit.page) for hit in found
        ]
        state = next(iter(library.space.catalog))
        state.layers["another"] = state.layers[library.space.page_layer(state)]
        library.space.catalog.save(state)
        assert not library.space.plain()
        names = [str(part) for part in library.searcher.index.scope(QUESTION, items="page", vector=True).parts]  # type: ignore[union-attr]
        assert any("layer" in name for name in names)


def test_a_document_that_could_not_be_read_leaves_no_pages_of_other_configurations(tmp_path: Path) -> None:
    plain = ("search.rank=null", "search.retrievers.dense=null")
    with opened(tmp_path, *plain) as library:
        before = [(hit.path, hit.page, hit.score) for hit in library.search(QUESTION.text, 3)]
        assert before
    other = "loaders.pymupdf={use: pymupdf, tables: false}"
    with opened(tmp_path, *plain, other, "index.limits.bytes=10") as library:
        assert {document.outcome for document in library.documents()} == {"too-large"}
        assert library.searcher.search(QUESTION, 3).hits == ()
    with opened(tmp_path, *plain) as library:  # reads them again
        assert [(hit.path, hit.page, hit.score) for hit in library.search(QUESTION.text, 3)] == before


def test_the_index_shows_documents_and_pages(tmp_path: Path) -> None:
    with opened(tmp_path) as library:
        index = library.searcher.index
        documents = index.documents()
        (doc,) = (doc for doc, document in documents.items() if document.path == "manual.pdf")
        assert {document.pages for document in documents.values()} == {2, 3}
        pages = index.content([Span(doc, 2, 2), Span(doc, 9, 9), Span("unknown", 1, 1)])
        assert [(span, "thermostat" in page.text) for span, page in pages.items()] == [(Span(doc, 2, 2), True)]
        before = index.key
        library.remove(doc)
        assert doc not in index.documents()
        assert index.key != before
