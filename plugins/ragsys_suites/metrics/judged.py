"""A model grades the answer against the gold answer, 1 (wrong or not given) to 5 (complete and right).

    judged_correctness   the grade, 1..5
    mlongdoc_correctness the same on M-LongDoc's scale (Chia et al. 2024), for questions with a gold answer; there the
                         judges see the evidence pages instead, and the mean of three counts: run it once a judge
    vidoseek_accuracy    1 if the grade is at least `least` (4), as ViDoSeek counts (Wang et al. 2025)
    judge_agreement      of the questions for which a rule decides, the share where the model's verdict (a grade of at
                         least `least`) and the rule's are the same
    judge_kappa          Cohen's kappa of these verdicts over the set, -1..1: 0 is what chance gives; undefined where
                         both say one and the same word throughout: chance would agree as well

A rule decides where the gold answer is a number, yes or no, or none (`answer_accuracy` of int, float, yesno and
unanswerable). For an unanswerable question the gold answer says that the documents do not answer. A missing or failed
answer is graded as it stands, as no answer. None without a gold answer, where no answer was asked for, and where the
judge's reply could not be used. L3Score (SPIQA) is left out: it needs the probabilities of the judge's tokens, which a
generator's reply does not carry.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pydantic import Field

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context, Generator
from ragsys_suites.metrics.accuracy import AnswerAccuracy
from ragsys_suites.metrics.base import Remembered, accepted, attempted, said, unanswerable
from ragsys_suites.metrics.judging import Form, Judging
from ragsys_suites.metrics.options import AccuracyOptions, JudgeOptions

_TASK = (
    "Grade how far `answer` answers `question`, by `gold` alone: any one of the gold answers suffices. 5: complete and "
    "right. 4: right, small details missing or superfluous. 3: partly right. 2: mostly wrong. 1: wrong, contradicts "
    "the gold answer, or is no answer. Numbers count as equal in another notation or unit. An answer is not worse for "
    "being longer, unless what it adds contradicts the gold answer."
)
_NONE = "The documents do not answer this question."
_RULED = frozenset({"int", "float", "yesno", "unanswerable"})


class Grade(Form):
    """A grade with the reason before it."""

    reason: str = ""
    grade: int = Field(ge=1, le=5)


class Graded(Judging):
    """The grade of one answer."""

    def __init__(self, name: str, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__(options, context, judge_model)
        self.info = MetricInfo(name, "a model's grade of the answer, 1 to 5", bounds=(1.0, 5.0))

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """1..5."""
        return self.grade(question, outcome)

    def grade(self, question: Question, outcome: Outcome) -> float | None:
        """1..5, or None."""
        gold = [_NONE] if unanswerable(question) else accepted(question)
        if not attempted(outcome) or not gold:
            return None
        data = {"question": question["question"], "gold": gold, "answer": said(outcome, refusal=_NONE)}
        verdict = self.ask(_TASK, data, Grade)
        return None if verdict is None else float(verdict.grade)


class Accuracy(Graded):
    """Whether the grade is good enough."""

    def __init__(self, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__("vidoseek_accuracy", options, context, judge_model)
        self.info = MetricInfo("vidoseek_accuracy", f"a model grades the answer {options.least} or better, of 5")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """0 or 1."""
        grade = self.grade(question, outcome)
        return None if grade is None else float(grade >= self._options.least)


class Agreement(Graded):
    """Whether the model and the rule say the same."""

    def __init__(self, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__("judge_agreement", options, context, judge_model)
        self._rule = AnswerAccuracy(AccuracyOptions(), context)
        self.info = MetricInfo("judge_agreement", "share of the questions with a rule where judge and rule agree")

    def verdicts(self, question: Question, outcome: Outcome) -> tuple[bool, bool] | None:
        """The model's and the rule's."""
        if question.get("answer_type") not in _RULED:
            return None
        right, grade = self._rule.score(question, outcome), self.grade(question, outcome)
        return None if right is None or grade is None else (grade >= self._options.least, bool(right))

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """0 or 1."""
        found = self.verdicts(question, outcome)
        return None if found is None else float(found[0] == found[1])


class Kappa(Agreement):
    """Cohen's kappa of the model's and the rule's verdicts; a question's own score is whether they agree."""

    def __init__(self, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__(options, context, judge_model)
        self.info = MetricInfo(
            "judge_kappa", "Cohen's kappa of judge and rule, where a rule decides", bounds=(-1.0, 1.0)
        )
        self._known = Remembered(self.verdicts)

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """(agreement - agreement by chance) / (1 - agreement by chance); None where there is none, see `kappa`."""
        found = [self._known(question, outcome) for question, outcome in zip(questions, outcomes, strict=True)]
        return kappa([pair for pair in found if pair is not None])


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of pairs of verdicts (Cohen 1960); None without pairs, and where both only ever say the same one
    word: it is 0 / 0."""
    if not pairs:
        return None
    count = len(pairs)
    same = sum(one == other for one, other in pairs) / count
    first, second = sum(one for one, _ in pairs) / count, sum(other for _, other in pairs) / count
    chance = first * second + (1 - first) * (1 - second)
    return None if chance >= 1.0 else (same - chance) / (1 - chance)


judged_correctness = functools.partial(Graded, "judged_correctness")
mlongdoc_correctness = functools.partial(Graded, "mlongdoc_correctness")
