"""Citations: how far they are proved, and whether they name the gold pages. 0..1.

A citation is a page with a quote; several boxes of one quote are one citation, with the best of their levels. An answer
without a citation scores 0 where a share of citations is asked for: what is not cited is not proved. None for an
abstention, for a question that failed, and where no answer was asked for.

    located_share, quoted_share, supported_share   citations of at least that level / citations
    citation_page_precision                        cited pages that are gold / cited pages
    citation_page_recall                           cited gold pages / gold pages; 0 for an abstention or a failure
The last two are None without gold pages; a citation of level "none" cites no page. Box hits are in `boxes`.
"""

from __future__ import annotations

import functools

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.base import abstained, attempted, simple

_RANK = {"none": 0, "located": 1, "quoted": 2, "supported": 3}
SUPPORTED = _RANK["supported"]


def levels(outcome: Outcome) -> list[int]:
    """0..3 of each citation."""
    found: dict[tuple[str, int, str], int] = {}
    for cited in outcome["citations"]:
        key = (cited["doc"], cited["page"], cited["quote"])
        found[key] = max(found.get(key, 0), _RANK.get(cited["level"], 0))
    return list(found.values())


def _answered(outcome: Outcome) -> bool:
    return outcome["status"] is not None and not abstained(outcome)


class LevelShare:
    """The share of the citations that reach a level."""

    def __init__(self, level: str, options: Options, context: Context) -> None:
        self._least = _RANK[level]
        self.info = MetricInfo(f"{level}_share", f"share of the citations that are {level} or better")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        if not _answered(outcome):
            return None
        found = levels(outcome)
        return sum(level >= self._least for level in found) / len(found) if found else 0.0


def _pages(question: Question, outcome: Outcome) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Gold pages and cited pages."""
    gold = {(one["doc"], one["page"]) for one in question.get("gold_pages") or () if one.get("grade", 1.0) > 0}
    return gold, {(one["doc"], one["page"]) for one in outcome["citations"] if one["level"] != "none"}


def _precision(question: Question, outcome: Outcome) -> float | None:
    gold, cited = _pages(question, outcome)
    if not gold or not _answered(outcome):
        return None
    return len(gold & cited) / len(cited) if cited else 0.0


def _recall(question: Question, outcome: Outcome) -> float | None:
    gold, cited = _pages(question, outcome)
    if not gold or not attempted(outcome):
        return None
    return len(gold & cited) / len(gold)


located_share = functools.partial(LevelShare, "located")
quoted_share = functools.partial(LevelShare, "quoted")
supported_share = functools.partial(LevelShare, "supported")
citation_page_precision = simple("citation_page_precision", "share of the cited pages that are gold", _precision)
citation_page_recall = simple("citation_page_recall", "share of the gold pages that are cited", _recall)
