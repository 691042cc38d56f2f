"""Evaluation runs: a suite's questions, asked of one or several configurations over one index, scored and compared.

`evaluate` is the way in (`harness.py`); read from there.

records.py     the records: a question with its gold, what a configuration gave for it, what came of the scores
suites.py      suites by name or folder            sampling.py  a sample that is stratified by source
harness.py     evaluate: one library, every configuration in turn, every question
asking.py      one question of one library: ranked pages, answer, seconds, or an error
folder.py      the folder of a run: lines that survive a kill and end in one order
kept.py        outcomes of earlier runs            provenance.py  code, commit, versions, machine
reach.py       gold that cannot be found       judging.py     whether a model can judge, and what it said
scoring.py     metrics, estimates, comparisons     grouping.py  groups of questions     statistics.py  intervals, tests
finishing.py   scores, TREC files and reports of a run, once or again
codec.py       scores.json                         trec.py, trecrag.py  TREC's forms    report/  report.md, report.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragsys.evaluation.harness import evaluate as evaluate

__all__ = ["evaluate"]


def __getattr__(name: str) -> Any:
    """Load `evaluate` at its first use: plugins import the records, and need nothing else."""
    if name != "evaluate":
        raise AttributeError(f"module 'ragsys.evaluation' has no attribute '{name}'")
    from ragsys.evaluation.harness import evaluate

    return evaluate
