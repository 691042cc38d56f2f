"""Pictures of pages inside a report: which pages a failure shows, their boxes, and a bound on the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragsys.evaluation.records import Cited, Outcome, Question
from ragsys.evaluation.report.curves import gold_pages
from ragsys.evaluation.report.failures import Case
from ragsys.markup import jpeg

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = Callable[[str, int], "Image | None"]
FAILURES = 80  # that have pictures, at most
BYTES = 15_000_000  # of all pictures together, as they stand in the file
GOLD = 3  # gold pages that are shown of one question
FOUND = 4  # boxes of a found page, the best first
WIDTH = 620  # pixels
QUALITY = 55  # of the JPEGs
_PIXELS = 100_000_000  # of a page: more is no page


@dataclass(frozen=True, slots=True)
class Boxed:
    """One page of a question with its boxes; its picture is a data URI, or empty with the reason in `missing`."""

    doc: str
    page: int
    gold: bool
    found_by: tuple[str, ...]  # configurations whose first page it is
    gold_boxes: tuple[tuple[float, ...], ...] = ()
    found_boxes: tuple[tuple[float, ...], ...] = ()
    cited_boxes: tuple[tuple[float, ...], ...] = ()
    picture: str = ""
    size: tuple[int, int] = (0, 0)
    missing: str = ""


@dataclass(slots=True)
class Gallery:
    """Draws pages until there are enough of them."""

    draw: Picture | None
    failures: int = FAILURES
    room: int = BYTES
    shown: int = 0  # failures that got pictures
    _cache: dict[tuple[str, int], tuple[str, tuple[int, int], str]] = field(default_factory=dict)

    def pages(self, case: Case, configs: Sequence[str]) -> list[Boxed]:
        """The pages of a failure, with pictures as long as there is room."""
        every = wanted(case.question, case.outcomes, configs)
        if self.draw is None or self.shown >= self.failures or self.room <= 0:
            return every
        made = []
        for page in every:
            picture, size, missing = self._picture(self.draw, page.doc, page.page)
            self.room -= len(picture)
            made.append(_with(page, picture, size, missing))
        self.shown += any(page.picture for page in made)
        return made

    def _picture(self, draw: Picture, doc: str, page: int) -> tuple[str, tuple[int, int], str]:
        if (doc, page) not in self._cache:
            self._cache[doc, page] = _drawn(draw, doc, page)
        return self._cache[doc, page]


def _drawn(draw: Picture, doc: str, page: int) -> tuple[str, tuple[int, int], str]:
    try:
        image = draw(doc, page)
        if image is None:
            return "", (0, 0), "this page cannot be shown"
        if image.width * image.height > _PIXELS:
            return "", (0, 0), f"this page is too large to be shown: {image.width} x {image.height} pixels"
        if image.width > WIDTH:
            image = image.convert("RGB").resize((WIDTH, max(1, round(image.height * WIDTH / image.width))))
        return jpeg(image, quality=QUALITY), (image.width, image.height), ""
    except Exception as error:  # a page that cannot be drawn is said in its place and takes nothing else with it
        return "", (0, 0), f"this page cannot be shown: {getattr(error, 'message', None) or error}"[:300]


def _with(page: Boxed, picture: str, size: tuple[int, int], missing: str) -> Boxed:
    from dataclasses import replace

    return replace(page, picture=picture, size=size, missing=missing)


def wanted(question: Question, outcomes: Sequence[Outcome], configs: Sequence[str]) -> list[Boxed]:
    """The pages that tell why: the gold pages, then each configuration's first page where it is another."""
    gold = list(gold_pages(question))[:GOLD]
    firsts: dict[tuple[str, int], list[str]] = {}
    for config, outcome in zip(configs, outcomes, strict=True):
        if outcome["pages"]:
            first = outcome["pages"][0]
            firsts.setdefault((first["doc"], first["page"]), []).append(config)
    made = []
    for doc, page in dict.fromkeys([*gold, *firsts]):
        boxes = [box["bbox"] for box in question.get("gold_boxes", ()) if (box["doc"], box["page"]) == (doc, page)]
        ranked = [one for o in outcomes for one in o["pages"] if (one["doc"], one["page"]) == (doc, page)]
        cited: list[Cited] = [c for o in outcomes for c in o["citations"] if (c["doc"], c["page"]) == (doc, page)]
        made.append(
            Boxed(
                doc,
                page,
                (doc, page) in gold,
                tuple(firsts.get((doc, page), ())),
                _boxes(boxes),
                _boxes(box for one in ranked for box in one.get("boxes", ())[:FOUND]),
                _boxes(one["bbox"] for one in cited),
            )
        )
    return made


def _boxes(boxes: Iterable[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Boxes within the page, each once; what is no box is left out."""
    kept = (tuple(min(1.0, max(0.0, float(one))) for one in box) for box in boxes if len(box) == 4)
    return tuple(dict.fromkeys(box for box in kept if box[2] > box[0] and box[3] > box[1]))
