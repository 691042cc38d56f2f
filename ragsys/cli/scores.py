"""A scored run on a terminal: a table with intervals, what differs for certain, what to know, where the files are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ragsys.cli.progress import duration
from ragsys.cli.shell import Shell
from ragsys.cli.text import Part, bold, coloured, dim, one_line, table, wrapped
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.evaluation.records import Estimate, MetricInfo, Scored

_TOLD = 10  # comparisons that are told one by one
_FILES = ("report.html", "report.md", "scores.json", "results.jsonl")


def show(shell: Shell, scored: Scored, out: Path) -> None:
    """A run for people."""
    from ragsys.evaluation.statistics import ALPHA

    about = scored.provenance
    count = f"{counted(len(scored.questions), 'question')}, {counted(len(scored.configs), 'configuration')}"
    shell.say(bold(about.suite), f"  {count}", dim(f"  revision {one_line(about.revision)}"))
    shell.say()
    for line in table(rows(scored), head=["", "n", *(config.name for config in scored.configs)], right=(1,)):
        shell.say(*line)
    if scored.comparisons:
        shell.say()
    told = scored.comparisons
    if len(told) > _TOLD:  # of many, those that say something, and two configurations on the main metric
        main = told[0].metric if len(scored.configs) == 2 else ""
        told = tuple(one for one in told if one.p_adjusted < ALPHA or one.metric == main)
    for one in told:
        for text in wrapped(one.sentence):
            shell.say(text)
    if left := len(scored.comparisons) - len(told):
        shell.say(f"no difference can be told in {left} other of {len(scored.comparisons)} comparisons: see the report")
    if not shell.quiet:
        shell.say()
        for note in scored.notes:
            shell.say(coloured("note: ", "yellow"), one_line(note))
        here = [name for name in _FILES if (out / name).exists()]
        shell.say(dim(f"{out}: {', '.join(here)}"))


def rows(scored: Scored) -> list[list[Part]]:
    """One row a metric: its name, its questions, and of each configuration value and interval. What costs nothing
    anywhere is left out."""
    found: list[list[Part]] = []
    for metric in scored.metrics:
        made = [scored.estimates[config.name][metric.name] for config in scored.configs]
        if metric.unit and not any(one.value for one in made):
            continue
        counts = sorted({one.n for one in made})
        same = len(counts) == 1
        name = metric.name if metric.higher_is_better else f"{metric.name}, less is better"
        found.append([name, f"{counts[0]:,}" if same else "", *(cell(one, metric, count=not same) for one in made)])
    return found


def cell(estimate: Estimate, metric: MetricInfo, *, count: bool = False) -> str:
    """ ".652 [.611, .690]", with the number of questions where it is to be counted."""
    if estimate.value is None:
        return "-"
    text = number(estimate.value, metric.unit)
    if estimate.low is not None and estimate.high is not None:
        text += f" [{number(estimate.low, metric.unit)}, {number(estimate.high, metric.unit)}]"
    return text + (f" n={estimate.n}" if count else "")


def number(value: float, unit: str = "") -> str:
    """.652 for shares, 1.25 s and 1,204 tokens for what has a unit."""
    if unit == "s":
        return duration(value) if value >= 1 else f"{value * 1000:.0f} ms"
    if unit or abs(value) > 1:
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:.3f}".replace("0.", ".", 1)
