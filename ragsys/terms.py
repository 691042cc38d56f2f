"""What makes sparse vectors of words, and what a library knows of terms; `protocols` gives both out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from ragsys.types import Sparse


@runtime_checkable
class Lexical(Protocol):
    """Makes sparse vectors of words. Weights of items hold term frequency and length; those of queries hold rarity."""

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order, after folding, stop words and stemming."""
        ...

    def term_id(self, term: str) -> int:
        """The term's id, 0..2^32-1, the same on every machine."""
        ...

    def term_ids(self, text: str) -> list[int]:
        """The ids of `terms` of a text, in order."""
        ...

    def encode_item(self, text: str, *, level: Literal["page", "passage"]) -> Sparse:
        """The item's vector; depends on this text and level alone, never on other items."""
        ...

    def scores(
        self, query: Sparse, texts: Sequence[Sequence[str]], *, level: Literal["page", "passage"]
    ) -> list[float]:
        """The score of each text for a query's vector: the dot product with its item's vector, which is not made.

        The texts are of one page, and told to be of one language; each comes in parts that stand a space apart.
        """
        ...

    def encode_query(self, text: str, statistics: Statistics) -> Sparse:
        """The query's vector; terms that the statistics do not know weigh as if in no item."""
        ...


class Statistics(Protocol):
    """What a library knows of the terms of one named sparse vector."""

    @property
    def items(self) -> int:
        """How many points (pages or passages) carry the vector."""
        ...

    def frequency(self, term_ids: Sequence[int]) -> Sequence[int]:
        """In how many items each term occurs; 0 for an unknown one."""
        ...
