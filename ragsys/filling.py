"""The vectors of items that have none yet: encoded, checked and stored. A text that fails costs its own item alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ragsys.store import Record
from ragsys.types import Sparse, Vector, VectorSpec

if TYPE_CHECKING:
    from ragsys.protocols import Retriever
    from ragsys.space import Space

log = logging.getLogger("ragsys")


def fill(space: Space, spec: VectorSpec, retriever: Retriever, records: Sequence[Record]) -> dict[str, str]:
    """Encode these points for one vector and store it. Returns {point: why it has none}.

    A document that is written anew meanwhile, as OCR does, keeps what it has: its points wait for the next time.
    Raises what the retriever raises if it fails on every text.
    """
    versions = {doc: space.version(doc) for doc in {record.payload["doc"] for record in records}}
    texts = space.item_texts(spec, records)
    failed = {r.id: "its text cannot be read" for r, text in zip(records, texts, strict=True) if text is None}
    whole = [(record.id, text) for record, text in zip(records, texts, strict=True) if text is not None]
    vectors: dict[str, Vector] = {}
    for (point, _), made in zip(whole, _encoded(retriever, spec.name, [text for _, text in whole]), strict=True):
        if isinstance(made, Exception):
            failed[point] = f"{type(made).__name__}: {made}"
        elif not np.isfinite(made.values if isinstance(made, Sparse) else made).all():
            failed[point] = "its vector has values that are no numbers"
        else:
            vectors[point] = made
    docs = {record.id: record.payload["doc"] for record in records}
    with space.unchanged(versions) as same:
        space.store.set_vectors(spec.name, {point: made for point, made in vectors.items() if docs[point] in same})
    return {point: reason for point, reason in failed.items() if docs[point] in same}


def _encoded(retriever: Retriever, name: str, texts: Sequence[str]) -> list[Vector | Exception]:
    """The vectors of these texts; where the embedder fails on some, their errors in their places."""
    if not texts:
        return []
    try:
        return [encoded[name] for encoded in _checked(retriever, texts)]
    except Exception as error:
        _checked(retriever, ["a"])  # raises if the embedder fails on anything: a server that is gone, a missing package
        if len(texts) == 1:
            return [error]
        log.info("%s failed on a batch: its texts are encoded one by one", name, exc_info=True)
        return [found for text in texts for found in _encoded(retriever, name, [text])]


def _checked(retriever: Retriever, texts: Sequence[str]) -> list[dict[str, Vector]]:
    encoded = list(retriever.encode_items(texts))
    if len(encoded) != len(texts):
        raise ValueError(f"{len(encoded)} vectors for {len(texts)} texts")
    return encoded
