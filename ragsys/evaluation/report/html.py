"""`report.html`: one file that needs nothing else. Its policy admits its own style and script by their hashes only."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from string import Template

from ragsys.evaluation.records import Scored
from ragsys.evaluation.report.cards import section
from ragsys.evaluation.report.numbers import count
from ragsys.evaluation.report.pages import Picture
from ragsys.evaluation.report.plots import Plot, plots
from ragsys.evaluation.report.script import SCRIPT
from ragsys.evaluation.report.style import STYLE
from ragsys.evaluation.report.svg import key
from ragsys.evaluation.report.tables import (
    Cell,
    Table,
    config_table,
    group_table,
    main_metrics,
    metrics_table,
    provenance_rows,
)
from ragsys.evaluation.statistics import ALPHA
from ragsys.markup import page, text

OPEN = 6  # comparisons without a difference that are shown unfolded


def to_html(scored: Scored, picture: Picture | None = None) -> str:
    """The whole report."""
    names = [config.name for config in scored.configs]
    drawn = plots(scored)
    figures = "".join(_figure(plot) for plot in drawn)
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    body = _BODY.substitute(
        suite=text(scored.provenance.suite),
        lead=text(" · ".join(_lead(scored))),
        notes=_notes(scored),
        metrics=_table(metrics_table(scored)),
        findings=_findings(scored),
        key=key(names) if figures else "",
        plots=f'<div class="plots">{figures}</div>' if figures else "<p>There is nothing to plot.</p>",
        documents=_documents(scored),
        failures=section(scored, picture),
        configs=_table(config_table(scored)),
        provenance="".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in provenance_rows(scored)),
        script=SCRIPT,
    )
    return page(title=f"{scored.provenance.suite}: evaluation", policy=policy, style=STYLE, body=body)


def _lead(scored: Scored) -> list[str]:
    return [
        count(len(scored.questions), "question"),
        count(len(scored.configs), "configuration"),
        scored.provenance.date,
    ]


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def _notes(scored: Scored) -> str:
    if not scored.notes:
        return ""
    items = "".join(f"<li>{text(note)}</li>" for note in scored.notes)
    return f'<section class="notes" aria-label="Notes"><h2>Before you read the numbers</h2><ul>{items}</ul></section>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in table.head)
    rows = "".join(
        "<tr>" + "".join(_cell(cell, first=n == 0) for n, cell in enumerate(row)) + "</tr>" for row in table.rows
    )
    remark = f'<p class="remark">{text(table.remark)}</p>' if table.remark else ""
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{text(table.title)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{remark}"
    )


def _cell(cell: Cell, *, first: bool) -> str:
    note = f"<small>{text(cell.note)}</small>" if cell.note else ""
    if first:
        return f'<th scope="row">{text(cell.text)}{note}</th>'
    star = ' <span class="star" title="better than every other configuration">★</span>' if cell.best else ""
    shown = f"<code>{text(cell.text)}</code>" if cell.code else f'<span class="number">{text(cell.text)}</span>'
    interval = f' <span class="interval">{text(cell.interval)}</span>' if cell.interval else ""
    best = ' class="best"' if cell.best else ""
    return f"<td{best}>{shown}{star}{interval}{note}</td>"


def _findings(scored: Scored) -> str:
    """The sentences of the comparisons, real differences first; of many without one the rest is folded away."""
    real = [one.sentence for one in scored.comparisons if one.n and one.p_adjusted < ALPHA]
    still = [one.sentence for one in scored.comparisons if not (one.n and one.p_adjusted < ALPHA)]
    if not scored.comparisons:
        return ""
    shown, folded = (still, []) if len(still) <= OPEN else (still[:1], still[1:])
    more = (
        f"<details><summary>no difference in {len(folded)} other comparisons</summary>{_list(folded, 'open')}</details>"
    )
    return (
        '<h3 class="remark">What differs beyond chance (★) and what does not (○)</h3>'
        f"{_list(real, 'real')}{_list(shown, 'open')}{more if folded else ''}"
    )


def _list(sentences: Sequence[str], kind: str) -> str:
    items = "".join(f'<li class="{kind}">{text(one)}</li>' for one in sentences)
    return f'<ul class="findings">{items}</ul>' if items else ""


def _figure(plot: Plot) -> str:
    remark = f'<p class="remark">{text(plot.remark)}</p>' if plot.remark else ""
    numbers = f"<details><summary>Numbers</summary>{_table(plot.table)}</details>" if plot.table else ""
    return (
        f'<figure aria-label="{text(plot.title)}"><figcaption><h3>{text(plot.title)}</h3></figcaption>'
        f"{plot.drawing}{remark}{numbers}</figure>"
    )


def _documents(scored: Scored) -> str:
    if "document" not in scored.groups:
        return ""
    made = [group_table(scored, "document", metric) for metric in main_metrics(scored)]
    tables = "".join(f"<details><summary>{text(one.title)}</summary>{_table(one)}</details>" for one in made)
    return f'<div class="documents">{tables}</div>' if tables else ""


_BODY = Template("""<main>
<h1>$suite</h1>
<p class="lead">$lead</p>
$notes
<nav aria-label="Parts of this report"><a href="#results">Results</a><a href="#plots">Plots</a>
<a href="#failures">Failures</a><a href="#provenance">How it was measured</a></nav>
<section id="results"><h2>Results</h2>$metrics
$findings</section>
<section id="plots"><h2>Plots</h2>$key$plots$documents</section>
$failures
<section id="provenance"><h2>How it was measured</h2>$configs<dl class="facts">$provenance</dl></section>
</main>
<script>$script</script>
""")
