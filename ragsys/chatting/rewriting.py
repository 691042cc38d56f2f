"""A follow-up as a language model understands it: one bounded call, and a check of what comes back.

What came before and what was asked are data between tags; a rewrite that is empty, absurd or overlong is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ragsys.actions import Turn
from ragsys.budget import Purse
from ragsys.calls import within
from ragsys.chatting import phrases, questions
from ragsys.chatting.pointing import Past, pointing
from ragsys.exchange import Cancel, Message, Reply, Request
from ragsys.messages import data
from ragsys.protocols import Generator
from ragsys.types import Usage

PROMPT = "followup"
LEAST_SECONDS = 0.5  # a call that is given less is not made
MAX_TOKENS = 160  # of a rewrite
MAX_GROWTH = 400  # characters that a rewrite may hold more than the message and the question before it
HELD = 600  # characters of each side of a turn that the model is shown
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}},
    "required": ["question"],
    "additionalProperties": False,
}
_RELATIVE = re.compile(r"\b(?:before|earlier|later|previous|prior|next|last|following|ago|after|since)\b", re.I)
_NEAR = 10  # years from one that was named
_CHATTER = re.compile(r"^\s*(?:(?:rewritten|standalone|the)\s+)*question\s*(?:is)?\s*:\s*", re.IGNORECASE)


def request_of(prompt: str, asked: str, history: Sequence[Turn]) -> Request:
    """The call: instructions as the system's message, everything that was said as the user's, as data."""
    said = [f"Asked: {_data(turn.question)}\nAnswered: {_data(turn.answer)}" for turn in history]
    text = "\n".join(["<conversation>", *said, "</conversation>", f"<message>{_data(asked)}</message>"])
    messages = (Message("system", (prompt.strip(),)), Message("user", (text,)))
    return Request(messages, asked, (), "rewrite", SCHEMA, MAX_TOKENS)


def rewrite(
    generator: Generator,
    prompt: str,
    asked: str,
    history: Sequence[Turn],
    *,
    seconds: float,
    cancel: Cancel | None = None,
) -> tuple[str, Usage]:
    """What the model makes of it, unchecked, and its price. Raises `GenerationError`, or `BudgetSpent` when late."""
    purse = Purse.of(calls=1, tokens=1, seconds=max(seconds, LEAST_SECONDS))
    own = Cancel()
    if cancel is not None:
        cancel.on(purse.cancel)
    request = replace(request_of(prompt, asked, history), deadline=purse.seconds_left, cancel=own)
    try:
        reply = within(purse, lambda: generator.generate(request))
    finally:
        own.set()
    return _text(reply), reply.usage


def _text(reply: Reply) -> str:
    filled: Any = reply.data
    if filled is None and reply.text.lstrip().startswith("{"):
        try:
            filled = json.loads(reply.text)
        except (ValueError, RecursionError):
            filled = None
    said = filled.get("question") if isinstance(filled, Mapping) else reply.text
    text = _CHATTER.sub("", str(said or "")).strip()
    return text.strip("\"“”'` \n") if "\n" not in text else text


def _data(text: str) -> str:
    """A text as data, as the pages of a prompt are: it can close no tag; and in one line of bounded length."""
    text = re.sub(r"\s+", " ", data(text)).strip()
    return text if len(text) <= HELD else text[: HELD - 1] + "…"


def refusal(text: str, asked: str, past: Sequence[Past]) -> str:
    """Why a rewrite is not taken; empty where it is. Nothing new may come into a question, and nothing of it be lost.

    Names, years and numbers of the rewrite must stand in the message or before it; those of the message must stand in
    the rewrite, but for what it takes back ("not 2018 but 2019").
    """
    before = " ".join(f"{turn.question} {turn.answer}" for turn in past)
    if not text.strip():
        return "it was empty: the model cannot tell what is meant"
    if "\n" in text.strip():
        return "it was more than a question"
    if len(text) > len(asked) + len(past[-1].question if past else "") + MAX_GROWTH:
        return "it was too long"
    known = _marks(asked) | _marks(before)
    if _RELATIVE.search(asked):  # "the year before": a model works the year out
        known |= {str(year + n) for year in questions.years(before) for n in range(-_NEAR, _NEAR + 1)}
    if new := sorted(_marks(text) - known):
        return f"it names what nobody said: {new[0]}"
    kept = _marks(phrases.NOT.sub(" ", asked))
    if lost := sorted(kept - _marks(text)):
        return f"it leaves out {lost[0]}"
    said = {*questions.content(text)}
    if not said:
        return "it asks nothing"
    if points := pointing(text):
        return f"it does not say what “{points[0].group()}” means"
    if not said & ({*questions.content(asked)} | {*questions.content(before)}):
        return "it is about something else"
    return ""


def _marks(text: str) -> set[str]:
    """The names, codes, years and numbers of a text, lower case, word by word; a verb that begins it is no name."""
    held = f"- {text}"
    named = {word for place in questions.names(held) for word in questions.words(held[slice(*place)])}
    if questions.asks(text) or phrases.ORDER.match(text):  # "Why", "Compare"
        named -= {*questions.words(text)[:1]}
    return named | set(re.findall(r"\d+(?:[.,]\d+)*", text))
