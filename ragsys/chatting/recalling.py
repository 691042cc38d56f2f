"""What is told to whoever would hear the answer before again: where it stands ("why?"), or that there is no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ragsys.answers import NOTHING, Answer, Citation, Statement
from ragsys.chatting.followups import About
from ragsys.types import Level

UNPROVED = "the answer before is not proved by it"
NO_REASON = "no page that was read gives a reason; this is where the answer before stands"


def recalled(about: About, made: Answer, past: Sequence[Answer]) -> Answer:
    """`made`, the answer to what was asked about the last of `past`; where it says nothing that was not said before,
    the places that the last answer rests on, with its citations."""
    heard = {_said(sentence) for answer in past for sentence in answer.said}
    if not about or not past or not past[-1].sources or {*map(_said, made.said)} - heard:
        return made
    before = past[-1]
    told = tuple(
        Statement(_place(one), (one.number,), one.level, _problems(one, before.said)) for one in before.sources
    )
    return replace(
        made,
        text=" ".join(f"{one.text[:-1]} [{one.citations[0]}]." for one in told),
        sentences=told,
        citations=before.citations,
        evidence=before.evidence,
        status="partial" if about == "why" else "answered",
        notes=(NO_REASON,) if about == "why" else (),
        confidence=None,
    )


def not_repeated(made: Answer, past: Sequence[Answer]) -> Answer:
    """`made`, the answer to another question than those of `past`; where it is doubted, and says again what the last
    one said, it abstains: "what about Europe?" is not answered by the figure of the whole world."""
    heard = {_said(one) for one in past[-1].said} if past else set()
    again = bool(made.said) and {*map(_said, made.said)} <= heard and made.status == "partial"
    if not again or any(one.question == made.question for one in past):
        return made
    return replace(made, text=NOTHING, sentences=(), citations=(), status="abstained")


def _said(sentence: Statement) -> str:
    return re.sub(r"\W+", " ", sentence.text).strip().casefold()


def _problems(citation: Citation, said: Sequence[Statement]) -> tuple[str, ...]:
    """What does not hold of that which a citation was given for; nothing where it holds."""
    if citation.level is Level.SUPPORTED:
        return ()
    named = dict.fromkeys(problem for one in said if citation.number in one.citations for problem in one.problems)
    return tuple(named) or (UNPROVED,)


def _place(citation: Citation) -> str:
    where = f"It is on page {citation.page} of {citation.path}"
    return f"{where}: “{citation.quote}”." if citation.quote else f"{where}."
