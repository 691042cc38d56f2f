"""`ragsys trace`: what ran for a question: list the traces of a library, show one, hold its agent against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import bold, coloured, dim, shortened, table
from ragsys.errors import LibraryError, UsageError
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.trace import Trace, TraceFolder


@click.command(short_help="What ran for a question: list, show, replay.")
@folder
@click.argument("action", type=click.Choice(["list", "show", "replay"]), default="list")
@click.argument("name", required=False, metavar="[ID]")
@library
@output
def trace(shell: Shell, where: Where, folder: Path, action: str, name: str | None) -> None:
    """The questions that the library of FOLDER was asked, step by step.

    \b
      list         every kept trace, newest first
      show [ID]    its steps with what each cost  [default: the newest]
      replay [ID]  run the agent again on the recorded results; no search, no model
    """
    from ragsys.answer import TRACES
    from ragsys.places import place_of, quoted, read
    from ragsys.trace import TraceFolder

    place = place_of(folder, where.library)
    if read(place.folder) is None:
        raise LibraryError(f"there is no library of {place.root}", hint="ragsys libraries")
    kept = TraceFolder(place.folder / TRACES)
    if action == "list":
        if name is not None:
            raise UsageError("trace list takes no id", hint=f"ragsys trace FOLDER show {quoted(name)}")
        _list(shell, kept)
    elif not kept.names():
        raise LibraryError(f"no question was asked yet of {place.root}", hint='ragsys ask FOLDER "..."')
    elif action == "show":
        _show(shell, kept.load(name or "last"))
    else:
        _replay(shell, where, kept.load(name or "last"))


def _list(shell: Shell, kept: TraceFolder) -> None:
    traces = [kept.load(name) for name in reversed(kept.names())]
    if shell.json:
        shell.give({"traces": [_head(one) for one in traces]})
        return
    rows = [
        (one.id, f"{_seconds(one):.2f} s", str(one.end.get("status", "?")), shortened(str(one.header["question"]), 70))
        for one in traces
    ]
    for line in table(rows, head=("id", "time", "status", "question"), right=(1,)):
        shell.say(*line)
    if not rows:
        shell.note("no traces: no question was asked yet")


def _seconds(one: Trace) -> float:
    return float(one.end.get("usage", {}).get("seconds", 0.0))


def _head(one: Trace) -> dict[str, Any]:
    return {
        "id": one.id,
        "question": one.header.get("question", ""),
        "agent": one.header.get("agent", ""),
        "generator": one.header.get("generator", ""),
        "config": one.header.get("config", ""),
        "status": one.end.get("status", ""),
        "stop": one.end.get("stop", ""),
        "seconds": round(_seconds(one), 4),
        "steps": len(one.steps),
    }


def _show(shell: Shell, one: Trace) -> None:
    from ragsys.codec import plain

    if shell.json:
        shell.give({**_head(one), "steps": plain(one.steps)})
        return
    shell.say(bold(str(one.header.get("question", ""))))
    facts = (one.id, one.header.get("agent"), one.header.get("generator"), one.end.get("status"), one.end.get("stop"))
    shell.say(dim(" · ".join(str(fact) for fact in facts if fact)))
    _steps(shell, one, None, 0)


def _steps(shell: Shell, one: Trace, parent: int | None, depth: int) -> None:
    for step in one.children(parent):
        cost = f"{step.usage.seconds:7.3f} s"
        tokens = f"  {counted(step.usage.tokens, 'token')}" if step.usage.tokens else ""
        shell.say(dim(f"{step.number:>4} {cost}  "), "  " * depth, step.name, dim(tokens + _output(step.output)))
        if step.error:
            shell.say("      ", "  " * depth, coloured(shortened(step.error, 200), "red"))
        _steps(shell, one, step.number, depth + 1)


def _output(output: dict[str, Any]) -> str:
    """What came of a step, in a few words."""
    if "hits" in output:
        return f"  -> {counted(len(output['hits']), 'hit')}"
    if "draft" in output:
        draft = output["draft"]
        return f"  -> {draft['status']}, {counted(len(draft['sentences']), 'sentence')}"
    return ""


def _replay(shell: Shell, where: Where, one: Trace) -> None:
    from ragsys.actions import Kit, Task
    from ragsys.codec import restore
    from ragsys.config import Spec
    from ragsys.places import cache_dir, data_dir
    from ragsys.plugins import Builder, registry
    from ragsys.steps import replay

    if one.header.get("images"):
        raise UsageError(f"trace {one.id}: a question with pictures cannot be replayed: they are not kept")
    config = where.load()
    name = str(one.header["agent"])
    spec = config.answer.agent if config.answer.agent.use == name else Spec(use=name)
    agent = Builder(registry(), config.defaults, data_dir(), cache_dir()).build("agent", spec)
    draft = replay(one, agent, task=restore(Task, one.header["task"]), kit=restore(Kit, one.header["kit"]))
    text = draft.text if draft is not None else ""
    if shell.json:
        shell.give({"id": one.id, "equal": True, "steps": len(one.steps), "text": text})
        return
    shell.say(coloured("equal: ", "green"), f"the agent asked for the same {len(one.steps)} steps")
    if text:
        shell.say(text)
