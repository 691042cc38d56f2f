"""Calls are broken off when nobody waits, leave no thread behind, and take whatever a generator gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import single

from ragsys.actions import Agent, Kit, Look, Search, Task, Write, do, each
from ragsys.answer import answer, stream
from ragsys.budget import Purse
from ragsys.errors import ActionFailed, GenerationError
from ragsys.protocols import Cancel, Reply, Request
from ragsys.runner import Runner
from ragsys.testing.agents import MemoryHost, page_of
from ragsys.testing.generators import ScriptedGenerator
from ragsys.trace import Recorder
from ragsys.types import Draft, Usage

PAGES = {("a", 1): page_of("The plant in Graz opened in 1987.", "It makes pumps.")}
Threads = Callable[[], set[str]]
SINGLE = partial(single, options=SingleOptions())


class Blocking:
    """A generator that gives a piece and then waits until it is told to break off."""

    identity = "blocking/1"
    reads_images = False
    reads_prompts = True

    def __init__(self, *, deaf: bool = False, rude: bool = False) -> None:
        self.given_up = threading.Event()
        self.began = threading.Event()
        self.deaf, self.rude = deaf, rude

    def _wait(self, request: Request) -> None:
        gone = threading.Event()
        assert request.cancel is not None
        if not self.deaf:
            request.cancel.on(gone.set)
        if self.rude:
            request.cancel.on(self._raise)
        self.began.set()
        if gone.wait(20 if not self.deaf else 0.5):
            self.given_up.set()
        raise GenerationError("the connection was closed")

    @staticmethod
    def _raise() -> None:
        raise OSError("already closed")

    def generate(self, request: Request) -> Reply:
        """Never."""
        self._wait(request)
        return Reply("")

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """A sentence, then nothing more."""
        yield "It opened in 1987 [1.0]. And"
        self._wait(request)


@pytest.fixture
def threads() -> Threads:
    """Names of our threads that run and began in this test: others leave theirs in the process."""
    before = set(threading.enumerate())
    return lambda: {one.name for one in threading.enumerate() if one.name.startswith("ragsys-") and one not in before}


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within some seconds."""
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.01)
    return False


def host(tmp_path: Path, generator: Any) -> MemoryHost:
    """A library of one page."""
    return MemoryHost(tmp_path, PAGES, generator, agents={"single": SINGLE})


def test_a_deadline_breaks_a_call_off_and_keeps_its_sentences(tmp_path: Path, threads: Threads) -> None:
    generator = Blocking()
    made = answer(host(tmp_path, generator), "when did the plant open", budget={"seconds": 0.5})
    assert (made.status, made.text) == ("partial", "It opened in 1987 [1].")
    assert generator.given_up.wait(5)
    assert eventually(lambda: not threads())


def test_a_stream_that_is_left_breaks_its_call_off(tmp_path: Path, threads: Threads) -> None:
    generator = Blocking()
    events = stream(host(tmp_path, generator), "when did the plant open")
    for event in events:
        if event.kind == "text":
            break
    assert generator.began.wait(5)
    events.close()  # type: ignore[attr-defined]
    assert generator.given_up.wait(5)
    assert eventually(lambda: not threads())


def test_a_cancelled_purse_breaks_every_branch_off(tmp_path: Path, threads: Threads) -> None:
    generator = Blocking()

    def branching(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from each([Look(prompt=str(n)) for n in range(4)])
        return Draft(())

    purse = Purse.of(calls=9, tokens=100_000, seconds=30)
    runner = Runner(host(tmp_path, generator), purse, Recorder({}), Kit())
    threading.Timer(0.2, purse.cancel).start()
    assert runner.run(branching, Task("x")).stop == "cancelled"
    assert generator.given_up.wait(5)
    assert eventually(lambda: not threads())


def test_a_generator_that_does_not_listen_costs_its_own_thread_alone(tmp_path: Path, threads: Threads) -> None:
    generator = Blocking(deaf=True)
    made = answer(host(tmp_path, generator), "when did the plant open", budget={"seconds": 0.2})
    assert made.status == "partial"
    assert eventually(lambda: not threads())


def test_an_action_of_a_generator_that_raises_harms_nothing(tmp_path: Path) -> None:
    generator = Blocking(rude=True)
    made = answer(host(tmp_path, generator), "when did the plant open", budget={"seconds": 0.3})
    assert made.status == "partial"
    assert generator.given_up.wait(5)


def test_a_reply_that_ended_is_not_broken_off(tmp_path: Path) -> None:
    seen: list[Cancel | None] = []

    def reply(request: Request) -> str:
        seen.append(request.cancel)
        return "It opened in 1987 [1.0]."

    answer(host(tmp_path, ScriptedGenerator([reply])), "when did the plant open")
    assert seen[0] is not None
    assert not seen[0].is_set


def test_a_stream_without_an_end_is_cut_and_broken_off(tmp_path: Path, threads: Threads) -> None:
    class Endless(ScriptedGenerator):
        def stream(self, request: Request) -> Iterator[str | Reply]:
            assert request.cancel is not None
            request.cancel.on(ended.set)
            yield "It opened in 1987 [1.0]. "
            while not ended.is_set():
                yield "blah " * 20

    ended = threading.Event()
    made = answer(host(tmp_path, Endless()), "when did the plant open")
    assert ended.wait(5)
    assert made.status == "partial"
    assert any("no end" in note for note in made.notes)
    assert eventually(lambda: not threads())


@pytest.mark.parametrize(
    ("items", "status", "text"),
    [
        (["It opened in 1987 [1.0]. And"], "partial", "It opened in 1987"),
        (["It opened in 1987 [1.0].", GenerationError("reset")], "partial", "It opened in 1987"),
        (["It opened in 1987 [1.0].", ValueError("odd")], "partial", "It opened in 1987"),
        ([], "abstained", "do not answer"),
        (["It opened in 1987 [1.0].", Reply("", None)], "answered", "It opened in 1987"),
        ([Reply(None)], "abstained", "do not answer"),  # type: ignore[arg-type]
        ([Reply(5, {"x": 1})], "abstained", "do not answer"),  # type: ignore[arg-type]
        ([Reply("It opened in 1987 [1.0].", None, None, "odd")], "answered", "1987"),  # type: ignore[arg-type]
        ([Reply("It opened in 1987 [1.0].", usage=Usage(1, "x", None))], "answered", "1987"),  # type: ignore[arg-type]
        ([Reply("It opened in 1987 [1.0].", object())], "answered", "1987"),
    ],
)  # fmt: skip
def test_what_a_stream_gives_ends_in_an_answer(tmp_path: Path, items: list[Any], status: str, text: str) -> None:
    made = answer(host(tmp_path, ScriptedGenerator([items])), "when did the plant open")
    assert (made.status, text in made.text) == (status, True), made.text


def test_a_call_that_fails_before_anything_came_is_an_error_that_says_so(tmp_path: Path) -> None:
    for error in (GenerationError("down"), ValueError("odd"), KeyError("k"), RecursionError("deep"), MemoryError()):
        with pytest.raises((GenerationError, ActionFailed)):
            answer(host(tmp_path, ScriptedGenerator([error])), "when did the plant open")
    with pytest.raises(GenerationError, match="Reply belongs"):
        answer(host(tmp_path, ScriptedGenerator([[5]])), "when did the plant open")


def test_a_look_reads_json_in_a_fence(tmp_path: Path) -> None:
    def agent(task: Task, *, kit: Kit) -> Agent[Draft]:
        hits = yield from do(Search("plant"))
        found = yield from do(Look(tuple(hits), schema=dict))  # type: ignore[arg-type]
        return (yield from do(Write(tuple(hits), values={"found": str(found)})))

    generator = ScriptedGenerator(['Sure:\n```json\n{"a": 1}\n```', "Yes [1.0]."])
    purse = Purse.of(calls=9, tokens=100_000, seconds=30)
    Runner(host(tmp_path, generator), purse, Recorder({}), Kit()).run(agent, Task("plant"))
    assert any("found: {'a': 1}" in str(part) for part in generator.requests[1].messages[1].parts)


class Sighted(Blocking):
    """One that reads pictures."""

    reads_images = True


def test_a_page_that_is_being_drawn_is_given_up_with_its_question(tmp_path: Path) -> None:
    began, go_on = threading.Event(), threading.Event()

    class Drawing(MemoryHost):
        def render(self, *_: Any, **__: Any) -> Any:
            began.set()
            go_on.wait(120)
            raise AssertionError("nobody waits for it")

    purse = Purse.of(calls=9, tokens=100_000, seconds=600)
    runner = Runner(Drawing(tmp_path, PAGES, Sighted()), purse, Recorder({}), Kit(reads_images=True))

    def agent(task: Task, *, kit: Kit) -> Agent[Draft]:
        hits = yield from do(Search(task.question))
        return (yield from do(Write(tuple(hits), view="pages")))

    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(runner.run(agent, Task("plant"))))
    thread.start()
    assert began.wait(60)
    purse.cancel()
    thread.join(60)
    go_on.set()
    assert ended
    assert ended[0].draft.status == "partial"
