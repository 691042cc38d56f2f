"""Flawed records: a few of them are left out or kept in part, counted and named; more than a few refuse the file.

Published files have some: a page 0, a page past the end, a label that is missing. One of a thousand must not cost the
benchmark, and must not go unseen: a suite's `notes` say what was done, and the report of a run shows them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from ragsys.errors import SuiteError
from ragsys.wording import part

FEW = 0.05  # share of a file's records that may be flawed
_SHOWN = 3  # flaws that a note names

P = ParamSpec("P")
Item = TypeVar("Item")
T = TypeVar("T")


class Parts:
    """The parts of one record: those that are wrong are left out of it."""

    def __init__(self) -> None:
        self.errors: list[SuiteError] = []

    def __call__(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `read(*args, **kwargs)` gives; None where it raises `SuiteError`: the record is kept without it."""
        try:
            return read(*args, **kwargs)
        except SuiteError as error:
            self.errors.append(error)
            return None

    def each(self, read: Callable[[int, Item], T], values: Iterable[Item]) -> list[T]:
        """`read(number, value)` of each value, without those that are wrong; numbers count from 0."""
        found = []
        for number, value in enumerate(values):
            try:
                found.append(read(number, value))
            except SuiteError as error:
                self.errors.append(error)
        return found


class Flaws:
    """What was left out of a suite's files, by file."""

    def __init__(self) -> None:
        self._notes: dict[tuple[Path, str], list[str]] = {}

    @property
    def notes(self) -> list[str]:
        """What was left out when each file was last read, with counts and places."""
        return [note for notes in self._notes.values() for note in notes]

    def sound(
        self, file: Path, items: Iterable[Item], read: Callable[[Item, Parts], T], noun: str = "record"
    ) -> Iterator[T]:
        """`read(item, parts)` of each item of a file (or of a folder's files), without those that raise `SuiteError`.

        Raises the first error, with the count, where more than `FEW` of all items are flawed, after the last of them.
        """
        left: list[SuiteError] = []
        cut: list[SuiteError] = []
        total = 0
        for item in items:
            total += 1
            parts = Parts()
            try:
                found = read(item, parts)
            except SuiteError as error:
                left.append(error)
                continue
            cut += parts.errors[:1]
            yield found
        flawed = [*left, *cut]
        if len(flawed) > FEW * total:
            raise _refused(flawed, total, noun)
        self._notes[file, noun] = [
            *_note(file, left, total, noun, "left out"),
            *_note(file, cut, total, noun, "used without the part that is wrong"),
        ]


class Lenient:
    """A suite that does without a few flawed records."""

    @functools.cached_property
    def flaws(self) -> Flaws:
        """What was left out so far."""
        return Flaws()

    @property
    def notes(self) -> Sequence[str]:
        """What was left out of the files, for the report of a run."""
        return self.flaws.notes


def _refused(flawed: Sequence[SuiteError], total: int, noun: str) -> SuiteError:
    first = flawed[0]
    if total == 1:
        return first
    count = f"{part(len(flawed), total, noun)} wrong; a file is used where at most {FEW:.0%} are"
    return SuiteError(first.message, hint="\n".join([*([first.hint] if first.hint else []), count]))


def _note(file: Path, errors: Sequence[SuiteError], total: int, noun: str, done: str) -> list[str]:
    if not errors:
        return []
    shown = [error.message.removeprefix(f"{file}, ").removeprefix(f"{file}{os.sep}") for error in errors[:_SHOWN]]
    more = [f"{len(errors) - _SHOWN:,} more"] if len(errors) > _SHOWN else []
    return [f"{file.name}: {part(len(errors), total, noun)} {done}: {'; '.join([*shown, *more])}"]


__all__ = ["FEW", "Flaws", "Lenient", "Parts"]
