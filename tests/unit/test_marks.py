"""Marks in the forms that models write, told from brackets that are only text."""

from __future__ import annotations

import pytest

from ragsys.replying.drafts import parse
from ragsys.replying.marks import WHOLE_PAGE, find
from ragsys.testing.agents import page_of
from ragsys.types import Evidence, Hit, Mark, Span

PAGE = page_of("The plant in Graz opened in 1987.", "It employs 450 people.", "Its loss was (1.1) million.")
PAGES = tuple(Evidence(n, f"d{n}", f"d{n}.pdf", "", PAGE, "p", Hit(Span(f"d{n}", 1, 1), n, 1.0)) for n in (1, 2, 3))


def marks(text: str) -> list[Mark]:
    """All of a text."""
    return [mark for found in find(text, PAGES) for mark in found.marks]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[1.1]", [Mark(1, 1)]),
        ("[ 1.1 ]", [Mark(1, 1)]),
        ('[1.1 "employs 450"]', [Mark(1, 1, "employs 450")]),
        ('[1.1: "employs 450"]', [Mark(1, 1, "employs 450")]),
        ("[1.1 “employs 450”]", [Mark(1, 1, "employs 450")]),
        ("[1.1 „employs 450“]", [Mark(1, 1, "employs 450")]),
        ("[1.1 «employs 450»]", [Mark(1, 1, "employs 450")]),
        ("[1.1 'employs 450']", [Mark(1, 1, "employs 450")]),
        ('[1.1 "the so-called "plan" of it"]', [Mark(1, 1, 'the so-called "plan" of it')]),
        ('[1.1 "see [4] there"]', [Mark(1, 1, "see [4] there")]),
        ("[1.1 It employs 450 people]", [Mark(1, 1, "It employs 450 people")]),
        ('[1.1 "employs 450]', [Mark(1, 1, "employs 450")]),
        ('[1.1 "employs', [Mark(1, 1)]),
        ("[1.1; 2.0]", [Mark(1, 1), Mark(2, 0)]),
        ('[1.1 "a, 2.0"; 2.0 "b"]', [Mark(1, 1, "a, 2.0"), Mark(2, 0, "b")]),
        ("[1.1, 2.0 and 3.1]", [Mark(1, 1), Mark(2, 0), Mark(3, 1)]),
        ("[1.1][2.0]", [Mark(1, 1), Mark(2, 0)]),
        ("【1.1】", [Mark(1, 1)]),
        ("【3†source】", [Mark(3, WHOLE_PAGE)]),
        ("［1.1］", [Mark(1, 1)]),
        ("[3]", [Mark(3, WHOLE_PAGE)]),
        ("[^3]", [Mark(3, WHOLE_PAGE)]),
        ("[page 3]", [Mark(3, WHOLE_PAGE)]),
        ("[Page 3, block 1]", [Mark(3, 1)]),
        ("[p. 3]", [Mark(3, WHOLE_PAGE)]),
        ("[block 1.1]", [Mark(1, 1)]),
        ("[source: 1.1]", [Mark(1, 1)]),
        ("(1.1)", [Mark(1, 1)]),
        ('(1.1 "employs 450")', [Mark(1, 1, "employs 450")]),
        ("(page 3)", [Mark(3, WHOLE_PAGE)]),
        ("[9.9]", [Mark(9, 9)]),
        ("[999999.999999]", [Mark(999999, 999999)]),
        (f"[{'9' * 50}.1]", [Mark(10**9, 1)]),
    ],
)
def test_a_mark_is_found_in_every_form(written: str, expected: list[Mark]) -> None:
    assert marks(f"It employs many people {written}.") == expected
    (sentence,) = parse(f"It employs many people {written}.", PAGES)
    assert sentence.text.rstrip(".") == "It employs many people"
    assert sentence.marks == tuple(expected)


@pytest.mark.parametrize(
    "text",
    [
        "It rose [see the table above].",
        "It rose by [3.7 % of sales].",
        "It rose [1.1 percent a year].",
        "The array a[i] holds [x, y].",
        "A 95 % confidence interval [3.2, 4.1] was found.",
        "The loss was (1.1).",
        "The loss was (1.1) million.",
        "The change of (2.0) is small.",
        "A version (9.9) is out.",
        "The plant (built 1987) runs.",
        "It says [sic] so.",
        "A loss of [12,000] was booked.",
        "[]",
        "[[[[",
    ],
)
def test_other_brackets_are_text(text: str) -> None:
    assert marks(text) == []
    assert " ".join(one.text for one in parse(text, PAGES)) == text


def test_a_year_in_brackets_stays_in_the_sentence() -> None:
    (sentence,) = parse("Revenue rose in [2018].", PAGES)
    assert sentence.text == "Revenue rose in (2018)."
    assert sentence.marks == ()


def test_marks_before_their_sentences_belong_to_them() -> None:
    first, second = parse("[1.0] The plant opened in 1987.\n[1.1] It employs 450 people.", PAGES)
    assert (first.marks, second.marks) == ((Mark(1, 0),), (Mark(1, 1),))


def test_equal_marks_are_kept_as_written_and_many_are_bounded() -> None:
    (sentence,) = parse("Yes " + "[1.1]" * 500 + ".", PAGES)
    assert len(sentence.marks) == 12


@pytest.mark.parametrize(
    "text", ["[1.1 " * 20_000, '[1.1 "' * 20_000, "(" * 60_000, "[" * 60_000, '[1.1 "a' + "x" * 60_000]
)
def test_no_text_takes_long(text: str) -> None:
    assert parse(text, PAGES) is not None  # the test's own timeout is the assertion
