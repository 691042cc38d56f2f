"""Follow-ups and corrections become questions that stand on their own, by rules: no model, English.

The first law: a question that stands on its own is left as it is, to the letter. What follows on the question before
("and in 2019?", "no, the other report", "why?") takes its words over and replaces what is named anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ragsys.chatting import phrases, questions
from ragsys.chatting.naming import matching, words_of
from ragsys.chatting.pointing import Past, antecedent, pointing, resolved
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

    def to_json(self) -> JSON:
        """Stable keys: text, changed, by, only, note."""
        return {"text": self.text, "changed": self.changed, "by": self.by, "only": list(self.only), "note": self.note}


_MAX_FRAGMENT = 9  # words: what is longer is no mere fragment


def understand(asked: str, past: Sequence[Past], documents: Sequence[Document] = ()) -> Understood:
    """The question as it is meant after what came before, oldest first. Without a past it is what was asked.

    Greetings and thanks are no questions: nothing follows on them, and they are left as they are.
    """
    text = fold(asked)
    past = [turn for turn in past if not phrases.COURTESY.match(turn.question)]
    if not past or not text or phrases.COURTESY.match(text):
        return Understood(asked)
    return _Reading(asked, text, past, documents).read()


class _Reading:
    """One question, held against what came before."""

    def __init__(self, asked: str, text: str, past: Sequence[Past], documents: Sequence[Document]) -> None:
        self.asked, self.past, self.last, self.documents = asked, past, past[-1], documents
        text = text.rstrip(" ?!.")
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
        for rule in (self._directed, self._fixed):
            if (found := rule()) is not None:
                return found
        if self._stands():
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
        if pointing(self.text):
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
        if phrases.AGAIN.match(text):
            return self._made(last.question)
        if phrases.WHY.match(text):
            reason = f"What is the reason for {about}?" if not _clause(about) else ""
            return replace(self._made(reason or f"Why: {questions.body(last.question)}?"), about="why")
        if phrases.MORE.match(text):
            return self._made(f"Tell me more about {about}")
        if found := phrases.SHOW.match(text):
            return self._made(f"Show the {found['what'].lower()} with {about}", last.documents or last.only)
        if phrases.WHERE.match(text):
            return replace(self._made(last.question, last.documents or last.only), about="where")
        if phrases.SUM.match(text):
            return self._made(f"{text[:1].upper()}{text[1:]}: {about}" if not _clause(about) else last.question)
        if phrases.COMPARES.match(text) and len(self.past) > 1:
            other = questions.topic(self.past[-2].question)
            lead = re.sub(r"\s+(?:between|of) (?:them|the two|both|these|those)\b", "", text, flags=re.I)
            return self._made(f"{lead[:1].upper()}{lead[1:]}: {other} or {about}?", (), fresh=True)
        if phrases.BARE.match(text):
            counted = re.match(r"which\s+(.+)", questions.body(last.question), re.I)
            if text.lower() == "how many" and counted:
                return self._made(f"How many {counted.group(1)}?")
            return self._made(f"{questions.body(last.question)}, and {text[:1].lower()}{text[1:]}?")
        return None

    # -- fragments -------------------------------------------------------------------------------------------------

    def _fragment(self) -> Understood:
        """A few words that replace what is of their kind in the last question: period, name, measure; or are added."""
        text = phrases.TAIL.sub("", self.text)
        base = self.last.question
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
        if not known:
            return ""
        if phrases.BEFORE.match(text):
            return str(min(known) - 1)
        return str(max(known) + 1) if phrases.AFTER.match(text) else ""

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
            if before.islower() and not after and f"{before} " in base_body.lower():  # "valve V5"
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
        if not pointing(self.text):
            return self._gap(self.text)
        own = re.fullmatch(r"(?:what (?:is|was|are|were) )?(?:its|their|his|her)\s+(?P<what>[^?]+)", self.text, re.I)
        text = resolved(self.text, self.past)
        if own and not questions.asks(text):  # "and their price?"
            last = questions.body(self.last.question)
            dated = () if questions.periods(own["what"]) else questions.periods(last)
            period = f" {last[slice(*dated[-1])]}" if dated else ""
            owner = antecedent("its", self.past)
            return self._made(f"What {'was' if period else 'is'} the {own['what']} of {owner}{period}?")
        if not questions.asks(text) and len(questions.words(self.text)) < 4:  # "and before her?"
            self.text = text
            return self._fragment()
        if text == self.text:  # "in this report"
            only = self.last.documents if phrases.THIS.search(text) else ()
            return Understood(self.asked, only, bool(only), "rules" if only else "asked", sure=False)
        mark = "?" if questions.asks(text) else ""
        return self._made(f"{text[:1].upper()}{text[1:]}{mark}")

    def _gap(self, text: str) -> Understood:
        """A question without what it is about: "how many were sold?", "and how much training?"."""
        base = questions.body(self.last.question)
        counts = re.match(r"(?P<how>how (?:many|much)) (?P<was>(?:is|was|are|were|has been|have been) .+)$", text, re.I)
        if counts and (old := phrases.PREDICATE.search(base)):
            return self._made(f"{base[: old.start()]}{counts['was']}{base[old.end() :]}?")
        amount = re.match(r"how (?:many|much) (?P<what>[\w -]+)$", text, re.I)
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


def _clause(about: str) -> bool:
    return bool(re.match(r"(?:what|which|who|when|where|how|why|by|is|are|was|were|do|does|did|can)\b", about, re.I))
