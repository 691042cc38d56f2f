"""A table as rows of cells, with the headers of its columns: those that span several are given to each of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as rows of cells; the first `heads` rows are column headers."""

    rows: tuple[tuple[str, ...], ...]
    heads: int = 1

    def header(self, column: int) -> str:
        """A column's headers, from the top; one that spans several columns counts for each of them."""
        return self.headers[column] if column < len(self.headers) else ""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of all columns, see `header`."""
        return _headers(self.rows[: self.heads])


@functools.lru_cache(maxsize=512)
def _headers(heads: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """A column's own header is the lowest one. The rows above span columns: a text there counts for its group.

    Groups show where the lowest headers repeat ("Domestic, Total, Domestic, Total": two groups of two), or, where they
    do not, begin at each text and end before the next.
    """
    columns = max((len(row) for row in heads), default=0)
    full = [[_plain(row[c]) if c < len(row) else "" for c in range(columns)] for row in heads]
    if not full:
        return ()
    first, period = _period(full[-1])
    for row in full[:-1]:
        if not row[0] and any(row[first:]):
            row[first:] = _spread(row[first:], period)
    if period:  # "Domestic, 2022 Total, Domestic, 2021 Total": the year was written over the middle of its group
        last = full[-1]
        for start in range(first, columns, period):
            years = {year for cell in last[start : start + period] for year in _FOUR.findall(cell)}
            for c in range(start, start + period):
                last[c] = " ".join([*years, _FOUR.sub("", last[c]).strip()]) if len(years) == 1 else last[c]
    return tuple(" ".join(filter(None, (row[c] for row in full))) for c in range(columns))


_FOUR = re.compile(r"\b(?:19|20)\d\d\b")


def _plain(cell: str) -> str:
    return re.sub(r"\s+", " ", cell).strip()


def _period(labels: Sequence[str]) -> tuple[int, int]:
    """From which column on the labels repeat, and after how many, their years left out; (1, 0) if they do not."""
    for first in (1, 2):
        bare = [_FOUR.sub("", label).strip().casefold() for label in labels[first:]]
        for period in range(2, len(bare) // 2 + 1):
            whole = len(bare) % period == 0 and all(bare) and len(set(bare[:period])) == period
            if whole and all(label == bare[n % period] for n, label in enumerate(bare)):
                return first, period
    return 1, 0


def _spread(row: Sequence[str], period: int) -> list[str]:
    """A row of spanning headers with each text on every column of its group."""
    if period:
        groups = [[cell for cell in row[start : start + period] if cell] for start in range(0, len(row), period)]
        if all(len(group) == 1 for group in groups):
            return [group[0] for group in groups for _ in range(period)]
    found, last = [], ""
    for cell in row:
        last = cell or last
        found.append(last)
    return found
