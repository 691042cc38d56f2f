"""`ragsys chat`: a conversation with the documents of a folder, at a terminal or through a pipe."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragsys.cli.ask import parse_budget, unwritable
from ragsys.cli.filters import Narrow, filters
from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import dim
from ragsys.errors import LibraryError, UsageError, did_you_mean
from ragsys.places import quoted
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.chatting.threads import Threads

HISTORY = "chat-history"  # what was typed, in the library's folder


@click.command(short_help="Talk with the documents in FOLDER: follow-ups, corrections, sources.")
@folder
@click.option("--thread", metavar="NAME", help="Go on with this conversation, or begin it.")
@click.option("--continue", "resume", is_flag=True, help="Go on with the last conversation.")
@click.option("--list", "listing", is_flag=True, help="List the conversations.")
@click.option("--delete", metavar="NAME", help="Delete a conversation.")
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the conversation, the last one or that of --thread: .html, .md or .json.",
)
@click.option("--budget", metavar="3s,8k", help="At most so much time, tokens, calls an answer: 3s 2m 8k 4c.")
@click.option("--no-index", is_flag=True, help="Ask the library as it is; do not look for new files.")
@filters
@library
@output
def chat(
    shell: Shell,
    where: Where,
    folder: Path,
    thread: str | None,
    resume: bool,
    listing: bool,
    delete: str | None,
    export: Path | None,
    budget: str | None,
    no_index: bool,
    narrow: Narrow,
) -> None:
    """Talk with the documents in FOLDER.

    \b
    Follow-ups and corrections are understood: "and in 2019?", "no, the other report".
    Each run begins a new conversation, unless --thread or --continue names one.
    Lines of a pipe are asked one by one; --json gives a line an answer.
    --export saves what was said once the lines of a pipe are answered; without any, a conversation that was kept.
    """
    from ragsys.chatting.threads import checked

    if sum((thread is not None, resume, listing, delete is not None)) > 1:
        raise UsageError("--thread, --continue, --list and --delete exclude each other", hint="ragsys chat --help")
    if export is not None:
        _exportable(export, managed=listing or delete is not None)
    if listing or delete is not None:
        _manage(shell, where, folder, delete)
        return
    if thread is not None:
        checked(thread)
    limits = parse_budget(budget) if budget else None
    typed = sys.stdin is None or sys.stdin.isatty()
    if export is None or not typed:
        export = _talk(shell, where, folder, thread, resume, limits, no_index, narrow, export)
    if export is not None:
        _export(shell, where, folder, thread, export)


def _exportable(path: Path, *, managed: bool) -> None:
    """Raises `UsageError` unless a conversation can be saved there."""
    from ragsys.chat import CONVERSATIONS

    if managed:
        raise UsageError("--export excludes --list and --delete", hint="ragsys chat --help")
    if path.suffix.lower() not in CONVERSATIONS:
        raise UsageError(f"--export {path}: a conversation is saved as .html, .md or .json", hint="--export talk.html")
    if problem := unwritable(path):
        raise UsageError(
            f"--export {path}: {problem}", hint="name a file in a folder that is there: --export talk.html"
        )


def _export(shell: Shell, where: Where, folder: Path, thread: str | None, path: Path) -> None:
    """Save a conversation that was kept: this one, or the last one; nothing is indexed for it."""
    threads = _kept(where, folder)
    names = threads.names()
    if thread is None and not names:
        raise UsageError(f"no conversation about {folder} is kept yet", hint=f"ragsys chat {quoted(folder)}")
    if thread is not None and thread not in names:
        raise UsageError(
            f"--thread {thread}: there is no such conversation about {folder}.{did_you_mean(thread, names)}",
            hint=f"ragsys chat {quoted(folder)} --list",
        )
    with where.open(folder, shell, background=False) as opened, opened.chat(thread or names[0]) as chat:
        for note in chat.notes:
            shell.note(f"note: {note}")
        chat.save(path)
        if shell.json:
            shell.give({"saved": str(path), "thread": chat.thread, "turns": len(chat.turns)})
        else:
            shell.say(f"saved as {path}", dim(f"  thread {chat.thread}, {counted(len(chat.turns), 'turn')}"))


def _talk(
    shell: Shell,
    where: Where,
    folder: Path,
    thread: str | None,
    resume: bool,
    budget: dict[str, float] | None,
    no_index: bool,
    narrow: Narrow,
    export: Path | None,
) -> Path | None:
    """Ask line by line. Returns what is left to be exported: `export`, where nothing was said."""
    from ragsys.chatting.threads import FOLDER, Threads
    from ragsys.cli import prompting
    from ragsys.cli.chatting import COMMANDS, Session
    from ragsys.cli.fresh import refresh
    from ragsys.places import place_of

    terminal = prompting.interactive() and not shell.json
    if resume:
        kept = Threads(place_of(folder, where.library).folder / FOLDER).names()
        if not kept:
            raise UsageError(f"no conversation about {folder} is kept yet", hint="leave --continue out")
        thread = kept[0]
    session = Session(
        shell,
        where,
        lambda chosen: chosen.open(folder, shell, background=terminal),
        thread=thread,
        narrow=narrow,
        budget=budget,
        terminal=terminal,
        before=lambda opened: None if no_index else refresh(opened, shell),
    )
    try:
        read = prompting.lines_of(
            session.library.place.folder / HISTORY, {name: one.about for name, one in COMMANDS.items()}
        )
        if terminal:
            session.greet()
        going = True
        while going:
            try:
                going = session.line(read())
            except EOFError:
                going = False
            except KeyboardInterrupt:
                if not terminal:
                    raise
                shell.note("Ctrl-D or /quit ends")
        if export is not None and session.chat.turns:
            session.export(export)
            export = None
        if terminal and session.chat.turns:
            shell.note(f"kept as thread {session.chat.thread}: --thread {session.chat.thread} goes on with it")
    finally:
        session.close()
    if session.failed and not terminal:
        raise click.exceptions.Exit(1)
    return export


def _kept(where: Where, folder: Path) -> Threads:
    """The conversations of a folder's library, which need not be opened for it. Raises `LibraryError` without one."""
    from ragsys.chatting.threads import FOLDER, Threads
    from ragsys.places import place_of, read

    place = place_of(folder, where.library)
    if read(place.folder) is None:
        raise LibraryError(f"there is no library of {place.root}", hint="ragsys libraries")
    return Threads(place.folder / FOLDER)


def _manage(shell: Shell, where: Where, folder: Path, delete: str | None) -> None:
    """List the threads, or delete one; the library need not be opened for it."""
    from ragsys.cli.chatting import threads_table

    threads = _kept(where, folder)
    if delete is not None:
        threads.delete(delete)
        if shell.json:
            shell.give({"deleted": [delete]})
        else:
            shell.say(f"deleted thread {delete}")
        return
    found = threads.list()
    if shell.json:
        shell.give({"threads": [asdict(one) for one in found]})
        return
    for line in threads_table(found) or [["no conversation is kept yet"]]:
        shell.say(*line)
