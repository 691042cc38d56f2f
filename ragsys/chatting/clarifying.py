"""Asking back: which messages mean nothing by themselves, and what the reply to "which do you mean?" fills in."""

from __future__ import annotations

import re

from ragsys.chatting import comparing, phrases, questions
from ragsys.chatting.pointing import pointing

LONGEST = 9  # words of a reply that only names what was meant


def filled(question: str, back: str, told: str) -> str:
    """A question that was asked back (`back`), with what its word means put in; empty where that was not told."""
    name = re.sub(r"^(?:i (?:mean|meant)|the one|for|of)\s+(?=\S)", "", told.rstrip(" ?!."), flags=re.IGNORECASE)
    points = pointing(question)
    if phrases.LED.match(told) or phrases.ABOUT.match(told):  # it goes on with what came before
        return ""
    if ":" in back and not {*questions.content(name)} <= {*questions.content(back)}:  # none of those to choose from
        return ""
    if not points or questions.asks(name) or len(questions.words(name)) > LONGEST or pointing(name):
        return ""
    start, end = points[0].span()
    if noun := re.match(r"\s+[a-z]+", question[end:]) if points[0].group().lower() in ("that", "this") else None:
        aux = noun.group().strip() in questions.AUXILIARIES | questions.PREPOSITIONS
        end += 0 if aux else noun.end()
    return f"{question[:start]}{name}{question[end:]}"


def lost(text: str) -> str:
    """What is asked back of a message that only means something after another; empty where it may stand by itself."""
    text = phrases.LED.sub("", text.rstrip(" ?!.")) or text
    bare = phrases.TAIL.sub("", text)
    fixed = (phrases.WHY, phrases.AGAIN, phrases.REFUSED, phrases.BEFORE, phrases.AFTER, phrases.MORE, phrases.WHERE)
    points = pointing(text)
    said = ""
    if any(one.match(bare) for one in fixed) or phrases.TRANSFER.match(bare) or comparing.choice(bare):
        said = bare
    elif points and not re.search(r"\bthis\b", text, re.IGNORECASE):  # "what is this about?" means the documents
        word = points[0].group()
        said = word if len({*questions.content(text)} - {word.lower()}) < 2 else ""
    return f"What does “{said}” refer to? Nothing was asked before: please ask the whole question." if said else ""
