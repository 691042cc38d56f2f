"""The data that flows through ragsys: frozen, slotted, with units. Imports nothing of ours.

Coordinates: a `BBox` is in [0, 1] of the displayed page (after its rotation), origin top-left. Sizes of pages are in
points (1/72 inch, after rotation). Page numbers are 1-based. Seconds are wall-clock unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:  # numpy and PIL load only where arrays and images are made: `ragsys --help` needs neither
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    FloatArray: TypeAlias = NDArray[np.float32]
    Vector: TypeAlias = "FloatArray | Sparse"  # dense (d,), many vectors (n, d), or sparse
else:
    FloatArray = Any
    Vector = Any

JSON = dict[str, Any]


class BlockKind(StrEnum):
    """What a block of a page is."""

    TITLE = "title"
    TEXT = "text"
    TABLE = "table"
    FIGURE = "figure"
    CAPTION = "caption"
    LIST = "list"
    HEADER = "header"
    FOOTER = "footer"


class Outcome(StrEnum):
    """How the reading of one document ended. Every document of a folder has exactly one."""

    WAITING = "waiting"  # being read, or interrupted while it was: the next run reads it
    INDEXED = "indexed"
    PARTIAL = "partial"  # some pages are faults, the others are indexed
    NO_TEXT = "no-text"  # pages but no text: images only; waits for OCR
    EMPTY = "empty"  # a file of zero bytes, or of zero pages
    ENCRYPTED = "encrypted"  # needs a password that was not given
    BROKEN = "broken"  # no page can be read
    TOO_LARGE = "too-large"  # over the configured limit of bytes or pages
    TIMEOUT = "timeout"  # over the time limit
    OUT_OF_MEMORY = "out-of-memory"  # over the memory limit
    CRASHED = "crashed"  # the parser's process died
    UNSUPPORTED = "unsupported"  # no loader takes it
    UNREADABLE = "unreadable"  # the file system refused


class Level(StrEnum):
    """How far a citation was proved; each level holds the ones before it."""

    NONE = "none"
    LOCATED = "located"  # its ids resolve to boxes
    QUOTED = "quoted"  # its quote aligns with the page's words
    SUPPORTED = "supported"  # numbers, units, names, dates and negation of the sentence agree with the blocks


class BBox(NamedTuple):
    """A box in [0, 1] of the displayed page, origin top-left; x0 <= x1, y0 <= y1."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def from_points(cls, box: Iterable[float], width_pt: float, height_pt: float) -> BBox:
        """From points of the displayed page; ordered and clipped to the page."""
        x0, y0, x1, y1 = box
        width, height = max(width_pt, 1e-6), max(height_pt, 1e-6)

        def unit(value: float) -> float:
            return min(1.0, max(0.0, value))

        return cls(
            unit(min(x0, x1) / width),
            unit(min(y0, y1) / height),
            unit(max(x0, x1) / width),
            unit(max(y0, y1) / height),
        )

    def scaled(self, width: float, height: float) -> tuple[float, float, float, float]:
        """In the units of `width` and `height`: points or pixels of the displayed page."""
        return self.x0 * width, self.y0 * height, self.x1 * width, self.y1 * height

    @property
    def area(self) -> float:
        """Share of the page, 0..1."""
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)

    def union(self, other: BBox) -> BBox:
        """The smallest box that holds both."""
        return BBox(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def intersection(self, other: BBox) -> float:
        """The area shared with `other`, as a share of the page."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)


class Word(NamedTuple):
    """One word as it stands on the page."""

    text: str
    bbox: BBox


class Line(NamedTuple):
    """One line of a block: `start` is the offset of its first character in `Block.text`; a table row is one line."""

    start: int
    bbox: BBox


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page with one meaning: a paragraph, a heading, a table, a figure.

    `text` of a table is its markdown (one line a row, the header first); `cells` are its rows and columns; `lines` hold
    one box a line of text (a row of a table), so that a sentence or a row can be cited by its own box.
    """

    ordinal: int  # 0-based, in reading order on its page
    kind: BlockKind
    bbox: BBox
    text: str
    lines: tuple[Line, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    level: int = 0  # of a title: 1 is the highest; 0 elsewhere
    about: int | None = None  # of a caption: the ordinal of its figure or table on this page
    continues: bool = False  # of a table: it goes on from the page before

    def boxes(self, start: int, end: int) -> tuple[BBox, ...]:
        """The boxes of the lines that `text[start:end]` touches; the block's own box if it has no lines."""
        if not self.lines:
            return (self.bbox,)
        touched = [
            line.bbox
            for n, line in enumerate(self.lines)
            if line.start < end and (n + 1 == len(self.lines) or self.lines[n + 1].start > start)
        ]
        return tuple(touched) or (self.bbox,)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as read. `blocks` are in reading order and their ordinals count up from 0."""

    number: int  # 1-based
    width_pt: float
    height_pt: float
    blocks: tuple[Block, ...]
    source: Literal["text", "ocr", "none"] = "text"
    label: str = ""  # the page's printed number, where the file states one

    @property
    def text(self) -> str:
        """The texts of all blocks, a blank line between two."""
        return "\n\n".join(block.text for block in self.blocks if block.text)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something of a document that could not be read; counted and shown, never fatal. `page` 0 is the document."""

    page: int
    reason: str
    outcome: Outcome = Outcome.BROKEN
    stage: str = "parse"  # what failed: "parse", "ocr", "layout", or the retriever whose vector is missing


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What a loader knows of a file before it reads its pages."""

    pages: int
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)  # author, subject, created (ISO date), language, ...


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content in the library; the same bytes in two places are one document with two paths."""

    id: str  # the first 32 hex digits of the sha256 of its bytes
    paths: tuple[str, ...]  # relative to the library's root, with forward slashes
    title: str
    pages: int
    bytes: int
    outcome: Outcome
    metadata: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    layers: Mapping[str, LayerState] = field(default_factory=dict)  # by stage: pages, passages, each vector, ocr
    gone: tuple[str, ...] = ()  # those of its paths where no file is any more: it was kept, see `index --prune`
    removed: bool = False  # taken out of the library by the user; its file is not indexed until it is restored

    @property
    def path(self) -> str:
        """The first of its paths; its id if it has none left."""
        return self.paths[0] if self.paths else self.id


@dataclass(frozen=True, slots=True)
class LayerState:
    """How much of a layer a document has: `done` of `total` items (pages or passages)."""

    done: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether nothing of the layer is pending."""
        return self.done >= self.total


class Piece(NamedTuple):
    """A part of a passage: `text[start:end]` of block `block` of page `page`."""

    page: int
    block: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is found and read as one. It may run over a page's end."""

    ordinal: int  # 0-based in its document
    pieces: tuple[Piece, ...]  # in reading order, never empty
    text: str  # of the pieces, as a reader sees it
    headings: tuple[str, ...] = ()  # the section path, outermost first; goes before the text when it is embedded

    @property
    def first(self) -> int:
        """The first page it touches, 1-based."""
        return self.pieces[0].page

    @property
    def last(self) -> int:
        """The last page it touches, 1-based."""
        return self.pieces[-1].page

    @property
    def heading(self) -> str:
        """The section path as one line."""
        return " > ".join(self.headings)


class Span(NamedTuple):
    """Pages `first`..`last` of a document; what hits are about. Sorts by document, then page."""

    doc: str
    first: int
    last: int

    @property
    def pages(self) -> range:
        """The page numbers, 1-based."""
        return range(self.first, self.last + 1)


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: term ids ascending and unique, weights of the same length."""

    indices: NDArray[np.uint32]  # (n,)
    values: FloatArray  # (n,)


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """One named vector that an embedder makes or a store holds.

    `name` holds the fingerprint of what made it, so that vectors of two models or settings never mix.
    """

    name: str
    kind: Literal["dense", "multi", "sparse"]
    dim: int = 0  # of one dense vector; 0 for sparse
    items: Literal["page", "passage"] = "passage"  # the points that carry it
    reads: Literal["text", "image"] = "text"
    distance: Literal["cosine", "dot"] = "cosine"
    dtype: Literal["float32", "float16"] = "float16"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pages a search may return. All given parts must hold; it runs inside the search, never after it."""

    path: tuple[str, ...] = ()  # globs over the relative path, any may match: "2023/*", "**/annual*.pdf"
    doc: tuple[str, ...] = ()  # document ids
    pages: tuple[int, int] | None = None  # first and last page, both included
    after: str = ""  # ISO date: the document's date is this day or later
    before: str = ""  # ISO date: the document's date is before this day
    metadata: Mapping[str, str] = field(default_factory=dict)  # equal values; keys as in Document.metadata

    def __bool__(self) -> bool:
        return bool(self.path or self.doc or self.pages or self.after or self.before or self.metadata)


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for."""

    text: str
    images: tuple[Image, ...] = ()
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked span. `score`: higher is better, comparable only within its list. `rank` is 1-based."""

    span: Span
    rank: int
    score: float
    stage_scores: Mapping[str, float] = field(default_factory=dict)  # {stage: score}, every stage it went through
    passages: tuple[int, ...] = ()  # ordinals of its best passages, best first
    neighbours: tuple[int, ...] = ()  # pages next to it in its document, 1-based

    @property
    def doc(self) -> str:
        """Its document's id."""
        return self.span.doc

    @property
    def page(self) -> int:
        """Its first page, 1-based."""
        return self.span.first


@dataclass(frozen=True, slots=True)
class RankedList:
    """What a retriever or a fusion returns: hits sorted by score, unique by span, ranks 1..n, ties broken by span."""

    name: str
    hits: tuple[Hit, ...]
    coverage: float = 1.0  # share of the searched set that the list could have found, 0..1
    vectors: Mapping[str, Vector] = field(default_factory=dict)  # the query's vectors, by vector name

    @classmethod
    def of(
        cls,
        name: str,
        scores: Mapping[Span, float],
        *,
        passages: Mapping[Span, tuple[int, ...]] | None = None,
        stages: Mapping[Span, Mapping[str, float]] | None = None,
        coverage: float = 1.0,
        vectors: Mapping[str, Vector] | None = None,
    ) -> RankedList:
        """From scores a span; adds its own stage score under `name`."""
        order = sorted(scores, key=lambda span: (-scores[span], span))
        hits = tuple(
            Hit(
                span,
                rank,
                float(scores[span]),
                {**(stages or {}).get(span, {}), name: float(scores[span])},
                (passages or {}).get(span, ()),
            )
            for rank, span in enumerate(order, 1)
        )
        return cls(name, hits, coverage, vectors or {})

    def top(self, k: int) -> RankedList:
        """Its first k hits."""
        return replace(self, hits=self.hits[:k])

    def scores(self) -> dict[Span, float]:
        """{span: score}."""
        return {hit.span: hit.score for hit in self.hits}


@dataclass(frozen=True, slots=True)
class PageImage:
    """A rendered page. Rendered on demand, cached by content."""

    page: int
    width_px: int
    height_px: int
    dpi: float
    image: Image


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something an answer may rest on: one page, numbered [1..n], with its blocks and its best passages.

    Block `b` of evidence `n` is written `n.b` to a reader model, so that ids of two documents never collide.
    """

    number: int
    doc: str
    path: str
    title: str
    page: Page
    parse: str  # fingerprint of what parsed the page
    hit: Hit
    passages: tuple[Passage, ...] = ()
    blocks: tuple[int, ...] = ()  # ordinals of the page's blocks that fit the query, best first; where it was looked at


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reader points at: a block of an evidence, and the words it quotes from it."""

    evidence: int
    block: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer with the marks it rests on."""

    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before its proof: what an agent returns."""

    sentences: tuple[Sentence, ...]
    evidence: tuple[Evidence, ...] = ()
    status: Literal["answered", "partial", "abstained"] = "answered"
    note: str = ""  # why it abstained or stopped early
    confidence: float | None = None  # the generator's own, 0..1, comparable within it; None where it does not say

    @property
    def text(self) -> str:
        """The sentences, a space between two."""
        return " ".join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Usage:
    """What something cost."""

    calls: int = 0  # of models
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.seconds + other.seconds,
        )

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that ran: an action, a model call, a search stage."""

    number: int  # 0-based in its trace
    parent: int | None  # the number of the step it ran inside
    kind: str  # search, look, write, run, call, checkpoint, stage, ...
    name: str
    input: JSON
    output: JSON = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    started: float = 0.0  # seconds since the trace began
    error: str = ""
    key: str = ""  # fingerprint of the input: what replay compares


@dataclass(frozen=True, slots=True)
class Event:
    """What `Library.stream` and `ragsys_on_event` give: a step that began or ended, a piece of text, the answer."""

    kind: Literal["step", "done", "text", "revised", "answer", "progress", "warning"]
    text: str = ""
    step: Step | None = None
    data: Any = None  # of "answer": the Answer; of "progress": a JSON object
