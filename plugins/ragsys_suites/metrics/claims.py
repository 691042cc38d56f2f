"""Claims, nuggets and support: what an answer states, judged by a model. All 0..1.

claims (UniDoc-Bench's completeness and faithfulness; there GPT-4o splits and checks in several calls, here one call)
    claim_recall     claims of the gold answer that the answer makes / claims of the gold answer
    claim_precision  claims of the answer that the gold answer or the cited quotes support / claims of the answer
nuggets (AutoNuggetizer, Pradeep et al. 2024; TREC RAG), assigned ten at a time in their order: support, partial, none
    nugget_vital_strict   vital nuggets with full support / vital nuggets
    nugget_vital_lenient  the same, partial support counting one half
    nugget_all_strict, nugget_all_lenient   the same over all nuggets
support (TREC RAG 2024's support evaluation; full 1, partial 1/2, none 0)
    support_precision  sum of the citations' weights / citations
    support_recall     sum over sentences of the best weight of their citations / sentences
    An outcome does not say which sentence a citation belongs to: the judge names the sentence that each quote bears on.

An abstention makes no claim: recall and nuggets 0, precision and support None; a failed question likewise. None without
the gold that is needed, where no answer was asked for, and where the judge's reply could not be used.
"""

from __future__ import annotations

import functools
from typing import Literal

from ragsys import sentences
from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.protocols import Context, Generator
from ragsys_suites.metrics.base import abstained, accepted, attempted
from ragsys_suites.metrics.judging import Form, Judging
from ragsys_suites.metrics.options import JudgeOptions

_SPLIT = (
    "Split `text` into its claims: short statements that each hold one fact, as few as say everything; none for a text "
    "that states nothing. For each claim say whether `sources` state it or it follows from them directly. The text "
    "replies to `question`."
)
_ASSIGN = (
    "For each of the `nuggets`, in their order, say whether `answer` to `question` supports it: `support` if it states "
    "all of the nugget, `partial_support` if a part of it, `not_support` otherwise. Give one label for each nugget."
)
_SUPPORT = (
    "`sentences` are numbered from 1, and so are `citations`. For each citation, in order, name the sentence that it "
    "bears on most and say how far it supports that sentence: `full`, `partial` or `none`."
)
_WINDOW = 10
_STRICT = {"support": 1.0, "partial_support": 0.0, "not_support": 0.0}
_LENIENT = {**_STRICT, "partial_support": 0.5}
_WEIGHTS = {"full": 1.0, "partial": 0.5, "none": 0.0}


class Claim(Form):
    """One claim and whether the sources hold it."""

    claim: str
    supported: bool


class Claims(Form):
    """All claims of a text."""

    claims: list[Claim]


class Labels(Form):
    """One label for each nugget."""

    labels: list[Literal["support", "partial_support", "not_support"]]


class Support(Form):
    """How far a citation supports a sentence."""

    sentence: int
    support: Literal["full", "partial", "none"]


class Supports(Form):
    """One entry for each citation."""

    citations: list[Support]


def _answer(outcome: Outcome) -> str:
    return "" if abstained(outcome) else (outcome["answer"] or "").strip()


def _quotes(outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(cited["quote"] for cited in outcome["citations"] if cited["quote"].strip()))


class ClaimShare(Judging):
    """The share of the claims that are supported: of the answer (precision) or of the gold answer (recall)."""

    def __init__(self, measure: str, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__(options, context, judge_model)
        self._recall = measure == "recall"
        told = (
            "share of the gold answer's claims that the answer makes"
            if self._recall
            else "share of the answer's claims that gold answer or quotes support"
        )
        self.info = MetricInfo(f"claim_{measure}", f"{told} (judged)")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        gold, text = accepted(question)[:1], _answer(outcome)
        if not gold or not attempted(outcome) or question.get("answer_type") == "unanswerable":
            return None
        if not text:
            return 0.0 if self._recall else None
        judged, sources = (gold[0], [text]) if self._recall else (text, [*gold, *_quotes(outcome)])
        found = self.ask(_SPLIT, {"question": question["question"], "text": judged, "sources": sources}, Claims)
        if found is None or not found.claims:
            return None
        return sum(claim.supported for claim in found.claims) / len(found.claims)


class NuggetShare(Judging):
    """The share of the nuggets that the answer supports."""

    def __init__(
        self, vital: bool, strict: bool, options: JudgeOptions, context: Context, judge_model: Generator
    ) -> None:
        super().__init__(options, context, judge_model)
        self._vital, self._weights = vital, _STRICT if strict else _LENIENT
        which, how = "vital" if vital else "all", "strict" if strict else "lenient"
        told = "; partial support counts one half" if not strict else ""
        self.info = MetricInfo(
            f"nugget_{which}_{how}", f"share of {which} nuggets that the answer supports (judged{told})"
        )

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        nuggets = question.get("nuggets") or []
        wanted = [number for number, nugget in enumerate(nuggets) if nugget["vital"] or not self._vital]
        text = _answer(outcome)
        if not wanted or not attempted(outcome):
            return None
        if not text:
            return 0.0
        labels: list[str] = []
        for start in range(0, len(nuggets), _WINDOW):
            window = [nugget["text"] for nugget in nuggets[start : start + _WINDOW]]
            found = self.ask(_ASSIGN, {"question": question["question"], "answer": text, "nuggets": window}, Labels)
            if found is None or len(found.labels) != len(window):
                return None
            labels += found.labels
        return sum(self._weights[labels[number]] for number in wanted) / len(wanted)


class SupportShare(Judging):
    """Weighted precision or recall of the citations."""

    def __init__(self, measure: str, options: JudgeOptions, context: Context, judge_model: Generator) -> None:
        super().__init__(options, context, judge_model)
        self._recall = measure == "recall"
        told = "sentences that citations support" if self._recall else "citations that support a sentence"
        self.info = MetricInfo(f"support_{measure}", f"weighted share of {told} (judged)")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """See the module."""
        text, quotes = _answer(outcome), _quotes(outcome)
        if not attempted(outcome) or not text:
            return None
        parts = [text[start:end] for start, end in sentences.split(text)]
        if not quotes or not parts:
            return 0.0
        found = self.ask(_SUPPORT, {"sentences": parts, "citations": quotes}, Supports)
        if found is None or len(found.citations) != len(quotes):
            return None
        if any(not 1 <= one.sentence <= len(parts) for one in found.citations):
            return None
        weights = [(one.sentence, _WEIGHTS[one.support]) for one in found.citations]
        if not self._recall:
            return sum(weight for _, weight in weights) / len(weights)
        best: dict[int, float] = {}
        for sentence, weight in weights:
            best[sentence] = max(best.get(sentence, 0.0), weight)
        return sum(best.values()) / len(parts)


claim_precision = functools.partial(ClaimShare, "precision")
claim_recall = functools.partial(ClaimShare, "recall")
nugget_vital_strict = functools.partial(NuggetShare, True, True)
nugget_vital_lenient = functools.partial(NuggetShare, True, False)
nugget_all_strict = functools.partial(NuggetShare, False, True)
nugget_all_lenient = functools.partial(NuggetShare, False, False)
support_precision = functools.partial(SupportShare, "precision")
support_recall = functools.partial(SupportShare, "recall")
