"""What went wrong, question by question: each configuration's kinds of failure, the gravest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ragsys.evaluation.reach import gold_documents
from ragsys.evaluation.records import Outcome, Question, Scored
from ragsys.evaluation.report.curves import correctness, gold_pages, rank_of_gold
from ragsys.evaluation.report.numbers import count

#: {kind: what it means}, the gravest first. "Missed" is: not one gold page is among the first k.
KINDS = {
    "error": "ended with an error",
    "unreadable": "its gold documents could not be read",
    "missed20": "missed: no gold page among the first 20",
    "missed5": "missed: no gold page among the first 5",
    "wrong": "wrong answer",
    "invented": "answered what the documents do not answer",
    "abstained": "abstained though the documents answer it",
    "missed1": "the first page is no gold page",
}
RIGHT = 0.5  # a score below this is a wrong answer
KEPT = 1000  # questions that are listed; of more, the gravest
_DEPTHS = {"missed1": 1, "missed5": 5, "missed20": 20}


@dataclass(frozen=True, slots=True)
class Case:
    """One question that at least one configuration failed on."""

    number: int  # its place in the suite, from 1
    question: Question
    kinds: tuple[tuple[str, ...], ...]  # by configuration, in the run's order
    outcomes: tuple[Outcome, ...]
    scores: tuple[float | None, ...]  # of the metric of correctness; None where there is none

    @property
    def gravity(self) -> int:
        """The place of its gravest kind in `KINDS`: less is graver."""
        order = list(KINDS)
        return min(order.index(kind) for kinds in self.kinds for kind in kinds)


def kinds_of(
    question: Question, outcome: Outcome, score: float | None, unreadable: Collection[str] = ()
) -> tuple[str, ...]:
    """The ways in which an outcome failed, the gravest first; empty where it did not.

    Where none of the gold documents could be read, that is the failure: nothing else could have come of it.
    """
    gold = gold_documents(question)
    if gold and gold <= set(unreadable):
        return ("error", "unreadable") if outcome["error"] is not None else ("unreadable",)
    found = set()
    if outcome["error"] is not None:
        found.add("error")
    if gold_pages(question):
        rank = rank_of_gold(question, outcome)
        found |= {kind for kind, depth in _DEPTHS.items() if rank is None or rank > depth}
    unanswerable = question.get("answer_type") == "unanswerable"
    if outcome["status"] == "abstained":
        found |= set() if unanswerable else {"abstained"}
    elif outcome["answer"] is not None and outcome["error"] is None:
        if unanswerable:
            found.add("invented")
        elif score is not None and score < RIGHT:
            found.add("wrong")
    return tuple(kind for kind in KINDS if kind in found)


def told(scored: Scored, total: int) -> str:
    """How many questions are listed, and that not all of them are wrong answers."""
    return (
        f"{count(total, 'question')} of {len(scored.questions):,} did not go as they should with at least one "
        f"configuration, be it only that the first ranked page is no gold page."
    )


def cases(scored: Scored) -> tuple[list[Case], int]:
    """(the questions that a configuration failed on, in the suite's order; how many there are with those left out)."""
    metric, lost = correctness(scored), frozenset(scored.unreadable)
    found = []
    for n, question in enumerate(scored.questions):
        outcomes = tuple(scored.outcomes[config.name][n] for config in scored.configs)
        scores = tuple(
            scored.scores[config.name][metric.name][n] if metric is not None else None for config in scored.configs
        )
        kinds = tuple(kinds_of(question, outcome, score, lost) for outcome, score in zip(outcomes, scores, strict=True))
        if any(kinds):
            found.append(Case(n + 1, question, kinds, outcomes, scores))
    gravest = sorted(found, key=lambda case: (case.gravity, case.number))[:KEPT]
    return sorted(gravest, key=lambda case: case.number), len(found)


def counted(scored: Scored, found: Sequence[Case]) -> dict[str, list[int]]:
    """{kind: how many questions of each configuration}, kinds that do not occur left out."""
    made = {kind: [sum(kind in case.kinds[c] for case in found) for c in range(len(scored.configs))] for kind in KINDS}
    return {kind: counts for kind, counts in made.items() if any(counts)}


def in_turn(found: Iterable[Case]) -> list[Case]:
    """The cases by gravity, and among equals one of each source in turn: for what is shown of too many."""
    grave: dict[int, dict[str, list[Case]]] = {}
    for case in found:
        grave.setdefault(case.gravity, {}).setdefault(case.question.get("source", ""), []).append(case)
    made = []
    for gravity in sorted(grave):
        lists = list(grave[gravity].values())
        for turn in range(max(map(len, lists))):
            made += [one[turn] for one in lists if turn < len(one)]
    return made
