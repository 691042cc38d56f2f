"""Fusions of ranked lists: reciprocal ranks, and sums of z-scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragsys import ranking
from ragsys.protocols import Context
from ragsys.types import RankedList, Span, Vector
from ragsys_text.options import RrfOptions, ZsumOptions


def merged(name: str, lists: Sequence[RankedList], scores: Mapping[Span, float]) -> RankedList:
    """One list by these scores; stage scores, passages and query vectors of all lists are kept."""
    stages: dict[Span, dict[str, float]] = {}
    passages: dict[Span, tuple[int, ...]] = {}
    vectors: dict[str, Vector] = {}
    for ranked in lists:
        vectors |= ranked.vectors
        for hit in ranked.hits:
            stages.setdefault(hit.span, {}).update(hit.stage_scores)
            passages[hit.span] = tuple(dict.fromkeys((*passages.get(hit.span, ()), *hit.passages)))
    coverage = min((ranked.coverage for ranked in lists), default=1.0)
    return RankedList.of(name, scores, passages=passages, stages=stages, coverage=coverage, vectors=vectors)


class Rrf:
    """sum of weight / (k + rank); see `ranking.rrf`."""

    def __init__(self, options: RrfOptions, context: Context) -> None:
        self._options = options

    def fuse(self, lists: Sequence[RankedList]) -> RankedList:
        """One list of all."""
        weights = [self._options.weights.get(ranked.name, 1.0) for ranked in lists]
        scores = ranking.rrf([ranked.scores() for ranked in lists], k=self._options.k, weights=weights)
        return merged("rrf", lists, scores)


class Zsum:
    """Sum of weight * z-score; see `ranking.zsum`. A page that a list lacks gets that list's lowest z-score."""

    def __init__(self, options: ZsumOptions, context: Context) -> None:
        self._options = options

    def fuse(self, lists: Sequence[RankedList]) -> RankedList:
        """One list of all."""
        weights = [self._options.weights.get(ranked.name, 1.0) for ranked in lists]
        return merged(
            "zsum",
            lists,
            ranking.zsum([ranked.scores() for ranked in lists], weights=weights, absent=self._options.absent),
        )
