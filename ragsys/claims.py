"""What a sentence claims that can be checked by rule: quantities, years, dates, names, negation, direction, words."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ragsys.vocabulary import LIGHT, MEASURES, MONTHS, NUMBERS, SCALES, SIDES, UNITS

_FOLD = str.maketrans(
    {
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("’‘′", "'"),
        **dict.fromkeys("–—−‐‑", "-"),
        **dict.fromkeys("\u00ad\u200b"),
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬀ": "ff",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
    }
)
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))

_QUANTITY = re.compile(
    r"(?P<open>\()?\s*+(?P<currency>(?:US)?[$€£¥₹]|\b(?:USD|EUR|GBP|JPY|CHF)\b)?\s*+(?P<minus>(?<![\w)])-\s?)?"
    r"(?P<open2>\()?(?P<currency2>[$€£¥₹])?\s*+"
    r"(?P<number>(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])\d+(?:\.\d+)?|(?<![\w.])\.\d+"
    rf"|\b(?:{'|'.join(NUMBERS)})\b)"
    r"(?P<close>\s?\))?"
    r"(?:\s*(?P<percent>%|percentage points?\b|percent\b|per cent\b|basis points\b|pp\b|bps\b))?"
    r"(?:[\s-]*(?P<after>°?[A-Za-z]+))?(?:[\s-]+(?P<after2>[A-Za-z]+))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m1>{_MONTH})\b\.?,?(?:\s+(?P<y1>\d{{4}}))?"
    rf"|(?P<m2>{_MONTH})\b\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<y2>\d{{4}}))?"
    rf"|(?P<m3>{_MONTH})\b\.?,?\s+(?P<y3>\d{{4}})|(?P<y4>\d{{4}})-(?P<m4>\d{{2}})-(?P<d4>\d{{2}}))",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"(?<![\w.,$€£])(?:(?:FY|Fiscal)\s?'?(?P<short>\d{2})(?!\d)|(?:FY\s?)?(?P<year>(?:19|20)\d{2}))"
    r"(?![\d%]|,\d{3}|\.\d)",
    re.I,
)
_ABOVE = re.compile(
    r"\b(?:more than|greater than|over|above|at least|exceed(?:s|ed|ing)?|no less than|not less than)\s*$", re.I
)
_BELOW = re.compile(r"\b(?:less than|fewer than|under|below|up to|at most|no more than|not more than|within)\s*$", re.I)
_BOUNDS = re.compile(r"\b(?:at (?:least|most)|(?:more|less|fewer|greater) than|up to|no (?:more|less) than)\b", re.I)
_NOT = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|neither|nor|without|cannot|lacks?|lacked|lacking|fails?|failed|unable|absence"
    r"|excluding|excludes?|except)\b|n't\b|\bnon-",
    re.I,
)
_MAYBE = re.compile(
    r"\b(?:might|could|would|should|expects?|expected|plans?|planned|proposed|projected|forecasts?|possibly|possible|potentially"
    r"|potential|alleged|allegedly|intends?|if|unless)\b|\bmay\b(?!\s+\d)",
    re.I,
)
_DECLARED = re.compile(
    r"(?:\bin|\(|\bUSD|[$€£])\s*(?:[$€£]|USD|EUR|U\.S\. dollars)?\s*(thousands?|millions?|billions?|mn|bn|m)\b", re.I
)
_OUTFLOW = re.compile(
    r"\b(?:purchas|pa(?:y|id)|payment|spen[dt]|repa|expend|expens|cost|outflow|used|loss|decreas|declin|dividend|reduc|fell|drop)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it counts. `value` holds the scale: 1.5 million is 1,500,000."""

    value: Decimal
    start: int
    end: int
    currency: str = ""
    percent: str = ""  # "%", "pp" (percentage points) or "bp"
    scaled: bool = False  # a scale word stands beside it
    unit: str = ""
    negative: bool = False  # a minus stands before it
    bracketed: bool = False  # it stands in parentheses: negative in accounts
    bound: str = ""  # ">" (more than, at least), "<" (up to, less than)
    noun: str = ""  # the word behind it where that is no unit: what is counted


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read off a sentence."""

    text: str  # folded
    quantities: tuple[Quantity, ...]
    years: tuple[tuple[int, int], ...]  # (year, where)
    dates: tuple[tuple[int, int, int], ...]  # (year or 0, month, day or 0)
    names: tuple[str, ...]  # lower case, in order
    words: tuple[str, ...]  # lower-case content words that are no names, in order
    lead: str  # the first word, lower case, where it begins with a capital and is no light word: it may be a name
    negations: int
    hedged: bool
    sides: frozenset[tuple[int, int]]


def fold(text: str) -> str:
    """One form for quotes, hyphens, ligatures and blanks; case is kept. The length may change."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text.translate(_FOLD))).strip()


@functools.lru_cache(maxsize=1024)
def facts(text: str) -> Facts:
    """Read a sentence."""
    text = fold(text)
    dates, rest = _dates(text)
    years = [(_year(match), match.start()) for match in _YEAR.finditer(text)]
    # years and days of dates are no quantities: blank them, keeping every offset
    for match in _YEAR.finditer(rest):
        rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    quantities = tuple(_quantities(rest))
    names, words = _terms(text, rest, quantities)
    plain = _BOUNDS.sub(" ", text)  # "at least" takes no side: it bounds a quantity
    return Facts(
        text,
        quantities,
        tuple(years),
        dates,
        names,
        words,
        _lead(text),
        len(_NOT.findall(text)),
        bool(_MAYBE.search(text)),
        frozenset(SIDES[word] for word in re.findall(r"[a-z]+", plain.lower()) if word in SIDES),
    )


def side(word: str) -> tuple[int, int] | None:
    """The pair and side of a word that takes one."""
    return SIDES.get(word)


def spends(text: str) -> bool:
    """Whether a sentence speaks of money that goes out, so that an account's parentheses need no minus."""
    return bool(_OUTFLOW.search(text))


def scales(text: str) -> frozenset[int]:
    """The scales that a caption or header declares: "in millions", "(Thousands)", "$m"."""
    return frozenset(SCALES[word.lower()] for word in _DECLARED.findall(text))


@functools.lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The English stem (Snowball) of a lower-case word."""
    return str(_stemmer().stemWord(word))


@functools.cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def _year(match: re.Match[str]) -> int:
    return int(match["year"]) if match["year"] else 2000 + int(match["short"])


def _dates(text: str) -> tuple[tuple[tuple[int, int, int], ...], str]:
    found = []
    rest = text
    for match in _DATE.finditer(text):
        group = {key[0]: value for key, value in match.groupdict().items() if value}
        month = MONTHS.get(group["m"].lower()) or int(group["m"] if group["m"].isdigit() else 0)
        day = int(group.get("d", 0))
        if not 1 <= month <= 12 or day > 31:
            continue
        found.append((int(group.get("y", 0)), month, day))
        rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    return tuple(found), rest


_BEFORE = 120  # characters before a number that are looked at: all of them would be the square of a page of numbers


def _quantities(text: str) -> list[Quantity]:
    found = []
    for match in _QUANTITY.finditer(text):
        start, end = match.span("number")
        if re.search(r"[A-Za-z]-$", text[max(0, start - 2) : start]) or re.match(
            r"-[A-Za-z]\b|[A-Za-z]*\d|\.\d", text[end:]
        ):
            continue  # COVID-19, 10-K, 3D2, 1.2.3 are names
        number = match["number"].lower()
        value = Decimal(NUMBERS[number]) if number in NUMBERS else Decimal(number.replace(",", ""))
        after, after2 = (match["after"] or "").lower(), (match["after2"] or "").lower()
        currency = (match["currency"] or match["currency2"] or "").upper().replace("US$", "$").replace("USD", "$")
        attached = bool(match["after"]) and match.start("after") == end
        scaled = after in SCALES and (len(after) > 2 or (attached and bool(currency)) or after in ("bn", "mn"))
        if attached and not scaled and after not in UNITS:
            continue  # 3M, 4x4: a name
        if scaled:
            value *= SCALES[after]
            after, after2 = after2, ""
        if after in ("dollar", "dollars", "euro", "euros"):
            currency, after = ("$" if after.startswith("d") else "€"), ""
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        found.append(
            Quantity(
                value,
                start,
                end,
                {"EUR": "€", "GBP": "£", "JPY": "¥"}.get(currency, currency),
                _percent((match["percent"] or "").lower()),
                scaled,
                UNITS.get(after, ""),
                bool(match["minus"]),
                bool((match["open"] or match["open2"]) and match["close"]),
                ">" if _ABOVE.search(before) else "<" if _BELOW.search(before) else "",
                "" if len(after) < 3 or after in LIGHT or after in UNITS or after in MEASURES else after,
            )
        )
    return found


def _lead(text: str) -> str:
    match = _TOKEN.search(text)
    if match is None or not match.group()[0].isupper():
        return ""
    word = re.sub(r"'s?$", "", match.group()).lower()
    return "" if word in LIGHT else word


def _percent(word: str) -> str:
    """ "%", "pp" (percentage points), "bp" (basis points), or nothing."""
    if word.startswith(("percentage", "pp")):
        return "pp"
    return "bp" if word.startswith("b") else "%" if word else ""


_TOKEN = re.compile(r"[^\W_](?:[\w&+#]|[-./'](?=\w))*")


def _terms(text: str, rest: str, quantities: tuple[Quantity, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and content words. `rest` is the text with its dates and years blanked."""
    for quantity in quantities:
        rest = rest[: quantity.start] + " " * (quantity.end - quantity.start) + rest[quantity.end :]
    for match in _BOUNDS.finditer(text):
        rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    names, words = [], []
    for match in _TOKEN.finditer(rest):
        token = re.sub(r"'s?$", "", match.group())
        lower = token.lower()
        if lower in LIGHT or lower in UNITS or lower in MEASURES or (lower in MONTHS and lower != "may"):
            continue
        if (lower in SCALES and len(lower) > 1) or token.isdigit() or _NOT.fullmatch(lower):
            continue
        if re.fullmatch(r"[\d.,:/-]+", token):
            names.append(lower)  # a version, a code, a time: exact or not at all
            continue
        first = not text[: match.start()].strip(" \"'(•-")
        inner = any(c.isupper() for c in token[1:]) or any(c.isdigit() for c in token)
        if inner or (token[0].isupper() and not first):
            names.append(lower)
        elif len(lower) > 2 or not lower.isascii():
            words.append(lower)
    return tuple(names), tuple(words)
