"""The way out: question -> task -> the agent's actions -> draft -> proof -> answer. Read it top-down."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ragsys.actions import Kit, Task, Turn
from ragsys.alike import alike
from ragsys.answers import NOTHING, Answer, Citation, Statement
from ragsys.budget import Purse
from ragsys.cache import ReplyCache
from ragsys.calls import is_structured, reads_prompts
from ragsys.citing import Proof, prove
from ragsys.codec import plain
from ragsys.config import Budget, Config
from ragsys.errors import ActionFailed, RagsysError, UsageError
from ragsys.exchange import Cancel
from ragsys.protocols import Judge
from ragsys.runner import Ended, Host, Runner
from ragsys.trace import Recorder, Trace, TraceFolder
from ragsys.types import Event, Evidence, Level
from ragsys.wording import part

if TYPE_CHECKING:
    from PIL.Image import Image

TRACES = "traces"
REPLIES = "replies.sqlite"


class AnswerHost(Host, Protocol):
    """A library that can be asked: what the runner needs, its configuration, and where traces and replies are kept."""

    @property
    def config(self) -> Config:
        """The whole configuration."""
        ...

    @property
    def folder(self) -> Path:
        """The library's own folder: `traces/` and the cache of replies live in it."""
        ...

    def unread(self) -> str:
        """The files of its folder that no loader takes, in a line; empty without any. Looked for when it is called."""
        ...

    def file_of(self, doc: str) -> Path | None:
        """The file that holds this document; None where it is gone: the library answers from what it keeps."""
        ...


def stream(
    host: AnswerHost,
    question: str,
    *,
    budget: Mapping[str, float] | None = None,
    history: tuple[Turn, ...] = (),
    images: tuple[Image, ...] = (),
    judge: Judge | None = None,
    cancel: Cancel | None = None,
) -> Iterator[Event]:
    """The events of an answer as they happen; the last one's `data` is the `Answer`. Closing early cancels the rest,
    and so does `cancel`, from any thread."""
    events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    limits = budget_of(host.config.answer.budget, budget)
    purse = Purse.of(calls=limits.calls, tokens=limits.tokens, seconds=limits.seconds)
    if cancel is not None:
        cancel.on(purse.cancel)

    def work() -> None:
        try:
            made = _answer(host, Task(question, images, history=history), purse, events.put, judge)
            events.put(Event("answer", made.text, data=made))
            events.put(None)
        except BaseException as error:  # handed to the thread that reads the events
            events.put(error)

    worker = threading.Thread(target=work, name="ragsys-answer", daemon=True)
    worker.start()
    try:
        while (event := _next(events)) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        purse.cancel()
        worker.join(timeout=5.0)  # the library may be closed next: searches of this question must have ended


def _next(events: queue.SimpleQueue[Any]) -> Any:
    """The next event. A wait without an end could not be interrupted by Ctrl-C on Windows."""
    while True:
        with contextlib.suppress(queue.Empty):
            return events.get(timeout=0.2)


def answer(
    host: AnswerHost,
    question: str,
    *,
    budget: Mapping[str, float] | None = None,
    history: tuple[Turn, ...] = (),
    judge: Judge | None = None,
) -> Answer:
    """The answer alone. Raises the error that an action failed with, where the agent did not take care of it."""
    events = list(stream(host, question, budget=budget, history=history, judge=judge))
    made = events[-1].data if events else None
    if not isinstance(made, Answer):
        raise RagsysError("the question ended without an answer")
    return made


def budget_of(configured: Budget, changes: Mapping[str, float] | None) -> Budget:
    """The configured budget with `calls`, `tokens` or `seconds` replaced. Raises `UsageError` on anything else."""
    from pydantic import ValidationError

    if changes is not None and not isinstance(changes, Mapping):
        raise UsageError(f"budget: expected a mapping, found {changes!r}", hint="a budget is: calls, tokens, seconds")
    try:
        return Budget.model_validate({**configured.model_dump(), **(changes or {})})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"budget: {where}: {first['msg']}", hint="a budget is: calls, tokens, seconds") from None


def _answer(host: AnswerHost, task: Task, purse: Purse, emit: Any, judge: Judge | None) -> Answer:
    began = time.monotonic()
    settings = host.config.answer
    generator = host.generator
    kit = Kit(
        pages=settings.pages,
        reads_prompts=reads_prompts(generator),
        reads_images=generator.reads_images,
        tools={name: tool.description for name, tool in host.tools.items()},
    )
    recorder = Recorder(_header(host, task, kit), emit)
    cache = ReplyCache(host.folder / REPLIES) if settings.cache and kit.reads_prompts else None
    structured = settings.format == "json" or (settings.format == "auto" and is_structured(generator))
    runner = Runner(host, purse, recorder, kit, cache=cache, structured=structured)
    try:
        ended = runner.run(host.agent(settings.agent.use), task)
    except ActionFailed as failed:
        _keep(host, recorder.close({"status": "failed", "stop": str(failed)}), emit)
        raise (failed.cause if isinstance(failed.cause, RagsysError) else failed) from None
    finally:
        if cache is not None:
            cache.close()
    made = _proved(host, task, ended, judge)
    made = replace(made, usage=replace(made.usage, seconds=time.monotonic() - began))
    trace = recorder.close({"status": made.status, "stop": ended.stop, "usage": plain(made.usage)})
    made = replace(made, trace=_keep(host, trace, emit))
    if any(step.kind == "write" for step in trace.steps):
        emit(Event("revised", made.text))  # what was streamed carried no marks yet
    return made


def _header(host: AnswerHost, task: Task, kit: Kit) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        release = version("ragsys")
    except PackageNotFoundError:  # a source tree that was not installed
        release = "unknown"
    return {
        "question": task.question,
        "task": plain(replace(task, images=())),
        "images": len(task.images),
        "kit": plain(kit),
        "agent": host.config.answer.agent.use,
        "generator": host.generator.identity,
        "config": host.config.hash,
        "state": host.state_key(),
        "ragsys": release,
    }


def _proved(host: AnswerHost, task: Task, ended: Ended, judge: Judge | None) -> Answer:
    """The draft with every sentence held against its sources."""
    draft = ended.draft
    proof = prove(draft, judge)
    if host.config.answer.strict:
        proof = strict(proof)
    pages = {one.number: one for one in draft.evidence}
    files = {one.doc: host.file_of(one.doc) for one in proof.citations}
    citations = tuple(
        replace(
            one,
            renderer=_renderer(host, pages[one.evidence]),
            gone=files[one.doc] is None,
            file=str(files[one.doc] or ""),
        )
        for one in proof.citations
    )
    said = tuple(statement for statement in proof.statements if not statement.left_out)
    status = draft.status if said or not proof.statements else "abstained"
    text = marked(said) or (_LEFT_OUT if proof.statements else _nothing(draft.status))
    return Answer(
        question=task.question,
        text=text,
        sentences=proof.statements,
        citations=citations,
        status=status,
        evidence=draft.evidence,
        usage=ended.usage,
        coverage=dict(host.coverage()),
        notes=(*_notes(host, task.question, ended, proof), *_unread(host, status), *host.warnings()),
        config=host.config.hash,
        generator=host.generator.identity,
        confidence=draft.confidence,
    )


def strict(proof: Proof) -> Proof:
    """The same proof with every sentence that is not proved left out of the text; citations of the others go first."""
    statements = [replace(one, left_out=one.level is not Level.SUPPORTED) for one in proof.statements]
    order = [number for out in (False, True) for one in statements if one.left_out is out for number in one.citations]
    numbers = {number: n for n, number in enumerate(dict.fromkeys(order), 1)}
    return Proof(
        tuple(replace(one, citations=tuple(numbers[number] for number in one.citations)) for one in statements),
        tuple(
            sorted((replace(one, number=numbers[one.number]) for one in proof.citations), key=lambda one: one.number)
        ),
    )


def _notes(host: AnswerHost, question: str, ended: Ended, proof: Proof) -> list[str]:
    """Why it stopped or abstained, what was not shown to the model, how it was made, what of it is not proved."""
    notes = [ended.draft.note] if ended.draft.note else []
    notes += ended.notes
    if ended.draft.status != "answered":
        others = alike(question, ended.draft.evidence)
        notes += [f"the pages that were read write {one.named}, the question {one.asked}" for one in others]
    if not proof.statements:
        return notes
    notes += getattr(host.generator, "notes", ())
    count = len(proof.statements)
    if left_out := sum(one.left_out for one in proof.statements):
        notes.append(f"strict: {part(left_out, count, 'sentence')} left out: not proved by what is cited")
    elif doubtful := sum(one.level is not Level.SUPPORTED for one in proof.statements):
        notes.append(f"{part(doubtful, count, 'sentence')} not proved by what is cited")
    placed = {citation.number for citation in proof.citations if citation.found}
    if unplaced := sum(bool(placed & set(one.citations)) for one in proof.statements if not one.left_out):
        told = ("names no place: it was found by its words", "name no place: theirs was found by their words")
        notes.append(part(unplaced, count, "sentence", *told))
    return notes


def _unread(host: AnswerHost, status: str) -> list[str]:
    """What may hold the answer and cannot be read: said where the documents that were read do not hold it."""
    return [told] if status == "abstained" and (told := host.unread()) else []


def _renderer(host: Host, evidence: Evidence) -> Any:
    from ragsys.pictures import citation_picture

    return lambda citation, dpi, crop: citation_picture(partial(host.render), evidence, citation, dpi, crop)


_LEFT_OUT = "Nothing that was written is proved by the documents."


def _nothing(status: str) -> str:
    if status == "abstained":
        return NOTHING
    return "The budget ended before an answer was written."


def marked(statements: tuple[Statement, ...]) -> str:
    """The sentences with their marks, before the full stop: "Revenue rose by 4 % [1]." """
    parts = []
    for statement in statements:
        marks = "".join(f"[{number}]" for number in statement.citations)
        body = statement.text.rstrip()
        stop = body[-1] if body[-1:] in ".!?" else "."
        body = body[:-1] if body[-1:] in ".!?" else body
        parts.append(f"{body} {marks}{stop}" if marks else f"{body}{stop}")
    return " ".join(parts)


def _keep(host: AnswerHost, trace: Trace, emit: Any) -> str:
    """The trace's id; a folder that cannot be written costs the trace, not the answer."""
    try:
        TraceFolder(host.folder / TRACES).save(trace)
    except (OSError, TypeError) as error:
        emit(Event("warning", f"the trace could not be kept: {error}"))
        return ""
    return trace.id


__all__ = ["AnswerHost", "Citation", "answer", "budget_of", "marked", "stream"]
