"""What goes to a generator and comes back: messages of text and images, a request, a reply. Frozen data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from ragsys.types import JSON, Usage

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a model: text and images in order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | Image, ...]


class Cancel:
    """Tells a generator that nobody waits for its reply any more; set once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._actions: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """Whether the call was given up."""
        return self._set

    def set(self) -> None:
        """Give the call up: every action runs once, here."""
        with self._lock:
            actions, self._actions, self._set = self._actions, [], True
        for action in actions:
            action()

    def on(self, action: Callable[[], None]) -> None:
        """Run `action` when the call is given up, at once if it was already: close a connection, stop a model.

        `action` runs in the thread that gives up: it must be quick and raise nothing.
        """
        with self._lock:
            if not self._set:
                self._actions.append(action)
                return
        action()


@dataclass(frozen=True, slots=True)
class Request:
    """One model call. `schema` is a JSON schema that the reply must satisfy.

    `task` says in a word what is wanted ("look", "write"), `question` and `evidence` are what the messages were made
    of: a generator that is no language model works from these.
    """

    messages: tuple[Message, ...]
    question: str = ""
    evidence: tuple[Any, ...] = ()  # of types.Evidence
    task: str = "write"
    schema: JSON | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    deadline: float | None = None  # seconds from now
    seed: int = 0
    logprobs: int = 0  # alternatives a token whose log-probabilities are asked for; 0: none
    cancel: Cancel | None = field(default=None, compare=False, repr=False)  # no part of what is asked


class Token(NamedTuple):
    """A token of a reply with its natural log-probability, and the most likely ones at its place, best first."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. `data` is the parsed reply where a schema was given."""

    text: str
    data: Any = None
    usage: Usage = field(default_factory=Usage)
    finish: Literal["stop", "length", "cancelled"] = "stop"
    logprobs: tuple[Token, ...] = ()  # where they were asked for and the model gives them


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request to a model may hold; None: not known, or without a bound."""

    context: int | None = None  # tokens of prompt and reply together
    images: int | None = None  # images of one request


@runtime_checkable
class Bounded(Protocol):
    """A generator that can say how much fits into a request, so that evidence is shrunk before it is sent.

    One that cannot raises `RequestTooLarge`, and the evidence is shrunk after it.
    """

    def limits(self) -> Limits:
        """What the model takes; may ask its server once. Raises `GenerationError` if that is not reached."""
        ...

    def tokens(self, request: Request) -> int:
        """The tokens of a request's messages, images included: an estimate that errs to the high side."""
        ...
