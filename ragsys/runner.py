"""The one place that does what agents ask for: under the budget, into the trace, one by one or side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ragsys.actions import (
    Action,
    AgentFunction,
    Call,
    Checkpoint,
    Each,
    Failed,
    Kit,
    Look,
    Ok,
    Pages,
    Run,
    Search,
    Task,
    Write,
)
from ragsys.budget import CANCELLED, Purse
from ragsys.cache import ReplyCache
from ragsys.calls import Caller, Made, within
from ragsys.codec import fingerprint
from ragsys.errors import ActionFailed, AgentError, BudgetSpent, ConfigError, GenerationError, did_you_mean
from ragsys.protocols import Generator, Tool
from ragsys.steps import described, recorded
from ragsys.trace import Recorder
from ragsys.types import BBox, Draft, Evidence, Hit, PageImage, Usage

MAX_ACTIONS = 500  # of one agent: a loop without a bound is an error, not a hang
MAX_DEPTH = 8  # of agents that run agents
SIDE_BY_SIDE = 8  # threads of one `Each`


class Host(Protocol):
    """What the runner needs of a library. `search`, `evidence` and `render` are never called by two threads at once."""

    @property
    def generator(self) -> Generator:
        """The configured generator."""
        ...

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The configured tools by name."""
        ...

    def search(self, action: Search, task: Task, until: float) -> list[Hit]:
        """The hits of a search, best first; `until` is when the question's time is up (`time.monotonic`)."""
        ...

    def evidence(self, hits: Sequence[Hit], start: int) -> tuple[Evidence, ...]:
        """The pages of the hits in order, each once, numbered from `start`."""
        ...

    def render(self, evidence: Evidence, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        """An evidence's page, or the part of it inside `clip`."""
        ...

    def prompt(self, name: str) -> str:
        """A prompt's text. Raises `ConfigError` if there is none."""
        ...

    def agent(self, name: str) -> AgentFunction:
        """An agent by name, with its options bound. Raises `ConfigError` if there is none."""
        ...

    def state_key(self) -> str:
        """What replies depend on besides the request: the library's generation and the coverage of its layers."""
        ...

    def coverage(self) -> Mapping[str, float]:
        """{list of the search: share of the set that it could find, 0..1}."""
        ...

    def warnings(self) -> Sequence[str]:
        """What a reader of an answer should know: stages that are pending, documents that were skipped."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `stop`: finished, or why the budget was spent."""

    draft: Draft
    usage: Usage
    stop: str = "finished"
    notes: tuple[str, ...] = ()  # what was left out of requests, so that they fit


@dataclass(slots=True)
class _Span:
    """One running agent: its task, its purse, its place in the trace, and the best it has so far."""

    task: Task
    purse: Purse
    parent: int | None
    depth: int
    best: Draft | None = None


class Runner:
    """Runs one agent on one task. Made anew for every question."""

    def __init__(
        self,
        host: Host,
        purse: Purse,
        recorder: Recorder,
        kit: Kit,
        *,
        cache: ReplyCache | None = None,
        structured: bool = False,
    ) -> None:
        """`structured` asks a language model for answers as JSON instead of marked text."""
        self.host = host
        self.purse = purse
        self.recorder = recorder
        self.kit = kit
        self._library = threading.Lock()  # the host's searches and pages: one thread at a time
        self._shown: dict[tuple[str, int], Evidence] = {}
        self._caller = Caller(host, kit, recorder, cache, self._library, structured=structured)
        self._notes: dict[str, None] = {}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every page that was shown so far, by number."""
        return tuple(sorted(self._shown.values(), key=lambda one: one.number))

    def run(self, agent: AgentFunction, task: Task) -> Ended:
        """Drive the agent to its end. Raises what it raises; a spent budget is an end, not an error."""
        span = _Span(task, self.purse, None, 0)
        try:
            draft = self._drive(agent, span)
        except BudgetSpent as error:
            draft = Draft((), (), "partial", error.message)
        stop = self.purse.spent or "finished"
        if self.purse.spent and draft.status == "answered":
            draft = replace(draft, status="partial", note=draft.note or stop)
        if not draft.evidence:
            draft = replace(draft, evidence=self.evidence)
        return Ended(draft, self.purse.usage, stop, tuple(self._notes))

    def _drive(self, agent: AgentFunction, span: _Span) -> Draft:
        """Run one agent. Raises `BudgetSpent` if its budget ended before it had anything."""
        running = agent(span.task, kit=self.kit)
        result: Any = None
        error: Exception | None = None
        for _ in range(MAX_ACTIONS):
            try:
                action = running.send(result) if error is None else running.throw(error)
            except StopIteration as stop:
                if not isinstance(stop.value, Draft):
                    raise AgentError(f"an agent returns a Draft, found {type(stop.value).__name__}") from None
                return stop.value
            except BudgetSpent as spent:
                return self._partial(span, spent)
            result, error = None, None
            if not isinstance(action, Action):
                running.close()
                raise AgentError(f"an agent yields actions, found {type(action).__name__}")
            if span.purse.spent and not isinstance(action, Checkpoint):
                _close(running)
                return self._partial(span, span.purse.end(span.purse.spent))
            try:
                result = self._perform(action, span, span.parent)
            except BudgetSpent as spent:
                error = spent
            except AgentError as broken:  # of a sub-agent that breaks the protocol, or an action that failed
                error = broken if isinstance(broken, ActionFailed) else ActionFailed(described(action), broken)
            except Exception as failure:  # an action may fail in any way: the agent decides what that means
                error = ActionFailed(described(action), failure)
        _close(running)
        raise AgentError(f"an agent asked for more than {MAX_ACTIONS} actions: a loop without a bound")

    def _partial(self, span: _Span, spent: BudgetSpent) -> Draft:
        if span.best is None:
            raise spent
        given_up = spent.message == CANCELLED  # nobody's budget is to blame
        return replace(span.best, status="partial", note=(not given_up and span.best.note) or spent.message)

    def _perform(self, action: Action[Any], span: _Span, parent: int | None, number: int | None = None) -> Any:
        """Do one action and record it."""
        if number is None:
            number = self._begin(action, parent)
        try:
            made = self._do(action, span, number)
        except Exception as error:
            message = error.message if isinstance(error, BudgetSpent) else str(error)
            self.recorder.finish(number, {}, Usage(), f"{type(error).__name__}: {message}")
            raise
        self._notes |= dict.fromkeys(made.notes)
        output = recorded(action, made.value)
        if made.shown:
            output = {**output, "shown": made.shown, "notes": list(made.notes)}
        self.recorder.finish(number, output, made.usage)
        return made.value

    def _begin(self, action: Action[Any], parent: int | None) -> int:
        kind = type(action).__name__.lower()
        return self.recorder.begin(parent, kind, described(action), {"action": described(action)}, fingerprint(action))

    def _do(self, action: Action[Any], span: _Span, number: int) -> Made:
        match action:
            case Search():
                span.purse.check()
                until = time.monotonic() + span.purse.seconds_left
                with self._library:
                    return Made(list(self.host.search(action, span.task, until)), Usage())
            case Look():
                return self._caller.look(action, span.task, self._pages(action.pages), span.purse)
            case Write():
                pages = self._pages(action.pages)
                return self._caller.write(
                    action, span.task, pages, span.purse, stream=span.depth == 0, rescue=lambda d: self._keep(span, d)
                )
            case Run():
                return Made(*self._run(action, span, number))
            case Call():
                return Made(self._call(action, span), Usage())
            case Checkpoint():
                self._keep(span, action.draft)
                return Made(None, Usage())
            case Each():
                return Made(self._each(action, span, number), Usage())
        raise AgentError(f"an unknown action {type(action).__name__}", hint="the actions are in ragsys.actions")

    def _keep(self, span: _Span, draft: Draft) -> None:
        span.best = draft if draft.evidence else replace(draft, evidence=self.evidence)

    def _pages(self, pages: Pages) -> tuple[Evidence, ...]:
        """The evidence of hits; a page keeps its number for the whole question."""
        new = [page for page in pages if isinstance(page, Hit) and not self._known(page)]
        with self._library:
            new = [hit for hit in new if not self._known(hit)]  # another branch may have shown it meanwhile
            if new:
                for found in self.host.evidence(new, len(self._shown) + 1):
                    place = (found.doc, found.page.number)
                    if place not in self._shown:  # hits may overlap: numbers stay without gaps and doubles
                        self._shown[place] = replace(found, number=len(self._shown) + 1)
                        self.recorder.show(self._shown[place])
        wanted: dict[int, Evidence] = {}
        for page in pages:
            if isinstance(page, Evidence):
                wanted[page.number] = page
                continue
            for number in page.span.pages:
                known = self._shown.get((page.doc, number))
                if known is not None:
                    wanted[known.number] = known
        return tuple(wanted.values())

    def _known(self, hit: Hit) -> bool:
        return any((hit.doc, number) in self._shown for number in hit.span.pages)

    def _run(self, action: Run, span: _Span, number: int) -> tuple[Draft, Usage]:
        span.purse.check()
        if span.depth + 1 > MAX_DEPTH:
            raise AgentError(f"agents run agents more than {MAX_DEPTH} deep")
        purse = span.purse.slice(action.share)
        inner = _Span(action.task, purse, number, span.depth + 1)
        try:
            draft = self._drive(self.host.agent(action.agent), inner)
        except BudgetSpent as error:
            if span.purse.spent:
                raise
            raise ActionFailed(described(action), error) from error  # its slice is spent, the whole is not
        return (draft if draft.evidence else replace(draft, evidence=self.evidence)), purse.usage

    def _call(self, action: Call, span: _Span) -> Any:
        span.purse.check()
        tools = self.host.tools
        if action.tool not in tools:
            raise ConfigError(
                f"no tool named '{action.tool}'.{did_you_mean(action.tool, tools)}",
                hint=f"tools: {', '.join(tools) or 'none'}",
            )
        return within(span.purse, lambda: tools[action.tool].call(dict(action.arguments)))

    def _each(self, action: Each, span: _Span, number: int) -> list[Ok[Any] | Failed]:
        """Side by side. Steps are numbered before any begins, so that a trace does not depend on who is faster."""
        steps = [self._begin(one, number) for one in action.actions]

        def one(item: tuple[Action[Any], int]) -> Ok[Any] | Failed:
            try:
                return Ok(self._perform(item[0], span, number, item[1]))
            except Exception as error:  # one branch's failure is a value for the agent
                cause = error.cause if isinstance(error, ActionFailed) else error
                return Failed(type(cause).__name__, str(cause))

        if len(steps) < 2:
            return [one(item) for item in zip(action.actions, steps, strict=True)]
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(steps)), thread_name_prefix="ragsys-each") as pool:
            return list(pool.map(one, zip(action.actions, steps, strict=True)))


def _close(running: Any) -> None:
    """End a generator; one that yields on in its `finally` is told so."""
    try:
        running.close()
    except RuntimeError as error:
        raise AgentError("an agent went on after its end: no action may be yielded while it is closed") from error
    except (BudgetSpent, ActionFailed, GenerationError):
        return
