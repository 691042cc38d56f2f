"""The options that narrow a search: --path --doc --pages --after --before --meta."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ragsys.errors import UsageError

if TYPE_CHECKING:
    from ragsys.library import Library
    from ragsys.remote import RemoteLibrary

_SHOWN = 3  # paths that an error names
Narrow = Callable[["Library | RemoteLibrary"], dict[str, Any]]


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets `narrow`, which gives the filter for an open library."""

    @click.option(
        "--path", multiple=True, metavar="GLOB", help="Files by path: '2023/*', '**/annual*.pdf'; repeatable."
    )
    @click.option("--doc", multiple=True, metavar="FILE|ID", help="One document; repeatable.")
    @click.option("--pages", metavar="3-7", help="Pages of each document.")
    @click.option("--after", metavar="DATE", help="Documents of this day or later: 2023-01-31.")
    @click.option("--before", metavar="DATE", help="Documents from before this day.")
    @click.option("--meta", multiple=True, metavar="KEY=VALUE", help="Documents by metadata: author=Smith; repeatable.")
    @functools.wraps(command)
    def wrapper(
        *args: Any,
        path: tuple[str, ...],
        doc: tuple[str, ...],
        pages: str | None,
        after: str | None,
        before: str | None,
        meta: tuple[str, ...],
        **kwargs: Any,
    ) -> None:
        given = {"path": path, "pages": pages, "after": after, "before": before, "metadata": _pairs(meta)}
        chosen = {key: value for key, value in given.items() if value}
        if chosen:
            from ragsys.library import to_filter

            to_filter(chosen)  # mistakes are told before anything is opened

        def narrow(library: Library | RemoteLibrary) -> dict[str, Any]:
            if path:
                _check(library, path)
            if not doc:
                return chosen
            return {**chosen, "doc": [library.document(name).id for name in doc]}

        command(*args, narrow=narrow, **kwargs)

    return wrapper


def _check(library: Library | RemoteLibrary, globs: tuple[str, ...]) -> None:
    """Raises `UsageError` where the globs match no file: an answer would speak of the documents' content instead."""
    from ragsys.filters import unmatched
    from ragsys.places import command

    paths = [one for document in library.documents() for one in document.paths]
    if problem := unmatched(globs, paths):
        some = ", ".join(paths[:_SHOWN]) + (", ..." if len(paths) > _SHOWN else "")
        hint = f"paths are such as {some}\nall of them: {command(library.place, 'docs FOLDER list')}"
        raise UsageError(f"--path: {problem}", hint=hint)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not key or not equals:
            raise UsageError(f"--meta {one}: expected key=value", hint="--meta author=Smith")
        found[key] = value
    return found
