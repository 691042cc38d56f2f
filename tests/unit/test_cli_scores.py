"""The table of an evaluation: numbers, what is left out, which sentences are told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ragsys.cli.scores import number, rows, show
from ragsys.cli.shell import Shell
from ragsys.evaluation.records import Comparison, ConfigInfo, Estimate, MetricInfo, Provenance, Scored

ABOUT = Provenance("tiny", "CC0", "1", "ragsys eval tiny", "2026-01-01", "abc", "here", 0)
RECALL = MetricInfo("recall@5", "found")
SECONDS = MetricInfo("seconds", "time", False, (0.0, math.inf), "s")
TOKENS = MetricInfo("tokens", "read and written", False, (0.0, math.inf), "tokens")


def scored(count: int = 1, p: float = 0.5) -> Scored:
    one = Estimate(0.5, 0.25, 0.75, 8, 2, 4)
    other = Estimate(1.0, None, None, 10, 0, 1)
    nothing, time = Estimate(0.0, 0.0, 0.0, 10, 0, 4), Estimate(1.5, 0.2, 62.0, 10, 0, 4)
    comparisons = tuple(
        Comparison(f"m{n}", "a", "b", 0.1, 0.0, 0.2, p, p, 10, 4, f"sentence {n}.") for n in range(count)
    )
    return Scored(
        ABOUT,
        (),
        (ConfigInfo("a", "1"), ConfigInfo("b", "2")),
        (RECALL, SECONDS, TOKENS),
        {"a": (), "b": ()},
        {},
        {
            "a": {"recall@5": one, "seconds": time, "tokens": nothing},
            "b": {"recall@5": other, "seconds": Estimate(None, None, None, 0), "tokens": nothing},
        },
        {},
        comparisons,
        ("a \x1b[31mnote",),
    )


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.6523, "", ".652"),
        (1.0, "", "1.000"),
        (-0.25, "", "-.250"),
        (3.25, "", "3.25"),
        (0.0351, "s", "35 ms"),
        (2.25, "s", "2.2 s"),
        (75.0, "s", "1 min 15 s"),
        (1204.3, "tokens", "1,204"),
    ],
)
def test_numbers(value: float, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


def test_rows_count_questions_where_they_differ_and_leave_out_what_costs_nothing() -> None:
    assert rows(scored()) == [
        ["recall@5", "", ".500 [.250, .750] n=8", "1.000 n=10"],
        ["seconds, less is better", "", "1.5 s [200 ms, 1 min 02 s] n=10", "-"],
    ]


def test_few_comparisons_are_told_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(Shell(), scored(3), tmp_path)
    shown = capsys.readouterr().out
    assert "sentence 0." in shown
    assert "sentence 2." in shown
    assert "\x1b[31m" not in shown
    assert "note" in shown


def test_of_many_comparisons_the_main_one_and_those_that_say_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Shell(quiet=True), scored(12), tmp_path)
    shown = capsys.readouterr().out
    assert "sentence 0." in shown
    assert "sentence 1." not in shown
    assert "in 11 other of 12 comparisons" in shown
    show(Shell(), scored(12, p=0.01), tmp_path)
    assert "sentence 11." in capsys.readouterr().out
