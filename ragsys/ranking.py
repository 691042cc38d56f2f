"""Pure maths on scores and ranked lists: ranks, z-scores, reciprocal rank fusion, z-score sum, maxsim, cuts.

Nothing here knows a model, a store or a page: keys are anything that sorts. Inputs are never changed, and no result
depends on the order in which keys with equal scores come.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragsys.types import FloatArray

Floats = NDArray[np.float64]


class Sortable(Protocol):
    """What breaks ties: anything hashable with an order."""

    def __lt__(self, other: Any, /) -> bool: ...

    def __hash__(self) -> int: ...


K = TypeVar("K", bound=Sortable)

#: What a key that a list does not hold gets from that list, see `zsum`.
Absent = Literal["floor", "zero"]


def ordered(scores: Mapping[K, float]) -> list[K]:
    """The keys by falling score, ties by key."""
    return sorted(scores, key=lambda key: (-scores[key], key))


def ranks(scores: Mapping[K, float]) -> dict[K, int]:
    """{key: rank}, 1 for the best; equal scores share the best rank among them (1, 2, 2, 4)."""
    found: dict[K, int] = {}
    rank, last = 0, math.nan
    for position, key in enumerate(ordered(scores), 1):
        if scores[key] != last:
            rank, last = position, scores[key]
        found[key] = rank
    return found


def rrf(lists: Sequence[Mapping[K, float]], *, k: float = 60.0, weights: Sequence[float] = ()) -> dict[K, float]:
    """Reciprocal rank fusion: sum over lists of weight / (k + rank), ranks 1-based; an absent key gets nothing.

    Cormack, Clarke, Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods".
    `weights` default to 1 each. Raises `ValueError` if there are not as many as lists.
    """
    fused: dict[K, list[float]] = {}
    for scores, weight in zip(lists, _weights(lists, weights), strict=True):
        for key, rank in ranks(scores).items():
            fused.setdefault(key, []).append(weight / (k + rank))
    return {key: math.fsum(parts) for key, parts in fused.items()}


def zscores(scores: Sequence[float] | Floats) -> Floats:
    """(x - mean) / standard deviation (of the population), shape (n,); all zeros where every score is the same."""
    values = np.asarray(scores, np.float64)  # (n,)
    if values.size == 0:
        return values
    # the exactly rounded mean does not depend on the order of the scores, as numpy's would
    mean = math.fsum(values) / values.size
    centred = values - mean  # (n,)
    deviation = math.sqrt(math.fsum(centred * centred) / values.size)
    # rounding alone must not become a difference: scores that differ by less than it are the same score
    if deviation <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return np.zeros_like(values)
    return centred / deviation


def zsum(
    lists: Sequence[Mapping[K, float]], *, weights: Sequence[float] = (), absent: Absent = "floor"
) -> dict[K, float]:
    """The weighted sum of each list's z-scores.

    A list cut at its first hundred says of an absent key that it would have come below them: `floor` gives it the
    lowest z-score of the list, so that presence is never worse than absence. `zero` gives the list's mean: right only
    for lists that score everything. An empty list adds nothing. `weights` default to 1 each; raises `ValueError` if
    their number differs.
    """
    tables: list[tuple[dict[K, float], float]] = []
    for scores, weight in zip(lists, _weights(lists, weights), strict=True):
        if not scores:
            continue
        values = weight * zscores(list(scores.values()))  # (n,)
        missing = float(values.min() if weight >= 0 else values.max()) if absent == "floor" else 0.0
        tables.append((dict(zip(scores, values.tolist(), strict=True)), missing))
    keys = {key for table, _ in tables for key in table}
    return {key: math.fsum(table.get(key, missing) for table, missing in tables) for key in keys}


def _weights(lists: Sequence[object], weights: Sequence[float]) -> Sequence[float]:
    if weights and len(weights) != len(lists):
        raise ValueError(f"{len(weights)} weights for {len(lists)} lists")
    return weights or [1.0] * len(lists)


def maxsim(query: FloatArray, item: FloatArray, mask: NDArray[np.bool_] | None = None) -> float:
    """Late interaction: the sum over query vectors of the best dot product among the item's vectors.

    query (q, d), item (n, d), mask (n,): False is padding. Padding counts as minus infinity and never as zero: a zero
    would beat negative similarities, and the score would depend on the item's batch mates. Khattab, Zaharia 2020
    (ColBERT). An item without vectors scores minus infinity; a query without vectors scores 0.
    """
    if len(query) == 0:
        return 0.0
    similarity = np.asarray(query, np.float64) @ np.asarray(item, np.float64).reshape(-1, query.shape[1]).T  # (q, n)
    if mask is not None:
        similarity = np.where(mask[None, :], similarity, -np.inf)  # (q, n)
    if similarity.shape[1] == 0:
        return -math.inf
    return float(similarity.max(axis=1).sum())


# -- cuts: how many of the first hits are worth reading ----------------------------------------------------------------


def cut_gap(scores: Sequence[float], *, least: int = 1, most: int = 10) -> int:
    """How many to keep of falling `scores`: up to the largest drop between neighbours, `least`..`most` of them.

    The first of equal drops counts. Without any drop inside the window, `most` (or all) are kept.
    """
    end = min(most, len(scores))
    best, where = 0.0, end
    for n in range(max(least, 1), min(end + 1, len(scores))):
        if scores[n - 1] - scores[n] > best:
            best, where = scores[n - 1] - scores[n], n
    return where


def cut_relative(scores: Sequence[float], *, share: float, least: int = 1, most: int = 10) -> int:
    """How many to keep of falling `scores`: those at least `share` (0..1) of the way from the lowest to the best.

    Equal under any shift and positive scale of the scores, so that it means the same for every fusion. `least`..`most`.
    """
    end = min(most, len(scores))
    if not end:
        return 0
    bar = scores[-1] + share * (scores[0] - scores[-1])
    kept = sum(1 for score in scores[:end] if score >= bar)
    return min(end, max(least, kept))
