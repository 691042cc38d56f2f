"""`report.md`: the tables and sentences of the report in plain Markdown."""

from __future__ import annotations

from ragsys.evaluation.records import Scored
from ragsys.evaluation.report.failures import KINDS, cases, counted, told
from ragsys.evaluation.report.numbers import count
from ragsys.evaluation.report.tables import (
    Cell,
    Table,
    config_table,
    group_table,
    main_metrics,
    metrics_table,
    provenance_rows,
    recall_table,
    risk_table,
)
from ragsys.markup import plain


def to_markdown(scored: Scored) -> str:
    """The whole report."""
    configs = count(len(scored.configs), "configuration")
    lines = [f"# {plain(scored.provenance.suite)}", ""]
    lines += [f"{count(len(scored.questions), 'question')}, {configs}, {plain(scored.provenance.date)}", ""]
    if scored.notes:
        lines += ["**Before you read the numbers:**", "", *(f"- {plain(note)}" for note in scored.notes), ""]
    lines += ["## Results", "", *_table(metrics_table(scored))]
    lines += [f"- {plain(one.sentence)}" for one in scored.comparisons]
    lines += [""] * bool(scored.comparisons)
    recall = recall_table(scored)
    if recall is not None:
        lines += ["## Page recall", "", *_table(recall)]
    risk = risk_table(scored)
    if risk is not None:
        lines += [f"## {plain(risk.title)}", "", *_table(risk)]
    for by in scored.groups:
        for metric in main_metrics(scored):
            table = group_table(scored, by, metric)
            lines += [f"## {plain(table.title)}", "", *_table(table)]
    lines += _failures(scored)
    lines += ["## How it was measured", "", *_table(config_table(scored))]
    lines += [f"- {name}: {plain(value)}" for name, value in provenance_rows(scored)]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> list[str]:
    lines = [_row([plain(name) for name in table.head]), _row(["---"] * len(table.head))]
    lines += [_row([_cell(cell, first=n == 0) for n, cell in enumerate(row)]) for row in table.rows]
    return [*lines, "", *([plain(table.remark), ""] if table.remark else [])]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, *, first: bool) -> str:
    if first:
        return plain(cell.text)
    shown = f"**{plain(cell.text)}** ★" if cell.best else plain(cell.text)
    note = f"({plain(cell.note)})" if cell.note else ""
    return " ".join(part for part in (shown, plain(cell.interval), note) if part)


def _failures(scored: Scored) -> list[str]:
    found, total = cases(scored)
    if not found:
        return []
    rows = tuple(
        (Cell(KINDS[kind]), *(Cell(f"{n:,}") for n in counts)) for kind, counts in counted(scored, found).items()
    )
    table = Table("Failures", ("questions that", *(config.name for config in scored.configs)), rows)
    return ["## Failures", "", f"{told(scored, total)} report.html shows them with their pages.", "", *_table(table)]
