"""Files that no loader takes: counted by kind, for whoever wonders why they were not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ragsys.places import apart
from ragsys.records import sound
from ragsys.scan import walk
from ragsys.types import Fault
from ragsys.wording import counted, verb

if TYPE_CHECKING:
    from ragsys.space import Space

_KINDS = 6  # endings that are named
_NAMES = 3  # files that are named


def files(space: Space) -> list[str]:
    """The wanted files of a library's folder that no loader takes, by their path; none that ragsys made there."""
    failed: dict[str, Fault] = {}  # reported by the run that indexes
    index, suffixes = space.config.index, space.layers.suffixes
    found = (path for path, _ in walk(space.root, index.include, index.exclude, failed, apart(space.folder)))
    return sorted(sound(path) for path in found if PurePosixPath(path).suffix.lower() not in suffixes)


def kinds(paths: Sequence[str]) -> str:
    """ ".docx (3), .xlsx (1)": the endings, the most frequent first."""
    endings = Counter(PurePosixPath(path).suffix.lower() or "no ending" for path in paths)
    named = endings.most_common(_KINDS)
    rest = len(paths) - sum(count for _, count in named)
    return ", ".join([*(f"{ending} ({count:,})" for ending, count in named), *([f"others ({rest:,})"] if rest else [])])


def told(paths: Sequence[str]) -> str:
    """The note of an answer that found nothing; empty without such files."""
    if not paths:
        return ""
    names = ", ".join(paths[:_NAMES]) + (", ..." if len(paths) > _NAMES else "")
    what = verb(len(paths), "a kind", "kinds")
    return f"{counted(len(paths), 'file')} of {what} that ragsys does not read: {kinds(paths)}; {names}"
