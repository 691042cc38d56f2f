"""An English question taken apart: its periods, names, measure and subject, and the same question about something else.

The shapes are told by the place of question words, auxiliaries and prepositions; nothing is looked up but short lists.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ragsys.claims import fold, stem
from ragsys.vocabulary import LIGHT, MONTHS

_MONTH = "|".join(sorted((month for month in MONTHS if month != "may"), key=len, reverse=True))
_PART = (
    r"(?:Q[1-4]|H[12]|(?:the\s+)?(?:first|second|third|fourth|last|1st|2nd|3rd|4th)\s+(?:quarter|half|six months)"
    rf"|(?:early|mid|late)|(?:\d{{1,2}}\s+)?(?:{_MONTH}|May)\b)"
)
_UNIT = (
    rf"(?:{_PART}(?:\s+of)?[\s,-]+)?(?:the\s+)?(?:(?:fiscal|financial|business)\s+)?(?:year\s+)?"
    r"(?:(?:FY\s?)?(?:19|20)\d{2}(?:/\d{2,4})?(?![\d%-]|[.,]\d)|FY\s?'?\d{2})\b"
)
_WHEN = r"(?:in|for|during|of|from|since|until|till|by|at the end of|as of|between|over)"
#: A period with the preposition before it: "in 2018", "from 2017 to 2018", "in the third quarter of 2019", "in March".
PERIOD = re.compile(
    rf"(?:\b{_WHEN}\s+)?(?<![\w.-])(?:{_UNIT}(?:\s*(?:to|and|through|until|or|,|-)\s*{_UNIT})*)", re.IGNORECASE
)
#: A part of a year without its year.
PART = re.compile(rf"(?:\b{_WHEN}\s+)?(?<![\w-]){_PART}(?![\w-])", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d{2}")
_BARE = re.compile(rf"^{_WHEN}\s+", re.IGNORECASE)

_WORD = re.compile(r"[^\W_](?:[\w&+#]|[-./'](?=\w))*")


def _set(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text))


_ASKS = _set("what which who whom whose when where why how")
AUXILIARIES = _set(
    "is are was were be been do does did has have had can could will would shall should may might must 's"
)
PREPOSITIONS = _set(
    """of for in at by per during from on to with between under over against among across within through about after
    before since until towards into as than without"""
)
_STOPS = _ASKS | AUXILIARIES | PREPOSITIONS | _set("the a an its their his her our any and or but that not")
#: What is asked about a thing, not a thing itself: it is replaced by another such word, and never by a thing.
ATTRIBUTES = frozenset(
    map(
        stem,
        _set(
            """revenue revenues sales turnover income profit profits loss margin earnings ebitda ebit eps cost costs
            price expense expenses expenditure spending budget assets liabilities debt equity cash capital dividend
            growth rate share number amount total average median mean percentage ratio count size length width height
            depth weight mass volume area capacity output yield power energy consumption demand supply pressure
            temperature speed voltage current frequency duration age date deadline lifetime efficiency accuracy
            precision recall score population headquarters address name title employees headcount staff salary pay
            chairman chairwoman chairperson ceo cfo executive director president head manager auditor founder owner
            successor predecessor author target goal forecast value level range limit interval purpose reason cause
            effect meaning definition risk risks colour color warranty fee tax"""
        ),
    )
)
_CAPITAL = r"(?:[A-Z][\w&+]*(?:[-.'/][A-Z\d][\w]*)*|[A-Za-z]+-?\d[\w-]*|\d+[A-Za-z][\w-]*)"
_NAME = re.compile(rf"{_CAPITAL}(?:\s+(?:(?:of|and|for|the|de|von|&)\s+){{0,2}}(?={_CAPITAL}){_CAPITAL})*")
_CODE = re.compile(r"^[A-Za-z]*-?\d[\w-]*$")


#: "In the chart on page 25, what ..."
_LATER = re.compile(
    r"[,:]\s*(?:(?:in|for|by|of|from|at|on|to)\s+)?(?:what|which|who|whom|when|where|why|how|is|are|do|does|did)\b",
    re.I,
)


class Place(NamedTuple):
    """`text[start:end]`."""

    start: int
    end: int


def words(text: str) -> list[str]:
    """The words of a text, lower case."""
    return [re.sub(r"'s?$", "", match.group()).lower() for match in _WORD.finditer(fold(text))]


def content(text: str) -> list[str]:
    """The words that say what a text is about: none of the light ones, question words, auxiliaries."""
    light = LIGHT | _STOPS | {"please", "me", "us", "one", "ones", "there", "if", "no"}
    return [word for word in words(text) if word not in light and (len(word) > 1 or word.isdigit())]


def asks(text: str) -> bool:
    """Whether a text begins as a question does: with a question word, maybe behind a preposition, or an auxiliary."""
    first = words(text)[:3]
    if not first:
        return False
    if first[0] in PREPOSITIONS:
        return any(word in _ASKS for word in first[1:3]) or bool(_LATER.search(text))
    return first[0] in _ASKS or first[0] in AUXILIARIES


def body(question: str) -> str:
    """A question without its mark, on one line."""
    return fold(question).rstrip(" ?.!")


# -- periods -----------------------------------------------------------------------------------------------------------


def periods(text: str) -> list[Place]:
    """Where the periods of a text stand, each with its preposition."""
    return [Place(*match.span()) for match in PERIOD.finditer(text)]


def without_preposition(period: str) -> str:
    """ "in 2018" -> "2018"."""
    return _BARE.sub("", period)


def years(text: str) -> list[int]:
    """The years of a text, in order."""
    return [int(match.group()) for place in periods(text) for match in _YEAR.finditer(text[slice(*place)])]


def with_period(question: str, period: str) -> str:
    """The question about another period; `period` may bring its own preposition."""
    text = body(question)
    period = period.strip(" ,?.")
    known = periods(text)
    whole = bool(PERIOD.search(period))
    if not known:
        own = period if _BARE.match(period) else f"in {period}"
        return f"{text} {own}?"
    start, end = known[-1]
    old = text[start:end]
    if not whole:  # a part of the year that is known: "in the third quarter"
        year = _YEAR.search(old)
        period = f"{period} of {year.group()}" if year and " " in _BARE.sub("", period) else f"{period} {old}"
        if year and " of " not in period:
            period = f"{period.removesuffix(old).strip()} {year.group()}"
    before = _BARE.match(old)
    ranged = len(_YEAR.findall(old)) > 1
    own_word = _BARE.match(period)
    if not own_word:
        period = f"{before.group() if before and not ranged else 'in ' if before or ranged else ''}{period}"
    elif not before and not text[:start].rstrip().endswith(("'s",)) and text[:start].strip():
        period = _BARE.sub("", period) if text[:start].rstrip().split(" ")[-1].lower() in PREPOSITIONS else period
    return f"{text[:start]}{period}{text[end:]}?"


# -- names -------------------------------------------------------------------------------------------------------------


def names(text: str) -> list[Place]:
    """Where names and codes stand: "Nordwind Energy AG", "D40", "E07"; the word that begins a question is none."""
    dated = periods(text)
    found = []
    for match in _NAME.finditer(text):
        start, end = match.span()
        first = _WORD.match(text, start)
        if first and start == 0 and (first.group().lower() in _STOPS or first.group().lower() in LIGHT):
            rest = _NAME.search(text, first.end())
            if rest is None or rest.end() > end:
                continue
            start, end = rest.span()
        if re.match(r"(?:I|We|You|USD|EUR|GBP|FY\d*)$", text[start:end]) or any(
            p.start < end and start < p.end for p in dated
        ):
            continue
        if start == 0 and not _CODE.match(text[:end]) and asks(text):
            continue
        found.append(Place(start, end))
    return found


def is_code(name: str) -> bool:
    """Whether a name is letters and digits: D40, E07."""
    return bool(_CODE.match(name.split(" ")[-1]))


def with_name(question: str, name: str, preposition: str = "") -> str:
    """The question about another name, put where the name of the same kind stands; else added at its end."""
    text = body(question)
    name = re.sub(r"'s?$", "", name.strip())
    place = _rival(text, name, preposition)
    if place is None:
        dated = periods(text)
        at = dated[-1].start if dated and dated[-1].end == len(text) else len(text)
        added = f"{preposition or 'for'} {name}"
        return f"{text[:at].rstrip()} {added} {text[at:]}".rstrip() + "?"
    return f"{text[: place.start]}{name}{text[place.end :]}?"


def _rival(text: str, name: str, preposition: str) -> Place | None:
    known = names(text)
    if not known:
        return None
    head, _, last = name.rpartition(" ")
    for place in known:  # "valve V5" for "valve V3"
        if head and head.islower() and text[: place.start].lower().endswith(f"{head} "):
            return Place(place.start - len(head) - 1, place.end)
    if preposition:
        beside = [place for place in known if _before(text, place.start) == preposition]
        if beside:
            return beside[-1]
        if preposition in ("in", "at", "on", "near", "per", "with", "to", "from"):  # another relation: it is added
            return None
    alike = [place for place in known if is_code(text[slice(*place)]) == is_code(last)]
    if not alike and not is_code(last):  # "Europe" is none of the codes: it is added
        return None
    alike = alike or known
    if is_code(last):
        initial = [place for place in alike if text[place.start] == last[0]]
        return (initial or alike)[-1]
    owners = [p for p in alike if text[p.end :].startswith("'s") or _before(text, p.start) in ("of", "for", "by")]
    others = [p for p in alike if _before(text, p.start) not in ("in", "at", "on")]
    return (owners or others or alike)[-1]


def _before(text: str, at: int) -> str:
    """The word before a place, over an article."""
    found = re.search(r"(\w+)\s+(?:the\s+|an?\s+)?$", text[:at])
    return found.group(1).lower() if found else ""


# -- measure and subject -----------------------------------------------------------------------------------------------

_DONE = re.compile(r"\w(?:ed|en|ilt|old|ent|ught|ade|aid|ound)$", re.IGNORECASE)  # a participle at the end
_OF = rf"(?=\s+(?:{'|'.join(sorted(PREPOSITIONS))})\b|\s*$)"
_BE = r"(?:is|was|are|were|will be|has been|have been)"
_MEASURES = (
    re.compile(
        rf"^(?:what|which|who|where|when|how (?:high|large|big|low))(?:\s+{_BE}|'s)\s+(?:the\s+|an?\s+)?"
        rf"(?:[A-Z][\w&. -]*?'s?\s+)?(?P<slot>\w[\w -]*?){_OF}",
        re.IGNORECASE,
    ),
    re.compile(r"^how (?:many|much)\s+(?P<slot>(?!of\b)[\w-][^?]*?)(?=\s+(?:is|are|was|were|do|does|did|has|have|can"
               r"|will|must|may|should|could)\b)", re.IGNORECASE),
    re.compile(rf"\b(?:did|does|do|has|have)\s+(?:the\s+)?(?:[A-Z][\w&-]*'s?\s+)?(?P<slot>[a-z][\w -]*?){_OF}"),
)  # fmt: skip


def measure(question: str) -> Place | None:
    """What is asked of something: "revenue" of "What was the revenue of Acme in 2018?"."""
    text = body(question)
    for pattern in _MEASURES:
        found = pattern.search(text)
        if found:
            start, end = found.span("slot")
            if re.match(r"(?:when|where)\b", text, re.I) and _DONE.search(text[start:end]):
                continue
            dated = [place for place in periods(text) if start < place.start < end]
            return Place(start, dated[0].start - 1) if dated else Place(start, end)
    return None


def asked_for(question: str) -> str:
    """What is asked of something, "rent" of "What is the rent in Ghent?"; empty where nothing of the kind is."""
    asked = measure(question)
    return body(question)[slice(*asked)].lower() if asked else ""


_DO = re.compile(r"\b(?P<aux>do|does|did|must|can|could|should|will|would|may|might|has|have|had)\s+", re.IGNORECASE)
_WAS = re.compile(r"\b(?P<aux>is|are|was|were)\s+(?=(?:the|an?)\b|[A-Z])")


def subject(question: str) -> Place | None:
    """Who or what does it: "the plant in Graz" of "When did the plant in Graz open?"."""
    text = body(question)
    dated = periods(text)
    end = dated[-1].start if dated and dated[-1].end == len(text) else len(text)
    found = _DO.search(text)
    if found is None:
        found = _WAS.search(text)
        if found is None or not re.match(r"(?:when|where|how|why)\b", text, re.IGNORECASE):
            return None
        if not any(_DONE.search(word) for word in text[found.end() : end].split()):
            return None
    tokens = [Place(*match.span()) for match in re.finditer(r"\S+", text[:end]) if match.start() >= found.end()]
    lower = [text[slice(*token)].lower().strip(",") for token in tokens]
    if not tokens:
        return None
    verb = next((n for n, word in enumerate(lower) if n and word in ("be", "been", "have")), 0)
    if not verb:
        first = next((n for n, word in enumerate(lower) if n and word in PREPOSITIONS), len(lower))
        heads = [n for n in range(first) if lower[n] not in ("the", "a", "an")]
        named = not text[tokens[0].start : tokens[0].end].islower() or lower[0] not in ("the", "a", "an")
        verb = first - 1 if len(heads) > 1 or (heads and named and first > 1) else len(lower) - 1
    if verb < 1:
        return None
    return Place(tokens[0].start, tokens[verb - 1].end)


def with_measure(question: str, phrase: str) -> str:
    """The question about another measure or another thing, put where the one of the same kind stands."""
    text = body(question)
    phrase = re.sub(r"^(?:the|an?)\s+", "", phrase.strip(" ?.,"), flags=re.IGNORECASE)
    asked, acting = measure(text), subject(text)
    attribute = is_attribute(phrase)
    if (same := _same_head(text, phrase)) is not None:
        return f"{text[: same.start]}{phrase}{text[same.end :]}?"
    known = asked is not None and is_attribute(text[slice(*asked)])
    thing = _thing(text, asked)
    if asked is not None and (attribute or not known) and not (acting and not attribute):
        start, end = asked
        return f"{text[:start]}{phrase}{text[end:]}?"
    for place in (None if attribute else thing, acting):
        if place is not None:
            article = re.match(r"(?:the|an?)\s+", text[place.start :], re.IGNORECASE)
            return f"{text[: place.start]}{article.group() if article else 'the '}{phrase}{text[place.end :]}?"
    if not attribute and (made := _WHO_DID.match(text)):
        return f"{text[: made.start('rest')]}{phrase}?"
    return f"{text}, and the {phrase}?"


def is_attribute(phrase: str) -> bool:
    """Whether a phrase names something that is asked of a thing: "operating margin", "number of employees"."""
    head = re.split(rf"\s+(?:{'|'.join(sorted(PREPOSITIONS))})\s+", phrase.strip().lower())[0].split(" ")[-1]
    return stem(head) in ATTRIBUTES


def _same_head(text: str, phrase: str) -> Place | None:
    """The words of the text that end as the phrase does: "pulse flushing" for "fixed interval flushing"."""
    tokens = phrase.split(" ")
    if len(tokens) < 2:
        return None
    found = list(re.finditer(r"[\w'-]+", text))
    for n, token in enumerate(found):
        if n and token.group().lower() == tokens[-1].lower():
            first = n
            while first and found[first - 1].group().lower() not in _STOPS and n - first < 3:
                first -= 1
            if first < n and first:
                return Place(found[first].start(), token.end())
    return None


def _thing(text: str, asked: Place | None) -> Place | None:
    """What the measure is of: "the actuator" of "the price of the actuator in 2018"."""
    if asked is None:
        return None
    match = re.match(r"\s+(?:of|for)\s+", text[asked.end :])
    if match is None:
        return None
    start = asked.end + match.end()
    after = [place.start for place in periods(text) if place.start > start]
    end = after[0] if after else len(text)
    return Place(start, len(text[:end].rstrip()))


#: The last sentence of a text that asks the same about several things begins with it.
COMPARE = "Compare"
_NEXT = re.compile(
    rf",?\s+and\s+(?=(?:(?:{'|'.join(sorted(PREPOSITIONS))})\s+)?(?:{'|'.join(sorted(_ASKS))})\b)", re.IGNORECASE
)

_ANY = "|".join(sorted((_ASKS | AUXILIARIES) - {"'s"}))
#: The same in a text that says that it asks several.
_NEXT_OF_SEVERAL = re.compile(rf",\s+and\s+(?=(?:(?:{'|'.join(sorted(PREPOSITIONS))})\s+)?(?:{_ANY})\b)", re.IGNORECASE)


def apart(question: str) -> list[str]:
    """The questions in a text that asks several, each whole; what only says how they are compared is left out."""
    text, several, _ = body(question).partition(f"? {COMPARE}")
    found = [one.strip() for one in (_NEXT_OF_SEVERAL if several else _NEXT).split(text)]
    if len(found) < 2 or not all(asks(one) and len(content(one)) > 1 for one in found):
        return [question]
    return [f"{one[:1].upper()}{one[1:]}?" for one in found]


def alike(one: str, other: str) -> bool:
    """Whether two questions ask the same of different things: more than half of their words are the same, around one
    stretch that is not."""
    mine, theirs = content(one), content(other)
    most = min(len(mine), len(theirs))
    before = next((n for n in range(most) if mine[n] != theirs[n]), most)
    behind = next((n for n in range(most - before) if mine[-1 - n] != theirs[-1 - n]), most - before)
    return 2 * (before + behind) > max(len(mine), len(theirs))


def kind(question: str) -> str:
    """The kind of thing that a question is about, in the plural: "units" of "How many D40 units ...?"; else empty."""
    found = thing(question)
    for start, end in reversed(names(f"- {found}")):
        found = f"{found[: start - 2]} {found[end - 2 :]}"
    found = re.sub(r"\s+", " ", re.sub(r"^(?:the|an?)\s+", "", found.strip(), flags=re.IGNORECASE)).strip()
    head = re.split(r"\s+that\s+", found)[0]
    many = re.search(r"(?:[^s]s|ies|people|children)$", head)
    return found if many and not set(words(head)) & (PREPOSITIONS | _ASKS) and not is_attribute(head) else ""


def topic(question: str) -> str:
    """What a question is about, as words that another question can be made with: "the revenue of Acme in 2018"."""
    if len(several := apart(question)) > 1:
        return " and ".join(map(topic, several))
    text = body(question)
    what = re.match(
        rf"(?:what|which|who|where|how (?:high|large|big|low))(?:\s+{_BE}|'s)\s+(?P<rest>.+)", text, re.IGNORECASE
    )
    if what:
        return what["rest"]
    count = re.match(r"how many\s+(?P<what>.+?)\s+(?:were|was|are|is)\s+(?P<rest>.+)", text, re.IGNORECASE)
    if count:
        return f"the number of {count['what']} {count['rest']}"
    count = re.match(r"how many\s+(?P<what>[\w-]+)\s+(?P<rest>(?P<verb>[a-z]+)\s+.+)", text, re.IGNORECASE)
    if count and count["verb"] not in AUXILIARIES | PREPOSITIONS and not _DO.search(text):
        return f"the number of {count['what']} that {count['rest']}"
    acting, aux = subject(text), _DO.search(text) or _WAS.search(text)
    if acting is not None and aux is not None:  # "how often the membranes must be cleaned"
        parts = (text[: aux.start()], text[slice(*acting)], aux["aux"], text[acting.end :])
        text = re.sub(r"\s+", " ", " ".join(parts))
    told = re.match(
        r"(?:tell me (?:more )?about|show (?:me )?the \w+ with|describe|explain)\s+(?P<rest>.+)", text, re.I
    )
    if told:
        return told["rest"]
    return text[:1].lower() + text[1:] if asks(text) else text


_CLAUSE = re.compile(
    r"(?:(?:on|in|at|for|by|with|to|from|of) )?(?:what|which|who|when|where|how|why)\b"
    r"|(?:by|is|are|was|were|do|does|did|can)\b",
    re.IGNORECASE,
)


def is_clause(about: str) -> bool:
    """Whether a topic is a question turned round, "why the revenue did fall", and no thing."""
    return bool(_CLAUSE.match(about))


#: "how do I fix fault code E07": what is spoken of is what is done, not who does it
_BY_US = re.compile(
    r"\b(?:do|does|did|can|could|must|should|may)\s+(?:i|we|you|one)\s+(?:(?:have|need)\s+to\s+)?\w+\s+(?P<rest>\S.*)",
    re.I,
)


#: "who wrote the letter": what was done
_AUX = "|".join(sorted(AUXILIARIES - {"'s"}))
_WHO_DID = re.compile(
    rf"who\s+(?!(?:{_AUX})\b)[a-z]+\s+(?!(?:{'|'.join(sorted(PREPOSITIONS))})\b)(?P<rest>\S.*)", re.IGNORECASE
)


def thing(question: str) -> str:
    """What `it` means after a question: what its measure is of, what acts in it, or all that it asks for."""
    text = body(question)
    asked, acting = measure(text), subject(text)
    which = re.match(
        r"which\s+(?P<what>[\w -]+?)\s+(?P<rest>(?:need|use|have|are|were|is|was|do|can|must)\w*\b.*)", text, re.I
    )
    if which:
        return f"the {which['what']} that {which['rest']}"
    owner = re.search(r"\b([A-Z][\w&-]*(?: [A-Z][\w&-]*)*)'s\b", text)
    if owner and owner.start():
        return owner.group(1)
    if asked is not None and acting is None:
        of = _thing(text, asked)
        if is_attribute(text[slice(*asked)]) and of is not None:
            return text[slice(*of)]
        if re.match(r"how (?:many|much)\b", text, re.IGNORECASE):
            return text[slice(*asked)]
        if is_attribute(text[slice(*asked)]) and (known := names(text)):
            return text[slice(*known[-1])]
    own = _BY_US.search(text)
    if own:
        return own["rest"]
    if acting is not None:
        inside = measure(text)
        if (
            inside
            and acting.start <= inside.start
            and is_attribute(text[slice(*inside)])
            and (of := _thing(text, inside))
        ):
            return text[of.start : min(of.end, acting.end)]
        return text[slice(*acting)]
    if made := _WHO_DID.match(text):
        return made["rest"]
    if (known := names(text)) and asked is None:
        return text[slice(*known[-1])]
    found = topic(text)
    dated = periods(found)
    return found[: dated[-1].start].strip() if dated and dated[-1].end == len(found) else found
