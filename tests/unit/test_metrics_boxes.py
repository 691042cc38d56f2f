"""Metrics of boxes, and the geometry and the pairing below them, against values worked out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from ragsys_suites.metrics.assignment import assign
from ragsys_suites.metrics.geometry import covered, iou, ranked_boxes, union_area
from scored import abstention, build, failure, outcome, pages, question


def cited(*boxes: list[float], page: int = 1, level: str = "quoted") -> list[dict[str, object]]:
    return [{"doc": "a", "page": page, "bbox": box, "quote": f"q{n}", "level": level} for n, box in enumerate(boxes)]


def gold(*boxes: list[float], page: int = 1) -> list[dict[str, object]]:
    return [{"doc": "a", "page": page, "bbox": box} for box in boxes]


def test_areas() -> None:
    # two squares of side .4 that share a square of side .2: .16 + .16 - .04
    pair = [[0.0, 0.0, 0.4, 0.4], [0.2, 0.2, 0.6, 0.6]]
    assert union_area(pair) == pytest.approx(0.28)
    assert iou(*pair) == pytest.approx(0.04 / 0.28)
    assert covered([0.0, 0.0, 0.4, 0.4], pair[1:]) == pytest.approx(0.04)
    assert union_area([]) == 0.0
    assert union_area([[0.5, 0.5, 0.5, 0.9], [0.3, 0.3, 0.1, 0.1]]) == 0.0  # a line, a box turned inside out
    assert iou([0, 0, 0, 0], [0, 0, 0, 0]) == 0.0


def test_the_union_is_that_of_a_grid() -> None:
    random = np.random.default_rng(3)
    corners = random.integers(0, 11, (30, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
    grid = np.zeros((10, 10), bool)
    for x0, y0, x1, y1 in boxes:
        grid[x0:x1, y0:y1] = True
    assert union_area(boxes.astype(float).tolist()) == pytest.approx(grid.sum())


def test_the_pairing_is_the_best_of_all() -> None:
    random = np.random.default_rng(4)
    for rows, columns in [(1, 1), (3, 3), (2, 5), (5, 2), (4, 6)]:
        for _ in range(20):
            gains = random.integers(0, 6, (rows, columns)).tolist()
            short, long = sorted((rows, columns))
            best = max(
                sum(gains[i][j] if rows <= columns else gains[j][i] for i, j in enumerate(order))
                for order in permutations(range(long), short)
            )
            pairs = assign(gains)
            assert sum(gains[row][column] for row, column in pairs) == best
            assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == short
    assert assign([]) == []
    assert assign([[], []]) == []


def test_mmdocir_counts_covered_area_once() -> None:
    asked = question(gold_boxes=gold([0.0, 0.0, 0.4, 0.5]) + gold([0.0, 0.0, 0.2, 0.5], page=2))
    found = outcome(
        pages=[
            # .2 x .5 of the first gold box, twice over; the third box is beyond k
            {**pages("a:1")[0], "boxes": [[0.0, 0.0, 0.2, 1.0], [0.0, 0.0, 0.1, 1.0], [0.0, 0.0, 1.0, 1.0]]},
            {**pages("a:2")[0], "boxes": [[0.0, 0.0, 1.0, 1.0]]},
        ]
    )
    # gold area .2 + .1 = .3; under the first two boxes .1; under all four .3
    assert build("mmdocir_layout_recall", k=2).score(asked, found) == pytest.approx(0.1 / 0.3)
    assert build("mmdocir_layout_recall", k=4).score(asked, found) == pytest.approx(1.0)
    assert build("mmdocir_layout_recall", k=4).info.name == "mmdocir_layout_recall@4"
    assert build("mmdocir_layout_recall").score(question(), found) is None
    assert build("mmdocir_layout_recall").score(asked, outcome(pages=pages("a:1"))) is None


# three cited, two gold; the first is gold 1, the second overlaps gold 2 by one half (IoU .5), the third nothing
ASKED = question(gold_boxes=gold([0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]))
ANSWER = outcome("It is.", citations=cited([0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.7, 0.9], [0.0, 0.8, 0.1, 0.9]))


@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("box_precision", {}, 2 / 3),
        ("box_recall", {}, 1.0),
        ("box_f1", {}, 2 * (2 / 3) / (2 / 3 + 1)),
        ("box_precision", {"iou": 0.6}, 1 / 3),
        ("box_recall", {"iou": 0.6}, 1 / 2),
        # areas: cited .16 + .08 + .01, gold .16 + .16, both .16 + .08
        ("box_area_precision", {}, 0.24 / 0.25),
        ("box_area_recall", {}, 0.24 / 0.32),
        ("box_area_f1", {}, 2 * 0.24 / (0.25 + 0.32)),
        ("cited_box_hits", {}, 1.0),
        ("cited_box_hits", {"k": 1}, 1.0),
    ],
)
def test_cited_boxes(name: str, options: dict[str, float], value: float) -> None:
    metric = build(name, **options)
    assert metric.score(ASKED, ANSWER) == pytest.approx(value)
    assert metric.score(ASKED, outcome("It is.")) == 0.0  # cites nothing
    assert metric.score(ASKED, failure()) == 0.0
    assert metric.score(ASKED, abstention()) is None
    assert metric.score(ASKED, outcome()) is None
    assert metric.score(question(), ANSWER) is None
    elsewhere = outcome("It is.", citations=cited([0.0, 0.0, 0.4, 0.4], page=2))
    assert metric.score(ASKED, elsewhere) == 0.0


def test_a_gold_box_is_matched_once() -> None:
    asked = question(gold_boxes=gold([0.0, 0.0, 0.4, 0.4]))
    twice = outcome("It is.", citations=cited([0.0, 0.0, 0.4, 0.4], [0.0, 0.0, 0.4, 0.39]))
    assert build("box_precision").score(asked, twice) == 1 / 2


def test_an_unproved_citation_cites_no_box() -> None:
    nothing = outcome("It is.", citations=cited([0.0, 0.0, 0.4, 0.4], level="none"))
    assert build("cited_box_hits").score(ASKED, nothing) == 0.0


def test_ranked_boxes_hit_from_a_tenth_of_the_gold_box_on() -> None:
    def found(box: list[float]) -> object:
        return outcome(pages=[{**pages("a:1")[0], "boxes": [[0.45, 0.0, 0.49, 0.1], box]}])

    # gold 1 is .4 x .4; a strip of .04 x .4 is a tenth of it, one of .03 x .4 is not
    assert build("ranked_box_hits").score(ASKED, found([0.0, 0.0, 0.041, 1.0])) == 1.0
    assert build("ranked_box_hits").score(ASKED, found([0.0, 0.0, 0.03, 1.0])) == 0.0
    assert build("ranked_box_hits", least=0).score(ASKED, found([0.0, 0.0, 0.03, 1.0])) == 1.0
    assert build("ranked_box_hits", k=1).score(ASKED, found([0.0, 0.0, 0.4, 1.0])) == 0.0
    assert build("ranked_box_hits", least=0).score(ASKED, found([0.45, 0.45, 0.49, 0.49])) == 0.0
    assert build("ranked_box_hits").score(question(), found([0.0, 0.0, 1.0, 1.0])) is None


def test_ranked_boxes_come_by_rank_of_the_page_times_rank_on_it() -> None:
    def boxes(page: int) -> list[list[float]]:
        return [[page / 10, n / 10, 1.0, 1.0] for n in range(1, 6)]

    found = outcome(pages=[{**pages(f"a:{page}")[0], "boxes": boxes(page)} for page in (1, 2, 3, 4)])
    ranked = ranked_boxes(found)
    assert ranked is not None
    order = [(page, round(box[1] * 10)) for (_, page), box in ranked]
    assert order[:8] == [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (1, 4), (2, 2), (4, 1)]
    assert len(order) == 20
