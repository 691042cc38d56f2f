"""A library that another process has open: the same methods as `Library`, done by its owner."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import imageblocks, places
from ragsys.answers import Answer
from ragsys.asking import CLOSED, Asking, Explained, Narrowed, SearchHit, Status, check_question, check_search
from ragsys.codec import plain, restore
from ragsys.config import AnswerConfig, Config
from ragsys.errors import LibraryError
from ragsys.filters import to_filter
from ragsys.progress import Progress, Report, Watch
from ragsys.service import Connection
from ragsys.types import BBox, Document, Event, Evidence, PageImage, Step, Usage

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.actions import Turn
    from ragsys.exchange import Cancel


class RemoteLibrary(Asking):
    """See `Library`; every call is a message to the process that owns the library."""

    def __init__(self, place: places.Place, config: Config, *, progress: Watch | None = None) -> None:
        """Connect to the owner. Raises `LibraryBusy` if it does not answer or has another configuration.

        Sections that say how a question is answered (`answer`, `chat`) are each client's own; `progress` is told what
        `index` does.
        """
        self.place, self.config, self._watch = place, config, progress
        self._connection = Connection(place.folder, config.shared)
        self._closed = False
        self._line.call("key")

    def __repr__(self) -> str:
        return f"<Library of {self.place.root}, open in process {self.owner}{', closed' if self._closed else ''}>"

    @property
    def _line(self) -> Connection:
        if self._closed:
            raise LibraryError(CLOSED)
        return self._connection

    @property
    def owner(self) -> int:
        return self._connection.owner

    def index(
        self, *, wait: bool = False, prune: bool = False, retry: bool | None = None, progress: Watch | None = None
    ) -> Report:
        told, result = progress or self._watch, None
        for header, _ in self._line.events("index", {"wait": wait, "prune": prune, "retry": retry}):
            if header["type"] == "progress" and told is not None:
                told(restore(Progress, header["progress"]))
            result = header.get("result", result)
        return _report(result)

    def finish(self, seconds: float, progress: Watch | None = None) -> bool:
        return bool(self._line.call("finish", {"seconds": seconds}))

    @property
    def under_way(self) -> str:
        return str(self._line.call("under_way"))

    def resume(self) -> None:
        if not self._closed:
            self._line.call("resume")

    def refresh(self) -> None:
        self._line.call("refresh")

    def prepare(self) -> None:
        self._line.call("prepare")

    def find(self, text: str, k: int = 10, *, filter: Narrowed = None) -> tuple[list[SearchHit], Explained]:
        check_search(text, k)  # here, so that a mistake is told where it was made
        found = self._line.call("find", {"text": text, "k": k, "filter": _filter(filter)})
        return [restore(SearchHit, hit) for hit in found["hits"]], restore(Explained, found["explained"])

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
        check_question(question, images)
        args: dict[str, Any] = {"question": question, "filter": _filter(filter), "history": plain(list(history))}
        args["budget"] = dict(budget) if budget else None
        args["answer"] = (answer or self.config.answer).model_dump(mode="json")
        args["images"], block = imageblocks.packed(images)
        for header, _ in self._line.events("stream", args, cancel, block):
            if header["type"] != "event":
                continue
            step = restore(Step, header["step"]) if header["step"] else None
            data = self._attached(restore(Answer, header["data"])) if header["kind"] == "answer" else None
            yield Event(header["kind"], header["text"], step, data)

    def reworded(
        self, question: str, history: Sequence[Turn], *, seconds: float = 20.0, cancel: Cancel | None = None
    ) -> tuple[str, Usage] | None:
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
        return [restore(Document, one) for one in self._line.call("documents", {"removed": removed})]

    def document(self, name: str) -> Document:
        document: Document = restore(Document, self._line.call("document", {"name": _named(name)}))
        return document

    def remove(self, name: str) -> Document:
        document: Document = restore(Document, self._line.call("remove", {"name": _named(name)}))
        return document

    def restore(self, name: str) -> None:
        self._line.call("restore", {"name": _named(name)})

    def status(self) -> Status:
        status: Status = restore(Status, self._line.call("status"))
        return status

    def render(self, doc: str, page: int, *, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        from PIL import Image

        args = {"doc": doc, "page": page, "dpi": dpi, "clip": list(clip) if clip else None}
        for header, blob in self._line.events("render", args):
            image = Image.open(io.BytesIO(blob)).convert("RGB")
            about = header["result"]
            return PageImage(about["page"], image.width, image.height, about["dpi"], image)
        raise LibraryError("the library's owner sent no picture")

    @property
    def key(self) -> str:
        return str(self._line.call("key"))

    def close(self) -> None:
        """Let go of the library; the owner goes on. Idempotent."""
        self._closed = True


def _filter(where: Narrowed) -> Any:
    """Checked here, so that a mistake is told where it was made."""
    return {key: value for key, value in plain(to_filter(where)).items() if value}


def _named(name: str) -> str:
    """A file of the current folder by its full path: the owner may run in another."""
    path = Path(name)
    return str(path.resolve()) if path.exists() else name


def _report(result: Any) -> Report:
    report: Report = restore(Report, result)
    return report
