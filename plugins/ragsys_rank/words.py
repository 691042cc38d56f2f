"""How well a question's words stand on candidate pages: shares, fields, neighbours, stretches, inside a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragsys_rank.asked import Asked
from ragsys_rank.facts import BODY, CAPTION, FIELDS, HEAD, MARGIN, TABLE, TITLE, Facts

Floats = NDArray[np.float64]

_LONGEST = 4096  # stretches of a page
_WINDOWS = (12, 50)  # terms: about a row of a table, about a paragraph


@dataclass(frozen=True, slots=True)
class Texts:
    """Pages' terms, one page behind the other."""

    terms: NDArray[np.uint32]  # (n,)
    fields: NDArray[np.uint8]  # (n,)
    starts: NDArray[np.int_]  # (pages + 1,)

    @classmethod
    def of(cls, facts: Sequence[Facts]) -> Texts:
        """Of the facts of pages."""
        if not facts:
            return cls(np.empty(0, np.uint32), np.empty(0, np.uint8), np.zeros(1, int))
        lengths = [len(f.terms) for f in facts]
        return cls(
            np.concatenate([f.terms for f in facts]),
            np.concatenate([f.fields for f in facts]),
            np.concatenate([[0], np.cumsum(lengths)]),
        )


@dataclass(frozen=True, slots=True)
class Matches:
    """Every place where one of q terms stands on one of the pages."""

    pages: int
    page: NDArray[np.int_]  # (m,)
    term: NDArray[np.int_]  # (m,) index into the terms
    field: NDArray[np.int_]  # (m,)
    at: NDArray[np.int_]  # (m,) position on its page
    counts: Floats  # (pages, max(q, 1), FIELDS)


def match(ids: NDArray[np.uint32], texts: Texts) -> Matches:
    """Where the terms with these ids stand."""
    pages, q = len(texts.starts) - 1, len(ids)
    table = np.zeros(1 << 16, bool)
    table[ids & 0xFFFF] = True
    at = np.flatnonzero(table[texts.terms & 0xFFFF])  # by their low bits, then exactly
    order = np.argsort(ids, kind="stable")
    if q and len(at):
        place = np.minimum(np.searchsorted(ids[order], texts.terms[at]), q - 1)
        exact = ids[order][place] == texts.terms[at]
        at, term = at[exact], order[place[exact]]
    else:
        at, term = at[:0], at[:0]
    page = np.searchsorted(texts.starts, at, side="right") - 1
    field = texts.fields[at].astype(int)
    flat = (page * max(q, 1) + term) * FIELDS + field
    counts = np.bincount(flat, minlength=pages * max(q, 1) * FIELDS).reshape(pages, max(q, 1), FIELDS).astype(float)
    return Matches(pages, page, term, field, at - texts.starts[page], counts)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of terms that are neighbours on a page."""

    page: NDArray[np.int_]  # (m,)
    pair: NDArray[np.int_]  # (m,) index into the wanted pairs
    field: NDArray[np.int_]  # (m,) of the second term
    weights: Floats  # (p,)
    pages: int

    def share(self, fields: Sequence[int] | None = None) -> Floats:
        """(pages,): summed weight of the distinct pairs seen, in these fields or in any, as a share of all."""
        seen = np.zeros((self.pages, max(1, len(self.weights))), bool)
        here = slice(None) if fields is None else np.isin(self.field, fields)
        seen[self.page[here], self.pair[here]] = True
        weights = self.weights if len(self.weights) else np.zeros(1)
        found: Floats = seen @ weights / max(float(weights.sum()), 1e-9)
        return found


def pairs(matched: Matches, wanted: Sequence[tuple[int, int]], weights: Floats) -> Pairs:
    """Where the wanted (first term, second term) stand side by side."""
    q = matched.counts.shape[1]
    place = np.full(q * q, -1)
    for n, (first, second) in enumerate(wanted):
        place[first * q + second] = n
    near = (matched.page[1:] == matched.page[:-1]) & (matched.at[1:] - matched.at[:-1] == 1)
    pair = place[(matched.term[:-1] * q + matched.term[1:])[near]]
    held = pair >= 0
    return Pairs(matched.page[1:][near][held], pair[held], matched.field[1:][near][held], weights, matched.pages)


def question_words(
    asked: Asked, matched: Matches, known: NDArray[np.bool_], owner: NDArray[np.int_], docs: int
) -> dict[str, Floats]:
    """`known` (pages, q): terms on the first page of the page's document, which tell its pages apart from nothing."""
    idf = asked.idf if len(asked.idf) else np.zeros(1)  # (q,)
    total = max(float(idf.sum()), 1e-9)
    counts = matched.counts  # (pages, q, FIELDS)
    any_field = counts.sum(axis=2)  # (pages, q)
    present = any_field > 0
    known = known if len(asked.ids) else np.zeros((matched.pages, 1), bool)
    rest = np.where(known, 0.0, idf)  # (pages, q)
    rest_total = np.maximum(rest.sum(axis=1), 1e-9)
    in_table = (counts[:, :, TABLE] + counts[:, :, HEAD]) > 0
    columns = {
        "words.share": present @ idf / total,
        "words.saturated": (any_field / (any_field + 2.0)) @ idf / total,
        "words.title": (counts[:, :, TITLE] > 0) @ idf / total,
        "words.head": (counts[:, :, HEAD] > 0) @ idf / total,
        "words.table": in_table @ idf / total,
        "words.caption": (counts[:, :, CAPTION] > 0) @ idf / total,
        "words.body": (counts[:, :, BODY] > 0) @ idf / total,
        "words.margin": (counts[:, :, MARGIN] > 0) @ idf / total,
        "words.rest": (present * rest).sum(axis=1) / rest_total,
        "words.rest_title": ((counts[:, :, TITLE] > 0) * rest).sum(axis=1) / rest_total,
        "words.rest_table": (in_table * rest).sum(axis=1) / rest_total,
        "words.rest_weight": rest_total / total,
        "words.rarest": present[:, int(np.argmax(idf))].astype(float),
        "words.missing": ((~present) * idf).max(axis=1),
    }
    columns |= _beside(asked, matched, idf)
    for width in _WINDOWS:
        columns[f"words.window{width}"] = window(matched, idf, width) / total
    columns["words.row_rest"] = window(matched, rest, _WINDOWS[0]) / rest_total
    for name in ("share", "rest", f"window{_WINDOWS[0]}", f"window{_WINDOWS[1]}", "pairs", "saturated"):
        columns[f"words.{name}.gap"] = columns[f"words.{name}"] - columns[f"words.{name}"].max(initial=0.0)
    for name in ("rest", "pairs", f"window{_WINDOWS[1]}"):
        columns[f"words.{name}.in_doc"] = behind(columns[f"words.{name}"], owner, docs)
    return columns | _holds(present, idf, owner, docs)


def _beside(asked: Asked, matched: Matches, idf: Floats) -> dict[str, Floats]:
    """Pairs of the question's neighbours that are neighbours on the page, weighed by both terms' rarity."""
    wanted = sorted(asked.follows)
    found = pairs(matched, wanted, np.array([idf[a] + idf[b] for a, b in wanted]))
    named = pairs(matched, asked.numbered, np.ones(len(asked.numbered)))
    numbered = np.zeros(matched.pages)
    numbered[named.page] = 1.0
    numbered[named.page[np.isin(named.field, (TITLE, CAPTION))]] = 2.0
    return {
        "words.pairs": found.share(),
        "words.pairs_titled": found.share((TITLE, HEAD, CAPTION, TABLE)),
        "words.numbered": numbered,
    }


def _holds(present: NDArray[np.bool_], idf: Floats, owner: NDArray[np.int_], docs: int) -> dict[str, Floats]:
    """The share of the question that the candidates of the page's document hold together."""
    held = np.zeros((docs, present.shape[1]), bool)  # (docs, q)
    np.logical_or.at(held, owner, present)
    holds = (held @ idf / max(float(idf.sum()), 1e-9))[owner]
    return {"doc.holds": holds, "doc.holds.gap": holds - holds.max(initial=0.0)}


def behind(values: Floats, owner: NDArray[np.int_], docs: int) -> Floats:
    """How far a page is behind the best page of its document: at most 0."""
    best = np.full(docs, -np.inf)
    np.maximum.at(best, owner, values)
    gaps: Floats = values - best[owner]
    return gaps


def window(matched: Matches, weights: Floats, width: int) -> Floats:
    """(pages,): the largest summed weight of distinct terms in a stretch of `width` terms; stretches half overlap."""
    best = np.zeros(matched.pages)
    if not len(matched.at):
        return best
    for shift in (0, width // 2):
        keys = matched.page * _LONGEST + np.minimum((matched.at + shift) // width, _LONGEST - 1)  # (m,) ascending
        first = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=first[1:])
        starts = np.flatnonzero(first)  # (s,): a stretch each
        stretch = np.cumsum(first) - 1  # (m,)
        held = np.zeros((len(starts), matched.counts.shape[1]), bool)  # (s, q): each term counts once
        held[stretch, matched.term] = True
        page = matched.page[starts]
        sums = held @ weights if weights.ndim == 1 else (held * weights[page]).sum(axis=1)
        np.maximum.at(best, page, sums)
    return best


def report_words(rows: Mapping[str, Asked], texts: Texts, owner: NDArray[np.int_], docs: int) -> dict[str, Floats]:
    """How well pages hold the rows and the statements that an accounting measure rests on; 0 where none is asked."""
    pages = len(texts.starts) - 1
    columns: dict[str, Floats] = {}
    for name, asked in rows.items():
        share = found = titled = tabled = np.zeros(pages)
        if len(asked.ids) and pages:
            matched = match(asked.ids, texts)
            wanted = sorted(asked.follows)
            seen = pairs(matched, wanted, np.array([asked.idf[a] + asked.idf[b] for a, b in wanted]))
            found, titled, tabled = seen.share(), seen.share((TITLE, HEAD, MARGIN, CAPTION)), seen.share((TABLE, HEAD))
            in_table = (matched.counts[:, :, TABLE] + matched.counts[:, :, HEAD]) > 0
            share = in_table @ asked.idf / max(float(asked.idf.sum()), 1e-9)
        columns[f"report.{name}.pairs"] = found
        columns[f"report.{name}.titled"] = titled
        columns[f"report.{name}.table"] = tabled
        columns[f"report.{name}.share"] = share
        for part in ("pairs", "titled", "table"):
            columns[f"report.{name}.{part}.in_doc"] = behind(columns[f"report.{name}.{part}"], owner, docs)
    columns["report.both"] = columns["report.rows.table"] * columns["report.statements.titled"]
    columns["report.both.in_doc"] = behind(columns["report.both"], owner, docs)
    return columns
