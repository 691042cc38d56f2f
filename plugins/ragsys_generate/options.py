"""Options of the generators."""

from __future__ import annotations

from pydantic import Field

from ragsys.options import Options


class ExtractiveOptions(Options):
    """Of `extractive`."""

    sentences: int = Field(4, ge=1, le=12, description="at most this many sentences and rows")
    abstain: float = Field(
        0.55,
        ge=0,
        le=1,
        description="abstain below this score of the best sentence: the share of the question that it covers",
    )
    characters: int = Field(480, ge=80, le=4000, description="a longer sentence is not taken")
