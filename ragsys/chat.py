"""A conversation with a library: follow-ups are understood from what came before, turns are kept and gone on with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ragsys import sentences, smalltalk
from ragsys.actions import Turn
from ragsys.answers import Answer, Citation
from ragsys.chatting import kept
from ragsys.chatting.followups import Understood, understand
from ragsys.chatting.pointing import Past
from ragsys.chatting.questions import apart
from ragsys.chatting.recalling import not_repeated, recalled
from ragsys.errors import BudgetSpent, DocumentError, GenerationError, LibraryBusy, LibraryError, UsageError
from ragsys.exchange import Cancel
from ragsys.filters import both, to_filter
from ragsys.types import BBox, Document, Event, Evidence, Filter, PageImage

if TYPE_CHECKING:
    from ragsys.asking import Asking, Narrowed
    from ragsys.config import Budget

CHARS_A_TOKEN = 4  # of the estimate that history is bounded by
#: What a conversation can be saved as, by the file's ending.
CONVERSATIONS = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown", ".json": "json"}
ASKED_BACK = "nothing was searched: it cannot be told what the question means"
_REMEMBERED = 6  # turns that a follow-up is understood from
_LINE = 240  # characters of an older turn
_MARKS = re.compile(r"\s*(?:\[\d+\])+")


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One exchange."""

    asked: str  # as it was typed
    query: Understood  # as it was asked of the library
    answer: Answer
    at: str = ""  # ISO date and time

    @property
    def text(self) -> str:
        """The answer without its marks."""
        return _MARKS.sub("", self.answer.text)


class Chat:
    """One conversation. Close it, or use it as a context manager; the library stays open."""

    def __init__(
        self,
        library: Asking,
        thread: str | None = None,
        *,
        filter: Narrowed = None,
        budget: Mapping[str, float] | None = None,
    ) -> None:
        """See `Library.chat`."""
        self.library = library
        self.query: Understood | None = None  # how the last question was understood
        self._filter, self._budget = to_filter(filter), dict(budget or {})
        self._known: tuple[str, list[Document]] = ("", [])
        self._file = library.threads.open(thread)
        self.notes: list[str] = list(self._file.notes)  # what of a kept thread could not be read
        self._turns: list[ChatTurn] = []
        self._lines: list[int | None] = []  # of each turn: its place among those on disk; None where it is not kept
        for place, line in enumerate(self._file.turns):
            try:
                self._turns.append(self._restored(line))
                self._lines.append(place)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                self.notes.append(f"a turn of this thread cannot be read and is left out ({error})")

    @property
    def thread(self) -> str:
        """The conversation's name: `library.chat(name)` goes on with it."""
        return self._file.name

    @property
    def turns(self) -> tuple[ChatTurn, ...]:
        """What was asked and answered, oldest first."""
        return tuple(self._turns)

    # -- asking ----------------------------------------------------------------------------------------------------

    def ask(self, text: str, *, budget: Mapping[str, float] | None = None) -> Answer:
        """The answer to a question or a follow-up, with its citations."""
        answer: Answer | None = None
        for event in self.stream(text, budget=budget):
            if event.kind == "answer":
                answer = event.data
        if answer is None:
            raise LibraryError("the answer's stream ended without an answer")
        return answer

    def stream(
        self, text: str, *, budget: Mapping[str, float] | None = None, cancel: Cancel | None = None
    ) -> Iterator[Event]:
        """As `Library.stream`; how a follow-up was understood comes first, as a `progress` whose data is its JSON.

        The turn is kept on disk before its answer is given. One that is left early or fails leaves nothing behind, and
        small talk is not kept. Where it cannot be told what is meant, the answer is a question in return: it abstains,
        and nothing is searched.
        """
        from ragsys.answer import budget_of

        if not isinstance(text, str) or not text.strip():
            raise UsageError("the question is empty" if isinstance(text, str) else "the question must be a text")
        if smalltalk.kind(text):
            self.query = Understood(text)
            yield from self.library.stream(text, cancel=cancel)
            return
        began = time.monotonic()
        limits = budget_of(self.library.config.answer.budget, {**self._budget, **(budget or {})})
        self.query = query = self._understood(text, limits, cancel)
        if query.back:
            made = Answer(text, query.back, (), (), "abstained", usage=query.usage, notes=(ASKED_BACK,))
            yield from self._ended(ChatTurn(text, query, made, _now()), Event("answer", made.text, data=made))
            return
        if query.changed or query.note:
            yield Event("progress", self.told(query), data=query.to_json())
        left = {
            "seconds": max(0.1, limits.seconds - (time.monotonic() - began)),
            "tokens": max(0, limits.tokens - query.usage.tokens),
            "calls": max(0, limits.calls - query.usage.calls),
        }
        where = both(self._filter, Filter(doc=query.only)) if query.only else self._filter
        history = compacted(self._turns, self.library.config.chat.history_tokens)
        given: Any = {"filter": where, "budget": left, "history": history, "cancel": cancel}
        for event in self.library.stream(query.text, **given):
            if event.kind == "answer":
                answer = replace(event.data, usage=event.data.usage + query.usage)
                before = [turn.answer for turn in self._turns[-_REMEMBERED:] if not turn.query.back]
                if query.changed and len(apart(query.text)) == 1:
                    answer = not_repeated(answer, before)
                told = recalled(query.about, answer, before)
                if told is not answer:
                    answer, self.query = told, (query := replace(query, text=self._turns[-1].query.text))
                answer = self._bound(answer)
                turn = ChatTurn(text, query, answer, _now())
                yield from self._ended(turn, replace(event, text=answer.text, data=answer))
            else:
                yield event

    def _ended(self, turn: ChatTurn, event: Event) -> Iterator[Event]:
        """Keep a turn, and tell its answer."""
        if problem := self._keep(turn):
            yield Event("warning", problem)
        yield event

    def _understood(self, text: str, limits: Budget, cancel: Cancel | None) -> Understood:
        """By rules; where those are not sure, by the language model if there is one, held against what was said.

        The answer's own call comes first: a budget of one call has none left for this.
        """
        past = [_past(turn) for turn in self._turns[-_REMEMBERED:]]
        by_rules = understand(text, past, self.documents() if past else ())
        if not past:
            return by_rules
        settings = self.library.config.chat
        if by_rules.sure or settings.rewrite == "rules" or limits.calls < 2:
            return by_rules
        from ragsys.chatting.rewriting import refusal

        history = compacted(self._turns[-_REMEMBERED:], settings.history_tokens or 1)
        seconds = min(settings.rewrite_seconds, limits.seconds)
        try:
            made = self.library.reworded(text, history, seconds=seconds, cancel=cancel)
        except (GenerationError, BudgetSpent) as error:
            if cancel is not None and cancel.is_set:
                raise
            return replace(by_rules, note=f"understood by rules, for the model gave nothing: {error.message}")
        if made is None:
            return by_rules
        said, usage = made
        said = re.sub(r"\s+", " ", said) if "\n" not in said.strip() else said
        if refused := refusal(said, text, past):
            return replace(
                by_rules, usage=usage, note=f"understood by rules, for the model's wording was not taken: {refused}"
            )
        if _same(said, text):  # a model that says a follow-up over again has not understood it
            return replace(by_rules, usage=usage)
        return Understood(said, by_rules.only, True, "model", sure=True, usage=usage, about=by_rules.about)

    def told(self, query: Understood) -> str:
        """How a question was understood, in a line for people."""
        names = {one.id: one.path for one in self.documents()}
        parts = [query.text]
        if query.only:
            left = [path for doc, path in names.items() if doc not in query.only]
            chosen = [names.get(doc, doc) for doc in query.only]
            few = len(chosen) <= 3 or len(chosen) <= len(left)
            parts.append(f"in {_listed(chosen)}" if few else f"in all documents but {_listed(left)}")
        return "  ".join(parts) + (f"  ({query.note})" if query.note else "")

    def save(self, path: str | Path) -> Path:
        """Write the conversation with its citations and their pictures: `.html`, `.md`, or `.json` (the kept turns).

        Raises `UsageError` on another ending, where nothing was asked yet, or where it cannot be written.
        """
        from ragsys import saved

        path = Path(path)
        if (kind := CONVERSATIONS.get(path.suffix.lower())) is None:
            raise UsageError(
                f"{path}: a conversation is saved as .html, .md or .json, found '{path.suffix}'", hint="talk.html"
            )
        if not self._turns:
            raise UsageError(f"nothing was asked in thread {self.thread} yet", hint="ask a question first")
        if kind == "json":
            turns = [kept.turn_json(one.asked, one.query, one.answer, one.at) for one in self._turns]
            told = json.dumps({"thread": self.thread, "turns": turns}, ensure_ascii=False, indent=1)
            return saved.write(path, f"{told}\n")
        writer = saved.conversation_html if kind == "html" else saved.conversation_markdown
        exchanges = [
            saved.Exchange(
                one.asked,
                self.told(one.query) if one.query.changed else "",
                saved.linked_from(one.answer, path.parent),
                one.at,
            )
            for one in self._turns
        ]
        return saved.write(path, writer(self.thread, exchanges))

    def documents(self) -> list[Document]:
        """The library's documents, looked up anew only when it changed."""
        key = self.library.key
        if self._known[0] != key or not self._known[1]:
            self._known = (key, self.library.documents())
        return self._known[1]

    # -- keeping ---------------------------------------------------------------------------------------------------

    def _keep(self, turn: ChatTurn) -> str:
        """Add a turn; why it could not be written, or nothing. It stays in this conversation either way."""
        self._turns.append(turn)
        self._lines.append(None)
        try:
            self._file.append(kept.turn_json(turn.asked, turn.query, turn.answer, turn.at))
        except OSError as error:
            return f"this turn could not be kept on disk: {error.strerror or error}"
        except LibraryBusy as error:
            return f"this turn could not be kept on disk: {error.message}"
        self._lines[-1] = len(self._file.turns) - 1
        return ""

    def undo(self) -> ChatTurn | None:
        """Take the last turn back, here and on disk; None if there is none.

        Raises `LibraryError` if that cannot be written.
        """
        if not self._turns:
            return None
        place = self._lines[-1]
        try:
            while place is not None and len(self._file.turns) > place:  # with what stands behind it and was not read
                self._file.undo()
        except OSError as error:
            why = error.strerror or str(error)
            raise LibraryError(
                f"the last turn could not be taken back on disk: {why}", hint="make room there"
            ) from error
        self._lines.pop()
        self.query = self._turns[-2].query if len(self._turns) > 1 else None
        return self._turns.pop()

    def _restored(self, line: Mapping[str, Any]) -> ChatTurn:
        asked, query, answer, at = kept.turn_of(line)
        return ChatTurn(asked, query, self._bound(answer), at)

    def close(self) -> None:
        """Let go of the thread. Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- citations of turns that may be old ------------------------------------------------------------------------

    def stale(self, citation: Citation) -> str:
        """Why a citation cannot be opened as it was cited; empty if it can, as far as the library knows."""
        known = {one.id: one for one in self.documents()}
        document = known.get(citation.doc)
        if document is None:
            changed = any(citation.path in one.paths for one in known.values())
            return "the file has changed since" if changed else "the document is no longer in the library"
        return "the file is gone" if document.gone and len(document.gone) == len(document.paths) else ""

    def _bound(self, answer: Answer) -> Answer:
        """The answer with pictures that are drawn only from the very bytes that were cited."""
        pages = {one.number: one for one in answer.evidence}

        def picture(citation: Citation, dpi: float, crop: bool) -> Any:
            from ragsys.pictures import citation_picture

            if why := self.stale(citation):
                raise DocumentError(
                    f"[{citation.number}] {citation.path} p.{citation.page}: {why}",
                    outcome="unreadable",
                    hint="ask again",
                )
            return citation_picture(self._render, pages[citation.evidence], citation, dpi, crop)

        return replace(answer, citations=tuple(replace(one, renderer=picture) for one in answer.citations))

    def _render(self, evidence: Evidence, dpi: float, clip: BBox | None) -> PageImage:
        return self.library.render(evidence.doc, evidence.page.number, dpi=dpi, clip=clip)


def _past(turn: ChatTurn) -> Past:
    cited = tuple(dict.fromkeys(one.doc for one in turn.answer.citations))
    return Past(turn.query.text, turn.text, cited, turn.query.only, bool(turn.query.back))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _same(one: str, other: str) -> bool:
    return re.sub(r"\W+", " ", one).strip().casefold() == re.sub(r"\W+", " ", other).strip().casefold()


def _listed(paths: Sequence[str]) -> str:
    few = ", ".join(paths[:3])
    return few if len(paths) <= 3 else f"{few} and {len(paths) - 3} more"


def compacted(turns: Sequence[ChatTurn], tokens: int) -> tuple[Turn, ...]:
    """What a model is given of a conversation, oldest first, in at most so many tokens (of four characters).

    The newest turns stand whole while they take no more than two thirds; those before them in a line each, with the
    answer's first sentence; the oldest go. A newest turn that is too long by itself is cut.
    """
    room = tokens * CHARS_A_TOKEN
    found: list[Turn] = []
    whole = True
    for turn in reversed(turns):
        left = room - sum(map(_size, found))
        one = Turn(turn.query.text, turn.text)
        whole = whole and _size(one) <= (left - room // 3 if found else left)
        if not whole:
            one = _shortened(turn, min(_LINE, left) if found else left)
        if not one.question or _size(one) > left or (found and one.question != turn.query.text):
            break
        found.append(one)
    return tuple(reversed(found))


def _size(turn: Turn) -> int:
    return len(turn.question) + len(turn.answer)


def _shortened(turn: ChatTurn, limit: int) -> Turn:
    question = turn.query.text[: max(0, limit * 2 // 3)]
    first = sentences.split(turn.text)[:1]
    text = turn.text[slice(*first[0])] if first else ""
    return Turn(question, text[: max(0, limit - len(question))])


__all__ = ["Chat", "ChatTurn", "Understood", "compacted"]
