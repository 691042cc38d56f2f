"""What a person may write as a filter, checked: a mapping becomes a `Filter`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ragsys.errors import UsageError, did_you_mean
from ragsys.globs import matches
from ragsys.types import Filter
from ragsys.wording import counted


def to_filter(where: Filter | Mapping[str, Any] | None) -> Filter:
    """A filter from a mapping: path, doc (one or several), pages ("3-7", 5 or [3, 7]), after, before, metadata.

    Raises `UsageError` that names what is wrong.
    """
    if where is None:
        return Filter()
    if isinstance(where, Filter):
        return where
    if not isinstance(where, Mapping):
        raise UsageError(f"filter: expected a mapping, found {where!r}", hint='filter={"path": "2023/*"}')
    known = ("path", "doc", "pages", "after", "before", "metadata")
    for key in where:
        if key not in known:
            raise UsageError(
                f"filter: unknown key '{key}'.{did_you_mean(key, known)}", hint=f"keys: {', '.join(known)}"
            )

    def several(key: str) -> tuple[str, ...]:
        value = where.get(key, ())
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
            raise UsageError(f"filter: {key}: expected a text or a list of texts, found {value!r}")
        return tuple(given)

    if not isinstance(where.get("metadata", {}), Mapping):
        raise UsageError(f"filter: metadata: expected a mapping, found {where['metadata']!r}")
    return Filter(
        path=several("path"),
        doc=several("doc"),
        pages=_page_range(where.get("pages")),
        after=_day(where.get("after", ""), "after"),
        before=_day(where.get("before", ""), "before"),
        metadata=dict(where.get("metadata", {})),
    )


def unmatched(globs: Sequence[str], paths: Collection[str]) -> str:
    """What is wrong with globs that match none of a library's paths, with the nearest name; empty if one matches."""
    if not globs or not paths or any(matches(path, globs) for path in paths):
        return ""
    folders = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents} - {"."}
    words = [re.sub(r"[*?/]+", " ", glob).strip() for glob in globs]
    near = next(filter(None, (did_you_mean(word, [*sorted(folders), *paths]) for word in words)), "")
    named = " or ".join(f"'{glob}'" for glob in globs)
    return f"no path matches {named} ({counted(len(paths), 'file')} in the library).{near}"


def _page_range(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    parts = value.split("-") if isinstance(value, str) else [value] if isinstance(value, int) else list(value)
    try:
        first, last = int(parts[0]), int(parts[-1])
    except (ValueError, IndexError) as error:
        raise UsageError(f"filter: pages: expected 5, '3-7' or [3, 7], found {value!r}") from error
    if first > last and len(parts) == 2:
        raise UsageError(f"filter: pages: {first}-{last} ends before it starts", hint=f"pages {last}-{first}")
    if first < 1 or len(parts) > 2:
        raise UsageError(f"filter: pages: expected a range that starts at 1 or later, found {value!r}")
    return first, last


def _day(value: Any, key: str) -> str:
    from datetime import date

    try:
        return date.fromisoformat(str(value)).isoformat() if value else ""
    except ValueError as error:
        raise UsageError(f"filter: {key}: expected a date such as 2023-12-31, found {value!r}") from error


def both(one: Filter, other: Filter) -> Filter:
    """What passes both filters. Globs of both cannot be told as one list: then the first's documents are the bound.

    Raises `UsageError` where the two name different paths, which one filter cannot say.
    """
    if one.path and other.path and set(one.path) != set(other.path):
        raise UsageError(f"filters over {', '.join(one.path)} and {', '.join(other.path)} cannot be joined")
    docs = tuple(doc for doc in one.doc if doc in other.doc) if one.doc and other.doc else one.doc or other.doc
    if one.doc and other.doc and not docs:
        docs = ("",)  # no document has this id: nothing passes
    pages = one.pages or other.pages
    if one.pages and other.pages:
        pages = (max(one.pages[0], other.pages[0]), min(one.pages[1], other.pages[1]))
    before = min(filter(None, (one.before, other.before)), default="")
    return Filter(
        path=one.path or other.path,
        doc=docs,
        pages=pages,
        after=max(one.after, other.after),
        before=before,
        metadata={**other.metadata, **one.metadata},
    )
