"""An answer as its reader gets it: sentences, citations with boxes, what it rests on and what it cost. Frozen data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from ragsys.types import JSON, BBox, Evidence, Level, Usage
from ragsys.wording import unbroken

if TYPE_CHECKING:
    from PIL.Image import Image


NOTHING = "The documents that were found do not answer this."  # the text of an answer that abstains


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer rests: one stretch of one page, with its boxes and how far it was proved."""

    number: int  # as shown in the text: [1]
    evidence: int  # the number of its `Evidence`
    doc: str
    path: str  # of the document, relative to the library's root
    title: str
    page: int  # 1-based
    blocks: tuple[int, ...]  # ordinals on the page
    bboxes: tuple[BBox, ...]  # of the quoted lines; of the whole blocks if nothing is quoted
    quote: str  # as it stands on the page; empty if nothing could be aligned
    level: Level
    parse: str  # fingerprint of what parsed the page: after a re-parse the ids are stale
    renderer: Callable[[Citation, float, bool], Image] | None = field(default=None, compare=False, repr=False)
    gone: bool = False  # no file holds the document any more: it is quoted from what the library keeps
    file: str = ""  # the path of a file that holds the document, absolute or from where it is linked; empty if gone
    found: bool = False  # its place was found by its sentence's words: the writer of the answer named none

    @property
    def ids(self) -> tuple[str, ...]:
        """The stored ids of its blocks: document/parse/page/block."""
        return tuple(f"{self.doc}/{self.parse}/{self.page}/{block}" for block in self.blocks)

    @property
    def link(self) -> str:
        """A URL of its page in its file, as browsers and PDF viewers open it; empty if there is no file."""
        if not self.file:
            return ""
        path = Path(self.file)
        return f"{path.as_uri() if path.is_absolute() else quote(path.as_posix())}#page={self.page}"

    def picture(self, dpi: float = 110, *, crop: bool = False) -> Image:
        """The page as an RGB image with the boxes drawn; with `crop` only the part around them.

        Raises `ValueError` on a citation that was made without a library (loaded from JSON, built by hand).
        """
        if self.renderer is None:
            raise ValueError("this citation is not attached to a library that could render its page")
        return self.renderer(self, dpi, crop)

    def to_json(self) -> JSON:
        """Stable keys: number, evidence, doc, path, file, link, title, page, blocks, ids, bboxes, quote, level, parse,
        gone, found.

        `gone`: the file is not there any more. `found`: the place was found by the sentence's words.
        """
        return {
            "number": self.number,
            "evidence": self.evidence,
            "doc": self.doc,
            "path": self.path,
            "file": self.file,
            "link": self.link,
            "title": self.title,
            "page": self.page,
            "blocks": list(self.blocks),
            "ids": list(self.ids),
            "bboxes": [[round(value, 5) for value in box] for box in self.bboxes],
            "quote": self.quote,
            "level": self.level.value,
            "parse": self.parse,
            "gone": self.gone,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer after its proof."""

    text: str  # without marks
    citations: tuple[int, ...]  # numbers of its citations, best level first
    level: Level  # the best of its citations'; none without one
    problems: tuple[str, ...] = ()  # what of it does not hold, in words; empty where it is supported
    left_out: bool = False  # it is not in the answer's text: it is not proved, and the answer is strict

    def to_json(self) -> JSON:
        """Stable keys: text, citations, level, problems, left_out."""
        return {
            "text": self.text,
            "citations": list(self.citations),
            "level": self.level.value,
            "problems": list(self.problems),
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's answer with its proof and its price. `str(answer)` is the text with marks and a list of sources."""

    question: str
    text: str  # the sentences with their marks: "Revenue rose by 4 % [1]."
    sentences: tuple[Statement, ...]
    citations: tuple[Citation, ...]  # by number
    status: Literal["answered", "partial", "abstained"]
    evidence: tuple[Evidence, ...] = ()  # the pages that were read
    usage: Usage = field(default_factory=Usage)
    coverage: Mapping[str, float] = field(default_factory=dict)  # {list of the search: share it could have found, 0..1}
    notes: tuple[str, ...] = ()  # how it was made, why it abstained, what is still pending
    trace: str = ""  # id of the trace; empty if none was kept
    config: str = ""  # hash of the configuration
    generator: str = ""  # model and revision
    confidence: float | None = None  # the generator's own, 0..1, comparable within it; None where it does not say

    @property
    def unsupported(self) -> tuple[Statement, ...]:
        """The sentences that are not proved, with the reasons."""
        return tuple(sentence for sentence in self.sentences if sentence.level is not Level.SUPPORTED)

    @property
    def said(self) -> tuple[Statement, ...]:
        """The sentences of its text: all, but for those that a strict answer leaves out."""
        return tuple(sentence for sentence in self.sentences if not sentence.left_out)

    @property
    def sources(self) -> tuple[Citation, ...]:
        """The citations that the sentences of its text name, by number."""
        named = {number for sentence in self.said for number in sentence.citations}
        return tuple(citation for citation in self.citations if citation.number in named)

    def __repr__(self) -> str:
        """One line: the pages that were read, which hold every block and line, would fill a screen."""
        sources = [f"{c.path} p.{c.page} ({c.level.value})" for c in self.sources]
        return f"Answer({self.status}: {self.text!r}, sources={sources})"

    def __str__(self) -> str:
        sources = "\n".join(
            f"[{c.number}] {unbroken(c.path)} p.{c.page} ({c.level.value}{', the file is gone' if c.gone else ''})"
            for c in self.sources
        )
        return f"{self.text}\n\n{sources}" if sources else self.text

    def save(self, path: str | Path) -> Path:
        """Write the answer with its pages to a file, as its ending says: `.html` or `.md`. Raises `UsageError` on
        another ending, and where it cannot be written."""
        from ragsys.saved import save

        return save(self, Path(path))

    def _repr_html_(self) -> str:
        from ragsys.saved import to_cell

        return to_cell(self)

    def to_json(self) -> JSON:
        """Stable keys: question, text, status, sentences, citations, unsupported, evidence, usage, coverage, notes,
        trace, config, generator, confidence. `evidence` lists the pages read: number, doc, path, title, page, score,
        stage_scores.
        """
        return {
            "question": self.question,
            "text": self.text,
            "status": self.status,
            "sentences": [sentence.to_json() for sentence in self.sentences],
            "citations": [citation.to_json() for citation in self.citations],
            "unsupported": [sentence.to_json() for sentence in self.unsupported],
            "evidence": [
                {
                    "number": one.number,
                    "doc": one.doc,
                    "path": one.path,
                    "title": one.title,
                    "page": one.page.number,
                    "score": one.hit.score,
                    "stage_scores": dict(one.hit.stage_scores),
                }
                for one in self.evidence
            ],
            "usage": {
                "calls": self.usage.calls,
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
                "seconds": round(self.usage.seconds, 4),
            },
            "coverage": dict(self.coverage),
            "notes": list(self.notes),
            "trace": self.trace,
            "config": self.config,
            "generator": self.generator,
            "confidence": self.confidence,
        }
