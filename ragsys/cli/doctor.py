"""`ragsys doctor`: look for what could be wrong, and say what to do about it."""

from __future__ import annotations

import click

from ragsys.cli.shell import Shell, Where, configured, output
from ragsys.cli.text import bold, coloured, dim

_SIGNS = {
    "ok": ("ok     ", "green"),
    "info": ("info   ", "cyan"),
    "warning": ("warning", "yellow"),
    "error": ("ERROR  ", "red"),
}


@click.command(short_help="Look for what could be wrong, and say what to do about it.")
@configured
@output
def doctor(shell: Shell, where: Where) -> None:
    """Check packages, plugins, presets, OCR, folders and libraries. Changes nothing; exit code 1 on an error."""
    from ragsys.doctor import examine

    checks = []
    for check in examine(where.config, where.overrides):
        checks.append(check)
        if shell.json or (shell.quiet and check.severity in ("ok", "info")):
            continue
        sign, colour = _SIGNS[check.severity]
        shell.say(coloured(sign, colour), "  ", bold(check.name), f"  {check.message}")
        if check.remedy:
            for line in check.remedy.splitlines():
                shell.say(dim(f"           {line}"))
    failed = any(check.severity == "error" for check in checks)
    if shell.json:
        shell.give({"healthy": not failed, "checks": [check.to_json() for check in checks]})
    if failed:
        raise click.exceptions.Exit(1)
