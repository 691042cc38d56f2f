"""Options of the metrics. `k` is what `NAME@K` on the command line sets."""

from __future__ import annotations

from pydantic import Field

from ragsys.options import Options


class RankOptions(Options):
    """Options of metrics of a ranking."""

    k: int | None = Field(None, ge=1, le=10_000, description="only the first k of the ranking; none: the whole of it")


class LayoutOptions(RankOptions):
    """Options of metrics of a ranking of boxes."""

    iou: float = Field(0.5, gt=0, le=1, description="a gold box is found by a box of at least this overlap (IoU)")


class TopOptions(Options):
    """Options of metrics of a ranking that are defined with a cut."""

    k: int = Field(10, ge=1, le=10_000, description="only the first k of the ranking")


class BoxOptions(Options):
    """Options of box precision, recall and F1."""

    iou: float = Field(0.5, gt=0, le=1, description="boxes with at least this overlap (IoU) are the same")


class BoxHitOptions(Options):
    """Options of box hits."""

    k: int = Field(5, ge=1, le=10_000, description="only the first k boxes")
    least: float = Field(0.1, ge=0, le=1, description="share of a gold box that one box must cover")


class AccuracyOptions(Options):
    """Options of `answer_accuracy`."""

    words: int = Field(200, ge=1, description="only this many first words of an answer count")
    numbers: int = Field(4, ge=1, description="an answer with more numbers than this says none of them")
    recall: float = Field(0.75, gt=0, le=1, description="share of a long gold answer's words that must be there")


class SelectiveOptions(Options):
    """Options of `selective_accuracy`."""

    k: int = Field(25, ge=1, le=100, description="the surest so many of a hundred questions")


class JudgeOptions(Options):
    """Options of metrics that ask a model."""

    max_tokens: int = Field(1024, ge=16, description="tokens of one reply at most")
    least: int = Field(4, ge=1, le=5, description="a grade of at least this is a correct answer")
