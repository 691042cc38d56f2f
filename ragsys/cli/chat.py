"""`ragsys chat`: a conversation with the documents of a folder, at a terminal or through a pipe."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ragsys.cli.ask import parse_budget
from ragsys.cli.filters import Narrow, filters
from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.errors import LibraryError, UsageError

HISTORY = "chat-history"  # what was typed, in the library's folder


@click.command(short_help="Talk with the documents in FOLDER: follow-ups, corrections, sources.")
@folder
@click.option("--thread", metavar="NAME", help="Go on with this conversation, or begin it.")
@click.option("--continue", "resume", is_flag=True, help="Go on with the last conversation.")
@click.option("--list", "listing", is_flag=True, help="List the conversations.")
@click.option("--delete", metavar="NAME", help="Delete a conversation.")
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
    budget: str | None,
    no_index: bool,
    narrow: Narrow,
) -> None:
    """Talk with the documents in FOLDER.

    \b
    Follow-ups and corrections are understood: "and in 2019?", "no, the other report".
    Each run begins a new conversation, unless --thread or --continue names one.
    Lines of a pipe are asked one by one; --json gives a line an answer.
    """
    from ragsys.chatting.threads import checked

    if sum((thread is not None, resume, listing, delete is not None)) > 1:
        raise UsageError("--thread, --continue, --list and --delete exclude each other", hint="ragsys chat --help")
    if listing or delete is not None:
        _manage(shell, where, folder, delete)
        return
    if thread is not None:
        checked(thread)
    _talk(shell, where, folder, thread, resume, parse_budget(budget) if budget else None, no_index, narrow)


def _talk(
    shell: Shell,
    where: Where,
    folder: Path,
    thread: str | None,
    resume: bool,
    budget: dict[str, float] | None,
    no_index: bool,
    narrow: Narrow,
) -> None:
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
        if terminal and session.chat.turns:
            shell.note(f"kept as thread {session.chat.thread}: --thread {session.chat.thread} goes on with it")
    finally:
        session.close()
    if session.failed and not terminal:
        raise click.exceptions.Exit(1)


def _manage(shell: Shell, where: Where, folder: Path, delete: str | None) -> None:
    """List the threads, or delete one; the library need not be opened for it."""
    from ragsys.chatting.threads import FOLDER, Threads
    from ragsys.cli.chatting import threads_table
    from ragsys.places import place_of, read

    place = place_of(folder, where.library)
    if read(place.folder) is None:
        raise LibraryError(f"there is no library of {place.root}", hint="ragsys libraries")
    threads = Threads(place.folder / FOLDER)
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
