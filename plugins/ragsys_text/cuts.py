"""Cuts: how many hits of a list are worth reading."""

from __future__ import annotations

from ragsys import ranking
from ragsys.protocols import Context
from ragsys.types import RankedList
from ragsys_text.options import GapOptions, RelativeOptions, TopOptions


class Top:
    """The first k."""

    def __init__(self, options: TopOptions, context: Context) -> None:
        self._k = options.k

    def cut(self, ranked: RankedList) -> RankedList:
        """The first k hits."""
        return ranked.top(self._k)


class Gap:
    """Up to the largest drop in score; see `ranking.cut_gap`."""

    def __init__(self, options: GapOptions, context: Context) -> None:
        self._options = options

    def cut(self, ranked: RankedList) -> RankedList:
        """The hits above the drop."""
        scores = [hit.score for hit in ranked.hits]
        return ranked.top(ranking.cut_gap(scores, least=self._options.least, most=self._options.most))


class Relative:
    """Hits near enough to the best; see `ranking.cut_relative`."""

    def __init__(self, options: RelativeOptions, context: Context) -> None:
        self._options = options

    def cut(self, ranked: RankedList) -> RankedList:
        """The hits above the bar."""
        options = self._options
        scores = [hit.score for hit in ranked.hits]
        kept = ranking.cut_relative(scores, share=options.share, least=options.least, most=options.most)
        return ranked.top(kept)
