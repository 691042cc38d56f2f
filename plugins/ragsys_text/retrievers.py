"""Retrievers: BM25 over pages or passages, and nearest passages by an embedder's vectors."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragsys.protocols import Context, Embedder, Lexical, Searchable
from ragsys.store import Plan
from ragsys.types import Query, RankedList, Span, Sparse, Vector, VectorSpec
from ragsys_text.options import Bm25Options, DenseOptions

if TYPE_CHECKING:
    from PIL.Image import Image

_PER_PAGE = 2  # passages asked for a page at first; the search widens where they lie on too few pages
_WIDEST = 64  # the search is never wider than so many times what was asked for
_FIELDS = ("doc", "page", "last", "ordinal")


def search(
    index: Searchable, spec: VectorSpec, vector: Vector, query: Query, k: int
) -> dict[Span, list[tuple[float, int]]]:
    """{page: its points' (score, ordinal of the passage or -1), best first} of the best k distinct pages.

    A passage credits every page that it touches. The search widens until k pages are found or the points are exhausted.
    """
    where = index.scope(query, items=spec.items, vector=True)
    # a passage that begins inside the filter's pages may end behind them
    low, high = query.filter.pages or (1, sys.maxsize)
    limit = k if spec.items == "page" else k * _PER_PAGE
    while True:
        hits = index.store.search(Plan(spec.name, vector, limit, where, payload=_FIELDS))
        pages: dict[Span, list[tuple[float, int]]] = {}
        for hit in hits:
            first: int = hit.payload["page"]
            for number in range(max(first, low), min(hit.payload.get("last") or first, high) + 1):
                span = Span(hit.payload["doc"], number, number)
                pages.setdefault(span, []).append((hit.score, hit.payload.get("ordinal", -1)))
        if len(pages) >= k or len(hits) < limit or limit >= k * _WIDEST:
            return pages
        limit *= 2


def ranked(
    name: str, found: Mapping[Span, list[tuple[float, int]]], k: int, coverage: float, vectors: Mapping[str, Vector]
) -> RankedList:
    """The pages by their best point, with their passages."""
    return RankedList.of(
        name,
        {span: points[0][0] for span, points in found.items()},
        passages={span: tuple(n for _, n in points if n >= 0) for span, points in found.items()},
        coverage=coverage,
        vectors=vectors,
    ).top(k)


class Bm25Retriever:
    """Words; its vectors are made while a document is parsed."""

    eager = True

    def __init__(self, options: Bm25Options, context: Context, lexical: Lexical) -> None:
        self._level = options.level
        self._lexical = lexical
        name = f"words-{options.level}-{context.fingerprint}"
        self.specs: tuple[VectorSpec, ...] = (VectorSpec(name, "sparse", items=options.level, distance="dot"),)

    def encode_items(self, items: Sequence[str | Image]) -> list[dict[str, Vector]]:
        """The words of each item."""
        name = self.specs[0].name
        return [{name: self._lexical.encode_item(str(item), level=self._level)} for item in items]

    def scores(self, query: Vector, texts: Sequence[Sequence[str]]) -> list[float]:
        """The BM25 score of each text, given in parts, for a query's vector."""
        if not isinstance(query, Sparse):
            raise TypeError("words are scored by a sparse vector")
        return self._lexical.scores(query, texts, level=self._level)

    def retrieve(self, query: Query, k: int, index: Searchable) -> RankedList:
        """The best k pages by BM25; only pages that share a term with the query."""
        spec = self.specs[0]
        vector = self._lexical.encode_query(query.text, index.statistics(spec.name))
        found = search(index, spec, vector, query, k) if len(vector.indices) else {}
        shared = {span: points for span, points in found.items() if points[0][0] > 0}
        return ranked("bm25", shared, k, index.coverage(spec.name, query), {spec.name: vector})


class DenseRetriever:
    """An embedder's vectors; a layer of its own, filled after a document is searchable."""

    eager = False

    def __init__(self, options: DenseOptions, context: Context, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def specs(self) -> tuple[VectorSpec, ...]:
        """The embedder's first vector: an embedder with several has a retriever of its own kind."""
        return self._embedder.specs[:1]

    def warm_up(self) -> None:
        """Open the embedder's model now, if it is one that can be opened ahead."""
        if (warm_up := getattr(self._embedder, "warm_up", None)) is not None:
            warm_up()

    def encode_items(self, items: Sequence[str | Image]) -> list[dict[str, Vector]]:
        """The items' vectors."""
        name = self.specs[0].name
        return [{name: vectors[name]} for vectors in self._embedder.embed_items(items)]

    def retrieve(self, query: Query, k: int, index: Searchable) -> RankedList:
        """The k pages of the nearest items. While the layer is incomplete the list covers what is there."""
        spec = self.specs[0]
        vector: Vector = self._embedder.embed_queries([query])[0][spec.name]
        found = search(index, spec, vector, query, k)
        return ranked("dense", found, k, index.coverage(spec.name, query), {spec.name: vector})
