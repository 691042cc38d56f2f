"""Bringing a library up to its folder before it is asked, and telling what came of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys.cli.progress import duration
from ragsys.cli.shell import Shell
from ragsys.cli.text import Part, Styled, bold, coloured, dim, shortened
from ragsys.errors import LibraryError
from ragsys.places import Place, command
from ragsys.unread import failed, kinds
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.library import Library, Status
    from ragsys.progress import Report
    from ragsys.remote import RemoteLibrary

_WAIT_SECONDS = 60.0  # for the first documents that another process indexes
_OPENING_SECONDS = 3.0  # that it may take to begin
_LISTED = 20  # skipped files that are named one by one; all of them with --verbose or --json


def refresh(library: Library | RemoteLibrary, shell: Shell) -> None:
    """Index what is new, with a note of it. A process that has the library open keeps it fresh itself; where that is
    still under way, it is said before anything else.

    Raises `LibraryError` if there is nothing to ask.
    """
    from ragsys.library import Library

    if not isinstance(library, Library):
        if running := library.under_way:
            shell.note(Styled("warning: ", "yellow"), running)
        _wait(library)
        return
    library.prepare()
    with shell.bar() as bar:
        report = library.index(retry=False, progress=bar)  # an answer must not wait for what failed before
    nothing(library, report)
    if changed(report):
        shell.note(dim(f"indexed {told(report)} in {duration(report.seconds)}"))
    if report.skipped and (changed(report) or shell.verbose):
        listed = command(library.place, "docs FOLDER")
        shell.note(dim(f"not read: {failed(report.skipped)}; see {listed}"))
    for warning in report.warnings:
        shell.note(Styled("warning: ", "yellow"), warning)


def _wait(library: Library | RemoteLibrary) -> None:
    """Until some of a new folder can be searched, for a bounded time: a question to nothing finds nothing."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < _WAIT_SECONDS:
        status = library.status()
        opening = not status.documents and took < _OPENING_SECONDS
        if status.passages or not (opening or library.under_way):
            return
        time.sleep(0.2)


def finish(library: Library | RemoteLibrary, shell: Shell) -> None:
    """Fill the slow layers for a bounded time, now that the result is shown: the next question finds more.

    Ctrl-C ends it at once; the command has done its work.
    """
    from ragsys.library import Library

    seconds = library.config.index.after
    if not isinstance(library, Library) or not seconds:
        return
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdout.flush()
        if waiting := library.status().pending:
            told = f"reading on for later questions ({', '.join(waiting)}), up to {duration(seconds)}; Ctrl-C ends it"
            shell.note(dim(f"{told}. Switch it off: --set index.after=0"))
            with shell.bar() as bar:
                library.finish(seconds, bar)


def nothing(library: Library | RemoteLibrary, report: Report) -> None:
    """Raises `LibraryError` if the library holds no document and the folder has none that could be read."""
    if library.status().documents or report.removed:
        return
    root = library.place.root
    denied = {path: reason for path, outcome, reason in report.skipped if outcome.value == "unreadable"}
    if "." in denied:
        raise LibraryError(f"{root} cannot be read: {denied['.']}", hint="give yourself the right to read it")
    takes = " ".join(f"*{suffix}" for suffix in sorted(suffixes(library), key=lambda name: (name != ".pdf", name)))
    message = f"no documents that can be read in {root}" if root.is_dir() else f"{root} cannot be read"
    raise LibraryError(f"{message}, looked for {takes}", hint=_left_out(denied))


def _left_out(denied: Mapping[str, str]) -> str | None:
    return "\n".join(f"{path}: {reason}" for path, reason in list(denied.items())[:5]) or None


def suffixes(library: Library | RemoteLibrary) -> set[str]:
    """The file endings that the configuration's loaders take."""
    from ragsys.plugins import registry

    return {
        suffix for spec in library.config.loaders.values() for suffix in registry().find("loader", spec.use).suffixes
    }


def changed(report: Report) -> bool:
    """Whether an indexing run changed the library."""
    return bool(report.added or report.changed or report.again or report.moved or report.removed)


def told(report: Report) -> str:
    """What an indexing run did, in a line."""
    parts = [
        f"{len(paths)} {word}"
        for word in ("added", "changed", "again", "moved", "removed")
        if (paths := getattr(report, word))
    ]
    if report.unchanged:
        parts.append(f"{report.unchanged} unchanged")
    text = ", ".join(parts) or "nothing new"
    return f"{text} ({counted(report.pages, 'page')})" if report.pages else text


def summarise(shell: Shell, report: Report, status: Status, *, watching: bool = False) -> None:
    """What an indexing run did, what it left out and why, and what is still pending."""
    pace = f", {report.pages / report.seconds:,.0f} pages/s" if report.pages and report.seconds > 0 else ""
    shell.say(bold(told(report)), dim(f"  in {duration(report.seconds)}{pace}"))
    if shell.verbose:
        for word in ("added", "changed", "again", "moved", "removed"):
            for path in getattr(report, word):
                shell.say(f"  {word}  {path}")
    if "ocr" in status.pending:
        _list(shell, "without text, waiting for OCR", [(path, "") for path in report.no_text], "file")
    _list(shell, "skipped", [(path, f"{outcome.value}: {reason}") for path, outcome, reason in report.skipped], "file")
    if report.unsupported:
        shell.say(
            dim(f"not of a kind that is read: {counted(len(report.unsupported), 'file')}, {kinds(report.unsupported)}")
        )
        if shell.verbose:
            for path in report.unsupported:
                shell.say(dim(f"  {path}"))
    _list(
        shell,
        "not read",
        [(f"{path} p.{page}" if page else path, reason) for path, page, reason in report.faults],
        "page",
    )
    for warning in report.warnings:
        shell.say(coloured("warning: ", "yellow"), warning)
    if len(status.outcomes) > 1:
        shell.say(dim("outcomes: " + ", ".join(f"{n} {name}" for name, n in sorted(status.outcomes.items()))))
    holds = [counted(status.documents, "document"), counted(status.pages, "page"), counted(status.passages, "passage")]
    shell.say(dim("the library holds " + ", ".join(holds)))
    pending(shell, status, watching=watching)


def _list(shell: Shell, word: str, items: list[tuple[str, str]], noun: str) -> None:
    if not items:
        return
    shell.say(coloured(f"{word}: {counted(len(items), noun)}", "yellow"))
    for name, reason in items if shell.verbose else items[:_LISTED]:
        shell.say(f"  {name}  ", dim(shortened(reason.removesuffix(": "), 200)))
    if len(items) > _LISTED and not shell.verbose:
        shell.say(dim(f"  and {len(items) - _LISTED} more: --verbose lists them all"))


def pending(shell: Shell, status: Status, *, watching: bool = False) -> None:
    """What is not complete, and what completes it: this process, if it is `watching`, or a command."""
    for stage, layer in status.pending.items():
        parts: list[Part] = [coloured("pending: ", "yellow"), f"{stage}, {layer.total - layer.done} of {layer.total}"]
        shell.say(*parts)
    if status.layers and not status.pending:
        shell.say(dim(f"complete: {', '.join(status.layers)}"))
    if status.pending:
        place = Place(Path(status.folder), Path(status.root))
        rest = "it follows meanwhile" if watching else f"finish with: {command(place, 'index FOLDER --wait')}"
        shell.say(dim(f"  searchable already; {rest}"))


def report_json(report: Report, status: Status) -> dict[str, Any]:
    """The JSON form of an indexing run."""
    from ragsys.codec import plain

    data: dict[str, Any] = plain(report)
    data["skipped"] = [{"path": p, "outcome": o.value, "reason": why} for p, o, why in report.skipped]
    data["faults"] = [{"path": path, "page": page, "reason": why} for path, page, why in report.faults]
    data["seconds"] = round(report.seconds, 3)
    return {**data, "status": status_json(status)}


def status_json(status: Status) -> dict[str, Any]:
    """The JSON form of a library's state."""
    from ragsys.codec import plain

    return {**plain(status), "pending": plain(status.pending)}
