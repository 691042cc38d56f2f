"""Replies become drafts: JSON as far as it keeps to the schema, abstentions, refusals, replies that are cut off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ragsys.errors import GenerationError
from ragsys.replying.drafts import ABSENT, EMPTY, SCHEMA, SENTENCES, UNREAD, clean, rescued, written
from ragsys.replying.marks import WHOLE_PAGE
from ragsys.testing.agents import page_of
from ragsys.types import Evidence, Hit, Mark, Span

PAGE = page_of("The plant in Graz opened in 1987.", "It employs 450 people.")
PAGES = (Evidence(1, "d", "d.pdf", "", PAGE, "p", Hit(Span("d", 1, 1), 1, 1.0)),)
GOOD = {
    "status": "answered",
    "sentences": [
        {"text": "The plant opened in 1987.", "cites": [{"block": "1.0", "quote": "opened in 1987"}]},
        {"text": "It employs 450 people.", "cites": [{"block": "1.1", "quote": ""}]},
    ],
    "missing": "",
}
MARKED = 'The plant opened in 1987 [1.0 "opened in 1987"]. It employs 450 people [1.1].'


def test_both_forms_give_the_same_draft() -> None:
    text = json.dumps(GOOD)
    drafts = [
        written(MARKED, None, PAGES),
        written(text, GOOD, PAGES),
        written(text, None, PAGES),
        written(f"Here it is:\n```json\n{text}\n```", None, PAGES),
        written("", GOOD, PAGES),
    ]
    assert all(draft == drafts[0] for draft in drafts)
    assert drafts[0].sentences[0].marks == (Mark(1, 0, "opened in 1987"),)


def test_the_schema_takes_what_is_expected_of_a_model() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(GOOD, SCHEMA)


@pytest.mark.parametrize(
    ("cite", "expected"),
    [
        ("1.0", [Mark(1, 0)]),
        ("[1.0]", [Mark(1, 0)]),
        (1.1, [Mark(1, 1)]),
        (1, [Mark(1, WHOLE_PAGE)]),
        ({"block": "1.0", "quote": "x y"}, [Mark(1, 0, "x y")]),
        ({"block": "[1.0]", "quote": None}, [Mark(1, 0)]),
        ({"page": 1, "block": 0}, [Mark(1, 0)]),
        ({"page": 1}, [Mark(1, WHOLE_PAGE)]),
        ({"id": "1.1"}, [Mark(1, 1)]),
        ({"block": "1.0, 1.1"}, [Mark(1, 0), Mark(1, 1)]),
        ({"block": "the first"}, []),
        ({}, []),
        (None, []),
        (True, []),
        ([["1.0"]], []),
        ({"block": {"n": 1}}, []),
        ("9" * 5000, []),
    ],
)
def test_citations_of_other_forms_are_read_where_they_are_clear(cite: Any, expected: list[Mark]) -> None:
    data = {"status": "answered", "sentences": [{"text": "Yes.", "cites": [cite]}], "missing": ""}
    marks = [mark for mark in written("", data, PAGES).sentences[0].marks if mark.evidence < 10**9]
    assert marks == expected


def test_block_ids_keep_their_zeros() -> None:
    text = '{"status": "answered", "sentences": [{"text": "Yes.", "cites": [1.10]}], "missing": ""}'
    assert written(text, None, PAGES).sentences[0].marks == (Mark(1, 10),)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", EMPTY),
        (" \n\t ", EMPTY),
        ("NOT FOUND", ABSENT),
        ("**NOT FOUND** The year is missing.", "The year is missing"),
        ("Not found.", ABSENT),
        ("Answer: NOT FOUND: no year [1.0]", "no year"),
        ("NOT_FOUND", ABSENT),
        ("I'm sorry, but I cannot help with that.", "I'm sorry, but I cannot help with that"),
        ("The provided pages do not contain the answer.", "The provided pages do not contain the answer"),
        ('{"status": "not_found", "sentences": [], "missing": "the year"}', "the year"),
        ('{"status": "not_found", "sentences": [{"text": "It is 5.", "cites": []}], "missing": ""}', ABSENT),
        ('{"status": "answered", "sentences": [], "missing": ""}', ABSENT),
        ('{"status": "answered", "sentences": "It is 5.", "missing": ""}', UNREAD),
        ('{"status": "answered", "sentences": [5, null, {}], "missing": ""}', UNREAD),
        ('{"sentences": [{"text": "It', UNREAD),
        ("[1.0]", UNREAD),
        ("{{{ not json ]] <<", UNREAD),
        ('{"answer": "It is 5', UNREAD),
    ],
)
def test_what_is_no_answer_is_an_abstention(text: str, note: str) -> None:
    draft = written(text, None, PAGES)
    assert (draft.status, draft.sentences, draft.note) == ("abstained", (), note)


def test_a_reason_is_short_and_of_one_line() -> None:
    note = written("NOT FOUND " + "long\n" * 1000, None, PAGES).note
    assert len(note) <= 300
    assert "\n" not in note


def test_an_answer_that_also_says_that_there_is_none_is_partial() -> None:
    draft = written("It opened in 1987 [1.0]. NOT FOUND: the month.", None, PAGES)
    assert draft.status == "partial"
    assert [one.text for one in draft.sentences] == ["It opened in 1987."]


def test_a_part_of_the_answer_says_what_is_missing() -> None:
    draft = written("", {**GOOD, "status": "partial", "missing": "the month [1.0]\x1b[31m"}, PAGES)
    assert (draft.status, draft.note) == ("partial", "the model misses: the month")


def test_json_that_is_cut_off_keeps_its_whole_sentences() -> None:
    text = json.dumps(GOOD)
    draft = written(text[: text.index("450")], None, PAGES)
    assert draft.status == "partial"
    assert [one.text for one in draft.sentences] == ["The plant opened in 1987."]
    saved = rescued(text[: text.index("450")], PAGES, "late")
    assert saved is not None
    assert (saved.note, len(saved.sentences)) == ("late", 1)
    assert rescued(text[:20], PAGES, "late") is None
    assert rescued("No end yet", PAGES, "late") is None


def test_odd_json_is_read_without_harm() -> None:
    assert written('{"status": "answered", "status": "not_found", "sentences": []}', None, PAGES).status == "abstained"
    data = '{"status": NaN, "sentences": [{"text": "Yes.", "cites": [{"block": Infinity}]}], "missing": -Infinity}'
    assert written(data, None, PAGES).sentences[0].marks == ()
    assert written('{"sentences": ' + "[" * 100_000, None, PAGES).status == "abstained"
    assert written('{"note": "no answer at all"}', None, PAGES).note == UNREAD
    other = written('{"answer": "It opened in 1987.", "confidence": 0.9}', None, PAGES)
    assert [one.text for one in other.sentences] == ["It opened in 1987."]
    for odd in ('{"answer": "{\\"answer\\": 1}"}', '{"answer": "a", "text": "b"}', '{"answer": ["a"]}'):
        assert written(odd, None, PAGES).note == UNREAD


def test_repetitions_and_endless_lists_are_bounded() -> None:
    draft = written("It is so [1.0]. " * 3000, None, PAGES)
    assert len(draft.sentences) == 1
    assert "repeats itself" in draft.note
    many = written(" ".join(f"It is number {n} [1.0]." for n in range(1000)), None, PAGES)
    assert (len(many.sentences), many.status) == (SENTENCES, "partial")


def test_controls_escapes_and_turned_text_are_taken_out() -> None:
    hostile = "\x1b[31mred\x1b[0m \x1b]0;title\x07a\x00b\u202ec\ud800d\x9b2Je\x1b]8;;http://x\x1b\\f\r\n\ue000g"
    assert clean(hostile) == "red abcdef\n\ng"
    assert clean("plain – 日本語 👩‍👩‍👧 ok\n") == "plain – 日本語 👩‍👩‍👧 ok\n"


def test_sentences_that_come_whole_must_be_of_their_form() -> None:
    good = {"status": "answered", "note": "", "sentences": [{"text": "x", "marks": []}]}
    assert written("", good, PAGES).sentences[0].text == "x"
    for wrong in (
        {**good, "sentences": [{"text": "x", "marks": [{"evidence": "a", "block": 1, "quote": ""}]}]},
        {**good, "sentences": [{"text": 5, "marks": []}]},
        {**good, "sentences": [{"words": "x", "marks": []}]},
        {**good, "sentences": [None, {"marks": []}]},
    ):
        with pytest.raises(GenerationError, match="expected form"):
            written("", wrong, PAGES)
