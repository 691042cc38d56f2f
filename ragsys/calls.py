"""Model calls under a budget: admitted, cached, streamed, and given up at the deadline."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ragsys import messages
from ragsys.actions import Kit, Look, Task, View, Write
from ragsys.budget import Purse
from ragsys.cache import ReplyCache
from ragsys.codec import json_schema, parse_as
from ragsys.errors import BudgetSpent, GenerationError
from ragsys.protocols import Reply, Request
from ragsys.trace import Recorder
from ragsys.types import Draft, Evidence, Usage

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.runner import Host

T = TypeVar("T")
CHARS_A_TOKEN = 4  # of the estimate that a call is admitted with; its real usage replaces it
IMAGE_TOKENS = 1200  # the same for one image
LEAST_REPLY = 64  # tokens: a reply that could be no longer is not worth its call
VIEW_DPI = 110.0
POLL = 0.1  # seconds between two looks at whether a call was cancelled


def reads_prompts(generator: object) -> bool:
    """Whether a generator is a language model. One that is not sets `reads_prompts = False`: it costs no calls."""
    return bool(getattr(generator, "reads_prompts", True))


def within(purse: Purse, work: Callable[[], T]) -> T:
    """The result of `work` in a thread of its own, given up at the deadline: one that comes late is dropped."""
    return _last(_pieces(purse, lambda: iter([work()])))


class Caller:
    """Turns `Look` and `Write` into requests and replies into results."""

    def __init__(
        self,
        host: Host,
        kit: Kit,
        recorder: Recorder,
        cache: ReplyCache | None,
        library: AbstractContextManager[Any],
    ) -> None:
        self.host = host
        self.kit = kit
        self.recorder = recorder
        self.cache = cache if kit.reads_prompts else None  # a reply without a model is cheaper than its key
        self._library = library

    def look(self, action: Look[Any], task: Task, pages: tuple[Evidence, ...], purse: Purse) -> tuple[Any, Usage]:
        """One call, parsed as the action's schema. Raises `GenerationError` if the reply does not fit it."""
        request = self._request(action, task, pages, "look", json_schema(action.schema))
        reply = self._reply(request, purse)
        try:
            data = reply.text if action.schema is str or reply.data is None else reply.data
            return parse_as(action.schema, data), reply.usage
        except ValueError as error:
            first = str(error).splitlines()[0]
            raise GenerationError(f"the reply does not fit {action.schema.__name__}: {first}") from error

    def write(
        self,
        action: Write,
        task: Task,
        pages: tuple[Evidence, ...],
        purse: Purse,
        *,
        stream: bool,
        rescue: Callable[[Draft], None],
    ) -> tuple[Draft, Usage]:
        """The draft. Where the deadline cuts it off, `rescue` is given the whole sentences that had come."""
        request = self._request(action, task, pages, "write", None)
        seen: list[str] = []
        shown = messages.MarkFilter(self.recorder.text if stream else lambda text: None)

        def piece(text: str) -> None:
            seen.append(text)
            shown.feed(text)

        try:
            reply = self._reply(request, purse, piece)
        except BudgetSpent:
            whole = _whole("".join(seen))
            if whole:
                rescue(Draft(messages.parse(whole), pages, "partial", "the budget's time is up"))
            raise
        shown.end()
        draft = messages.written(reply.text, reply.data, pages)
        if reply.finish != "stop" and draft.status == "answered":
            draft = replace(draft, status="partial", note="the reply was cut at the model's limit of tokens")
        return draft, reply.usage

    def _request(
        self, action: Look[Any] | Write, task: Task, pages: tuple[Evidence, ...], kind: str, schema: Any
    ) -> Request:
        question = action.question or task.question
        if not self.kit.reads_prompts:
            return Request((), question, pages, kind, schema)
        return Request(
            messages.conversation(
                self.host.prompt(action.prompt),
                question,
                pages,
                history=task.history,
                values=action.values,
                images=self._images(pages, action.view),
                question_images=task.images if self.kit.reads_images else (),
            ),
            question,
            pages,
            kind,
            schema,
        )

    def _images(self, pages: tuple[Evidence, ...], view: View) -> list[Image]:
        if not pages or not messages.wants_images(view, self.kit.reads_images):
            return []
        from ragsys.pictures import montage, numbered

        with self._library:
            images = [numbered(self.host.render(page, VIEW_DPI).image, page) for page in pages]
        return [montage(images, [f"page {page.number}" for page in pages])] if view == "montage" else images

    def _reply(self, request: Request, purse: Purse, piece: Callable[[str], None] | None = None) -> Reply:
        generator = self.host.generator
        key = ReplyCache.key(generator.identity, request, self.host.state_key()) if self.cache else ""
        found = self.cache.get(key) if self.cache else None
        if found is not None:
            purse.check()
            if piece:
                piece(found.text)
            return found
        calls = 1 if self.kit.reads_prompts else 0
        estimate = _tokens(request)
        room = purse.tokens_left - estimate
        if calls and LEAST_REPLY <= room < request.max_tokens:
            request = replace(request, max_tokens=room)
        reservation = purse.reserve(calls, (estimate + request.max_tokens) if calls else 0)
        began = time.monotonic()
        usage = Usage(calls, reservation.tokens)  # of a call that never ends: what was set aside for it
        try:
            request = replace(request, deadline=purse.seconds_left)
            if piece is None:
                reply = within(purse, lambda: generator.generate(request))
            else:
                reply = self._streamed(generator.stream(request), purse, piece)
            spent = reply.usage
            usage = replace(spent, calls=max(calls, spent.calls), seconds=time.monotonic() - began)
        except GenerationError:
            usage = Usage(calls, estimate, 0, time.monotonic() - began)
            raise
        finally:
            purse.settle(reservation, usage)
        if self.cache:
            self.cache.put(key, reply)
        return replace(reply, usage=usage)

    @staticmethod
    def _streamed(stream: Iterator[str | Reply], purse: Purse, piece: Callable[[str], None]) -> Reply:
        reply: Reply | None = None
        for item in _pieces(purse, lambda: stream):
            if isinstance(item, Reply):
                reply = item
            else:
                piece(item)
        if reply is None:
            raise GenerationError("the generator's stream ended without its reply")
        return reply


def _tokens(request: Request) -> int:
    parts = [part for message in request.messages for part in message.parts]
    text = sum(len(part) for part in parts if isinstance(part, str))
    return text // CHARS_A_TOKEN + IMAGE_TOKENS * sum(not isinstance(part, str) for part in parts)


def _whole(text: str) -> str:
    """The text up to its last finished sentence and the marks after it."""
    end = max((match.end() for match in re.finditer(r"[.!?][\"'”’)]*(\s*\[[^\[\]]*\])*(?=\s|$)", text)), default=0)
    return text[:end]


def _last(items: Iterator[T]) -> T:
    found = list(items)
    return found[-1]


def _pieces(purse: Purse, start: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What an iterator gives, taken from it in a thread; ends with `BudgetSpent` at the deadline, whatever it does."""
    purse.check()
    arrived: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    late = threading.Event()

    def take() -> None:
        try:
            for item in start():
                if late.is_set():
                    return
                arrived.put(("item", item))
            arrived.put(("end", None))
        except BaseException as error:  # handed to the thread that waits
            arrived.put(("error", error))

    threading.Thread(target=take, name="ragsys-call", daemon=True).start()
    try:
        while True:
            try:
                what, value = arrived.get(timeout=min(purse.seconds_left, POLL))
            except queue.Empty:
                if purse.seconds_left > 0:
                    continue
                raise purse.end("the budget's time is up") from None
            if what == "end":
                return
            if what == "error":
                raise value
            yield value
    finally:
        late.set()
