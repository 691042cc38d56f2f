"""What goes to a generator and comes back: messages of text and images, a request, a reply. Frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ragsys.types import JSON, Usage

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a model: text and images in order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | Image, ...]


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


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. `data` is the parsed reply where a schema was given."""

    text: str
    data: Any = None
    usage: Usage = field(default_factory=Usage)
    finish: Literal["stop", "length", "cancelled"] = "stop"
