"""Text for terminals: nothing of a document drives the terminal, excerpts hold what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsys.cli.ask import parse_budget
from ragsys.cli.progress import duration
from ragsys.cli.text import (
    Styled,
    bold,
    cells,
    excerpt,
    highlighted,
    marked,
    rendered,
    safe,
    shortened,
    size,
    table,
    wrapped,
)
from ragsys.errors import UsageError
from ragsys.wording import counted


def test_control_codes_of_a_document_do_not_reach_the_terminal() -> None:
    hostile = "before\x1b]0;title\x07\x1b[2J\x9b31m\u202eafter\r\x00"
    assert safe(hostile) == "before]0;title[2J31mafter"
    assert "\x1b" not in rendered([hostile])
    assert rendered([bold("a\x1b[0mb")]).count("\x1b") == 2  # ours: on and off


@given(st.text(max_size=400), st.text(max_size=30), st.integers(60, 200))
def test_an_excerpt_is_short_and_of_the_text(text: str, query: str, limit: int) -> None:
    found = excerpt(text, query, limit)
    assert len(found) <= limit + 4
    body = found.removeprefix("… ").removesuffix("…").rstrip()
    assert body in " ".join(safe(text).split())


def test_an_excerpt_holds_the_words_of_the_query() -> None:
    text = (
        "filler words that say nothing at all " * 20 + "the cleaning cycle of the oven starts " + "and more words " * 30
    )
    assert "cleaning cycle of the oven" in excerpt(text, "oven cleaning")


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The cleaned oven", "cleaning ovens", ["cleaned", "oven"]),
        ("the 2023 report of 20231", "2023", ["2023"]),
        ("私は東京都に住む", "東京", ["東京"]),
        ("nothing here", "oven", []),
    ],
)
def test_words_of_the_query_are_set_off(text: str, query: str, expected: list[str]) -> None:
    parts = list(highlighted(text, query))
    assert [part.text for part in parts if isinstance(part, Styled)] == expected
    assert "".join(part.text if isinstance(part, Styled) else part for part in parts) == text


def test_marks_are_set_off() -> None:
    parts = list(marked("Four [1][2]. Five [x] [3]."))
    assert [part.text for part in parts if isinstance(part, Styled)] == ["[1][2]", "[3]"]


def test_columns_line_up_by_what_a_terminal_shows() -> None:
    lines = [rendered(line) for line in table([("東京", "1"), ("abc", "22")], head=("name", "n"), right=(1,))]
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert plain == ["name   n", "東京   1", "abc   22"]
    assert len({cells(line) for line in plain}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3s,8k", {"seconds": 3, "tokens": 8000}),
        ("1.5m", {"seconds": 90}),
        ("4c, 500", {"calls": 4, "tokens": 500}),
        ("2.5k", {"tokens": 2500}),
    ],
)
def test_a_budget_is_read(text: str, expected: dict[str, float]) -> None:
    assert parse_budget(text) == expected


@pytest.mark.parametrize("text", ["", "fast", "3x", "3s,4s", "-1s", "3s,,8k"])
def test_a_budget_that_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        parse_budget(text)


def test_numbers_as_people_read_them() -> None:
    assert [size(n) for n in (0, 999, 1500, 25_000, 3_200_000, 7e12)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "25 kB",
        "3.2 MB",
        "7000 GB",
    ]
    assert [duration(n) for n in (0.04, 9.94, 59.4, 185, 7800)] == [
        "0.0 s",
        "9.9 s",
        "59 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
    assert [counted(n, noun) for n, noun in ((1, "page"), (2000, "page"), (2, "entry"))] == [
        "1 page",
        "2,000 pages",
        "2 entries",
    ]
    assert shortened("one two three four", 12) == "one two…"


def test_what_is_to_be_copied_is_not_broken() -> None:
    command = "ragsys index /" + "a folder/" * 30 + " --wait"
    note = f"{'word ' * 15}finish them: {command}"
    assert any(command in line for line in wrapped(note, whole=command))
    assert len(wrapped(note)) > 2
    assert wrapped("word " * 60 + "trace 2026-x", whole="trace 2026-x")[-1].endswith("trace 2026-x")
