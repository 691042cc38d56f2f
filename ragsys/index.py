"""What retrievers, fusions and rankers see of an open library: its scope, its statistics, its pages and their facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ragsys.catalog import document_of
from ragsys.records import digest_of, point_id
from ragsys.statistics import TermCounts
from ragsys.store import AllOf, Between, Condition, In, Is, Not
from ragsys.types import Document, Page, Query, Span

if TYPE_CHECKING:
    from ragsys.protocols import Store
    from ragsys.space import Space

_ENUMERATED = 0.5  # a filter that lets more of the documents through is written as the ones it keeps out


class Index:
    """What retrievers see of a library: `protocols.Searchable`."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._known: tuple[str, dict[str, Any]] = ("", {})  # what follows from the documents as they are now

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, worked out anew only when a document changed."""
        key = self._space.catalog.key
        if self._known[0] != key:
            self._known = (key, {})
        known = self._known[1]
        if name not in known:
            known[name] = make()
        return known[name]

    @property
    def store(self) -> Store:
        """The library's store."""
        return self._space.store

    def scope(self, query: Query, *, items: Literal["page", "passage"], vector: bool = False) -> Condition:
        """The layers of these items, whole documents only, and the query's filter."""
        layers = self._space.layers
        names = layers.page_layers if items == "page" else layers.passage_layers
        parts: list[Condition] = []
        # a condition costs the engine half a millisecond
        if not (vector and self._once("plain", self._space.plain)):
            parts.append(In("layer", names))
        hidden, beside = self._once("concealed", self._space.concealed)
        if hidden:
            parts.append(Not(In("doc", hidden)))
        parts += [Not(AllOf((Is("layer", layer), In("doc", docs)))) for layer, docs in beside.items()]
        where = query.filter
        if where.path or where.doc or where.after or where.before or where.metadata:
            chosen = {state.doc for state in self._space.catalog.selected(where)}
            every = {state.doc for state in self._space.catalog}
            if len(chosen) > _ENUMERATED * len(every):
                parts.append(Not(In("doc", sorted(every - chosen))))
            else:
                parts.append(In("doc", sorted(chosen)))
        if where.pages:
            first, last = where.pages
            # a passage is in the range if any page that it touches is
            parts += [Between("page", high=last), Between("last" if items == "passage" else "page", low=first)]
        return AllOf(tuple(parts))

    def statistics(self, vector: str) -> TermCounts:
        """Term counts over the whole library: a filter does not change how rare a word is."""
        return self._space.statistics(vector)

    def coverage(self, vector: str, query: Query) -> float:
        """The share of the items in scope that carry the vector."""
        share: float = self._once(f"{vector} {query.filter!r}", lambda: self._coverage(vector, query))
        return share

    def _coverage(self, vector: str, query: Query) -> float:
        spec = self._space.layers.vectors[vector]
        done = total = 0
        for state in self._space.catalog.selected(query.filter):
            if state.excluded:
                continue
            items = self._space.items(state, spec.items)
            total += items
            done += min(items, self._space.made(state, spec))
        return done / total if total else 1.0

    def texts(self, ids: Sequence[str]) -> list[str]:
        """The texts of passages by point id, as they are embedded; empty for one that does not fit its pages."""
        return [text or "" for text in self._space.texts(self.store.get(ids))]

    @property
    def key(self) -> str:
        """Changes with every change of what a search may return."""
        return self._space.catalog.key

    def documents(self) -> Mapping[str, Document]:
        """{id: document} of all that a search may return."""
        found: dict[str, Document] = self._once(
            "documents",
            lambda: {s.doc: document_of(s, {}) for s in self._space.catalog if not s.excluded},
        )
        return found

    def digests(self, spans: Sequence[Span]) -> dict[Span, bytes]:
        """{span: what the ranker made of its first page}, without those that the store holds none of."""
        key = self._space.layers.digests
        if not key:
            return {}
        ids = {point_id(*where): span for span, where in self._keys(spans).items()}
        records = self.store.get(list(ids), payload=["digest"])
        found = ((ids[record.id], digest_of(record.payload, key)) for record in records)
        return {span: digest for span, digest in found if digest is not None}

    def _keys(self, spans: Sequence[Span]) -> dict[Span, tuple[str, str, int]]:
        """{span: document, page layer and number of its first page} of known documents."""
        states = self._space.catalog
        layers = {doc: self._space.page_layer(state) for doc in {s.doc for s in spans} if (state := states.get(doc))}
        return {span: (span.doc, layers[span.doc], span.first) for span in spans if span.doc in layers}

    def content(self, spans: Sequence[Span]) -> dict[Span, Page]:
        """{span: its first page} of those that the store holds."""
        keys = self._keys(spans)
        pages = self._space.pages(keys.values())
        return {span: pages[key] for span, key in keys.items() if key in pages}
