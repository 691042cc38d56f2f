"""The sections of `eval/README.md` that commands write: what stands between two marks is replaced, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ragsys.errors import RagsysError, UsageError

README = Path(__file__).with_name("README.md")


class Cut(NamedTuple):
    """A page around one of its sections."""

    before: str  # with the mark that begins the section
    section: str
    after: str  # with the mark that ends it


def cut(page: str, name: str, where: Path = README) -> Cut:
    """The page around the section of this name. Raises `UsageError` where its marks are not both there."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = page.partition(begin)
    section, ended, after = rest.partition(end)
    if not begun or not ended:
        raise UsageError(f"{where}: the marks {begin} and {end} are not both there")
    return Cut(f"{before}{begin}\n", section.strip(), f"\n{end}{after}")


def replaced(page: str, name: str, text: str, where: Path = README) -> str:
    """The page with this text as the section of this name."""
    around = cut(page, name, where)
    return f"{around.before}{text}{around.after}"


def written(where: Path, change: Callable[[str], str], done: str) -> int:
    """Change the page at `where` and say so; the exit code. A user's mistake is told, and leaves the page as it was."""
    try:
        page = change(where.read_text(encoding="utf-8"))
        where.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        print(f"{where}: {error.strerror or error}", file=sys.stderr)
        return 1
    except RagsysError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{done} {where}")
    return 0
