"""What an open library can be asked, in this process or in another: `Library` and `RemoteLibrary` share it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ragsys.answers import Answer
from ragsys.errors import LibraryError, UsageError
from ragsys.later import Later
from ragsys.types import BBox, Document, Event, Filter, PageImage, Usage

if TYPE_CHECKING:
    from ragsys.actions import Turn
    from ragsys.chat import Chat
    from ragsys.chatting.threads import Threads
    from ragsys.config import Config
    from ragsys.exchange import Cancel
    from ragsys.places import Place
    from ragsys.types import Evidence

_BOXES = 3  # of a found page that are given


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One found page. `score`: higher is better, comparable only within its list."""

    rank: int
    doc: str
    path: str
    title: str
    page: int  # 1-based
    score: float
    stage_scores: Mapping[str, float]
    passages: tuple[str, ...]  # its best passages' texts, best first
    headings: tuple[str, ...] = ()  # the section path of the best passage
    neighbours: tuple[int, ...] = ()
    boxes: Sequence[BBox] = ()  # of the blocks that fit the query best, best first; found when they are looked at

    @classmethod
    def of(cls, evidence: Evidence, blocks: Callable[[], Sequence[int]]) -> SearchHit:
        """From the page's evidence; `blocks` finds the ordinals of the blocks that fit the query, best first."""
        hit = evidence.hit
        best = evidence.passages
        return cls(
            rank=hit.rank,
            doc=evidence.doc,
            path=evidence.path,
            title=evidence.title,
            page=evidence.page.number,
            score=hit.score,
            stage_scores=dict(hit.stage_scores),
            passages=tuple(passage.text for passage in best),
            headings=best[0].headings if best else (),
            neighbours=hit.neighbours,
            boxes=Later(lambda: [evidence.page.blocks[n].bbox for n in blocks()[:_BOXES]]),
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """How the hits of a search came about."""

    coverage: Mapping[str, float]  # share of the searched set that each list could have found, 0..1
    seconds: Mapping[str, float]  # by stage
    notes: tuple[str, ...] = ()


Narrowed = Filter | Mapping[str, Any] | None


def check_search(text: str, k: int) -> None:
    """Raises `UsageError` unless a search may be asked for this text and this many pages."""
    if not isinstance(text, str):
        raise UsageError(f"the query must be a text, found {text!r}", hint='search("...", k=10)')
    if not text.strip():
        raise UsageError("the query is empty")
    if not isinstance(k, int):
        raise UsageError(f"k: expected a whole number of pages, found {k!r}", hint='search("...", k=10)')
    if k < 1:
        raise UsageError(f"k is {k}: at least one page must be asked for")


class Asking(ABC):
    """The short forms of `find` and `stream`, chats, and use as a context manager."""

    place: Place  # where the library lives, and what it is of
    config: Config

    @abstractmethod
    def find(self, text: str, k: int = 10, *, filter: Narrowed = None) -> tuple[list[SearchHit], Explained]:
        """`search`, with how the hits came about: coverage of each list, seconds by stage."""

    def search(self, text: str, k: int = 10, *, filter: Narrowed = None) -> list[SearchHit]:
        """The best k pages for a text, best first."""
        return self.find(text, k, filter=filter)[0]

    @abstractmethod
    def stream(
        self,
        question: str,
        *,
        filter: Narrowed = None,
        budget: Mapping[str, float] | None = None,
        history: Sequence[Turn] = (),
        cancel: Cancel | None = None,
    ) -> Iterator[Event]:
        """The steps and pieces of text of an answer as they come; the last event's `data` is the `Answer`.

        `history` is what was said before, oldest first; `cancel` gives the answer up, from any thread.
        """

    @abstractmethod
    def reworded(
        self, question: str, history: Sequence[Turn], *, seconds: float = 20.0, cancel: Cancel | None = None
    ) -> tuple[str, Usage] | None:
        """What the language model makes of a question that follows on others, unchecked, and its price; None where no
        model is configured. Raises `GenerationError`, or `BudgetSpent` when it takes longer than `seconds`."""

    @abstractmethod
    def documents(self, *, removed: bool = False) -> list[Document]:
        """Every document, by path; with `removed` also those that were taken out of the library."""

    @abstractmethod
    def render(self, doc: str, page: int, *, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        """A page as an image. Raises `DocumentError` if its file is gone or broken."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Changes with every change of what a search may return."""

    @property
    def threads(self) -> Threads:
        """The conversations that were kept in this library."""
        from ragsys.chatting.threads import FOLDER, Threads

        return Threads(self.place.folder / FOLDER)

    def chat(
        self, thread: str | None = None, *, filter: Narrowed = None, budget: Mapping[str, float] | None = None
    ) -> Chat:
        """A conversation: follow-ups and corrections are understood from what came before. Use it as a context manager.

        `thread` names a kept one to go on with, or a new one; None: a new one with a name of its own. Raises
        `UsageError` for a name that cannot be one, `LibraryBusy` if another chat has it open.
        """
        from ragsys.chat import Chat

        return Chat(self, thread, filter=filter, budget=budget)

    def ask(self, question: str, *, filter: Narrowed = None, budget: Mapping[str, float] | None = None) -> Answer:
        """The answer to a question, with its citations."""
        answer: Answer | None = None
        for event in self.stream(question, filter=filter, budget=budget):
            if event.kind == "answer":
                answer = event.data
        if answer is None:
            raise LibraryError("the answer's stream ended without an answer")
        return answer

    @abstractmethod
    def close(self) -> None:
        """Let go of the library. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
