"""A sample of a suite's questions: stratified by source, the same for a seed whatever the order of the files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ragsys.errors import UsageError
from ragsys.evaluation.records import Question


def sampled(questions: Sequence[Question], limit: int | None, seed: int) -> tuple[Question, ...]:
    """At most `limit` questions in the suite's order, each source in proportion (largest remainder, ties by name).

    Inside a source they are chosen by the hash of seed and id: a question that is added moves no other out of order.
    """
    if limit is None:
        return tuple(questions)
    if limit < 1:
        raise UsageError(f"limit is {limit}: at least one question must be asked", hint="leave it out to ask all")
    if limit >= len(questions):
        return tuple(questions)
    strata: dict[str, list[Question]] = {}
    for question in questions:
        strata.setdefault(question.get("source", ""), []).append(question)
    chosen: set[str] = set()
    for source, share in _shares({name: len(part) for name, part in strata.items()}, limit).items():
        ordered = sorted(strata[source], key=lambda one: _draw(seed, one["id"]))
        chosen |= {one["id"] for one in ordered[:share]}
    return tuple(question for question in questions if question["id"] in chosen)


def _shares(sizes: dict[str, int], limit: int) -> dict[str, int]:
    total = sum(sizes.values())
    shares = {name: size * limit // total for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(sizes[name] * limit % total), name))
    for name in order[: limit - sum(shares.values())]:
        shares[name] += 1
    return shares


def _draw(seed: int, question: str) -> tuple[str, str]:
    return hashlib.sha256(f"{seed}\0{question}".encode("utf-8", "surrogatepass")).hexdigest(), question
