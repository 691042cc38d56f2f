"""Requests are made to fit: what goes first, what is said of it, and that no question fails for its size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ragsys import fitting
from ragsys.actions import Agent, Kit, Look, Search, Task, Turn, Write, do
from ragsys.budget import Purse
from ragsys.codec import fingerprint
from ragsys.errors import DocumentError, RequestTooLarge
from ragsys.fitting import LEAST_PAGES, Fit, Material, candidates, ladder, shortened
from ragsys.protocols import Bounded, Limits
from ragsys.runner import Ended, Runner
from ragsys.steps import replay
from ragsys.testing.agents import MemoryHost, page_of
from ragsys.testing.generators import BoundedGenerator
from ragsys.trace import Recorder, Trace
from ragsys.types import BlockKind, Draft, Evidence, Hit, Passage, Piece, Span

FILLER = "Some words that fill the page and say nothing of it. " * 20
PAGES = {
    (f"d{n}", 1): page_of((BlockKind.TITLE, f"Report {n}"), f"The plant {n} opened in {1980 + n}.", FILLER, FILLER)
    for n in range(1, 9)
}
EVIDENCE = tuple(
    Evidence(n, f"d{n}", f"d{n}.pdf", "", PAGES[f"d{n}", 1], "p", Hit(Span(f"d{n}", 1, 1), n, 1.0 / n))
    for n in range(1, 9)
)
TASK = Task("when did the plant open")


def picture(page: Evidence) -> Any:
    """A page at full size."""
    return Image.new("RGB", (935, 1286), "white")


def writing(task: Task, *, kit: Kit) -> Agent[Draft]:
    """Search and write."""
    hits = yield from do(Search(task.question, k=8))
    return (yield from do(Write(tuple(hits), view="pages")))


def asked(tmp_path: Path, generator: Any, task: Task = TASK, *, tokens: int = 100_000) -> tuple[Ended, Trace]:
    """One run."""
    recorder = Recorder({})
    host = MemoryHost(tmp_path, PAGES, generator)
    kit = Kit(pages=8, reads_images=generator.reads_images)
    ended = Runner(host, Purse.of(calls=9, tokens=tokens, seconds=30), recorder, kit).run(writing, task)
    return ended, recorder.close({"stop": ended.stop})


def test_the_double_is_bounded() -> None:
    assert isinstance(BoundedGenerator(), Bounded)


def test_what_fits_is_sent_whole_and_nothing_is_said(tmp_path: Path) -> None:
    generator = BoundedGenerator(["It opened in 1981 [1.1]."], context=50_000)
    ended, trace = asked(tmp_path, generator)
    assert (ended.notes, len(ended.draft.evidence), generator.refused) == ((), 8, 0)
    assert "shown" not in trace.steps[-1].output


def test_the_lowest_ranked_pages_go_first_and_the_answer_says_so(tmp_path: Path) -> None:
    generator = BoundedGenerator(["It opened in 1981 [1.1]. And [8.1]."], context=3000)
    ended, trace = asked(tmp_path, generator)
    assert ended.notes == (f"{8 - len(ended.draft.evidence)} of 8 pages were left out: the model takes 3,000 tokens",)
    assert [one.number for one in ended.draft.evidence] == list(range(1, len(ended.draft.evidence) + 1))
    assert LEAST_PAGES <= len(ended.draft.evidence) < 8
    request = generator.requests[0]
    assert generator.tokens(request) + request.max_tokens <= 3000
    assert trace.steps[-1].output["shown"]["pages"] == [one.number for one in ended.draft.evidence]
    assert replay(trace, writing, task=TASK, kit=Kit(pages=8)) == ended.draft


@pytest.mark.parametrize("context", [40, 160, 300, 600, 1200, 2000, 4000])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_no_question_fails_for_its_size(tmp_path: Path, context: int, told: bool, named: bool) -> None:
    long = Task("when did the plant open " * 500, history=(Turn("q " * 3000, "a " * 3000),) * 4)
    generator = BoundedGenerator(
        ["It opened in 1981 [1.1]."], context=context, images=3, told=told, named=named, reads_images=True
    )
    ended, _ = asked(tmp_path, generator, long)
    if context == 40:  # less than the instructions: said, not raised
        assert ended.draft.status == "abstained"
        assert "does not take even one page" in ended.draft.note
    else:
        assert ended.draft.text == "It opened in 1981."
        assert ended.notes
        assert generator.refused <= (5 if not told else 1)


def test_images_over_the_number_go_from_the_end_and_their_text_stays(tmp_path: Path) -> None:
    generator = BoundedGenerator(["Yes [8.1]."], context=90_000, images=3, reads_images=True)
    ended, _ = asked(tmp_path, generator)
    parts = generator.requests[0].messages[1].parts
    assert sum(not isinstance(part, str) for part in parts) == 3
    assert len(ended.draft.evidence) == 8
    assert ended.notes == ("5 of 8 pictures were left out: the model takes 3 images",)


def test_a_refusal_that_names_no_limit_is_learned_from_once_a_question(tmp_path: Path) -> None:
    def twice(task: Task, *, kit: Kit) -> Agent[Draft]:
        hits = yield from do(Search(task.question, k=8))
        yield from do(Look(tuple(hits), view="pages"))
        return (yield from do(Write(tuple(hits), view="pages")))

    generator = BoundedGenerator(["fine", "Yes [1.1]."], images=2, told=False, reads_images=True)
    host = MemoryHost(tmp_path, PAGES, generator)
    purse = Purse.of(calls=9, tokens=100_000, seconds=30)
    ended = Runner(host, purse, Recorder({}), Kit(pages=8, reads_images=True)).run(twice, TASK)
    assert generator.refused == 1
    assert ended.usage.calls == 2  # a refused request was not read: it costs no call
    assert [sum(not isinstance(p, str) for p in r.messages[1].parts) for r in generator.requests] == [2, 2]


def test_a_small_budget_shrinks_the_evidence_instead_of_ending_the_question(tmp_path: Path) -> None:
    generator = BoundedGenerator(["It opened in 1981 [1.1]."])
    ended, _ = asked(tmp_path, generator, tokens=1500)
    assert ended.draft.text == "It opened in 1981."
    assert "the budget leaves 1,500 tokens" in ended.notes[0]


def test_the_order_of_the_ladder() -> None:
    history = tuple(Turn("what " * 400, "that " * 400) for _ in range(5))
    steps = list(ladder(Material("p", "q", EVIDENCE, view="pages", history=history)))
    assert steps[0] == (5, 8, 1.0, False, (), True, None)
    assert len(steps) == len(set(steps)) < 60
    first = {name: next(n for n, s in enumerate(steps) if getattr(s, name) != getattr(steps[0], name)) for name in
             ("turns", "pages", "scale", "cropped", "shares", "pictures", "last")}  # fmt: skip
    assert sorted(first, key=first.__getitem__) == ["turns", "pages", "scale", "cropped", "shares", "pictures", "last"]
    assert steps[first["scale"]].pages == LEAST_PAGES
    assert steps[-1][:2] == (0, 1)


def test_every_rung_is_smaller_than_the_one_before() -> None:
    generator = BoundedGenerator()
    history = tuple(Turn("what " * 100, "that " * 100) for _ in range(3))
    fit = Fit(generator, Material("p", "q " * 2000, EVIDENCE, view="pages", history=history), Limits(), picture)
    sizes = [generator.tokens(fit._build(n, 64)) for n in range(len(fit._ladder))]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 200 < sizes[0]


def test_equal_material_and_limits_give_equal_requests() -> None:
    made = [
        Fit(BoundedGenerator(), Material("p", "q", EVIDENCE, view="pages"), Limits(2500, 4), picture).request(10**6)
        for _ in range(2)
    ]
    assert fingerprint(made[0].request) == fingerprint(made[1].request)
    assert made[0].notes == made[1].notes


def test_a_cropped_page_keeps_its_passages_titles_and_captions() -> None:
    page = page_of(
        (BlockKind.TITLE, "One"),
        "a first text",
        (BlockKind.TITLE, "Two"),
        "the second text",
        (BlockKind.TABLE, "|1|2|"),
    )
    blocks = (*page.blocks, replace(page.blocks[1], ordinal=5, kind=BlockKind.CAPTION, about=4, text="Table 1"))
    page = replace(page, blocks=blocks)
    passage = Passage(0, (Piece(1, 4, 0, 3),), "1 2")
    shown = Evidence(1, "d", "d.pdf", "", page, "p", Hit(Span("d", 1, 1), 1, 1.0), (passage,))
    assert candidates(shown, "anything") == {2, 4, 5}
    plain = replace(shown, passages=())
    looked = Evidence(1, "d", "d.pdf", "", page, "p", Hit(Span("d", 1, 1), 1, 1.0), (passage,), blocks=(3,))
    assert 3 in candidates(looked, "anything")
    assert 3 in candidates(plain, "what does the second say")


@pytest.mark.parametrize("view", ["pages", "montage"])
def test_a_picture_is_made_once_of_each_size(view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, float]] = []  # holds the images, so that no two share an id
    scaled = fitting._scaled
    monkeypatch.setattr(fitting, "_scaled", lambda image, by: asked.append((image, by)) or scaled(image, by))
    fit = Fit(BoundedGenerator(), Material("p", "q", EVIDENCE, view=view), Limits(1200, 8), picture)
    first = fit.request(10**6)
    assert fit.refused(RequestTooLarge("x", what="tokens", limit=1100))
    fit.request(10**6)
    made = [(id(image), by) for image, by in asked]
    assert any(by < 1 for _, by in made)
    assert len(made) == len(set(made))
    assert first.notes


def test_a_montage_is_one_image_that_shrinks() -> None:
    fit = Fit(BoundedGenerator(), Material("p", "q", EVIDENCE[:3], view="montage"), Limits(2000, 1), picture)
    request = fit.request(10**6).request
    images = [part for part in request.messages[1].parts if not isinstance(part, str)]
    assert len(images) == 1
    assert images[0].width < 1600
    none = Fit(BoundedGenerator(), Material("p", "q", EVIDENCE[:3], view="montage"), Limits(None, 0), picture)
    assert none.request(10**6).notes == ("1 of 1 picture was left out: the model takes no images",)


def test_the_end_of_a_question_is_kept_when_it_is_cut() -> None:
    text = "beginning " * 300 + "and what is the end?"
    assert shortened(text, 100).endswith("what is the end?")
    assert len(shortened(text, 100)) <= 100
    assert shortened("short", 100) == "short"


def test_a_refusal_without_a_request_cannot_be_learned_from() -> None:
    fit = Fit(BoundedGenerator(), Material("p", "q", ()), Limits(), picture)
    assert not fit.refused(RequestTooLarge("x", what="tokens"))


@pytest.mark.parametrize(("view", "shown"), [("pages", [2]), ("montage", [1])])
def test_a_page_that_cannot_be_drawn_is_shown_as_text_and_named(view: Any, shown: list[int]) -> None:
    def drawn(page: Evidence) -> Any:
        if page.number == 1:
            raise DocumentError("page 1 of d1.pdf could not be drawn: took more than 20 s")
        return picture(page)

    material = Material("Say it.", TASK.question, EVIDENCE[:3], view=view)
    fitted = Fit(BoundedGenerator(), material, Limits(), drawn).request(100_000)
    parts = [part for message in fitted.request.messages for part in message.parts]
    assert sum(not isinstance(part, str) for part in parts) == shown[0]
    assert "The plant 1 opened in 1981." in "".join(part for part in parts if isinstance(part, str))
    assert fitted.notes == ("no picture of it was shown: page 1 of d1.pdf could not be drawn: took more than 20 s",)


def test_no_page_that_can_be_drawn_is_no_picture() -> None:
    def drawn(page: Evidence) -> Any:
        raise DocumentError(f"page 1 of {page.path} could not be drawn")

    material = Material("Say it.", TASK.question, EVIDENCE[:2], view="montage")
    fitted = Fit(BoundedGenerator(), material, Limits(), drawn).request(100_000)
    assert all(isinstance(part, str) for message in fitted.request.messages for part in message.parts)
    assert len(fitted.notes) == 2
