"""A turn of a conversation as the JSON that a thread keeps, and back; fields that a later version adds are left."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ragsys.answers import Answer, Citation, Statement
from ragsys.chatting.followups import Understood
from ragsys.codec import restore
from ragsys.types import JSON, Evidence, Hit, Page, Span, Usage


def turn_json(asked: str, query: Understood, answer: Answer, at: str) -> JSON:
    """Stable keys: asked, understood, answer (as `Answer.to_json`), at."""
    return {"asked": asked, "understood": query.to_json(), "answer": answer.to_json(), "at": at}


def turn_of(line: Mapping[str, Any]) -> tuple[str, Understood, Answer, str]:
    """What `turn_json` made JSON of. Raises `KeyError`, `TypeError` or `ValueError` if it is none."""
    said = _of(Understood, {**line["understood"], "sure": True})
    return str(line["asked"]), said, answer_of(line["answer"]), str(line.get("at", ""))


def answer_of(data: Mapping[str, Any]) -> Answer:
    """An answer from its JSON. Its evidence names pages and scores; what stood on them was not kept."""
    return Answer(
        question=str(data["question"]),
        text=str(data["text"]),
        sentences=tuple(_of(Statement, one) for one in data["sentences"]),
        citations=tuple(_of(Citation, one) for one in data["citations"]),
        status=data["status"],
        evidence=tuple(_evidence(one) for one in data["evidence"]),
        usage=_of(Usage, data["usage"]),
        coverage=dict(data.get("coverage", {})),
        notes=tuple(map(str, data.get("notes", ()))),
        trace=str(data.get("trace", "")),
        config=str(data.get("config", "")),
        generator=str(data.get("generator", "")),
    )


def _of(kind: type, data: Mapping[str, Any]) -> Any:
    known = {item.name for item in dataclasses.fields(kind) if item.repr}
    return restore(kind, {key: value for key, value in data.items() if key in known})


def _evidence(data: Mapping[str, Any]) -> Evidence:
    doc, number = str(data["doc"]), int(data["page"])
    scores = {str(name): float(score) for name, score in data.get("stage_scores", {}).items()}
    hit = Hit(Span(doc, number, number), int(data["number"]), float(data["score"]), scores)
    return Evidence(int(data["number"]), doc, str(data["path"]), str(data["title"]), Page(number, 0, 0, ()), "", hit)
