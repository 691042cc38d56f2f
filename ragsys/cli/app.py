"""The root of the command line: which commands there are, how they are found, and how errors end it."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ragsys.cli.shell import debugging
from ragsys.cli.text import Styled, dim, line_of, rendered
from ragsys.errors import RagsysError
from ragsys.wording import unbroken

INTERRUPTED = "interrupted; nothing is lost: run it again to continue"

#: section of the help -> {command: its file in this package}; a file is imported when its command is needed.
SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Ask": {"ask": "ask", "chat": "chat", "search": "search"},
    "Libraries": {
        "index": "index",
        "docs": "docs",
        "libraries": "libraries",
        "gc": "care",
        "move": "care",
    },
    "Measure": {"eval": "eval", "tune": "tune"},
    "Look inside": {"plugins": "plugins", "config": "config", "doctor": "doctor", "trace": "trace"},
    "Other": {"completion": "other", "version": "other"},
}
_BUILT_IN = {name: module for section in SECTIONS.values() for name, module in section.items()}


class Commands(click.Group):
    """The commands of ragsys, loaded when needed, and those that plugins add."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._added: dict[str, click.Command] | None = None

    def added(self) -> dict[str, click.Command]:
        """The plugins' commands. One that fails, or takes a name that is taken, is told and left out."""
        if self._added is None:
            from ragsys.plugins import registry

            self._added = {}
            for hook in registry().manager.hook.ragsys_commands.get_hookimpls():
                collected = click.Group()
                try:
                    hook.function(*([collected] if hook.argnames else []))
                except Exception as error:  # a plugin's own code: the other commands go on
                    _warn(f"plugin '{hook.plugin_name}' could not add its commands: {error}")
                for name, command in collected.commands.items():
                    if name in _BUILT_IN or name in self._added:
                        _warn(f"plugin '{hook.plugin_name}' brings a command '{name}', which there is already")
                    else:
                        self._added[name] = command
        return self._added

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours in the order of the help, then the plugins'."""
        return [*_BUILT_IN, *sorted(self.added())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; plugins are asked only for names that are not ours."""
        if cmd_name in _BUILT_IN:
            found = getattr(importlib.import_module(f"ragsys.cli.{_BUILT_IN[cmd_name]}"), cmd_name)
            return found if isinstance(found, click.Command) else None
        return self.added().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest name for one that does not exist."""
        name = click.utils.make_str(args[0]) if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            from ragsys.errors import did_you_mean

            near = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f"No such command '{name}'.{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section."""
        sections = {title: list(names) for title, names in SECTIONS.items()}
        if self.added():
            sections["From plugins"] = sorted(self.added())
        wide = max(len(name) for names in sections.values() for name in names)
        for title, names in sections.items():
            rows = []
            for name in names:
                command = self.get_command(ctx, name)
                if command is not None and not command.hidden:
                    rows.append((name.ljust(wide), command.get_short_help_str(limit=90)))
            with formatter.section(title):
                formatter.write_dl(rows)


_EPILOG = """\b
Exit codes: 0 done (an answer that abstains is an answer), 1 an error,
2 wrong use or configuration, 130 interrupted.
\b
Environment:
  RAGSYS_HOME      where libraries and caches live
  RAGSYS_CONFIG    the default of --config
  RAGSYS_DEBUG     1: show the traceback of an error
  RAGSYS_PASS_ENV  A,B: variables that parsers of documents get too
  NO_COLOR         1: no colours
"""


@click.command(
    cls=Commands,
    name="ragsys",
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="ragsys", message="ragsys %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Ask questions of folders of PDFs. Every sentence of an answer is tied to a page and a box.

    \b
      ragsys ask ~/contracts "Who bears the cost of early termination?"
      ragsys search ~/contracts "termination" -k 5
      ragsys index ~/contracts --watch

    A folder is indexed when it is first asked; nothing is written into it.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code, having told the error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal may lack characters that documents have
            stream.reconfigure(errors="replace")
    as_json = "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)
    try:
        done = cli.main(arguments, prog_name="ragsys", standalone_mode=False, color=_colour())
        return done if isinstance(done, int) else 0
    except RagsysError as error:
        if debugging():
            raise
        return _fail(error.as_dict(), error.exit_code, as_json)
    except click.UsageError as error:
        return _fail(_usage(error), error.exit_code, as_json)
    except click.ClickException as error:
        return _fail({"error": "UsageError", "message": error.format_message(), "hint": None}, error.exit_code, as_json)
    except (KeyboardInterrupt, click.Abort):
        return _fail({"error": "Interrupted", "message": INTERRUPTED, "hint": None}, 130, as_json)
    except BrokenPipeError:  # `ragsys ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if debugging():
            raise
        return _fail(_unexpected(error), 1, as_json)


def _colour() -> bool | None:
    """None lets click look whether the stream is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _usage(error: click.UsageError) -> dict[str, Any]:
    path = error.ctx.command_path if error.ctx else "ragsys"
    if isinstance(error, click.NoSuchOption) and error.option_name == "--filter":  # its name in Python
        hint = "each key of a filter is an option: --path --doc --pages --after --before --meta"
        return {"error": "UsageError", "message": "No such option: --filter", "hint": hint}
    return {"error": "UsageError", "message": error.format_message(), "hint": f"{path} --help"}


def _unexpected(error: Exception) -> dict[str, Any]:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return {"error": "OSError", "message": f"{where}{error.strerror or error}", "hint": None}
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return {
            "error": "OutOfMemory",
            "message": "the system gives this command no more memory or threads",
            "hint": "end other programs, or allow this one more (ulimit -v, ulimit -u); then run it again",
        }
    return {
        "error": type(error).__name__,
        "message": f"unexpected {type(error).__name__}: {error}",
        "hint": "this is a fault of ragsys or of a plugin; RAGSYS_DEBUG=1 shows where",
    }


def _fail(error: dict[str, Any], code: int, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(error, ensure_ascii=False))
        return code
    head = "" if code == 130 else f"{error['error']}: "
    message = str(error["message"])
    listed = error["error"] == "ConfigError"  # all mistakes, one a line
    lines = [rendered([Styled(head, "red", True), message if listed else unbroken(message)])]
    lines += [rendered([dim(f"  {line}")]) for line in str(error["hint"] or "").splitlines()]
    click.echo("\n".join(lines), err=True, color=_colour())
    return code


def _warn(text: str) -> None:
    click.echo(line_of([Styled("warning: ", "yellow"), text]), err=True, color=_colour())
