"""Words as the extractive generator compares them: folded, stemmed, numbers in one form; and how a question is read."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import Stemmer

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_STOP = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after all also am an and any are as at be been before being between both but by can
        could did do does done during each else ever few for from further had has have having he her here
        him his how i if in into is it its itself just me more most my no nor not of off on once only or
        other our out over own per please same she should so some such tell than that the their them then
        there these they this those through to too under until up upon us very was we were what when where
        whether which while who whom whose why will with within would you your
        """,
    )
)
#: Words of questions about documents that say little of what is asked.
_WEAK = frozenset(
    re.findall(
        r"\w+",
        """
        accord answer base calcul compani detail describ discuss docum explain figur find follow give given
        identifi illustr indic inform list mention name number page paper pdf pleas present provid question
        refer relat repli report repres respons section show shown slide state tabl total year type kind
        amount valu much mani use usd million billion thousand fiscal fy percentag percent round decim unit
        two one first second
        """,
    )
)
#: What is said in other words in filings and papers: any of the right side covers the left (stems).
_ALIKE = {
    "revenu": ("sale", "turnov"),
    "sale": ("revenu",),
    "capex": ("purchas", "expenditur"),
    "expenditur": ("purchas", "spend"),
    "profit": ("incom", "earn"),
    "earn": ("incom", "profit"),
    "headcount": ("employe", "staff"),
    "employe": ("staff", "peopl", "personnel"),
    "ceo": ("chief",),
    "cfo": ("chief",),
    "ppe": ("properti", "plant"),
    "cost": ("expens",),
    "price": ("cost", "fee"),
    "fix": ("net",),
    "locat": ("headquart", "base"),
    "author": ("writer",),
    "creat": ("develop", "design", "found"),
    "start": ("began", "begin", "launch", "commenc"),
    "begin": ("start", "began", "commenc"),
    "end": ("conclud", "finish"),
    "increas": ("rose", "grew", "growth", "higher", "rise"),
    "decreas": ("fell", "declin", "lower", "drop"),
    "buy": ("acquir", "purchas"),
    "acquir": ("purchas", "bought", "acquisit"),
    "largest": ("biggest", "highest", "most"),
    "highest": ("largest", "most", "maximum"),
    "lowest": ("smallest", "least", "minimum"),
}


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The English stem of a lower-case word."""
    return str(_stemmer().stemWord(word))


@functools.cache
def _stemmer() -> Any:
    return Stemmer.Stemmer("english")


def tokens(text: str) -> list[str]:
    """Stems and plain numbers in order: "1,577.00" and "1577" are one; a year stands out of "FY2018"."""
    text = unicodedata.normalize("NFKC", text) if not text.isascii() else text
    found = []
    for token in _TOKEN.findall(text):
        if token[0].isdigit():
            number = token.replace(",", "")
            found.append(number.rstrip("0").rstrip(".") if "." in number else number)
        else:
            found.append(stem(re.sub(r"['’]s?$", "", token.lower())))
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question: its stem, its own weight before rarity, and stems that stand for it."""

    stem: str
    weight: float
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is scored: terms once each in order, years, and what kind of thing would answer it."""

    terms: tuple[Term, ...]
    pairs: frozenset[tuple[str, str]]  # stems that stand side by side
    years: frozenset[str]
    names: frozenset[str]  # stems of capitalised words that do not begin the question
    wants: str  # "number", "date", "person", "yesno" or ""


_NUMBER = re.compile(
    r"\bhow (?:many|much|long|large|big|high|old|far|often|fast|tall|heavy)\b|\bwhat (?:is|was|are|were) the .{0,40}?"
    r"\b(?:number|amount|percentage|percent|rate|ratio|price|cost|total|value|score|accuracy|margin|revenue|income|size|average)\b"
    r"|\bwhat (?:percentage|percent|share|proportion)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:when|what (?:year|date|month|day|time)|which (?:year|date|month|quarter)|in what year)\b", re.I
)
_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.I)
_YESNO = re.compile(r"^\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", re.I)


def read(text: str) -> Question:
    """Read a question."""
    terms: dict[str, Term] = {}
    names: set[str] = set()
    for match in _TOKEN.finditer(text):
        word = match.group()
        lower = word.lower()
        if lower in _STOP or (len(lower) == 1 and not lower.isdigit()):
            continue
        for one in tokens(word):
            named = word[0].isupper() and match.start() > 0 and not word[0].isdigit()
            if named and one not in _WEAK:
                names.add(one)
            weight = 0.35 if one in _WEAK else 1.5 if word[0].isdigit() else 1.25 if named else 1.0
            terms.setdefault(one, Term(one, weight, _ALIKE.get(one, ())))
    found = [one for one in tokens(text) if one in terms]
    wants = (
        "number" if _NUMBER.search(text)
        else "date" if _DATE.search(text)
        else "person" if _PERSON.search(text)
        else "yesno" if _YESNO.search(text)
        else ""
    )  # fmt: skip
    years = frozenset(one for one in terms if re.fullmatch(r"(?:19|20)\d\d", one))
    return Question(tuple(terms.values()), frozenset(pairwise(found)), years, frozenset(names), wants)
