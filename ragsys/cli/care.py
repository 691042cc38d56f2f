"""`ragsys gc` and `ragsys move`: drop what no configuration uses; copy a library's points into a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import bold, dim
from ragsys.errors import UsageError
from ragsys.wording import counted, verb

if TYPE_CHECKING:
    from ragsys.plugins import Registry


@click.command(short_help="Drop layers and vectors that no configuration uses.")
@folder
@click.option("--keep", multiple=True, metavar="NAME|FILE", help="Another configuration still in use; repeatable.")
@click.option("--dry-run", is_flag=True, help="Tell what would go; delete nothing.")
@library
@output
def gc(shell: Shell, where: Where, folder: Path, keep: tuple[str, ...], dry_run: bool) -> None:
    """Drop from the library of FOLDER what --config does not use: layers of other loaders, splitters, embedders.

    Name every further configuration that you still use with --keep.
    """
    from ragsys.config import load
    from ragsys.gc import collect, disk_bytes

    others = [load(name) for name in keep]
    with where.own(folder) as opened:
        before = disk_bytes(opened.place.folder)
        found = collect(opened.space, others, dry=dry_run)
        after = disk_bytes(opened.place.folder)
    if shell.json:
        shell.give(
            {
                "layers": list(found.layers),
                "vectors": list(found.vectors),
                "points": found.points,
                "dry_run": found.dry,
                "bytes_before": before,
                "bytes_after": after,
            }
        )
        return
    if not (found.layers or found.vectors):
        shell.say("nothing to drop: everything in the library is in use")
        return
    parts = [counted(len(found.layers), "layer"), counted(found.points, "point"), counted(len(found.vectors), "vector")]
    shell.say(bold("would drop " if dry_run else "dropped "), ", ".join(parts))
    for name in (*found.layers, *found.vectors):
        shell.say(dim(f"  {name}"))


@click.command(short_help="Copy a library's points into a server; nothing is embedded anew.")
@folder
@click.option("--to", "url", required=True, metavar="URL", help="The server: https://host:6333")
@click.option("--api-key-env", metavar="NAME", help="The environment variable that holds the server's key.")
@click.option("--collection", metavar="NAME", help="The collection.  [default: named after the library]")
@click.option("--store", metavar="NAME", help="The store component that speaks to it.  [default: the one with a URL]")
@library
@output
def move(
    shell: Shell,
    where: Where,
    folder: Path,
    url: str,
    api_key_env: str | None,
    collection: str | None,
    store: str | None,
) -> None:
    """Copy the library of FOLDER, vectors and all, into the store at URL.

    Goes on where it was stopped. The library stays as it is; afterwards, use the copy with the --set that is shown.
    """
    from ragsys.config import load, preflight
    from ragsys.maintain import move as copy
    from ragsys.plugins import registry
    from ragsys.progress import Progress

    setting: dict[str, str] = {"use": store or _store_with_url(registry()), "url": url}
    if collection:
        setting["collection"] = collection
    if api_key_env:
        if not api_key_env.replace("_", "a").isalnum():
            raise UsageError(
                f"--api-key-env {api_key_env}: the name of an environment variable", hint="not the key itself"
            )
        setting["api_key"] = f"${{{api_key_env}}}"
    shown = f"store={json.dumps(setting)}"
    target = load(where.config, (*where.overrides, shown))
    if problems := preflight(target, registry()):
        raise problems[0]
    with where.own(folder) as opened, shell.bar() as bar:
        built = opened.space.builder.build("store", target.store)
        if built is opened.space.store:
            raise UsageError(f"{url} is where the library is already", hint="--to another URL")
        try:
            moved = copy(opened.space.store, built, lambda done, total: bar(Progress("moving", done, total, "points")))
        finally:
            built.close()
    if shell.json:
        shell.give({"copied": moved.copied, "kept": moved.kept, "extra": moved.extra, "set": shown})
        return
    shell.say(bold(f"copied {counted(moved.copied, 'point')}"), f", {moved.kept:,} were there already")
    if moved.extra:
        extra = f"{counted(moved.extra, 'point')} of the target {verb(moved.extra)} not in the library"
        shell.say(dim(f"{extra}, and left unchanged"))
    shell.say(dim(f"use it with:  --set '{shown}'"))


def _store_with_url(installed: Registry) -> str:
    """The one installed store that takes a URL. Raises `UsageError` if there is none or a choice."""
    from ragsys.cli.plugins import options

    stores = [component for component, _ in installed.components("store")]
    named = [one.name for one in stores if any(option["name"] == "url" for option in options(one))]
    if len(named) != 1:
        found = f"{len(named)} installed stores take a URL" if named else "no installed store takes a URL"
        raise UsageError(f"--to: {found}", hint=f"name one with --store: {', '.join(named)}" if named else None)
    return named[0]
