"""Follow-ups and corrections become questions that stand on their own, by rules: no model, English.

The first law: a question that stands on its own is left as it is, to the letter. What follows on the question before
("and in 2019?", "no, the other report", "why?") takes its words over and replaces what is named anew. What points at
nothing, or at several things, is asked back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ragsys import smalltalk
from ragsys.chatting import comparing, phrases, questions
from ragsys.chatting.clarifying import by_place, filled, lost
from ragsys.chatting.naming import matching, words_of
from ragsys.chatting.pointing import Past, antecedent, dated, known_person, pointing, resolved, spoken_of, unled
from ragsys.claims import fold
from ragsys.types import JSON, Document, Usage

#: What of the answer before is asked: why it is so, or where it stands.
About = Literal["", "why", "where"]


@dataclass(frozen=True, slots=True)
class Understood:
    """A question as it is asked of the library."""

    text: str
    only: tuple[str, ...] = ()  # ids of the documents that it is asked of; empty: all
    changed: bool = False  # whether it was understood from what came before
    by: Literal["asked", "rules", "model"] = "asked"
    sure: bool = True  # False: a language model, where there is one, is asked how it is meant
    note: str = ""  # of documents: "in d40-manual.pdf"; of a rewrite that was refused
    usage: Usage = field(default_factory=Usage)  # of the model that rewrote it
    about: About = ""  # the answer before, where it is asked about
    back: str = ""  # what is asked in return: it cannot be told what is meant, and nothing is searched

    def to_json(self) -> JSON:
        """Stable keys: text, changed, by, only, note, back."""
        return {
            "text": self.text,
            "changed": self.changed,
            "by": self.by,
            "only": list(self.only),
            "note": self.note,
            "back": self.back,
        }


_MAX_FRAGMENT = 9  # words: what is longer is no mere fragment
_RECENT = 3  # turns among which a thing that is named is looked for
_SINGLE = frozenset(("it", "its", "that", "this", "one", "he", "she", "him", "his", "her", "hers"))


def understand(asked: str, past: Sequence[Past], documents: Sequence[Document] = ()) -> Understood:
    """The question as it is meant after what came before, oldest first. Without a past it is what was asked.

    Greetings and thanks are no questions: nothing follows on them, and they are left as they are. A few words after a
    question that was asked back say what it meant.
    """
    text = fold(asked)
    if not text or smalltalk.kind(text):
        return Understood(asked)
    open_ = past[-1] if past and past[-1].back else None
    past = [unled(turn) for turn in past if not turn.back and not smalltalk.kind(turn.question)]
    if open_ is not None and (told := filled(open_.question, open_.answer, text)):
        found = understand(told, past, documents)
        return found if found.changed or found.back else replace(found, changed=True, by="rules")
    if not past:
        return Understood(asked, back=lost(text))
    return _Reading(asked, text, past, documents).read()


class _Reading:
    """One question, held against what came before."""

    def __init__(self, asked: str, text: str, past: Sequence[Past], documents: Sequence[Document]) -> None:
        self.asked, self.past, self.last, self.documents = asked, past, past[-1], documents
        text = phrases.SHORT.sub(r"\1 is ", text.rstrip(" ?!."))
        self.led = self.corrects = self.about = False
        while True:
            for pattern, name in ((phrases.NO, "corrects"), (phrases.LED, "led"), (phrases.ABOUT, "about")):
                found = pattern.match(text)
                if found and (found.end() < len(text) or name != "corrects"):
                    text = text[found.end() :]
                    setattr(self, name, True)
                    break
            else:
                break
        if found := phrases.NOT.search(text):
            rest = f"{text[: found.start()]}{text[found.end() :]}".strip(" ,")
            if rest and not questions.asks(text):
                text, self.corrects = rest, True
        self.text = text

    def read(self) -> Understood:
        if not self.text:
            return self._made(self.last.question)
        things = comparing.asked_of_things(self.past)
        held = self if len(things) == len(self.past) else _Reading(self.asked, self.text, things, self.documents)
        for rule in (self._directed, self._fixed, self._transferred, held._compared, held._chosen):
            if (found := rule()) is not None:
                return found
        if self._relative(phrases.TAIL.sub("", self.text)):
            return self._fragment()
        then, self.text = self.text, dated(self.text, self.past)
        if self._stands():
            if then != self.text:
                return self._made(f"{self.text[:1].upper()}{self.text[1:]}?")
            return Understood(self.asked, sure=self._rich())
        if questions.asks(self.text) or pointing(self.text):
            return self._resolved()
        return self._fragment()

    # -- does it stand on its own ----------------------------------------------------------------------------------

    def _stands(self) -> bool:
        said = questions.content(self.text)
        count = len(questions.words(self.text))
        if self.about and count > _MAX_FRAGMENT:  # "What about the roof makes it leak when it rains?"
            return True
        if pointing(self.text) or phrases.UNOWNED.match(self.text):
            return False
        if questions.asks(self.text):
            return len(said) > 1 or (len(said) == 1 and count > 3 and not self.led and self._new(said))
        if self.about or self.corrects:
            return count > _MAX_FRAGMENT
        first = questions.words(self.text)[:1]
        if first and first[0] in questions.PREPOSITIONS:
            return len(said) > 4
        order = 1 if phrases.ORDER.match(self.text) else 0  # "list all fault codes"
        if self.led:
            return len(said) + order > 4
        return len(said) + order > 2 or (bool(said) and not self._continues())

    def _new(self, said: list[str]) -> bool:
        return not {*said} <= {*questions.content(self.last.question)}

    def _continues(self) -> bool:
        """A few words without a verb go on with the question before if they are a period, or a name or a measure
        where that has one; else they are searched for as they stand."""
        if questions.PERIOD.fullmatch(self.text) or questions.PART.fullmatch(self.text):
            return True
        bare = re.sub(r"^(?:the|an?)\s+", "", self.text, flags=re.I)
        named = questions.names(f"- {bare}")
        if named and len(bare.split()) <= 4:
            return bool(questions.names(questions.body(self.last.question)))
        asked = questions.measure(self.last.question)
        known = asked is not None and questions.is_attribute(questions.body(self.last.question)[slice(*asked)])
        return questions.is_attribute(bare) and known and "?" in self.asked

    def _rich(self) -> bool:
        """Whether a question that stands names what it is about, so that no model need be asked."""
        said = questions.content(self.text)
        named = bool(questions.names(self.text) or questions.periods(self.text))
        points = phrases.POINTS.search(self.text)
        return points is None and ((named and len(said) > 1) or len(said) > 3)

    # -- what is said about documents ------------------------------------------------------------------------------

    def _directed(self) -> Understood | None:
        """The same question of other documents: "no, the other report", "in the annual report"."""
        text = phrases.TAIL.sub("", self.text)
        ids = [one.id for one in self.documents]
        cited = self.last.documents[:1]
        other = phrases.OTHER.match(text)
        if other:
            rest = [one for one in ids if one not in cited]
            kind = other["kind"] or ""
            if kind and not other["not"]:
                alike = [one.id for one in matching(kind, self.documents) if one.id not in cited]
                rest = alike or rest
            return self._made(self.last.question, rest if cited else ())
        source = phrases.SOURCE.match(text)
        if source is None or (source["says"] is None and not source["kind"]):
            return None
        if source["says"] is not None and source["about"]:
            return None
        chosen = matching(source["name"], self.documents)
        if not chosen or len(chosen) == len(ids):
            return None
        return self._made(self.last.question, [one.id for one in chosen])

    # -- what is said in a few fixed words -------------------------------------------------------------------------

    def _fixed(self) -> Understood | None:
        text = phrases.TAIL.sub("", self.text)
        last = self.last
        about = questions.topic(last.question)
        if phrases.REFUSED.match(text) or (self.corrects and not text):
            rest = [one.id for one in self.documents if one.id not in last.documents[:1]]
            return self._made(last.question, rest if last.documents else ())
        if phrases.AGAIN.match(text) or (phrases.HELD.match(text) and not questions.PART.search(text)):
            return self._made(last.question)
        if phrases.REST.match(text):
            return self._back(f"Which do you mean by “{text}”? Name the things.")
        if phrases.CHOSEN.match(text):
            return self._one_of(text)
        if phrases.WHY.match(text):
            reason = f"What is the reason for {about}?" if not questions.is_clause(about) else ""
            return replace(self._made(reason or f"What is the reason: {questions.body(last.question)}?"), about="why")
        if phrases.MORE.match(text):
            return self._made(f"Tell me more about {about}")
        if found := phrases.SHOW.match(text):
            return self._made(f"Show the {found['what'].lower()} with {about}", last.documents or last.only)
        if phrases.WHERE.match(text):
            return replace(self._made(last.question, last.documents or last.only), about="where")
        if phrases.SUM.match(text):
            return self._made(
                f"{text[:1].upper()}{text[1:]}: {about}" if not questions.is_clause(about) else last.question
            )
        if phrases.BARE.match(text):
            counted = re.match(r"which\s+(.+)", questions.body(last.question), re.I)
            if text.lower() == "how many" and counted:
                return self._made(f"How many {counted.group(1)}?")
            return self._made(f"{questions.body(last.question)}, and {text[:1].lower()}{text[1:]}?")
        return None

    def _one_of(self, text: str) -> Understood:
        """ "the first", "both": of the questions that were asked together or one after another."""
        several = questions.apart(self.last.question)
        chosen = by_place(several if len(several) > 1 else comparing.run(self.past), text)
        return self._made(comparing.together(chosen)) if chosen else self._back(f"“{text}”: of what? Name the things.")

    # -- the same of something else, and of several things -----------------------------------------------------------

    def _transferred(self) -> Understood | None:
        """ "is that also true for the D120?": the same question of what is named."""
        found = phrases.TRANSFER.match(phrases.TAIL.sub("", self.text)) or phrases.TRANSFER.match(self.text)
        if found is None:
            return None
        rest = found["rest"] or found["named"]
        if found["named"] and not self._bare(rest):
            return None
        return self._again(rest)

    def _compared(self) -> Understood | None:
        """ "compare the D40 and the D120", "how much more is that than in 2024?": the same question of both."""
        found = comparing.pair(phrases.TAIL.sub("", self.text))
        if found is None or not (found.sides[0] == "" or self._beside(found.sides, loose=not found.how)):
            return None
        base = self._about(found.sides)
        if base is None:
            return None
        first, second = found.sides
        if first:
            asked = [self._of(base, side, found.sides) for side in found.sides]
        else:
            asked = questions.apart(self.last.question)
            if len(asked) > 1 and {match.group().lower() for match in pointing(self.text)} & _SINGLE:
                return self._which(pointing(self.text)[0].group(), asked)
            asked += [self._of(one, second, found.sides) for one in asked]
        text = comparing.together(comparing.by_measure(asked, found.how), found.how)
        return self._made(text, fresh=True) if len(questions.apart(text)) > 1 else None

    def _beside(self, sides: Sequence[str], *, loose: bool) -> bool:
        """Whether sides only name things or periods; `loose`: also a thing beside one that was asked about."""
        asked = " ".join(turn.question.lower() for turn in self.past[-_RECENT:])
        loose = loose and any(comparing.plain(side).lower() in asked for side in sides)
        return all(
            self._bare(side)
            or (loose and len(questions.words(side)) <= 4 and not pointing(side) and not questions.is_attribute(side))
            for side in sides
        )

    def _bare(self, side: str) -> bool:
        """Whether some words only name a thing or a period, in no other words than those of the questions before."""
        held = f"- {side}"
        for start, end in sorted([*questions.periods(held), *questions.names(held)], reverse=True):
            held = f"{held[:start]} {held[end:]}"
        asked = {word for turn in self.past[-_RECENT:] for word in questions.content(turn.question)}
        return (
            {*questions.content(held)} <= asked
            and not questions.is_attribute(comparing.plain(side))
            and not pointing(side)
        )

    def _about(self, sides: Sequence[str]) -> str | None:
        """The question that sides are compared by: the last that names one of them, or names a thing of their kind."""
        named = [comparing.plain(side) for side in sides if side]
        for turn in reversed(self.past[-_RECENT:]):
            for one in questions.apart(turn.question):
                if any(name.lower() in one.lower() for name in named):
                    return one
        one = questions.apart(self.last.question)[0]
        if not sides[0]:
            return one
        known = [one[slice(*place)] for place in questions.names(one)]
        periods = all(questions.periods(f"- {name}") for name in named)
        alike = any(
            questions.is_code(old) == questions.is_code(new) and (old[0] == new[0] or not questions.is_code(new))
            for old in known
            for new in named
        )
        return one if periods or alike or (not known and questions.measure(one)) else None

    def _of(self, base: str, side: str, sides: Sequence[str]) -> str:
        """The question about one of the sides."""
        name = comparing.plain(side)
        if name.lower() in base.lower():
            return base
        for other in map(comparing.plain, sides):
            if other and other.lower() in base.lower() and not questions.periods(f"- {name}"):
                return re.sub(re.escape(other), lambda _: name, base, flags=re.IGNORECASE)
        return self._with(base, side)._fragment().text

    def _chosen(self) -> Understood | None:
        """ "which sold best in that year?", "what is the difference?": of the things that were spoken of before."""
        how = comparing.choice(phrases.TAIL.sub("", self.text))
        if not how:
            return None
        how = resolved(how, self.past)
        several = comparing.run(self.past)
        if comparing.measured_by(how) and len(set(map(questions.thing, several))) < 2:
            several = several[-1:]
        if len(several) > 1:
            spots = questions.periods(how)
            period = how[slice(*spots[-1])] if spots else ""
            asked = [questions.with_period(one, period) if period else one for one in several]
            return self._made(comparing.together(comparing.by_measure(asked, how), how))
        kind = questions.kind(self.last.question)
        if kind and how.startswith("which "):
            return self._made(f"Which of the {kind} {how.removeprefix('which ')}", fresh=True)
        return self._back(f"“{self.text}”: of what? Name the things to compare, or what kind of thing is meant.")

    def _which(self, word: str, several: Sequence[str]) -> Understood:
        listed = " or ".join(map(questions.topic, several))
        return self._back(f"Which do you mean by “{word}”: {listed}?")

    def _with(self, question: str, text: str = "") -> _Reading:
        """The same reading, or one of another text, after another question than the last one."""
        past = [*self.past[:-1], replace(self.last, question=question)]
        return _Reading(self.asked, text or self.text, past, self.documents)

    def _again(self, text: str) -> Understood:
        """A fragment held against each of the questions that were asked last."""
        found = [self._with(one, text)._fragment() for one in questions.apart(self.last.question)]
        return replace(found[0], text=comparing.together([one.text for one in found]))

    # -- fragments -------------------------------------------------------------------------------------------------

    def _fragment(self) -> Understood:
        """A few words that replace what is of their kind in the last question: period, name, measure; or are added."""
        text = phrases.TAIL.sub("", self.text)
        base = self.last.question
        if len(questions.apart(base)) > 1:
            return self._again(text)
        dated = questions.periods(text)
        when = f" {text[dated[-1].start :]}" if dated and dated[-1].start > 0 and dated[-1].end == len(text) else ""
        listed = re.sub(r"^(?:for|of|both)\s+", "", text.removesuffix(when.strip()).strip())
        several = re.split(r"\s*(?:,|\band\b|\bor\b)\s*", listed)
        if len(several) > 1 and not questions.PERIOD.fullmatch(text) and all(map(comparing.is_name, several)):
            asked = [self._with(base, f"{one}{when}")._fragment().text for one in several]
            return self._made(comparing.together(asked), fresh=True)
        if relative := self._relative(text):
            return self._made(questions.with_period(base, relative), fresh=True)
        one = phrases.ONE.match(text)
        text = text[one.end() :] if one else text
        spot = next(iter(questions.periods(text)), None)
        if spot is None and (part := questions.PART.search(text)):
            spot = questions.Place(*part.span())
        period = text[slice(*spot)] if spot else ""
        rest = f"{text[: spot.start]} {text[spot.end :]}".strip(" ,") if spot else text
        rest = re.sub(r"\s+", " ", rest)
        rest = re.sub(r"^(?:in|of|for|from|at|on|with)\s+", "", rest) if one else rest
        done = base
        found = re.match(r"(?:(?P<prep>[a-z]+)\s+)?(?:the\s+|an?\s+)?(?P<rest>.*)$", rest)
        prep = (found["prep"] or "").lower() if found else ""
        prep = prep if prep in questions.PREPOSITIONS and not one else ""
        body = re.sub(rf"^{prep}\s+", "", rest) if prep else rest
        body = re.sub(r"^(?:only|just|also)\s+", "", re.sub(r"^(?:the|an?)\s+(?=[A-Z\d])", "", body))
        if not set(questions.words(body)) <= questions.PREPOSITIONS:  # "and in" says nothing
            done = self._replaced(done, body, prep, rest)
        if period:
            done = questions.with_period(done, re.sub(r"^of\s+", "in ", period))
        return self._made(done, fresh=bool(body or period))

    def _relative(self, text: str) -> str:
        """ "the year before" -> "2017"."""
        known = questions.years(self.last.question) or questions.years(self.last.answer)
        for phrase, step, nearest in ((phrases.BEFORE, -1, min), (phrases.AFTER, 1, max)):
            if known and (found := phrase.match(text)):
                count = found["count"] or "1"
                return str(nearest(known) + step * (phrases.COUNTS.get(count.lower()) or int(count)))
        return ""

    def _replaced(self, base: str, body: str, prep: str, rest: str) -> str:
        held = f"- {body}"
        named = [questions.Place(p.start - 2, p.end - 2) for p in questions.names(held)]
        base_body = questions.body(base)
        if named and len(named) == 1:
            before, name, after = body[: named[0].start].strip(), body[slice(*named[0])], body[named[0].end :].strip()
            if prep in ("before", "after", "since", "until", "like", "without", "besides", "except", "than"):
                return f"{base_body}, {rest}?"
            if not before and (not after or after == "'s"):
                return questions.with_name(base, name, prep)
            noun = before.islower() and before not in questions.PREPOSITIONS
            if noun and not after and f"{before} " in base_body.lower():  # "valve V5"
                return questions.with_name(base, body, prep)
            of = re.fullmatch(r"(?:the )?(?P<measure>.+?) (?:of|for|at) (?:the )?", body[: named[0].start])
            if of and not after:
                return questions.with_measure(questions.with_name(base, name), of["measure"])
        if phrases.ALONG.match(rest):
            return f"{base_body}, {rest}?"
        if prep in ("for", "of", "") or (prep in ("with", "about", "on") and questions.is_attribute(body)):
            bare = " " not in body and body.islower() and not re.match(r"(?:the|an?)\s", rest, re.I)
            if bare and not questions.is_attribute(body):
                if questions.names(base_body) and not body.endswith("s"):  # "borg"
                    return questions.with_name(base, body, prep)
                if body.endswith(("wide", "ly")):
                    return f"{base_body}, {body}?"
            return questions.with_measure(base, body)
        return f"{base_body}, {rest}?"

    # -- questions with a gap --------------------------------------------------------------------------------------

    def _resolved(self) -> Understood:
        """A question that points back: what it points at is put in; the subject of one that has none is added."""
        points = pointing(self.text)
        if not points:
            return self._gap(self.text)
        words = {match.group().lower() for match in points}
        if spoken_of(self.past) is None and not known_person(self.past) and not phrases.THIS.search(self.text):
            return self._back(f"What does “{points[0].group()}” refer to? Please name it.")
        several = questions.apart(self.last.question)
        if len(several) == 1 and (pair := comparing.pair(questions.body(self.last.question))) and pair.sides[0]:
            several = list(pair.sides)
        if len({questions.PERIOD.sub("", one) for one in several}) < len(several):  # one thing, in several periods
            return self._with(several[0])._resolved()
        if len(several) > 1 and words & _SINGLE and not phrases.THIS.search(self.text):
            return self._which(points[0].group(), several)
        if words & phrases.PERSON and not known_person(self.past):
            return self._back(f"Who is meant by “{points[0].group()}”? Nobody was named before.")
        if len(several) > 1 and words <= {"they", "them", "their", "theirs", "these", "those"}:
            return self._made(comparing.together([self._with(one)._resolved().text for one in several]))
        own = re.fullmatch(r"(?:what (?:is|was|are|were) )?(?:its|their|his|her)\s+(?P<what>[^?]+)", self.text, re.I)
        text = resolved(self.text, self.past)
        if own and not questions.asks(text):  # "and their price?"
            last = questions.body(self.last.question)
            spots = () if questions.periods(own["what"]) else questions.periods(last)
            period = f" {last[slice(*spots[-1])]}" if spots else ""
            owner = antecedent("its", self.past)
            return self._made(f"What {'was' if period else 'is'} the {own['what']} of {owner}{period}?")
        if not questions.asks(text) and len(questions.words(self.text)) < 4:  # "and before her?"
            self.text = text
            return self._fragment()
        if text == self.text:
            return self._unresolved(points[0])
        mark = "?" if questions.asks(text) else ""
        return self._made(f"{text[:1].upper()}{text[1:]}{mark}")

    def _unresolved(self, point: re.Match[str]) -> Understood:
        """A word that points at no thing of the question before: at a document, at something of the answer, or lost."""
        if phrases.THIS.search(self.text):  # "in this report"
            only = self.last.documents
            return Understood(self.asked, only, bool(only), "rules" if only else "asked", sure=False)
        noun = re.match(r"\s+([a-z]+)", self.text[point.end() :])
        if noun and re.search(
            rf"\b{re.escape(noun[1])}", self.last.answer, re.I
        ):  # "that town", which the answer names
            text = f"{self.text[: point.start()]}the{self.text[point.end() :]}"
            return self._made(f"{text[:1].upper()}{text[1:]}?", self.last.documents)
        said = f"{point.group()}{noun.group() if noun else ''}"
        return self._back(f"What does “{said}” refer to? It was not named before.")

    def _back(self, asked: str) -> Understood:
        """What is meant cannot be told: it is asked back."""
        return Understood(self.asked, sure=False, back=asked)

    def _gap(self, text: str) -> Understood:
        """A question without what it is about: "how many were sold?", "and how much training?"."""
        base = questions.body(self.last.question)
        counts = re.match(r"(?P<how>how (?:many|much)) (?P<was>(?:is|was|are|were|has been|have been) .+)$", text, re.I)
        if counts and (old := phrases.PREDICATE.search(base)):
            return self._made(f"{base[: old.start()]}{counts['was']}{base[old.end() :]}?")
        amount = None if phrases.UNOWNED.match(text) else re.match(r"how (?:many|much) (?P<what>[\w -]+)$", text, re.I)
        asked = questions.measure(base)
        if amount and asked is not None and re.match(r"(?:by |for )?how (?:many|much)\b", base, re.I):
            return self._made(f"{text[:1].upper()}{text[1:]}{base[asked.end :]}?")
        about = questions.topic(self.last.question)
        return self._made(f"{text[:1].upper()}{text[1:]}: {about}?")

    def _made(self, text: str, only: Sequence[str] = (), *, fresh: bool = False) -> Understood:
        """`fresh`: something was replaced, so that documents that only hold what was there before are left."""
        chosen = tuple(only)
        if not chosen and self.last.only:
            kept = {one.id: one for one in self.documents}
            old = {*questions.content(self.last.question)} - {*questions.content(text)}
            named = {word for doc in self.last.only if doc in kept for word in words_of(kept[doc])}
            chosen = () if fresh and old & named else self.last.only
        return Understood(text, chosen, True, "rules", sure=False)
