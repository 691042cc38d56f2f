"""Words as the extractive generator compares them: folded, stemmed, numbers in one form; and how a question is read."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import Stemmer

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?(?![^\W_])|[^\W_]+(?:['’][^\W\d_]+)?")
_INNER_YEAR = re.compile(r"(?:19|20)\d\d$")
_FISCAL = re.compile(r"fy(?:20)?(\d\d)$", re.IGNORECASE)
_STOP = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after all also am an and any are as at be been before being between both but by can
        could did do does done during each else ever few for from further had has have having he her here
        him his how i if in into is it its itself just many me more most much my no nor not of off on once only or
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
    "cost": ("expens", "price"),
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
    "cubic": ("m3",),
    "metr": ("m3",),
    "largest": ("biggest", "highest", "most"),
    "highest": ("largest", "most", "maximum"),
    "lowest": ("smallest", "least", "minimum"),
}


#: Stems of what is measured of a thing: an answer that gives another measure, or the measure of another thing, is none.
MEASURED = frozenset(
    re.findall(
        r"\w+",
        """
        price cost revenu sale turnov incom profit earn loss margin budget salari wage tax debt asset dividend
        expenditur energi power output consumpt emiss capac weight mass length width height depth area volum temperatur
        pressur speed distanc age popul headcount target forecast discount warranti
        """,
    )
)


@functools.lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The English stem of a lower-case word."""
    return str(_stemmer().stemWord(word))


@functools.cache
def _stemmer() -> Any:
    return Stemmer.Stemmer("english")


def tokens(text: str) -> list[str]:
    """Stems and plain numbers in order: "1,577.00" and "1577" are one; a year stands out of "FY2018" and "FY18"."""
    text = unicodedata.normalize("NFKC", text) if not text.isascii() else text
    text = _APART.sub("FY", text)
    found: list[str] = []
    for token in _TOKEN.findall(text):
        found += _forms(token)
    return found


@functools.lru_cache(maxsize=200_000)
def _forms(token: str) -> tuple[str, ...]:
    token = re.sub(r"['’]s?$", "", token)
    if token[0].isdigit() and not token[-1].isalpha():
        number = token.replace(",", "")
        return (number.rstrip("0").rstrip(".") if "." in number else number,)
    if any(c.isdigit() for c in token):  # D40, FY2018: whole, and its year
        if fiscal := _FISCAL.match(token):
            return (f"fy20{fiscal[1]}", f"20{fiscal[1]}")
        if year := _INNER_YEAR.search(token):
            return (token.lower(), year.group())
        return (token.lower(),)
    return (stem(token.lower()),)


_APART = re.compile(r"\b(?:FY|[Ff]iscal(?: year)?) ?['’]?(?=\d\d\b(?![.,]\d|%))")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question: its stem, its own weight before rarity, and stems that stand for it."""

    stem: str
    weight: float
    word: str = ""  # as it was asked
    alike: tuple[str, ...] = ()
    named: bool = False  # it begins with a capital, or mixes letters and digits


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is scored: terms once each in order, years, and what kind of thing would answer it."""

    terms: tuple[Term, ...]
    pairs: frozenset[tuple[str, str]]  # stems that stand side by side
    years: frozenset[str]
    names: frozenset[str]  # stems of capitalised words that begin no sentence
    measures: frozenset[str]  # stems of what is measured: price, revenue, energy
    wants: str  # "number", "date", "person", "yesno" or ""

    def word(self, stem: str) -> str:
        """A term as the user wrote it."""
        return next((term.word for term in self.terms if term.stem == stem and term.word), stem)

    def beside(self, whole: Question, share: float = 0.3) -> Question:
        """With the other words of the whole question at a share of their weight."""
        own = {term.stem for term in self.terms}
        others = [replace(term, weight=term.weight * share) for term in whole.terms if term.stem not in own]
        return replace(self, terms=(*self.terms, *others))


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


_PART = re.compile(
    r"(?:,|;|\?)?\s+and\s+(?=(?:(?:after|at|before|by|for|from|in|of|on|since|to|under|until|with)\s+)?"
    r"(?:how|what|which|who|whom|whose|when|where|why|is|are|was|were|does|did|do)\b)|[?;]\s+(?=\w)",
    re.IGNORECASE,
)


#: Says how to answer and asks nothing: "Answer in millions.", "Compare them."
_ORDER = re.compile(
    r"(?:please |kindly )?(?:answer|write|give|round|respond|reply|state|provide|express|return|format|use|show)\b"
    r"|compare(?: them\b|:)",
    re.IGNORECASE,
)


def parts(text: str) -> list[str]:
    """The questions in a question: "How many were sold, and what did they cost?" asks two, each in words of its own."""
    found = [part.strip() for part in _PART.split(text) if part and part.strip()]
    found = [part for part in found if not _ORDER.match(part)]
    whole = all(sum(term.weight >= 1 for term in read(part).terms) >= 2 for part in found)
    return found if 1 < len(found) <= 4 and whole else [text]


def read(text: str) -> Question:
    """Read a question."""
    terms: dict[str, Term] = {}
    names: set[str] = set()
    text = _APART.sub("FY", text)
    for match in _TOKEN.finditer(text):
        word = match.group()
        lower = word.lower()
        if lower in _STOP or (len(lower) == 1 and not lower.isdigit()):
            continue
        for one in tokens(word):
            fiscal = bool(_FISCAL.match(one))  # its year is a term of its own
            mixed = any(c.isdigit() for c in one) and any(c.isalpha() for c in one) and not fiscal
            first = not text[: match.start()].rstrip() or text[: match.start()].rstrip()[-1] in ".!?:"
            named = one not in _WEAK and (mixed or (word[0].isupper() and not first and one.isalpha()))
            if named:
                names.add(one)
            weight = 0.35 if one in _WEAK or fiscal else 1.5 if word[0].isdigit() or mixed else 1.25 if named else 1.0
            terms.setdefault(one, Term(one, weight, re.sub(r"['’]s$", "", word), _ALIKE.get(one, ()), named))
    found = [one for one in tokens(text) if one in terms]
    wants = (
        "number" if _NUMBER.search(text)
        else "date" if _DATE.search(text)
        else "person" if _PERSON.search(text)
        else "yesno" if _YESNO.search(text)
        else ""
    )  # fmt: skip
    years = frozenset(one for one in terms if re.fullmatch(r"(?:19|20)\d\d", one))
    measures = frozenset(terms) & MEASURED - names
    return Question(tuple(terms.values()), frozenset(pairwise(found)), years, frozenset(names), measures, wants)
