"""Term statistics of a library's sparse vectors: in how many items each term occurs, and how many items there are.

Engines' own statistics are no truth: they keep deleted points, or differ by shard. So each document's commit carries
its own counts (in its state point), and the library's are their sum over the complete documents.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint32]
Counts = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class TermCounts:
    """Document frequencies: `ids` ascending and unique, `counts` (same length) the items that hold each term."""

    items: int
    ids: Ids  # (n,)
    counts: Counts  # (n,)

    @classmethod
    def empty(cls) -> TermCounts:
        """No items, no terms."""
        return cls(0, np.empty(0, np.uint32), np.empty(0, np.uint32))

    @classmethod
    def of(cls, vectors: Sequence[Ids]) -> TermCounts:
        """Counted over the term ids of items' sparse vectors (each unique in itself)."""
        if not vectors:
            return cls.empty()
        ids, counts = np.unique(np.concatenate(vectors), return_counts=True)
        return cls(len(vectors), ids.astype(np.uint32), counts.astype(np.uint32))

    @classmethod
    def total(cls, parts: Iterable[TermCounts]) -> TermCounts:
        """The sum of several."""
        parts = list(parts)
        if not parts:
            return cls.empty()
        every = np.concatenate([part.ids for part in parts])
        weights = np.concatenate([part.counts for part in parts])
        ids, where = np.unique(every, return_inverse=True)
        counts = np.bincount(where, weights=weights, minlength=len(ids))
        return cls(sum(part.items for part in parts), ids, counts.astype(np.uint32))

    def frequency(self, term_ids: Sequence[int]) -> list[int]:
        """In how many items each term occurs; 0 for an unknown one."""
        if not len(self.ids):
            return [0] * len(term_ids)
        wanted = np.asarray(term_ids, np.uint32)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        found: list[int] = np.where(self.ids[at] == wanted, self.counts[at], 0).tolist()
        return found

    def pack(self) -> str:
        """As text for a payload: gaps between ids and counts, deflated."""
        gaps = np.diff(self.ids, prepend=np.uint32(0)).astype("<u4")
        raw = np.uint32(self.items).astype("<u4").tobytes() + gaps.tobytes() + self.counts.astype("<u4").tobytes()
        return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")

    @classmethod
    def unpack(cls, packed: str) -> TermCounts:
        """The inverse of `pack`."""
        raw = np.frombuffer(zlib.decompress(base64.b64decode(packed)), "<u4")
        size = (len(raw) - 1) // 2
        ids = np.cumsum(raw[1 : 1 + size], dtype=np.uint32)
        return cls(int(raw[0]), ids, raw[1 + size :].astype(np.uint32))
