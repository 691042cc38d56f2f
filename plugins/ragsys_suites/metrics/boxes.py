"""Boxes against gold boxes: MMDocIR's layout recall, box precision, recall and F1 by matching and by area, box hits.

All in 0..1; None without gold boxes that have an area, and where the outcome holds no boxes to judge: none recorded in
the ranking, or no answer (an abstention cites nothing). An answer that cites no box scores 0.

    mmdocir_layout_recall@K  area of the gold boxes under the first K ranked boxes / area of the gold boxes. The paper
                             (arXiv 2501.08828) measures "by overlap"; overlaps are united, so that none counts twice
    box_precision, _recall   pairs of a cited and a gold box with IoU >= `iou`, as many as can be made, / cited, / gold
    box_f1                   2 P R / (P + R)
    box_area_precision, ...  the same of areas: united cited ∩ united gold / cited, / gold
    ranked_box_hits@K        1 if one of the first K ranked boxes covers at least `least` of a gold box
    cited_box_hits@K         the same of the first K cited boxes
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.assignment import assign
from ragsys_suites.metrics.base import abstained, attempted
from ragsys_suites.metrics.geometry import (
    Place,
    alike,
    area,
    cited_boxes,
    common,
    covered,
    gold_boxes,
    ranked_boxes,
    union_area,
)
from ragsys_suites.metrics.options import BoxHitOptions, BoxOptions, TopOptions

Placed = Sequence[tuple[Place, list[float]]]


def _cited(outcome: Outcome) -> list[tuple[Place, list[float]]] | None:
    return cited_boxes(outcome) if attempted(outcome) and not abstained(outcome) else None


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 if both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


class MmdocirLayoutRecall:
    """Share of the gold boxes' area under the first k ranked boxes."""

    def __init__(self, options: TopOptions, context: Context) -> None:
        self._k = options.k
        self.info = MetricInfo(
            f"mmdocir_layout_recall@{options.k}",
            f"MMDocIR: share of the gold boxes' area under the first {options.k} ranked boxes",
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        gold, ranked = gold_boxes(question), ranked_boxes(outcome)
        if not gold or ranked is None:
            return None
        found = ranked[: self._k]
        under = sum(covered(box, [other for place, other in found if place == page]) for page, box in gold)
        return min(1.0, under / sum(area(box) for _, box in gold))


class MatchedBoxes:
    """Precision, recall or F1 of cited boxes that are gold boxes."""

    def __init__(self, measure: str, options: BoxOptions, context: Context) -> None:
        self._measure, self._iou = measure, options.iou
        self.info = MetricInfo(f"box_{measure}", f"{measure} of cited boxes (IoU of at least {options.iou:g})")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        gold, cited = gold_boxes(question), _cited(outcome)
        if not gold or cited is None:
            return None
        same = [[float(place == page and alike(box, other, self._iou)) for place, other in cited] for page, box in gold]
        pairs = sum(same[row][column] for row, column in assign(same))
        return _measured(self._measure, pairs, len(cited), len(gold))


class CitedArea:
    """Precision, recall or F1 of the cited area."""

    def __init__(self, measure: str, options: Options, context: Context) -> None:
        self._measure = measure
        self.info = MetricInfo(f"box_area_{measure}", f"{measure} of the area of cited boxes")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        gold, cited = gold_boxes(question), _cited(outcome)
        if not gold or cited is None:
            return None
        both = wanted = given = 0.0
        for page in dict.fromkeys(place for place, _ in (*gold, *cited)):
            right = [box for place, box in gold if place == page]
            made = [box for place, box in cited if place == page]
            both += union_area([common(one, other) for one in right for other in made])
            wanted += union_area(right)
            given += union_area(made)
        return _measured(self._measure, both, given, wanted)


def _measured(measure: str, both: float, given: float, wanted: float) -> float:
    precision = min(1.0, both / given) if given else 0.0
    recall = min(1.0, both / wanted)
    return {"precision": precision, "recall": recall, "f1": f1(precision, recall)}[measure]


class BoxHits:
    """Whether one of the first k boxes lies on a gold box."""

    def __init__(self, which: str, options: BoxHitOptions, context: Context) -> None:
        self._which, self._options = which, options
        self.info = MetricInfo(
            f"{which}_box_hits@{options.k}", f"whether one of the first {options.k} {which} boxes lies on a gold box"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        gold = gold_boxes(question)
        boxes = _cited(outcome) if self._which == "cited" else ranked_boxes(outcome)
        if not gold or boxes is None:
            return None
        first: Placed = boxes[: self._options.k]
        return float(any(self._on(box, other) for page, box in gold for place, other in first if place == page))

    def _on(self, gold: list[float], box: list[float]) -> bool:
        share = area(common(gold, box)) / area(gold)
        return share > 0 and share >= self._options.least - 1e-9


box_precision = functools.partial(MatchedBoxes, "precision")
box_recall = functools.partial(MatchedBoxes, "recall")
box_f1 = functools.partial(MatchedBoxes, "f1")
box_area_precision = functools.partial(CitedArea, "precision")
box_area_recall = functools.partial(CitedArea, "recall")
box_area_f1 = functools.partial(CitedArea, "f1")
ranked_box_hits = functools.partial(BoxHits, "ranked")
cited_box_hits = functools.partial(BoxHits, "cited")
