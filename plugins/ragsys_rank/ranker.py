"""The ranker `trees`: collect candidates, describe them, sum the trees. Read it from `TreesRanker.rank` down."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragsys.protocols import Context, Lexical, Searchable
from ragsys.store import AllOf, In, Plan
from ragsys.types import Hit, Page, Query, RankedList, Span, Sparse
from ragsys.wording import counted
from ragsys_rank.asked import asked_of
from ragsys_rank.digest import packed, unpacked
from ragsys_rank.facts import BLANK, Facts, facts_of
from ragsys_rank.features import VERSION, Candidates, Table, candidates, features
from ragsys_rank.names import Names
from ragsys_rank.options import TreesOptions
from ragsys_rank.reporting import Written, written_of
from ragsys_rank.trees import Model

SHIPPED = Path(__file__).parent / "model.json"
_FIELDS = ("doc", "page", "last", "ordinal")
_ROUTE = 2.0  # what one unit of a name's rarity is worth beside one unit of z-score, for the choice of documents


class Described(NamedTuple):
    """The candidates of one query and their features."""

    found: Candidates
    columns: dict[str, Table]
    passages: dict[Span, tuple[int, ...]]  # those that lists found


class TreesRanker:
    """Orders the pages of all lists by boosted trees over `features`."""

    def __init__(self, options: TreesOptions, context: Context, lexical: Lexical) -> None:
        self._options = options
        self._lexical = lexical
        self._lock = threading.Lock()
        self._facts: OrderedDict[Span, Facts] = OrderedDict()
        self._names = Names({}, {}, {}, 0)
        self._key = ""

    @cached_property
    def model(self) -> Model:
        """The model; read at first use."""
        return Model.read(self._options.model or SHIPPED)

    def rank(
        self, query: Query, fused: RankedList, lists: Sequence[RankedList], index: Searchable
    ) -> tuple[RankedList, Sequence[str]]:
        """The candidates by the model's score; `fused` as it is where the model was not made for this."""
        if not fused.hits:
            return fused, ()
        if reason := self._unfit(lists, index):
            return fused, (_note(fused, reason),)
        described = self.describe(query, lists, index)
        if unknown := [name for name in self.model.features if name not in described.columns]:
            return fused, (_note(fused, f"there is no feature {unknown[0]!r}"),)
        table = np.stack([described.columns[name] for name in self.model.features], axis=1)  # (pages, features)
        scores = self.model.trees.score(table)  # (pages,)
        return _ordered(fused, described, scores), ()

    def digest(self, page: Page) -> bytes:
        """The page's facts."""
        return packed(facts_of(page, self._lexical))

    def prepare(self, query: Query, lists: Sequence[RankedList], index: Searchable) -> None:
        """Reads the facts of the pages that are candidates already, and of their documents' first pages."""
        self._fresh(index)
        spans = {hit.span for ranked in lists for hit in ranked.hits}
        opening = {Span(doc, 1, 1) for doc in {span.doc for span in spans}}
        self._known(sorted(spans | opening), index)

    def _unfit(self, lists: Sequence[RankedList], index: Searchable) -> str:
        """Why the model cannot be used; empty if it can."""
        model = self.model
        if model.version != VERSION:
            return f"it was made for features of version {model.version}, these are of version {VERSION}"
        partial = [ranked.name for ranked in lists if ranked.coverage < 1.0]
        if partial:
            return f"{', '.join(partial)} is not complete"
        names = sorted(dict.fromkeys(ranked.name for ranked in lists))
        if names != sorted(model.lists):
            return f"it was made for the lists {', '.join(sorted(model.lists))}, not for {', '.join(names)}"
        if len(lists) > len(names):
            return "it was made for one wording of a question, and rewriters search for several (search.rewriters)"
        for ranked in lists:
            if tuple(sorted(ranked.vectors)) != tuple(sorted(model.lists[ranked.name])):
                return f"it was made for another '{ranked.name}': {', '.join(model.lists[ranked.name])}"
        pages = sum(document.pages for document in index.documents().values())
        if pages < self._options.least_pages:
            return f"the library has {counted(pages, 'page')}, fewer than {self._options.least_pages}"
        return ""

    def describe(self, query: Query, lists: Sequence[RankedList], index: Searchable) -> Described:
        """The candidates of a query and their features: what training collects and serving scores."""
        lists = sorted(lists, key=lambda ranked: ranked.name)
        names = self._fresh(index)
        words = next(
            (name for r in lists for name, v in r.vectors.items() if isinstance(v, Sparse) and _of_pages(r)), ""
        )
        asked = asked_of(query.text, self._lexical, index.statistics(words))
        written = written_of(query.text, self._lexical, index.statistics(words))
        named = names.named(asked.joined, asked.short)
        routes = self._routes(candidates(lists, {}), named)
        deeper, passages = self._deeper(query, lists, routes, index)
        found = candidates(lists, deeper, self._reported(query, words, routes, written, index))
        documents = index.documents()
        opening = {doc: Span(doc, 1, 1) for doc in sorted({span.doc for span in found.spans})}
        facts = self._known([*found.spans, *opening.values()], index)
        columns = features(
            asked,
            written,
            found,
            [facts.get(span, BLANK) for span in found.spans],
            {doc: facts[span] for doc, span in opening.items() if span in facts},
            documents,
            names,
        )
        for ranked in lists:
            for hit in ranked.hits:
                passages[hit.span] = tuple(dict.fromkeys((*passages.get(hit.span, ()), *hit.passages)))
        return Described(found, columns, passages)

    def _fresh(self, index: Searchable) -> Names:
        """The names of the documents as they are now; what was kept of others is forgotten."""
        with self._lock:
            if self._key != index.key:
                self._key = index.key
                self._facts.clear()
                self._names = Names.of(index.documents())
            return self._names

    def _known(self, spans: Sequence[Span], index: Searchable) -> dict[Span, Facts]:
        """{page: its facts}; kept for the next query."""
        with self._lock:
            found = {span: self._facts[span] for span in spans if span in self._facts}
            missing = [span for span in dict.fromkeys(spans) if span not in found]
            for span, digest in index.digests(missing).items() if missing else ():
                if (facts := unpacked(digest)) is not None:
                    found[span] = self._facts[span] = facts
            missing = [span for span in missing if span not in found]
            for span, page in index.content(missing).items() if missing else ():
                found[span] = self._facts[span] = facts_of(page, self._lexical)
            for span in spans:
                if span in self._facts:
                    self._facts.move_to_end(span)
            while len(self._facts) > self._options.held:
                self._facts.popitem(last=False)
            return found

    # -- the documents that a question is about are searched deeper --------------------------------------------------

    def _routes(self, found: Candidates, named: Mapping[str, float]) -> list[str]:
        """The documents whose pages did best, and those that the question names."""
        best: dict[str, float] = {}
        for span, score in zip(found.spans, found.fused.tolist(), strict=True):
            best[span.doc] = max(best.get(span.doc, score), score)
        floor = min(best.values(), default=0.0)
        merit = {doc: best.get(doc, floor) + _ROUTE * named.get(doc, 0.0) for doc in {*best, *named}}
        return sorted(merit, key=lambda doc: (-merit[doc], doc))[: self._options.documents]

    def _deeper(
        self, query: Query, lists: Sequence[RankedList], docs: Sequence[str], index: Searchable
    ) -> tuple[dict[str, dict[Span, float]], dict[Span, tuple[int, ...]]]:
        """({list: {page: score}}, {page: passages}) of the lists' own vectors inside these documents."""
        scores: dict[str, dict[Span, float]] = {}
        passages: dict[Span, tuple[int, ...]] = {}
        if not docs:
            return scores, passages
        low, high = query.filter.pages or (1, sys.maxsize)
        for ranked in lists:
            own = scores.setdefault(ranked.name, {})
            for name, vector in ranked.vectors.items():
                if isinstance(vector, Sparse) and not len(vector.indices):
                    continue
                items = "page" if _of_pages(ranked) else "passage"
                where = AllOf((index.scope(query, items=items, vector=True), In("doc", sorted(docs))))  # type: ignore[arg-type]
                for hit in index.store.search(Plan(name, vector, self._options.deeper, where, payload=_FIELDS)):
                    first: int = hit.payload["page"]
                    for number in range(max(first, low), min(hit.payload.get("last") or first, high) + 1):
                        span = Span(hit.payload["doc"], number, number)
                        own.setdefault(span, hit.score)
                        if "ordinal" in hit.payload:
                            passages[span] = (*passages.get(span, ()), hit.payload["ordinal"])
        return scores, passages

    def _reported(
        self, query: Query, words: str, docs: Sequence[str], written: Written, index: Searchable
    ) -> dict[Span, float]:
        """{page: score} inside these documents by the words that they would write for what is asked."""
        if not (docs and words and len(written.rows.ids)):
            return {}
        text = " . ".join((query.text, *written.phrases))
        vector = self._lexical.encode_query(text, index.statistics(words))
        where = AllOf((index.scope(query, items="page", vector=True), In("doc", sorted(docs))))
        plan = Plan(words, vector, self._options.reported, where, payload=_FIELDS)
        found = ((hit.payload["doc"], hit.payload["page"], hit.score) for hit in index.store.search(plan))
        return {Span(doc, page, page): score for doc, page, score in found}


def _note(fused: RankedList, reason: str) -> str:
    return f"the ranking model was not used, the scores of the searches ({fused.name}) order the pages: {reason}"


def _of_pages(ranked: RankedList) -> bool:
    """Whether a list's points are pages: passages name themselves."""
    return not any(hit.passages for hit in ranked.hits)


def _ordered(fused: RankedList, described: Described, scores: NDArray[np.float64]) -> RankedList:
    """All candidates by score; stage scores and passages are kept. Equal scores keep the fused order."""
    found = described.found
    order = np.lexsort((np.arange(len(scores)), -found.fused, -scores))
    known = {hit.span: hit for hit in fused.hits}
    hits = []
    for rank, at in enumerate(order.tolist(), 1):
        span, score = found.spans[at], float(scores[at])
        hit = known.get(span)
        stages = {**(hit.stage_scores if hit else {}), "rank": score}
        passages = hit.passages if hit else described.passages.get(span, ())
        hits.append(Hit(span, rank, score, stages, passages))
    return replace(fused, hits=tuple(hits))
