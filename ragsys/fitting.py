"""What goes into a request, and how it is made smaller until it fits: no question fails for its size.

The ladder, from the whole down; each step keeps what the steps before it took away:

1. the oldest turns of a conversation, while history is more than a quarter of the text
2. the lowest ranked pages, down to `LEAST_PAGES`
3. page pictures, to `SCALES` of their width
4. pages are cut to the blocks of their best passages and those that fit the query, with titles and captions; pictures
   to the part that holds them
5. what is left of the history
6. the text of pages, the lowest ranked first, to `SHARES` of it
7. the other pages, the lowest ranked first, down to the best one
8. the pictures
9. the last page's text, long values, the question itself: to so many characters

Only images over the model's number of images go first of all, with their text kept. Every step is a pure function of
the request's material: equal material and equal limits give equal requests.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ragsys import messages
from ragsys.actions import Turn, View
from ragsys.errors import DocumentError, RequestTooLarge
from ragsys.protocols import Bounded, Limits, Request
from ragsys.types import JSON, Block, BlockKind, Evidence
from ragsys.wording import counted, part

LEAST_PAGES = 3
SCALES = (0.75, 0.56, 0.42)  # of a picture's width and height: an image's tokens go with the square
SHARES = (0.5, 0.25, 0.1)  # of a page's text
LAST = (2000, 800, 300, 100)  # characters of the question, of each value and of the last page
HISTORY_SHARE = 0.25  # of all text
REFUSALS = 5  # times that a request is made smaller after it was refused
SMALLER = 0.7  # of its size, at least, after each
CHARS_A_TOKEN = 4  # of the estimate for a generator that cannot count
IMAGE_TOKENS = 1200  # the same for one picture of a whole page
LEAST_REPLY = 64  # tokens: a reply that could be no longer is not worth its call
CANDIDATES = 5  # blocks of a page that are taken by how they fit the query or the question


class Step(NamedTuple):
    """One rung of the ladder: what of the material is shown."""

    turns: int  # the newest so many
    pages: int  # the best so many
    scale: float = 1.0
    cropped: bool = False
    shares: tuple[float, ...] = ()  # of each page's text
    pictures: bool = True
    last: int | None = None  # characters


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that one call could show, before it is made to fit."""

    prompt: str
    question: str
    pages: tuple[Evidence, ...]  # best first
    kind: str = "write"
    schema: JSON | None = None
    view: View = "text"  # "text" where the generator sees no images
    history: tuple[Turn, ...] = ()  # oldest first
    values: Mapping[str, str] = field(default_factory=dict)
    question_images: tuple[Any, ...] = ()
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request that fits, as far as can be told, and what was left out for it."""

    request: Request
    pages: tuple[Evidence, ...]
    notes: tuple[str, ...]
    shown: JSON  # for the trace


#: The picture of a page with its block numbers, at full size.
Picture = Callable[[Evidence], Any]


class Fit:
    """Makes one call's request fit: before it is sent by counting, after a refusal by what was learned from it."""

    def __init__(self, generator: object, material: Material, limits: Limits, picture: Picture) -> None:
        self.material = material
        self._generator = generator if isinstance(generator, Bounded) else None
        self._context = limits.context
        self._images = limits.images
        self._picture = picture
        self._drawn: dict[tuple[object, ...], Any] = {}  # pictures by what they show and how large: probes share them
        self._undrawn: dict[int, str] = {}  # pages that cannot be drawn, and why
        self._ladder = list(ladder(material))
        self._at = 0
        self._most: int | None = None  # tokens of a prompt, learned
        self._longest = material.max_tokens  # of the reply, tokens
        self._refusals = 0
        self._last: Request | None = None
        self._why = ""

    def request(self, tokens_left: int) -> Fitted:
        """The largest request on the ladder that fits the model and the budget, by binary search."""
        room, reply = self._room(tokens_left)
        low, high = self._at, len(self._ladder) - 1
        made = self._build(low, reply)
        if room is not None and self.tokens(made) > room:
            low += 1
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if self.tokens(self._build(middle, reply)) <= room else (middle + 1, high)
            low = min(low, len(self._ladder) - 1)
            made = self._build(low, reply)
        self._at, self._last = low, made
        step = self._ladder[low]
        return Fitted(made, self.material.pages[: step.pages], self._notes(step), self._shown(step))

    def refused(self, error: RequestTooLarge) -> bool:
        """Learn from a refusal. Returns whether a smaller request is left to be tried."""
        self._refusals += 1
        if self._last is None or self._refusals > REFUSALS:
            return False
        if error.what == "images":
            now = self._count_images(self._last)
            if not now:
                return False
            fewer = now // 2 if error.limit is None else min(error.limit, now - 1)
            self._images = max(0, fewer)
            return True
        if self._at == len(self._ladder) - 1:
            return False
        self._context = error.limit or self._context
        self._most = int(self.tokens(self._last) * SMALLER)
        if self._context is None and self._refusals > 1:  # the reply may be what is too long
            self._longest //= 2
        if self._refusals == REFUSALS:
            self._at, self._longest = len(self._ladder) - 1, LEAST_REPLY
        return True

    @property
    def learned(self) -> Limits:
        """What the refusals have told."""
        return Limits(self._context, self._images)

    def tokens(self, request: Request) -> int:
        """Of a prompt: as its generator counts them, else an estimate."""
        return self._generator.tokens(request) if self._generator is not None else estimated(request)

    def _room(self, tokens_left: int) -> tuple[int | None, int]:
        """(tokens of the prompt, or None if nothing bounds them; tokens of the reply)."""
        reply = max(LEAST_REPLY, self._longest)
        bounds: list[tuple[int, str]] = []
        if self._context is not None:
            reply = max(LEAST_REPLY, min(reply, self._context // 4))
            bounds.append((self._context - reply, f"the model takes {self._context:,} tokens"))
        if tokens_left >= 2 * LEAST_REPLY:  # with less no call is admitted anyway
            bounds.append((tokens_left - min(reply, max(LEAST_REPLY, tokens_left // 4)), _budget(tokens_left)))
        if self._most is not None:
            told = f"the model takes {self._context:,} tokens" if self._context else "the model takes no more"
            bounds.append((self._most, told))
        room, self._why = min(bounds, default=(None, ""), key=lambda one: one[0])
        return room, reply

    # -- one rung ------------------------------------------------------------------------------------------------------

    def _build(self, at: int, reply: int) -> Request:
        of, step = self.material, self._ladder[at]
        pages = of.pages[: step.pages]
        texts = [_text(page, step, n, of.question) for n, page in enumerate(pages)]
        cut = step.last
        question = of.question if cut is None else shortened(of.question, cut)
        values = of.values if cut is None else {name: shortened(text, cut) for name, text in of.values.items()}
        images = of.question_images[: self._images] if self._images is not None else of.question_images
        pictures, sheet = self._pictures(pages, step, len(images))
        told = messages.conversation(
            of.prompt,
            question,
            pages,
            texts=texts,
            pictures=pictures,
            montage=sheet,
            history=of.history[len(of.history) - step.turns :],
            values=values,
            question_images=images,
        )
        return Request(told, of.question, pages, of.kind, of.schema, reply)

    def _pictures(self, pages: Sequence[Evidence], step: Step, others: int) -> tuple[dict[int, Any], Any]:
        room = None if self._images is None else self._images - others
        if self.material.view == "text" or not step.pictures or not pages or (room is not None and room < 1):
            return {}, None
        if self.material.view == "montage":
            return {}, self._once(("montage", len(pages), step.scale), lambda: self._montage(pages, step.scale))
        chosen = pages if room is None else pages[:room]
        drawn = {
            page.number: self._once(
                (page.number, step.scale, step.cropped), functools.partial(self._shrunk, page, step)
            )
            for page in chosen
        }
        return {number: picture for number, picture in drawn.items() if picture is not None}, None

    def _once(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        if key not in self._drawn:
            self._drawn[key] = make()
        return self._drawn[key]

    def _page(self, page: Evidence) -> Any:
        """The page's picture; None if it cannot be drawn: its text alone is shown."""

        def drawn() -> Any:
            try:
                return self._picture(page)
            except DocumentError as error:
                self._undrawn[page.number] = error.message
                return None

        return self._once((page.number,), drawn)

    def _montage(self, pages: Sequence[Evidence], scale: float) -> Any:
        from ragsys.pictures import montage

        if scale < 1:
            whole = self._once(("montage", len(pages), 1.0), lambda: self._montage(pages, 1.0))
            return None if whole is None else _scaled(whole, scale)
        drawn = {page.number: picture for page in pages if (picture := self._page(page)) is not None}
        return montage(list(drawn.values()), [f"page {number}" for number in drawn]) if drawn else None

    def _shrunk(self, page: Evidence, step: Step) -> Any:
        image = self._page(page)
        if image is None:
            return None
        if step.cropped:
            from ragsys.pictures import around

            kept = candidates(page, self.material.question)
            boxes = [block.bbox for block in page.page.blocks if block.ordinal in kept]
            part = around(boxes, least=0.15) if boxes else None
            if part is not None and part.y1 - part.y0 < 1:
                image = image.crop((0, round(part.y0 * image.height), image.width, round(part.y1 * image.height)))
        return _scaled(image, step.scale)

    @staticmethod
    def _count_images(request: Request) -> int:
        return sum(not isinstance(part, str) for message in request.messages for part in message.parts)

    # -- what is told of it --------------------------------------------------------------------------------------------

    def _notes(self, step: Step) -> tuple[str, ...]:
        of, first = self.material, self._ladder[0]
        why = f": {self._why}" if self._why else ""
        found = []
        if gone := first.pages - step.pages:
            found.append(f"{part(gone, first.pages, 'page', 'was', 'were')} left out{why}")
        if (gone := first.turns - step.turns) > 0:
            found.append(f"{part(gone, first.turns, 'earlier turn', 'was', 'were')} left out, the oldest first{why}")
        if step.cropped:
            found.append(f"of each page only the blocks that were found for the question were shown{why}")
        if step.shares and (cut := sum(share < 1 for share in step.shares[: step.pages])):
            found.append(f"the text of {cut} of {counted(step.pages, 'page')} was cut{why}")
        if step.last is not None and len(of.question) > step.last:
            found.append(f"the question was cut to {step.last:,} of its {len(of.question):,} characters{why}")
        return (*found, *self._notes_of_pictures(step, why))

    def _notes_of_pictures(self, step: Step, why: str) -> list[str]:
        wanted, shown = self._images_of(self._ladder[0]._replace(pages=step.pages)), self._images_shown(step)
        pages = wanted - len(self.material.question_images)
        if pages and not step.pictures:
            return [f"no page was shown as a picture{why}"]
        found = [f"no picture of it was shown: {reason}" for _, reason in sorted(self._undrawn.items())]
        if gone := wanted - shown:
            takes = f"the model takes {counted(self._images, 'image')}" if self._images else "the model takes no images"
            found.append(f"{part(gone, wanted, 'picture', 'was', 'were')} left out: {takes}")
        if step.scale < 1 and shown > len(self.material.question_images):
            found.append(f"pictures of pages were shown at {step.scale:.0%} of their size{why}")
        return found

    def _images_of(self, step: Step) -> int:
        """How many images a rung holds, whatever the model takes."""
        pages = {"text": 0, "pages": step.pages, "montage": min(1, step.pages)}[self.material.view]
        return pages * step.pictures + len(self.material.question_images)

    def _images_shown(self, step: Step) -> int:
        return self._images_of(step) if self._images is None else min(self._images_of(step), self._images)

    def _shown(self, step: Step) -> JSON:
        """For the trace's step: empty where everything was shown."""
        if self._at == 0 and self._images_shown(step) == self._images_of(step):
            return {}
        return {
            "pages": [page.number for page in self.material.pages[: step.pages]],
            "turns": step.turns,
            "scale": step.scale,
            "cropped": step.cropped,
            "shares": list(step.shares),
            "images": self._images_shown(step),
            "why": self._why,
        }


def ladder(material: Material) -> Iterator[Step]:
    """Every rung, the whole first; each shows less than the one before."""
    pages, turns = len(material.pages), len(material.history)
    step = Step(turns, pages)
    yield step
    length = [len(turn.question) + len(turn.answer) for turn in material.history]
    text = sum(len(block.text) for page in material.pages for block in messages.told(page)) + len(material.question)
    while step.turns and (kept := sum(length[turns - step.turns :])) > HISTORY_SHARE * (kept + text):
        step = step._replace(turns=step.turns - 1)
        yield step
    while step.pages > LEAST_PAGES:
        step = step._replace(pages=step.pages - 1)
        yield step
    if material.view != "text" and pages:
        for scale in SCALES:
            step = step._replace(scale=scale)
            yield step
    if pages:
        step = step._replace(cropped=True)
        yield step
    while step.turns:
        step = step._replace(turns=step.turns - 1)
        yield step
    shares = [1.0] * step.pages
    for page in reversed(range(step.pages)):
        for share in SHARES:
            shares[page] = share
            step = step._replace(shares=tuple(shares))
            yield step
    while step.pages > 1:
        step = step._replace(pages=step.pages - 1, shares=step.shares[: step.pages - 1])
        yield step
    if material.view != "text" and pages:
        step = step._replace(pictures=False)
        yield step
    for last in LAST:
        step = step._replace(last=last)
        yield step


def candidates(page: Evidence, question: str) -> frozenset[int]:
    """The blocks that an answer may rest on: those of the page's best passages and those that fit the query best, else
    those that share most words with the question; with the titles above them and the captions of what they are."""
    blocks = messages.told(page)
    found = {piece.block for passage in page.passages for piece in passage.pieces if piece.page == page.page.number}
    found |= set(page.blocks[:CANDIDATES])
    found &= {block.ordinal for block in blocks}
    if not found:
        asked = set(re.findall(r"\w{3,}", question.lower()))
        scored = [(-len(asked & set(re.findall(r"\w{3,}", block.text.lower()))), block.ordinal) for block in blocks]
        found = {ordinal for _, ordinal in sorted(scored)[:CANDIDATES]}
    return frozenset(found | {block.ordinal for block in _beside(blocks, found)})


def _beside(blocks: Sequence[Block], found: set[int]) -> Iterator[Block]:
    title: Block | None = None
    for block in blocks:
        if block.kind is BlockKind.TITLE:
            title = block
        elif block.ordinal in found and title is not None:
            yield title
        if block.kind is BlockKind.CAPTION and block.about in found:
            yield block


def _text(page: Evidence, step: Step, place: int, question: str) -> str:
    only = candidates(page, question) if step.cropped else None
    share = step.shares[place] if place < len(step.shares) else 1.0
    limit = None
    if share < 1:
        limit = int(share * sum(len(one.text) for one in messages.told(page) if only is None or one.ordinal in only))
    if step.last is not None:
        limit = min(step.last, limit) if limit is not None else step.last
    return messages.page_text(page, only, limit)


def shortened(text: str, limit: int) -> str:
    """The beginning and the end of a text: what is asked stands mostly at one of them."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head].rstrip()} … {text[len(text) - (limit - head - 3) :].lstrip()}"


def _scaled(image: Any, scale: float) -> Any:
    if scale == 1:
        return image
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))


def estimated(request: Request) -> int:
    """Tokens of a prompt where its generator cannot count them: by characters, and by the area of pictures."""
    parts = [part for message in request.messages for part in message.parts]
    text = sum(len(part) for part in parts if isinstance(part, str))
    area = sum(_area(part) for part in parts if not isinstance(part, str))
    return text // CHARS_A_TOKEN + int(IMAGE_TOKENS * area)


def _area(image: Any) -> float:
    """Of an image, 1 for a page of A4 at the resolution that pages are shown in, and never more."""
    size = getattr(image, "size", (935, 1286))
    return min(1.0, size[0] * size[1] / (935 * 1286))


def _budget(tokens: int) -> str:
    return f"the budget leaves {tokens:,} tokens"
