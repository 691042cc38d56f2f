"""Options of this plugin's embedders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragsys.options import Options, incidental


class CpuOptions(Options):
    """What every model that runs in onnxruntime can be told."""

    threads: int = incidental(0, description="texts embedded at the same time; 0: one a core, at most 8", ge=0, le=64)


class MiniLMOptions(CpuOptions):
    """Options of the embedder `minilm`."""

    max_tokens: int = Field(256, ge=8, le=512, description="longer texts are cut to this many tokens")


class OnnxOptions(CpuOptions):
    """Options of the embedder `onnx`."""

    path: str = Field(min_length=1, description="the model's folder, with tokenizer.json and the model's file")
    file: str = Field("model.onnx", min_length=1, description="the model's file inside the folder")
    revision: str = Field("", description="of the model: change it when the files change, and vectors are made anew")
    output: str = Field("", description="the model's output to use; empty: the first")
    dims: int = Field(0, ge=0, description="of its vectors; 0: hidden_size of the folder's config.json")
    max_tokens: int = Field(512, ge=8, le=32768, description="longer texts are cut to this many tokens")
    pooling: Literal["mean", "cls", "last"] = Field("mean", description="how token vectors become one")
    normalise: bool = Field(True, description="vectors of length 1, compared by cosine; else by dot product")
    query_prefix: str = Field("", description="put before queries, such as 'query: '")
    passage_prefix: str = Field("", description="put before passages, such as 'passage: '")


class SentenceTransformersOptions(Options):
    """Options of the embedder `sentence-transformers`."""

    model: str = Field(min_length=1, description="a folder, or a name on the model hub")
    revision: str = Field("", description="of the model on the hub: a branch, tag or commit")
    dims: int = Field(ge=1, description="of its vectors")
    max_tokens: int = Field(0, ge=0, le=32768, description="longer texts are cut to this many tokens; 0: the model's")
    normalise: bool = Field(True, description="vectors of length 1, compared by cosine; else by dot product")
    query_prefix: str | None = Field(None, description="put before queries; null: the model's own prompt")
    passage_prefix: str | None = Field(None, description="put before passages; null: the model's own prompt")
    device: str = incidental("", description="cpu, cuda, mps, ...; empty: the best there is")
    batch: int = incidental(32, description="texts embedded at once", ge=1, le=4096)
