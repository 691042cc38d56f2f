"""Any text model that sentence-transformers loads: on a GPU where there is one, from a folder or the model hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ragsys.errors import ConfigError
from ragsys.protocols import Context
from ragsys.types import FloatArray, VectorSpec
from ragsys_text.embedding import TextEmbedder

if TYPE_CHECKING:
    from ragsys_text.embed_options import SentenceTransformersOptions


class SentenceTransformersEmbedder(TextEmbedder[Any]):
    """Batches by length, as the library does; padding is masked, so batch mates move a vector by rounding alone."""

    def __init__(self, options: SentenceTransformersOptions, context: Context) -> None:
        super().__init__(
            VectorSpec(
                f"sentence-transformers-{context.fingerprint}",
                "dense",
                options.dims,
                distance="cosine" if options.normalise else "dot",
            )
        )
        self._options = options

    def _open(self) -> Any:
        from sentence_transformers import SentenceTransformer

        options = self._options
        try:
            model: Any = SentenceTransformer(
                options.model,
                device=options.device or None,
                revision=options.revision or None,
                trust_remote_code=False,  # a model is data here, never code
            )
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise ConfigError(
                f"embedder 'sentence-transformers': model '{options.model}' cannot be loaded: {error}",
                hint="name a folder that sentence-transformers saved, or a model of the hub that this machine reaches",
            ) from error
        if options.max_tokens:
            model.max_seq_length = options.max_tokens
        return model

    def _vectors(self, texts: Sequence[str], *, query: bool) -> Sequence[FloatArray]:
        import numpy as np

        options, model = self._options, self.opened()
        prefix = options.query_prefix if query else options.passage_prefix
        encode, extra = model.encode, {"prompt": prefix}
        if prefix is None:
            encode, extra = model.encode_query if query else model.encode_document, {}
        made = encode(
            list(texts),
            batch_size=options.batch,
            normalize_embeddings=options.normalise,
            convert_to_numpy=True,
            show_progress_bar=False,
            **extra,
        )
        vectors = np.asarray(made, np.float32)  # (texts, d)
        if vectors.shape != (len(texts), options.dims):
            raise ConfigError(
                f"embedder 'sentence-transformers': model '{options.model}' makes vectors of {vectors.shape[-1]} "
                f"dimensions, the options say {options.dims}",
                hint=f"write  dims: {vectors.shape[-1]}",
            )
        return list(vectors)
