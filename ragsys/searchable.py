"""What retrievers, fusions and rankers see of a library; `protocols` gives it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from ragsys.types import Document, Page, Query, Span

if TYPE_CHECKING:
    from ragsys.protocols import Statistics, Store
    from ragsys.store import Condition


class Searchable(Protocol):
    """What retrievers, fusions and rankers see of a library (`index.Index` is the implementation)."""

    @property
    def store(self) -> Store:
        """The library's store."""
        ...

    def scope(self, query: Query, *, items: Literal["page", "passage"], vector: bool = False) -> Condition:
        """The condition that a search over pages or passages runs under: layer, completeness and the filter.

        With `vector` it is for a search by a named vector of these items: where no other point carries one, their layer
        is not asked for.
        """
        ...

    def statistics(self, vector: str) -> Statistics:
        """The current term statistics of a named sparse vector, over the complete documents."""
        ...

    def coverage(self, vector: str, query: Query) -> float:
        """The share of the items in scope that carry the named vector, 0..1."""
        ...

    def texts(self, ids: Sequence[str]) -> list[str]:
        """The texts of passages by point id, headings first, as they are embedded; same order."""
        ...

    @property
    def key(self) -> str:
        """Changes with every change of what a search may return: what follows from documents is kept under it."""
        ...

    def documents(self) -> Mapping[str, Document]:
        """{id: document} of all that a search may return, without the states of their layers."""
        ...

    def digests(self, spans: Sequence[Span]) -> dict[Span, bytes]:
        """{span: what the configuration's ranker made of its first page while it was parsed}, without pages of which it
        made none: those of libraries that are older than the ranker."""
        ...

    def content(self, spans: Sequence[Span]) -> dict[Span, Page]:
        """{span: its first page} of those that the store holds, as a search sees them."""
        ...
