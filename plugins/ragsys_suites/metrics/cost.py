"""What a question cost: lower is better, no upper bound. None where it was not recorded.

seconds        `seconds["total"]`, wall-clock of the whole question; else `usage["seconds"]`
calls          of models · input_tokens, output_tokens · tokens: both together
"""

from __future__ import annotations

import functools
import math

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.base import simple


class Used:
    """The sum of some entries of `usage`."""

    def __init__(self, name: str, unit: str, keys: tuple[str, ...], options: Options, context: Context) -> None:
        self._keys = keys
        self.info = MetricInfo(name, f"{name.replace('_', ' ')} of a question", False, (0.0, math.inf), unit)

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        usage = outcome["usage"]
        found = [usage[key] for key in self._keys if key in usage]
        return float(sum(found)) if found else None


def _seconds(question: Question, outcome: Outcome) -> float | None:
    return outcome["seconds"].get("total", outcome["usage"].get("seconds"))


seconds = simple(
    "seconds", "wall-clock of a question", _seconds, higher_is_better=False, bounds=(0.0, math.inf), unit="s"
)
calls = functools.partial(Used, "calls", "calls", ("calls",))
tokens = functools.partial(Used, "tokens", "tokens", ("input_tokens", "output_tokens"))
input_tokens = functools.partial(Used, "input_tokens", "tokens", ("input_tokens",))
output_tokens = functools.partial(Used, "output_tokens", "tokens", ("output_tokens",))
