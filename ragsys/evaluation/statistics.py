"""Statistics of scores: intervals from a bootstrap over documents, paired permutation tests, Holm's adjustment.

Questions about one document are not independent: they share its layout, its language and its faults. So documents, not
questions, are drawn and flipped. Everything here is pure: equal arguments give equal results on every machine.

    Estimate     mean of the questions' scores; percentile interval of `samples` draws of whole clusters, with
                 replacement (Efron and Tibshirani 1993, ch. 13; Field and Welsh 2007 for clusters)
    Comparison   mean of paired differences; two-sided p of flipping the signs of whole clusters (Fisher 1935), exact
                 where all flips can be listed, else (1 + as extreme) / (1 + permutations) (Phipson and Smyth 2010)
                 a total (no mean of scores) is drawn again instead, of both configurations at once; p from those draws
    adjusted     Holm 1979: the chance of one wrong "is better" among all the comparisons stays below five in a hundred
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ragsys.evaluation.records import Comparison, Estimate, MetricInfo, Question
from ragsys.wording import counted, verb

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

#: Two-sided: p below it is called a difference.
ALPHA = 0.05
#: Fewer independent clusters than this and neither interval nor p can be relied on; sentences say so.
FEW_CLUSTERS = 10
_CHUNK = 1 << 20  # numbers drawn at once: bounds memory at a few ten MB whatever the number of questions


def clusters(questions: Sequence[Question]) -> list[str]:
    """One label a question: its `cluster`, else its first gold document, else the only one that it is asked of.

    A question without any of them has its own id for a label: it is independent of all others.
    """
    return [_cluster(question) for question in questions]


def _cluster(question: Question) -> str:
    if "cluster" in question:
        return question["cluster"]
    docs = question.get("doc_ids")
    if docs:
        return docs[0]
    for gold in (
        question.get("gold_pages") or (),
        question.get("gold_boxes") or (),
        question.get("gold_passages") or (),
    ):
        if gold:
            return gold[0]["doc"]
    scope = question.get("scope", [])
    return scope[0] if len(scope) == 1 and not scope[0].endswith("/") else question["id"]


def estimate(
    scores: Sequence[float | None],
    clusters: Sequence[str],
    *,
    seed: int,
    samples: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """The mean of the scores that are defined, with a percentile interval of a bootstrap over clusters.

    A draw takes as many clusters as there are, with replacement, and pools their questions. With a single cluster there
    is no interval: its bounds are None.
    """
    values, labels = _defined(scores, clusters)
    undefined = len(scores) - len(values)
    if not len(values):
        return Estimate(None, None, None, 0, undefined, 0)
    totals, sizes = _by_cluster(values, labels)
    value = float(values.mean())
    if len(totals) < 2:
        return Estimate(value, None, None, len(values), undefined, len(totals))
    low, high = _interval(_means(totals, sizes, seed, samples), confidence)
    return Estimate(value, low, high, len(values), undefined, len(totals))


def estimate_total(
    total: Callable[[Sequence[int]], float | None],
    clusters: Sequence[str],
    *,
    seed: int,
    samples: int = 1000,
    confidence: float = 0.95,
) -> Estimate:
    """The value of `total` over all questions, by index, with a percentile interval of a bootstrap over clusters.

    `total` is called once a sample; samples for which it is not defined are left out, and where they are more than half
    there is no interval. `n` counts all questions: what a total leaves out only the metric knows.
    """
    value = total(range(len(clusters)))
    if value is None:
        return Estimate(None, None, None, 0, len(clusters), 0)
    count = len(set(clusters))
    drawn = _totals(total, clusters, seed, samples)
    if drawn is None:
        return Estimate(value, None, None, len(clusters), 0, count)
    low, high = _interval(drawn, confidence)
    return Estimate(value, low, high, len(clusters), 0, count)


def compare(
    metric: MetricInfo,
    a: str,
    b: str,
    scores_a: Sequence[float | None],
    scores_b: Sequence[float | None],
    clusters: Sequence[str],
    *,
    seed: int,
    permutations: int = 10_000,
    samples: int = 2000,
    confidence: float = 0.95,
) -> Comparison:
    """`a` minus `b` over the questions that both have a score for. `p_adjusted` is p until `adjusted` sees them all.

    Under the hypothesis of no difference the two configurations could be swapped within any document: the test flips
    the sign of all differences of a document at once. Where no question has both scores, everything is 0 and p is 1.
    """
    differences = [
        None if one is None or other is None else one - other for one, other in zip(scores_a, scores_b, strict=True)
    ]
    values, labels = _defined(differences, clusters)
    if len(values):
        totals, sizes = _by_cluster(values, labels)
        difference = float(values.mean())
        low, high = difference, difference
        if len(totals) > 1:
            low, high = _interval(_means(totals, sizes, seed, samples), confidence)
        p = _sign_flips(totals, seed, permutations)
    else:
        totals, difference, low, high, p = np.zeros(0), 0.0, 0.0, 0.0, 1.0
    return _compared(metric, a, b, difference, (low, high), p, len(values), len(totals))


def compare_totals(
    metric: MetricInfo,
    a: str,
    b: str,
    total_a: Callable[[Sequence[int]], float | None],
    total_b: Callable[[Sequence[int]], float | None],
    clusters: Sequence[str],
    *,
    seed: int,
    samples: int = 1000,
    confidence: float = 0.95,
) -> Comparison | None:
    """`a` minus `b` of two totals over the same questions, by index; None where either is not defined.

    Every draw of clusters is taken by both, and its difference counts where both are defined there. p is the smallest
    at which a percentile interval of these differences leaves out 0: twice the smaller share of them on one side of
    it, each draw of no difference counting for both, and one draw more for what was measured (Efron and Tibshirani
    1993, ch. 15; Davison and Hinkley 1997, ch. 4). It is never below 2 / (1 + samples). Configurations are not swapped
    within documents, as `compare` does: what a total is made of (a confidence) may be of one configuration alone. With
    a single cluster, and where more than half of the draws are undefined, nothing can be told: p is 1.
    """

    def difference(indices: Sequence[int]) -> float | None:
        one, other = total_a(indices), total_b(indices)
        return None if one is None or other is None else one - other

    found = difference(range(len(clusters)))
    if found is None:
        return None
    drawn = _totals(difference, clusters, seed, samples)
    bounds, p = (found, found), 1.0
    if drawn is not None:
        bounds = _interval(drawn, confidence)
        tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
        p = min(1.0, 2 * (1 + int(tail)) / (1 + len(drawn)))
    return _compared(metric, a, b, found, bounds, p, len(clusters), len(set(clusters)))


def _compared(
    metric: MetricInfo, a: str, b: str, difference: float, bounds: tuple[float, float], p: float, n: int, clusters: int
) -> Comparison:
    made = Comparison(
        metric=metric.name,
        a=a,
        b=b,
        difference=difference,
        low=bounds[0],
        high=bounds[1],
        p=p,
        p_adjusted=p,
        n=n,
        clusters=clusters,
        sentence="",
        higher_is_better=metric.higher_is_better,
    )
    return replace(made, sentence=sentence(made))


def adjusted(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons in the same order with p adjusted for their number (Holm 1979), and their sentences anew.

    The i-th smallest of m p-values (from 0) is multiplied by m - i; none becomes smaller than the one before it, none
    exceeds 1. Comparisons without a question are no tests and are not counted.
    """
    tests = sorted((one.p, place) for place, one in enumerate(comparisons) if one.n)
    made = list(comparisons)
    least = 0.0
    for rank, (p, place) in enumerate(tests):
        least = max(least, min(1.0, p * (len(tests) - rank)))
        made[place] = replace(made[place], p_adjusted=least)
    return tuple(replace(one, sentence=sentence(one, among=len(tests))) for one in made)


def sentence(comparison: Comparison, among: int = 1) -> str:
    """Whether the difference is real, in plain words; `among`: how many comparisons p was adjusted for."""
    c = comparison
    if not c.n:
        return f"{c.a} and {c.b} cannot be compared on {c.metric}: no question has a score of both."
    if c.p_adjusted < ALPHA:
        a_wins = (c.difference > 0) == c.higher_is_better
        better, worse = (c.a, c.b) if a_wins else (c.b, c.a)
        verdict = f"{better} is better than {worse} on {c.metric}"
        sign = 1.0 if a_wins else -1.0  # told as the better one minus the worse one
    else:
        verdict, sign = f"no difference can be told between {c.a} and {c.b} on {c.metric}", 1.0
    low, high = sorted((sign * c.low, sign * c.high))
    over = counted(c.clusters, "document") if c.clusters < c.n else counted(c.n, "question")
    interval = f" [{number(low)}, {number(high)}]" if c.clusters > 1 else ""
    chance = _chance(c.p_adjusted) + (f" (for {among} comparisons)" if among > 1 else "")
    told = f"{verdict}: {number(sign * c.difference, '+')}{interval}, {chance} over {over}"
    if c.clusters < FEW_CLUSTERS:
        told += f"; {over} {verb(c.clusters, 'is too little', 'are too few')} to rely on it"
    return told


def number(value: float, sign: str = "-") -> str:
    """.021 for shares, 1,234 or 3.2 for what is larger."""
    if abs(value) >= 1:
        return f"{value:{sign},.0f}" if abs(value) >= 100 else f"{value:{sign}.3g}"
    return f"{round(value, 3) + 0.0:{sign}.3f}".replace("0.", ".", 1)  # + 0.0: no minus before a zero


def _chance(p: float) -> str:
    if p < 0.001:
        return "p < .001"
    return "p = " + f"{p:.3f}".replace("0.", ".", 1) if p < 0.1 else "p = " + f"{p:.2f}".replace("0.", ".", 1)


def _defined(scores: Sequence[float | None], clusters: Sequence[str]) -> tuple[_Floats, npt.NDArray[Any]]:
    """Scores that are there and their labels: (n,), (n,)."""
    pairs = [(score, label) for score, label in zip(scores, clusters, strict=True) if score is not None]
    values = np.asarray([score for score, _ in pairs], np.float64)
    return values, np.asarray([label for _, label in pairs], dtype=np.str_)


def _by_cluster(values: _Floats, labels: npt.NDArray[Any]) -> tuple[_Floats, _Floats]:
    """Sum and number of each cluster's scores: (c,), (c,); by label, so that the order of questions changes nothing."""
    _, inverse = np.unique(labels, return_inverse=True)
    totals = np.bincount(inverse, weights=values).astype(np.float64)
    return totals, np.bincount(inverse).astype(np.float64)


def _draws(count: int, samples: int, seed: int) -> Iterator[_Ints]:
    """`samples` rows of `count` cluster numbers, in chunks: (rows, count)."""
    random = np.random.default_rng(seed)
    rows = max(1, _CHUNK // count)
    for start in range(0, samples, rows):
        yield random.integers(0, count, (min(rows, samples - start), count))


def _means(totals: _Floats, sizes: _Floats, seed: int, samples: int) -> _Floats:
    """The pooled mean of each bootstrap draw: (samples,)."""
    found = [totals[rows].sum(1) / sizes[rows].sum(1) for rows in _draws(len(totals), samples, seed)]
    return np.concatenate(found)


def _totals(
    total: Callable[[Sequence[int]], float | None], clusters: Sequence[str], seed: int, samples: int
) -> _Floats | None:
    """A total of each bootstrap draw for which it is defined; None where most have none, or there is one cluster."""
    labels, inverse = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    if len(labels) < 2:
        return None
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    rows = (row for choice in _draws(len(labels), samples, seed) for row in choice)
    found = (total(np.concatenate([members[cluster] for cluster in row]).tolist()) for row in rows)
    drawn = np.asarray([one for one in found if one is not None], np.float64)
    return drawn if len(drawn) * 2 >= samples else None


def _interval(values: _Floats, confidence: float) -> tuple[float, float]:
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(values, (tail, 1.0 - tail))
    return float(low), float(high)


def _sign_flips(totals: _Floats, seed: int, permutations: int) -> float:
    """Two-sided p of the sum of cluster totals under random signs. A cluster whose total is 0 has no sign to flip."""
    moving = totals[totals != 0]
    if not len(moving):
        return 1.0
    # sums of the same numbers in another order differ in the last digits and are the same sum
    extreme = abs(moving.sum()) - 1e-9 * np.abs(moving).sum()
    count = len(moving)
    if count < 63 and 2**count <= permutations:
        bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1  # (2^c, c): every choice of signs
        sums = moving.sum() - 2.0 * (bits @ moving)
        return float(np.count_nonzero(np.abs(sums) >= extreme) / len(sums))
    random = np.random.default_rng(seed)
    rows = max(1, _CHUNK // count)
    hits = 0
    for start in range(0, permutations, rows):
        size = min(rows, permutations - start)
        packed = random.integers(0, 256, (size, (count + 7) // 8), dtype=np.uint8)
        flips = np.unpackbits(packed, axis=1, count=count)  # (size, c)
        sums = moving.sum() - 2.0 * (flips @ moving)
        hits += int(np.count_nonzero(np.abs(sums) >= extreme))
    return (1 + hits) / (1 + permutations)
