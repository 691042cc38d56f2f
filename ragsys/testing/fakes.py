"""Fakes that keep their contracts: a store in memory, an embedder of hashed words, a library of a few pages.

They are slow and exact, need no package and no file, and let a plugin's tests run without an engine or a model.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ragsys.errors import StoreError
from ragsys.passages import embedded_text, passage_text
from ragsys.protocols import Digesting, Retriever, Splitter, Statistics
from ragsys.records import headings_of, page_payload, passage_payload, pieces_of, point_id
from ragsys.statistics import TermCounts
from ragsys.store import AllOf, AnyOf, Between, Condition, Has, In, Is, Not, Plan, Point, Record, Schema, Scored
from ragsys.testing.points import holds, similarity
from ragsys.types import (
    JSON,
    BBox,
    Block,
    BlockKind,
    Document,
    FloatArray,
    Outcome,
    Page,
    Query,
    Span,
    Sparse,
    Vector,
    VectorSpec,
)

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST = 1 << 20  # numbers in one multivector


class MemoryStore:
    """A store that keeps points in a dict and scores every one of them by the definition."""

    def __init__(self) -> None:
        self._schema = Schema()
        self._points: dict[str, Point] = {}
        self._closed = False

    def ensure(self, schema: Schema) -> None:
        """See `protocols.Store`."""
        self._open()
        for name, spec in schema.vectors.items():
            known = self._schema.vectors.get(name, spec)
            if known != spec:
                raise StoreError(f"vector '{name}' is stored as {known}, not as {spec}", hint="use another name")
        held = self._schema
        recurring = held.recurring if held != Schema() else schema.recurring
        self._schema = Schema({**held.vectors, **schema.vectors}, {**held.fields, **schema.fields}, recurring)

    def schema(self) -> Schema:
        """What it holds."""
        self._open()
        return self._schema

    def upsert(self, points: Sequence[Point]) -> None:
        """See `protocols.Store`; writes all points or none."""
        self._open()
        if not (self._schema.vectors or self._schema.fields):
            raise StoreError("the store has no schema", hint="call ensure() first")
        for point in points:
            for name, vector in point.vectors.items():
                self._fits(name, vector)
        self._points.update({point.id: replace(point, payload=dict(point.payload)) for point in points})

    def set_vectors(self, name: str, vectors: Mapping[str, Vector]) -> None:
        """See `protocols.Store`."""
        self._open()
        for vector in vectors.values():
            self._fits(name, vector)
        for identity in vectors.keys() & self._points.keys():
            point = self._points[identity]
            self._points[identity] = replace(point, vectors={**point.vectors, name: vectors[identity]})

    def set_payload(self, where: Condition | Sequence[str], payload: JSON) -> None:
        """See `protocols.Store`."""
        self._open()
        chosen = self._points.keys() & set(where) if isinstance(where, Sequence) else self._matching(where)
        for identity in chosen:
            point = self._points[identity]
            self._points[identity] = replace(point, payload={**point.payload, **payload})

    def drop_vector(self, name: str) -> None:
        """See `protocols.Store`."""
        self._open()
        self._schema = replace(self._schema, vectors={n: spec for n, spec in self._schema.vectors.items() if n != name})
        for identity, point in self._points.items():
            self._points[identity] = replace(point, vectors={n: v for n, v in point.vectors.items() if n != name})

    def search(self, plan: Plan) -> list[Scored]:
        """See `protocols.Store`."""
        found = self._scores(plan, self._matching(plan.where))
        order = sorted(found, key=lambda identity: (-found[identity], identity))[: plan.limit]
        return [Scored(i, found[i], self._payload(self._points[i], plan.payload)) for i in order]

    def search_groups(self, plan: Plan, *, by: str, groups: int, size: int = 1) -> list[list[Scored]]:
        """See `protocols.Store`; of a list field, the point counts for its first value."""
        fields = [by, *([] if isinstance(plan.payload, bool) else plan.payload)]
        everything = replace(plan, limit=len(self._points), payload=True if plan.payload is True else fields)
        found: dict[Any, list[Scored]] = {}
        for hit in self.search(everything):
            values = hit.payload.get(by)
            for value in values if isinstance(values, list) else [values]:
                if value is not None and (value in found or len(found) < groups) and len(found.get(value, ())) < size:
                    found.setdefault(value, []).append(hit)
        return list(found.values())

    def score(self, ids: Sequence[str], plan: Plan) -> dict[str, float]:
        """See `protocols.Store`; a carrier that shares no term scores 0."""
        matching = set(self._matching(plan.where))
        chosen = [identity for identity in dict.fromkeys(ids) if identity in matching]
        found = self._scores(plan, chosen)
        carriers = [identity for identity in chosen if plan.using in self._points[identity].vectors]
        return {identity: found.get(identity, 0.0) for identity in carriers}

    def get(
        self, ids: Sequence[str], *, payload: bool | Sequence[str] = True, vectors: Sequence[str] = ()
    ) -> list[Record]:
        """See `protocols.Store`."""
        self._open()
        return [self._record(self._points[i], payload, vectors) for i in ids if i in self._points]

    def scroll(
        self,
        where: Condition | None = None,
        *,
        payload: bool | Sequence[str] = True,
        vectors: Sequence[str] = (),
        batch: int = 256,
    ) -> Iterator[Record]:
        """See `protocols.Store`."""
        for identity in sorted(self._matching(where)):
            yield self._record(self._points[identity], payload, vectors)

    def count(self, where: Condition | None = None) -> int:
        """See `protocols.Store`."""
        return len(self._matching(where))

    def delete_where(self, where: Condition) -> None:
        """See `protocols.Store`."""
        for identity in self._matching(where):
            del self._points[identity]

    def flush(self) -> None:
        """Nothing is durable here."""
        self._open()

    def maintain(self) -> None:
        """There is nothing to do."""
        self._open()

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed", hint="open it again")

    def _matching(self, where: Condition | None) -> list[str]:
        self._open()
        _refuse_booleans(where)
        return [i for i, point in self._points.items() if where is None or holds(where, point)]

    def _scores(self, plan: Plan, ids: Sequence[str]) -> dict[str, float]:
        self._open()
        spec = self._fits(plan.using, plan.vector)
        found = {}
        for identity in ids:
            vector = self._points[identity].vectors.get(plan.using)
            score = None if vector is None else similarity(spec, plan.vector, vector)
            if score is not None:
                found[identity] = float(np.float32(score))  # sums in another order are the same score
        return found

    def _fits(self, name: str, vector: Vector) -> VectorSpec:
        spec = self._schema.vectors.get(name)
        if spec is None:
            raise StoreError(f"no vector named '{name}'", hint=f"vectors: {', '.join(self._schema.vectors) or 'none'}")
        if isinstance(vector, Sparse):
            ordered = bool(np.all(vector.indices[1:] > vector.indices[:-1]))
            fits = spec.kind == "sparse" and ordered and len(vector.indices) == len(vector.values)
            numbers: FloatArray = vector.values
        else:
            shape = (spec.dim,) if spec.kind == "dense" else (*vector.shape[:1], spec.dim)
            fits = spec.kind != "sparse" and vector.shape == shape and 0 < vector.size < _MOST
            numbers = vector
        if not fits or not np.isfinite(numbers).all():
            raise StoreError(f"vector '{name}': what was given does not fit {spec}", hint="check what made it")
        return spec

    @staticmethod
    def _payload(point: Point, keys: bool | Sequence[str]) -> JSON:
        if isinstance(keys, bool):
            return dict(point.payload) if keys else {}
        return {key: point.payload[key] for key in keys if key in point.payload}

    def _record(self, point: Point, payload: bool | Sequence[str], vectors: Sequence[str]) -> Record:
        chosen = {name: point.vectors[name] for name in vectors if name in point.vectors}
        return Record(point.id, self._payload(point, payload), chosen)


def _refuse_booleans(where: Condition | None) -> None:
    match where:
        case Is(field, bool()):
            raise StoreError(f"a condition on '{field}' compares with a boolean", hint="store 0 or 1")
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                _refuse_booleans(part)
        case Not(part):
            _refuse_booleans(part)


class HashEmbedder:
    """An embedder whose vectors are counts of hashed words: texts that share words are near, and it is exact."""

    def __init__(self, dim: int = 64) -> None:
        self.specs: tuple[VectorSpec, ...] = (VectorSpec("hash-0000000000aa", "dense", dim),)
        self.embedded = 0  # items so far

    def embed_items(self, items: Sequence[str | Image]) -> list[dict[str, FloatArray]]:
        """A unit vector a text."""
        self.embedded += len(items)
        return [{self.specs[0].name: self._vector(str(item))} for item in items]

    def embed_queries(self, queries: Sequence[Query]) -> list[dict[str, FloatArray]]:
        """As items."""
        return [{self.specs[0].name: self._vector(query.text)} for query in queries]

    def _vector(self, text: str) -> FloatArray:
        vector = np.full(self.specs[0].dim, 1e-3, np.float32)  # (d,), never all zeros
        for word in text.lower().split():
            vector[zlib.crc32(word.strip(".,;:!?()").encode()) % len(vector)] += 1
        return vector / np.float32(np.linalg.norm(vector))


@dataclass(slots=True)
class FakeIndex:
    """A small library over a `MemoryStore`: pages and passages with the vectors of some retrievers."""

    store: MemoryStore
    pages: dict[tuple[str, int], Page] = field(default_factory=dict)
    items: dict[str, Literal["page", "passage"]] = field(default_factory=dict)  # {vector name: its points}
    digesting: Digesting | None = None  # a ranker whose digests are stored

    @classmethod
    def of(
        cls, documents: Mapping[str, Sequence[Page]], splitter: Splitter, retrievers: Sequence[Retriever]
    ) -> FakeIndex:
        """Documents as {id: pages}, split and with every vector that the retrievers search."""
        index = cls(MemoryStore())
        specs = {spec.name: spec for retriever in retrievers for spec in retriever.specs}
        index.store.ensure(Schema(specs, {"kind": "keyword", "doc": "keyword", "page": "integer"}))
        texts: dict[str, dict[str, str]] = {"page": {}, "passage": {}}  # {kind: {point id: text}}
        for doc, pages in documents.items():
            index.pages |= {(doc, page.number): page for page in pages}
            for page in pages:
                identity = point_id(doc, "pages", page.number)
                index.store.upsert([Point(identity, page_payload(doc, "pages", page))])
                texts["page"][identity] = page.text
            for passage in splitter.split(pages):
                identity = point_id(doc, "passages", passage.ordinal)
                payload = passage_payload(doc, "passages", passage.ordinal, passage.pieces, passage.headings)
                index.store.upsert([Point(identity, payload)])
                texts["passage"][identity] = embedded_text(passage.headings, passage.text)
        for retriever in retrievers:
            for spec in retriever.specs:
                chosen = texts[spec.items]
                made = retriever.encode_items(list(chosen.values()))
                index.store.set_vectors(spec.name, {i: v[spec.name] for i, v in zip(chosen, made, strict=True)})
                index.items[spec.name] = spec.items
        return index

    def scope(self, query: Query, *, items: Literal["page", "passage"], vector: bool = False) -> Condition:
        """Kind, documents and pages of the filter; its other parts are not known here."""
        parts: list[Condition] = [Is("kind", items)]
        if query.filter.doc:
            parts.append(In("doc", query.filter.doc))
        if query.filter.pages:
            low, high = query.filter.pages
            begins = Between("page", high=high)
            ends = Between("last" if items == "passage" else "page", low=low)
            parts += [begins, ends]
        return AllOf(tuple(parts))

    def statistics(self, vector: str) -> Statistics:
        """Counted anew from the points that carry the vector."""
        carried = [record.vectors[vector] for record in self.store.scroll(Has(vector), vectors=[vector])]
        return TermCounts.of([item.indices for item in carried if isinstance(item, Sparse)])

    def coverage(self, vector: str, query: Query) -> float:
        """The share of the items in scope that carry the vector."""
        scope = self.scope(query, items=self.items[vector])
        total = self.store.count(scope)
        return self.store.count(AllOf((scope, Has(vector)))) / total if total else 1.0

    def texts(self, ids: Sequence[str]) -> list[str]:
        """The texts of passages as they are embedded."""
        found = []
        for record in self.store.get(ids):
            doc = record.payload["doc"]
            pages = {number: page for (other, number), page in self.pages.items() if other == doc}
            text = passage_text(pieces_of(record.payload), pages)
            found.append(embedded_text(headings_of(record.payload), text))
        return found

    @property
    def key(self) -> str:
        """The documents' ids and their pages."""
        return repr(sorted(self.pages))

    def documents(self) -> dict[str, Document]:
        """Each by its id, which is its path too."""
        counts: dict[str, int] = {}
        for doc, _ in self.pages:
            counts[doc] = counts.get(doc, 0) + 1
        return {doc: Document(doc, (doc,), "", pages, 0, Outcome.INDEXED) for doc, pages in counts.items()}

    def digests(self, spans: Sequence[Span]) -> dict[Span, bytes]:
        """{span: what `digesting` makes of its first page}."""
        if self.digesting is None:
            return {}
        return {span: self.digesting.digest(page) for span, page in self.content(spans).items()}

    def content(self, spans: Sequence[Span]) -> dict[Span, Page]:
        """{span: its first page}."""
        return {span: self.pages[span.doc, span.first] for span in spans if (span.doc, span.first) in self.pages}


def page_of_texts(number: int, *texts: str | tuple[BlockKind, str] | Block) -> Page:
    """A letter page with a block a text, from top to bottom."""
    blocks = []
    for ordinal, item in enumerate(texts):
        if isinstance(item, Block):
            blocks.append(replace(item, ordinal=ordinal))
            continue
        kind, text = (BlockKind.TEXT, item) if isinstance(item, str) else item
        top = ordinal / max(1, len(texts))
        box = BBox(0.1, top, 0.9, min(1.0, top + 0.8 / len(texts)))
        blocks.append(Block(ordinal, kind, box, text, level=int(kind is BlockKind.TITLE)))
    return Page(number, 612.0, 792.0, tuple(blocks))
