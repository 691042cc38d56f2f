"""What a sentence claims that can be checked by rule: quantities, years, dates, names, negation, direction, words."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

_FOLD = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "′": "'", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-",
     "\u00ad": None, "\u200b": None, "ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl"}
)  # fmt: skip
_SCALES = {"hundred": 10**2, "thousand": 10**3, "thousands": 10**3, "k": 10**3, "million": 10**6, "millions": 10**6,
           "mn": 10**6, "m": 10**6, "billion": 10**9, "billions": 10**9, "bn": 10**9, "b": 10**9, "trillion": 10**12}  # fmt: skip
_SMALL = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_WORDS = {word: n for n, word in enumerate(re.findall(r"\w+", _SMALL), 2)} | {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}  # fmt: skip
_UNITS = {alias: unit for unit, aliases in {
    "km": "km kilometer kilometers kilometre kilometres", "m": "meter meters metre metres", "cm": "cm centimeters",
    "mm": "mm millimeter millimeters", "mi": "mile miles", "ft": "ft feet foot", "in": "inch inches", "kg": "kg kilogram kilograms",
    "g": "g gram grams", "mg": "mg milligrams", "t": "tonne tonnes", "ton": "ton tons", "lb": "lb lbs pound pounds",
    "l": "l liter liters litre litres", "ml": "ml", "s": "s sec second seconds", "ms": "ms milliseconds", "min": "min minute minutes",
    "h": "h hr hrs hour hours", "d": "day days", "wk": "week weeks", "mo": "month months", "yr": "year years yr yrs",
    "kb": "kb", "mb": "mb", "gb": "gb", "tb": "tb", "w": "w watt watts", "kw": "kw", "mw": "mw", "kwh": "kwh", "v": "v volt volts",
    "hz": "hz", "khz": "khz", "mhz": "mhz", "ghz": "ghz", "c": "°c celsius", "f": "°f fahrenheit", "bar": "bar", "kpa": "kpa",
    "people": "people persons", "employee": "employee employees", "times": "times", "share": "share shares", "n": "nm newton",
}.items() for alias in aliases.split()}  # fmt: skip
_MONTHS = {m: n for n, ms in enumerate(
    ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
     "september sept sep", "october oct", "november nov", "december dec"), 1) for m in ms.split()}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))

_QUANTITY = re.compile(
    r"(?P<open>\()?\s*(?P<currency>(?:US)?[$€£¥₹]|\b(?:USD|EUR|GBP|JPY|CHF)\b)?\s*(?P<minus>(?<![\w)])-\s?)?"
    r"(?P<open2>\()?(?P<currency2>[$€£¥₹])?\s*"
    rf"(?P<number>(?<![\w.,])\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![\w.])\d+(?:\.\d+)?|(?<![\w.])\.\d+|\b(?:{'|'.join(_WORDS)})\b)"
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
    r"(?<![\w.,$€£])(?:FY\s?'?(?P<short>\d{2})(?!\d)|(?:FY\s?)?(?P<year>(?:19|20)\d{2}))(?![\d%]|,\d{3}|\.\d)", re.I
)
_ABOVE = re.compile(
    r"\b(?:more than|greater than|over|above|at least|exceed(?:s|ed|ing)?|no less than|not less than)\s*$", re.I
)
_BELOW = re.compile(r"\b(?:less than|fewer than|under|below|up to|at most|no more than|not more than|within)\s*$", re.I)
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
_OUTFLOW = re.compile(
    r"\b(?:purchas|pa(?:y|id)|payment|spen[dt]|repa|expend|expens|cost|outflow|used|loss|decreas|declin|dividend|reduc|fell|drop)",
    re.I,
)
#: Pairs of sides: a claim that takes one side is not supported by words of the other.
_SIDES = [
    ("increase increases increased increasing rise rises rose risen rising grow grows grew grown growth growing climbed gained up",
     "decrease decreases decreased decreasing decline declines declined declining fall falls fell fallen drop drops dropped shrank"
     " reduce reduces reduced reduction down"),
    ("higher highest more most greater greatest larger largest above maximum max upper best better exceeds exceeded outperforms",
     "lower lowest less least fewer fewest smaller smallest below minimum min worst worse underperforms"),
    ("gain gains profit profits surplus profitable", "loss losses deficit unprofitable"),
    ("acquired acquire acquires bought buy purchase purchased", "sold sell sells divested sale disposed"),
    ("before prior earlier", "after later following subsequent"), ("include includes included including", "exclude excludes excluded excluding"),
    ("allow allows allowed permit permits permitted", "prohibit prohibits prohibited forbid forbids forbidden prevents"),
    ("accept accepted approve approved approves passed", "reject rejected rejects refused denied failed"),
    ("open opened opens opening launched started begin began", "closed close closes closing ended stopped ceased"),
    ("first earliest", "last latest"), ("always all every each", "never none"), ("win won wins", "lost lose loses"),
    ("enable enabled enables on", "disable disabled disables off"), ("positive", "negative"), ("left", "right"),
    ("north northern", "south southern"), ("east eastern", "west western"), ("hot warm", "cold cool"),
    ("must required mandatory", "optional may"), ("internal inside", "external outside"), ("import imports", "export exports"),
    ("strong stronger strongest", "weak weaker weakest"), ("easy easier", "hard harder difficult"), ("support supports", "oppose opposes"),
    ("male men man", "female women woman"), ("asset assets", "liability liabilities"), ("debit", "credit"), ("input", "output"),
]  # fmt: skip
_SIDE = {word: (n, side) for n, pair in enumerate(_SIDES) for side in (0, 1) for word in pair[side].split()}

#: Words that carry no claim of their own.
LIGHT = frozenset(
    """the a an and or of in on at to for from by with as is are was were be been being it its this that these those which who
    whom whose what when where how there their they them he she his her we our you your i also only than then so such into over
    under per between during about around approximately roughly nearly almost some any can will shall has have had do does did
    according report reports reported says said states stated state shows shown showed show given gives gave amount amounts
    amounted total totals totaled value values number figure year years fiscal ended ending respectively while whereas but both
    however thus therefore overall namely page table document section based listed using used via stands stood came come made
    make makes means mean equal equals equaled compared well very much many because since through within among against other
    """.split()  # noqa: SIM905
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


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read off a sentence."""

    text: str  # folded
    quantities: tuple[Quantity, ...]
    years: tuple[tuple[int, int], ...]  # (year, where)
    dates: tuple[tuple[int, int, int], ...]  # (year or 0, month, day or 0)
    names: tuple[str, ...]  # lower case, in order
    words: tuple[str, ...]  # lower-case content words that are no names, in order
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
    names, words = _terms(text, quantities)
    return Facts(
        text,
        quantities,
        tuple(years),
        dates,
        names,
        words,
        len(_NOT.findall(text)),
        bool(_MAYBE.search(text)),
        frozenset(_SIDE[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _SIDE),
    )


def side(word: str) -> tuple[int, int] | None:
    """The pair and side of a word that takes one."""
    return _SIDE.get(word)


def spends(text: str) -> bool:
    """Whether a sentence speaks of money that goes out, so that an account's parentheses need no minus."""
    return bool(_OUTFLOW.search(text))


def scales(text: str) -> frozenset[int]:
    """The scales that a caption or header declares: "in millions", "(Thousands)", "$m"."""
    found = {
        _SCALES[word.lower()]
        for word in re.findall(r"(?:\bin|\(|\bUSD|[$€£])\s*(?:[$€£]|USD|EUR|U\.S\. dollars)?\s*(thousands?|millions?|billions?|mn|bn|m)\b", text, re.I)
    }  # fmt: skip
    return frozenset(found)


@functools.lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The English stem (Snowball) of a lower-case word."""
    return str(_stemmer().stemWord(word))


@functools.cache
def _stemmer():  # type: ignore[no-untyped-def]
    import Stemmer

    return Stemmer.Stemmer("english")


def _year(match: re.Match[str]) -> int:
    return int(match["year"]) if match["year"] else 2000 + int(match["short"])


def _dates(text: str) -> tuple[tuple[tuple[int, int, int], ...], str]:
    found = []
    rest = text
    for match in _DATE.finditer(text):
        group = {key[0]: value for key, value in match.groupdict().items() if value}
        month = _MONTHS.get(group["m"].lower()) or int(group["m"] if group["m"].isdigit() else 0)
        day = int(group.get("d", 0))
        if not 1 <= month <= 12 or day > 31:
            continue
        found.append((int(group.get("y", 0)), month, day))
        rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    return tuple(found), rest


def _quantities(text: str) -> list[Quantity]:
    found = []
    for match in _QUANTITY.finditer(text):
        start, end = match.span("number")
        if re.search(r"[A-Za-z]-$", text[:start]) or re.match(r"-[A-Za-z]\b|[A-Za-z]*\d|\.\d", text[end:]):
            continue  # COVID-19, 10-K, 3D2, 1.2.3 are names
        number = match["number"].lower()
        value = Decimal(_WORDS[number]) if number in _WORDS else Decimal(number.replace(",", ""))
        after, after2 = (match["after"] or "").lower(), (match["after2"] or "").lower()
        currency = (match["currency"] or match["currency2"] or "").upper().replace("US$", "$").replace("USD", "$")
        attached = bool(match["after"]) and match.start("after") == end
        scaled = after in _SCALES and (len(after) > 2 or (attached and bool(currency)) or after in ("bn", "mn"))
        if attached and not scaled and after not in _UNITS:
            continue  # 3M, 4x4: a name
        if scaled:
            value *= _SCALES[after]
            after, after2 = after2, ""
        if after in ("dollar", "dollars", "euro", "euros"):
            currency, after = ("$" if after.startswith("d") else "€"), ""
        percent = (match["percent"] or "").lower()
        before = text[: match.start()]
        found.append(
            Quantity(
                value,
                start,
                end,
                {"EUR": "€", "GBP": "£", "JPY": "¥"}.get(currency, currency),
                "pp"
                if percent.startswith(("percentage", "pp"))
                else "bp"
                if percent[:1] == "b"
                else "%"
                if percent
                else "",
                scaled,
                _UNITS.get(after, ""),
                bool(match["minus"]),
                bool((match["open"] or match["open2"]) and match["close"]),
                ">" if _ABOVE.search(before) else "<" if _BELOW.search(before) else "",
            )
        )
    return found


_TOKEN = re.compile(r"[^\W_](?:[\w&+#]|[-./'](?=\w))*")


def _terms(text: str, quantities: tuple[Quantity, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    taken = {quantity.start for quantity in quantities}
    names, words = [], []
    for match in _TOKEN.finditer(text):
        token = re.sub(r"'s?$", "", match.group())
        lower = token.lower()
        if match.start() in taken or _YEAR.fullmatch(token) or lower in _WORDS or (lower in _SCALES and len(lower) > 1):
            continue
        if (
            (lower in _MONTHS
            and lower != "may")
            or lower in LIGHT
            or lower in _UNITS
            or lower in ("percent", "dollars", "usd")
        ):
            continue
        if re.fullmatch(r"[\d.,:/-]+", token):
            names.append(lower)  # a version, a code, a time: exact or not at all
            continue
        first = match.start() == 0
        inner = any(c.isupper() for c in token[1:]) or any(c.isdigit() for c in token)
        if inner or (token[0].isupper() and not first):
            names.append(lower)
        elif len(lower) > 2 or not lower.isascii():
            words.append(lower)
    return tuple(names), tuple(words)
