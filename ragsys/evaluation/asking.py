"""One question put to one open library: its ranked pages, its answer, what both cost, or the error they ended with.

The ranked pages are one search of the question as it stands, with all that the configuration says of searching. The
answer is then made as for any user, by `Library.stream`: its agent searches for itself, for as many pages as it wants
and perhaps in other words, so that an answer may rest on pages that are not ranked here. Both are timed apart: `search`
is the first, `answer` the second with its own searches, and `total` is what a user waits for: the answer where there is
one, else the search.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys.answer import marked
from ragsys.errors import LibraryError, RagsysError, SuiteError
from ragsys.types import Filter, Query

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.answers import Answer
    from ragsys.evaluation.records import Cited, FoundPage, Outcome, Question
    from ragsys.library import Library
    from ragsys.search import Found
    from ragsys.types import Hit

_BOXES = 20  # of a page that are kept, the best first
_HELD = 50_000  # passages in memory, a few ten MB
_PIXELS = 64_000_000  # of a query image


@dataclass(frozen=True, slots=True)
class How:
    """What is asked of every question alike."""

    depth: int = 20  # pages of a ranking
    search_only: bool = False
    scoped: bool = True  # search the documents that a question's own scope names
    partial: bool = False  # search layers that are not complete
    boxes: bool = False  # give the boxes of ranked pages: the suite has gold boxes
    passages: bool = False  # give their passages' texts: the suite has gold passages


class Asker:
    """Asks a suite's questions of one open library."""

    def __init__(self, library: Library, name: str, root: Path, documents: Collection[str], how: How) -> None:
        """`name` is the configuration's; `documents` are the suite's, by their path below `root`."""
        self._library, self._name, self._root, self._how = library, name, root, how
        self._warm = False
        official = set(documents)
        states = [state for state in library.space.catalog if not state.excluded]
        #: {document: its paths in the suite}: equal files are one document under several names
        self._paths = {s.doc: sorted(official & set(s.paths)) for s in states if official & set(s.paths)}
        self._docs = {path: doc for doc, paths in self._paths.items() for path in paths}
        self._held: dict[tuple[str, int, int], str | None] = {}  # {(document, page, passage)}
        self._scopes: dict[tuple[str, ...], tuple[str, ...]] = {}
        # a folder may hold more than the benchmark's documents: they are kept out of every search
        self._only = tuple(sorted(self._paths)) if len(self._paths) < len(states) else ()

    def __call__(self, question: Question) -> Outcome:
        """What the configuration gives; an error is a part of the outcome and never raised."""
        pages: list[FoundPage] = []
        notes: list[str] = []
        made: Answer | None = None
        seconds: dict[str, float] = {}
        error: str | None = None
        if not self._warm:
            self._warm_up()
        try:
            where, images = self._filter(question), self._images(question)
            pages, notes = self._search(question, where, images, seconds)
            if not self._how.search_only:
                made = self._answer(question, where, images, seconds)
        except Exception as problem:  # whatever a plugin raises: the next question is asked
            error = _told(problem)
        seconds["total"] = seconds.get("answer", seconds.get("search", 0.0))
        usage = made.usage if made else None
        outcome: Outcome = {
            "id": question["id"],
            "config": self._name,
            "pages": pages,
            "answer": _text(made) if made else None,
            "status": made.status if made else None,
            "citations": self._citations(made, _named(question)) if made else [],
            "usage": {
                "calls": usage.calls if usage else 0,
                "input_tokens": usage.input_tokens if usage else 0,
                "output_tokens": usage.output_tokens if usage else 0,
                "seconds": round(usage.seconds, 6) if usage else 0.0,
                **({"confidence": made.confidence} if made and made.confidence is not None else {}),
            },
            "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
            "error": error,
        }
        if notes:
            outcome["notes"] = notes
        return outcome

    def _warm_up(self) -> None:
        """Search once for nothing, so that no question's seconds hold the loading of a model."""
        self._warm = True
        with contextlib.suppress(Exception):  # told by the questions
            self._library.searcher.search(Query("warm up"), 1)

    def _filter(self, question: Question) -> Filter:
        scope = question.get("scope") if self._how.scoped else None
        if not scope:
            return Filter(doc=self._only)
        docs = self._scoped(tuple(scope))
        if not docs:
            raise LibraryError("none of the documents that it is about could be read")
        return Filter(doc=docs)

    def _scoped(self, scope: tuple[str, ...]) -> tuple[str, ...]:
        """The documents of a question's scope; a name that ends in / is the folder."""
        known = self._scopes.get(scope)
        if known is None:
            folders = tuple(name for name in scope if name.endswith("/"))
            names = {*scope, *(path for path in self._docs if folders and path.startswith(folders))}
            known = self._scopes[scope] = tuple(sorted({self._docs[name] for name in names if name in self._docs}))
        return known

    def _images(self, question: Question) -> tuple[Image, ...]:
        return tuple(query_image(self._root, name) for name in question.get("images", ()))

    # -- the ranked pages --------------------------------------------------------------------------------------------

    def _search(
        self, question: Question, where: Filter, images: tuple[Image, ...], seconds: dict[str, float]
    ) -> tuple[list[FoundPage], list[str]]:
        """(the pages, the search's notes)."""
        query = Query(question["question"], images, where)
        began = time.perf_counter()
        found = self._library.searcher.search(query, self._how.depth, partial=self._how.partial)
        seconds["search"] = time.perf_counter() - began
        seconds |= {f"search.{stage}": value for stage, value in found.seconds.items()}
        return self._pages(found, query, _named(question)), list(found.notes)

    def _pages(self, found: Found, query: Query, named: Collection[str]) -> list[FoundPage]:
        if self._how.passages:
            self._look_up(found.hits)
        boxes = self._boxes(found.hits, query) if self._how.boxes else {}
        pages: list[FoundPage] = []
        for hit in found.hits:
            page: FoundPage = {
                "doc": self._path(hit.doc, named),
                "page": hit.page,
                "score": _rounded(hit.score),
                "stage_scores": {stage: _rounded(score) for stage, score in hit.stage_scores.items()},
            }
            if self._how.boxes:
                page["boxes"] = boxes.get((hit.doc, hit.page), [])
            if self._how.passages:
                held = [self._held.get((hit.doc, hit.page, n)) for n in hit.passages]
                page["passages"] = [text for text in held if text is not None]
            pages.append(page)
        return pages

    def _look_up(self, hits: Sequence[Hit]) -> None:
        """Hold what the best passages of these hits say and where, each passage read once in a run."""
        if len(self._held) > _HELD:
            self._held.clear()
        lacking = [hit for hit in hits if any((hit.doc, hit.page, n) not in self._held for n in hit.passages)]
        for one in self._library.searcher.evidence(lacking):
            for passage in one.passages:
                key = one.doc, one.page.number, passage.ordinal
                self._held[key] = _clean(passage.text)
        for hit in lacking:
            for n in hit.passages:  # what is gone since the search
                self._held.setdefault((hit.doc, hit.page, n), None)

    def _boxes(self, hits: Sequence[Hit], query: Query) -> dict[tuple[str, int], list[list[float]]]:
        """{(document, page): the boxes of its blocks that fit the query best}."""
        found: dict[tuple[str, int], list[list[float]]] = {}
        for one in self._library.searcher.evidence(hits, query=query):
            blocks = [one.page.blocks[n] for n in one.blocks[:_BOXES]]
            found[one.doc, one.page.number] = [[round(value, 5) for value in block.bbox] for block in blocks]
        return found

    def _path(self, doc: str, named: Collection[str]) -> str:
        """The document's path; of equal files the one that the question names."""
        paths = self._paths.get(doc) or [doc]
        return next((path for path in paths if path in named), paths[0])

    # -- the answer --------------------------------------------------------------------------------------------------

    def _answer(
        self, question: Question, where: Filter, images: tuple[Image, ...], seconds: dict[str, float]
    ) -> Answer:
        made: Answer | None = None
        began = time.perf_counter()
        for event in self._library.stream(question["question"], filter=where, images=images):
            made = event.data if event.kind == "answer" else made
        seconds["answer"] = time.perf_counter() - began
        if made is None:
            raise LibraryError("the answer's stream ended without an answer")
        return made

    def _citations(self, made: Answer, named: Collection[str]) -> list[Cited]:
        return [
            {
                "doc": self._path(citation.doc, named),
                "page": citation.page,
                "bbox": [round(value, 5) for value in box],
                "quote": _clean(citation.quote),
                "level": citation.level.value,
            }
            for citation in made.citations
            for box in citation.bboxes
        ]


def query_image(root: Path, name: str) -> Image:
    """An image of a question, below the suite's root. Raises `SuiteError` on one that cannot be shown."""
    from PIL import Image

    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise SuiteError(f"the image {name} is not below {root}")
    try:
        with Image.open(path) as image:
            if image.width * image.height > _PIXELS:
                raise SuiteError(f"the image {name} has {image.width} x {image.height} pixels, more than {_PIXELS:,}")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SuiteError(f"the image {name} cannot be read: {error}") from error


def _named(question: Question) -> set[str]:
    """The documents that a question's record names."""
    gold: list[Any] = [
        *question.get("gold_pages", ()),
        *question.get("gold_boxes", ()),
        *question.get("gold_passages", ()),
    ]
    return {one["doc"] for one in gold} | {*question.get("doc_ids", ()), *question.get("scope", ())}


def _text(made: Answer) -> str:
    """The answer without its citation marks."""
    if not made.said:
        return _clean(made.text)
    return _clean(marked(tuple(replace(sentence, citations=()) for sentence in made.said)))


def _told(problem: Exception) -> str:
    message = problem.message if isinstance(problem, RagsysError) else str(problem)
    return _clean(" ".join(f"{type(problem).__name__}: {message}".split()))[:500]


def _clean(text: str) -> str:
    """Without what UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _rounded(value: float) -> float:
    """To seven significant digits: single precision, which is what scores are made of."""
    return float(f"{value:.7g}") if math.isfinite(value) else 0.0
