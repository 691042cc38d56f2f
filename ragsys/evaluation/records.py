"""The records of an evaluation: a question with its gold, what a configuration gave for it, what came of the scores.

Documents are named by their path below the suite's root, with forward slashes; pages are 1-based; boxes are
`[x0, y0, x1, y1]` in 0..1 of the displayed page, origin top-left; seconds are wall-clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

AnswerType = Literal["text", "int", "float", "yesno", "list", "unanswerable"]
Status = Literal["answered", "partial", "abstained"]


class GoldPage(TypedDict):
    """A page that holds (a part of) the answer."""

    doc: str
    page: int
    grade: NotRequired[float]  # relevance; 1 where it is not given


class GoldBox(TypedDict):
    """A region of a page that holds the answer."""

    doc: str
    page: int
    bbox: list[float]
    kind: NotRequired[str]  # what the benchmark calls it: table, figure, text, ...


class GoldPassage(TypedDict):
    """A text that holds (a part of) the answer, where the benchmark gives texts and no pages."""

    doc: str
    text: str


class Nugget(TypedDict):
    """One fact that a good answer states."""

    text: str
    vital: bool


class Question(TypedDict):
    """One question of a suite. What a benchmark does not give is left out, never filled with a guess."""

    id: str
    question: str
    answer: NotRequired[str]  # the first of the accepted answers
    answers: NotRequired[list[str]]  # every accepted answer
    answer_type: NotRequired[AnswerType]
    doc_ids: NotRequired[list[str]]  # documents that hold the answer
    gold_pages: NotRequired[list[GoldPage]]
    gold_boxes: NotRequired[list[GoldBox]]
    gold_passages: NotRequired[list[GoldPassage]]
    gold_images: NotRequired[list[str]]  # figures that the answer should show, in order
    nuggets: NotRequired[list[Nugget]]
    images: NotRequired[list[str]]  # query images: paths below the suite's root
    #: the documents that the benchmark's own setting searches; a name that ends in / is all below it; left out: all
    scope: NotRequired[list[str]]
    evidence_modality: NotRequired[list[str]]  # text, table, chart, figure, layout, ...
    source: NotRequired[str]  # the part of the suite it comes from
    cluster: NotRequired[str]  # questions that share it are not independent; left out: their first gold document
    meta: NotRequired[dict[str, Any]]


class FoundPage(TypedDict):
    """One ranked page."""

    doc: str
    page: int
    score: float
    stage_scores: dict[str, float]
    boxes: NotRequired[list[list[float]]]  # of its best blocks, best first; where the suite has gold boxes
    passages: NotRequired[list[str]]  # its best passages' texts; where the suite has gold passages


class Cited(TypedDict):
    """One box of one citation."""

    doc: str
    page: int
    bbox: list[float]
    quote: str
    level: str  # none | located | quoted | supported


class Outcome(TypedDict):
    """One line of `results.jsonl`: what one configuration gave for one question."""

    id: str
    config: str
    pages: list[FoundPage]  # best first
    answer: str | None  # the text without citation marks; None where nothing was answered (search only, an error)
    status: Status | None
    citations: list[Cited]
    usage: dict[str, float]  # calls, input_tokens, output_tokens, seconds; confidence where it is told
    seconds: dict[str, float]  # by stage; "total" is the whole question
    error: str | None
    notes: NotRequired[list[str]]  # what its search said of itself, such as a ranker that was not used


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric over a set of questions: its value with an interval."""

    value: float | None  # None: defined for no question
    low: float | None  # bounds of the interval
    high: float | None
    n: int  # questions that it is defined for
    undefined: int = 0  # questions that it is not defined for
    clusters: int = 0  # independent groups (documents) behind the interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two configurations on one metric: `a` minus `b` over the questions that both have a score for."""

    metric: str
    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float  # of a paired permutation test over clusters, two-sided
    p_adjusted: float  # for the number of comparisons (Holm)
    n: int
    clusters: int
    sentence: str  # says in plain words whether the difference is real
    higher_is_better: bool = True  # of the metric: says which of the two a difference favours


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a reader of a report must know of a metric."""

    name: str
    summary: str  # one line
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    unit: str = ""  # "", "s", "tokens", "calls"


@dataclass(frozen=True, slots=True)
class ConfigInfo:
    """A configuration as it was run."""

    name: str  # as given and shown: unique within a run
    hash: str
    generator: str = ""  # model and revision; empty where nothing was answered
    coverage: Mapping[str, float] = field(default_factory=dict)  # by layer, 0..1


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers come from."""

    suite: str
    licence: str
    revision: str
    command: str
    date: str  # ISO, UTC
    commit: str  # of the checkout; the package's version elsewhere
    machine: str
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """A whole evaluation: what a report is written from."""

    provenance: Provenance
    questions: tuple[Question, ...]
    configs: tuple[ConfigInfo, ...]
    metrics: tuple[MetricInfo, ...]
    outcomes: Mapping[str, tuple[Outcome, ...]]  # {config: in the order of the questions}
    scores: Mapping[str, Mapping[str, tuple[float | None, ...]]]  # {config: {metric: in the order of the questions}}
    estimates: Mapping[str, Mapping[str, Estimate]]  # {config: {metric: over all questions}}
    groups: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Estimate]]]]  # {by: {group: {config: {metric: ..}}}}
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader must know: errors, incomplete layers, skipped questions
    unreadable: tuple[str, ...] = ()  # documents that a configuration could not read
