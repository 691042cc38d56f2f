"""`ragsys libraries`: every library of this user, its size, and how to remove one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragsys.cli.shell import Shell, output
from ragsys.cli.text import coloured, dim, safe, size, table
from ragsys.errors import UsageError

if TYPE_CHECKING:
    from ragsys.places import Place


@click.command(short_help="List your libraries and their sizes, or remove one.")
@click.argument("action", type=click.Choice(["list", "remove"]), default="list")
@click.argument("roots", nargs=-1, metavar="[ROOT]...")
@click.option("-y", "--yes", is_flag=True, help="Remove without asking.")
@output
def libraries(shell: Shell, action: str, roots: tuple[str, ...], yes: bool) -> None:
    """Your libraries: the folder of documents, and what the library takes on disk.

    \b
      list            every library
      remove ROOT...  delete a library (by its root, its id or its own folder); the documents stay
    """
    from ragsys import places

    if action == "list":
        if roots:
            raise UsageError(
                "libraries list takes no folder", hint=f"ragsys libraries remove {places.quoted(roots[0])}"
            )
        _list(shell, list(places.libraries()))
        return
    if not roots:
        raise UsageError("libraries remove needs a root or an id", hint="ragsys libraries")
    _remove(shell, [_find(root) for root in roots], yes)


def _list(shell: Shell, found: list[Place]) -> None:
    from ragsys.gc import disk_bytes
    from ragsys.places import data_dir

    rows = [(place, place.root.exists(), disk_bytes(place.folder)) for place in found]
    if shell.json:
        listed = [
            {"id": p.id, "root": str(p.root), "folder": str(p.folder), "exists": there, "bytes": taken}
            for p, there, taken in rows
        ]
        shell.give({"data": str(data_dir()), "libraries": listed})
        return
    if not rows:
        shell.note(f"no libraries in {data_dir()}: ragsys index FOLDER makes one")
        return
    lines = [
        (p.id, size(taken), str(p.root) if there else coloured(f"{p.root} (not there)", "yellow"))
        for p, there, taken in rows
    ]
    for line in table(lines, head=("id", "size", "root"), right=(1,)):
        shell.say(*line)
    shell.note(dim(f"in {data_dir()}"))


def _find(name: str) -> Place:
    """By root, id or folder. Raises `UsageError`."""
    from ragsys import places
    from ragsys.errors import did_you_mean

    known = list(places.libraries())
    resolved = Path(name).expanduser().resolve()
    for place in known:
        if name == place.id or resolved in (place.root, place.folder):
            return place
    given = places.read(resolved)  # one that was made with --library
    if given is not None:
        return given
    near = did_you_mean(name, [str(place.root) for place in known] + [place.id for place in known])
    raise UsageError(f"no library of '{name}'.{near}", hint="see them all: ragsys libraries")


def _remove(shell: Shell, chosen: list[Place], yes: bool) -> None:
    from ragsys.gc import disk_bytes, remove_library

    removed = []
    for place in chosen:
        taken = disk_bytes(place.folder)
        if not yes:
            if shell.json or not sys.stdin.isatty():
                raise UsageError(
                    f"the library of {place.root} ({size(taken)}) was not removed: nobody can be asked here",
                    hint="remove it without a question: add --yes",
                )
            if not click.confirm(f"Remove the library of {safe(str(place.root))} ({size(taken)})?", err=True):
                continue
        left = remove_library(place)
        removed.append({"id": place.id, "root": str(place.root), "bytes": taken})
        if not shell.json:
            shell.say(f"removed the library of {place.root} ({size(taken)})")
        if left:
            shell.note(f"{place.folder} was kept: it contains files that ragsys did not create ({left[0].name})")
    if shell.json:
        shell.give({"removed": removed})
