"""Ranked pages, documents, passages and boxes against gold: recall, precision, hits, nDCG, MRR, MAP.

The formulas are trec_eval's (recall_k, P_k, success_k, ndcg_cut_k, recip_rank, map_cut_k), written anew; G: the set of
gold items, r a rank from 1, k the cut (the whole list without one). All are in 0..1.

    recall      found gold items / |G|                      precision   items that hold gold / k
    hits        1 if any item holds gold                    mrr         1 / first rank that holds gold, else 0
    map         sum over found g of P(rank of g) / |G|      ndcg        DCG / DCG of the ideal order of all of G,
                                                                        DCG = sum of grade / log2(r + 1)

A page or document is one gold item. A passage or box may hold several: it finds them all, and then the precision at its
rank in MAP and the whole nDCG are capped at 1. Repeated items of a list are left out. None without gold of that level,
and where a level was not recorded in the outcome (`passages`, `boxes`). All look at the pages that a run holds (20, or
the largest K): they may be of fewer than K documents, and documents further down are not seen.

page       gold_pages with their grades · document  doc_ids, else the documents of gold_pages, in the order of their
best pages · passage  gold_passages: the gold text is in the passage, or the passage, at least half as long, in the
gold text; case and all but letters and digits aside · layout  gold_boxes that have an area:
IoU of at least `iou` on the same page
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context
from ragsys_suites.metrics.geometry import alike, gold_boxes, ranked_boxes
from ragsys_suites.metrics.options import LayoutOptions, RankOptions
from ragsys_suites.metrics.text import letters


@dataclass(frozen=True, slots=True)
class Matches:
    """A ranking as what each item holds of the gold."""

    found: tuple[frozenset[int], ...]  # by rank: numbers of the gold items that it holds
    grades: tuple[float, ...]  # of the gold items, all positive

    def cut(self, k: int | None) -> tuple[frozenset[int], ...]:
        """The first k."""
        return self.found if k is None else self.found[:k]


def page_matches(question: Question, outcome: Outcome) -> Matches | None:
    """Ranked pages against gold pages; grades of 0 are no gold."""
    grades: dict[Hashable, float] = {}
    for gold in question.get("gold_pages") or ():
        grade = gold.get("grade", 1.0)
        if grade > 0:
            grades[gold["doc"], gold["page"]] = grade
    return _unique(((page["doc"], page["page"]) for page in outcome["pages"]), grades)


def document_matches(question: Question, outcome: Outcome) -> Matches | None:
    """Documents in the order of their best pages against gold documents."""
    docs = question.get("doc_ids") or [gold["doc"] for gold in question.get("gold_pages") or ()]
    return _unique((page["doc"] for page in outcome["pages"]), dict.fromkeys(docs, 1.0))


def passage_matches(question: Question, outcome: Outcome) -> Matches | None:
    """Passages in the order of their pages against gold texts."""
    gold = [letters(one["text"]) for one in question.get("gold_passages") or ()]
    gold = [text for text in dict.fromkeys(gold) if text]
    passages = ranked_passages(outcome)
    if not gold or passages is None:
        return None
    return Matches(tuple(_holding(letters(text), gold) for text in dict.fromkeys(passages)), (1.0,) * len(gold))


def layout_matches(question: Question, outcome: Outcome, least: float = 0.5) -> Matches | None:
    """Boxes in the order of their pages against gold boxes."""
    gold = gold_boxes(question)
    boxes = ranked_boxes(outcome)
    if not gold or boxes is None:
        return None
    found = (
        frozenset(n for n, (page, box) in enumerate(gold) if page == place and alike(box, found, least))
        for place, found in boxes
    )
    return Matches(tuple(found), (1.0,) * len(gold))


def ranked_passages(outcome: Outcome) -> list[str] | None:
    """The texts of the passages, those of the best page first; None where they were not recorded."""
    if outcome["pages"] and not any("passages" in page for page in outcome["pages"]):
        return None
    return [text for page in outcome["pages"] for text in page.get("passages", ())]


def _unique(ranked: Iterable[Hashable], grades: dict[Hashable, float]) -> Matches | None:
    if not grades:
        return None
    numbers = {item: number for number, item in enumerate(grades)}
    found = (frozenset({numbers[item]}) if item in numbers else frozenset() for item in dict.fromkeys(ranked))
    return Matches(tuple(found), tuple(grades.values()))


def _holding(passage: str, gold: Sequence[str]) -> frozenset[int]:
    return frozenset(
        n for n, text in enumerate(gold) if text in passage or (passage in text and 2 * len(passage) >= len(text))
    )


def recall(matches: Matches, k: int | None) -> float:
    """Found gold items / |G|."""
    return len(frozenset().union(*matches.cut(k))) / len(matches.grades)


def precision(matches: Matches, k: int | None) -> float:
    """Items that hold gold / k, also where fewer than k were found; without a cut / all that were found."""
    found = matches.cut(k)
    size = len(found) if k is None else k
    return sum(map(bool, found)) / size if size else 0.0


def hits(matches: Matches, k: int | None) -> float:
    """1 if any item holds gold."""
    return float(any(matches.cut(k)))


def mrr(matches: Matches, k: int | None) -> float:
    """1 / first rank that holds gold, else 0."""
    return next((1.0 / rank for rank, found in enumerate(matches.cut(k), 1) if found), 0.0)


def average_precision(matches: Matches, k: int | None) -> float:
    """Mean over G of the precision at the rank where each was found, 0 for what was not."""
    seen: set[int] = set()
    total = 0.0
    for rank, found in enumerate(matches.cut(k), 1):
        new = len(found - seen)
        seen |= found
        total += new * min(1.0, len(seen) / rank)
    return total / len(matches.grades)


def ndcg(matches: Matches, k: int | None) -> float:
    """DCG / DCG of the ideal order of all gold items; linear gains."""
    seen: set[int] = set()
    gains = []
    for found in matches.cut(k):
        gains.append(sum(matches.grades[number] for number in found - seen))
        seen |= found
    ideal = sorted(matches.grades, reverse=True)
    return min(1.0, dcg(gains) / dcg(ideal if k is None else ideal[:k]))


def dcg(gains: Sequence[float]) -> float:
    """Sum of gain / log2(rank + 1)."""
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


class Ranked:
    """One of the measures at one of the levels."""

    def __init__(
        self,
        level: str,
        measure: str,
        options: RankOptions,
        context: Context,
    ) -> None:
        named = f"{level}_{measure}" + (f"@{options.k}" if options.k else "")
        cut = f" in the first {options.k}" if options.k else ""
        self.info = MetricInfo(named, f"{_SUMMARY[measure]} of {_PLURAL[level]}{cut}")
        self._measure = _MEASURES[measure]
        self._matches = _LEVELS[level]
        if isinstance(options, LayoutOptions):
            self._matches = functools.partial(layout_matches, least=options.iou)
        self._k = options.k

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        matches = self._matches(question, outcome)
        return None if matches is None else self._measure(matches, self._k)


_LEVELS: dict[str, Callable[[Question, Outcome], Matches | None]] = {
    "page": page_matches,
    "document": document_matches,
    "passage": passage_matches,
    "layout": layout_matches,
}
_PLURAL = {"page": "pages", "document": "documents", "passage": "passages", "layout": "boxes"}
_MEASURES: dict[str, Callable[[Matches, int | None], float]] = {
    "recall": recall,
    "precision": precision,
    "hits": hits,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
}
_SUMMARY = {
    "recall": "share of the gold found,",
    "precision": "share that holds gold",
    "hits": "whether any gold was found,",
    "ndcg": "nDCG (linear gains)",
    "mrr": "reciprocal rank of the first gold one",
    "map": "average precision",
}

page_recall = functools.partial(Ranked, "page", "recall")
page_precision = functools.partial(Ranked, "page", "precision")
page_hits = functools.partial(Ranked, "page", "hits")
page_ndcg = functools.partial(Ranked, "page", "ndcg")
page_mrr = functools.partial(Ranked, "page", "mrr")
page_map = functools.partial(Ranked, "page", "map")
document_recall = functools.partial(Ranked, "document", "recall")
document_precision = functools.partial(Ranked, "document", "precision")
document_hits = functools.partial(Ranked, "document", "hits")
document_ndcg = functools.partial(Ranked, "document", "ndcg")
document_mrr = functools.partial(Ranked, "document", "mrr")
document_map = functools.partial(Ranked, "document", "map")
passage_recall = functools.partial(Ranked, "passage", "recall")
passage_precision = functools.partial(Ranked, "passage", "precision")
passage_hits = functools.partial(Ranked, "passage", "hits")
passage_ndcg = functools.partial(Ranked, "passage", "ndcg")
passage_mrr = functools.partial(Ranked, "passage", "mrr")
passage_map = functools.partial(Ranked, "passage", "map")
layout_recall = functools.partial(Ranked, "layout", "recall")
layout_precision = functools.partial(Ranked, "layout", "precision")
layout_hits = functools.partial(Ranked, "layout", "hits")
layout_ndcg = functools.partial(Ranked, "layout", "ndcg")
layout_mrr = functools.partial(Ranked, "layout", "mrr")
layout_map = functools.partial(Ranked, "layout", "map")
