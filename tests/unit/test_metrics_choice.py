"""The letter of a multiple-choice answer, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.metrics.choice import choice_accuracy, chosen

from ragsys.options import Options
from ragsys.protocols import Context
from ragsys.testing.roles import check_metric

CHOICES = {"A": "a wind mill", "B": "a water mill", "C": "a coffee mill", "D": "a pepper mill"}


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("B.", "B"),
        ("(C)", "C"),
        ("The answer is (C), not A or B", "C"),  # brackets go before blanks
        ("Not A but D", "D"),  # the last
        ("not (A) but (B) as I said", "B"),
        ("I think it is clearly a Water Mill by the river", "B"),
        ("a water mill", None),  # five words or fewer are not searched for a text
        ("a mill", None),  # an article is no letter
        ("I am not sure which of the mills that is", None),
        ("", None),
    ],
)
def test_the_letter_found(reply: str, letter: str | None) -> None:
    assert chosen(reply, CHOICES) == letter


def test_the_metric() -> None:
    metric = choice_accuracy(Options(), Context(Path("state"), Path("cache")))
    question: Any = {"id": "1", "question": "?", "answer": "B", "meta": {"choices": CHOICES}}

    def outcome(answer: str | None, status: str | None = "answered") -> Any:
        return {
            "id": "1",
            "config": "c",
            "pages": [],
            "answer": answer,
            "status": status,
            "citations": [],
            "usage": {},
            "seconds": {},
            "error": None,
        }

    outcomes = [outcome("B"), outcome("(A)"), outcome(None, "abstained"), outcome(None, None)]
    check_metric(metric, question, outcomes)
    assert [metric.score(question, one) for one in outcomes] == [1.0, 0.0, 0.0, None]
    assert metric.score({"id": "1", "question": "?"}, outcomes[0]) is None
