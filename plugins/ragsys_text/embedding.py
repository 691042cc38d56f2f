"""What this plugin's embedders share: one named vector a text, a model that opens once, at the first text."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from ragsys.errors import UsageError
from ragsys.types import FloatArray, Query, VectorSpec

if TYPE_CHECKING:
    from PIL.Image import Image

Model = TypeVar("Model")


class TextEmbedder(ABC, Generic[Model]):
    """An `Embedder` of texts. Subclasses open the model and run it; both may be called from several threads."""

    def __init__(self, spec: VectorSpec) -> None:
        self._spec = spec
        self._model: Model | None = None
        self._lock = threading.Lock()

    @property
    def specs(self) -> tuple[VectorSpec, ...]:
        """The one vector it makes."""
        return (self._spec,)

    def embed_items(self, items: Sequence[str | Image]) -> list[dict[str, FloatArray]]:
        """{vector name: (d,) float32} of each text. Raises `UsageError` on an image."""
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) != len(items):
            raise UsageError(f"the embedder of '{self._spec.name}' reads text and was given an image")
        return self._named(self._vectors(texts, query=False) if texts else [])

    def embed_queries(self, queries: Sequence[Query]) -> list[dict[str, FloatArray]]:
        """{vector name: (d,) float32} of each query's text; its images are for other embedders."""
        return self._named(self._vectors([query.text for query in queries], query=True) if queries else [])

    def warm_up(self) -> None:
        """Open the model now, not at the first text; from a thread of its own, where its time is to overlap."""
        self.opened()

    def opened(self) -> Model:
        """The model, opened at the first call."""
        with self._lock:
            if self._model is None:
                self._model = self._open()
            return self._model

    def _named(self, vectors: Sequence[FloatArray]) -> list[dict[str, FloatArray]]:
        return [{self._spec.name: vector} for vector in vectors]

    @abstractmethod
    def _open(self) -> Model:
        """The model, ready to run."""

    @abstractmethod
    def _vectors(self, texts: Sequence[str], *, query: bool) -> Sequence[FloatArray]:
        """(d,) float32 of each text; `texts` is not empty."""
