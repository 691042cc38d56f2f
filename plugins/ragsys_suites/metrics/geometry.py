"""Boxes `[x0, y0, x1, y1]`: areas, overlaps, unions; and those of a question and an outcome with their pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ragsys.evaluation.records import Outcome, Question

Box = Sequence[float]
Place = tuple[str, int]  # document and page


def area(box: Box) -> float:
    """0 for a box that is turned inside out."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def common(one: Box, other: Box) -> list[float]:
    """The box that both cover; its area is 0 where they do not touch."""
    return [max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])]


def iou(one: Box, other: Box) -> float:
    """Intersection / union, 0..1; 0 if both are empty."""
    inside = area(common(one, other))
    union = area(one) + area(other) - inside
    return inside / union if union else 0.0


def alike(one: Box, other: Box, least: float) -> bool:
    """Whether the IoU is at least this; what rounding takes off is not held against it."""
    return iou(one, other) >= least - 1e-9


def union_area(boxes: Sequence[Box]) -> float:
    """The area that at least one box covers."""
    solid = [box for box in boxes if area(box)]
    edges = sorted({x for box in solid for x in (box[0], box[2])})
    total = 0.0
    for left, right in pairwise(edges):
        reach = 0.0
        height = 0.0
        for top, bottom in sorted((box[1], box[3]) for box in solid if box[0] <= left and box[2] >= right):
            height += max(0.0, bottom - max(top, reach))
            reach = max(reach, bottom)
        total += height * (right - left)
    return total


def covered(box: Box, by: Sequence[Box]) -> float:
    """The area of the box that the others cover together."""
    return union_area([common(box, other) for other in by])


def gold_boxes(question: Question) -> list[tuple[Place, list[float]]]:
    """The gold boxes that have an area: no box can be found that overlaps one without."""
    boxes = question.get("gold_boxes") or ()
    return [((one["doc"], one["page"]), one["bbox"]) for one in boxes if area(one["bbox"])]


def ranked_boxes(outcome: Outcome) -> list[tuple[Place, list[float]]] | None:
    """The boxes of the ranked pages, each once; None where they were not recorded.

    They come by rank of the page times rank on the page, of equal products that on the better page first: a reader
    looks at the second page before the sixth box of the first. 1.1, 1.2, 2.1, 1.3, 3.1, 1.4, 2.2, 4.1, ...
    """
    if outcome["pages"] and not any("boxes" in page for page in outcome["pages"]):
        return None
    listed = [
        (page_rank * rank, page_rank, (page["doc"], page["page"]), box)
        for page_rank, page in enumerate(outcome["pages"], 1)
        for rank, box in enumerate(page.get("boxes", ()), 1)
    ]
    found: dict[tuple[Place, tuple[float, ...]], list[float]] = {}
    for _, _, place, box in sorted(listed, key=lambda one: one[:2]):
        found.setdefault((place, tuple(box)), box)
    return [(place, box) for (place, _), box in found.items()]


def cited_boxes(outcome: Outcome) -> list[tuple[Place, list[float]]]:
    """The boxes of the citations that have one, in their order, each once."""
    found: dict[tuple[Place, tuple[float, ...]], list[float]] = {}
    for cited in outcome["citations"]:
        if cited["bbox"] and cited["level"] != "none":
            found.setdefault(((cited["doc"], cited["page"]), tuple(cited["bbox"])), cited["bbox"])
    return [(place, box) for (place, _), box in found.items()]
