"""What every command shares: its options, where its output goes, which library it opens."""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.text import Part, dim, line_of, safe, wrapped
from ragsys.wording import unbroken

if TYPE_CHECKING:
    from ragsys.cli.progress import Bar
    from ragsys.config import Config
    from ragsys.library import Library
    from ragsys.remote import RemoteLibrary

Command = Callable[..., None]


class Quieter(logging.Formatter):
    """One line a record; tracebacks only with $RAGSYS_DEBUG."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.levelname.lower()}: {unbroken(safe(record.getMessage()))}"  # a server's words may be in it
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {safe(str(record.exc_info[1]))}"
            if debugging():
                text += "\n" + self.formatException(record.exc_info)
        return text


def debugging() -> bool:
    """Whether errors show their traceback."""
    return os.environ.get("RAGSYS_DEBUG", "") not in ("", "0")


@dataclass(frozen=True, slots=True)
class Shell:
    """Where output goes: results to stdout, everything else to stderr. As JSON, stdout holds one JSON value."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def say(self, *parts: Part) -> None:
        """A line of the result."""
        click.echo(line_of(parts))

    def note(self, *parts: Part) -> None:
        """A line beside the result; nothing when quiet."""
        if not self.quiet:
            click.echo(line_of(parts), err=True)

    def faint(self, text: str, *, whole: str = "") -> None:
        """A wrapped, faint line of the result; the stretch `whole`, which is there to be copied, is not broken."""
        for line in wrapped(text, whole=whole):
            self.say(dim(line))

    def give(self, value: Any) -> None:
        """The result as JSON; indented for people, on one line for pipes."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))

    def bar(self) -> Bar:
        """Progress on stderr, if someone looks at it."""
        from ragsys.cli.progress import Bar

        return Bar(shown=not self.quiet and sys.stderr.isatty(), told=not self.quiet, at_once=self.verbose)


@dataclass(frozen=True, slots=True)
class Where:
    """Which library, under which configuration."""

    library: Path | None = None
    config: str | None = None
    overrides: tuple[str, ...] = ()

    def load(self) -> Config:
        """The configuration. Raises `ConfigError`."""
        from ragsys.config import load

        return load(self.config, self.overrides)

    def open(self, root: Path, shell: Shell, **options: Any) -> Library | RemoteLibrary:
        """The library of a folder, or a client of the process that has it open. Nothing is indexed by opening."""
        from ragsys import ahead

        ahead.start(root, self.library)
        gc.disable()  # what is imported now stays: looking for circles among it costs a tenth of the time
        import ragsys
        from ragsys.remote import RemoteLibrary

        settings = {"background": False, "index": False, **options}
        try:
            opened = ragsys.open(root, config=self.load(), folder=self.library, **settings)
        except BaseException:
            ahead.dismiss()
            raise
        finally:
            gc.freeze()
            gc.enable()
        if isinstance(opened, RemoteLibrary):
            ahead.dismiss()
            if shell.verbose:
                shell.note(dim(f"process {opened.owner} has this library open and does the work"))
        return opened

    def own(self, root: Path) -> Library:
        """The library of a folder in this process. Raises `LibraryBusy` where another has it."""
        from ragsys.library import Library

        return Library(root, config=self.load(), folder=self.library, background=False, index=False)


def output(command: Command) -> Command:
    """Add `--json`, `--quiet`, `--verbose`; the command gets a `Shell` as its first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Give the result as JSON; errors too. Fields: docs/json.md")
    @click.option("-q", "--quiet", is_flag=True, help="Nothing but the result and errors.")
    @click.option("-v", "--verbose", is_flag=True, help="Tell what is done, on stderr.")
    @functools.wraps(command)
    def wrapper(*args: Any, as_json: bool, quiet: bool, verbose: bool, **kwargs: Any) -> None:
        _log(verbose, quiet)
        command(Shell(as_json, quiet, verbose), *args, **kwargs)

    return wrapper


def configured_from(default: str) -> Callable[[Command], Command]:
    """Add `--config` and `--set`; the command gets a `Where`. `default` is what its help says is used without one."""

    def added(command: Command) -> Command:
        @click.option("-c", "--config", metavar="NAME|FILE", help=f"A preset or a YAML file.  [default: {default}]")
        @click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable.")
        @functools.wraps(command)
        def wrapper(
            *args: Any, config: str | None, overrides: tuple[str, ...], library: Path | None = None, **kwargs: Any
        ) -> None:
            command(*args, where=Where(library, config, overrides), **kwargs)

        return wrapper

    return added


configured = configured_from("laptop")


def library(command: Command) -> Command:
    """Add `--library`, `--config`, `--set`; the command gets a `Where`."""
    return click.option(
        "--library",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="PATH",
        help="Where the library lives.  [default: in your data folder]",
    )(configured(command))


def folder(command: Command) -> Command:
    """Add the argument FOLDER: what the library is of."""
    return click.argument("folder", type=click.Path(path_type=Path))(command)


def _log(verbose: bool, quiet: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Quieter())
    logger = logging.getLogger("ragsys")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
