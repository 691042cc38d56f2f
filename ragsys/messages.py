"""What is said to a language model: pages as data with block ids; and how its text with marks becomes a draft."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ragsys import sentences
from ragsys.actions import Turn, View
from ragsys.codec import plain, restore
from ragsys.errors import GenerationError
from ragsys.protocols import Message
from ragsys.types import JSON, BlockKind, Draft, Evidence, Mark, Sentence

#: [3.7], [3.7 "its words"], [3.7; 4.1 "more"]
_MARK = re.compile(r"\[\s*\d+\.\d+(?:[^\[\]\"“”]|[\"“][^\"”]{0,2000}[\"”])*\]")
_ONE = re.compile(r"(\d+)\.(\d+)\s*:?\s*(?:[\"“]([^\"”]*)[\"”])?")
_HOLD = "\ue000"  # stands for a mark while sentences are cut; a private character that no reply may hold
NOT_FOUND = "NOT FOUND"


def conversation(
    prompt: str,
    question: str,
    evidence: Sequence[Evidence],
    *,
    history: Sequence[Turn] = (),
    values: Mapping[str, str] | None = None,
    images: Sequence[Any] = (),
    question_images: Sequence[Any] = (),
) -> tuple[Message, ...]:
    """The instructions as the system's message, the pages and the question as the user's."""
    parts: list[Any] = [pages_text(evidence), *images] if evidence else []
    parts += [f"Asked before: {turn.question}\nAnswered: {turn.answer}" for turn in history]
    parts += [f"{name}: {text}" for name, text in (values or {}).items()]
    parts.append(f"Question: {question}")
    parts += question_images
    return Message("system", (prompt.strip(),)), Message("user", tuple(parts))


def pages_text(evidence: Sequence[Evidence]) -> str:
    """The pages with block ids. A document's text can neither close its page nor open one: its `<` before "page" is
    another character, and only the first line of a block begins at the margin."""
    pages = []
    for one in evidence:
        head = f'<page number="{one.number}" file="{_data(one.path, True)}" page="{one.page.number}">'
        blocks = [_block(one.number, block.ordinal, block.text) for block in one.page.blocks if _told(block.kind)]
        pages.append("\n".join([head, *[block for block in blocks if block], "</page>"]))
    return "\n\n".join(pages)


def _told(kind: BlockKind) -> bool:
    return kind not in (BlockKind.HEADER, BlockKind.FOOTER)


def _block(number: int, ordinal: int, text: str) -> str:
    lines = [line for line in _data(text).splitlines() if line.strip()]
    # every further line is indented, so that a line of a document never looks like the beginning of a block
    return f"[{number}.{ordinal}] " + "\n    ".join(lines) if lines else ""


def _data(text: str, attribute: bool = False) -> str:
    text = re.sub(r"<(?=\s*/?\s*page)", "‹", text, flags=re.IGNORECASE)
    return text.replace('"', "'").replace("\n", " ") if attribute else text


def written(text: str, data: Any, evidence: Sequence[Evidence]) -> Draft:
    """The draft of a reply: from `data` where the generator gives its sentences whole, else parsed from the text.

    Raises `GenerationError` if `data` has sentences but not of our shape.
    """
    if isinstance(data, Mapping) and "sentences" in data:
        try:
            found: JSON = plain(data)
            sentences_: tuple[Sentence, ...] = restore(tuple[Sentence, ...], found["sentences"])
            status = found.get("status", "answered")
            note = str(found.get("note", ""))
        except (TypeError, ValueError, KeyError) as error:
            raise GenerationError(f"the generator's sentences are not of the expected form: {error}") from error
        if status not in ("answered", "partial", "abstained"):
            raise GenerationError(f"the generator gave an unknown status '{status}'")
        return Draft(sentences_, tuple(evidence), status, note)
    body = text.strip()
    if body.upper().startswith(NOT_FOUND):
        reason = _MARK.sub("", body[len(NOT_FOUND) :]).strip(" .:;,-\n")
        return Draft((), tuple(evidence), "abstained", reason or "the pages that were found do not hold the answer")
    return Draft(parse(body), tuple(evidence))


def parse(text: str) -> tuple[Sentence, ...]:
    """Sentences and their marks. Marks after a full stop belong to the sentence before it."""
    text = text.replace(_HOLD, "")
    marks: list[tuple[Mark, ...]] = []

    def hold(match: re.Match[str]) -> str:
        found = _ONE.findall(match.group())
        marks.append(tuple(Mark(int(n), int(b), quote.strip()) for n, b, quote in found if len(n) < 7 and len(b) < 7))
        return _HOLD

    held = _MARK.sub(hold, text)
    held = re.sub(rf"([.!?]+[\"'”’)]*)\s*((?:{_HOLD}\s*)+)", lambda m: f"{m[2].replace(' ', '')}{m[1]} ", held)
    result = []
    taken = 0
    for start, end in sentences.split(held):
        part = held[start:end]
        count = part.count(_HOLD)
        body = re.sub(r"\s+", " ", re.sub(rf"\s*{_HOLD}\s*", " ", part)).strip()
        body = re.sub(r"\s+([.,;:!?])", r"\1", body)
        of = tuple(mark for group in marks[taken : taken + count] for mark in group)
        taken += count
        if body.strip(".,;: "):
            result.append(Sentence(body, of))
        elif result and of:  # marks that stand alone belong to what they follow
            result[-1] = Sentence(result[-1].text, result[-1].marks + of)
    return tuple(result)


class MarkFilter:
    """Takes the marks out of streamed text: holds a `[` back until it is clear whether a mark begins there."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._held = ""

    def feed(self, piece: str) -> None:
        """Pass on what is certain."""
        self._held = _MARK.sub("", self._held + piece)
        at = self._held.rfind("[")
        # a mark is `[` and a number, and not endless: anything else passes
        if (
            at >= 0
            and len(self._held) - at < 2100
            and re.fullmatch(r"\[\s*(\d+(\.\d*)?.*)?", self._held[at:], re.DOTALL)
        ):
            out, self._held = self._held[:at], self._held[at:]
        else:
            out, self._held = self._held, ""
        if out:
            self._show(out)

    def end(self) -> None:
        """Pass on what is left."""
        if self._held:
            self._show(_MARK.sub("", self._held))
            self._held = ""


def wants_images(view: View, reads_images: bool) -> bool:
    """Whether page images go with the text."""
    return reads_images and view != "text"
