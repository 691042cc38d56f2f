"""The plots of a report as SVG, each with what it says in words: recall, groups, cost, seconds, risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragsys.evaluation.records import Estimate, MetricInfo, Scored
from ragsys.evaluation.report import svg
from ragsys.evaluation.report.curves import (
    Point,
    by_seconds,
    by_tokens,
    correctness,
    quality,
    recall_curves,
    risk_coverage,
)
from ragsys.evaluation.report.numbers import interval, plain, share, value
from ragsys.evaluation.report.tables import Table, group_table, main_metrics, recall_table
from ragsys.markup import text

PLOTTED = ("source", "modality", "gold pages", "answer type")  # groups; there are too many documents for a plot
FAR_APART = 20  # times between the largest and the smallest: then the axis is logarithmic
_NAME, _BAR = 158, 15  # room for a group's name; height of a bar, in the plot's units


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: its drawing, and its numbers as a table for those who want them or cannot see it."""

    key: str
    title: str
    drawing: str
    remark: str = ""
    table: Table | None = None


def plots(scored: Scored) -> list[Plot]:
    """All plots that the run has numbers for."""
    made = [_recall(scored)]
    metric, answers = quality(scored), correctness(scored)
    best = answers or metric
    if best is not None:
        made.append(_seconds(scored, best))
        made.append(_tokens(scored, best))
    if answers is not None:
        made.append(_risk(scored, answers))
    for by in PLOTTED:
        if by in scored.groups:
            made += [_groups(scored, by, one) for one in main_metrics(scored)]
    return [plot for plot in made if plot is not None]


def _recall(scored: Scored) -> Plot | None:
    curves = recall_curves(scored)
    if not curves:
        return None
    depth = max(map(len, curves.values()))
    ticks = tuple(float(k) for k in (1, 3, 5, 10, 15, 20) if k <= depth)
    x = svg.Axis("pages read from the top of the ranking (k)", 1, max(depth, 2), ticks, digits=lambda v: f"{v:g}")
    highest = [one.high or one.value or 0.0 for curve in curves.values() for one in curve]
    y = svg.shares("page recall@k", highest, share)
    px, py = x.scale(svg.LEFT, svg.WIDTH - svg.RIGHT), y.scale(svg.HEIGHT - svg.BOTTOM, svg.TOP)
    bands, lines = [], []
    for n, config in enumerate(config.name for config in scored.configs):
        curve = curves.get(config, [])
        places = [(px(k), py(one.value or 0.0)) for k, one in enumerate(curve, 1)]
        if all(one.low is not None for one in curve):
            low = [(px(k), py(one.low or 0.0)) for k, one in enumerate(curve, 1)]
            high = [(px(k), py(one.high or 0.0)) for k, one in enumerate(curve, 1)]
            bands.append(svg.band(low, high, n) if len(curve) > 1 else "")
        lines.append(svg.line(places, n) if len(curve) > 1 else "")
        lines += [
            svg.mark(*places[k - 1], n, f"{config}: recall@{k} {share(one.value or 0.0)} {interval(one)}")
            for k, one in enumerate(curve, 1)
            if k in (1, 3, 5, 10, 20) or k == len(curve)
        ]
    said = "; ".join(f"{c}: {share(curve[-1].value or 0.0)} at {len(curve)}" for c, curve in curves.items())
    drawing = svg.frame(x, y, "".join(bands + lines), title="Page recall at k", describe=said, key="plot-recall")
    return Plot("plot-recall", "Page recall@k", drawing, "Bands: 95 % intervals.", recall_table(scored))


def _seconds(scored: Scored, metric: MetricInfo) -> Plot | None:
    points = by_seconds(scored, metric)
    remark = "Median and quartiles of the seconds that a question takes; 95 % intervals of the metric."
    label = "seconds a question"
    return _scatter(scored, points, metric, label, "plot-seconds", f"{metric.name} against latency", remark)


def _tokens(scored: Scored, metric: MetricInfo) -> Plot | None:
    points = by_tokens(scored, metric)
    if not any(point.x for point in points):
        remark = "No model was called: every configuration costs 0 tokens."
        return Plot("plot-tokens", f"{metric.name} against cost", "", remark) if points else None
    label, remark = "tokens a question (mean)", "Tokens read and written by all model calls of a question."
    return _scatter(scored, points, metric, label, "plot-tokens", f"{metric.name} against cost", remark)


def _scatter(
    scored: Scored, points: Sequence[Point], metric: MetricInfo, label: str, key: str, title: str, remark: str
) -> Plot | None:
    if not points:
        return None
    xs = [one for point in points for one in (point.x, point.x_low, point.x_high) if one is not None]
    positive = [one for one in xs if one > 0]
    if len(positive) == len(xs) and max(xs) > FAR_APART * min(xs):
        x = svg.logarithmic(f"{label}, logarithmic", xs, plain)
    else:
        x = svg.linear(label, xs, plain, floor=0.0)
    y = _values(metric, [point.y for point in points])
    px, py = x.scale(svg.LEFT, svg.WIDTH - svg.RIGHT), y.scale(svg.HEIGHT - svg.BOTTOM, svg.TOP)
    order = [config.name for config in scored.configs]
    body: list[str] = []
    taken: list[tuple[float, float]] = []
    for point in points:
        n, at, level = order.index(point.config), px(point.x), py(point.y.value or 0.0)
        if point.y.low is not None and point.y.high is not None:
            body.append(svg.whisker(at, py(point.y.low), at, py(point.y.high), n))
        if point.x_low is not None and point.x_high is not None:
            body.append(svg.whisker(px(point.x_low), level, px(point.x_high), level, n))
        told = f"{metric.name} {value(point.y.value, metric)} {interval(point.y, metric)}, {plain(point.x)}"
        body.append(svg.mark(at, level, n, f"{point.config}: {told}", 7))
        body.append(_name(point.config, at, level, taken))
    said = "; ".join(f"{p.config}: {value(p.y.value, metric)} at {plain(p.x)}" for p in points)
    return Plot(key, title, svg.frame(x, y, "".join(body), title=title, describe=said, key=key), remark)


def _name(config: str, at: float, level: float, taken: list[tuple[float, float]]) -> str:
    """A point's name beside it, where no other name stands in its way: the key tells it too."""
    if any(abs(at - x) < 150 and abs(level - y) < 16 for x, y in taken):
        return ""
    taken.append((at, level))
    left = at > svg.WIDTH * 0.6
    shown = config if len(config) <= 20 else config[:19] + "…"
    anchor = "end" if left else "start"
    x, y = at + (-11 if left else 11), level - 7
    return f'<text class="at" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(shown)}</text>'


def _values(metric: MetricInfo, estimates: Sequence[Estimate]) -> svg.Axis:
    seen = [one for e in estimates for one in (e.value, e.low, e.high) if one is not None]
    if metric.bounds == (0.0, 1.0):
        return svg.shares(metric.name, seen, share)
    return svg.linear(metric.name, seen or [0.0, 1.0], plain)


def _risk(scored: Scored, metric: MetricInfo) -> Plot | None:
    curves = risk_coverage(scored, metric)
    if not curves:
        return None
    x = svg.Axis(
        "coverage: share of the questions, the surest first", 0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), digits=share
    )
    y = svg.shares(f"risk: 1 − {metric.name}", [risk for curve in curves.values() for _, risk in curve], share)
    px, py = x.scale(svg.LEFT, svg.WIDTH - svg.RIGHT), y.scale(svg.HEIGHT - svg.BOTTOM, svg.TOP)
    body = []
    for n, config in enumerate(config.name for config in scored.configs):
        if config in curves:
            places = [(px(c), py(r)) for c, r in curves[config]]
            body.append(svg.line(_thinned(places), n))
            body.append(svg.mark(*places[-1], n, f"{config}: risk {share(curves[config][-1][1])} over all questions"))
    said = "; ".join(
        f"{c}: risk {share(curve[-1][1])} at coverage {share(curve[-1][0])}" for c, curve in curves.items()
    )
    title = "Risk against coverage"
    drawing = svg.frame(x, y, "".join(body), title=title, describe=said, key="plot-risk")
    remark = "The surest first: by what the configuration says of itself, else by the score of its first page."
    return Plot("plot-risk", title, drawing, remark)


def _thinned(places: Sequence[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """Every n-th place and the last: a line of more points than pixels shows no more."""
    step = max(1, len(places) // most)
    return [*places[::step], places[-1]]


def _groups(scored: Scored, by: str, metric: MetricInfo) -> Plot | None:
    table = group_table(scored, by, metric)
    shown = [row[0].text for row in table.rows]
    groups = scored.groups[by]
    estimates = [
        groups[g].get(c.name, {}).get(metric.name, Estimate(None, None, None, 0)) for g in shown for c in scored.configs
    ]
    if all(one.value is None for one in estimates):
        return None
    drawing = _bars(scored, by, shown, groups, metric, f"plot-{by.replace(' ', '-')}-{_slug(metric.name)}")
    key = f"plot-{by.replace(' ', '-')}-{_slug(metric.name)}"
    return Plot(key, f"{metric.name} by {by}", drawing, ("Whiskers: 95 % intervals. " + table.remark).strip(), table)


def _bars(
    scored: Scored,
    by: str,
    shown: Sequence[str],
    groups: Mapping[str, Mapping[str, Mapping[str, Estimate]]],
    metric: MetricInfo,
    key: str,
) -> str:
    configs = [config.name for config in scored.configs]
    every = [groups[g].get(c, {}).get(metric.name) for g in shown for c in configs]
    axis = _values(metric, [one for one in every if one is not None])
    row = len(configs) * _BAR + 14
    height = len(shown) * row + 44
    px = axis.scale(_NAME, svg.WIDTH - 58)
    parts = [
        f'<line class="grid" x1="{px(t):.1f}" x2="{px(t):.1f}" y1="4" y2="{height - 36}"/>'
        f'<text class="tick" x="{px(t):.1f}" y="{height - 20}" text-anchor="middle">{text(axis.digits(t))}</text>'
        for t in axis.ticks
    ]
    parts.append(
        f'<text class="label" x="{(_NAME + svg.WIDTH - 58) / 2:.0f}" y="{height - 3}" text-anchor="middle">'
        f"{text(metric.name)}</text>"
    )
    said = []
    for r, group in enumerate(shown):
        top = 8 + r * row
        n_of = max((e.n for c in configs if (e := groups[group].get(c, {}).get(metric.name)) is not None), default=0)
        middle = top + len(configs) * _BAR / 2
        name = group if len(group) <= 20 else group[:19] + "…"
        parts.append(
            f'<text class="name" x="{_NAME - 10}" y="{middle:.1f}" text-anchor="end">{text(name)}'
            f"<title>{text(group)}</title></text>"
            f'<text class="tick" x="{_NAME - 10}" y="{middle + 13:.1f}" text-anchor="end">n {n_of:,}</text>'
        )
        for n, config in enumerate(configs):
            one = groups[group].get(config, {}).get(metric.name)
            if one is None or one.value is None:
                continue
            y, end, start = top + n * _BAR + _BAR / 2, px(one.value), px(max(axis.low, min(0.0, axis.high)))
            parts.append(
                f'<rect class="bar f{n % svg.STYLES}" x="{min(start, end):.1f}" y="{y - 4.5:.1f}" '
                f'width="{abs(end - start):.1f}" height="9" rx="2"/>'
            )
            if one.low is not None and one.high is not None:
                parts.append(svg.whisker(px(one.low), y, px(one.high), y, n))
            told = f"{config}, {group}: {value(one.value, metric)} {interval(one, metric)}, n {one.n}"
            parts.append(svg.mark(end, y, n, told, 4.5))
            beyond = px(one.high) if one.high is not None else end
            parts.append(f'<text class="tick" x="{beyond + 9:.1f}" y="{y + 4:.1f}">{value(one.value, metric)}</text>')
            said.append(told)
    return svg.wrap(
        "".join(parts), svg.WIDTH, height, title=f"{metric.name} by {by}", describe="; ".join(said), key=key
    )


def _slug(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
