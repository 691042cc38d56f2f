"""Files that no loader takes: counted by kind, for whoever wonders why they were not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ragsys.places import Place, apart, command
from ragsys.records import sound
from ragsys.scan import walk
from ragsys.types import Fault, Outcome
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


def failed(skipped: Sequence[tuple[str, Outcome, str]]) -> str:
    """ "3 files (2 encrypted, 1 broken)": how many files could not be read, and why."""
    outcomes = Counter(sorted(outcome.value for _, outcome, _ in skipped))
    each = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common())
    return f"{counted(len(skipped), 'file')} ({each})"


def unreadable(space: Space) -> str:
    """The note on files whose text could not be read; empty without any. Pages that wait for OCR are told elsewhere."""
    from ragsys.ingest import READABLE  # the command line needs this module at once, and that one later

    states = [state for state in space.catalog if not state.excluded and state.outcome not in READABLE]
    if not states:
        return ""
    count = failed([(state.paths[0] if state.paths else state.doc, state.outcome, "") for state in states])
    listed = command(Place(space.folder, space.root), "docs FOLDER")
    return f"not read, so that an answer in them is not found: {count}; see {listed}"


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
