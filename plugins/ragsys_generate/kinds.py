"""Questions that a quoted fact alone does not answer: reasons, superlatives, comparisons; and what answers them."""

from __future__ import annotations

import re

from .candidates import Candidate
from .words import read, stem, tokens

_WHY = re.compile(
    r"\bwhy\b|\bhow come\b|\b(?:reasons?|causes?)\b(?=:| (?:for|of|behind|that|why)\b)|\bexplanations? (?:for|why)\b"
    r"|\bwhat (?:caused|causes|explains|explained|led to|drove|is behind|was behind)\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"(?i:\b(?:because|due to|owing to|thanks to|as a result|result(?:s|ed|ing)? (?:of|from|in)|caus(?:e|es|ed|ing)"
    r"|reasons?|therefore|thus|hence|so that|in order to|driven by|led to|leads? to|came from|comes? from|attribut\w+"
    r"|explain\w*|reflect(?:s|ed|ing)?|on th(?:is|at) ground|primarily|mainly|offset by|contributed to|related to)\b)"
    r"|\b[Ss]ince (?=[a-z])(?!then\b|the\b)"
)
_TELLS_REASONS = frozenset(map(stem, ("cause", "reason", "why")))  # stems of a heading whose rows are reasons

_UP = "most best highest largest biggest greatest maximum max top"
_DOWN = "least worst lowest smallest fewest minimum min"
_OTHERS = (
    "longest shortest cheapest fastest slowest strongest weakest heaviest lightest oldest youngest newest richest"
    " poorest nearest deepest widest tallest hottest coldest earliest closest safest cleanest simplest easiest hardest"
    " quickest thickest thinnest quietest loudest"
)
#: {stem of a superlative: the stems that say the same}
_MOST = {stem(word): frozenset(map(stem, group.split())) for group in (_UP, _DOWN) for word in group.split()} | {
    stem(word): frozenset((stem(word),)) for word in _OTHERS.split()
}
_LIMITS = {"max", "maximum", "min", "minimum", "top"}  # they name a column, and choose nothing
_CHOOSING = [word for word in f"{_UP} {_DOWN} {_OTHERS}".split() if word not in _LIMITS]
_SUPERLATIVE = re.compile(
    rf"(?<!at )\b(?:{'|'.join(_CHOOSING)})\b(?! of the time| recent| way| practice| method)"
)  # in lower case: "Best Buy" is a name
_ASKS = re.compile(r"\b(?:which|what|who|whom|whose|when|where)\b", re.IGNORECASE)

_MORE = r"(?:more|less|fewer|better|worse|[a-z]{2,}er)"
_COMPARES = re.compile(
    rf"\b(?:compare[ds]?|comparing|comparison|differences? between|differs?|versus|vs)\b"
    rf"|\b{_MORE}\b(?:\s+\S+){{0,6}}?\s+than\s+(?!\d)|^(?:which|what|who)\b[^,:]*\b{_MORE}\b[^,:]*[,:].*\bor\b",
    re.IGNORECASE,
)
_COMPARING = re.compile(
    r"\b(?:compar\w+|differences?|differs?|versus|vs|than|more|less|fewer|better|worse|between)\b"
    r"|\b[a-z]{2,}er(?=\s+than\b|\s*[,:])",
    re.IGNORECASE,
)
_SAYS_BOTH = re.compile(r"\b(?:than|compared|whereas|while|versus|vs|difference|twice|times|half)\b", re.IGNORECASE)
UNCOMPARED = "the values are quoted side by side; this reader does not compare them"


def asks_reason(text: str) -> bool:
    """Whether a question asks why."""
    return bool(_WHY.search(text))


def gives_reason(one: Candidate) -> bool:
    """Whether a candidate gives a reason, or stands under a heading that announces them."""
    if one.kind == "text" and _REASON.search(one.quote):
        return True
    return one.kind != "title" and bool(_TELLS_REASONS & (one.around | one.heads))


def superlatives(text: str) -> tuple[str, ...]:
    """The superlatives that a question asks by, "cheapest"; none where it asks for no choice."""
    return tuple(dict.fromkeys(map(str.lower, _SUPERLATIVE.findall(text)))) if _ASKS.search(text) else ()


def says_most(one: Candidate, asked: tuple[str, ...]) -> bool:
    """Whether a candidate, its columns, caption or headings say each of the superlatives, or a like word."""
    said = frozenset(one.own) | one.heads | one.around | frozenset(tokens(one.caption))
    return all(said & _MOST[stem(word)] for word in asked)


def compared(text: str) -> tuple[str, str] | None:
    """The two names of a kind, or the two years, that a question compares; None where it compares nothing by name."""
    if not _COMPARES.search(text):
        return None
    question = read(text)
    for stems in (question.names, question.years):
        if len(stems) == 2:
            first, second = (term.word for term in question.terms if term.stem in stems)
            coded = {any(char.isdigit() for char in word) for word in (first, second)}
            beside = re.search(rf"{re.escape(first)}(?:'s)?\s+{re.escape(second)}", text)  # "Huawei Health" is one
            if len(coded) == 1 and not beside:
                return first, second
    return None


def sides(text: str, names: tuple[str, str]) -> tuple[str, ...]:
    """The question about each of two names, without the words that compare; none where no figure is asked for."""
    plain = _COMPARING.sub(" ", text)
    found = tuple(re.sub(rf"(?<!\w){re.escape(other)}(?!\w)", " ", plain) for other in reversed(names))
    own = {one for name in names for one in tokens(name)}
    told = all(any(term.weight >= 1 and term.stem not in own for term in read(side).terms) for side in found)
    return tuple(re.sub(r"\s+", " ", side).strip(" ,:.?") for side in found) if told else ()


def says_both(one: Candidate, names: tuple[str, str]) -> bool:
    """Whether a sentence compares the two itself: "the D120 costs twice as much as the D40"."""
    own = set(one.own)
    return one.kind == "text" and all(own & set(tokens(name)) for name in names) and bool(_SAYS_BOTH.search(one.quote))


def speaks_of(part: str) -> str:
    """What a question speaks of, in its own words: for telling what was looked for."""
    words = [term.word for term in read(part).terms if term.weight >= 1 and not _KIND.fullmatch(term.word)]
    return ", ".join(words) or "that"


_KIND = re.compile(
    rf"reasons?|causes?|caused|explanations?|compared?|{'|'.join(f'{_UP} {_DOWN} {_OTHERS}'.split())}", re.I
)
