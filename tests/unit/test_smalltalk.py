"""Small talk: what is replied to, and what is left to be a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsys.smalltalk import kind, replied


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("hello", "greeting"),
        ("Good morning, ragsys!", "greeting"),
        ("OK, thank you very much.", "thanks"),
        ("Thanks for your help!", "thanks"),
        ("Who are you?", "who"),
        ("Are you an AI?", "who"),
        ("Hi! What can you do?", "able"),
        ("help", "able"),
        ("Thank you again, bye!", "bye"),
        ("great", "fine"),
        ("What’s your name?", "who"),
    ],
)
def test_small_talk_is_known_by_its_kind(said: str, expected: str) -> None:
    assert kind(said) == expected
    reply = replied(said)
    assert reply is not None
    assert (reply.question, reply.status, reply.citations, reply.generator) == (said, "answered", (), "")
    assert reply.text


@pytest.mark.parametrize(
    "asked",
    [
        "thanks, and in 2024?",
        "Who are you delivering to in 2025?",
        "What can you do when fault E07 appears?",
        "hello world program",
        "What are you?s",
        "so",
        "and",
        "...",
        "",
        "help desk hours",
        "Great Britain",
        "Is the welcome letter signed?",
    ],
)
def test_a_question_is_no_small_talk(asked: str) -> None:
    assert kind(asked) == ""
    assert replied(asked) is None


@given(st.text(max_size=300))
def test_whatever_is_typed_is_read_to_its_end(text: str) -> None:
    assert (replied(text) is None) == (kind(text) == "")
