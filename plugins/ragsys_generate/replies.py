"""What a language model replied, made fit: thoughts left out, JSON read and held against its schema, asked again."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import referencing

from ragsys.errors import GenerationError, MalformedReply, RequestTooLarge
from ragsys.protocols import Message, Reply, Request
from ragsys.types import JSON

from . import lenient

LONGEST_ECHO = 4000  # characters of a reply that are shown to the model when it is asked again
_STARTS = 40  # places of a reply at which a value is looked for
_BEGINNING = re.compile(r"[{\[]")
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_THOUGHT = re.compile(r"\s*<(think|thinking|reasoning)>(?:.*?</\1>\s*|.*\Z)", re.DOTALL)
_END_OF_THOUGHT = re.compile(r".*?\n</(?:think|thinking|reasoning)>\s*?(?:\n\s*|\Z)", re.DOTALL)
_OPENINGS = ("<think>", "<thinking>", "<reasoning>")
_ENDINGS = ("</think>", "</thinking>", "</reasoning>")


def spoken(text: str) -> str:
    """The text without the block of thoughts before it; of a reply that is all thoughts, nothing."""
    return text[thought(text) :]


def thought(text: str) -> int:
    """How many characters of a reply are thoughts. Some templates open the block: then only its end shows."""
    match = _THOUGHT.match(text) or _END_OF_THOUGHT.match(text)
    return match.end() if match else 0


class Thoughts:
    """Takes the thoughts out of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""  # what has come while it is open whether it is said
        self._thinking = False
        self._speaking = False

    def feed(self, piece: str) -> str:
        """What of the text is certain to be said."""
        if self._speaking:
            return piece
        before = len(self._held)
        self._held += piece
        if not self._thinking:
            body = self._held.lstrip()
            if any(opening.startswith(body) for opening in _OPENINGS):
                return ""
            self._thinking = body.startswith(_OPENINGS)
        # an end mark is looked for in what is new: thoughts are long, and come in many pieces
        if self._thinking and "</" not in self._held[max(0, before - 16) :] and not self._ended(before):
            return ""
        said = spoken(self._held) if self._thinking else self._held
        self._speaking = bool(said)
        return said

    def _ended(self, before: int) -> bool:
        return self._held[:before].rstrip().endswith(_ENDINGS)

    def end(self) -> str:
        """What was held back and is said after all."""
        return "" if self._speaking or self._thinking else self._held


def parsed(text: str, schema: JSON) -> Any:
    """The JSON of a reply, valid under the schema; thoughts, words and code fences around it are left out.

    What is not quite JSON is read where that can be done in one way only (see `lenient.read`); of a reply that was cut
    off, what was finished. Raises `ValueError` saying what does not fit, in words that a model can be told.
    """
    body = spoken(text).strip().removeprefix("\ufeff").strip()
    if not body:
        raise ValueError("the reply is empty")
    check = _validator(json.dumps(schema, sort_keys=True))
    problem = ""
    try:
        return _valid(check, _strict(body))
    except _Misfit as error:
        problem = str(error)
    except ValueError as error:
        problem = f"the reply is not JSON: {error}"
    found: list[Any] = []
    for read in _values(body):
        misfit = ""
        for value in read.readings():
            try:
                fits = _valid(check, value)
            except _Misfit as error:
                problem = misfit = misfit or str(error)  # of the most that was read
                continue
            if fits not in found:
                found.append(fits)
            break
    if len(found) > 1:
        raise ValueError(f"the reply holds {len(found)} different values that fit: one is expected")
    if not found:
        raise ValueError(problem)
    return found[0]


def checked(request: Request, reply: Reply, ask: Callable[[Request], Reply], *, streamed: bool = False) -> Reply:
    """`reply` with `data` parsed under the request's schema; one that is empty or does not fit is asked for once more.

    `ask` makes one plain call. `streamed`: the text has been shown already and stays, whatever the data was read from.
    Raises `MalformedReply` where the second reply is no better, or where the reply was cut before it was whole.
    """
    began = time.monotonic()
    try:
        return _fitting(request, reply)
    except ValueError as error:
        problem = str(error)
    if reply.finish == "cancelled":
        return reply
    if reply.finish == "length":
        raise MalformedReply(
            f"the reply was cut at {request.max_tokens} tokens before it was whole: {problem}",
            hint="a model that thinks before it answers needs more tokens, or to be told not to think",
            usage=reply.usage,
        )
    spent = reply.usage
    left = None if request.deadline is None else request.deadline - (time.monotonic() - began)
    again = replace(request, messages=(*request.messages, *_told(reply.text, problem, request)), deadline=left)
    try:
        second = ask(again)
        spent += second.usage
        fitting = _fitting(request, second)
    except (ValueError, RequestTooLarge) as error:
        said = f", and when asked again: {error}" if isinstance(error, ValueError) else ""
        raise MalformedReply(
            f"the model's reply cannot be used: {problem}{said}",
            hint="a larger model, or one whose server keeps to a JSON schema, replies more reliably",
            usage=spent,
        ) from error
    text = reply.text if streamed and reply.text else fitting.text
    return replace(fitting, text=text, usage=spent)


def _fitting(request: Request, reply: Reply) -> Reply:
    if request.schema is not None:
        return replace(reply, data=parsed(reply.text, request.schema))
    if not reply.text.strip():
        raise ValueError("the reply is empty")
    return reply


def _told(text: str, problem: str, request: Request) -> tuple[Message, ...]:
    """What is added to a conversation whose last reply was of no use; at its end, so that the rest stays a prefix."""
    want = "Reply again."
    if request.schema is not None:
        want = f"Reply again with JSON alone, under this JSON schema:\n{json.dumps(request.schema)}"
    said = (Message("assistant", (text[:LONGEST_ECHO],)),) if text.strip() else ()
    return (*said, Message("user", (f"That cannot be used: {problem[:500]}. {want}",)))


class _Misfit(ValueError):
    """A value that is JSON and does not fit the schema."""


@functools.lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    # a registry of nothing: a schema from outside must not make the library fetch what it refers to
    return jsonschema.Draft202012Validator(json.loads(schema), registry=referencing.Registry())


def _valid(check: jsonschema.Draft202012Validator, value: Any) -> Any:
    try:
        error = jsonschema.exceptions.best_match(check.iter_errors(value))
    except referencing.exceptions.Unresolvable as missing:
        raise GenerationError(f"the schema of the request refers to what it does not hold: {missing}") from missing
    except RecursionError:
        raise _Misfit("the value is nested too deep") from None
    if error is None:
        return value
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    raise _Misfit(f"{place + ': ' if place else ''}{error.message[:300]}")


def _strict(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if any(made[key] != value for key, value in pairs):
            raise ValueError("a key is given twice")
        return made

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no JSON number")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse, strict=False)
    except RecursionError:
        raise ValueError("the value is nested too deep") from None


def _values(body: str) -> Iterator[lenient.Lenient]:
    """The outermost values of a text: those in its code fences, where there are any, else all that stand in it."""
    fenced = [read for match in _FENCE.finditer(body) for read in _standing(match.group(1))]
    yield from fenced or _standing(body)


def _standing(text: str) -> Iterator[lenient.Lenient]:
    at = 0
    for _ in range(_STARTS):
        match = _BEGINNING.search(text, at)
        if match is None:
            return
        try:
            read = lenient.read(text, match.start())
        except ValueError:
            at = match.end()
        else:
            yield read
            at = read.end
