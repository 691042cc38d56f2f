"""MMLongBench-Doc's rule-based score (mayubo2333/MMLongBench-Doc, eval/eval_score.py), by the type of the answer.

There a model first shortens every answer to a number, a string or a list: `mmlongbench_extracted`. Here the answer is
scored as it stands, so a whole sentence about a number scores 0. An abstention says "Not answerable", the gold answer
of unanswerable questions.

    Int    1 if int(gold) == int(float(answer)): 4.9 is 4
    Float  1 if the answer is within 1 % of gold, gold / 100 or gold * 100, or equal to it when both are rounded to the
           fewer decimals of the two, but at least 2 (a whole number counts one decimal: 4 is "4.0")
    Str    ANLS of the cleaned texts (at most .5 counts 0); equality where gold is a web address, file, page, telephone
           number, time, date or e-mail address
    List   0 if the lengths differ; else both are cleaned and sorted, and the *least* ANLS of the pairs counts; equality
           of all where the first gold item is a number or one of the exact kinds
Cleaning: lower case, parentheses, one quote at either end, leading $ and trailing % are taken off. The units "mile",
"miles" and "million" are not, although the official code means to.

    mmlongbench_accuracy  mean score, 0..1, unanswerable questions among them
    mmlongbench_f1        2PR/(P+R), 0..1; R = sum of scores over answerable questions / their number, P = the same sum
                          / number of questions that were answered; 0 where that fails
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import Levenshtein

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.metrics.base import (
    REFUSAL,
    Remembered,
    accepted,
    attempted,
    items,
    said,
    unanswerable,
)

_PARENTHESES = re.compile(r"\s*\([^)]*\)")
_QUOTES = re.compile(r"^['\"]|['\"]$")
_EXACT = re.compile(
    r"\d+(-\d+|\s\d+)?"  # telephone numbers, and every whole number
    r"|\d{4}[-\s]\d{2}[-\s]\d{2}|\d{4}[-\s]\d{2}"
    r"|[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}"
)


def clean(text: str) -> str:
    """The text as it is compared."""
    text = _PARENTHESES.sub("", text.lower().strip()).strip()
    return _QUOTES.sub("", text).strip().lstrip("$").strip().rstrip("%").strip()


def exact_kind(text: str) -> bool:
    """Whether a cleaned gold text must be met exactly."""
    return (
        "https://" in text
        or text.endswith((".py", "ipynb"))
        or text.startswith("page")
        or "a.m." in text
        or "p.m." in text
        or bool(_EXACT.fullmatch(text))
    )


def similarity(gold: str, text: str) -> float:
    """1 - Levenshtein / longer length; 0 at .5 and below; 1 of two empty texts."""
    found = 1.0 - Levenshtein.normalized_distance(gold, text)
    return found if found > 0.5 else 0.0


@functools.lru_cache(maxsize=100_000)
def score_of(gold: str, text: str, kind: str) -> float:
    """The score of one answer; `kind` is a `records.AnswerType`."""
    if kind == "int":
        return float(_whole(gold, text))
    if kind == "float":
        return float(_near(clean(gold), clean(text)))
    if kind == "list":
        return _lists([clean(one) for one in items(gold)], [clean(one) for one in items(text)])
    gold, text = clean(gold), clean(text)
    return float(gold == text) if exact_kind(gold) else similarity(gold, text)


def _whole(gold: str, text: str) -> bool:
    try:
        return int(gold) == int(float(text))
    except (ValueError, OverflowError):
        return False


def _near(gold: str, text: str) -> bool:
    try:
        right, given = float(gold), float(text)
    except ValueError:
        return False
    if not (math.isfinite(right) and math.isfinite(given)):
        return False
    for value in (right / 100, right, right * 100):
        if math.isclose(value, given, rel_tol=0.01):
            return True
        decimals = max(min(_decimals(given), _decimals(value)), 2)
        if round(given, decimals) == round(value, decimals):
            return True
    return False


def _decimals(value: float) -> int:
    shown = str(value)
    return len(shown.split(".")[-1]) if "." in shown else 3


def _lists(gold: Sequence[str], given: Sequence[str]) -> float:
    if len(gold) != len(given):
        return 0.0
    pairs = list(zip(sorted(gold), sorted(given), strict=True))
    if not pairs:
        return 1.0
    if _number(pairs[0][0]) or exact_kind(pairs[0][0]):
        return float(all(one == other for one, other in pairs))
    return min(similarity(one, other) for one, other in pairs)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class MmlongbenchAccuracy:
    """The rule-based score of one answer; its mean is the accuracy."""

    def __init__(self, options: Options, context: Context) -> None:
        self.info = MetricInfo("mmlongbench_accuracy", "MMLongBench-Doc's rule-based score of the answer as it stands")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        found = self.judged(question, outcome)
        return None if found is None else found[0]

    def judged(self, question: Question, outcome: Outcome) -> tuple[float, bool] | None:
        """The score, and whether it was answered."""
        gold = [REFUSAL] if unanswerable(question) else accepted(question)[:1]
        if not attempted(outcome) or not gold:
            return None
        text = self.prediction(question, outcome)
        if text is None:
            return None
        kind = "text" if unanswerable(question) else question.get("answer_type", "text")
        return score_of(gold[0], text, kind), text != REFUSAL

    def prediction(self, question: Question, outcome: Outcome) -> str | None:
        """What is scored."""
        return said(outcome)


def f1_of_totals(found: Iterable[tuple[float, bool] | None], questions: Iterable[Question]) -> float | None:
    """The F1 of what `judged` gives for each question; None where nothing was scored."""
    right = 0.0
    answerable = answered = scored = 0
    for one, question in zip(found, questions, strict=True):
        if one is None:
            continue
        scored += 1
        answered += one[1]
        if not unanswerable(question):
            answerable += 1
            right += one[0]
    if not scored:
        return None
    if not answerable or not answered or not right:
        return 0.0
    recall, precision = right / answerable, right / answered
    return 2 * recall * precision / (recall + precision)


class MmlongbenchF1(MmlongbenchAccuracy):
    """The official F1 of totals; `score` is the question's part of both."""

    def __init__(self, options: Options, context: Context) -> None:
        self.info = MetricInfo(
            "mmlongbench_f1", "MMLongBench-Doc's F1: recall over answerable, precision over answered questions"
        )
        self._known = Remembered(self.judged)

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """See the module; None where nothing was scored."""
        return f1_of_totals(map(self._known, questions, outcomes), questions)
