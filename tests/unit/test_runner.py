"""Agents that nest, branch, fail, overspend, loop and diverge; and what the runner makes of them."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ragsys.actions import (
    Action,
    Agent,
    AgentFunction,
    Call,
    Checkpoint,
    Failed,
    Kit,
    Look,
    Ok,
    Run,
    Search,
    Task,
    Write,
    both,
    do,
    each,
    succeeded,
)
from ragsys.budget import Purse
from ragsys.cache import ReplyCache
from ragsys.errors import ActionFailed, AgentError, BudgetSpent, GenerationError, ReplayDiverged, UsageError
from ragsys.protocols import Reply, Request
from ragsys.runner import Ended, Runner
from ragsys.steps import replay
from ragsys.testing.agents import MemoryHost, check_agent, drive, page_of
from ragsys.testing.generators import ScriptedGenerator
from ragsys.trace import Recorder, Trace, TraceFolder, read
from ragsys.types import JSON, Draft, Event, Sentence, Usage

PAGES = {
    ("a", 1): page_of("The plant in Graz opened in 1987.", "It makes pumps."),
    ("a", 2): page_of("Revenue in 2018 was $5 million."),
    ("b", 1): page_of("Pumps need oil. The oil is changed once a year."),
}
TASK = Task("when did the plant open")


def asked(
    tmp_path: Path,
    agent: AgentFunction,
    replies: Any = (),
    *,
    calls: int = 10,
    tokens: int = 100_000,
    seconds: float = 20.0,
    delay: float = 0.0,
    agents: dict[str, AgentFunction] | None = None,
    tools: Any = (),
    cache: ReplyCache | None = None,
    events: list[Event] | None = None,
    host: MemoryHost | None = None,
) -> tuple[Ended, Trace, MemoryHost]:
    """One run: how it ended, its trace, its host."""
    host = host or MemoryHost(tmp_path, PAGES, ScriptedGenerator(replies, delay=delay), agents=agents, tools=tools)
    recorder = Recorder({"question": TASK.question}, events.append if events is not None else None)
    runner = Runner(host, Purse.of(calls=calls, tokens=tokens, seconds=seconds), recorder, Kit(pages=3), cache=cache)
    ended = runner.run(agent, TASK)
    return ended, recorder.close({"stop": ended.stop}), host


def plain(task: Task, *, kit: Kit) -> Agent[Draft]:
    """Search and write."""
    hits = yield from do(Search(task.question, k=kit.pages))
    yield from do(Checkpoint(Draft((Sentence("so far"),))))
    return (yield from do(Write(tuple(hits))))


class Picks(BaseModel):
    """A reply."""

    pages: list[int]


def looking(task: Task, *, kit: Kit) -> Agent[Draft]:
    """Look, think, write."""
    hits = yield from do(Search(task.question, k=kit.pages))
    picks = yield from do(Look(tuple(hits), prompt="look", schema=Picks))
    thought = yield from do(Look(prompt="think", values={"picked": str(picks.pages)}))
    chosen = tuple(hits[n - 1] for n in picks.pages)
    return (yield from do(Write(chosen, values={"thought": thought})))


def test_a_run_searches_writes_and_streams_without_marks(tmp_path: Path) -> None:
    events: list[Event] = []
    ended, trace, host = asked(tmp_path, plain, ['It opened in 1987 [1.0 "opened in 1987"].'], events=events)
    assert ended.draft.sentences[0].text == "It opened in 1987."
    assert [(m.evidence, m.block, m.quote) for m in ended.draft.sentences[0].marks] == [(1, 0, "opened in 1987")]
    assert [one.path for one in ended.draft.evidence] == [one.path for one in ended.draft.evidence if one.number]
    assert ended.usage.calls == 1
    assert ended.stop == "finished"
    assert "".join(e.text for e in events if e.kind == "text") == "It opened in 1987 ."
    assert [step.kind for step in trace.steps] == ["search", "checkpoint", "write"]
    assert [e.kind for e in events if e.kind in ("step", "done")] == ["step", "done"] * 3
    assert host.searches[0].k == 3


def test_a_look_parses_as_its_schema_and_pages_keep_their_numbers(tmp_path: Path) -> None:
    replies = [Reply("", {"pages": [2, 1]}, Usage(1, 5, 5)), "fine", "Yes [2.0]. Also [1.0]."]
    ended, _, host = asked(tmp_path, looking, replies)
    assert [one.number for one in ended.draft.evidence] == [2, 1]
    assert ended.usage.calls == 3
    generator = host.generator
    assert isinstance(generator, ScriptedGenerator)
    assert generator.requests[0].schema is not None
    assert generator.requests[1].evidence == ()
    assert any("thought: fine" in str(part) for part in generator.requests[2].messages[1].parts)


def test_a_reply_that_does_not_fit_fails_the_action(tmp_path: Path) -> None:
    seen: list[str] = []

    def agent(task: Task, *, kit: Kit) -> Agent[Draft]:
        try:
            yield from do(Look(prompt="look", schema=Picks))
        except ActionFailed as failed:
            seen.append(type(failed.cause).__name__)
        return Draft((), status="abstained")

    asked(tmp_path, agent, ['{"pages": "none"}'])
    assert seen == ["GenerationError"]


def test_sub_agents_have_spans_slices_and_partial_answers(tmp_path: Path) -> None:
    def greedy(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Checkpoint(Draft((Sentence(f"about {task.question}"),))))
        for n in range(50):
            yield from do(Look(prompt=f"think {n}"))
        return Draft(())

    def outer(task: Task, *, kit: Kit) -> Agent[Draft]:
        inner = yield from do(Run("greedy", Task("pumps"), share=0.5))
        yield from do(Look(prompt="after"))
        return Draft((*inner.sentences, Sentence("end")), note=inner.status)

    ended, trace, _ = asked(tmp_path, outer, ["x"] * 60, calls=6, agents={"greedy": greedy})
    assert ended.draft.text == "about pumps end"
    assert ended.draft.note == "partial"
    assert ended.usage.calls == 4  # three of the slice, one after
    assert ended.stop == "finished"
    run = next(step for step in trace.steps if step.kind == "run")
    assert {step.kind for step in trace.children(run.number)} == {"checkpoint", "look"}
    assert run.usage.calls == 3


def test_a_slice_that_is_spent_without_a_draft_fails_its_run_alone(tmp_path: Path) -> None:
    causes: list[BaseException] = []

    def empty(task: Task, *, kit: Kit) -> Agent[Draft]:
        for n in range(5):
            yield from do(Look(prompt=str(n)))
        return Draft(())

    def outer(task: Task, *, kit: Kit) -> Agent[Draft]:
        try:
            yield from do(Run("empty", task, share=0.1))
        except ActionFailed as failed:
            causes.append(failed.cause)
        return (yield from do(Write((), prompt="w")))

    ended, _, _ = asked(tmp_path, outer, ["x", "Done."], calls=5, agents={"empty": empty})
    assert ended.draft.text == "Done."
    assert [type(cause) for cause in causes] == [BudgetSpent]


def test_branches_run_side_by_side_and_fail_alone(tmp_path: Path) -> None:
    def branching(task: Task, *, kit: Kit) -> Agent[Draft]:
        outcomes = yield from each([Search("plant"), Search("revenue"), Search("oil")])
        hits = [hit for found in succeeded(outcomes) for hit in found]
        one, two = yield from both(Run("missing", task), Look(prompt="think"))
        assert isinstance(one, Failed)
        assert one.kind == "ConfigError"
        assert isinstance(two, Ok)
        return Draft((Sentence(f"{len(hits)} {two.value}"),))

    ended, trace, _ = asked(tmp_path, branching, ["ok"])
    assert ended.draft.text.endswith("ok")
    groups = [step for step in trace.steps if step.kind == "each"]
    assert [step.kind for step in trace.children(groups[0].number)] == ["search"] * 3
    assert [step.number for step in trace.steps] == list(range(len(trace.steps)))


def test_branches_of_models_overlap_in_time(tmp_path: Path) -> None:
    def branching(task: Task, *, kit: Kit) -> Agent[Draft]:
        outcomes = yield from each([Look(prompt=str(n)) for n in range(4)])
        return Draft((Sentence(" ".join(succeeded(outcomes))),))

    began = time.monotonic()
    ended, _, _ = asked(tmp_path, branching, ["x"] * 4, delay=0.3)
    assert ended.draft.text == "x x x x"
    assert time.monotonic() - began < 0.9


def test_the_budget_of_calls_is_thrown_once_then_closes_the_agent(tmp_path: Path) -> None:
    closed: list[str] = []

    def stubborn(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Checkpoint(Draft((Sentence("first"),))))
        try:
            while True:
                try:
                    yield from do(Look(prompt="again"))
                except BudgetSpent:
                    closed.append("told")
        finally:
            closed.append("closed")

    ended, _, _ = asked(tmp_path, stubborn, ["x"] * 9, calls=2)
    assert closed == ["told", "closed"]
    assert (ended.draft.text, ended.draft.status) == ("first", "partial")
    assert "2 model calls" in ended.stop


def test_an_agent_may_end_well_when_it_is_told(tmp_path: Path) -> None:
    def careful(task: Task, *, kit: Kit) -> Agent[Draft]:
        found = []
        try:
            while True:
                found.append((yield from do(Look(prompt="more"))))
        except BudgetSpent:
            return Draft((Sentence(f"{len(found)} looks"),))

    ended, _, _ = asked(tmp_path, careful, ["x"] * 9, calls=3)
    assert (ended.draft.text, ended.draft.status) == ("3 looks", "partial")


def test_tokens_are_reserved_before_and_settled_after(tmp_path: Path) -> None:
    def two(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Look(prompt="one"))
        yield from do(Look(prompt="two"))
        return Draft((Sentence("both"),))

    small = Reply("x", None, Usage(1, 10, 10))
    ended, _, _ = asked(tmp_path, two, [small, small], tokens=1500)
    assert ended.draft.text == "both"
    assert ended.usage.tokens == 40
    ended, _, _ = asked(tmp_path, two, [small, small], tokens=40)
    assert "tokens" in ended.stop
    assert ended.draft.status == "partial"


def test_a_call_in_flight_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    began = time.monotonic()
    ended, trace, _ = asked(tmp_path, plain, ["late"], seconds=0.4, delay=3.0)
    assert time.monotonic() - began < 1.5
    assert (ended.draft.text, ended.draft.status) == ("so far", "partial")
    assert trace.steps[-1].error.startswith("BudgetSpent")
    assert ended.usage.calls == 1  # what was asked was paid for


def test_the_sentences_that_had_come_are_kept_at_the_deadline(tmp_path: Path) -> None:
    text = 'One is done [1.0 "opened in 1987"]. Two is ' + "long " * 100
    ended, _, _ = asked(tmp_path, plain, [text], seconds=1.0, delay=0.05)
    assert ended.draft.status == "partial"
    assert ended.draft.text == "One is done."
    assert ended.draft.sentences[0].marks[0].quote == "opened in 1987"


def test_tools_are_called_and_their_errors_reach_the_agent(tmp_path: Path) -> None:
    class Adder:
        name = "add"
        description = "adds"
        schema: JSON = {}  # noqa: RUF012

        def call(self, arguments: JSON) -> JSON:
            if "x" not in arguments:
                raise UsageError("x is missing")
            return {"sum": arguments["x"] + 1}

    def agent(task: Task, *, kit: Kit) -> Agent[Draft]:
        result = yield from do(Call("add", {"x": 1}))
        texts = [str(result["sum"])]
        for call in (Call("add"), Call("ad")):
            try:
                yield from do(call)
            except ActionFailed as failed:
                texts.append(type(failed.cause).__name__)
        return Draft((Sentence(" ".join(texts)),))

    ended, _, _ = asked(tmp_path, agent, tools=[Adder()])
    assert ended.draft.text == "2 UsageError ConfigError"


def test_broken_agents_are_named(tmp_path: Path) -> None:
    def yields_text(task: Task, *, kit: Kit) -> Any:
        yield "search"

    def returns_text(task: Task, *, kit: Kit) -> Any:
        yield Search("x")
        return "text"

    def endless(task: Task, *, kit: Kit) -> Agent[Draft]:
        while True:
            yield from do(Search("plant"))

    def undying(task: Task, *, kit: Kit) -> Agent[Draft]:
        while True:
            try:
                yield from do(Look())
            except BudgetSpent:
                continue
            except GeneratorExit:
                yield Search("one more")
                return Draft(())

    for agent, text in ((yields_text, "found str"), (returns_text, "a Draft"), (endless, "bound"), (undying, "closed")):
        with pytest.raises(AgentError, match=text):
            asked(tmp_path, agent, ["x"], calls=1)


def test_agents_nest_only_so_deep(tmp_path: Path) -> None:
    def self_calling(task: Task, *, kit: Kit) -> Agent[Draft]:
        return (yield from do(Run("me", task, share=1.0)))

    with pytest.raises(ActionFailed, match="deep"):
        asked(tmp_path, self_calling, agents={"me": self_calling})


def test_a_trace_is_read_back_and_replays(tmp_path: Path) -> None:
    def agent(task: Task, *, kit: Kit) -> Agent[Draft]:
        outcomes = yield from each([Search("plant"), Search("revenue 2018")])
        hits = [hit for found in succeeded(outcomes) for hit in found]
        picks = yield from do(Look(tuple(hits), schema=Picks))
        inner = yield from do(Run("plain", task))
        with contextlib.suppress(ActionFailed):
            yield from do(Call("none"))
        yield from do(Checkpoint(inner))
        return (yield from do(Write((hits[picks.pages[0] - 1], *inner.evidence))))

    replies = [Reply("", {"pages": [1]}, Usage(1)), "It opened [1.0].", "In 1987 [1.0]."]
    ended, trace, _ = asked(tmp_path, agent, replies, agents={"plain": plain})
    folder = TraceFolder(tmp_path / "traces")
    loaded = read(folder.save(trace))
    assert loaded == trace
    assert replay(loaded, agent, task=TASK, kit=Kit(pages=3)) == ended.draft
    run = next(step for step in loaded.steps if step.kind == "run")
    assert replay(loaded, plain, task=TASK, kit=Kit(pages=3), parent=run.number) is not None


def test_a_replay_that_diverges_names_the_step(tmp_path: Path) -> None:
    _, trace, _ = asked(tmp_path, plain, ["Yes."])

    def other(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Search(task.question, k=kit.pages))
        return (yield from do(Write(())))

    with pytest.raises(ReplayDiverged, match="step 1") as raised:
        replay(trace, other, task=TASK, kit=Kit(pages=3))
    assert raised.value.step == 1
    with pytest.raises(ReplayDiverged, match=r"other details|step 0") as raised:
        replay(trace, plain, task=TASK, kit=Kit(pages=4))
    assert raised.value.step == 0

    def shorter(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Search(task.question, k=kit.pages))
        return Draft(())

    with pytest.raises(ReplayDiverged, match="has ended"):
        replay(trace, shorter, task=TASK, kit=Kit(pages=3))

    def longer(task: Task, *, kit: Kit) -> Agent[Draft]:
        draft = yield from plain(task, kit=kit)
        yield from do(Search("more"))
        return draft

    with pytest.raises(ReplayDiverged, match="trace has ended"):
        replay(trace, longer, task=TASK, kit=Kit(pages=3))


def test_a_run_that_its_budget_ended_replays_to_the_same_end(tmp_path: Path) -> None:
    def greedy(task: Task, *, kit: Kit) -> Agent[Draft]:
        while True:
            yield from do(Look(prompt="again"))

    _, trace, _ = asked(tmp_path, greedy, ["x"] * 5, calls=2)
    assert replay(trace, greedy, task=TASK, kit=Kit(pages=3)) is None


def test_old_traces_go_and_a_stranger_is_refused(tmp_path: Path) -> None:
    folder = TraceFolder(tmp_path / "t", keep=3)
    for n in range(5):
        folder.save(Trace(f"2026010{n}", {"question": "q"}, ()))
    assert folder.names() == ["20260102", "20260103", "20260104"]
    assert folder.load("last").id == "20260104"
    with pytest.raises(UsageError, match="no trace"):
        folder.load("nope")
    (tmp_path / "t" / "zz.jsonl").write_text("[]\n")
    with pytest.raises(UsageError, match="not a trace"):
        folder.load("zz")


def test_equal_requests_are_answered_from_the_cache_until_the_library_changes(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "replies.sqlite")
    generator = ScriptedGenerator(["One [1.0].", "Two [1.0]."])
    host = MemoryHost(tmp_path, PAGES, generator)
    texts = [asked(tmp_path, plain, host=host, cache=cache)[0] for _ in range(2)]
    assert [one.draft.text for one in texts] == ["One.", "One."]
    assert texts[1].usage.calls == 0
    host.state = "2"
    assert asked(tmp_path, plain, host=host, cache=cache)[0].draft.text == "Two."
    cache.close()


def test_a_broken_or_full_cache_costs_nothing_but_time(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    path.write_bytes(b"this is no database, it is a text that is long enough to be read as one" * 20)
    cache = ReplyCache(path, capacity=2)
    assert cache.get("a") is None
    for key in "abc":
        cache.put(key, Reply(key))
    assert cache.get("a") is None
    assert cache.get("c") == Reply("c")
    cache.put("d", Reply("d", finish="length"))
    assert cache.get("d") is None
    cache.close()


def test_the_law_of_agents_finds_one_that_is_not_determined() -> None:
    count = iter(range(100))

    def fickle(task: Task, *, kit: Kit) -> Agent[Draft]:
        yield from do(Search(f"{task.question} {next(count)}"))
        return Draft(())

    results: list[Any] = [[], None, Draft((Sentence("x"),))]
    assert check_agent(plain, TASK, results) == Draft((Sentence("x"),))
    with pytest.raises(AssertionError, match="differs"):
        check_agent(fickle, TASK, [[]])
    actions, draft = drive(plain, TASK, [ActionFailed("search", RuntimeError("down"))])
    assert draft is None
    assert len(actions) == 1


def test_a_cancelled_purse_ends_a_call_in_flight(tmp_path: Path) -> None:
    purse = Purse.of(calls=5, tokens=10_000, seconds=30)
    host = MemoryHost(tmp_path, PAGES, ScriptedGenerator(["late"], delay=5.0))
    runner = Runner(host, purse, Recorder({}), Kit())
    threading.Timer(0.2, purse.cancel).start()
    began = time.monotonic()
    ended = runner.run(plain, TASK)
    assert time.monotonic() - began < 2
    assert ended.stop == "cancelled"


def test_an_error_of_a_generator_is_the_actions(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match="no luck"):
        asked(tmp_path, plain, [GenerationError("no luck")])

    def slow(request: Request) -> str:
        return f"{len(request.evidence)} pages."

    ended, _, _ = asked(tmp_path, plain, [slow])
    assert ended.draft.text.endswith("pages.")


def test_actions_know_the_type_of_their_result() -> None:
    action: Action[list[Any]] = Search("x")
    assert action == Search("x")
