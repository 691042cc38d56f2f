"""`/why` of a chat says what its scores mean."""

from __future__ import annotations

import pytest

from ragsys.cli.why import legend, scores
from ragsys.config import load


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        (
            ("pages", "dense", "zsum"),
            "(pages, dense: how well the page fits by each search; zsum: these together, what",
        ),
        (("pages", "zsum", "rank"), "(pages: how well the page fits by each search; zsum: these together; rank: what"),
        (("pages", "zsum", "rescore"), "rescore: what orders the pages."),
        (("pages",), "(pages: what orders the pages."),
        ((), "what orders the pages."),
    ],
)
def test_the_legend_tells_each_stage_and_which_one_orders_the_pages(stages: tuple[str, ...], told: str) -> None:
    shown = legend(load("laptop").search, dict.fromkeys(stages, 1.0))
    assert told in shown
    assert shown.count("what orders the pages") == 1


def test_scores_are_told_in_two_places() -> None:
    assert scores({"pages": 4.2061, "zsum": -0.5}) == "pages 4.21, zsum -0.50"
