"""Over the example library: an entity, a measure and a period that do not meet in one fact are no clean answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import ragsys
from ragsys.asking import Asking

KELVARA = Path(__file__).resolve().parents[2] / "examples" / "kelvara"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGSYS_HOME", str(folder / "home"))
        with ragsys.open(KELVARA, folder=folder / "kelvara", background=False) as opened:
            yield opened


@pytest.mark.parametrize(
    ("question", "absent", "never"),
    [
        ("What is the revenue target for the Gulf in 2026?", "Gulf", "44.0"),
        ("What was the price of a D40 in 2024?", "price", "38.00"),
        ("Energy use of the learned controller in 2019?", "2019", "(2019)"),
        ("Revenue of the Skarnes waterworks in 2025?", "revenue", "96.4"),
        ("Revenue of the Mediterranean in 2026 and 2025?", "2026", "12 May"),
        ("What does the part cost that must be replaced after E07?", "cost", "EUR"),
    ],
)
def test_what_is_not_there_is_said(library: Asking, question: str, absent: str, never: str) -> None:
    answer = library.ask(question)
    assert answer.status in ("abstained", "partial")
    assert absent in " ".join(answer.notes)
    assert never not in answer.text


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What was the revenue in 2025?", "Income statement (EUR million): Revenue, 2025: 96.4 [1]."),
        ("What does a D40 cost in 2026?", "64,000"),
        ("What is the energy use of the learned controller?", "2.90"),
    ],
)
def test_what_is_there_is_answered_whole(library: Asking, question: str, said: str) -> None:
    answer = library.ask(question)
    assert answer.status == "answered"
    assert said in answer.text
