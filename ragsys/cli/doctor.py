"""`ragsys doctor`: look for what could be wrong, and say what to do about it."""

from __future__ import annotations

from pathlib import Path

import click

from ragsys.cli.shell import Shell, Where, library, output
from ragsys.cli.text import bold, coloured, dim

_SIGNS = {
    "ok": ("ok     ", "green"),
    "info": ("info   ", "cyan"),
    "warning": ("warning", "yellow"),
    "error": ("ERROR  ", "red"),
}


@click.command(short_help="Look for what could be wrong, and say what to do about it.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@library
@output
def doctor(shell: Shell, where: Where, folder: Path | None) -> None:
    """Check packages, plugins, presets, OCR, folders and libraries: every page of them is read.

    With FOLDER, check its library alone. No document is indexed; exit code 1 on an error.
    """
    from ragsys.doctor import examine, named

    checks = []
    if folder is not None:
        found = named(folder, where.library, where.config, where.overrides)
    else:
        found = examine(where.config, where.overrides)
    for check in found:
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
