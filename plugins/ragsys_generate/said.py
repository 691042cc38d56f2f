"""A reply of a chat server put together, from one JSON object or from the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragsys.exchange import Token
from ragsys.types import Usage

from .wire import Refused

_CHOICES = 16  # of an event that are looked at: one was asked for


@dataclass(slots=True)
class Said:
    """What has come of a reply."""

    text: list[str] = field(default_factory=list)
    thinks: bool = False  # the server sends the model's thoughts apart from its text
    refusal: str = ""
    finish: str = ""
    read: int = 0  # tokens
    wrote: int = 0
    tokens: list[Token] = field(default_factory=list)

    @classmethod
    def whole(cls, data: Any) -> Said:
        """Of a reply that came at once. Raises `Refused` where it is none: some servers tell errors with status 200."""
        choices = data.get("choices") if isinstance(data, Mapping) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
            raise refusal(data)
        said = cls()
        said._add(choice, message)
        said._count(data.get("usage"))
        return said

    def take(self, event: Mapping[str, Any]) -> str:
        """Add an event of a stream; the text that it brings. Raises `Refused` where it is an error."""
        if event.get("error"):
            raise refusal(event)
        self._count(event.get("usage"))
        return "".join(self._add(choice, delta) for choice, delta in _deltas(event))

    def usage(self, seconds: float) -> Usage:
        """Of this one call."""
        return Usage(1, self.read, self.wrote, seconds)

    def _count(self, usage: Any) -> None:
        if isinstance(usage, Mapping):
            self.read = _whole_number(usage.get("prompt_tokens")) or self.read
            self.wrote = _whole_number(usage.get("completion_tokens")) or self.wrote

    def _add(self, choice: Mapping[str, Any], message: Mapping[str, Any]) -> str:
        text = _text(message.get("content"))
        if text:
            self.text.append(text)
        self.thinks = self.thinks or bool(message.get("reasoning_content") or message.get("reasoning"))
        self.refusal += _text(message.get("refusal"))
        self.finish = str(choice.get("finish_reason") or self.finish)
        listed = choice.get("logprobs")
        content = listed.get("content") if isinstance(listed, Mapping) else None
        self.tokens += [token for one in content if (token := _token(one))] if isinstance(content, list) else []
        return text


def shows(event: Mapping[str, Any]) -> bool:
    """Whether an event brings text."""
    return any(_text(delta.get("content")) for _, delta in _deltas(event))


def ends(event: Mapping[str, Any]) -> bool:
    """Whether an event is the last of a reply; one that tells its usage may follow."""
    return any(choice.get("finish_reason") for choice, _ in _deltas(event)) or bool(event.get("error"))


def unstreamed(refused: Refused) -> Mapping[str, Any]:
    """The one event of a server that answers at once though it was asked to stream. Raises `Refused` where it is
    none."""
    if refused.status != 200:
        raise refused
    try:
        data = json.loads(refused.body)
    except (ValueError, RecursionError):
        raise refused from None
    Said.whole(data)
    return {**data, "choices": [{**data["choices"][0], "delta": data["choices"][0]["message"]}]}


def refusal(data: Any) -> Refused:
    """What is told with status 200 and is no reply, as the error that it is."""
    error = data.get("error") if isinstance(data, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else data.get("code") if isinstance(data, Mapping) else None
    told = error or (isinstance(data, Mapping) and data.get("object") == "error")
    status = code if isinstance(code, int) and 400 <= code < 600 else 400 if told else 200
    return Refused(status, json.dumps(data).encode(), {})


def _deltas(event: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    choices = event.get("choices")
    found = [one for one in choices[:_CHOICES] if isinstance(one, Mapping)] if isinstance(choices, list) else []
    return [(one, one["delta"]) if isinstance(one.get("delta"), Mapping) else (one, {}) for one in found]


def _text(content: Any) -> str:
    if isinstance(content, list):  # of parts
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _token(one: Any) -> Token | None:
    """A token with its probabilities; none where the server tells something else."""
    try:
        top = tuple((str(t["token"]), float(t["logprob"])) for t in one.get("top_logprobs") or ())
        return Token(str(one["token"]), float(one["logprob"]), top)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None


def _whole_number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
