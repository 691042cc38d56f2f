"""The contract of a generator, and a scripted one for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ragsys.errors import GenerationError, RequestTooLarge
from ragsys.protocols import Generator, Limits, Message, Reply, Request
from ragsys.types import Evidence, Usage


def check_generator(generator: Generator, evidence: Sequence[Evidence] = (), question: str = "What is it?") -> None:
    """What every generator must do; raises `AssertionError` naming the law that is broken.

    An identity that stays, a whole `Reply` from `generate`, the same from `stream` as its last item after text pieces
    that make up its text, usage that is not negative, and equal replies to equal requests at temperature 0.
    """
    messages = (Message("system", ("Answer from the pages.",)), Message("user", (question,)))
    request = Request(messages, question, tuple(evidence), "write", None, 64)
    law(bool(generator.identity) and generator.identity == generator.identity, "the identity is a text that stays")
    law(isinstance(generator.reads_images, bool), "reads_images is a bool")
    reply = generator.generate(request)
    law(isinstance(reply, Reply) and isinstance(reply.text, str), "generate returns a Reply with text")
    usage = reply.usage
    law(min(usage.calls, usage.input_tokens, usage.output_tokens) >= 0 and usage.seconds >= 0, "usage is not negative")
    items = list(generator.stream(request))
    law(bool(items) and isinstance(items[-1], Reply), "the last item of a stream is the Reply")
    law(all(isinstance(item, str) for item in items[:-1]), "the other items of a stream are text")
    last = items[-1]
    streamed = "".join(item for item in items[:-1] if isinstance(item, str))
    law(isinstance(last, Reply) and streamed == last.text, "the pieces of a stream make up the reply's text")
    again = generator.generate(request)
    law((again.text, again.data) == (reply.text, reply.data), "equal requests at temperature 0 give equal replies")


def law(holds: bool, text: str) -> None:
    """Raise `AssertionError` unless a law holds."""
    if not holds:
        raise AssertionError(text)


class ScriptedGenerator:
    """Gives the replies it was made with, in order; keeps the requests.

    A callable makes a reply of a request; an exception is raised; a list is a stream, item by item, as it stands, with
    exceptions among them raised. `delay` seconds pass before each reply and between two pieces, unless the call is
    given up: then it ends at once, as a served model would.
    """

    reads_prompts = True

    def __init__(
        self,
        replies: Iterable[str | Reply | BaseException | list[Any] | Callable[[Request], Any]] = (),
        *,
        delay: float = 0.0,
        reads_images: bool = False,
        identity: str = "scripted/1",
        structured: bool = False,
    ) -> None:
        self._replies = list(replies)
        self._delay = delay
        self._images = reads_images
        self._identity = identity
        self.structured = structured
        self.requests: list[Request] = []
        self.given_up = 0  # calls that were broken off

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def reads_images(self) -> bool:
        """As given."""
        return self._images

    def generate(self, request: Request) -> Reply:
        """The next reply. Raises `GenerationError` when the script is at its end."""
        entry = self._next(request)
        if isinstance(entry, list):
            items = list(_played(entry))
            last = items[-1] if items else None
            entry = last if isinstance(last, Reply) else "".join(item for item in items if isinstance(item, str))
        made: Reply = _reply(entry)
        return made

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """The next reply in words."""
        entry = self._next(request)
        if isinstance(entry, list):
            for n, item in enumerate(_played(entry)):
                self._wait(request, n)
                yield item
            return
        reply = _reply(entry)
        if not isinstance(reply, Reply) or not isinstance(reply.text, str):
            yield reply
            return
        for n, word in enumerate(reply.text.split(" ")):
            self._wait(request, n)
            yield word if n == 0 else " " + word
        yield reply

    def _next(self, request: Request) -> Any:
        self.requests.append(request)
        if not self._replies:
            raise GenerationError("the script holds no further reply")
        entry = self._replies.pop(0)
        self._wait(request, 1)
        if isinstance(entry, BaseException):
            raise entry
        return entry(request) if callable(entry) else entry

    def _wait(self, request: Request, place: int) -> None:
        if not self._delay or not place:
            return
        gone = threading.Event()
        if request.cancel is not None:
            request.cancel.on(gone.set)
        if gone.wait(self._delay):
            self.given_up += 1
            raise GenerationError("the call was given up")


class BoundedGenerator(ScriptedGenerator):
    """A scripted generator that counts, and refuses what is too large: a token is `characters` characters, an image as
    many tokens as `image_tokens` says for a page at full size.

    `told` is what `limits` tells; where it tells nothing, requests over `context` or `images` are refused all the same.
    """

    def __init__(
        self,
        replies: Iterable[Any] = (),
        *,
        context: int | None = None,
        images: int | None = None,
        told: bool = True,
        named: bool = True,
        characters: int = 4,
        image_tokens: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(replies, **options)
        self._context, self._most_images, self._told, self._named = context, images, told, named
        self._characters, self._image_tokens = characters, image_tokens
        self.refused = 0

    def limits(self) -> Limits:
        """What it takes, if it tells."""
        return Limits(self._context, self._most_images) if self._told else Limits()

    def tokens(self, request: Request) -> int:
        """Of the messages: by characters, and by the pixels of images."""
        parts = [part for message in request.messages for part in message.parts]
        pixels = sum(part.width * part.height for part in parts if not isinstance(part, str))
        letters = sum(len(part) for part in parts if isinstance(part, str))
        return letters // self._characters + int(self._image_tokens * pixels / (935 * 1286))

    def _next(self, request: Request) -> Any:
        count = sum(not isinstance(part, str) for message in request.messages for part in message.parts)
        if self._most_images is not None and count > self._most_images:
            self.refused += 1
            raise RequestTooLarge("too many images", what="images", limit=self._most_images if self._named else None)
        if self._context is not None and self.tokens(request) + request.max_tokens > self._context:
            self.refused += 1
            raise RequestTooLarge("the prompt is too long", what="tokens", limit=self._context if self._named else None)
        return super()._next(request)


def _played(items: list[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, BaseException):
            raise item
        yield item


def _reply(entry: Any) -> Any:
    return Reply(entry, None, Usage(1, 100, max(1, len(entry) // 4))) if isinstance(entry, str) else entry
