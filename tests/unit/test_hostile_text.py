"""Text that is made to take time or the stack, a page of one mark or a file of brackets, is read in time or named."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ragsys_text import prose

from ragsys import claims, sentences, trace
from ragsys.chatting.threads import Threads
from ragsys.errors import RagsysError, SuiteError, UsageError
from ragsys.evaluation import codec
from ragsys.evaluation.folder import QUESTIONS, RUN, RunFolder

NESTED = "[" * 200_000
MARKS = [".", "?", "…", "!?", '."', "A. ", "Mr. ", "1. ", "\n ", " ", "a"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "cut", [sentences.split, lambda text: list(prose.sentences(text, 0, len(text)))], ids=["shown", "passages"]
)
def test_a_page_of_one_mark_is_cut_in_time(cut: Callable[[str], list[tuple[int, int]]], mark: str) -> None:
    text = "x " + mark * (100_000 // len(mark)) + "x"
    began = time.monotonic()
    found = cut(text)
    assert time.monotonic() - began < 10
    assert "".join("".join(text[start:end] for start, end in found).split()) == "".join(text.split())


@pytest.mark.parametrize("value", ["1 ", "$1 ", "(1) ", "1999 ", "Jan 5 ", "not ", "Ab ", "over 7 "])
def test_a_page_of_values_is_read_in_time(value: str) -> None:
    began = time.monotonic()
    assert claims.facts(f"The plant opened in 1981 {value * (8_000 // len(value))}").years
    assert time.monotonic() - began < 15  # 0.1 s; it was 7 s for numbers, and minutes for years


def test_brackets_in_a_conversation_cost_their_line(tmp_path: Path) -> None:
    thread = Threads(tmp_path).open("one")
    thread.append({"asked": "first"})
    thread.close()
    with thread.path.open("a", encoding="utf-8") as file:
        file.write(f"{NESTED}\n")
    again = Threads(tmp_path).open("one")
    again.append({"asked": "second"})
    assert [turn["asked"] for turn in again.turns] == ["first", "second"]
    again.close()
    assert Threads(tmp_path).list()[0].turns == 2


def test_brackets_are_no_trace_no_scores_and_no_run(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(NESTED, encoding="utf-8")
    with pytest.raises(UsageError, match="not a trace that can be read"):
        trace.read(path)
    with pytest.raises(SuiteError, match="not the scores of a run"):
        codec.loads(NESTED)
    (tmp_path / RUN).write_text(NESTED, encoding="utf-8")
    (tmp_path / QUESTIONS).write_text("", encoding="utf-8")
    with pytest.raises(RagsysError, match="cannot be read"):
        RunFolder.read(tmp_path)
