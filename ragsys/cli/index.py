"""`ragsys index`: bring a library up to its folder, once or as the folder changes."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import dim
from ragsys.errors import LibraryBusy, UsageError

if TYPE_CHECKING:
    from ragsys.cli.progress import Bar
    from ragsys.library import Library
    from ragsys.progress import Report
    from ragsys.remote import RemoteLibrary


@click.command()
@folder
@click.option("--wait", is_flag=True, help="Also finish the slow layers (OCR, embeddings) before it ends.")
@click.option("--watch", is_flag=True, help="Stay and follow the folder; slow layers are filled meanwhile.")
@click.option("--prune", is_flag=True, help="Delete what is gone from the folder, however much it is.")
@click.option("--retry", is_flag=True, help="Read again all that failed before, with longer limits.")
@click.option("--rebuild", is_flag=True, help="Make the library again from the documents; conversations stay.")
@library
@output
def index(
    shell: Shell, where: Where, folder: Path, wait: bool, watch: bool, prune: bool, retry: bool, rebuild: bool
) -> None:
    """Index what is new, changed, moved or gone in FOLDER.

    Interrupting it loses nothing; the next run continues. Documents can be searched as soon as they are read, also by
    other commands while it runs. --rebuild mends a damaged library: what was indexed is given up and read again;
    conversations, traces and what was removed with `ragsys docs` are kept.
    """
    if watch and wait:
        raise UsageError("--watch stays until it is ended: --wait has no meaning beside it", hint="leave one out")
    if rebuild:
        from ragsys.rebuild import begin

        begin(folder, where.load(), folder=where.library, prune=prune)
    if watch:
        _watch(shell, where, folder, prune=prune, retry=retry)
        return
    with where.open(folder, shell) as opened, shell.bar() as bar:
        _once(shell, opened, bar, wait=wait, prune=prune, retry=retry)


def _once(
    shell: Shell, opened: Library | RemoteLibrary, bar: Bar, *, wait: bool = False, prune: bool, retry: bool
) -> None:
    from ragsys.cli.fresh import nothing

    report = opened.index(wait=wait, prune=prune, retry=retry or None, progress=bar)
    bar.clear()
    nothing(opened, report)
    _tell(shell, opened, report)


def _tell(shell: Shell, opened: Library | RemoteLibrary, report: Report, *, watching: bool = False) -> None:
    from ragsys.cli.fresh import report_json, summarise

    if shell.json:
        shell.give(report_json(report, opened.status()))
    else:
        summarise(shell, report, opened.status(), watching=watching)


def _watch(shell: Shell, where: Where, folder: Path, *, prune: bool, retry: bool) -> None:
    """Index, then wait for changes, until Ctrl-C. As JSON, one value a run."""
    from ragsys.cli.fresh import changed
    from ragsys.cli.watching import Watched
    from ragsys.places import apart
    from ragsys.remote import RemoteLibrary

    with shell.bar() as bar, where.open(folder, shell, background=True, progress=bar) as opened:
        if isinstance(opened, RemoteLibrary):
            raise LibraryBusy(
                f"process {opened.owner} has the library of {opened.place.root} open",
                hint="end it first; or leave out --watch: that process then does the work",
            )
        config = opened.config.index
        suffixes = tuple(opened.space.layers.suffixes)
        watched = Watched(opened.place.root, suffixes, config.include, config.exclude, apart(opened.place.folder))
        before = watched.look()
        report = opened.index(prune=prune, retry=retry or None, progress=bar)
        bar.clear()
        _tell(shell, opened, report, watching=True)
        shell.note(dim(f"watching {opened.place.root}; Ctrl-C ends it"))
        with _interruptible() as stop:
            for _ in watched.changes(before, stop):
                report = opened.index(prune=prune, progress=bar)
                if changed(report) or report.warnings:
                    bar.clear()
                    _tell(shell, opened, report, watching=True)


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets: where the interrupt falls into a call that swallows it, the loop ends all the same."""
    stop = threading.Event()

    def interrupted(*_: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    if stop.is_set():
        raise KeyboardInterrupt
