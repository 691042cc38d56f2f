"""Questions, outcomes and metrics for the tests of metrics: what a test does not say is left at its plainest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys.config import Spec
from ragsys.evaluation.records import Outcome, Question
from ragsys.plugins import Builder, registry
from ragsys.protocols import Metric


def build(name: str, judge: Any = None, **options: Any) -> Any:
    """A metric by its component's name, as a run builds it."""
    builder = Builder(registry(), {"generator": Spec(use="extractive")}, Path("state"), Path("cache"))
    if judge is not None:
        builder.give("generator", judge)
    metric = builder.build("metric", Spec(use=name, **options))
    assert isinstance(metric, Metric)
    return metric


def question(**fields: Any) -> Question:
    """A question with these fields."""
    made: Question = {"id": "q", "question": "What is it?"}
    made.update(fields)  # type: ignore[typeddict-item]
    return made


def pages(*places: str, **more: Any) -> list[dict[str, Any]]:
    """Gold pages or ranked pages "doc:page", the latter with falling scores."""
    return [
        {"doc": place.split(":")[0], "page": int(place.split(":")[1]), "score": 1.0 / rank, "stage_scores": {}}
        for rank, place in enumerate(places, 1)
    ]


def gold(*places: str) -> list[dict[str, Any]]:
    """Gold pages "doc:page" or "doc:page:grade"."""
    found = []
    for place in places:
        doc, page, *grade = place.split(":")
        found.append({"doc": doc, "page": int(page), **({"grade": float(grade[0])} if grade else {})})
    return found


def outcome(answer: str | None = None, **fields: Any) -> Outcome:
    """What a configuration gave: answered if there is an answer, a search alone if not."""
    made: Outcome = {
        "id": "q",
        "config": "c",
        "pages": [],
        "answer": answer,
        "status": None if answer is None else "answered",
        "citations": [],
        "usage": {},
        "seconds": {},
        "error": None,
    }
    made.update(fields)  # type: ignore[typeddict-item]
    return made


def abstention(**fields: Any) -> Outcome:
    """An outcome that abstained."""
    return outcome("The documents do not say.", status="abstained", **fields)


def failure(**fields: Any) -> Outcome:
    """An outcome that failed."""
    return outcome(None, error="GenerationError: no reply", **fields)
