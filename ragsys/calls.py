"""Model calls under a budget: made to fit, admitted, cached, streamed, given up at the deadline; and what comes back
of them, whatever that is, as a result."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ragsys import messages
from ragsys.actions import Kit, Look, Task, Write
from ragsys.budget import Purse
from ragsys.cache import ReplyCache
from ragsys.codec import json_schema, parse_as
from ragsys.errors import BudgetSpent, GenerationError, MalformedReply, RequestTooLarge
from ragsys.fitting import LEAST_REPLY, Fit, Fitted, Material
from ragsys.protocols import Bounded, Cancel, Generator, Limits, Reply, Request
from ragsys.replying import drafts
from ragsys.trace import Recorder
from ragsys.types import JSON, Draft, Evidence, Usage

if TYPE_CHECKING:
    from ragsys.runner import Host

log = logging.getLogger("ragsys.calls")
T = TypeVar("T")
VIEW_DPI = 110.0
POLL = 0.05  # seconds between two looks at whether a call was cancelled
LONGEST_REPLY = 24  # characters a token of the reply's limit: one that streams on after so many has no end


class Made(NamedTuple):
    """The result of a call, its price, what a reader should know of it, and what its trace says of what was shown."""

    value: Any
    usage: Usage
    notes: tuple[str, ...] = ()
    shown: JSON = {}  # noqa: RUF012  # never written to


class _Endless(Exception):
    """A stream that goes on long after its limit of tokens."""


@dataclass(slots=True)
class _Stream:
    """Where the pieces of a reply go as they come."""

    shown: drafts.TextFilter
    most: int  # characters
    seen: list[str] = field(default_factory=list)
    characters: int = 0

    def piece(self, text: str) -> None:
        self.seen.append(text)
        self.characters += len(text)
        if self.characters > self.most:
            raise _Endless
        self.shown.feed(text)

    @property
    def text(self) -> str:
        return "".join(self.seen)


def reads_prompts(generator: object) -> bool:
    """Whether a generator is a language model. One that is not sets `reads_prompts = False`: it costs no calls."""
    return bool(getattr(generator, "reads_prompts", True))


def is_structured(generator: object) -> bool:
    """Whether a generator keeps to a JSON schema so well that answers are better asked for in one: `structured`."""
    return getattr(generator, "structured", False) is True


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
        *,
        structured: bool = False,
    ) -> None:
        self.host = host
        self.kit = kit
        self.recorder = recorder
        self.cache = cache if kit.reads_prompts else None  # a reply without a model is cheaper than its key
        self.structured = structured and kit.reads_prompts
        self._library = library
        self._limits: Limits | None = None  # of the model, once asked; refusals make them stricter

    def look(self, action: Look[Any], task: Task, pages: tuple[Evidence, ...], purse: Purse) -> Made:
        """One call, parsed as the action's schema. Raises `GenerationError` if the reply does not fit it."""
        prompt = self.host.prompt(action.prompt) if self.kit.reads_prompts else ""
        material = self._material(action, task, pages, "look", json_schema(action.schema), prompt)
        reply, fitted = self._asked(material, purse)
        try:
            return Made(_parsed(action.schema, reply), reply.usage, fitted.notes, fitted.shown)
        except (ValueError, RecursionError) as error:
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
    ) -> Made:
        """The draft. Where the deadline cuts it off, `rescue` is given the whole sentences that had come.

        A reply that breaks off in another way is a partial draft of them. Where none had come, a model that replied
        with nothing to read abstains, and the error of one that was not reached is raised.
        """
        schema = drafts.SCHEMA if self.structured else None
        material = self._material(action, task, pages, "write", schema, self._prompt(action))
        shown = drafts.TextFilter(self.recorder.text if stream else lambda text: None)
        came = _Stream(shown, LONGEST_REPLY * material.max_tokens)
        try:
            reply, fitted = self._asked(material, purse, came.piece)
        except BudgetSpent:
            if saved := drafts.rescued(came.text, pages, "the budget's time is up"):
                rescue(saved)
            raise
        except RequestTooLarge as error:
            return Made(
                Draft((), pages, "abstained", f"the model does not take even one page: {error.message}"), Usage()
            )
        except _Endless:
            note = "the model's reply had no end and was cut"
            saved = drafts.rescued(came.text, pages, note) or Draft((), pages, "abstained", note)
            return Made(saved, Usage(1))
        except Exception as error:  # a generator may fail in any way; what had come is not lost
            spent = Usage(1)
            saved = drafts.rescued(came.text, pages, f"the model's reply broke off: {_first_line(error)}")
            if isinstance(error, MalformedReply):  # the model was reached: it has no answer that can be read
                note = ". ".join(filter(None, (_first_line(error), error.hint)))
                saved, spent = saved or Draft((), pages, "abstained", note), error.usage or spent
            if saved is None:
                raise
            return Made(saved, spent)
        shown.end()
        return Made(self._draft(reply, fitted.pages), reply.usage, fitted.notes, fitted.shown)

    def _draft(self, reply: Reply, pages: tuple[Evidence, ...]) -> Draft:
        try:
            draft = drafts.written(reply.text, reply.data, pages)
        except GenerationError:
            if not self.kit.reads_prompts:
                raise
            draft = Draft((), pages, "abstained", drafts.UNREAD)
        if reply.finish != "stop" and draft.status == "answered":
            cut = "at the model's limit of tokens" if reply.finish == "length" else "before its end"
            draft = replace(draft, status="partial", note=f"the reply was cut {cut}")
        return draft

    def _prompt(self, action: Write) -> str:
        """The agent's instructions and those of the answer's form."""
        if not self.kit.reads_prompts:
            return ""
        form = self.host.prompt("form-json" if self.structured else "form-marks")
        return f"{self.host.prompt(action.prompt).strip()}\n\n{form.strip()}"

    def _material(
        self, action: Look[Any] | Write, task: Task, pages: tuple[Evidence, ...], kind: str, schema: Any, prompt: str
    ) -> Material:
        sees = messages.wants_images(action.view, self.kit.reads_images)
        return Material(
            prompt,
            action.question or task.question,
            pages,
            kind,
            schema,
            action.view if sees else "text",
            task.history,
            action.values,
            task.images if self.kit.reads_images else (),
        )

    # -- one call ------------------------------------------------------------------------------------------------------

    def _asked(
        self, material: Material, purse: Purse, piece: Callable[[str], None] | None = None
    ) -> tuple[Reply, Fitted]:
        """The reply to as much of the material as the model takes. Raises `RequestTooLarge` if it takes nothing."""
        if not self.kit.reads_prompts:
            request = Request((), material.question, material.pages, material.kind, material.schema)
            return self._reply(request, 0, purse, piece), Fitted(request, material.pages, (), {})
        fit = Fit(self.host.generator, material, self._known_limits(purse), lambda page: self._picture(purse, page))
        while True:
            fitted = fit.request(purse.tokens_left)
            try:
                return self._reply(fitted.request, fit.tokens(fitted.request), purse, piece), fitted
            except RequestTooLarge as error:
                if not fit.refused(error):
                    raise
                self._limits = fit.learned

    def _known_limits(self, purse: Purse) -> Limits:
        generator = self.host.generator
        if self._limits is None and isinstance(generator, Bounded):
            purse.check()
            try:
                self._limits = within(purse, generator.limits)
            except GenerationError:  # its server is not reached: a kept reply may do without it, else the call tells
                return Limits()
        return self._limits or Limits()

    def _picture(self, purse: Purse, page: Evidence) -> Any:
        from ragsys.pictures import numbered

        def drawn() -> Any:
            with self._library:
                return numbered(self.host.render(page, VIEW_DPI).image, page)

        return within(purse, drawn)

    def _reply(
        self, request: Request, estimate: int, purse: Purse, piece: Callable[[str], None] | None = None
    ) -> Reply:
        generator = self.host.generator
        key = ReplyCache.key(generator.identity, request, self.host.state_key()) if self.cache else ""
        found = self.cache.get(key) if self.cache else None
        if found is not None:
            purse.check()
            if piece:
                piece(found.text)
            return found
        calls = 1 if self.kit.reads_prompts else 0
        room = purse.tokens_left - estimate
        if calls and LEAST_REPLY <= room < request.max_tokens:
            request = replace(request, max_tokens=room)
        reservation = purse.reserve(calls, (estimate + request.max_tokens) if calls else 0)
        began = time.monotonic()
        usage = Usage(calls, reservation.tokens)  # of a call that never ends: what was set aside for it
        try:
            reply = _called(generator, replace(request, deadline=purse.seconds_left), purse, piece)
            spent = reply.usage
            usage = replace(spent, calls=max(calls, spent.calls), seconds=time.monotonic() - began)
        except RequestTooLarge:
            usage = Usage(seconds=time.monotonic() - began)  # it was not read
            raise
        except GenerationError as error:
            known = getattr(error, "usage", None)
            usage = replace(known or Usage(calls, estimate), seconds=time.monotonic() - began)
            raise
        finally:
            purse.settle(reservation, usage)
        if self.cache:
            self.cache.put(key, reply)
        return replace(reply, usage=usage)


def _called(generator: Generator, request: Request, purse: Purse, piece: Callable[[str], None] | None) -> Reply:
    """One reply, in pieces where somebody takes them. A stream that ends without its reply gives what had come."""
    cancel = Cancel()
    request = replace(request, cancel=cancel)
    if piece is None:
        return _checked(_last(_pieces(purse, lambda: iter([generator.generate(request)]), cancel)))
    reply: Reply | None = None
    seen: list[str] = []
    for item in _pieces(purse, lambda: iter(generator.stream(request)), cancel):
        if isinstance(item, str):
            seen.append(item)
            piece(item)
        else:
            reply = _checked(item)
    if reply is None:
        return Reply("".join(seen), None, Usage(1), "cancelled")
    return reply if reply.text or reply.data is not None else replace(reply, text="".join(seen))


def _checked(reply: object) -> Reply:
    """A reply whose fields are of their types: a plugin may give anything."""
    if not isinstance(reply, Reply):
        raise GenerationError(f"the generator gives {type(reply).__name__} where a Reply belongs")
    text: Any = reply.text
    usage: Any = reply.usage
    finish: Any = reply.finish
    numbers = usage if isinstance(usage, Usage) else Usage(1)
    if not all(type(one) in (int, float) for one in (numbers.calls, numbers.input_tokens, numbers.output_tokens)):
        numbers = Usage(1)
    return replace(
        reply,
        text=text if isinstance(text, str) else "",
        usage=numbers,
        finish=finish if finish in ("stop", "length", "cancelled") else "stop",
    )


def _parsed(schema: Any, reply: Reply) -> Any:
    """A look's result. JSON may stand in a code fence or after a few words."""
    if schema is str:
        return drafts.clean(reply.text)
    if reply.data is not None:
        return parse_as(schema, reply.data)
    try:
        return parse_as(schema, reply.text)
    except ValueError:
        start, end = reply.text.find("{"), reply.text.rfind("}")
        if start < 0 or end <= start:
            raise
        return parse_as(schema, reply.text[start : end + 1])


def _first_line(error: BaseException) -> str:
    text = drafts.clean(str(error)).strip()
    return (text.splitlines()[0] if text else type(error).__name__)[: drafts.NOTE]


def _last(items: Iterator[T]) -> T:
    found = list(items)
    return found[-1]


def _pieces(purse: Purse, start: Callable[[], Iterator[T]], cancel: Cancel | None = None) -> Iterator[T]:
    """What an iterator gives, taken from it in a thread; ends with `BudgetSpent` at the deadline, whatever it does.

    Whoever stops taking, for the deadline or any other reason, sets `cancel`: the thread's work breaks off.
    """
    purse.check()
    arrived: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    late = threading.Event()

    def take() -> None:
        items: Any = None
        try:
            items = start()
            for item in items:
                if late.is_set():
                    return
                arrived.put(("item", item))
            arrived.put(("end", None))
        except BaseException as error:  # handed to the thread that waits
            arrived.put(("error", error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                with contextlib.suppress(Exception):  # nobody waits for it any more
                    close()

    threading.Thread(target=take, name="ragsys-call", daemon=True).start()
    ended = False
    try:
        while True:
            try:
                what, value = arrived.get(timeout=min(purse.seconds_left, POLL))
            except queue.Empty:
                if purse.seconds_left > 0:
                    continue
                raise purse.end("the budget's time is up") from None
            if what == "end":
                ended = True
                return
            if what == "error":
                ended = True
                raise value
            yield value
    finally:
        late.set()
        if cancel is not None and not ended:
            _give_up(cancel)


def _give_up(cancel: Cancel) -> None:
    try:
        cancel.set()
    except Exception as error:  # an action of a plugin must raise nothing; one that does costs only its own effect
        log.warning("a call could not be broken off: %s", error)
