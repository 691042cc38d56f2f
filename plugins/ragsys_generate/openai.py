"""`openai`: a model behind vLLM or any other OpenAI-compatible server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ragsys.errors import GenerationError, MalformedReply
from ragsys.exchange import Limits
from ragsys.protocols import Context, Reply, Request
from ragsys.wording import counted

from . import payload, refusals, said
from .bounds import Bounds
from .counting import MESSAGE, image_tokens, text_tokens
from .options import OpenAIOptions
from .replies import Thoughts, checked, thought
from .said import Said
from .served import Served
from .wire import Again, Cancelled, Late, Patience, Refused, Unreached, Wire

CHAT = "/chat/completions"
FAR = 3  # times the context: what is estimated at more does not fit whoever counts
FORMS = 8  # of a request that are tried until its refusal counts
_FINISH: dict[str, Literal["stop", "length"]] = {"length": "length", "max_tokens": "length"}


class OpenAI:
    """A generator that is a model on a server.

    It finds out what its server takes: a field, an image or a kind of structured output that is refused is left out,
    replaced or weakened from then on. A reply is held to its schema here, whatever the server does.
    """

    reads_prompts = True

    def __init__(self, options: OpenAIOptions, context: Context) -> None:
        self.options = options
        self.context = context
        headers = {name: value.get_secret_value() for name, value in options.headers.items()}
        if key := options.api_key.get_secret_value():
            headers["authorization"] = f"Bearer {key}"
        patience = Patience(options.connect_timeout, options.timeout, options.retries, options.restart)
        self._wire = Wire(options.url, headers, patience, options.concurrency, refusals.lasts)
        self._pictures = payload.Pictures(options)
        self._served = Served(options, self._wire)

    def close(self) -> None:
        """Close the connections to the server."""
        self._wire.close()

    @property
    def identity(self) -> str:
        """The model's name and the fingerprint of the options. Asks the server where no model is configured."""
        return f"openai/{self._served.model()}/{self.context.fingerprint or '1'}"

    @property
    def reads_images(self) -> bool:
        """Whether images are sent: as configured, and not after the server has refused them for good."""
        return not self._served.blind

    @property
    def notes(self) -> tuple[str, ...]:
        """What an answer should say of its reader."""
        if self._served.blind and self.options.images == "auto":
            return (f"openai: the model '{self._served.model()}' takes no images; pages were read as text alone",)
        return ()

    def generate(self, request: Request) -> Reply:
        """The whole reply; under a schema, its JSON as `data`.

        Raises `RequestTooLarge`, and `GenerationError` on all else that ends without a reply. A call that is given up
        ends with a reply that says `cancelled`.
        """
        return checked(request, self._asked(request), self._asked)

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Text as it comes, without the model's thoughts, then the reply.

        A call that is given up, or that is late after a part of its text came, ends with a reply that says `cancelled`.
        Where the text is no JSON under the schema, the data is asked for again, and the text stays as it was shown.
        """
        began = time.perf_counter()
        so_far, thoughts = Said(), Thoughts()
        shown: list[str] = []
        try:
            for event in self._events(request, began):
                if isinstance(event, Again):
                    so_far, thoughts = Said(), Thoughts()
                elif piece := thoughts.feed(so_far.take(event)):
                    shown.append(piece)
                    yield piece
        except Refused as refused:
            raise self._served.error(refused, request, 0) from refused
        except Unreached as lost:
            came = (
                f" in the middle of the reply ({counted(len(''.join(shown)), 'character')} had come)" if shown else ""
            )
            raise refusals.unreached(lost, self.options.url, came) from lost
        except (Cancelled, Late) as ended:
            if isinstance(ended, Late) and not shown:
                raise self._late(request) from ended
            yield Reply("".join(shown), None, so_far.usage(time.perf_counter() - began), "cancelled")
            return
        if rest := thoughts.end():
            yield rest
        yield checked(request, self._reply(request, so_far, began), self._asked, streamed=True)

    def limits(self) -> Limits:
        """The context as configured or as the server tells it, and as many images as it was found to take."""
        return self._served.limits()

    def tokens(self, request: Request) -> int:
        """The tokens of the messages: text by its script or by the server's own count, images by their rule."""
        texts = [part for message in request.messages for part in message.parts if isinstance(part, str)]
        written = sum(map(text_tokens, texts)) + MESSAGE * (len(request.messages) + 1)
        seen = sum(self._image_tokens(request)) if self.reads_images else 0
        if self.options.count == "server" or (self.options.count == "auto" and self._tight(written + seen, request)):
            written = self._served.counted(request) or written
        return written + seen

    def _image_tokens(self, request: Request) -> Iterator[int]:
        rule, pixels, family = self.options.image_tokens, self.options.processor_pixels, ""
        for message in request.messages:
            for part in message.parts:
                if not isinstance(part, str):
                    family = family or (self._served.family() if rule == "auto" else "none")
                    yield image_tokens(*self._pictures.size(part), rule, family, pixels)

    def _tight(self, estimate: int, request: Request) -> bool:
        """Whether the estimate does not fit, and the server may know better."""
        try:
            context = self.limits().context
            return (
                context is not None
                and context < estimate + request.max_tokens <= FAR * context
                and self._served.counts()
            )
        except GenerationError:
            return False

    def _asked(self, request: Request) -> Reply:
        """One call, without a look at whether its reply fits."""
        began = time.perf_counter()
        for _ in range(FORMS):
            made = self._made(request, _left(request, began), stream=False)
            body = payload.encoded(made)
            try:
                most = Bounds.of(made)
                data = self._wire.post(CHAT, body, _left(request, began), request.cancel, most=most.piece)
                return self._reply(request, Said.whole(data), began)
            except Refused as refused:
                if not self._served.adapts(refused, made, request):
                    raise self._served.error(refused, request, len(body)) from refused
            except Unreached as lost:
                raise refusals.unreached(lost, self.options.url) from lost
            except Late as late:
                raise self._late(request) from late
            except Cancelled:
                return Reply("", None, Said().usage(time.perf_counter() - began), "cancelled")
        raise GenerationError(f"{self.options.url} refuses every form of the request")

    def _events(self, request: Request, began: float) -> Iterator[Mapping[str, Any] | Again]:
        """The events of a stream, in the first form of the request that the server takes."""
        for _ in range(FORMS):
            made = self._made(request, _left(request, began), stream=True)
            body = payload.encoded(made)
            try:
                try:
                    left, most = _left(request, began), Bounds.of(made)
                    yield from self._wire.events(CHAT, body, said.shows, said.ends, left, request.cancel, most)
                except Refused as refused:
                    yield said.unstreamed(refused)
                return
            except Refused as refused:
                if not self._served.adapts(refused, made, request):
                    raise self._served.error(refused, request, len(body)) from refused
        raise GenerationError(f"{self.options.url} refuses every form of the request")

    def _made(self, request: Request, left: float | None, *, stream: bool) -> dict[str, Any]:
        return payload.body(
            request,
            self.options,
            model=self._served.model(left, request.cancel),
            pictures=self._pictures if self.reads_images else None,
            structure=self._served.structure(request),
            without=self._served.without,
            stream=stream,
        )

    def _reply(self, request: Request, came: Said, began: float) -> Reply:
        text, model = "".join(came.text), self._served.model()
        thoughts = thought(text)
        said_ = text[thoughts:]
        if came.finish == "content_filter" or (came.refusal and not said_.strip()):
            why = came.refusal or "the server's filter withheld the reply"
            raise MalformedReply(
                f"the model '{model}' refuses to answer: {why[:300]}", usage=came.usage(time.perf_counter() - began)
            )
        if came.finish in ("abort", "error"):
            raise GenerationError(f"{self.options.url} broke the reply off", hint="the server's own log says more")
        if came.finish == "length" and not said_.strip() and (came.thinks or thoughts):
            raise MalformedReply(
                f"the model '{model}' spent all {request.max_tokens} tokens on thinking",
                hint="generator: {extra_body: {chat_template_kwargs: {enable_thinking: false}}}",
                usage=came.usage(time.perf_counter() - began),
            )
        tokens = came.tokens
        while thoughts > 0 and tokens:  # those of its thoughts
            thoughts -= len(tokens[0].text)
            tokens = tokens[1:]
        finish = _FINISH.get(came.finish, "stop")
        return Reply(said_, None, came.usage(time.perf_counter() - began), finish, tuple(tokens))

    def _late(self, request: Request) -> GenerationError:
        return GenerationError(
            f"{self.options.url} had not replied within the {request.deadline or 0:.1f} s that were left",
            hint="more time: --budget 120s; fewer pages: --set answer.pages=4",
        )


def _left(request: Request, began: float) -> float | None:
    """The seconds that are left of the request's."""
    return None if request.deadline is None else max(0.0, request.deadline - (time.perf_counter() - began))
