"""What the metrics share: what an outcome says, what a question accepts, and a metric made of one function."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context

_T = TypeVar("_T")
#: What an abstention says, in the words of MMLongBench-Doc.
REFUSAL = "Not answerable"
#: Members of a list at most.
MEMBERS = 200


class Simple:
    """A metric whose score is one function of a question and an outcome."""

    def __init__(self, info: MetricInfo, score: Callable[[Question, Outcome], float | None]) -> None:
        self.info = info
        self._score = score

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See `info`."""
        return self._score(question, outcome)


class Remembered(Generic[_T]):
    """What was worked out of records that are asked for again: a bootstrap takes the same questions a thousand times.

    Records are told apart by identity, and kept so that an identity is never given to another.
    """

    _MOST = 200_000

    def __init__(self, work: Callable[[Question, Outcome], _T]) -> None:
        self._work = work
        self._known: dict[tuple[int, int], tuple[Question, Outcome, _T]] = {}

    def __call__(self, question: Question, outcome: Outcome) -> _T:
        """The result, worked out once."""
        key = (id(question), id(outcome))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._MOST:
                self._known.clear()
            found = self._known[key] = (question, outcome, self._work(question, outcome))
        return found[2]


def simple(
    name: str,
    summary: str,
    score: Callable[[Question, Outcome], float | None],
    **info: Any,
) -> Callable[[Options, Context], Simple]:
    """What builds a metric without options."""

    def build(options: Options, context: Context) -> Simple:
        return Simple(MetricInfo(name, summary, **info), score)

    return build


def attempted(outcome: Outcome) -> bool:
    """Whether an answer was asked for: a run that only searches has no status and no error."""
    return outcome["status"] is not None or outcome["error"] is not None


def abstained(outcome: Outcome) -> bool:
    """Whether it said that the documents do not answer."""
    return outcome["status"] == "abstained"


def unanswerable(question: Question) -> bool:
    """Whether the documents hold no answer."""
    return question.get("answer_type") == "unanswerable"


def said(outcome: Outcome, *, refusal: str = REFUSAL) -> str:
    """The answer's text; `refusal` where it abstained, nothing where it failed."""
    return refusal if abstained(outcome) else (outcome["answer"] or "").strip()


def accepted(question: Question) -> list[str]:
    """Every accepted answer, the first one first; empty where the benchmark gives none."""
    answers = list(question.get("answers") or ())
    first = question.get("answer")
    return answers if first is None or first in answers else [first, *answers]


def best(question: Question, outcome: Outcome, score: Callable[[str, str], float]) -> float | None:
    """The best `score(gold, answer)` of the accepted answers.

    An unanswerable question is worth 1 if it was not answered, as in SQuAD 2.0; an abstention from an answerable one
    is worth 0. None without a gold answer, or where no answer was asked for.
    """
    if not attempted(outcome):
        return None
    if unanswerable(question):
        return float(abstained(outcome))
    answers = accepted(question)
    if not answers:
        return None
    if abstained(outcome):
        return 0.0
    text = said(outcome)
    return max(score(gold, text) for gold in answers)


def items(text: str) -> list[str]:
    """The members of a list written as JSON or as Python; a text that is no list is its only member.

    So is a list of more than `MEMBERS`: pairing members takes the cube of their number.
    """
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]") and len(stripped) < 100_000:
        for read in (json.loads, ast.literal_eval):
            try:
                found = read(stripped)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if (
                isinstance(found, list)
                and len(found) <= MEMBERS
                and all(isinstance(one, str | int | float) for one in found)
            ):
                return [str(one).strip() for one in found]
    return [stripped]
