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
from ragsys_rank.facts import BLANK, BODY, CAPTION, FIELDS, HEAD, MAKE_UP, MARGIN, TABLE, TITLE, Facts
from ragsys_rank.names import Names

Table = NDArray[np.float32]
Floats = NDArray[np.float64]

#: Raised whenever a feature's meaning changes: a model of another version is not used.
VERSION = 1

_FAR = 1e6  # below every sum of z-scores
_WINDOWS = (12, 50)  # terms: about a row of a table, about a paragraph


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is ranked: pages with the scores that each list gives them."""

    spans: tuple[Span, ...]  # sorted
    names: tuple[str, ...]  # of the lists
    scores: Floats  # (lists, pages): z-scores
    held: NDArray[np.bool_]  # (lists, pages): whether the list holds the page
    points: NDArray[np.float64]  # (pages,): passages that were found on the page
    fused: Floats  # (pages,): sum of z-scores


def candidates(lists: Sequence[RankedList], deeper: Mapping[str, Mapping[Span, float]]) -> Candidates:
    """The union of the lists' pages, and of those found `deeper`: {list: {page: score}} in the same scores."""
    spans = tuple(sorted({h.span for ranked in lists for h in ranked.hits} | {s for d in deeper.values() for s in d}))
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
    return Candidates(spans, tuple(r.name for r in lists), scores, held, points, scores.sum(axis=0))


def features(
    asked: Asked,
    found: Candidates,
    facts: Sequence[Facts],
    covers: Mapping[str, Facts],
    documents: Mapping[str, Document],
    names: Names,
) -> dict[str, Table]:
    """{feature: its column (pages,)}; the keys and their order are always the same for the same lists."""
    docs = sorted({span.doc for span in found.spans})
    owner = _owners(found, docs)  # (pages,)
    columns: dict[str, Floats] = {}
    columns |= _lists(found)
    shown = _shown(asked, docs, covers)  # (docs, q)
    columns |= _words(asked, facts, shown[owner])
    columns |= _documents_of_words(columns, owner, len(docs))
    columns |= _routing(asked, found, owner, docs, shown, covers, names)
    columns |= _neighbours(found)
    columns |= _layout(facts, found, documents)
    columns |= _question(asked, found, facts)
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}


def _shown(asked: Asked, docs: Sequence[str], covers: Mapping[str, Facts]) -> NDArray[np.bool_]:
    """(docs, q): which of the question's terms stand on each document's first page."""
    held = [covers.get(doc, BLANK) for doc in docs]
    found: NDArray[np.bool_] = _match(asked, held).counts.sum(axis=2) > 0
    return found[:, : len(asked.ids)]


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


# -- words --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Matches:
    """Every place where a term of the question stands on a candidate page."""

    page: NDArray[np.int_]  # (m,)
    term: NDArray[np.int_]  # (m,) index into the question's terms
    field: NDArray[np.int_]  # (m,)
    at: NDArray[np.int_]  # (m,) position on its page
    counts: Floats  # (pages, terms, FIELDS)


def _match(asked: Asked, facts: Sequence[Facts]) -> _Matches:
    pages, q = len(facts), len(asked.ids)
    lengths = np.array([len(f.terms) for f in facts], int)  # (pages,)
    terms = np.concatenate([f.terms for f in facts]) if pages else np.empty(0, np.uint32)  # (n,)
    table = np.zeros(1 << 16, bool)
    table[asked.ids & 0xFFFF] = True
    at = np.flatnonzero(table[terms & 0xFFFF])  # by their low bits, then exactly
    order = np.argsort(asked.ids, kind="stable")
    if q and len(at):
        place = np.minimum(np.searchsorted(asked.ids[order], terms[at]), q - 1)
        exact = asked.ids[order][place] == terms[at]
        at, term = at[exact], order[place[exact]]
    else:
        at, term = at[:0], at[:0]
    starts = np.concatenate([[0], np.cumsum(lengths)])  # (pages + 1,)
    page = np.searchsorted(starts, at, side="right") - 1
    field = np.concatenate([f.fields for f in facts])[at].astype(int) if pages else at
    flat = (page * max(q, 1) + term) * FIELDS + field
    counts = np.bincount(flat, minlength=pages * max(q, 1) * FIELDS).reshape(pages, max(q, 1), FIELDS).astype(float)
    return _Matches(page, term, field, at - starts[page], counts)


def _words(asked: Asked, facts: Sequence[Facts], known: NDArray[np.bool_]) -> dict[str, Floats]:
    """`known` (pages, q): terms on the first page of the page's document, which tell its pages apart from nothing."""
    idf = asked.idf if len(asked.idf) else np.zeros(1)  # (q,)
    total = max(float(idf.sum()), 1e-9)
    matched = _match(asked, facts)
    counts = matched.counts  # (pages, q, FIELDS)
    any_field = counts.sum(axis=2)  # (pages, q)
    present = any_field > 0
    known = known if len(asked.ids) else np.zeros((len(facts), 1), bool)
    rest = np.where(known, 0.0, idf)  # (pages, q)
    rest_total = np.maximum(rest.sum(axis=1), 1e-9)
    columns = {
        "words.share": present @ idf / total,
        "words.saturated": (any_field / (any_field + 2.0)) @ idf / total,
        "words.title": (counts[:, :, TITLE] > 0) @ idf / total,
        "words.head": (counts[:, :, HEAD] > 0) @ idf / total,
        "words.table": ((counts[:, :, TABLE] + counts[:, :, HEAD]) > 0) @ idf / total,
        "words.caption": (counts[:, :, CAPTION] > 0) @ idf / total,
        "words.body": (counts[:, :, BODY] > 0) @ idf / total,
        "words.margin": (counts[:, :, MARGIN] > 0) @ idf / total,
        "words.rest": (present * rest).sum(axis=1) / rest_total,
        "words.rest_title": ((counts[:, :, TITLE] > 0) * rest).sum(axis=1) / rest_total,
        "words.rest_table": (((counts[:, :, TABLE] + counts[:, :, HEAD]) > 0) * rest).sum(axis=1) / rest_total,
        "words.rest_weight": rest_total / total,
        "words.rarest": present[:, int(np.argmax(idf))].astype(float),
        "words.missing": ((~present) * idf).max(axis=1),
    }
    columns |= _pairs(asked, matched, idf, len(facts))
    for width in _WINDOWS:
        columns[f"words.window{width}"] = _window(matched, idf, len(facts), width) / total
    columns["words.row_rest"] = _window(matched, rest, len(facts), _WINDOWS[0]) / rest_total
    for name in ("share", "rest", f"window{_WINDOWS[0]}", f"window{_WINDOWS[1]}", "pairs", "saturated"):
        columns[f"words.{name}.gap"] = columns[f"words.{name}"] - columns[f"words.{name}"].max(initial=0.0)
    return columns


def _documents_of_words(columns: Mapping[str, Floats], owner: NDArray[np.int_], docs: int) -> dict[str, Floats]:
    """How far a page is behind the best page of its document."""
    found = {}
    for name in ("rest", "pairs", f"window{_WINDOWS[1]}"):
        best = np.zeros(docs)
        np.maximum.at(best, owner, columns[f"words.{name}"])
        found[f"words.{name}.in_doc"] = columns[f"words.{name}"] - best[owner]
    return found


def _pairs(asked: Asked, matched: _Matches, idf: Floats, pages: int) -> dict[str, Floats]:
    """Pairs of the question's neighbours that are neighbours on the page, weighed by both terms' rarity."""
    wanted = sorted(asked.follows)
    weights = np.array([idf[a] + idf[b] for a, b in wanted])  # (p,)
    total = max(float(weights.sum()), 1e-9)
    seen = np.zeros((pages, max(1, len(wanted))), bool)
    titled = np.zeros_like(seen)
    numbered = np.zeros(pages)
    if len(matched.at) > 1:
        near = (matched.page[1:] == matched.page[:-1]) & (matched.at[1:] - matched.at[:-1] == 1)
        a, b, page = matched.term[:-1][near], matched.term[1:][near], matched.page[1:][near]
        field = matched.field[1:][near]
        for n, (first, second) in enumerate(wanted):
            here = (a == first) & (b == second)
            seen[page[here], n] = True
            titled[page[here & np.isin(field, (TITLE, HEAD, CAPTION, TABLE))], n] = True
        for first, second in asked.numbered:
            here = (a == first) & (b == second)
            numbered[page[here]] = np.maximum(numbered[page[here]], 1.0)
            marked = here & np.isin(field, (TITLE, CAPTION))
            numbered[page[marked]] = 2.0
    weighed = weights if len(weights) else np.zeros(1)
    return {
        "words.pairs": seen @ weighed / total,
        "words.pairs_titled": titled @ weighed / total,
        "words.numbered": numbered,
    }


def _window(matched: _Matches, weights: Floats, pages: int, width: int) -> Floats:
    """(pages,): the largest summed weight of distinct terms in a stretch of `width` terms; stretches half overlap."""
    best = np.zeros(pages)
    q = max(matched.counts.shape[1], 1)
    for shift in (0, width // 2):
        # a key a page, stretch and term; each counts once
        keys = np.unique((matched.page * 4096 + np.minimum((matched.at + shift) // width, 4095)) * q + matched.term)
        page, term = keys // q // 4096, keys % q
        weight = weights[term] if weights.ndim == 1 else weights[page, term]
        stretch, inverse = np.unique(keys // q, return_inverse=True)
        np.maximum.at(best, stretch // 4096, np.bincount(inverse, weight, minlength=len(stretch)))
    return best


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
    named_by = names.named(asked.joined)
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
    in_doc = np.zeros(len(found.spans))
    for n in range(len(docs)):
        rows = np.flatnonzero(owner == n)
        in_doc[rows] = _ranks(found.fused[rows])
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


def _neighbours(found: Candidates) -> dict[str, Floats]:
    fused = found.fused.tolist()
    floor = min(fused, default=0.0)
    known = {(span.doc, span.first): score for span, score in zip(found.spans, fused, strict=True)}
    offsets = (-3, -2, -1, 1, 2, 3)
    around = np.array([[known.get((doc, first + n), floor) for n in offsets] for doc, first, _ in found.spans])
    around = around.reshape(len(fused), len(offsets))  # (pages, 6)
    before, after, near = around[:, 2], around[:, 3], around.max(axis=1, initial=floor)
    return {
        "near.before": before,
        "near.after": after,
        "near.best": np.maximum(before, after),
        "near.wide": near,
        "near.lead": found.fused - np.maximum(before, after),
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
