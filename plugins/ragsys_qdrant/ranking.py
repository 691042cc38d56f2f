"""Ranks that are equal on every engine: scores are settled, ties are broken by id, groups widen until they are full.

Engines add float32 numbers in different orders, and cut ties at the limit as they please. So scores are settled to what
float32 sums agree on, and a search goes on until the last tie at its limit is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragsys.store import Scored
from ragsys.types import JSON

#: What an engine finds: (id, score, payload).
Raw = tuple[str, float, JSON]
_MARGIN = 8  # points asked for beyond the limit: almost always enough to see where a tie ends
_MOST = 1 << 16  # ties are followed to here; a longer one is cut where the engine cuts it


def settle(score: float) -> float:
    """The score with 6 decimals, or 6 significant digits from 1 up: float32 sums agree on these."""
    return round(score, 6) + 0.0 if abs(score) < 1 else float(f"{score:.6g}")


def best(run: Callable[[int], Sequence[Raw]], limit: int) -> list[Scored]:
    """The `limit` best points by (score, id) of a search `run(limit)` that orders by score alone."""
    if limit <= 0:
        return []
    fetch = limit + _MARGIN
    while True:
        found = run(fetch)
        # hundreds a search: numbers are sorted, and points made of those alone that are given back
        rows = sorted([(-settle(score), name, n) for n, (name, score, _) in enumerate(found)])
        if len(found) < fetch or rows[-1][0] > rows[limit - 1][0] or fetch >= _MOST:
            return [Scored(name, -low, found[n][2]) for low, name, n in rows[:limit]]
        fetch *= 4


def grouped(
    run: Callable[[int], Sequence[Scored]], *, by: str, groups: int, size: int, most: int
) -> list[list[Scored]]:
    """The best groups of a search `run(limit)`, by their best point; widens until there are enough.

    A point whose field is a list is in the group of each value; one without the field is in none. `most` bounds the
    widening: how many points there are.
    """
    if groups <= 0 or size <= 0:
        return []
    limit = groups * size * 2
    while True:
        found = run(limit)
        table: dict[object, list[Scored]] = {}
        for point in found:
            value = point.payload.get(by)
            for key in dict.fromkeys(value if isinstance(value, list) else (value,)):
                if key is not None:
                    members = table.setdefault(key, [])
                    if len(members) < size:
                        members.append(point)
        if len(table) >= groups or len(found) < limit or limit >= most:
            return list(table.values())[:groups]
        limit = min(limit * 4, most)
