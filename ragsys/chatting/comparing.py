"""Follow-ups about several things: "compare the D40 and the D120", "how much more is that than in 2024?".

Each becomes the same question about every one of the things, and a last sentence that says how they are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ragsys.chatting import questions
from ragsys.chatting.phrases import MOST, pattern
from ragsys.chatting.pointing import Past

_BE = r"(?:is|was|are|were)"
_MORE = r"(?:(?:much|far|a lot)\s+)?(?:more|less|fewer|better|worse|[a-z]{2,}er)"
_WITH = r"(?:with|to|and|against|versus|vs\.?)"

#: "which" without a noun behind it: what is chosen from was named before.
_CHOICE = pattern(
    rf"""^which(?:\s+(?:one|ones|of\s+(?:them|these|those|the\s+(?:two|three|ones?))))?\s+
    (?P<how>(?:{_BE}|has|had|have|does|did|do|can|must|should|will|would|\w+ed|sold|sells?|costs?|needs?|uses?|makes?
    |made|takes?|took|grew|grows?|rose|rises|fell|falls|had|won|wins?|lost|got|gets?|gives?|gave|ran|runs?|weighs?
    |lasts?|brings?|brought|came|comes|goes|went|works?|pays?|paid|earns?|performs?|produces?|delivers?)\b.*)$
    |^(?:(?:what|who|which)\s+{_BE}\s+|(?:what|how)\s+about\s+)?the\s+(?P<most>{MOST})(?:\s+(?:one|ones|of\s+\w+))?$
    |^(?:and\s+)?(?:what(?:'s|\s+{_BE})\s+)?(?:the\s+)?(?P<sum>difference|ratio|sum|total|average|change)
    (?:\s+(?:between|of)\s+(?:them|the\s+two|both|these|those))?$
    |^(?:the\s+)?\S+\s+(?P<better>{_BE}\s+{_MORE}(?:\s+\w+)?)$
    |^(?:by\s+)?how\s+(?:much|many|far)\s+(?P<more>{_MORE})(?:\s+{_BE}\s+(?:that|it|this|they))?$
    |^(?P<compare>compare|contrast)(?:\s+(?:them|both|the\s+two|these|those|these two|those two))?$"""
)
_PAIRS = tuple(
    map(
        pattern,
        (
            rf"^(?:compare|contrast)\s+(?P<a>.+?)\s+{_WITH}\s+(?P<b>.+)$",
            r"^(?:what(?:'s|\s+is|\s+was|\s+are)\s+)?(?:the\s+)?(?P<how>differences?)\s+between\s+(?P<a>.+?)\s+and\s+(?P<b>.+)$",
            rf"^(?:how\s+(?:do|does|did)\s+)?(?P<a>.+?)\s+(?:compares?|compared|differs?)\s+(?:{_WITH}|from)\s+(?P<b>.+)$",
            r"^(?P<a>)(?:compared|in\s+comparison|relative)\s+(?:with|to)\s+(?P<b>.+)$",
            r"^(?P<a>)(?:versus|vs\.?|against)\s+(?P<b>.+)$",
            r"^(?P<a>.+?)\s+(?:versus|vs\.?)\s+(?P<b>.+)$",
            r"^(?:which|what|who)(?:\s+ones?)?\s+(?P<how>[^,:]+?)\s*[,:]\s*(?P<a>.+?)\s+or\s+(?P<b>.+)$",
            r"^which\s+of\s+(?P<a>.+?)\s+(?:and|or)\s+(?P<b>(?:the\s+)?\S+)\s+(?P<how>\w+.*)$",
            rf"^(?:{_BE}|does|did|do|has|have)\s+(?P<a>.+?)\s+(?P<how>{_MORE}(?:\s+\w+)?)\s+than\s+(?P<b>.+)$",
            rf"^(?:by\s+)?how\s+(?:much|many|far)\s+(?P<how>{_MORE})(?P<noun>\s+\w+)?\s+(?:{_BE}|does|did|do)\s+(?P<a>.+?)"
            r"(?:\s+(?:cost|need|sell|weigh|use|take|last|earn|make))?\s+than\s+(?P<b>.+)$",
            rf"^(?P<a>)(?:(?:by\s+)?how\s+(?:much|many|far)\s+)?(?P<how>{_MORE})(?:\s+\w+)?\s+than\s+(?P<b>.+)$",
            r"^(?P<a>(?:the\s+|an?\s+)?\S+(?:\s\S+)?)\s+or\s+(?P<b>(?:the\s+|an?\s+)?\S+(?:\s\S+)?)$",
        ),
    )
)
#: "is the largest region", "was the best year for": it says itself what is chosen from.
_OWN_KIND = pattern(
    rf"{_BE}\s+(?:the\s+)?(?:(?:most|least)\s+\w+|(?!most|least){MOST})\s+(?!ones?\b|in\b|of\b|for\b|by\b|then\b|overall\b|there\b)[a-z]"
)
_BACK = re.compile(r"(?:that|this|it|they|them|these|those|both)?$", re.IGNORECASE)


#: What is measured where things are compared by such a word; other words ("higher", "best") mean what was asked before.
_BY = {
    "price": r"cheap|(?:more |most |less |least )?expensive|dear|cost",
    "mass": r"heav|light",
    "length": r"long|short",
    "height": r"tall",
    "speed": r"fast|slow|quick",
    "age": r"old|young|new",
    "sound level": r"loud|quiet|nois",
}
_IS = re.compile(
    rf"(?:which (?:{_BE}|costs?)|how much) (?:the )?(?P<word>[a-z ]+)|which (?P<costs>costs?)\b", re.IGNORECASE
)


class Pair(NamedTuple):
    """Two things that are compared; an empty side is what the question before asked about."""

    sides: tuple[str, str]
    how: str  # what is asked of them: "which is higher?"


def pair(text: str) -> Pair | None:
    """The two things that a text compares; None where it compares nothing, or in words of its own alone."""
    for one in _PAIRS:
        if found := one.match(text):
            sides = tuple("" if _BACK.match(found[name]) else found[name] for name in ("a", "b"))
            held = found.groupdict()
            whole = not sides[1] or (sides[0] and held.get("noun"))  # "how much more energy does A need than B?"
            return None if whole else Pair((sides[0], sides[1]), _how(text, held.get("how") or ""))
    return None


def _how(text: str, how: str) -> str:
    how = how.lower().strip()
    if how.startswith("difference"):
        return "what is the difference?"
    if re.match(r"(?:which|what|who)\b", text, re.IGNORECASE):
        return f"which {how}?"
    if how and re.search(r"\bhow (?:much|many|far)\b", text, re.IGNORECASE):
        return f"how much {how}?"
    return f"which is {how}?" if how else ""


def choice(text: str) -> str:
    """What is asked of things that were named before, "which is the highest?"; else empty."""
    found = _CHOICE.match(text)
    if found is None or (found["how"] and (_OWN_KIND.match(found["how"]) or _many(found["how"]))):
        return ""
    if found["compare"]:
        return "compare"
    if found["more"]:  # "how much more is that?"
        return f"how much {found['more'].lower()}?"
    if found["sum"]:
        return f"what is the {found['sum'].lower()}?"
    if found["better"]:  # "so the T35 is better?"
        return f"which {found['better'].lower()}?"
    return f"which {found['how']}?" if found["how"] else f"which is the {found['most']}?"


def _many(how: str) -> bool:
    """Whether a question says too much to be asked of what was named before."""
    return bool(questions.names(f"- {how}")) or len(questions.content(questions.PERIOD.sub("", how))) > 3


def measured_by(how: str) -> str:
    """What things are compared by, "price" of "which is cheapest?"; empty where it is what was asked of them before."""
    found = _IS.match(how)
    said = found["word"] or found["costs"] if found else ""
    return next((name for name, words in _BY.items() if said and re.match(words, said, re.IGNORECASE)), "")


def by_measure(asked: list[str], how: str) -> list[str]:
    """The questions, or those about the measure that things are compared by: "cheaper" asks for prices."""
    measure = measured_by(how)
    things = list(dict.fromkeys(map(questions.thing, asked)))
    if not measure or len(things) < 2 or measure in " ".join(asked):
        return asked
    return [f"What is the {measure} of {one}?" for one in things]


def together(asked: Sequence[str], how: str = "") -> str:
    """One text that asks every question: "How many A were sold, and how many B were sold? Compare them." """
    once = list(dict.fromkeys(map(questions.body, asked)))
    first, *others = once
    lower = [text[:1].lower() + text[1:] for text in others]
    told = f"{', and '.join([first, *lower])}?"
    if len(once) < 2:
        return told
    return f"{told} {questions.COMPARE}{f': {how}' if how and how != 'compare' else ' them.'}"


#: Questions about a question before, not of a thing: what is compared stands before them.
_ABOUT = re.compile(r"(?:why|what is the reason|tell me more|show the)\b", re.IGNORECASE)


def asked_of_things(past: Sequence[Past]) -> list[Past]:
    """The turns whose questions things can be compared by: "why did it go up?" is passed over."""
    return [turn for turn in past if not _ABOUT.match(questions.body(turn.question))] or list(past)


def run(past: Sequence[Past]) -> list[str]:
    """The last questions that ask the same of different things or periods, oldest first; one where it stands alone."""
    found: dict[str, str] = {}
    for turn in reversed(past):
        apart = questions.apart(turn.question)
        if found and not all(_same(one, other) for one in apart for other in found):
            break
        found |= {questions.body(one): one for one in reversed(apart) if questions.body(one) not in found}
    return list(found.values())[::-1]


def _same(one: str, other: str) -> bool:
    """Whether two questions ask the same of different things."""
    return questions.alike(one, other) or bool(
        (asked := questions.asked_for(one)) and asked == questions.asked_for(other)
    )


def plain(side: str) -> str:
    """A name or a thing without its article and preposition."""
    return re.sub(r"^(?:(?:in|of|for|at|on)\s+)?(?:(?:the|an?)\s+)?", "", side.strip(), flags=re.IGNORECASE)


def is_name(side: str) -> bool:
    """Whether some words are one name: "the D120"."""
    held = f"- {plain(side)}"
    return any(place == (2, len(held)) for place in questions.names(held))
