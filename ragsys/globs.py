"""Globs over relative paths with forward slashes: `*` and `?` stay inside a folder, `**` crosses folders."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence


@functools.lru_cache(maxsize=1024)
def compiled(glob: str) -> re.Pattern[str]:
    """The regular expression of a glob; matching ignores case. A folder's name matches everything inside it."""
    out, at = "", 0
    glob = glob.strip("/") or "**"
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif glob.startswith("**", at):
            out, at = out + ".*", at + 2
        elif char == "*":
            out, at = out + "[^/]*", at + 1
        elif char == "?":
            out, at = out + "[^/]", at + 1
        elif char == "[" and (end := glob.find("]", at + 2)) > 0:
            inside = glob[at + 1 : end].replace("\\", "\\\\")
            inside = "^" + inside[1:] if inside[0] == "!" else inside
            out, at = out + f"[{inside}]", end + 1
        else:
            out, at = out + re.escape(char), at + 1
    return re.compile(f"(?:{out})(?:/.*)?", re.IGNORECASE | re.DOTALL)


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether any of the globs matches the path."""
    return any(compiled(glob).fullmatch(path) for glob in globs)


def wanted(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether the path is included and not excluded."""
    return matches(path, include) and not matches(path, exclude)
