"""The feature table of one query: a row a candidate page, a column a feature. Nothing in it knows a benchmark.

Columns come in groups, so that what each group is worth can be measured. Scores of a list are z-scores by the mean and
deviation of the list as it was served; a page that a list lacks gets the list's lowest z-score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragsys.types import Document, RankedList, Span
from ragsys_rank.asked import Asked
from ragsys_rank.facts import BLANK, MAKE_UP, Facts
from ragsys_rank.names import Names
from ragsys_rank.reporting import Written
from ragsys_rank.words import Texts, behind, match, question_words, report_words

Table = NDArray[np.float32]
Floats = NDArray[np.float64]

#: Raised whenever a feature's meaning changes: a model of another version is not used.
VERSION = 2

_PAGES = 1 << 32  # more than any document has
_FAR = 1e6  # below every sum of z-scores


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is ranked: pages with the scores that each list gives them."""

    spans: tuple[Span, ...]  # sorted
    names: tuple[str, ...]  # of the lists
    scores: Floats  # (lists, pages): z-scores
    held: NDArray[np.bool_]  # (lists, pages): whether the list holds the page
    points: NDArray[np.float64]  # (pages,): passages that were found on the page
    fused: Floats  # (pages,): sum of z-scores
    reported: Floats  # (pages,): by words of the rows that a measure rests on; 0 everywhere: none is asked for


def candidates(
    lists: Sequence[RankedList],
    deeper: Mapping[str, Mapping[Span, float]],
    reported: Mapping[Span, float] | None = None,
) -> Candidates:
    """The union of the lists' pages, and of those found `deeper`: {list: {page: score}} in the same scores."""
    extra = reported or {}
    spans = tuple(
        sorted({h.span for r in lists for h in r.hits} | {s for d in deeper.values() for s in d} | set(extra))
    )
    place = {span: n for n, span in enumerate(spans)}
    scores = np.zeros((len(lists), len(spans)))
    held = np.zeros((len(lists), len(spans)), bool)
    points = np.zeros(len(spans))
    for n, ranked in enumerate(lists):
        raw = np.full(len(spans), np.nan)  # (pages,)
        for span, score in deeper.get(ranked.name, {}).items():
            raw[place[span]] = score
        for hit in ranked.hits:
            at = place[hit.span]
            raw[at] = hit.score
            held[n, at] = True
            points[at] += len(hit.passages)
        own = raw[held[n]]
        if not own.size:
            continue
        z = (raw - own.mean()) / max(float(own.std()), 1e-9)
        scores[n] = np.where(np.isnan(z), min(np.nanmin(z), 0.0), z)
    low = min(extra.values(), default=0.0)
    more = np.array([extra.get(span, low) for span in spans])
    return Candidates(spans, tuple(r.name for r in lists), scores, held, points, scores.sum(axis=0), more)


def features(
    asked: Asked,
    written: Written,
    found: Candidates,
    facts: Sequence[Facts],
    covers: Mapping[str, Facts],
    documents: Mapping[str, Document],
    names: Names,
) -> dict[str, Table]:
    """{feature: its column (pages,)}; the keys and their order are always the same for the same lists."""
    docs = sorted({span.doc for span in found.spans})
    owner = _owners(found, docs)  # (pages,)
    texts = Texts.of(facts)
    shown = _shown(asked, docs, covers)  # (docs, q)
    columns: dict[str, Floats] = {}
    columns |= _lists(found)
    columns |= question_words(asked, match(asked.ids, texts), shown[owner], owner, len(docs))
    columns |= report_words({"rows": written.rows, "statements": written.statements}, texts, owner, len(docs))
    columns |= _reported(found, owner, len(docs))
    columns |= _routing(asked, found, owner, docs, shown, covers, names)
    columns |= _neighbours(found, owner)
    columns |= _layout(facts, found, documents)
    columns |= _question(asked, found, facts)
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}


def _shown(asked: Asked, docs: Sequence[str], covers: Mapping[str, Facts]) -> NDArray[np.bool_]:
    """(docs, q): which of the question's terms stand on each document's first page."""
    held = Texts.of([covers.get(doc, BLANK) for doc in docs])
    found: NDArray[np.bool_] = match(asked.ids, held).counts.sum(axis=2) > 0
    return found[:, : len(asked.ids)]


def _reported(found: Candidates, owner: NDArray[np.int_], docs: int) -> dict[str, Floats]:
    score = found.reported
    return {
        "report.search": score - score.mean() if len(score) else score,
        "report.search.in_doc": behind(score, owner, docs),
    }


def _owners(found: Candidates, docs: Sequence[str]) -> NDArray[np.int_]:
    place = {doc: n for n, doc in enumerate(docs)}
    return np.array([place[span.doc] for span in found.spans], int)


def _ranks(values: Floats) -> Floats:
    """1 for the best; equal values in the order of their rows."""
    ranks = np.empty(len(values))
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


# -- lists --------------------------------------------------------------


def _lists(found: Candidates) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for n, name in enumerate(found.names):
        columns[f"list.{name}.z"] = found.scores[n]
        columns[f"list.{name}.rank"] = 1 / (10 + _ranks(found.scores[n]))
        columns[f"list.{name}.gap"] = found.scores[n] - found.scores[n].max(initial=-_FAR)
    columns["list.fused.z"] = found.fused
    columns["list.fused.rank"] = 1 / (10 + _ranks(found.fused))
    columns["list.fused.gap"] = found.fused - found.fused.max(initial=-_FAR)
    columns["list.held"] = found.held.sum(axis=0).astype(float)
    columns["list.points"] = found.points
    columns["list.least"] = found.scores.min(axis=0)
    columns["list.most"] = found.scores.max(axis=0)
    return columns


# -- documents --------------------------------------------------------------


def _routing(
    asked: Asked,
    found: Candidates,
    owner: NDArray[np.int_],
    docs: Sequence[str],
    shown: NDArray[np.bool_],
    covers: Mapping[str, Facts],
    names: Names,
) -> dict[str, Floats]:
    named_by = names.named(asked.joined, asked.short)
    top = max(named_by.values(), default=0.0)
    named = np.array([named_by.get(doc, 0.0) for doc in docs])  # (docs,)
    idf_total = max(float(asked.idf.sum()), 1e-9)
    cover = shown @ asked.idf / idf_total if len(asked.idf) else np.zeros(len(docs))  # (docs,)
    year_name = np.array([_years(asked.years, names.years.get(doc, frozenset())) for doc in docs])
    year_cover = np.array([_cover_years(asked.years, covers.get(doc)) for doc in docs])
    best = np.full(len(docs), -_FAR)
    np.maximum.at(best, owner, found.fused)
    reciprocal = 1 / (10 + _ranks(found.fused))
    weight = np.bincount(owner, reciprocal, minlength=len(docs))
    top_pages = np.argsort(-found.fused, kind="stable")[:20]
    among = np.bincount(owner[top_pages], minlength=len(docs)) / max(1, len(top_pages))
    lists = {}
    for n, name in enumerate(found.names):
        own = np.full(len(docs), -_FAR)
        np.maximum.at(own, owner, found.scores[n])
        lists[f"doc.{name}.best"] = own[owner]
        lists[f"doc.{name}.gap"] = found.scores[n] - own[owner]
    order = np.lexsort((-found.fused, owner))  # stable: equal scores in the order of their rows
    before = np.searchsorted(owner[order], np.arange(len(docs)))  # (docs,): candidates of documents in front
    in_doc = np.empty(len(order))
    in_doc[order] = np.arange(1, len(order) + 1) - before[owner[order]]
    return {
        "doc.named": named[owner],
        "doc.named.gap": (named - top)[owner],
        "doc.named.asked": np.full(len(owner), top),
        "doc.cover": cover[owner],
        "doc.cover.gap": (cover - cover.max(initial=0.0))[owner],
        "doc.year_name": year_name[owner],
        "doc.year_cover": year_cover[owner],
        "doc.best": best[owner],
        "doc.best.gap": (best - best.max(initial=-_FAR))[owner],
        "doc.gap": found.fused - best[owner],
        "doc.weight": weight[owner],
        "doc.weight.share": (weight / max(float(weight.max(initial=0.0)), 1e-9))[owner],
        "doc.among": among[owner],
        "doc.place": 1 / (3 + in_doc),
        **lists,
    }


def _years(asked: frozenset[int], own: frozenset[int]) -> float:
    """2: the same year; 1: one year apart, as a report is from what it reports; -1: another; 0: not known."""
    if not asked or not own:
        return 0.0
    apart = min(abs(a - b) for a in asked for b in own)
    return 2.0 if apart == 0 else 1.0 if apart == 1 else -1.0


def _cover_years(asked: frozenset[int], cover: Facts | None) -> float:
    if not asked or cover is None or not cover.years:
        return 0.0
    return _years(asked, frozenset(cover.years))


# -- neighbours, layout, question --------------------------------------------------------------


def _neighbours(found: Candidates, owner: NDArray[np.int_]) -> dict[str, Floats]:
    fused = found.fused
    floor = float(fused.min()) if len(fused) else 0.0
    place = owner * _PAGES + np.array([span.first for span in found.spans], int)  # (pages,) ascending, as spans are
    wanted = place[:, None] + np.array((-3, -2, -1, 1, 2, 3))  # (pages, 6)
    at = np.minimum(np.searchsorted(place, wanted), max(len(place) - 1, 0))
    around = np.where(place[at] == wanted, fused[at], floor) if len(place) else np.zeros((0, 6))
    before, after, near = around[:, 2], around[:, 3], around.max(axis=1, initial=floor)
    return {
        "near.before": before,
        "near.after": after,
        "near.best": np.maximum(before, after),
        "near.wide": near,
        "near.lead": fused - np.maximum(before, after),
    }


def _layout(facts: Sequence[Facts], found: Candidates, documents: Mapping[str, Document]) -> dict[str, Floats]:
    make_up = np.array([f.make_up for f in facts], float).reshape(len(facts), len(MAKE_UP))  # (pages, numbers)
    number = np.array([span.first for span in found.spans], float)
    total = np.array([max(1, documents[s.doc].pages) if s.doc in documents else 1 for s in found.spans], float)
    columns = {f"page.{name}": make_up[:, n] for n, name in enumerate(MAKE_UP)}
    columns["page.number"] = np.minimum(number, 50.0)
    columns["page.place"] = number / total
    columns["page.pages"] = np.log1p(total)
    return columns


def _question(asked: Asked, found: Candidates, facts: Sequence[Facts]) -> dict[str, Floats]:
    pages = len(found.spans)

    def flag(value: float) -> Floats:
        return np.full(pages, float(value))

    said = np.zeros(pages)
    if asked.page:
        said = np.array(
            [
                2.0 * (f.label == str(asked.page)) + (span.first == asked.page)
                for span, f in zip(found.spans, facts, strict=True)
            ]
        )
    years = np.zeros(pages)
    if asked.years:
        for n, f in enumerate(facts):
            written = sum(f.years.values())
            years[n] = sum(f.years.get(year, 0) for year in asked.years) / written if written else -1.0
    top = np.sort(found.fused)[::-1]
    return {
        "ask.amount": flag(asked.amount),
        "ask.table": flag(asked.table),
        "ask.figure": flag(asked.figure),
        "ask.opening": flag(asked.opening),
        "ask.terms": flag(len(asked.ids)),
        "ask.rarity": flag(float(asked.idf.mean()) if len(asked.idf) else 0.0),
        "ask.lead": flag(float(top[0] - top[1]) if pages > 1 else 0.0),
        "ask.year_share": years,
        "ask.page": said,
        "ask.dated": flag(bool(asked.years)),
    }
