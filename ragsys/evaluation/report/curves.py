"""What the plots show, from the outcomes: recall at every depth, cost and seconds, risk against coverage."""

from __future__ import annotations

import itertools
import math
import re
import statistics as middle
from collections.abc import Sequence
from dataclasses import dataclass

from ragsys.evaluation.records import Estimate, MetricInfo, Outcome, Question, Scored
from ragsys.evaluation.statistics import clusters, estimate

DEPTH = 20
_SAMPLES = 1000  # of a band's bootstrap
_ANSWER = re.compile(r"(^|[_-])(em|exact|f1|anls|accuracy|correct(ness)?|judge)([_@-]|$)")
_OTHER = re.compile(r"page|box|layout|passage|document|cit|image|layout|abst|support|order|nugget")


@dataclass(frozen=True, slots=True)
class Point:
    """A configuration's place in a plot of quality against cost."""

    config: str
    x: float
    x_low: float | None  # quartiles, where they are shown
    x_high: float | None
    y: Estimate


def quality(scored: Scored) -> MetricInfo | None:
    """The metric that stands for the run: the first that is compared, else the first without a unit."""
    compared = {one.metric for one in scored.comparisons}
    shares = [metric for metric in scored.metrics if not metric.unit]
    return next((metric for metric in shares if metric.name in compared), shares[0] if shares else None)


def correctness(scored: Scored) -> MetricInfo | None:
    """The first metric of how right answers are, told by its name (EM, F1, ANLS, accuracy, a judge)."""
    if not any(outcome["answer"] is not None for outcomes in scored.outcomes.values() for outcome in outcomes):
        return None
    for metric in scored.metrics:
        name = metric.name.lower()
        if metric.unit or not metric.higher_is_better or metric.bounds != (0.0, 1.0):
            continue
        if _ANSWER.search(name) and not _OTHER.search(name):
            return metric
    return None


def rank_of_gold(question: Question, outcome: Outcome) -> int | None:
    """The rank (1-based) of the first gold page; None where none was ranked."""
    gold = gold_pages(question)
    ranks = (n for n, page in enumerate(outcome["pages"], 1) if (page["doc"], page["page"]) in gold)
    return next(ranks, None)


def gold_pages(question: Question) -> dict[tuple[str, int], None]:
    """(document, page) of the pages that hold the answer, each once, in the benchmark's order; grade 0 holds none."""
    return dict.fromkeys(
        (gold["doc"], gold["page"]) for gold in question.get("gold_pages", ()) if gold.get("grade", 1.0) > 0
    )


def recall_curves(scored: Scored) -> dict[str, list[Estimate]]:
    """{configuration: page recall at 1, 2, ... 20}, over the questions with gold pages; empty where there are none.

    Recall@k is the share of a question's gold pages among its first k pages. A curve ends where no ranking is deeper.
    """
    positions = [n for n, question in enumerate(scored.questions) if gold_pages(question)]
    if not positions:
        return {}
    chosen = [scored.questions[n] for n in positions]
    labels = clusters(chosen)
    curves: dict[str, list[Estimate]] = {}
    for config in scored.configs:
        found = [scored.outcomes[config.name][n] for n in positions] if scored.outcomes.get(config.name) else []
        deepest = min(DEPTH, max((len(outcome["pages"]) for outcome in found), default=0))
        if deepest:
            recalls = [_recalls(*pair, deepest) for pair in zip(chosen, found, strict=True)]
            curves[config.name] = [
                estimate([row[k] for row in recalls], labels, seed=scored.provenance.seed, samples=_SAMPLES)
                for k in range(deepest)
            ]
    return curves


def _recalls(question: Question, outcome: Outcome, deepest: int) -> list[float]:
    gold = gold_pages(question)
    ranked = list(dict.fromkeys((page["doc"], page["page"]) for page in outcome["pages"]))
    return [len(gold.keys() & set(ranked[:k])) / len(gold) for k in range(1, deepest + 1)]


def by_seconds(scored: Scored, metric: MetricInfo) -> list[Point]:
    """Quality against the median seconds of a question, with its quartiles."""
    points = []
    for config in scored.configs:
        seconds = [o["seconds"]["total"] for o in scored.outcomes.get(config.name, ()) if "total" in o["seconds"]]
        y = scored.estimates.get(config.name, {}).get(metric.name)
        if seconds and y is not None and y.value is not None:
            low, half, high = middle.quantiles(seconds, n=4) if len(seconds) > 1 else seconds * 3
            points.append(Point(config.name, half, max(low, 0.0), high, y))
    return points


def by_tokens(scored: Scored, metric: MetricInfo) -> list[Point]:
    """Quality against the mean tokens of a question, read and written."""
    points = []
    for config in scored.configs:
        outcomes = scored.outcomes.get(config.name, ())
        y = scored.estimates.get(config.name, {}).get(metric.name)
        if outcomes and y is not None and y.value is not None:
            points.append(Point(config.name, middle.fmean(map(tokens, outcomes)), None, None, y))
    return points


def tokens(outcome: Outcome) -> float:
    """Tokens of all model calls of a question."""
    return outcome["usage"].get("input_tokens", 0) + outcome["usage"].get("output_tokens", 0)


def risk_coverage(scored: Scored, metric: MetricInfo) -> dict[str, list[tuple[float, float]]]:
    """{configuration: (coverage, risk)} as more and more questions are let through, the surest first.

    Coverage is the share of the scored questions that are let through, risk the mean loss (1 minus the score) of those
    (Geifman and El-Yaniv 2017). Equally sure ones are taken in their mean order, so that none of their orders is
    favoured. The mean of all risks is the area under the curve.
    """
    curves = {}
    for config in scored.configs:
        outcomes = scored.outcomes.get(config.name, ())
        scores = scored.scores.get(config.name, {}).get(metric.name, ())
        pairs = [(sureness(o), 1 - s) for o, s in zip(outcomes, scores, strict=False) if s is not None]
        if len(pairs) > 1:
            curves[config.name] = _curve(sorted(pairs, key=lambda pair: pair[0], reverse=True))
    return curves


def sureness(outcome: Outcome) -> float:
    """What the configuration says of itself, else the score of its first page; minus infinity where it abstained."""
    if outcome["status"] == "abstained":
        return -math.inf
    if "confidence" in outcome["usage"]:
        return outcome["usage"]["confidence"]
    return outcome["pages"][0]["score"] if outcome["pages"] else -math.inf


def _curve(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    curve: list[tuple[float, float]] = []
    loss = 0.0
    for _, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        losses = [one for _, one in group]
        for _ in losses:
            loss += middle.fmean(losses)
            curve.append(((len(curve) + 1) / len(pairs), loss / (len(curve) + 1)))
    return curve
