"""Choosing one of several configurations by their scores, and what choosing so is worth on documents it has not seen.

Nested cross-validation by document (Varma and Simon 2006). The inner folds are single documents: nothing is fitted to
them, so that what a candidate gives for the document that is left out is the score it has there, and their pooled mean
decides. The outer folds are groups of documents: each is scored by the candidate that the others chose. The mean of
those scores minus the default's is the *nested gain*: that of the winner itself is too high, for it was picked as the
highest of many.

    rule      of all candidates within one standard error of the best one, the first: the default comes first, then
              what differs least from it (Breiman et al. 1984, the one-standard-error rule)
    verdict   "choose" if the nested gain's interval lies above 0, its test tells it from 0, and 10 documents or more
              stand behind it; else the default stays: "keep" where a gain of `least` would have shown, "too little"
              where not
    power     a gain g of standard error s on n questions shows, two-sided at 5 %, in four of five repetitions if
              n >= n0 ((1.96 + 0.84) s0 / g)^2 for the s0 seen on n0 questions. g is the larger of `least` and the gain
              seen: that of the highest of many is more than will come, so the number is a lower bound

Everything here is pure: equal arguments give equal results on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragsys.evaluation.records import Comparison, Estimate, MetricInfo
from ragsys.evaluation.statistics import ALPHA, FEW_CLUSTERS, compare, estimate, number
from ragsys.wording import counted, verb

_Floats = npt.NDArray[np.float64]
Verdict = Literal["choose", "keep", "too little"]

_FOLDS = 10  # outer folds; with fewer documents, each is one
_REPEATS = 20  # ways to cut the documents into folds, averaged: one way alone is a matter of luck
_POWER = 1.959964 + 0.841621  # standard normal quantiles at .975 and .8


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate on all questions."""

    name: str
    value: Estimate
    gain: Comparison  # the candidate minus the default
    chosen: float  # share of the outer folds whose other documents chose it, 0..1


@dataclass(frozen=True, slots=True)
class Choice:
    """What to use, and how certain that is."""

    metric: MetricInfo
    default: str
    verdict: Verdict
    use: str  # the winner where the verdict is "choose", else the default
    winner: str  # of the rule on all documents; nobody's advice unless the verdict says so
    gain: Comparison  # nested: what the rule chose on the other documents, minus the default
    least: float  # the smallest gain that is worth having
    needed: int  # questions it takes to tell a gain, see the module; 0 where no candidate differs from the default
    sentence: str
    tried: tuple[Tried, ...]  # in the order of the candidates

    @property
    def more(self) -> int:
        """Questions that are lacking, on documents like these."""
        return max(0, self.needed - self.gain.n)


def choose(
    metric: MetricInfo,
    scores: Mapping[str, Sequence[float | None]],
    clusters: Sequence[str],
    *,
    least: float = 0.02,
    seed: int = 0,
) -> Choice:
    """The candidate to use. `scores` are each candidate's, a question each, the default's first; `clusters` are the
    questions' documents. Questions that a candidate has no score for are left out.

    Raises `ValueError` without a candidate, and with scores on fewer than two documents.
    """
    names = list(scores)
    rows = list(zip(*scores.values(), strict=True))
    known = [n for n, row in enumerate(rows) if all(score is not None for score in row)]
    labels = [clusters[n] for n in known]
    if len(set(labels)) < 2:
        raise ValueError(f"scores on {len(set(labels))} documents: choosing takes two or more")
    own = {name: [scores[name][n] for n in known] for name in names}
    table = np.asarray([own[name] for name in names], np.float64)  # (candidates, questions)
    sign = 1.0 if metric.higher_is_better else -1.0
    places = np.unique(np.asarray(labels, np.str_), return_inverse=True)[1]  # (questions,)
    totals = np.stack([np.bincount(places, weights=sign * row) for row in table]).astype(
        np.float64
    )  # (candidates, documents)
    sizes = np.bincount(places).astype(np.float64)  # (documents,)
    folds = _folds(sizes, seed)  # (repeats, documents)
    picks = _nested(totals, sizes, folds)  # (repeats, documents): the candidate that the other folds chose
    nested = np.take_along_axis(table[:, None, :], picks[None, :, places], axis=0)[0].mean(axis=0)  # (questions,)
    default, winner = names[0], names[pick(totals, sizes)]
    told = f"what choosing gives ({metric.name})"
    gain = compare(metric, told, default, nested.tolist(), own[default], labels, seed=seed)
    needed = _needed(totals, sizes, names.index(winner), least)
    verdict = _verdict(gain, winner != default, needed)
    shares = np.bincount(picks.ravel(), minlength=len(names)) / picks.size
    return Choice(
        metric=metric,
        default=default,
        verdict=verdict,
        use=winner if verdict == "choose" else default,
        winner=winner,
        gain=gain,
        least=least,
        needed=needed,
        sentence=_sentence(metric, verdict, default, winner, gain, least, needed),
        tried=tuple(
            Tried(
                name,
                estimate(own[name], labels, seed=seed),
                compare(metric, name, default, own[name], own[default], labels, seed=seed),
                float(share),
            )
            for name, share in zip(names, shares, strict=True)
        ),
    )


def pick(totals: _Floats, sizes: _Floats) -> int:
    """The first candidate whose shortfall to the best is at most the shortfall's standard error.

    totals (candidates, documents): sums of scores, more is better; sizes (documents,): questions of each.
    """
    best = int(np.argmax(totals.sum(axis=1)))
    for n, row in enumerate(totals):
        shortfall, error = _mean(totals[best] - row, sizes)
        if shortfall <= error or n == best:
            return n
    return best


def _mean(totals: _Floats, sizes: _Floats) -> tuple[float, float]:
    """(mean over questions, its standard error with documents as clusters, by linearisation of the ratio of sums).

    Cochran 1977, ch. 9A. One document has no standard error: 0.
    """
    count, every = len(sizes), sizes.sum()
    mean = float(totals.sum() / every)
    if count < 2:
        return mean, 0.0
    spread = float(np.square(totals - mean * sizes).sum())
    return mean, math.sqrt(count / (count - 1) * spread) / float(every)


def _folds(sizes: _Floats, seed: int) -> npt.NDArray[np.int64]:
    """(repeats, documents): the fold of each document; documents in random order, each to the fold with the fewest
    questions."""
    random = np.random.default_rng(seed)
    count = min(_FOLDS, len(sizes))
    found = np.zeros((_REPEATS, len(sizes)), np.int64)
    for row in found:
        held = np.zeros(count)
        for document in random.permutation(len(sizes)):
            row[document] = fold = int(np.argmin(held))
            held[fold] += sizes[document]
    return found


def _nested(totals: _Floats, sizes: _Floats, folds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(repeats, documents): the candidate that is chosen for each document by the documents of the other folds."""
    picks = np.zeros_like(folds)
    for row, fold_of in zip(picks, folds, strict=True):
        for fold in np.unique(fold_of):
            others = fold_of != fold
            row[~others] = pick(totals[:, others], sizes[others])
    return picks


def _needed(totals: _Floats, sizes: _Floats, winner: int, least: float) -> int:
    """Questions that it takes to tell the winner, or where that is the default the best rival, from the default."""
    gains = totals - totals[0]
    rival = winner or 1 + int(np.argmax(gains[1:].sum(axis=1))) if len(totals) > 1 else 0
    seen, error = _mean(gains[rival], sizes)
    if not error and not seen:
        return 0
    asked = float(sizes.sum())
    return math.ceil(asked * max((_POWER * error / max(least, seen)) ** 2, FEW_CLUSTERS / len(sizes)))


def _verdict(gain: Comparison, differs: bool, needed: int) -> Verdict:
    low = gain.low if gain.higher_is_better else -gain.high
    if differs and low > 0 and gain.p < ALPHA and gain.clusters >= FEW_CLUSTERS:
        return "choose"
    return "too little" if needed > gain.n else "keep"


def _sentence(
    metric: MetricInfo, verdict: Verdict, default: str, winner: str, gain: Comparison, least: float, needed: int
) -> str:
    told = f"{number(gain.difference, '+')} [{number(gain.low)}, {number(gain.high)}]"
    over = f"{counted(gain.n, 'question')} on {counted(gain.clusters, 'document')}"
    if verdict == "choose":
        return (
            f"use {winner}: choosing like this changes {metric.name} by {told} against {default}, on documents that "
            f"took no part in the choice ({over})"
        )
    if not needed:
        return f"keep the default, {default}: no candidate gives another {metric.name} on these {over}"
    what = f"the gain that choosing gives cannot be told from none: {told} in {metric.name} over {over}"
    if gain.low == gain.high == 0:
        what = f"no choice held up on documents that took no part in it ({metric.name}, {over})"
    if verdict == "keep":
        return f"keep the default, {default}: {what}; a gain of {number(least)} would probably have shown"
    more = needed - gain.n
    few = (
        f" {counted(gain.clusters, 'document')} {verb(gain.clusters)} fewer than the {FEW_CLUSTERS} it takes;"
        if gain.clusters < FEW_CLUSTERS
        else ""
    )
    return (
        f"too little data to choose, keep the default, {default}: {what};{few} to choose takes about {needed:,} "
        f"questions on documents like these, {more:,} more"
    )
