"""The cut `knee`: a list ends before its steepest fall of score."""

from __future__ import annotations

from pydantic import Field

from ragsys.options import Options
from ragsys.protocols import Context
from ragsys.types import RankedList


class KneeOptions(Options):
    """Options of `knee`."""

    least: int = Field(1, ge=1, description="hits that are always kept")


class Knee:
    """Keeps the hits before the largest difference between two neighbours; the first of equal ones."""

    def __init__(self, options: KneeOptions, context: Context) -> None:
        self.least = options.least

    def cut(self, ranked: RankedList) -> RankedList:
        """A prefix of at least `least` hits; the whole list where it is no longer than that."""
        scores = [hit.score for hit in ranked.hits]
        falls = {n: scores[n - 1] - scores[n] for n in range(self.least, len(scores))}
        return ranked.top(max(falls, key=lambda n: (falls[n], -n))) if falls else ranked
