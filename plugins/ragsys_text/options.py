"""Options of this plugin's components."""

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


class OnnxRuntimeOptions(Options):
    """What every ONNX text model can be told."""

    max_tokens: int = Field(256, ge=8, le=8192, description="longer texts are cut to this many tokens")
    threads: int = incidental(0, description="of one session; 0: one a core, at most 4", ge=0, le=64)
    batch: int = incidental(4, description="texts run at once", ge=1, le=256)


class MiniLMOptions(OnnxRuntimeOptions):
    """Options of the embedder `minilm`."""

    max_tokens: int = Field(256, ge=8, le=512, description="longer texts are cut to this many tokens")


class OnnxOptions(OnnxRuntimeOptions):
    """Options of the embedder `onnx`: a folder with model.onnx and tokenizer.json."""

    path: str = Field(description="the folder of the model")
    revision: str = Field("", description="names the model's version: raise it when the files change")
    file: str = Field("model.onnx", description="the model's file in the folder, such as onnx/model_int8.onnx")
    pooling: Literal["mean", "cls", "last"] = Field("mean", description="how token vectors become one")
    output: str = Field("", description="the model's output to use; empty: the first")
    query_prefix: str = Field("", description="put before queries, such as 'query: '")
    item_prefix: str = Field("", description="put before passages, such as 'passage: '")


class SentenceTransformersOptions(Options):
    """Options of the embedder `sentence-transformers`."""

    model: str = Field(description="a folder, or a name that the model hub knows")
    revision: str = Field("", description="the model's version on the hub")
    dim: int = Field(gt=0, description="dimensions of its vectors")
    query_prompt: str = Field("", description="put before queries")
    item_prompt: str = Field("", description="put before passages")
    device: str = incidental("", description="cpu, cuda, mps; empty: what there is")
    batch: int = incidental(32, description="texts run at once", ge=1, le=4096)


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
