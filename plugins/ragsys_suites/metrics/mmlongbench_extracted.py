"""MMLongBench-Doc's score as its authors run it: a model shortens the answer, then the rules of `mmlongbench` score it.

    mmlongbench_extracted_accuracy  as mmlongbench_accuracy, 0..1
    mmlongbench_extracted_f1        as mmlongbench_f1, 0..1

The model sees the question and the answer, never the gold answer, and gives an integer, a float, a string or a list;
"Not answerable" if the answer says that the documents do not tell, "Fail to answer" if it says nothing to the point.
An abstention is "Not answerable" without asking. None where the model's reply could not be used. The prompt is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context, Generator
from ragsys_suites.metrics.base import REFUSAL, Remembered, abstained, said
from ragsys_suites.metrics.judging import Form, Judging
from ragsys_suites.metrics.mmlongbench import MmlongbenchAccuracy, f1_of_totals
from ragsys_suites.metrics.options import JudgeOptions

_TASK = (
    "Extract from `analysis` the short answer that it gives to `question`; do not answer the question yourself and do "
    f"not correct the analysis. `answer` is that answer alone, without a sentence around it; '{REFUSAL}' if the "
    "analysis says that the question cannot be answered from the documents; 'Fail to answer' if it gives no answer to "
    "it. `format` is Integer, Float, String, List or None (for those two). Write a list as a JSON list of strings."
)


class Extracted(Form):
    """The short answer."""

    answer: str
    format: Literal["Integer", "Float", "String", "List", "None"] = "String"


class ExtractedAccuracy(Judging, MmlongbenchAccuracy):
    """The rule-based score of the shortened answer."""

    def __init__(self, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        Judging.__init__(self, options, context, judge_model)
        self.info = MetricInfo(
            "mmlongbench_extracted_accuracy", "MMLongBench-Doc's score of the answer that a model shortened"
        )

    def prediction(self, question: Question, outcome: Outcome) -> str | None:
        """The shortened answer."""
        text = said(outcome)
        if abstained(outcome) or not text:
            return text
        found = self.ask(_TASK, {"question": question["question"], "analysis": text}, Extracted)
        return None if found is None else found.answer.strip()


class ExtractedF1(ExtractedAccuracy):
    """The F1 of totals of the shortened answers."""

    def __init__(self, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__(options, context, judge_model)
        self.info = MetricInfo("mmlongbench_extracted_f1", "MMLongBench-Doc's F1 of the answers that a model shortened")
        self._known = Remembered(self.judged)

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """See `mmlongbench`."""
        return f1_of_totals(map(self._known, questions, outcomes), questions)
