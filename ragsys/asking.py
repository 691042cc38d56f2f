"""What an open library can be asked, in this process or in another: `Library` and `RemoteLibrary` share it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ragsys.answers import Answer
from ragsys.errors import LibraryError, UsageError
from ragsys.later import Later
from ragsys.types import BBox, Document, Event, Filter, LayerState, PageImage, Usage

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.actions import Turn
    from ragsys.chat import Chat
    from ragsys.chatting.threads import Threads
    from ragsys.config import AnswerConfig, Config
    from ragsys.exchange import Cancel
    from ragsys.places import Place
    from ragsys.progress import Report, Watch
    from ragsys.types import Evidence

#: Of all images of a question together: a client's travel to the owner, and both keep them in memory.
MAX_PIXELS = 64_000_000
CLOSED = "this library is closed"
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


def check_question(question: str, images: Sequence[Image] = ()) -> None:
    """Raises `UsageError` unless this can be asked, whoever owns the library: a text, images of a bounded size."""
    if not isinstance(question, str) or not question.strip():
        raise UsageError("the question is empty" if isinstance(question, str) else "the question must be a text")
    sizes = [getattr(image, "size", None) for image in images]
    if not all(isinstance(size, tuple) for size in sizes):
        raise UsageError("images: expected images of PIL", hint="PIL.Image.open(path)")
    if (pixels := sum(size[0] * size[1] for size in sizes if size)) > MAX_PIXELS:
        raise UsageError(
            f"the images of the question have {pixels:,} pixels together, at most {MAX_PIXELS:,} can be asked about",
            hint="make them smaller: image.thumbnail((2000, 2000))",
        )


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds, and what it still waits for."""

    root: str
    folder: str
    documents: int
    pages: int
    passages: int
    outcomes: Mapping[str, int]  # {outcome: documents}
    layers: Mapping[str, LayerState]  # {stage: how much of it is done}

    @property
    def pending(self) -> dict[str, LayerState]:
        """The stages that are not complete."""
        return {name: layer for name, layer in self.layers.items() if not layer.complete}


class Asking(ABC):
    """All that can be done with an open library, whichever process owns it; each call is described here.

    `Library` and `RemoteLibrary` take the same calls and refuse the same ones.
    """

    place: Place  # where the library lives, and what it is of
    config: Config

    @property
    @abstractmethod
    def owner(self) -> int:
        """The id of the process that owns the library."""

    @abstractmethod
    def index(
        self, *, wait: bool = False, prune: bool = False, retry: bool | None = None, progress: Watch | None = None
    ) -> Report:
        """Bring the library up to the folder. `wait` also fills every later layer before it returns.

        `prune` deletes what is gone from the folder however much it is. `retry` tries everything again that failed
        before; None: only what may have failed by a passing cause (time, memory, a crash), three times at most; False:
        nothing. Interrupting it (Ctrl-C) loses nothing that was committed; the next call continues.
        """

    @property
    @abstractmethod
    def under_way(self) -> str:
        """What an indexing run that goes on elsewhere has still to read; empty without one.

        A search meanwhile sees the documents that are whole.
        """

    @abstractmethod
    def resume(self) -> None:
        """Fill the later layers in the background, from where they stand."""

    @abstractmethod
    def finish(self, seconds: float, progress: Watch | None = None) -> bool:
        """Fill the later layers for at most so long; whether they are complete. Ctrl-C ends it and loses nothing.

        For a process that would end now: small folders are complete in a few seconds. `progress` is told of it only in
        the process that owns the library.
        """

    @abstractmethod
    def refresh(self) -> None:
        """Index what is new, once a library; what `search`, `ask` and `stream` call first."""

    @abstractmethod
    def prepare(self) -> None:
        """Begin to open what the first question will need; it is done beside what is called next."""

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
        images: Sequence[Image] = (),
        history: Sequence[Turn] = (),
        cancel: Cancel | None = None,
        answer: AnswerConfig | None = None,
    ) -> Iterator[Event]:
        """The steps and pieces of text of an answer as they come; the last event's `data` is the `Answer`.

        `images` belong to the question: it is about what they show; together at most `MAX_PIXELS`. `history` is what
        was said before, oldest first; `cancel` gives the answer up, from any thread. `answer` replaces that section of
        the configuration. Small talk ("thanks") is replied to without a search, and without indexing first.
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
    def document(self, name: str) -> Document:
        """The document with this path (or its end), id or start of an id. Raises `UsageError` unless one fits."""

    @abstractmethod
    def remove(self, name: str) -> Document:
        """Take a document out of the library; its file stays where it is and is not indexed again until `restore`."""

    @abstractmethod
    def restore(self, name: str) -> None:
        """Undo `remove`: the next indexing run reads the file again. Takes what `document` takes."""

    @abstractmethod
    def status(self) -> Status:
        """What the library holds and what is pending."""

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

    def ask(
        self,
        question: str,
        *,
        filter: Narrowed = None,
        budget: Mapping[str, float] | None = None,
        images: Sequence[Image] = (),
        history: Sequence[Turn] = (),
        cancel: Cancel | None = None,
        answer: AnswerConfig | None = None,
    ) -> Answer:
        """The answer to a question, with its citations. Takes what `stream` takes."""
        given: Any = {"filter": filter, "budget": budget, "images": images, "history": history}
        made: Answer | None = None
        for event in self.stream(question, **given, cancel=cancel, answer=answer):
            if event.kind == "answer":
                made = event.data
        if made is None:
            raise LibraryError("the answer's stream ended without an answer")
        return made

    @abstractmethod
    def close(self) -> None:
        """Let go of the library. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
