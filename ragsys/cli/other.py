"""`ragsys completion` and `ragsys version`."""

from __future__ import annotations

import platform
import sys

import click

from ragsys.cli.shell import Shell, output
from ragsys.errors import UsageError


@click.command(short_help="Print the script that completes commands in your shell.")
@click.argument("kind", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))
@output
def completion(shell: Shell, kind: str) -> None:
    """Print the completion script of a shell.

    \b
      bash  eval "$(ragsys completion bash)"     in ~/.bashrc
      zsh   eval "$(ragsys completion zsh)"      in ~/.zshrc
      fish  ragsys completion fish | source      in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(kind)
    root = click.get_current_context().find_root().command
    if found is None:
        raise UsageError(f"no completion for '{kind}'", hint="bash, zsh or fish")
    script = found(root, {}, "ragsys", "_RAGSYS_COMPLETE").source()
    if shell.json:
        shell.give({"shell": kind, "script": script})
    else:
        click.echo(script)


@click.command(short_help="Print the version.")
@output
def version(shell: Shell) -> None:
    """The version of ragsys and of Python."""
    from ragsys import __version__

    if shell.json:
        shell.give({"ragsys": __version__, "python": platform.python_version(), "platform": sys.platform})
    else:
        shell.say(f"ragsys {__version__}  (Python {platform.python_version()}, {sys.platform})")
