"""Asking back: which messages mean nothing by themselves, and what the reply to "which do you mean?" fills in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragsys.chatting import comparing, phrases, questions
from ragsys.chatting.pointing import pointing

LONGEST = 9  # words of a reply that only names what was meant
_BEFORE_IT = r"^(?:(?:i (?:mean|meant)|for|of|the one (?:of|for|in))\s+)+(?=\S)"  # of the name in a reply
_LISTED = re.compile(r"”: (.+)\?$")  # what there is to choose from
_PLACES = (("first", "1st", "former", "1"), ("second", "2nd", "2"), ("third", "3rd", "3"))
_LAST = ("last", "latter")
_NAMED = 3  # words that a name with a question mark may have: "the rent?"


def filled(question: str, back: str, told: str) -> str:
    """A question that was asked back (`back`), with what its word means put in; empty where that was not told."""
    asked = told.rstrip().endswith("?")
    told = re.sub(_BEFORE_IT, "", told.rstrip(" ?!."), flags=re.IGNORECASE)
    points = pointing(question)
    name = _by_place(back, told)
    if not points or not (name or _names(told, back, asked=asked)):
        return ""
    name = name or re.sub(r"^the one\s+(?=\S)", "", told, flags=re.IGNORECASE)
    start, end = points[0].span()
    if noun := re.match(r"\s+[a-z]+", question[end:]) if points[0].group().lower() in ("that", "this") else None:
        aux = noun.group().strip() in questions.AUXILIARIES | questions.PREPOSITIONS
        end += 0 if aux else noun.end()
    return f"{question[:start]}{name}{question[end:]}"


def _names(told: str, back: str, *, asked: bool) -> bool:
    """Whether a reply names what was meant; it may also go on with what came before, or ask something else.

    `asked`: it ends with a question mark.
    """
    if asked and len(questions.words(told)) > _NAMED:
        return False
    if phrases.LED.match(told) or phrases.ABOUT.match(told):
        return False
    if ":" in back and not {*questions.content(told)} <= {*questions.content(back)}:  # none of those to choose from
        return False
    return not (questions.asks(told) or len(questions.words(told)) > LONGEST or pointing(told))


def _by_place(back: str, told: str) -> str:
    """What "the first", "the latter one" or "both" are of the things that were listed; empty for any other reply."""
    listed = _LISTED.search(back)
    return " and ".join(by_place(listed.group(1).split(" or ") if listed else [], told))


def by_place(things: Sequence[str], told: str) -> list[str]:
    """Those of several things that are meant by their order, "the first" or "both"; none for any other words."""
    word = re.sub(r"^the\s+", "", told.strip().lower())
    found = phrases.CHOSEN.match(told.strip())
    if len(things) < 2 or not (found or word.isdigit()):
        return []
    if found and found["all"]:
        return list(things)
    word = found["which"].lower() if found and found["which"] else word
    if word in _LAST:
        return [things[-1]]
    return [thing for thing, words in zip(things, _PLACES, strict=False) if word in words]


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
