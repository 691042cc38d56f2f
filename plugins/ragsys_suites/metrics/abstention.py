"""Abstention: does it keep quiet when the documents say nothing, and only then? 0..1.

    abstention_accuracy   of the unanswerable questions, the share that was not answered (None for the others)
    abstention_recall     the same under the name that goes with precision
    abstention_precision  of the abstentions, the share from unanswerable questions (None for answers)
    answer_coverage       of the answerable questions, the share that was answered
    answerable_accuracy   `answer_accuracy` of the answerable questions: keeping quiet is wrong there
    proved_answers        of the answerable questions, the share that was answered with citations of which every one
                          supports its sentence; it says nothing of whether the answer is right
    selective_accuracy@K  mean `answer_accuracy` of the surest K % of the questions, one at least: a point of the curve
                          below, as 1 - risk
    aurc                  area under the risk-coverage curve (Geifman and El-Yaniv 2017), lower is better: questions in
                          falling order of confidence, mean over i = 1..n of the share of wrong ones among the first i;
                          wrong is 1 - `answer_accuracy`. Equal confidences are taken in their mean order, so that none
                          of their orders is favoured. n: the questions that have a score

Confidence is `usage["confidence"]` where an outcome carries one, else the score of the best page: comparable only
within one configuration, and only as good as its scores. An abstention says that there is none: it comes last, and so
does a question without pages. A question that failed was neither answered nor declined: it counts as wrong.
None where no answer was asked for. A question is unanswerable if its answer_type says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context
from ragsys_suites.metrics.accuracy import AnswerAccuracy
from ragsys_suites.metrics.base import Remembered, abstained, attempted, simple, unanswerable
from ragsys_suites.metrics.citations import SUPPORTED, levels
from ragsys_suites.metrics.options import AccuracyOptions, SelectiveOptions


def _on_unanswerable(question: Question, outcome: Outcome) -> float | None:
    return float(abstained(outcome)) if attempted(outcome) and unanswerable(question) else None


def _of_abstentions(question: Question, outcome: Outcome) -> float | None:
    return float(unanswerable(question)) if abstained(outcome) else None


def _covered(question: Question, outcome: Outcome) -> float | None:
    if not attempted(outcome) or unanswerable(question):
        return None
    return float(outcome["status"] in ("answered", "partial"))


abstention_accuracy = simple(
    "abstention_accuracy", "share of the unanswerable questions that it did not answer", _on_unanswerable
)
abstention_recall = simple(
    "abstention_recall", "share of the unanswerable questions that it declined", _on_unanswerable
)
abstention_precision = simple(
    "abstention_precision", "share of its abstentions that were from unanswerable questions", _of_abstentions
)
answer_coverage = simple("answer_coverage", "share of the answerable questions that it answered", _covered)


def _proved(question: Question, outcome: Outcome) -> float | None:
    if not attempted(outcome) or unanswerable(question):
        return None
    found = levels(outcome) if outcome["status"] in ("answered", "partial") else []
    return float(bool(found) and min(found) == SUPPORTED)


proved_answers = simple("proved_answers", "share of the answerable questions with an answer that is proved", _proved)


class AnswerableAccuracy:
    """`answer_accuracy` of the questions that have an answer."""

    def __init__(self, options: AccuracyOptions, context: Context) -> None:
        self._accuracy = AnswerAccuracy(options, context)
        self.info = MetricInfo("answerable_accuracy", "share of the answerable questions that are answered right")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        return None if unanswerable(question) else self._accuracy.score(question, outcome)


def confidence(outcome: Outcome) -> float:
    """How sure the configuration was; minus infinity where it abstained or found nothing."""
    if abstained(outcome):
        return float("-inf")
    if "confidence" in outcome["usage"]:
        return outcome["usage"]["confidence"]
    return outcome["pages"][0]["score"] if outcome["pages"] else float("-inf")


def risk_coverage_area(pairs: Sequence[tuple[float, float]]) -> float:
    """The area for (confidence, risk) pairs; at least one."""
    area = risk = 0.0
    count = 0
    for _, group in groupby(sorted(pairs, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        risks = [one for _, one in group]
        mean = sum(risks) / len(risks)
        for _ in risks:
            count += 1
            risk += mean
            area += risk / count
    return area / count


def accuracy_of_surest(pairs: Sequence[tuple[float, float]], count: float) -> float:
    """The mean score of the `count` surest of (confidence, score) pairs; equally sure ones count in part."""
    left, total = count, 0.0
    for _, group in groupby(sorted(pairs, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        scores = [one for _, one in group]
        taken = min(left, len(scores))
        total += taken * sum(scores) / len(scores)
        left -= taken
        if left <= 0:
            break
    return total / count


class SelectiveAccuracy:
    """Accuracy of the surest questions; a question's own score is its accuracy."""

    def __init__(self, options: SelectiveOptions, context: Context) -> None:
        self._share = options.k / 100
        self._accuracy = AnswerAccuracy(AccuracyOptions(), context)
        self._known = Remembered(self.score)
        self.info = MetricInfo(
            f"selective_accuracy@{options.k}", f"share of right answers among the surest {options.k} % of the questions"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """`answer_accuracy`."""
        return self._accuracy.score(question, outcome)

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """See the module."""
        scored = [(confidence(o), self._known(q, o)) for q, o in zip(questions, outcomes, strict=True)]
        pairs = [(sure, right) for sure, right in scored if right is not None]
        return accuracy_of_surest(pairs, max(1, round(self._share * len(pairs)))) if pairs else None


class Aurc:
    """Area under the risk-coverage curve; a question's own score is its risk."""

    def __init__(self, options: AccuracyOptions, context: Context) -> None:
        self._accuracy = AnswerAccuracy(options, context)
        self._known = Remembered(self.score)
        self.info = MetricInfo(
            "aurc", "share of wrong answers, averaged over all cuts by confidence", higher_is_better=False
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """1 - `answer_accuracy`."""
        right = self._accuracy.score(question, outcome)
        return None if right is None else 1.0 - right

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """See the module."""
        pairs = []
        for question, outcome in zip(questions, outcomes, strict=True):
            risk = self._known(question, outcome)
            if risk is not None:
                pairs.append((confidence(outcome), risk))
        return risk_coverage_area(pairs) if pairs else None
