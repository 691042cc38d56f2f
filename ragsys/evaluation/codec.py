"""A scored run as JSON and back: `scores.json`, all of `Scored` but its questions and outcomes.

Those two have files of their own (`questions.jsonl` of the suite, `results.jsonl` of the run) and are given to `load`
by whoever needs them. The form: `{"version": 1, "provenance": {...}, "questions": [ids], "configs": [...],
"metrics": [...], "scores": {config: {metric: [number or null]}}, "estimates": {config: {metric: {...}}},
"groups": {by: {group: {config: {metric: {...}}}}}, "comparisons": [...], "notes": [...],
"unreadable": [documents]}`. A bound that is infinite is
null: JSON has no infinity.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragsys.codec import plain
from ragsys.errors import RagsysError, SuiteError
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
from ragsys.evaluation.writing import replace, writing

VERSION = 1


@dataclass(frozen=True, slots=True)
class _File:
    """What the file holds; read with every type checked."""

    provenance: Provenance
    questions: tuple[str, ...]  # ids, in the order of the scores
    configs: tuple[ConfigInfo, ...]
    metrics: tuple[MetricInfo, ...]
    scores: dict[str, dict[str, tuple[float | None, ...]]]
    estimates: dict[str, dict[str, Estimate]]
    groups: dict[str, dict[str, dict[str, dict[str, Estimate]]]]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    unreadable: tuple[str, ...] = ()


def dumps(scored: Scored) -> str:
    """The text of `scores.json`. Raises `RagsysError` where a score, an estimate or a comparison is not finite."""
    data = plain(
        {
            "version": VERSION,
            "provenance": scored.provenance,
            "questions": [question["id"] for question in scored.questions],
            "configs": scored.configs,
            "metrics": scored.metrics,
            "estimates": scored.estimates,
            "comparisons": scored.comparisons,
            "groups": scored.groups,
            "notes": scored.notes,
            "unreadable": scored.unreadable,
            "scores": scored.scores,
        }
    )
    for metric in data["metrics"]:
        metric["bounds"] = [bound if math.isfinite(bound) else None for bound in metric["bounds"]]
    _finite(data, "scores.json")
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def loads(
    text: str,
    *,
    where: str = "scores.json",
    questions: Sequence[Question] = (),
    outcomes: Mapping[str, tuple[Outcome, ...]] | None = None,
) -> Scored:
    """The scored run of such a text, with the questions and outcomes given.

    Raises `SuiteError` where the text is no such file, or is one of other questions than those given.
    """
    from pydantic import TypeAdapter, ValidationError

    hint = "ragsys eval SUITE --out DIR writes it"
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise SuiteError(f"{where}: not the scores of a run: no JSON object", hint=hint)
        if data.get("version") != VERSION:
            raise SuiteError(
                f"{where}: version {data.get('version')!r}, this ragsys reads version {VERSION}", hint=hint
            )
        data["metrics"] = [_bounded(metric) for metric in data.get("metrics", ())]
        held = TypeAdapter(_File).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SuiteError(f"{where}: not the scores of a run: {place}: {first['msg']}", hint=hint) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SuiteError(f"{where}: not the scores of a run: {error}", hint=hint) from error
    if questions and tuple(question["id"] for question in questions) != held.questions:
        raise SuiteError(f"{where}: scores of {len(held.questions)} other questions than the {len(questions)} given")
    return Scored(
        provenance=held.provenance,
        questions=tuple(questions),
        configs=held.configs,
        metrics=held.metrics,
        outcomes=outcomes or {},
        scores=held.scores,
        estimates=held.estimates,
        groups=held.groups,
        comparisons=held.comparisons,
        notes=held.notes,
        unreadable=held.unreadable,
    )


def save(scored: Scored, path: Path) -> Path:
    """Write `scores.json`, whole or not at all."""
    text = dumps(scored)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text.encode("utf-8", "replace"))
    return path


def load(
    path: Path, *, questions: Sequence[Question] = (), outcomes: Mapping[str, tuple[Outcome, ...]] | None = None
) -> Scored:
    """The scored run of a file, see `loads`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise SuiteError(f"{path}: cannot be read: {reason}", hint="ragsys eval SUITE --out DIR writes it") from error
    return loads(text, where=str(path), questions=questions, outcomes=outcomes)


def _bounded(metric: Any) -> Any:
    """A metric's record with its infinite bounds put back."""
    if not isinstance(metric, dict) or not isinstance(metric.get("bounds"), list) or len(metric["bounds"]) != 2:
        return metric
    low, high = metric["bounds"]
    return {**metric, "bounds": [-math.inf if low is None else low, math.inf if high is None else high]}


def _finite(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise RagsysError(
            f"{where}: {value} is no measurement", hint="an undefined score is None: see the metric that gave it"
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _finite(item, f"{where}: {key}")
    elif isinstance(value, list):
        for n, item in enumerate(value):
            _finite(item, f"{where}[{n}]")
