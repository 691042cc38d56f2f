"""A library that another process has open: the same methods as `Library`, done by its owner."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import places
from ragsys.answers import Answer
from ragsys.asking import Asking, Explained, SearchHit, check_search
from ragsys.codec import plain, restore
from ragsys.config import Config
from ragsys.errors import LibraryError
from ragsys.library import Status, to_filter
from ragsys.progress import Progress, Report, Watch
from ragsys.service import Connection
from ragsys.types import BBox, Document, Event, Evidence, Filter, PageImage, Step, Usage

if TYPE_CHECKING:
    from ragsys.actions import Turn
    from ragsys.exchange import Cancel


class RemoteLibrary(Asking):
    """See `Library`; every call is a message to the process that owns the library."""

    def __init__(self, place: places.Place, config: Config) -> None:
        """Connect to the owner. Raises `LibraryBusy` if it does not answer or has another configuration.

        Sections that say how a question is answered (`answer`, `chat`) are each client's own.
        """
        self.place, self.config = place, config
        self._line = Connection(place.folder, config.shared)
        self._line.call("key")

    @property
    def owner(self) -> int:
        """The owner's process id."""
        return self._line.owner

    def index(
        self, *, wait: bool = False, prune: bool = False, retry: bool | None = None, progress: Watch | None = None
    ) -> Report:
        """As `Library.index`."""
        result = None
        for header, _ in self._line.events("index", {"wait": wait, "prune": prune, "retry": retry}):
            if header["type"] == "progress" and progress is not None:
                progress(restore(Progress, header["progress"]))
            result = header.get("result", result)
        return _report(result)

    def find(
        self, text: str, k: int = 10, *, filter: Filter | Mapping[str, Any] | None = None
    ) -> tuple[list[SearchHit], Explained]:
        """As `Library.find`."""
        check_search(text, k)  # here, so that a mistake is told where it was made
        found = self._line.call("find", {"text": text, "k": k, "filter": _filter(filter)})
        return [restore(SearchHit, hit) for hit in found["hits"]], restore(Explained, found["explained"])

    def stream(
        self,
        question: str,
        *,
        filter: Filter | Mapping[str, Any] | None = None,
        budget: Mapping[str, float] | None = None,
        history: Sequence[Turn] = (),
        cancel: Cancel | None = None,
    ) -> Iterator[Event]:
        """As `Library.stream`."""
        args: dict[str, Any] = {"question": question, "filter": _filter(filter)}
        args |= {"budget": dict(budget) if budget else None, "answer": self.config.answer.model_dump(mode="json")}
        for header, _ in self._line.events("stream", {**args, "history": plain(list(history))}, cancel):
            if header["type"] != "event":
                continue
            step = restore(Step, header["step"]) if header["step"] else None
            data = self._attached(restore(Answer, header["data"])) if header["kind"] == "answer" else None
            yield Event(header["kind"], header["text"], step, data)

    def reworded(
        self, question: str, history: Sequence[Turn], *, seconds: float = 20.0, cancel: Cancel | None = None
    ) -> tuple[str, Usage] | None:
        """As `Library.reworded`."""
        args = {"question": question, "history": plain(list(history)), "seconds": seconds}
        made = None
        for header, _ in self._line.events("reworded", args, cancel):
            made = header.get("result")
        return None if made is None else (str(made["text"]), restore(Usage, made["usage"]))

    def _attached(self, answer: Answer) -> Answer:
        """With pictures that the owner renders."""
        from ragsys.pictures import citation_picture

        pages = {evidence.number: evidence for evidence in answer.evidence}

        def render(evidence: Evidence, dpi: float, clip: BBox | None) -> PageImage:
            return self.render(evidence.doc, evidence.page.number, dpi=dpi, clip=clip)

        def picture(citation: Any, dpi: float, crop: bool) -> Any:
            return citation_picture(render, pages[citation.evidence], citation, dpi, crop)

        return replace(answer, citations=tuple(replace(one, renderer=picture) for one in answer.citations))

    def documents(self, *, removed: bool = False) -> list[Document]:
        """As `Library.documents`."""
        return [restore(Document, one) for one in self._line.call("documents", {"removed": removed})]

    def document(self, name: str) -> Document:
        """As `Library.document`."""
        document: Document = restore(Document, self._line.call("document", {"name": _named(name)}))
        return document

    def remove(self, name: str) -> Document:
        """As `Library.remove`."""
        document: Document = restore(Document, self._line.call("remove", {"name": _named(name)}))
        return document

    def restore(self, name: str) -> None:
        """As `Library.restore`."""
        self._line.call("restore", {"name": _named(name)})

    def status(self) -> Status:
        """As `Library.status`."""
        status: Status = restore(Status, self._line.call("status"))
        return status

    def render(self, doc: str, page: int, *, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        """As `Library.render`."""
        from PIL import Image

        args = {"doc": doc, "page": page, "dpi": dpi, "clip": list(clip) if clip else None}
        for header, blob in self._line.events("render", args):
            image = Image.open(io.BytesIO(blob)).convert("RGB")
            about = header["result"]
            return PageImage(about["page"], image.width, image.height, about["dpi"], image)
        raise LibraryError("the library's owner sent no picture")

    @property
    def key(self) -> str:
        """As `Library.key`."""
        return str(self._line.call("key"))

    def close(self) -> None:
        """Nothing is left open; the owner goes on."""


def _filter(where: Filter | Mapping[str, Any] | None) -> Any:
    """Checked here, so that a mistake is told where it was made."""
    return {key: value for key, value in plain(to_filter(where)).items() if value}


def _named(name: str) -> str:
    """A file of the current folder by its full path: the owner may run in another."""
    path = Path(name)
    return str(path.resolve()) if path.exists() else name


def _report(result: Any) -> Report:
    report: Report = restore(Report, result)
    return report
