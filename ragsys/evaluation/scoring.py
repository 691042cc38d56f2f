"""Scores of a run: every metric on every outcome, estimates with intervals, groups, and what differs for certain.

An outcome that ended with an error is scored like any other and by every metric that is defined for it: a ranking that
failed has found nothing. A metric that needs an answer gives it the worst score that it can give, so that failing never
pays; metrics without such a bound (seconds, tokens) are undefined there.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys import places
from ragsys.config import Config, Spec
from ragsys.errors import UsageError, did_you_mean
from ragsys.evaluation.grouping import groups_of
from ragsys.evaluation.judging import Judged, judged_notes, try_judge
from ragsys.evaluation.records import (
    Comparison,
    ConfigInfo,
    Estimate,
    MetricInfo,
    Outcome,
    Provenance,
    Question,
    Scored,
)
from ragsys.evaluation.statistics import (
    FEW_CLUSTERS,
    adjusted,
    clusters,
    compare,
    compare_totals,
    estimate,
    estimate_total,
)
from ragsys.evaluation.suites import built
from ragsys.plugins import Builder, Component, Registry, registry
from ragsys.protocols import SetMetric
from ragsys.wording import counted, part

if TYPE_CHECKING:
    from ragsys.protocols import Metric

_JUDGES = {"generator", "judge"}  # roles that a metric may need and that cost model calls
_NOTES = 5  # kinds of notes of searches that are told
_GROUP_SAMPLES = 200  # of a total's interval in a group: each sample scores the group anew


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric under the name that it was asked by."""

    name: str
    metric: Metric
    k: int | None = None  # how deep it looks into a ranking, where it says so

    @property
    def info(self) -> MetricInfo:
        """What a reader must know, under that name."""
        return replace(self.metric.info, name=self.name)


def build_metrics(
    names: Sequence[str],
    *,
    judge: Config | None = None,
    needs: Config | None = None,
    state: Path | None = None,
    asked: bool = True,
    installed: Registry | None = None,
) -> tuple[list[NamedMetric], list[str]]:
    """(the metrics of these names, notes on those that are left out). `NAME@K` sets the option `k`.

    A metric that asks a model gets the one of `judge`; without one it is refused if it was `asked` for, else left out.
    Whatever else metrics need (an embedder, say) comes from `needs`. Raises `UsageError` on names and depths that there
    are not, on a judge that nothing asks, and on one that cannot judge: it is asked for a reply at once, not after
    hours.
    """
    installed = installed or registry()
    chosen = judge or needs
    defaults = {
        role: spec for role, spec in (chosen.defaults if chosen else {}).items() if judge or role not in _JUDGES
    }
    builder = Builder(installed, defaults, state or places.data_dir() / "metrics", places.cache_dir())
    made, notes = [], []
    found = {name: _spec(name, installed) for name in dict.fromkeys(names)}
    if judge is not None:
        try_judge(builder, judge)
        if not any(_JUDGES & set(component.needs.values()) for _, component in found.values()):
            asking = [one.name for one, _ in installed.components("metric") if _JUDGES & set(one.needs.values())]
            raise UsageError(
                "--judge has nothing to judge: no metric of this run asks a model",
                hint=f"--metric NAME, one of: {', '.join(asking)}" if asking else None,
            )
    for name, (spec, component) in found.items():
        if judge is None and _JUDGES & set(component.needs.values()):
            if asked:
                raise UsageError(f"metric '{name}' asks a model: name one", hint="--judge CONFIG")
            notes.append(f"{name} was left out: it asks a model, and no --judge was named")
            continue
        k = getattr(built_options(builder, spec), "k", None)
        made.append(NamedMetric(name, built(builder, "metric", spec), k if isinstance(k, int) else None))
    return made, notes


def always(installed: Registry | None = None) -> tuple[str, ...]:
    """The metrics that are told of every run: what it cost."""
    return tuple(component.name for component, _ in (installed or registry()).components("metric") if component.always)


def built_options(builder: Builder, spec: Spec) -> object:
    """A metric's validated options. Raises `UsageError`."""
    from pydantic import ValidationError

    try:
        return builder.options("metric", spec)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["loc"] == ("k",) and first["type"] == "extra_forbidden":
            raise UsageError(f"metric '{spec.use}' takes no @K", hint=f"--metric {spec.use}") from None
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"metric '{spec.use}': {where}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def _spec(name: str, installed: Registry) -> tuple[Spec, Component]:
    base, at, k = name.partition("@")
    known = {component.name: component for component, _ in installed.components("metric")}
    if base not in known:
        raise UsageError(
            f"no metric named '{base}'.{did_you_mean(base, known)}", hint="see them all: ragsys eval --list"
        )
    if at and not (k.isascii() and k.isdigit() and int(k) > 0):
        raise UsageError(f"metric '{name}': @K is a number of pages, 1 or more", hint=f"{base}@5")
    return Spec.model_validate({"use": base, **({"k": int(k)} if at else {})}), known[base]


def score(
    questions: Sequence[Question],
    outcomes: Mapping[str, Sequence[Outcome]],
    metrics: Sequence[NamedMetric],
    *,
    main: Sequence[str],
    configs: Sequence[ConfigInfo],
    provenance: Provenance,
    notes: Sequence[str] = (),
    unreadable: Sequence[str] = (),
) -> Scored:
    """Score a run. `outcomes` are in the order of the questions; configurations are compared on the `main` metrics."""
    seed = provenance.seed
    scores: dict[str, dict[str, tuple[float | None, ...]]] = {
        config: {one.name: _scores(one.metric, questions, found) for one in metrics}
        for config, found in outcomes.items()
    }
    defined = [m for m in metrics if _is_defined(m, outcomes, scores)]
    notes = [*notes, *_missing(metrics, defined, questions, outcomes), *_errors(outcomes), *_said(outcomes)]
    labels = clusters(questions)
    every = range(len(questions))
    estimates = {
        config: {m.name: _estimate(m, questions, found, scores[config][m.name], labels, every, seed) for m in defined}
        for config, found in outcomes.items()
    }
    notes += [*_few(defined, estimates, labels), *judged_notes({m.name: m.metric for m in metrics}, configs)]
    kept = {config: {m.name: of[m.name] for m in defined} for config, of in scores.items()}
    return Scored(
        provenance=provenance,
        questions=tuple(questions),
        configs=tuple(configs),
        metrics=tuple(m.info for m in defined),
        outcomes={config: tuple(found) for config, found in outcomes.items()},
        scores=kept,
        estimates=estimates,
        groups={
            by: {
                group: {
                    config: {
                        m.name: _estimate(m, questions, found, scores[config][m.name], labels, members, seed, part=True)
                        for m in defined
                    }
                    for config, found in outcomes.items()
                }
                for group, members in parts.items()
            }
            for by, parts in groups_of(questions, labels).items()
        },
        comparisons=_comparisons(defined, main, questions, outcomes, kept, labels, seed),
        notes=tuple(notes),
        unreadable=tuple(unreadable),
    )


def _is_defined(
    named: NamedMetric,
    outcomes: Mapping[str, Sequence[Outcome]],
    scores: Mapping[str, Mapping[str, Sequence[float | None]]],
) -> bool:
    """Whether a question has a score; that of an error counts where no question ended without one."""
    found = [
        (score, outcome["error"])
        for config, of in outcomes.items()
        for score, outcome in zip(scores[config][named.name], of, strict=True)
    ]
    whole = [score for score, error in found if error is None] or [score for score, _ in found]
    return any(score is not None for score in whole)


def _scores(metric: Metric, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> tuple[float | None, ...]:
    return tuple(_score(metric, *pair) for pair in zip(questions, outcomes, strict=True))


def _score(metric: Metric, question: Question, outcome: Outcome) -> float | None:
    found = metric.score(question, outcome)
    if found is None and outcome["error"] is not None:
        return _worst(metric, question, outcome)
    return None if found is None else float(found)


def _worst(metric: Metric, question: Question, outcome: Outcome) -> float | None:
    """What a metric gives a question that ended with an error and is not defined without an answer."""
    low, high = metric.info.bounds
    bound = low if metric.info.higher_is_better else high
    # not defined for any answer to this question: then neither for the error
    if not math.isfinite(bound) or metric.info.unit or metric.score(question, _with_answer(outcome)) is None:
        return None
    return bound


def _estimate(
    named: NamedMetric,
    questions: Sequence[Question],
    outcomes: Sequence[Outcome],
    scores: Sequence[float | None],
    labels: Sequence[str],
    members: Sequence[int],
    seed: int,
    *,
    part: bool = False,
) -> Estimate:
    """A metric over the questions at `members`."""
    own = [labels[n] for n in members]
    metric = named.metric
    if not isinstance(metric, SetMetric):
        return estimate([scores[n] for n in members], own, seed=seed)
    chosen = [n for n in members if scores[n] is not None]
    made = estimate_total(
        _total(metric, questions, outcomes, chosen),
        [labels[n] for n in chosen],
        seed=seed,
        **({"samples": _GROUP_SAMPLES} if part else {}),
    )
    return replace(made, n=len(chosen), undefined=len(members) - len(chosen))


def _total(
    metric: SetMetric, questions: Sequence[Question], outcomes: Sequence[Outcome], chosen: Sequence[int]
) -> Callable[[Sequence[int]], float | None]:
    """The metric's total by places in `chosen`, which are indices of questions."""
    return lambda picks: metric.total([questions[chosen[n]] for n in picks], [outcomes[chosen[n]] for n in picks])


def main_metrics(metrics: Sequence[NamedMetric]) -> list[str]:
    """The metrics that configurations are compared on: of each family (what is before the @) the first that is listed.

    What is measured in a unit is cost and is not compared.
    """
    families: dict[str, str] = {}
    for one in metrics:
        if not one.metric.info.unit:
            families.setdefault(one.name.partition("@")[0], one.name)
    return list(families.values())


def _comparisons(
    metrics: Sequence[NamedMetric],
    main: Sequence[str],
    questions: Sequence[Question],
    outcomes: Mapping[str, Sequence[Outcome]],
    scores: Mapping[str, Mapping[str, Sequence[float | None]]],
    labels: Sequence[str],
    seed: int,
) -> tuple[Comparison, ...]:
    """Every pair of configurations on each main metric, over the questions that both have a score for."""
    made: list[Comparison | None] = []
    for one in metrics:
        if one.name not in main:
            continue
        for a, b in itertools.combinations(scores, 2):
            pairs = zip(scores[a][one.name], scores[b][one.name], strict=True)
            both = [n for n, (x, y) in enumerate(pairs) if x is not None and y is not None]
            if not both:
                continue
            if isinstance(one.metric, SetMetric):
                first, second = (_total(one.metric, questions, outcomes[config], both) for config in (a, b))
                own = [labels[n] for n in both]
                made.append(compare_totals(one.info, a, b, first, second, own, seed=seed))
            else:
                made.append(compare(one.info, a, b, scores[a][one.name], scores[b][one.name], labels, seed=seed))
    return adjusted([one for one in made if one is not None])


def _missing(
    metrics: Sequence[NamedMetric],
    defined: Sequence[NamedMetric],
    questions: Sequence[Question],
    outcomes: Mapping[str, Sequence[Outcome]],
) -> list[str]:
    """Which metrics say nothing here, and of those that only lack an answer, that nothing was answered."""
    left = [one for one in metrics if one not in defined]
    every = [pair for found in outcomes.values() for pair in zip(questions, found, strict=True)]
    whole = [(question, outcome) for question, outcome in every if outcome["error"] is None]
    silent = bool(whole) and all(outcome["answer"] is None and outcome["status"] is None for _, outcome in whole)
    unasked = [one.name for one in left if silent and _of_answers(one.metric, whole)]
    rest = [one.name for one in left if one.name not in unasked]
    told = [f"defined for no question here: {', '.join(rest)}"] if rest else []
    if unasked:
        told.append(f"left out, as they need answers and the run only searched (--search-only): {', '.join(unasked)}")
    return told


def _of_answers(metric: Metric, pairs: Sequence[tuple[Question, Outcome]]) -> bool:
    """Whether a metric is defined for a question once there is an answer; who asks a model always needs one."""
    if isinstance(metric, Judged):
        return True
    tried = ((question, _with_answer(outcome)) for question, outcome in pairs)
    return any(metric.score(question, outcome) is not None for question, outcome in tried)


def _with_answer(outcome: Outcome) -> Outcome:
    return {**outcome, "answer": "", "status": "partial", "error": None}


def _few(
    metrics: Sequence[NamedMetric], estimates: Mapping[str, Mapping[str, Estimate]], labels: Sequence[str]
) -> list[str]:
    """Which numbers rest on too little to be relied on, whatever their intervals say."""
    over = len(set(labels))
    if over < FEW_CLUSTERS:
        told = counted(len(labels), "question")
        told += f" on {counted(over, 'document')}" if over < len(labels) else ""
        return [
            f"{told}: too few to rely on; even an interval without width says nothing of other questions (it takes "
            f"{FEW_CLUSTERS} documents or more)"
        ]
    named = [
        one.name
        for one in metrics
        if any(of[one.name].n > 0 and of[one.name].clusters < FEW_CLUSTERS for of in estimates.values())
    ]
    return [f"fewer than {FEW_CLUSTERS} documents, too few to rely on: {', '.join(named)}"] if named else []


def _errors(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    notes = []
    for config, found in outcomes.items():
        errors = [outcome["error"] for outcome in found if outcome["error"] is not None]
        if errors:
            most = max(sorted(set(errors)), key=errors.count)
            ended = part(len(errors), len(found), "question", "ended", "ended")
            notes.append(f"{config}: {ended} with an error, such as: {most}")
    return notes


def _said(outcomes: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """What searches said of themselves, the same words once for all configurations: numbers of a ranker that was never
    used are not its numbers."""
    said: dict[str, dict[str, int]] = {}  # {note: {configuration: searches}}
    for config, found in outcomes.items():
        for outcome in found:
            for note in dict.fromkeys(outcome.get("notes", ())):
                own = said.setdefault(note, {})
                own[config] = own.get(config, 0) + 1
    asked = max((len(found) for found in outcomes.values()), default=0)
    notes = []
    for note, own in sorted(said.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:_NOTES]:
        least, most = min(own.values()), max(own.values())
        count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        notes.append(f"{', '.join(own)}: in {count} of {counted(asked, 'question')}: {note}")
    if len(said) > _NOTES:
        notes.append(f"{len(said) - _NOTES:,} more kinds of notes of searches are in results.jsonl")
    return notes


def questions_key(questions: Sequence[Question]) -> str:
    """16 hex digits of the questions' whole records."""
    import json

    return hashlib.sha256(json.dumps(list(questions), sort_keys=True).encode()).hexdigest()[:16]
