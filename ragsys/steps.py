"""Actions and their results as they stand in a trace, and the replay that holds an agent against one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

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
    Run,
    Search,
    Task,
    Write,
)
from ragsys.codec import dump_as, fingerprint, parse_as, plain, restore
from ragsys.errors import ActionFailed, AgentError, BudgetSpent, ReplayDiverged
from ragsys.trace import Trace
from ragsys.types import JSON, Draft, Evidence, Hit, Sentence, Step
from ragsys.wording import counted


def described(action: Action[Any]) -> str:
    """An action in a line: what people read in a trace."""
    match action:
        case Search():
            limit = f" k={action.k}" if action.k else ""
            return f"search {action.level}s{limit}: {_short(action.query)}"
        case Look():
            return f"look ({action.prompt}) at {counted(len(action.pages), 'page')} as {action.schema.__name__}"
        case Write():
            return f"write ({action.prompt}) from {counted(len(action.pages), 'page')}"
        case Run():
            return f"run {action.agent}: {_short(action.task.question)}"
        case Call():
            return f"call {action.tool}"
        case Checkpoint():
            return f"checkpoint of {counted(len(action.draft.sentences), 'sentence')}"
        case Each():
            return f"{len(action.actions)} side by side"
    return type(action).__name__.lower()


def _short(text: str, limit: int = 80) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def recorded(action: Action[Any], result: Any) -> JSON:
    """A result as JSON. Pages are named by their number: the trace holds each once."""
    match action:
        case Search():
            return {"hits": plain(result)}
        case Look():
            return {"reply": dump_as(action.schema, result)}
        case Write() | Run():
            return {"draft": _draft(result)}
        case Call():
            return {"result": plain(result)}
        case Each():
            outcomes = zip(action.actions, result, strict=True)
            return {
                "outcomes": [
                    {"ok": recorded(one, outcome.value)} if isinstance(outcome, Ok) else {"failed": plain(outcome)}
                    for one, outcome in outcomes
                ]
            }
    return {}


def _draft(draft: Draft) -> JSON:
    return {**plain(replace(draft, evidence=())), "evidence": [one.number for one in draft.evidence]}


def rebuilt(action: Action[Any], output: JSON, evidence: dict[int, Evidence]) -> Any:
    """The result of which `recorded` is the JSON form."""
    match action:
        case Search():
            return restore(list[Hit], output["hits"])
        case Look():
            return parse_as(action.schema, output["reply"])
        case Write() | Run():
            data = output["draft"]
            pages = tuple(evidence[number] for number in data["evidence"])
            said = restore(tuple[Sentence, ...], data["sentences"])
            return Draft(said, pages, data["status"], data["note"], data.get("confidence"))
        case Call():
            return output["result"]
        case Each():
            return [
                Ok(rebuilt(one, outcome["ok"], evidence)) if "ok" in outcome else restore(Failed, outcome["failed"])
                for one, outcome in zip(action.actions, output["outcomes"], strict=True)
            ]
    return None


def replay(trace: Trace, agent: AgentFunction, *, task: Task, kit: Kit, parent: int | None = None) -> Draft | None:
    """Drive the agent again with the results of its trace; nothing is searched and no model is called.

    Returns its draft, or None where the recorded run was ended by its budget. Raises `ReplayDiverged` at the first
    action that is not the recorded one. `parent` replays the sub-agent of a `Run` step instead of the whole.
    """
    steps = iter(trace.children(parent))
    running = agent(task, kit=kit)
    result: Any = None
    error: Exception | None = None
    last = -1
    while True:
        try:
            action = running.send(result) if error is None else running.throw(error)
        except StopIteration as stop:
            left = next(steps, None)
            if left is not None:
                raise ReplayDiverged(
                    f"step {left.number}: the trace goes on with '{left.name}', the agent has ended", step=left.number
                ) from None
            if not isinstance(stop.value, Draft):
                raise AgentError(f"an agent returns a Draft, found {type(stop.value).__name__}") from None
            return stop.value
        except BudgetSpent:
            return None
        step = next(steps, None)
        if step is None:
            running.close()
            if trace.end.get("stop", "finished") != "finished":
                return None  # the recorded run was closed at this action
            raise ReplayDiverged(
                f"after step {last}: the trace has ended, the agent asks to {described(action)}", step=last + 1
            )
        last = step.number
        _compare(action, step, running)
        result, error = None, None
        if step.error:
            kind, _, message = step.error.partition(": ")
            spent = BudgetSpent(message)
            error = spent if kind == "BudgetSpent" else ActionFailed(described(action), RuntimeError(message))
        else:
            result = rebuilt(action, step.output, trace.evidence)


def _compare(action: Action[Any], step: Step, running: Any) -> None:
    if not isinstance(action, Action):
        raise AgentError(f"an agent yields actions, found {type(action).__name__}")
    if fingerprint(action) != step.key:
        running.close()
        raise ReplayDiverged(
            f"step {step.number}: the trace holds '{step.name}', the agent asks for '{described(action)}'"
            + (" with other details" if described(action) == step.name else ""),
            step=step.number,
        )
