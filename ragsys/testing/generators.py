"""The contract of a generator, and a scripted one for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ragsys.errors import GenerationError
from ragsys.protocols import Generator, Message, Reply, Request
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
    """Gives the replies it was made with, in order; keeps the requests. A callable makes a reply of a request.

    `delay` seconds pass before each reply and between two pieces; an exception in the script is raised.
    """

    reads_prompts = True

    def __init__(
        self,
        replies: Iterable[str | Reply | Exception | Callable[[Request], Any]] = (),
        *,
        delay: float = 0.0,
        reads_images: bool = False,
        identity: str = "scripted/1",
    ) -> None:
        self._replies = list(replies)
        self._delay = delay
        self._images = reads_images
        self._identity = identity
        self.requests: list[Request] = []

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
        self.requests.append(request)
        if not self._replies:
            raise GenerationError("the script holds no further reply")
        entry = self._replies.pop(0)
        if self._delay:
            time.sleep(self._delay)
        if isinstance(entry, Exception):
            raise entry
        made = entry(request) if callable(entry) else entry
        return made if isinstance(made, Reply) else Reply(str(made), None, Usage(1, 100, max(1, len(str(made)) // 4)))

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """The next reply in words."""
        reply = self.generate(request)
        words = reply.text.split(" ")
        for n, word in enumerate(words):
            if self._delay and n:
                time.sleep(self._delay)
            yield word if n == 0 else " " + word
        yield reply
