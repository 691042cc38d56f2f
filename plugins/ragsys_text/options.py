"""Options of this plugin's components; those of the embedders are in `embed_options`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ragsys.options import Options, incidental


class SplitterOptions(Options):
    """Options of the splitter `layout`."""

    words: int = Field(150, ge=20, le=2000, description="a passage holds at most this many words")
    least: int = Field(24, ge=0, description="a section with fewer words goes on into the next passage")
    overlap: int = Field(0, ge=0, description="words of the last sentences that begin the next passage too")

    @model_validator(mode="after")
    def _overlap_fits(self) -> SplitterOptions:
        if self.overlap * 2 > self.words:
            raise ValueError(f"overlap ({self.overlap}) must be at most half of words ({self.words})")
        return self


class WordsOptions(Options):
    """Options of the lexical component `words`."""

    page_length: float = Field(300.0, gt=0, description="terms of a page of reference length, for BM25")
    passage_length: float = Field(75.0, gt=0, description="terms of a passage of reference length, for BM25")
    k1: float = Field(1.5, ge=0, le=10, description="BM25: how soon repetitions of a term stop to count")
    b: float = Field(0.75, ge=0, le=1, description="BM25: how much long items are held down")


class Bm25Options(Options):
    """Options of the retriever `bm25`."""

    level: Literal["page", "passage"] = Field("page", description="what is scored: whole pages or passages")


class DenseOptions(Options):
    """Options of the retriever `dense`."""

    exact: bool = incidental(False, description="brute force instead of the store's approximate index")


class RrfOptions(Options):
    """Options of the fusion `rrf`."""

    k: float = Field(60.0, gt=0, description="larger: less weight on the very first ranks")
    weights: dict[str, float] = Field(default_factory=dict, description="retriever name -> weight; 1 if not named")


class ZsumOptions(Options):
    """Options of the fusion `zsum`."""

    weights: dict[str, float] = Field(default_factory=dict, description="retriever name -> weight; 1 if not named")
    absent: Literal["floor", "zero"] = Field("floor", description="what a page gets that a list does not hold")


class TopOptions(Options):
    """Options of the cut `top`."""

    k: int = Field(10, ge=1, description="hits that are kept")


class GapOptions(Options):
    """Options of the cut `gap`."""

    least: int = Field(1, ge=1, description="at least this many hits are kept")
    most: int = Field(10, ge=1, description="at most this many hits are kept")


class RelativeOptions(GapOptions):
    """Options of the cut `relative`."""

    share: float = Field(0.5, ge=0, le=1, description="keep scores this share of the way from the lowest to the best")
