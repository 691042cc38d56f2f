"""`ragsys config`: the configuration as it is used, and whether it is valid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, Where, configured, output
from ragsys.cli.text import coloured, dim
from ragsys.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from ragsys.config import Config


@click.command(short_help="Show the configuration with every default, or check it.")
@click.argument("action", type=click.Choice(["show", "check"]), default="show")
@click.argument("source", required=False, metavar="[NAME|FILE]")
@configured
@output
def config(shell: Shell, where: Where, action: str, source: str | None) -> None:
    """The configuration of a preset's NAME or a YAML FILE.

    \b
      show   all of it, every default included; secrets are hidden
      check  whether it is valid and what it needs is installed: every problem, exit code 2;
             then whether a store with a URL answers: exit code 1 if it does not
    """
    from ragsys.config import preflight, stage_problems
    from ragsys.plugins import registry

    if source is not None and where.config is not None:
        raise UsageError(f"two configurations are named: {source} and {where.config}", hint="leave one out")
    chosen = replace(where, config=source or where.config)
    loaded = chosen.load()
    if action == "show":
        _show(shell, loaded)
        return
    problems = preflight(loaded, registry()) or stage_problems(loaded, registry())
    if problems:
        hints = "\n".join(dict.fromkeys(problem.hint for problem in problems if problem.hint))
        raise ConfigError([problem.message for problem in problems], hint=hints or None)
    name = chosen.config or "the default configuration"
    unreached = not_reached(loaded)
    if shell.json:
        shell.give({"config": chosen.config, "hash": loaded.hash, "valid": True, "not_reached": unreached})
    else:
        shell.say(coloured("valid: ", "green"), name, dim(f"  {loaded.hash}"))
        for problem in unreached:
            shell.say(coloured("not reached: ", "red"), problem)
    if unreached:
        raise click.exceptions.Exit(1)


def not_reached(loaded: Config) -> list[str]:
    """What of the configured places on the network does not answer, in words: stores that are given a URL."""
    from ragsys.errors import RagsysError
    from ragsys.places import cache_dir, data_dir
    from ragsys.plugins import Builder, registry

    installed = registry()
    builder = Builder(installed, loaded.defaults, data_dir() / "libraries" / "none", cache_dir())
    problems = []
    for where, role, spec in loaded.components():
        if role != "store" or not getattr(builder.options(role, spec), "url", None):
            continue
        try:
            store = builder.build(role, spec)
            try:
                store.schema()
            finally:
                store.close()
        except RagsysError as error:
            problems.append(f"{where}: {error.message}")
    return problems


def _show(shell: Shell, loaded: Config) -> None:
    data = whole(loaded)
    if shell.json:
        shell.give({"hash": loaded.hash, "config": data})
        return
    import yaml

    shell.say(dim(f"# config {loaded.hash}; whole: kept as a file it extends nothing"))
    shell.say("extends: null")
    for line in yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100).rstrip().splitlines():
        shell.say(line)


def whole(loaded: Config) -> dict[str, Any]:
    """The configuration without its secrets, every component with the defaults of its options."""
    from pathlib import Path

    from ragsys.plugins import Builder, registry

    data = loaded.dump()
    builder = Builder(registry(), loaded.defaults, Path(), Path())
    for place, role, spec in loaded.components():
        node: Any = data
        for key in place.split("."):
            node = node[int(key) if isinstance(node, list) else key]
        if not node["needs"]:
            del node["needs"]
        for key, value in builder.options(role, spec).model_dump(mode="json").items():
            node.setdefault(key, value)  # what was given is there, its secrets hidden
    return data
