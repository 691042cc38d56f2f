"""`ragsys ask`: index what is new, answer, show what the answer rests on and what it cost."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.filters import Narrow, filters
from ragsys.cli.live import Live
from ragsys.cli.progress import duration
from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import Part, Styled, bold, coloured, dim, marked, shortened, wrapped
from ragsys.errors import UsageError
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.answers import Answer
    from ragsys.library import Library
    from ragsys.remote import RemoteLibrary
    from ragsys.types import Event

_SAVED = (".html", ".htm", ".md", ".markdown")
_BUDGET = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|sec|m|min|c|calls?|k|kt|ktokens|t|tokens)?", re.IGNORECASE
)
_REVISION = re.compile(r"[/@][0-9a-f]{12,}$")  # of a generator: exact, and long
_LEVELS = {"supported": "green", "quoted": "yellow", "located": "yellow", "none": "red"}


@click.command()
@folder
@click.argument("question", nargs=-1, required=True)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Keep it: .html or .md, with page crops.")
@click.option("--budget", metavar="3s,8k", help="At most so much time, tokens, calls: 3s 2m 8k 4c.")
@click.option("--strict", is_flag=True, help="Leave sentences that are not proved out of the answer.")
@click.option("--no-index", is_flag=True, help="Ask the library as it is; do not look for new files.")
@filters
@library
@output
def ask(
    shell: Shell,
    where: Where,
    folder: Path,
    question: tuple[str, ...],
    save: Path | None,
    budget: str | None,
    strict: bool,
    no_index: bool,
    narrow: Narrow,
) -> None:
    """Answer a QUESTION from the documents in FOLDER, with citations.

    What is new in the folder is indexed first. An answer that abstains is a success: its status says so.
    """
    from ragsys.cli.fresh import finish, refresh
    from ragsys.places import check, place_of
    from ragsys.smalltalk import replied

    limits = parse_budget(budget) if budget else None
    if save is not None and save.suffix.lower() not in _SAVED:
        raise UsageError(f"--save {save}: an answer is saved as .html or .md", hint="--save answer.html")
    if save is not None and (problem := unwritable(save)):
        raise UsageError(f"--save {save}: {problem}", hint="name a file in a folder that is there: --save answer.html")
    text = " ".join(question)
    if not text.strip():
        raise UsageError("the question is empty", hint='ragsys ask FOLDER "What ...?"')
    if (reply := replied(text)) is not None:  # no library is needed for it, but mistakes are told all the same
        where.load()
        check(place_of(folder, where.library))
        _show_and_save(shell, reply, save)
        return
    if strict:
        where = replace(where, overrides=(*where.overrides, "answer.strict=true"))
    with where.open(folder, shell) as opened:
        if not no_index:
            refresh(opened, shell)
            begin(opened)
        made: Answer | None = None
        live = Live.of(quiet=shell.quiet)
        try:
            for event in opened.stream(text, filter=narrow(opened), budget=limits):
                _follow(shell, live, event)
                made = event.data if event.kind == "answer" else made
        finally:
            live.clear()
        if made is not None:  # told before the library is closed, which takes its time
            _show_and_save(shell, made, save)
            if not no_index:
                finish(opened, shell)


def begin(library: Library | RemoteLibrary) -> None:
    """Let the slow layers be filled while a language model writes: the process only waits for it."""
    from ragsys.calls import reads_prompts
    from ragsys.library import Library

    if isinstance(library, Library) and library.config.index.after:
        generator = library.space.builder.build("generator", library.config.generator)
        if reads_prompts(generator):
            library.resume()


def _show_and_save(shell: Shell, answer: Answer, save: Path | None) -> None:
    """Save an answer where that was asked for, and show it."""
    if save is not None:
        from ragsys.saved import save as write

        write(answer, save)
        shell.note(dim(f"saved as {save}"))
    if shell.json:
        shell.give(answer.to_json())
    else:
        show(shell, answer)


def unwritable(path: Path) -> str:
    """Why no file can be written there, as far as can be told without writing; empty if nothing speaks against it."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "" if os.access(path if path.exists() else path.parent, os.W_OK) else "it cannot be written"


def parse_budget(text: str) -> dict[str, float]:
    """ "3s,8k" -> {"seconds": 3, "tokens": 8000}; also 2m, 4c (model calls), 8000 (tokens). Raises `UsageError`."""
    found: dict[str, float] = {}
    for piece in text.split(","):
        match = _BUDGET.fullmatch(piece.strip())
        if match is None:
            raise UsageError(f"--budget {text}: '{piece.strip()}' is no amount", hint="--budget 3s,8k,4c")
        number, unit = float(match["number"]), (match["unit"] or "t").lower()
        if unit in ("s", "sec"):
            key, value = "seconds", number
        elif unit in ("m", "min"):
            key, value = "seconds", number * 60
        elif unit[0] == "c":
            key, value = "calls", int(number)
        else:
            key, value = "tokens", int(number * 1000) if unit[0] == "k" else int(number)
        if key in found:
            raise UsageError(f"--budget {text}: {key} is given twice", hint="--budget 3s,8k,4c")
        found[key] = value
    return found


def _follow(shell: Shell, live: Live, event: Event) -> None:
    if event.kind == "text":
        live.feed(event.text)
        return
    if event.kind == "revised" or shell.verbose or event.kind == "warning":
        live.clear()  # the answer with its marks comes in its place; a note stands above what goes on
    if event.kind == "warning":
        shell.note(Styled("warning: ", "yellow"), event.text)
    elif event.kind == "done" and event.step is not None and shell.verbose:
        step = event.step
        shell.note(dim(f"  {step.usage.seconds:6.2f} s  {step.name}  {step.error}"))


def show(shell: Shell, answer: Answer) -> None:
    """An answer for people: its text, its sources, what is not proved, how it came about."""
    ran = bool(answer.generator)  # not for small talk, nor for a question that is asked back
    if ran and answer.status != "answered":
        shell.say(coloured(answer.status, "yellow"))
    for line in wrapped(answer.text):
        shell.say(*marked(line))
    if answer.sources:
        shell.say()
    for citation in answer.sources:
        parts: list[Part] = [Styled(f"[{citation.number}] ", "cyan", True), bold(f"{citation.path} p.{citation.page}")]
        parts += ["  ", coloured(citation.level.value, _LEVELS[citation.level.value])]
        parts += [dim("  found by its words")] if citation.found else []
        parts += [coloured("  the file is gone", "yellow")] if citation.gone else []
        shell.say(*parts)
        for line in wrapped(f"“{shortened(citation.quote, 300)}”", indent=4) if citation.quote else ():
            shell.say(line)
    if answer.unsupported:
        shell.say()
        left_out = all(sentence.left_out for sentence in answer.unsupported)
        shell.say(coloured("left out, not proved:" if left_out else "not proved:", "yellow"))
        for sentence in answer.unsupported:
            shell.say(f"  - {shortened(sentence.text, 200)}", dim(f"  ({'; '.join(sentence.problems)})"))
    if shell.quiet and ran and answer.status != "answered":  # what is missing belongs to the answer
        shell.say(*map(dim, answer.notes[:1]))
    if not shell.quiet:
        shell.say()
        whole = shell.verbose or answer.status != "answered"  # notes say what an answer lacks
        for note in answer.notes if whole else ():
            label, command, rest = note.partition(": ragsys ")
            shell.faint(note, whole=f"{command}{rest}"[2:] if label else "")
        if shell.verbose and ran:
            shell.faint(cost(answer), whole=f"trace {answer.trace}" if answer.trace else "")
        elif ran:
            withheld = [f"-v shows {counted(len(answer.notes), 'note')}"] if answer.notes and not whole else []
            shown = [_REVISION.sub("", answer.generator), *_ran(answer), *withheld]
            shell.say(dim(" · ".join(filter(None, shown))))


def cost(answer: Answer) -> str:
    """What ran and what it cost, in a line, with what names it exactly: revision, configuration, trace."""
    parts = [answer.generator, *_ran(answer), f"config {answer.config}"]
    parts += [f"trace {answer.trace}"] if answer.trace else []
    return " · ".join(part for part in parts if part)


def _ran(answer: Answer) -> list[str]:
    usage: Any = answer.usage
    calls = [counted(usage.calls, "model call"), counted(usage.tokens, "token")] if usage.calls else []
    return [f"{counted(len(answer.evidence), 'page')} read", *calls, duration(usage.seconds)]
