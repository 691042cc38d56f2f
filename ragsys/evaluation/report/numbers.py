"""How numbers are written in a report: shares to three digits, units with their values, intervals in brackets."""

from __future__ import annotations

import math

from ragsys.evaluation.records import Estimate, MetricInfo

NONE = "–"


def value(number: float | None, metric: MetricInfo | None = None) -> str:
    """`.452` for a share, `1.000` for a whole one, `1,234 tokens`, `.031 s`; a dash where it is not defined."""
    if number is None or not math.isfinite(number):
        return NONE
    unit = f" {metric.unit}" if metric is not None and metric.unit else ""
    if not unit and (metric is None or max(map(abs, metric.bounds)) <= 1):
        return share(number)
    return plain(number) + unit


def share(number: float) -> str:
    """Three digits without the leading zero."""
    shown = f"{number:.3f}"
    return shown.replace("0.", ".", 1) if abs(number) < 1 and shown not in ("1.000", "-1.000") else shown


def plain(number: float) -> str:
    """Three digits that count, thousands with commas."""
    size = abs(number)
    if size >= 100:
        return f"{number:,.0f}"
    if size >= 1 or number == 0:
        return f"{number:.3g}"
    return share(number) if size >= 0.01 else f"{number:.2g}"


def interval(estimate: Estimate, metric: MetricInfo | None = None) -> str:
    """`[.41, .49]`; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    bare = None if metric is None else MetricInfo(metric.name, "", bounds=metric.bounds)
    return f"[{value(estimate.low, bare)}, {value(estimate.high, bare)}]"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 question`, `12 questions`."""
    return f"{number:,} {one if number == 1 else (many or one + 's')}"
