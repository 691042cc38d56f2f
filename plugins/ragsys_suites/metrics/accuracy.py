"""answer_accuracy: is the answer right, by rules, whatever its length? The general default; 0 or 1.

Answers are sentences, gold answers mostly are not, so the rules look for the gold answer *in* the answer, of which the
first `words` words count, or twice as many as gold has. By the type of the answer:

    unanswerable  right if it abstained; abstaining from any other question is wrong
    int, float    gold holds one number: right if the answer holds an equal one (`numbers.same`: whole numbers exactly,
                  floats within 1 %, percent and share alike, scale words resolved) among at most `numbers` different
                  numbers that the question does not hold. Gold of several numbers (dates, ranges) is compared as text
    yesno         right if the word yes or no that opens the answer, or the only one in it, is the gold one
    list          right if every member is in the answer, each as a text
    text          right if gold stands in the answer, word for word (SQuAD's normal form); or if the two are nearly
                  equal (ANLS of at least .8); or, of gold with three content words or more, if at least `recall` of its
                  content words and all of its numbers are in the answer
No rule reads sense: a right word in a wrong sentence is counted as right. `judge_agreement` says how far to trust it.
None without a gold answer, and where no answer was asked for. A question that failed is wrong.
"""

from __future__ import annotations

import functools
import re
from collections import Counter

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context
from ragsys_suites.metrics.answers import anls_of, contains, polarity
from ragsys_suites.metrics.base import best, items
from ragsys_suites.metrics.numbers import asked_scale, numbers, same
from ragsys_suites.metrics.options import AccuracyOptions
from ragsys_suites.metrics.text import squad

_NEAR = 0.8
_LONG = 3  # content words from which a part of them may do
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "of to in on at by for from with and or as is are was were be been it its this that these those which who has "
        "have had not but than then there their they he she his her we our you your i also",
    )
)


class AnswerAccuracy:
    """Whether the answer is right, by the type of the gold answer."""

    def __init__(self, options: AccuracyOptions, context: Context) -> None:
        self._options = options
        self.info = MetricInfo("answer_accuracy", "whether the answer holds the gold answer, by rules for its type")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        kind = question.get("answer_type", "text")
        return best(
            question,
            outcome,
            lambda gold, text: float(_right(question["question"], gold, text, kind, self._options)),
        )


@functools.lru_cache(maxsize=50_000)
def _right(question: str, gold: str, text: str, kind: str, options: AccuracyOptions) -> bool:
    words = max(options.words, 2 * len(gold.split()))
    text = " ".join(text.split()[:words])
    if kind in ("int", "float") and len(numbers(gold)) == 1:
        return _number(question, gold, text, kind == "int", options.numbers)
    if kind == "yesno" and polarity(gold):
        return polarity(text) == polarity(gold)
    if kind == "list":
        return all(_text(one, text, options.recall) for one in items(gold))
    return _text(gold, text, options.recall)


def _number(question: str, gold: str, text: str, whole: bool, most: int) -> bool:
    right = numbers(gold)[0]
    asked = {(number.value, number.percent) for number in numbers(question)} - {(right.value, right.percent)}
    given = [number for number in numbers(text) if (number.value, number.percent) not in asked]
    if len({(number.value, number.scale) for number in given}) > most:
        return False
    return any(same(right, number, whole=whole, unit=asked_scale(question), text=text) for number in given)


def _text(gold: str, text: str, recall: float) -> bool:
    wanted, given = squad(gold), squad(text)
    if contains(given, wanted) or anls_of(gold, text) >= _NEAR:
        return True
    content = [word for word in wanted if word not in _EMPTY_WORDS]
    if len(content) < _LONG:
        return False
    held = sum((Counter(content) & Counter(given)).values())
    figures = numbers(text)
    return held >= recall * len(content) and all(
        any(same(number, other, whole=False, text=text) for other in figures) for number in numbers(gold)
    )
