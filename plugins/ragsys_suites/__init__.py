"""Benchmarks, one file each, and metrics, one file a family."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component
from ragsys_suites.metrics import METRICS
from ragsys_suites.suites import SUITES


@hookimpl
def ragsys_components() -> list[Component]:
    """The suites and the metrics; nothing heavy is imported before one is built."""
    return [*SUITES, *METRICS]
