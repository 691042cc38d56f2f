"""`langchain`: any chat model that LangChain knows by name, of any provider."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import importlib.util
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.content import create_image_block

from ragsys.errors import GenerationError, MissingExtra, RequestTooLarge
from ragsys.exchange import Limits
from ragsys.protocols import Context, Message, Reply, Request
from ragsys.types import JSON, Usage

from . import payload, refusals, wire
from .bounds import Backlog, Bounds
from .counting import MESSAGE, image_tokens, text_tokens
from .options import LangChainOptions, OpenAIOptions
from .replies import Thoughts, checked, spoken

CHUNK = 512  # bytes that a chunk counts beside its text
_ROLES: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_LENGTH = re.compile(r"length|max_?tokens|model_length", re.IGNORECASE)
_NO_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_NO_STRUCTURE = re.compile(r"response_format|schema|structured|tool|function|grammar|json", re.IGNORECASE)
#: Statuses that an error means by the name of its class, in any provider's package.
_STATUSES = (
    (re.compile(r"authentication|unauthorized|apikey", re.IGNORECASE), 401),
    (re.compile(r"permission|forbidden", re.IGNORECASE), 403),
    (re.compile(r"notfound", re.IGNORECASE), 404),
    (re.compile(r"ratelimit|resourceexhausted|throttl|quota", re.IGNORECASE), 429),
    (re.compile(r"contextoverflow|invalidrequest|badrequest|invalidargument", re.IGNORECASE), 400),
)
Ask = Callable[[Request], Reply]


class LangChain:
    """A generator that is a LangChain chat model.

    Every call is a stream on the loop of all connections, so that it can be broken off while nothing has come yet. A
    reply is held to its schema here, whatever the model does; where it refuses to be held to one, or to a temperature,
    it is asked without from then on. What LangChain has no common name for (a seed, log-probabilities) is not sent.
    """

    reads_prompts = True

    def __init__(self, options: LangChainOptions, context: Context) -> None:
        self.options = options
        self.context = context
        self._guard = threading.Lock()
        self._models: dict[tuple[Any, ...], BaseChatModel] = {}
        self._turns = asyncio.Semaphore(options.concurrency)
        self._pictures = payload.Pictures(OpenAIOptions(image_side=options.image_side))
        self._structured = options.structured != "none"
        self._heated = True  # a temperature is sent

    @property
    def identity(self) -> str:
        """The model's name and the fingerprint of the options."""
        return f"langchain/{self.options.model}/{self.context.fingerprint or '1'}"

    @property
    def reads_images(self) -> bool:
        """As configured."""
        return self.options.images

    def generate(self, request: Request) -> Reply:
        """The whole reply; under a schema, its JSON as `data`. Raises `RequestTooLarge` and `GenerationError`."""
        return checked(request, self._asked(request), self._asked)

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Text as it comes, without the model's thoughts, then the reply."""
        thoughts, came = Thoughts(), _Came()
        for chunk in self._chunks(request, came):
            if piece := thoughts.feed(came.take(chunk)):
                yield piece
        if came.cancelled:
            yield came.reply()
            return
        if rest := thoughts.end():
            yield rest
        yield checked(request, came.reply(), self._asked, streamed=True)

    def limits(self) -> Limits:
        """As configured, else as the model's profile tells."""
        profile = getattr(self._model(1024, 0.0), "profile", None) or {}
        context = self.options.context or profile.get("max_input_tokens")
        return Limits(context if isinstance(context, int) else None, self._most_images(profile))

    def tokens(self, request: Request) -> int:
        """An estimate that errs to the high side: providers count in ways of their own."""
        count = MESSAGE * (len(request.messages) + 1)
        for message in request.messages:
            for part in message.parts:
                if isinstance(part, str):
                    count += text_tokens(part)
                elif self.reads_images:
                    count += image_tokens(*self._pictures.size(part), "auto", self.options.model, None)
        return count

    def _most_images(self, profile: Any) -> int | None:
        if not self.reads_images or profile.get("image_inputs") is False:
            return 0
        return self.options.max_images

    def _asked(self, request: Request) -> Reply:
        """One call, without a look at whether its reply fits."""
        came = _Came()
        for chunk in self._chunks(request, came):
            came.take(chunk)
        return came.reply()

    # -- one call ------------------------------------------------------------------------------------------------------

    def _chunks(self, request: Request, came: _Came) -> Iterator[AIMessageChunk]:
        """The chunks of a reply, asked for in the first form that the model takes. Where the call is given up, or is
        late after some text has come, `came` says so."""
        for _ in range(3):
            sent = request.temperature if self._heated else None
            arrived: Backlog[AIMessageChunk | None] = Backlog()
            held = request.schema is not None and self._structured
            task = self._streamed(request, self._model(request.max_tokens, sent), held, arrived)
            future = wire.begin(task, request.cancel)
            future.add_done_callback(functools.partial(_ended, arrived))
            try:
                while (chunk := arrived.take()) is not None:
                    yield chunk
                future.result()
                return
            except concurrent.futures.CancelledError:
                came.cancelled = True
                return
            except TimeoutError as late:
                if came.text:
                    came.cancelled = True
                    return
                raise GenerationError(
                    f"{self.options.model} had not replied within {request.deadline or self.options.timeout:.1f} s",
                    hint="more time: --budget 120s; fewer pages: --set answer.pages=4",
                ) from late
            except Exception as error:
                if type(error).__name__ == "LengthFinishReasonError":  # what had come is worth keeping
                    came.finish = "length"
                    return
                if came.text or not self._adapts(error, sent is not None, held):
                    raise self._error(error, request) from error
            finally:
                future.cancel()
        raise GenerationError(f"{self.options.model} refuses every form of the request")

    async def _streamed(
        self, request: Request, model: BaseChatModel, held: bool, arrived: Backlog[AIMessageChunk | None]
    ) -> None:
        room = Bounds.of({"max_tokens": request.max_tokens}).stream
        async with asyncio.timeout(request.deadline or self.options.timeout), self._turns:
            structured = _structured(model, request.schema, self.options.structured) if held else None
            messages = self._messages(request, structured is None)
            events: Any = (structured or model).astream(messages)
            async with contextlib.aclosing(events):
                async for event in events:
                    chunk = event.get("raw") if isinstance(event, dict) else event
                    if chunk is None:
                        continue
                    size = CHUNK + len(str(chunk.content)) + len(str(chunk.additional_kwargs))
                    if (room := room - size) < 0:
                        raise GenerationError(
                            f"{self.options.model} sent what no reply may be: it has no end",
                            hint="is that the model that is meant, and nothing between? see: ragsys doctor",
                        )
                    arrived.put(chunk, size)
                    await arrived.room()

    def _messages(self, request: Request, told: bool) -> list[BaseMessage]:
        """In LangChain's standard form; `told`: the schema stands at the end."""
        made = [self._message(message) for message in request.messages]
        if told and request.schema is not None:
            want = f"Reply with one JSON object under this JSON schema, and nothing else:\n{json.dumps(request.schema)}"
            made.append(HumanMessage(want))
        return made

    def _message(self, message: Message) -> BaseMessage:
        blocks: list[Any] = []
        for part in message.parts:
            if isinstance(part, str):
                blocks.append({"type": "text", "text": part})
            elif self.reads_images:
                encoded = self._pictures.url(part).data.partition(b",")[2].decode()
                blocks.append(create_image_block(base64=encoded, mime_type="image/jpeg"))
        if all(block["type"] == "text" for block in blocks):
            return _ROLES[message.role]("\n\n".join(block["text"] for block in blocks))
        return _ROLES[message.role](content=blocks)

    def _model(self, max_tokens: int, temperature: float | None) -> BaseChatModel:
        """The model for such calls. Its standard parameters are common to all providers only where it is made."""
        key = (max_tokens, temperature)
        with self._guard:
            if key not in self._models:
                if len(self._models) >= 8:
                    self._models.pop(next(iter(self._models)))
                self._models[key] = self._made(max_tokens, temperature)
            return self._models[key]

    def _made(self, max_tokens: int, temperature: float | None) -> BaseChatModel:
        name = self.options.model
        given: dict[str, Any] = {"max_tokens": max_tokens, "timeout": self.options.timeout}
        given |= {} if temperature is None else {"temperature": temperature}
        if key := self.options.api_key.get_secret_value():
            given["api_key"] = key
        try:
            model: BaseChatModel = init_chat_model(name, **{**given, **self.options.options})
        except ImportError as error:
            if missing := _missing(error):
                raise MissingExtra("generator", f"langchain ({name})", missing, None) from error
            raise GenerationError(f"the package of {name} cannot be imported: {_first(error)}") from error
        except Exception as error:  # of a provider's own making: a key that lacks, an argument it does not know
            hint = "PROVIDER:MODEL, as openai:gpt-5\na key: --set generator.api_key='${OPENAI_API_KEY}'"
            raise GenerationError(f"LangChain cannot make the model '{name}': {_first(error)}", hint=hint) from error
        if "stream_usage" not in self.options.options and getattr(model, "stream_usage", True) in (None, False):
            model.stream_usage = True  # type: ignore[attr-defined]  # off where an address is given
        return model

    def _adapts(self, error: Exception, heated: bool, held: bool) -> bool:
        """Whether something was learned from a refusal, so that the request can be sent in another form."""
        if _status(error) not in (400, 404, 422) or isinstance(self._error(error, None), RequestTooLarge):
            return False
        if heated and _NO_TEMPERATURE.search(str(error)):
            self._heated = False
            return True
        if held and _NO_STRUCTURE.search(str(error)):
            self._structured = False
            return True
        return False

    def _error(self, error: Exception, request: Request | None) -> GenerationError:
        if isinstance(error, GenerationError):
            return error
        name, status = self.options.model, _status(error)
        if status is None:
            return GenerationError(f"{name} failed: {type(error).__name__}: {_first(error)}")
        words = _first(error)
        if key := self.options.api_key.get_secret_value():
            words = words.replace(key, "<the key>")
        refused = wire.Refused(status, json.dumps({"error": words}).encode(), {})
        place = refusals.Place(name, name, images=payload.images(request) if request else 0)
        told = refusals.error_of(refused, place)
        if isinstance(told, RequestTooLarge):
            return told
        if type(error).__name__.startswith("ContextOverflow"):
            return RequestTooLarge(f"{name}: {words}", what="tokens")
        hints = {
            401: "a key: --set generator.api_key='${OPENAI_API_KEY}', with that variable set",
            403: "may this key use the model?",
            404: "is the model's name right? --set generator.model=PROVIDER:MODEL",
            429: "wait, ask for more quota, or lower generator.concurrency",
        }
        kinds = {401: "refuses the key", 403: "refuses the key", 404: "is not known", 429: "takes no more requests now"}
        return GenerationError(
            f"{name} {kinds.get(status, 'fails')} (status {status}): {words}", hint=hints.get(status)
        )


@dataclass(slots=True)
class _Came:
    """What has come of a reply."""

    began: float = field(default_factory=time.perf_counter)
    parts: list[str] = field(default_factory=list)
    finish: Literal["stop", "length"] = "stop"
    cancelled: bool = False
    read: int = 0  # tokens
    wrote: int = 0

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def take(self, chunk: Any) -> str:
        """Add a chunk; the text that it brings: of a tool that stands for the schema, its arguments."""
        text = str(chunk.text)
        calls = getattr(chunk, "tool_call_chunks", None)
        if not text and calls:
            text = "".join(call.get("args") or "" for call in calls)
        elif not text and (whole := getattr(chunk, "tool_calls", None)):  # of a message that came at once
            text = json.dumps(whole[0]["args"])
        usage = chunk.usage_metadata or {}
        self.read += usage.get("input_tokens", 0)
        self.wrote += usage.get("output_tokens", 0)
        about = chunk.response_metadata or {}
        ended = about.get("finish_reason") or about.get("stop_reason") or about.get("done_reason") or ""
        if _LENGTH.search(str(ended)):
            self.finish = "length"
        if text:
            self.parts.append(text)
        return text

    def reply(self) -> Reply:
        """Of all that has come."""
        usage = Usage(1, self.read, self.wrote, time.perf_counter() - self.began)
        return Reply(spoken(self.text), None, usage, "cancelled" if self.cancelled else self.finish)


def _structured(model: BaseChatModel, schema: JSON | None, method: str) -> Any:
    """The model held to a schema; None where it cannot be."""
    named = {"title": "reply", "description": "The reply.", **(schema or {})}
    for more in ({"method": method}, {}):
        try:
            return model.with_structured_output(named, include_raw=True, **more)
        except (NotImplementedError, ValueError, TypeError):  # no such method, or none at all
            continue
    return None


def _ended(arrived: Backlog[AIMessageChunk | None], done: object) -> None:
    arrived.put(None)


def _missing(error: ImportError) -> str:
    """The package that a provider needs and that is not installed; empty where another import failed."""
    named = re.search(r"pip install ['\"`]?([\w.-]+)", str(error))
    if named is None:
        return ""
    try:
        there = importlib.util.find_spec(named[1].replace("-", "_")) is not None
    except (ImportError, ValueError):
        there = False
    return "" if there else named[1]


def _status(error: Exception) -> int | None:
    """The HTTP status that an error means, by its own word or by its class."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "http_status", "code"):
            if isinstance(value := getattr(holder, name, None), int) and 400 <= value < 600:
                return value
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    return next((status for pattern, status in _STATUSES if pattern.search(names)), None)


def _first(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return (text or type(error).__name__)[: refusals.LONGEST]
