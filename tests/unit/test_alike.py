"""A question that names something slightly otherwise than the pages is told how they write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import write_folder

from ragsys.alike import alike
from ragsys.library import Library
from ragsys.testing.agents import page_of
from ragsys.types import Evidence, Hit, Span

TEXT = "Fault E07: high pressure. The D40 of Kelvara Water Systems, and valve V-3, version 3.0. In 2019 E 12 was added."
PAGES = (Evidence(1, "d", "d.pdf", "", page_of(TEXT), "p", Hit(Span("d", 1, 1), 1, 1.0)),)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What does E7 mean?", [("E7", "E07")]),
        ("What does e-7 mean?", [("e-7", "E07")]),
        ("What is the D-40, and what is V3?", [("D-40", "D40"), ("V3", "V-3")]),
        ("Who runs Kelvarra?", [("Kelvarra", "Kelvara")]),
        ("What is E12?", [("E12", "E 12")]),
        ("What does E07 mean, and what e07?", []),
        ("What does E70 mean?", []),  # another code
        ("What happened in 2018?", []),
        ("Kelvaras of the world?", []),  # any first word is capitalised
        ("Who runs Karlsruhe?", []),
        ("", []),
    ],
)
def test_what_is_named_otherwise(question: str, told: list[tuple[str, str]]) -> None:
    assert [tuple(one) for one in alike(question, PAGES)] == told
    assert alike(question, ()) == ()


def test_an_abstention_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    folder = write_folder(tmp_path / "docs", {"manual.pdf": ["Fault code E07 means that the feed pressure is high."]})
    with Library(folder, config="laptop-lexical", background=False) as library:
        made = library.ask("What does fault code E7 mean?")
        assert made.status == "abstained"
        assert "the pages that were read write E07, the question E7" in made.notes
        assert not any("write" in note for note in library.ask("What does fault code E07 mean?").notes)
