"""Whether the reader of a configuration can be reached and what it can do: it is asked, with seconds for each question.

Works with any generator by its protocol alone. What is asked is made up here, so that no model can know it: a number
that is drawn, an object with two fields.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ragsys.doctor import Check
from ragsys.errors import GenerationError, RagsysError, RequestTooLarge
from ragsys.exchange import Bounded, Cancel, Message, Reply, Request
from ragsys.wording import counted

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.config import Config
    from ragsys.protocols import Generator

SECONDS = 20.0  # for each question; a model on a processor says a dozen tokens in that time
_LATE = 2.0  # seconds after which a generator that does not keep its deadline is left alone
_RATE_TOKENS = 48
_SIDE = (448, 168)  # pixels of the picture: sixteen by six patches of 28
_COLOURS = ("red", "green", "blue")
_SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": list(_COLOURS)}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


def reader(config: Config, seconds: float = SECONDS) -> Iterator[Check]:
    """The checks of the configuration's generator, each of at most `seconds`; the first tells whether it is reached.

    A generator that is no language model is told in one line and asked nothing.
    """
    from ragsys import places
    from ragsys.calls import reads_prompts
    from ragsys.plugins import Builder, registry

    name = config.generator.use
    try:
        builder = Builder(registry(), config.defaults, places.data_dir(), places.cache_dir())
        generator: Generator = builder.build("generator", config.generator)
    except RagsysError as error:
        yield Check("reader", "error", error.message, error.hint or "")
        return
    except Exception as error:  # a component's own code
        yield Check("reader", "error", f"generator '{name}' cannot be made: {error}", f"ragsys plugins {name}")
        return
    if not reads_prompts(generator):
        yield Check("reader", "ok", f"{name}: no language model; nothing to reach")
        return
    yield from _asked(generator, name, seconds)


def _asked(generator: Generator, name: str, seconds: float) -> Iterator[Check]:
    first = ask(generator, _request("Say hello.", 12), seconds)
    if first.reply is None:
        yield Check("reader", "error", f"{name}: {first.problem}", first.remedy or f"ragsys plugins {name}")
        return
    yield Check("reader", "ok", f"{_identity(generator)} answers, after {first.seconds:.1f} s{_limits(generator)}")
    yield _sees(generator, seconds)
    yield _keeps(generator, seconds)
    yield _speed(generator, seconds)


def _identity(generator: Generator) -> str:
    try:
        return generator.identity
    except RagsysError as error:
        return f"a model that does not tell its name ({error.message})"


def _limits(generator: Generator) -> str:
    """What fits into one request, where the generator knows."""
    if not isinstance(generator, Bounded):
        return ""
    try:
        limits = generator.limits()
    except RagsysError:
        return ""
    told = [f"{limits.context:,} tokens"] if limits.context else []
    told += [counted(limits.images, "image")] if limits.images is not None else []
    return f"; takes {' and '.join(told)}" if told else ""


def _sees(generator: Generator, seconds: float) -> Check:
    """Ask for a number that is drawn. It has no digit twice and no zero, which is read as a letter."""
    if not generator.reads_images:
        remedy = "it reads the text of pages; for their pictures serve a model that sees, and set what it can do"
        return Check("reader images", "info", "it is told to read no images", remedy)
    digits = list("123456789")
    number = "".join(digits.pop(secrets.randbelow(len(digits))) for _ in range(4))
    message = Message("user", ("Which number is in this picture? Answer with its digits alone.", picture(number)))
    asked = ask(generator, Request((message,), task="look", max_tokens=24), seconds)
    if asked.reply is None:
        remedy = asked.remedy or "serve a model that sees"
        return Check("reader images", "warning", f"it takes no image: {asked.problem}", remedy)
    if number in "".join(c for c in asked.reply.text if c.isdigit()):
        return Check("reader images", "ok", "it reads a number off a picture")
    said = " ".join(asked.reply.text.split())[:60]
    message_ = f"it takes images, and read {said!r} where {number} is drawn"
    return Check("reader images", "warning", message_, "serve a larger vision-language model, or one that is trained")


def picture(text: str) -> Image:
    """Black characters on white, large enough for any encoder."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", _SIDE, "white")
    font = ImageFont.load_default(size=120)
    ImageDraw.Draw(image).text((_SIDE[0] / 2, _SIDE[1] / 2), text, fill="black", font=font, anchor="mm")
    return image


def _keeps(generator: Generator, seconds: float) -> Check:
    """Ask for an object under a schema, and look at it ourselves."""
    request = _request("There are 3 red balls. Give their colour and their count as JSON.", 64)
    asked = ask(generator, replace(request, schema=_SCHEMA), seconds)
    remedy = "answers come as marked text where the reader keeps to no schema"
    if asked.reply is None:
        return Check("reader schema", "warning", f"no reply under a schema: {asked.problem}", asked.remedy or remedy)
    if not _valid(asked.reply.data):
        return Check("reader schema", "warning", f"its reply is not of the schema: {asked.reply.text[:80]!r}", remedy)
    right = asked.reply.data == {"colour": "red", "count": 3}
    return Check("reader schema", "ok", "it keeps to a schema" + ("" if right else ", with wrong values in it"))


def _valid(data: Any) -> bool:
    return (
        isinstance(data, dict)
        and set(data) == {"colour", "count"}
        and data["colour"] in _COLOURS
        and type(data["count"]) is int
    )


def _speed(generator: Generator, seconds: float) -> Check:
    """Count what it says in a stream: the tokens of its usage over the time after the first piece."""
    request = _request("Count from one to a hundred in words, separated by commas.", _RATE_TOKENS)
    asked = ask(generator, request, seconds, stream=True)
    if asked.reply is None or asked.first is None:
        problem = asked.problem or "nothing came"
        return Check("reader speed", "warning", f"it did not stream: {problem}", asked.remedy or "look at its log")
    tokens = asked.reply.usage.output_tokens
    spent = asked.seconds - asked.first
    if tokens < 2 or spent <= 0:
        return Check(
            "reader speed", "info", f"{counted(tokens, 'token')} came in {asked.seconds:.1f} s: too few to tell a rate"
        )
    rate = (tokens - 1) / spent
    text = f"{rate:,.0f} tokens/s" if rate >= 10 else f"{rate:.1f} tokens/s"
    return Check("reader speed", "ok", f"{text}, the first piece after {asked.first:.2f} s")


def _request(text: str, tokens: int) -> Request:
    return Request((Message("user", (text,)),), task="look", max_tokens=tokens)


@dataclass(frozen=True, slots=True)
class Asked:
    """A reply, or why there is none; `seconds` in all and until the `first` piece of a stream."""

    reply: Reply | None
    seconds: float
    first: float | None = None
    problem: str = ""
    remedy: str = ""


def ask(generator: Generator, request: Request, seconds: float, *, stream: bool = False) -> Asked:
    """One request with an end: the generator is told its deadline, then to give up, then left behind."""
    cancel, began = Cancel(), time.monotonic()
    firsts: list[float] = []
    replies: list[Reply | Exception] = []
    timed = replace(request, deadline=seconds, cancel=cancel)

    def work() -> None:
        try:
            if stream:
                for item in generator.stream(timed):
                    if isinstance(item, Reply):
                        replies.append(item)
                    elif item and not firsts:
                        firsts.append(time.monotonic() - began)
            else:
                replies.append(generator.generate(timed))
        except Exception as error:  # it is told, whatever it is
            replies.append(error)

    thread = threading.Thread(target=work, name="doctor-reader", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        cancel.set()
        thread.join(_LATE)
    spent = time.monotonic() - began
    if not replies:
        problem = f"no reply within {seconds:.0f} s"
        return Asked(None, spent, None, problem, "look at the server's log; a model that is too slow: a smaller one")
    (end,) = replies[-1:]
    if isinstance(end, Reply):
        return Asked(end, spent, firsts[0] if firsts else None)
    return Asked(None, spent, None, _told(end), (end.hint or "") if isinstance(end, RagsysError) else "")


def _told(error: Exception) -> str:
    if isinstance(error, RequestTooLarge):
        return f"it has no room for a small request: {error.message}"
    return error.message if isinstance(error, GenerationError | RagsysError) else f"{type(error).__name__}: {error}"


def checks(source: str | None, overrides: Sequence[str]) -> Iterator[Check]:
    """The checks of the reader of a configuration; none where the configuration itself is wrong."""
    from ragsys.config import load

    try:
        config = load(source, overrides)
    except RagsysError:
        return
    yield from reader(config)
