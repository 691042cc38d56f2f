"""`ragsys docs`: the documents of a library: list them, look at one, take one out, bring it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import Part, bold, coloured, dim, shortened, size, table
from ragsys.errors import UsageError
from ragsys.places import quoted

if TYPE_CHECKING:
    from ragsys.places import Place
    from ragsys.types import Document


_ACTIONS = ("list", "info", "remove", "restore")


class FolderFirst(click.Command):
    """Tells the order where the action was given before the folder: as commands of other programs have it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        plain = [one for one in args if not one.startswith("-")]
        if len(plain) > 1 and plain[0] in _ACTIONS and plain[1] not in _ACTIONS and not Path(plain[0]).is_dir():
            order = " ".join(map(quoted, [plain[1], plain[0], *plain[2:]]))
            raise UsageError(f"the folder comes first, then '{plain[0]}'", hint=f"ragsys docs {order}")
        return super().parse_args(ctx, args)


@click.command(cls=FolderFirst, short_help="List documents, look at one, take one out, bring it back.")
@folder
@click.argument("action", type=click.Choice(_ACTIONS), default="list")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@library
@output
def docs(shell: Shell, where: Where, folder: Path, action: str, files: tuple[str, ...]) -> None:
    """The documents of the library of FOLDER.

    \b
      list             every document: pages, outcome, what is pending; also those that were removed
      info FILE        one document in full
      remove FILE...   take it out of the library; the file stays, and is not indexed again
      restore FILE...  undo a removal; the next run reads it again

    FILE is a path, the end of one, or a document id (or its start).
    """
    if action == "list" and files:
        raise UsageError("docs list takes no file", hint=f"ragsys docs FOLDER info {quoted(files[0])}")
    if action != "list" and not files:
        raise UsageError(f"docs {action} needs a file", hint=f"ragsys docs FOLDER {action} FILE")
    with where.open(folder, shell) as opened:
        if action == "list":
            found = opened.documents(removed=True)
            if shell.json:
                shell.give({"root": str(opened.place.root), "documents": [document_json(one) for one in found]})
            else:
                _list(shell, opened.place, found)
        elif action == "info":
            documents = [opened.document(name) for name in files]
            if shell.json:
                shell.give({"documents": [document_json(one) for one in documents]})
            else:
                for document in documents:
                    _show(shell, document)
        elif action == "remove":
            gone = [opened.remove(name) for name in files]
            _done(shell, "removed", [document.path for document in gone])
        else:
            for name in files:
                opened.restore(name)
            _done(shell, "restored", list(files))
            shell.note(dim("the next run reads it again: ragsys index FOLDER"))


def _done(shell: Shell, word: str, paths: list[str]) -> None:
    if shell.json:
        shell.give({word: paths})
    else:
        for path in paths:
            shell.say(f"{word} {path}")


def document_json(document: Document) -> dict[str, Any]:
    """The JSON form of a document."""
    from ragsys.codec import plain

    data: dict[str, Any] = plain(document)
    data["path"] = document.path
    data["faults"] = [{"page": one.page, "reason": one.reason, "outcome": one.outcome.value} for one in document.faults]
    return data


def _outcome(document: Document) -> Part:
    if document.removed:
        return coloured("removed", "yellow")
    if document.gone and len(document.gone) == len(document.paths):
        return coloured("file is gone", "yellow")
    good = document.outcome.value == "indexed"
    return document.outcome.value if good else coloured(document.outcome.value, "yellow")


def _pending(document: Document) -> str:
    waiting = {name: layer for name, layer in document.layers.items() if not layer.complete}
    return ", ".join(f"{name} {layer.done}/{layer.total}" for name, layer in waiting.items())


def _list(shell: Shell, place: Place, documents: list[Document]) -> None:
    from ragsys.places import command

    if not documents:
        shell.note("the library holds no documents: ragsys index FOLDER")
        return
    rows: list[tuple[Part, ...]] = []
    for one in documents:
        last = dim(_pending(one) or shortened(one.title, 40))
        rows.append((one.path, str(one.pages), size(one.bytes), _outcome(one), last))
        for path in one.paths[1:]:
            state = coloured("file is gone", "yellow") if path in one.gone else dim("same bytes")
            rows.append((path, "", "", state, dim(f"as {one.path}")))
    for line in table(rows, head=("file", "pages", "size", "outcome", "pending, or title"), right=(1, 2)):
        shell.say(*line)
    if any(one.removed for one in documents):
        shell.note(dim(f"bring a removed one back: {command(place, 'docs FOLDER restore FILE')}"))
    if any(one.gone for one in documents):
        shell.note(dim(f"drop what is gone: {command(place, 'index FOLDER --prune')}"))


def _show(shell: Shell, document: Document) -> None:
    shell.say(bold(document.path))
    rows: list[tuple[Part, Part]] = [(dim("id"), document.id)]
    rows += [(dim("also at"), path) for path in document.paths[1:]]
    rows += [(dim("gone"), coloured(path, "yellow")) for path in document.gone]
    rows += [(dim("title"), document.title)] if document.title else []
    rows += [
        (dim("pages"), str(document.pages)),
        (dim("size"), size(document.bytes)),
        (dim("outcome"), _outcome(document)),
    ]
    rows += [(dim(key), value) for key, value in sorted(document.metadata.items())]
    for name, layer in document.layers.items():
        count = str(layer.done) if layer.complete else f"{layer.done} of {layer.total}, pending"
        rows.append((dim(f"layer {name}"), count))
    for fault in document.faults:
        rows.append((dim(f"fault p.{fault.page}" if fault.page else "fault"), coloured(fault.reason, "yellow")))
    for line in table(rows):
        shell.say("  ", *line)
