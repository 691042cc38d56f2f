"""A reply becomes a draft: a model's marked text, its JSON of the answer's schema, or sentences that come whole.

Whatever a model writes ends here in sentences with marks, or in none. Nothing of it is believed: `citing` proves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ragsys import sentences
from ragsys.codec import plain, restore
from ragsys.errors import GenerationError
from ragsys.replying.marks import QUOTE, MarkFilter, find
from ragsys.replying.partial import SentenceReader
from ragsys.types import JSON, Draft, Evidence, Mark, Sentence
from ragsys.wording import counted

Status = Literal["answered", "partial", "abstained"]

NOT_FOUND = "NOT FOUND"
#: What is read of a reply: characters, sentences, marks of a sentence, characters of a note.
CHARACTERS, SENTENCES, MARKS, NOTE = 60_000, 100, 12, 300
CITE = 100  # characters of an id in JSON
EMPTY = "the model wrote nothing"
UNREAD = "the model's reply is no answer that could be read"
ABSENT = "the pages that were found do not hold the answer"

#: What a model that is asked for JSON fills in.
SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["answered", "partial", "not_found"]},
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "cites": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"block": {"type": "string"}, "quote": {"type": "string"}},
                            "required": ["block", "quote"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["text", "cites"],
                "additionalProperties": False,
            },
        },
        "missing": {"type": "string"},
    },
    "required": ["status", "sentences", "missing"],
    "additionalProperties": False,
}

_HOLD = "\ue000"  # stands for a mark while sentences are cut; `clean` takes it out of every reply
# controls but tab and line feed, marks that turn the direction of text, half of a pair, private characters
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ue000]")
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]P_^X][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
_NONE_LEAD = re.compile(
    r"^(?:[\s*_\"'#>`“”.-]|(?i:(?:final )?answer\s*:)|</?\w+>){0,40}"
    r"(?:NOT[ _]FOUND\b|(?i:not[ _]found)(?=\s*(?:[.:!,;*\"'”_]|$)))"
)
_NONE_LATER = re.compile(r"\bNOT[ _]FOUND\b")
_REFUSED = re.compile(
    r"^\W*(?:i(?:'m| am) (?:sorry|afraid|unable)|sorry\b|unfortunately\b|as an ai\b"
    r"|i (?:cannot|can't|can not|could not|couldn't|do not know|don't know|won't|will not)\b"
    r"|(?:the )?(?:\w+ )?(?:pages?|documents?|context|evidence|texts?|information|sources?)"
    r"(?: (?:provided|given|above|shown|supplied|that (?:was|were) (?:given|provided|found)))? (?:do|does|did) not\b"
    r"|there is (?:no|not enough|insufficient) (?:information|mention|answer|evidence)\b|no (?:answer|information)\b"
    r"|(?:it|this) is not (?:mentioned|stated|specified|given)\b|not (?:mentioned|specified|stated|available)\b)",
    re.I,
)

#: What models call an answer in JSON that nobody asked them for.
_ANSWERS = frozenset(("answer", "final_answer", "response", "text"))


def written(text: Any, data: Any, evidence: Sequence[Evidence]) -> Draft:
    """The draft of a reply, from `data` where there is any, else from the text.

    Raises `GenerationError` if `data` is of a generator that gives its sentences with marks, but not of that form.
    """
    if isinstance(data, Mapping) and _is_own(data):
        return _own(data, evidence)
    body = clean(text if isinstance(text, str) else "")[:CHARACTERS].strip()
    if not (isinstance(data, Mapping) and "sentences" in data):
        data = loads(body)
    if isinstance(data, Mapping):
        return _filled(data, body, evidence)
    if body.startswith(("{", "```")) and '"sentences"' in body:
        return salvaged(body, evidence)
    return _marked(body, evidence)


def _is_own(data: Mapping[str, Any]) -> bool:
    given = data.get("sentences")
    return (
        data.get("status") in ("answered", "partial", "abstained")
        and isinstance(given, list | tuple)
        and ("note" in data or any(isinstance(one, Mapping) and "marks" in one for one in given))
    )


def _own(data: Mapping[str, Any], evidence: Sequence[Evidence]) -> Draft:
    """Of a generator that is no language model: sentences with marks, status, note, confidence."""
    try:
        found: JSON = plain(data)
        made: tuple[Sentence, ...] = restore(tuple[Sentence, ...], found["sentences"])
        if not all(
            isinstance(one.text, str)
            and all(
                type(mark.evidence) is int and type(mark.block) is int and isinstance(mark.quote, str)
                for mark in one.marks
            )
            for one in made
        ):
            raise TypeError("a text or a mark is of another type")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise GenerationError(f"the generator's sentences are not of the expected form: {error}") from error
    sure = found.get("confidence")
    confidence = min(1.0, max(0.0, float(sure))) if isinstance(sure, int | float) else None
    return Draft(made, tuple(evidence), found["status"], str(found.get("note", "")), confidence)


# -- marked text -----------------------------------------------------------------------------------------------------


def _marked(body: str, evidence: Sequence[Evidence]) -> Draft:
    pages = tuple(evidence)
    if not body:
        return Draft((), pages, "abstained", EMPTY)
    if lead := _NONE_LEAD.match(body):
        return Draft((), pages, "abstained", _reason(body[lead.end() :]) or ABSENT)
    made, status, note = parse(body, evidence), "answered", ""
    if body.startswith("{") and not any(one.marks for one in made):  # an object, and no sentences
        inner = _inner(body)
        return _marked(inner, evidence) if inner else Draft((), pages, "abstained", UNREAD)
    if not any(one.marks for one in made) and made and _REFUSED.match(made[0].text):
        return Draft((), pages, "abstained", _reason(body) or ABSENT)
    if any(_NONE_LATER.search(one.text) for one in made):  # an answer, and then that there is none
        kept = tuple(one for one in made if not _NONE_LATER.search(one.text))
        made, status, note = kept, "partial", "the model says both an answer and that it found none"
    if not made:
        return Draft((), pages, "abstained", note or UNREAD)
    return _settled(made, pages, "partial" if status == "partial" else "answered", note)


def _inner(body: str) -> str:
    """The answer of an object of another form, where it holds one; of one inside it, nothing."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = [text for key, text in found.items() if key.lower() in _ANSWERS and isinstance(text, str)]
    return "" if len(said) != 1 or said[0].lstrip().startswith("{") else said[0].strip()


def parse(text: str, evidence: Collection[Evidence] = ()) -> tuple[Sentence, ...]:
    """Sentences and their marks. Marks after a full stop belong to the sentence before it; where a reply begins with
    a mark and ends without one, each belongs to what follows it."""
    text = clean(text)
    marks: list[tuple[Mark, ...]] = []
    parts, at = [], 0
    for found in find(text, evidence):
        parts += [text[at : found.start], found.shown]
        if found.marks:
            parts.append(_HOLD)
            marks.append(found.marks)
        at = found.end
    held = "".join([*parts, text[at:]])
    leading = held.lstrip().startswith(_HOLD) and not re.search(rf"{_HOLD}[\s.!?]*$", held)
    if not leading:
        held = re.sub(rf"([.!?。！？]+[\"'”’)]*)\s*((?:{_HOLD}\s*)+)", lambda m: f"{_bare(m[2])}{m[1]} ", held)
    result: list[Sentence] = []
    taken = 0
    for start, end in sentences.split(held):
        part = held[start:end]
        count = part.count(_HOLD)
        body = re.sub(r"\s+", " ", re.sub(rf"\s*{_HOLD}\s*", " ", part)).strip()
        body = re.sub(r"\s+([.,;:!?])", r"\1", body)
        of = tuple(mark for group in marks[taken : taken + count] for mark in group)[:MARKS]
        taken += count
        if body.strip(".,;: "):
            result.append(Sentence(body, of))
        elif result and of:  # marks that stand alone belong to what they follow
            result[-1] = Sentence(result[-1].text, (result[-1].marks + of)[:MARKS])
    return tuple(result)


def _bare(text: str) -> str:
    return re.sub(r"\s", "", text)


# -- JSON ------------------------------------------------------------------------------------------------------------


def loads(text: str) -> Any:
    """The JSON object that a text holds, alone, in a code fence or after a few words; None if there is none.

    Of duplicated keys the last counts; NaN and infinities are null; numbers stay as they are written, so that block
    3.10 is not block 3.1.
    """
    start = text.find("{")
    if start < 0 or start > 200 or _NONE_LEAD.match(text):
        return None
    end = text.rfind("}") + 1
    try:
        found = json.loads(text[start:end], parse_float=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and ("sentences" in found or "status" in found) else None


def _filled(data: Mapping[str, Any], body: str, evidence: Sequence[Evidence]) -> Draft:
    """Of the schema, as far as it is kept to: what is of another form is left out, never guessed."""
    pages = tuple(evidence)
    given = data.get("sentences")
    made = tuple(
        sentence
        for one in (given if isinstance(given, list | tuple) else ())[: 2 * SENTENCES]
        for sentence in _sentences(one, evidence)
    )
    missing = _reason(data.get("missing"))
    status = str(data.get("status", "answered")).lower()
    if status in ("not_found", "not found", "abstained"):
        return Draft((), pages, "abstained", missing or ABSENT)
    if not made:
        unread = bool(given) or not isinstance(given, list | tuple)
        return Draft((), pages, "abstained", UNREAD if unread else missing or ABSENT)
    if status == "partial":
        return _settled(made, pages, "partial", missing and f"the model misses: {missing}")
    return _settled(made, pages, "answered", "")


def _sentences(one: Any, evidence: Collection[Evidence]) -> list[Sentence]:
    """One entry of `sentences`: mostly one sentence; marks in its text are its marks too."""
    text = one.get("text") if isinstance(one, Mapping) else one
    if not isinstance(text, str):
        return []
    cites = one.get("cites", ()) if isinstance(one, Mapping) else ()
    marks = tuple(mark for cite in (cites if isinstance(cites, list | tuple) else [cites]) for mark in _cited(cite))
    made = parse(text[:CHARACTERS], evidence)
    if _NONE_LEAD.match(text) and not marks:
        return []
    return [replace(sentence, marks=(*marks, *sentence.marks)[:MARKS]) for sentence in made]


def _cited(cite: Any) -> tuple[Mark, ...]:
    """The marks of one citation: "3.7", "[3.7]", 3.7, {"block": "3.7", "quote": "..."}, {"page": 3, "block": 7}."""
    quote = ""
    if isinstance(cite, Mapping):
        given = cite.get("quote")
        quote = given if isinstance(given, str) else ""
        page, block = cite.get("page"), cite.get("block", cite.get("id", cite.get("page")))
        cite = f"{page}.{block}" if _whole(page) and _whole(block) and "block" in cite else block
    if isinstance(cite, bool) or not isinstance(cite, str | int | float):
        return ()
    inner = str(cite).strip(" \t\n[]()【】")[:CITE]
    marks = tuple(mark for found in find(f"[{inner}]") for mark in found.marks)
    if not quote:
        return marks
    cleaned = clean(quote)[:QUOTE].strip()
    return tuple(Mark(mark.evidence, mark.block, cleaned) for mark in marks)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def salvaged(text: str, evidence: Sequence[Evidence]) -> Draft:
    """What a reply in JSON that was cut off holds: its whole sentences."""
    reader = SentenceReader(lambda piece: None)
    reader.feed(text[:CHARACTERS])
    found = []
    for one in reader.whole[:SENTENCES]:
        try:
            found.append(json.loads(one, parse_float=str, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            continue
    made = tuple(sentence for one in found for sentence in _sentences(one, evidence))
    if not made:
        return Draft((), tuple(evidence), "abstained", UNREAD)
    return _settled(made, tuple(evidence), "partial", "the reply was cut off: only its whole sentences are kept")


def rescued(text: str, evidence: Sequence[Evidence], note: str) -> Draft | None:
    """The whole sentences of a reply that broke off, as a partial answer; None if there is none yet."""
    text = clean(text)[:CHARACTERS]
    if looks_like_json(text):
        draft = salvaged(text, evidence)
    else:
        end = max((m.end() for m in re.finditer(r"[.!?。！？][\"'”’)]*(\s*\[[^\[\]]*\])*(?=\s|$)", text)), default=0)
        draft = _marked(text[:end].strip(), evidence)
    return replace(draft, status="partial", note=note) if draft.sentences else None


def looks_like_json(text: str) -> bool | None:
    """Whether a reply is JSON; None while only blanks of it have come."""
    begun = text.lstrip()[:3]
    return None if begun in ("", "`", "``") else begun[0] == "{" or begun == "```"


# -- both ------------------------------------------------------------------------------------------------------------


def _settled(made: Sequence[Sentence], pages: tuple[Evidence, ...], status: Status, note: str) -> Draft:
    """Without repetitions and without an end that is none."""
    single = tuple(dict.fromkeys(made))
    notes = [note] if note else []
    if len(made) - len(single) > 2:
        notes.append(f"the model repeats itself: {counted(len(made) - len(single), 'sentence')} left out")
    if len(single) > SENTENCES:
        notes.append(f"the answer is cut after {SENTENCES} sentences")
        status = "partial"
    return Draft(single[:SENTENCES], pages, status, "; ".join(notes))


def _reason(text: Any) -> str:
    """What a model says is missing: one line without marks, of bounded length."""
    if not isinstance(text, str):
        return ""
    body = clean(text[:4000])
    for found in reversed(find(body)):
        body = body[: found.start] + found.shown + body[found.end :]
    body = re.sub(r"\s+", " ", body).strip(" .:;,-–—*_`\"'")
    return body if len(body) <= NOTE else body[: NOTE - 1].rstrip() + "…"


def clean(text: str) -> str:
    """Text of a model without what a terminal would obey or no reader sees: escapes, controls, turned directions."""
    return _UNSEEN.sub("", _ESCAPES.sub("", text.replace("\r", "\n"))) if _UNSEEN.search(text) else text


class TextFilter:
    """Shows a reply as it streams: without marks, without JSON around it, without control characters."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._marks = MarkFilter(self._visible)
        self._sentences = SentenceReader(self._marks.feed)
        self._blank = ""
        self._json: bool | None = None

    def feed(self, piece: str) -> None:
        """The next piece."""
        if self._json is None:
            self._blank += piece
            self._json = looks_like_json(self._blank)
            if self._json is None:
                return
            piece, self._blank = self._blank, ""
        (self._sentences if self._json else self._marks).feed(piece)

    def end(self) -> None:
        """Show what was held back."""
        self._marks.end()

    def _visible(self, text: str) -> None:
        shown = _UNSEEN.sub("", text)
        if shown:
            self._show(shown)
