"""Words that point back: which of a question's pronouns mean something said before, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragsys.chatting import phrases, questions
from ragsys.claims import fold


@dataclass(frozen=True, slots=True)
class Past:
    """A turn that came before."""

    question: str  # as it was understood
    answer: str = ""
    documents: tuple[str, ...] = ()  # ids of those it cites, the first cited first
    only: tuple[str, ...] = ()  # ids of the documents it was asked of; empty: all
    back: bool = False  # it was not answered but asked back: what is meant?


# -- which words point back --------------------------------------------------------------------------------------------

_TIME = re.compile(r"(?:year|quarter|month|period|time)s?\b", re.IGNORECASE)
_RECENT = 3  # turns among which a word may point
_DEMONSTRATIVES = frozenset(("this", "that", "these", "those"))
_LEADS = questions.PREPOSITIONS | questions.AUXILIARIES | {"what", "why", "like", "mean", "explain"}


def pointing(text: str) -> list[re.Match[str]]:
    """The words that point at what came before; those that mean something inside the question are left out."""
    return [match for match in re.finditer(r"[A-Za-z']+", text) if _points(text, match)]


def _points(text: str, match: re.Match[str]) -> bool:
    word = match.group().lower()
    before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
    if word in phrases.PERSON | phrases.OWN | phrases.THINGS:
        return not (word == "it" and phrases.EMPTY.match(after)) and not _inside(before, word)
    if word in _DEMONSTRATIVES and _TIME.match(after):
        return not questions.periods(before)
    if word in _DEMONSTRATIVES:
        return _demonstrates(before, after) and not _inside(before, word)
    if word == "there":
        exists = re.search(r"\b(?:is|are|was|were|been|be|will|has|have)$", before, re.I)
        begins = re.match(r"(?:is|are|was|were)\b", after, re.I)
        return bool(before) and not exists and not begins and not _inside(before, word)
    if word in ("one", "ones"):
        chosen = re.search(r"\b(?:the|which|that|this|other|first|second|last|same)$", before, re.I)
        return chosen is not None and not after
    return False


def _demonstrates(before: str, after: str) -> bool:
    if re.match(r"(?:of|which|who|that)\b", after, re.I):
        return False  # "that of Borg"
    if not before:
        return bool(after)
    if re.fullmatch(r"[a-z]{3,}", after, re.I) and questions.asks(before):  # "who built that bridge"
        return True
    last = before.split()[-1].lower().strip(",;:")
    return last != "so" and last in _LEADS


def _inside(before: str, word: str) -> bool:
    """Whether what a pronoun stands for may stand before it in the same question."""
    if not before:
        return False
    if _told(before, least=3, article=False):
        return True
    begun = re.match(r"(?:\W*\w+){0,3}", before)
    cut = phrases.BOUNDARY.search(before, begun.end() if begun else 0) or re.search(r"[,:;]", before)
    if cut and _told(before[: cut.start()]):
        return True
    owns = word in phrases.OWN or word == "her"
    return owns and _told(before, least=9) and not re.search(r"\b(?:of|for|in|to|by|about)$", before, re.I)


def _told(text: str, *, least: int = 2, article: bool = True) -> bool:
    """Whether a text names something that a pronoun behind it may mean: by name, with an article, in many words."""
    named = any(place.start or not questions.asks(text) for place in questions.names(text))
    found = article and re.search(r"\b(?:the|an?|both|all|each|every)\s+\w+", text, re.I)
    return named or bool(found) or len(questions.content(text)) >= least


# -- what they mean ----------------------------------------------------------------------------------------------------


def resolved(text: str, past: Sequence[Past]) -> str:
    """The text with what its words point at in their place."""
    text = dated(text, past)
    measured = bool(phrases.MOVES & set(questions.words(text)))
    for match in reversed(pointing(text)):
        said, taken = _meant(match, text, past, measured)
        text = f"{text[: match.start()]}{said}{text[match.end() + taken :]}"
    return text


def _meant(match: re.Match[str], text: str, past: Sequence[Past], measured: bool) -> tuple[str, int]:
    """What stands for a word, and how many characters behind it go with it."""
    word = match.group().lower()
    after = text[match.end() :]
    if word in _DEMONSTRATIVES:
        return _shown(match, after, past, asked=questions.asks(text))
    if word in ("one", "ones"):
        return antecedent("it", past), 0
    if word == "there":
        place = antecedent("it", past)
        return (f"at {place}" if place.startswith(("the ", "a ")) else f"in {place}"), 0
    owns = word in phrases.OWN or (word == "her" and bool(re.match(r"\s+[a-z]", after)))
    found = antecedent(word, past, measured=measured and not owns)
    return (found + ("'" if found.endswith("s") else "'s") if owns else found), 0


def _shown(match: re.Match[str], after: str, past: Sequence[Past], *, asked: bool) -> tuple[str, int]:
    """ "that", "that year", "this company"."""
    last = questions.body(past[-1].question)
    if time := re.match(rf"\s+{_TIME.pattern}", after, re.I):
        return (said, time.end()) if (said := spoken_period(past)) else (match.group(), 0)
    noun = re.match(
        r"\s+(?!(?:is|was|a|the|in|to|of|for|per|from|and|or|than|as|so|too|also|still|just|only|even|really|true|right"
        r"|correct|wrong|much|many|more|less|lot|high|low|good|bad|enough|because|when|if)\b"
        r"|mean|compare|differ|change|work|\w+ly\b)([a-z]{3,})\b",
        after,
        re.I,
    )
    told = re.fullmatch(r"(?:is|was|are|were)\s+", match.string[: match.start()], re.I)
    if noun and noun.end() == len(after) and told:  # "is that normal"
        noun = None
    if noun and asked:
        known = noun[1].lower() in phrases.NOUNS or re.search(rf"\b{re.escape(noun[1])}\b", last, re.I)
        return (antecedent("it", past), noun.end()) if known else (match.group(), 0)
    about = questions.topic(past[-1].question)
    return (questions.thing(past[-1].question) if re.match(r"why\b", about, re.I) else about), 0


def dated(text: str, past: Sequence[Past]) -> str:
    """The text with the period that "since then" and "in that year" mean."""
    then = None if questions.periods(text) else phrases.THEN.search(text)
    if then is None or not (period := spoken_period(past)):
        return text
    return f"{text[: then.start()]}{then['prep'] or 'in'} {period}{text[then.end() :]}"


def spoken_period(past: Sequence[Past]) -> str:
    """The last period that was spoken of, "2025": of a question, else of its answer; empty if there was none."""
    for turn in reversed(past[-_RECENT:]):
        for text in (questions.body(turn.question), turn.answer):
            if found := questions.periods(text):
                return questions.without_preposition(text[slice(*found[-1])])
    return ""


def unled(turn: Past) -> Past:
    """A turn whose question begins with the question: "ok thanks. What was ...?" does not."""
    text = turn.question
    while led := phrases.LED.match(text):
        text = text[led.end() :]
    if text == turn.question or not questions.asks(text):
        return turn
    return replace(turn, question=f"{text[:1].upper()}{text[1:]}")


def spoken_of(past: Sequence[Past]) -> Past | None:
    """The last turn that is about a thing; none where all are questions turned round: "is smoking allowed"."""
    for turn in reversed(past[-_RECENT:]):
        if not questions.is_clause(questions.thing(turn.question)):
            return turn
    return None


def antecedent(word: str, past: Sequence[Past], *, measured: bool = False) -> str:
    """What a pronoun means: a person of an answer, what `who` was answered with, a figure, or what it is asked of."""
    last = spoken_of(past) or past[-1]
    if word in phrases.PERSON and (name := known_person(past)):
        return name
    if measured and not questions.is_clause(about := questions.topic(last.question)):
        return about
    if word in ("they", "them", "their") and re.match(r"who\b", questions.body(last.question), re.I):
        return _named_anew(last) or questions.thing(last.question)
    return questions.thing(last.question)


_PERSONAL = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*(?: [^\W\d_]+\.?(?:[-'][^\W\d_]+)*)+$")


def known_person(past: Sequence[Past]) -> str:
    """Whom "she" may mean: the last name of several words that an answer brought, else that a question holds."""
    for turn in reversed(past[-_RECENT:]):
        for text in (f"- {fold(turn.answer)}", questions.body(turn.question)):
            named = [text[slice(*place)] for place in questions.names(text)]
            if people := [name for name in named if _PERSONAL.match(name) and len(questions.content(name)) > 1]:
                return people[0]
    return ""


def _named_anew(turn: Past) -> str:
    """The first name of an answer that its question does not hold, a code apart."""
    answer = f"- {fold(turn.answer)}"  # so that a name at its beginning counts as one
    found = (answer[slice(*place)] for place in questions.names(answer))
    return next((name for name in found if name not in turn.question and not questions.is_code(name)), "")
