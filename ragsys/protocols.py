"""One protocol a role: signatures, array shapes, and the laws that `ragsys.testing` checks.

A component's class is constructed by `plugins.Builder` as `Class(options, context, **needs)`: `options` is the
validated model of its `Component`, `context` a `Context`, and each need arrives under the name that `Component.needs`
gives it. Construction is cheap: models and connections open at first use (or in `warm_up`, where a component has one).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragsys.exchange import Bounded as Bounded
from ragsys.exchange import Cancel as Cancel
from ragsys.exchange import Limits as Limits
from ragsys.exchange import Message as Message
from ragsys.exchange import Reply as Reply
from ragsys.exchange import Request as Request
from ragsys.exchange import Token as Token
from ragsys.searchable import Searchable as Searchable
from ragsys.terms import Lexical as Lexical
from ragsys.terms import Statistics as Statistics
from ragsys.types import (
    JSON,
    BBox,
    Block,
    DocumentInfo,
    Fault,
    FloatArray,
    Hit,
    Page,
    PageImage,
    Passage,
    Query,
    RankedList,
    Vector,
    VectorSpec,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragsys.evaluation.records import MetricInfo, Outcome, Question
    from ragsys.store import Condition, Plan, Point, Record, Schema, Scored


@dataclass(frozen=True, slots=True)
class Context:
    """Where a component lives: folders it may write, and who shares them."""

    state: Path  # a folder of its own for fitted things (banks, calibrations, databases); made on first use
    cache: Path  # the user's cache: may vanish at any time
    fingerprint: str = ""  # of this component: role, name, options, version and needs


# -- the way in ------------------------------------------------------------------------------------------------------


@runtime_checkable
class Loader(Protocol):
    """Reads files into pages."""

    suffixes: tuple[str, ...]  # lower case with the dot: what `accepts` by name

    def info(self, path: Path) -> DocumentInfo:
        """Pages, title and metadata without reading the pages. Raises `DocumentError` with its outcome."""
        ...

    def open(
        self, path: Path, *, skip: Collection[int] = (), touched: Callable[[int], None] | None = None
    ) -> Iterator[Page | Fault]:
        """Every page in order; a page that cannot be read is a `Fault` and not the end.

        Pages in `skip` are never touched: they ended a process before, and are faults. `touched` is called with a
        page's number just before it is read, which may be before the page in front of it is given out.

        Raises `DocumentError` if the file as a whole cannot be read.
        """
        ...

    def render(self, path: Path, page: int, *, dpi: float = 150, clip: BBox | None = None) -> PageImage:
        """The displayed page, or the part of it inside `clip`, as an RGB image of at most the configured pixels."""
        ...


@runtime_checkable
class Ocr(Protocol):
    """Reads text off page images."""

    def available(self) -> str:
        """An empty string if it can run here, else what is missing and how to get it."""
        ...

    def read(self, image: PageImage) -> Sequence[Block]:
        """Blocks in reading order with line boxes; empty if there is no text."""
        ...


@runtime_checkable
class LayoutModel(Protocol):
    """Finds the blocks of a page with a model: slower and better than a loader's rules."""

    def refine(self, path: Path, pages: Sequence[Page]) -> Iterator[Page | Fault]:
        """The same pages with their blocks found anew; same numbers, same order."""
        ...


@runtime_checkable
class Splitter(Protocol):
    """Cuts pages into passages."""

    def split(self, pages: Iterable[Page]) -> Iterator[Passage]:
        """Passages in reading order with ordinals from 0; every word of a text, list, title or table block is in one.

        Streams: it may hold back one passage, not the document. Equal pages give equal passages.
        """
        ...


@runtime_checkable
class Enricher(Protocol):
    """Adds fields at index time (a summary, a figure's description); never changes the text."""

    def enrich(self, pages: Sequence[Page], passages: Sequence[Passage]) -> Mapping[int, JSON]:
        """{passage ordinal: fields}; the input is left as it is."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Makes dense vectors of texts or images.

    Laws: same length and order as the input; an item's vector does not depend on its batch mates; an empty input gives
    an empty list; texts and images longer or larger than the model takes are cut, never refused.
    """

    @property
    def specs(self) -> tuple[VectorSpec, ...]:
        """The named vectors it makes; known without loading the model."""
        ...

    def embed_items(self, items: Sequence[str | Image]) -> list[dict[str, FloatArray]]:
        """For each item {vector name: (d,) or (n, d)}."""
        ...

    def embed_queries(self, queries: Sequence[Query]) -> list[dict[str, FloatArray]]:
        """For each query {vector name: (d,) or (n, d)}."""
        ...


# -- the store ---------------------------------------------------------------------------------------------------------


@runtime_checkable
class Store(Protocol):
    """Points with named vectors and payloads. `ragsys.store` holds the types; no engine's type crosses.

    A store belongs to one library. Searches see every write that returned before; `flush` makes writes durable.
    """

    def ensure(self, schema: Schema) -> None:
        """Make what is missing: the collection, named vectors, payload indexes. Idempotent; drops nothing."""
        ...

    def schema(self) -> Schema:
        """What the store holds now."""
        ...

    def upsert(self, points: Sequence[Point]) -> None:
        """Write whole points; a point with the same id is replaced."""
        ...

    def set_vectors(self, name: str, vectors: Mapping[str, Vector]) -> None:
        """Give existing points {id: vector} a named vector; the rest of each point stays."""
        ...

    def set_payload(self, where: Condition | Sequence[str], payload: JSON) -> None:
        """Set these payload keys on the points that match a condition or have these ids; other keys stay."""
        ...

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point and from the schema."""
        ...

    def search(self, plan: Plan) -> list[Scored]:
        """The best points of a plan, by score then id."""
        ...

    def search_groups(self, plan: Plan, *, by: str, groups: int, size: int = 1) -> list[list[Scored]]:
        """The best groups of points that share a payload value, up to `size` points each, best group first.

        Widens the search until `groups` groups are found or the points are exhausted.
        """
        ...

    def score(self, ids: Sequence[str], plan: Plan) -> dict[str, float]:
        """{id: score} of exactly these points for the plan's vector; points without that vector are absent."""
        ...

    def get(
        self, ids: Sequence[str], *, payload: bool | Sequence[str] = True, vectors: Sequence[str] = ()
    ) -> list[Record]:
        """The points with these ids, in that order; unknown ids are left out."""
        ...

    def scroll(
        self,
        where: Condition | None = None,
        *,
        payload: bool | Sequence[str] = True,
        vectors: Sequence[str] = (),
        batch: int = 256,
    ) -> Iterator[Record]:
        """All points that match, by id."""
        ...

    def count(self, where: Condition | None = None) -> int:
        """How many points match, exactly."""
        ...

    def delete_where(self, where: Condition) -> None:
        """Delete the points that match."""
        ...

    def flush(self) -> None:
        """Return when everything written is durable."""
        ...

    def maintain(self) -> None:
        """Merge, index, vacuum: may take long; results of searches stay equal."""
        ...

    def close(self) -> None:
        """Flush and let go. Idempotent."""
        ...


# -- the way across ----------------------------------------------------------------------------------------------------


@runtime_checkable
class Rewriter(Protocol):
    """Turns a query into one or several."""

    def rewrite(self, query: Query) -> Sequence[Query]:
        """At least one query; the filter of each is the input's."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Finds spans."""

    @property
    def specs(self) -> tuple[VectorSpec, ...]:
        """The named vectors it searches: what ingest must fill. Known without loading a model. All of one `items`."""
        ...

    @property
    def eager(self) -> bool:
        """Whether its vectors are cheap enough to be made while a document is parsed (hundreds of items a second).

        The others are layers of their own, filled after the document is searchable.
        """
        ...

    def encode_items(self, items: Sequence[str | Image]) -> list[dict[str, Vector]]:
        """{vector name: vector} of each item for `specs`; same length and order. Uses no `Searchable`."""
        ...

    def retrieve(self, query: Query, k: int, index: Searchable) -> RankedList:
        """The best spans, k distinct pages or all there are; with its coverage and the query's vectors."""
        ...


@runtime_checkable
class Scoring(Protocol):
    """A retriever that scores texts at hand for less than it costs to encode them."""

    def scores(self, query: Vector, texts: Sequence[Sequence[str]]) -> list[float]:
        """The score of each text of a page for a query's vector; each comes in parts that stand a space apart."""
        ...


@runtime_checkable
class Fusion(Protocol):
    """Merges ranked lists."""

    def fuse(self, lists: Sequence[RankedList]) -> RankedList:
        """One list; stage scores of the inputs are kept. Independent of the order of hits with equal scores."""
        ...


@runtime_checkable
class Ranker(Protocol):
    """Orders the pages of all lists with everything that the search knows of them: the last word before rerankers."""

    def rank(
        self, query: Query, fused: RankedList, lists: Sequence[RankedList], index: Searchable
    ) -> tuple[RankedList, Sequence[str]]:
        """The fused list in its order, perhaps with more pages, and notes for the user.

        `lists` are the retrievers', under their names in the configuration. Where it cannot rank (it was made for
        other lists, a list is incomplete), it gives `fused` back as it is and says why in a note.
        """
        ...


@runtime_checkable
class Digesting(Protocol):
    """A ranker that reads pages in a form of its own. It is made once a page, while the document is parsed, and stored
    with the page: hundreds of pages a query cannot be read anew."""

    def digest(self, page: Page) -> bytes:
        """What the ranker needs of a page, as small as it can be; depends on the page, the component's version and its
        needs alone, on none of its options. `Searchable.digests` gives it back."""
        ...

    def prepare(self, query: Query, lists: Sequence[RankedList], index: Searchable) -> None:
        """Told of the lists that are there while others are still under way: what `rank` will need may be read now.
        Changes nothing that `rank` gives."""
        ...


@runtime_checkable
class Postprocessor(Protocol):
    """Moves scores of one list."""

    def process(self, query: Query, ranked: RankedList) -> RankedList:
        """A list over a subset of the same spans."""
        ...


@runtime_checkable
class Cut(Protocol):
    """Decides how many hits are worth reading."""

    def cut(self, ranked: RankedList) -> RankedList:
        """A prefix of the list."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Orders hits by reading them."""

    def rerank(self, query: Query, hits: Sequence[Hit], texts: Sequence[str], k: int) -> Sequence[Hit]:
        """At most k hits; their spans are a subset of those given."""
        ...


# -- the way out -------------------------------------------------------------------------------------------------------


@runtime_checkable
class Generator(Protocol):
    """Answers requests. A reply to a schema is valid JSON under it, or `GenerationError` is raised.

    Two attributes may stand beside these: `reads_prompts = False` for one that is no language model;
    `structured = True` for one that keeps to a schema so well that `answer.format: auto` asks it for answers as JSON.
    """

    @property
    def identity(self) -> str:
        """Model and revision, for caches and traces."""
        ...

    @property
    def reads_images(self) -> bool:
        """Whether images in a request are looked at."""
        ...

    def generate(self, request: Request) -> Reply:
        """The whole reply."""
        ...

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Pieces of text as they come, then the whole `Reply` as the last item."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Says whether a text supports a sentence."""

    def supports(self, sentence: str, passages: Sequence[str]) -> float:
        """0..1: how sure it is that the passages support the sentence."""
        ...


@runtime_checkable
class Tool(Protocol):
    """Something an agent may call."""

    name: str
    description: str
    schema: JSON  # of its arguments

    def call(self, arguments: JSON) -> JSON:
        """The result; raises a `RagsysError` on arguments it cannot take."""
        ...


# -- evaluation --------------------------------------------------------------------------------------------------------


@runtime_checkable
class Suite(Protocol):
    """A benchmark: documents, questions, gold. Built with a folder that holds the benchmark's own published files.

    It may have `notes`, texts on what of its files was left out when they were last read: reports show them.
    """

    name: str
    licence: str

    @property
    def revision(self) -> str:
        """Of the files read: a commit, a version, or a hash of the question file."""
        ...

    @property
    def root(self) -> Path:
        """The folder that is indexed; gold names documents by their path below it."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that the benchmark reports, the main one first."""
        ...

    def documents(self) -> Iterable[Path]:
        """The files to index, all below `root`. A suite whose pages are inside data files writes them out first."""
        ...

    def questions(self) -> Iterable[Question]:
        """Question records; ids are unique. Raises `SuiteError` naming the file, line and field that is wrong."""
        ...


@runtime_checkable
class Metric(Protocol):
    """Scores one outcome; the value over a set is the mean, unless the metric also has `total` (see `SetMetric`)."""

    info: MetricInfo

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """Within `info.bounds`; None where it is not defined (counted, never taken as 0)."""
        ...


@runtime_checkable
class SetMetric(Metric, Protocol):
    """A metric over a set that is no mean of its questions' scores: an F1 of totals, an area under a curve."""

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """Its value over the set; called again for every bootstrap sample."""
        ...


#: role name -> protocol. A role is a protocol and a name; plugins may bring roles of their own.
#: An agent is a generator function, see `ragsys.actions`.
ROLES: dict[str, type] = {
    "loader": Loader,
    "ocr": Ocr,
    "layout": LayoutModel,
    "splitter": Splitter,
    "enricher": Enricher,
    "lexical": Lexical,
    "embedder": Embedder,
    "store": Store,
    "rewriter": Rewriter,
    "retriever": Retriever,
    "fusion": Fusion,
    "ranker": Ranker,
    "postprocessor": Postprocessor,
    "cut": Cut,
    "reranker": Reranker,
    "generator": Generator,
    "judge": Judge,
    "tool": Tool,
    "suite": Suite,
    "metric": Metric,
}
