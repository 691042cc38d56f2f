"""The tables of a report, the same for HTML and Markdown: cells hold text, the writers decide how it looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ragsys.evaluation.records import Comparison, Estimate, MetricInfo, Scored
from ragsys.evaluation.report.curves import correctness, quality, recall_curves, risk_coverage
from ragsys.evaluation.report.numbers import NONE, count, interval, value
from ragsys.evaluation.statistics import ALPHA, FEW_CLUSTERS

ROWS = 24  # of a group table; what is left out is said
_FEW = "few"
DEPTHS = (1, 3, 5, 10, 20)
COVERAGES = (0.1, 0.25, 0.5, 0.75, 1.0)
Group = Mapping[str, Mapping[str, Estimate]]  # {config: {metric: estimate}}


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry: a text, and beside it an interval and a remark."""

    text: str
    interval: str = ""
    note: str = ""
    best: bool = False  # better than every other configuration, and the comparisons say that it is real
    code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remark: str = ""


def winners(comparisons: Sequence[Comparison], configs: Sequence[str]) -> set[tuple[str, str]]:
    """{(metric, configuration)} that is better than every other one, each time with p (adjusted) below ALPHA."""
    beaten: dict[tuple[str, str], set[str]] = {}
    for one in comparisons:
        if one.n and one.p_adjusted < ALPHA and one.difference:
            a_wins = (one.difference > 0) == one.higher_is_better
            better, worse = (one.a, one.b) if a_wins else (one.b, one.a)
            beaten.setdefault((one.metric, better), set()).add(worse)
    return {key for key, others in beaten.items() if others >= set(configs) - {key[1]}}


def metrics_table(scored: Scored) -> Table:
    """Metrics by configurations, with intervals."""
    names = [config.name for config in scored.configs]
    best = winners(scored.comparisons, names)
    rows = []
    for metric in scored.metrics:
        cells = [Cell(metric.name, note=metric.summary + ("" if metric.higher_is_better else " (lower is better)"))]
        for name in names:
            found = scored.estimates.get(name, {}).get(metric.name)
            cells.append(estimate_cell(found, metric, best=(metric.name, name) in best))
        rows.append(tuple(cells))
    marked = any(cell.best for row in rows for cell in row)
    return Table(
        "Metrics",
        ("metric", *names),
        tuple(rows),
        "95 % intervals in brackets, from a bootstrap over documents; n where a metric is not defined everywhere."
        + (" ★ better than every other configuration, beyond chance." if marked else "")
        + ("" if marked or len(names) < 2 else " Nothing is marked as best: no difference was shown to be real.")
        + _explained(rows),
    )


def estimate_cell(found: Estimate | None, metric: MetricInfo, *, best: bool = False, n: int | None = None) -> Cell:
    """A value with its interval; where questions are left out (of `n`, if that is given), over how many; and whether
    too few documents are behind it to rely on."""
    if found is None or found.value is None:
        return Cell(NONE, note="not defined" if found is not None else "")
    left = found.n != n if n is not None else found.undefined > 0
    few = bool(interval(found, metric)) and found.clusters < FEW_CLUSTERS
    note = ", ".join([f"n {found.n:,}"] * left + [_FEW] * few)
    return Cell(value(found.value, metric), interval(found, metric), note, best)


def _explained(rows: Iterable[Sequence[Cell]]) -> str:
    if not any(_FEW in cell.note.split(", ") for row in rows for cell in row[1:]):
        return ""
    return f' "{_FEW}": fewer than {FEW_CLUSTERS} documents, too few to rely on the value or its interval.'


def main_metrics(scored: Scored) -> list[MetricInfo]:
    """One or two metrics for the tables and plots of groups: of the search, and of the answers where there are some."""
    found = [metric for metric in (quality(scored), correctness(scored)) if metric is not None]
    return found[:1] if len(found) == 2 and found[0].name == found[1].name else found


def group_table(scored: Scored, by: str, metric: MetricInfo) -> Table:
    """A metric by group and configuration, each with n; documents with the lowest values first, others by name."""
    groups = scored.groups[by]
    names = [config.name for config in scored.configs]
    order = list(groups)
    if by == "document":
        order.sort(key=lambda group: (_mean(groups[group], metric), group))
    elif len(order) > ROWS:
        order = sorted(order, key=lambda group: -_largest(groups[group], metric))
    kept = order[:ROWS]
    if by != "document":
        kept.sort(key=list(groups).index)
    rows = tuple(
        (
            Cell(group),
            Cell(f"{_largest(groups[group], metric):,}"),
            *(
                estimate_cell(groups[group].get(name, {}).get(metric.name), metric, n=_largest(groups[group], metric))
                for name in names
            ),
        )
        for group in kept
    )
    remark = ""
    if len(kept) < len(order):
        which = "lowest" if by == "document" else "largest"
        remark = f"The {len(kept)} {which} of {len(order)}; scores.json holds all."
    return Table(f"{metric.name} by {by}", (by, "n", *names), rows, (remark + _explained(rows)).strip())


def recall_table(scored: Scored) -> Table | None:
    """Page recall at the depths that people quote; None without gold pages."""
    curves = recall_curves(scored)
    if not curves:
        return None
    names = list(curves)
    metric = MetricInfo("recall", "")
    rows = []
    for k in DEPTHS:
        cells = [estimate_cell(curves[name][k - 1], metric) if k <= len(curves[name]) else Cell(NONE) for name in names]
        if any(cell.text != NONE for cell in cells):
            rows.append((Cell(f"recall@{k}"), *(Cell(cell.text, cell.interval) for cell in cells)))
    n = next(iter(curves.values()))[0].n
    return Table("Page recall", ("depth", *names), tuple(rows), f"Over {count(n, 'question')} with gold pages.")


def risk_table(scored: Scored) -> Table | None:
    """The curve of risk against coverage in numbers; None where no answer can be right or wrong."""
    metric = correctness(scored)
    curves = risk_coverage(scored, metric) if metric else {}
    if metric is None or not curves:
        return None
    rows = []
    for share in COVERAGES:
        # the last point of a curve is the whole
        points = [curve[max(1, round(share * len(curve))) - 1] for curve in curves.values()]
        rows.append((Cell(f"the surest {share:.0%}"), *(Cell(value(1 - risk, metric)) for _, risk in points)))
    remark = "Sure: what a configuration says of itself, else the score of its first page; who abstained comes last."
    return Table(f"{metric.name} by coverage", ("questions", *curves), tuple(rows), remark)


def config_table(scored: Scored) -> Table:
    """The configurations as they were run."""
    rows = []
    for config in scored.configs:
        partial = [f"{layer} {share:.0%}" for layer, share in config.coverage.items() if share < 1]
        rows.append(
            (
                Cell(config.name),
                Cell(config.hash, code=True),
                Cell(config.generator or NONE),
                Cell(", ".join(partial) or "complete"),
            )
        )
    return Table("Configurations", ("configuration", "hash", "generator", "layers"), tuple(rows))


def provenance_rows(scored: Scored) -> list[tuple[str, str]]:
    """(what, value) of where the numbers come from."""
    about = scored.provenance
    versions = ", ".join(f"{name} {version}" for name, version in about.versions.items())
    rows = [
        ("command", about.command),
        ("suite", f"{about.suite}, revision {about.revision}, licence {about.licence}"),
        ("commit", about.commit),
        ("date", about.date),
        ("machine", about.machine),
        ("seed", str(about.seed)),
        ("versions", versions),
    ]
    return [(name, value) for name, value in rows if value]


def _values(group: Group, metric: MetricInfo) -> list[Estimate]:
    return [of[metric.name] for of in group.values() if metric.name in of]


def _mean(group: Group, metric: MetricInfo) -> float:
    values = [one.value for one in _values(group, metric) if one.value is not None]
    sign = 1 if metric.higher_is_better else -1
    return sign * sum(values) / len(values) if values else float("inf")


def _largest(group: Group, metric: MetricInfo) -> int:
    return max((one.n for one in _values(group, metric)), default=0)
