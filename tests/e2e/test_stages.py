"""Later stages on real pages: OCR of scans, the layout model, and what another configuration needs."""

from __future__ import annotations

import importlib.util
import json
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import histories
import numpy as np
import pdfs
import pytest
from folders import write_folder

from ragsys import stages
from ragsys.backfill import later
from ragsys.ingest import Commit, parse_job
from ragsys.library import Library
from ragsys.pool import Job, Message
from ragsys.progress import Meter, Report
from ragsys.records import STATES, page_payload, passage_payload, point_id
from ragsys.scan import File
from ragsys.statistics import TermCounts
from ragsys.store import AllOf, Between, Is, Point
from ragsys.testing.fakes import page_of_texts
from ragsys.types import Level, Outcome, Piece

TEXT = "The harbour master ordered seventeen buckets of blue paint.\nThey were delivered on the ninth of May."


def letter(page: object) -> None:
    page.insert_text((60, 120), TEXT.split("\n"), fontsize=16)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_scan_waits_for_ocr_and_is_then_cited_with_boxes(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    pdfs.scan(folder / "letter.pdf", letter)
    with Library(folder, config="laptop-lexical", background=False) as library:
        report = library.index()
        assert report.no_text == ["letter.pdf"]
        assert library.document("letter.pdf").outcome is Outcome.NO_TEXT
        assert library.status().pending["ocr"].total == 1
        assert "letter.pdf" not in {hit.path for hit in library.search("buckets of blue paint")}
        before = {name: counts.items for name, counts in counts_of(library).items()}

        library.index(wait=True)
        assert library.status().pending == {}
        assert library.document("letter.pdf").outcome is Outcome.INDEXED
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"
        after = {name: counts.items for name, counts in counts_of(library).items()}
        assert all(after[name] == before[name] + 1 for name in before)  # one page and one passage more, counted once
        answer = library.ask("How many buckets of blue paint did the harbour master order?")
        assert answer.citations[0].path == "letter.pdf"
        assert answer.citations[0].level in (Level.QUOTED, Level.SUPPORTED)
        box = answer.citations[0].bboxes[0]
        assert box.y0 < 0.3
        assert box.area < 0.2

        whole = counts_of(library)
        library.index(wait=True)  # nothing is read or counted twice
        assert {n: c.counts.tolist() for n, c in counts_of(library).items()} == {
            n: c.counts.tolist() for n, c in whole.items()
        }


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_pages_indexed_without_ocr_wait_for_it_when_it_is_allowed_later(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    pdfs.scan(folder / "letter.pdf", letter)
    with Library(folder, config="laptop-lexical", overrides=["index.ocr=never"], background=False) as library:
        library.index(wait=True)
        assert library.status().pending == {}
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        assert library.status().pending["ocr"].total == 1
        library.index(wait=True)
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_what_ocr_has_read_counts_for_the_pages_it_read(tmp_path: Path) -> None:
    """Two configurations that read pages in different ways share a library: OCR of one is no OCR of the other."""
    folder = write_folder(tmp_path / "docs")
    pdfs.scan(folder / "letter.pdf", letter)
    other = ["loaders.pymupdf.tables=false"]
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index(wait=True)
    with Library(folder, config="laptop-lexical", overrides=other, background=False) as library:
        library.index()
        assert library.status().pending["ocr"].total == 1
        library.index(wait=True)
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        assert library.status().pending == {}
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"


def test_statistics_grow_with_each_document_and_shrink_with_one_that_goes(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")

    def summed(library: Library) -> dict[str, tuple[int, list[int], list[int]]]:
        return {n: (c.items, c.ids.tolist(), c.counts.tolist()) for n, c in counts_of(library).items()}

    def anew(library: Library) -> dict[str, tuple[int, list[int], list[int]]]:
        library.space.catalog._statistics = None  # as after a start
        return summed(library)

    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        first = summed(library)
        shutil.copy(folder / "manual.pdf", tmp_path / "other.pdf")
        with (tmp_path / "other.pdf").open("ab") as file:
            file.write(b"\n%")  # other bytes, the same words
        shutil.move(tmp_path / "other.pdf", folder / "other.pdf")
        library.index()
        grown = summed(library)
        assert all(grown[name][0] > first[name][0] for name in first)
        assert grown == anew(library)
        library.remove("other.pdf")
        assert summed(library) == first


def counts_of(library: Library) -> dict[str, TermCounts]:
    return {name: library.space.statistics(name) for name in library.space.layers.makers(eager=True)}


@pytest.mark.skipif(importlib.util.find_spec("pymupdf.layout") is None, reason="the extra `layout` is not installed")
def test_the_layout_model_takes_the_place_of_the_rules(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    with Library(folder, config="laptop-lexical", overrides=["index.layout=true"], background=False) as library:
        library.index()
        assert library.status().pending["layout"].total == 7
        assert library.search("cleaning cycle")[0].path == "manual.pdf"  # by the rules, until the model has been
        library.index(wait=True)
        assert library.status().pending == {}
        assert library.search("cleaning cycle")[0].path == "manual.pdf"
        assert len({(hit.path, hit.page) for hit in library.search("the oven bakery", k=20)}) == len(
            library.search("the oven bakery", k=20)
        )
        assert library.index().unchanged == 3


def test_words_of_another_kind_are_added_without_parsing(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    with Library(folder, config="laptop-lexical", background=False) as first:
        first.index()
        ranks = [(hit.path, hit.page) for hit in first.search("revenue of the bakery", k=5)]
    with Library(folder, config="laptop-lexical", overrides=["lexical.k1=0.9"], background=False) as second:
        assert second.index().pages == 0
        assert second.search("revenue of the bakery")[0].path.endswith("annual.pdf")
    with Library(folder, config="laptop-lexical", background=False) as third:
        assert third.index().pages == 0
        assert [(hit.path, hit.page) for hit in third.search("revenue of the bakery", k=5)] == ranks


def test_passages_cut_anew_wait_for_their_vectors(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    with Library(folder, background=False) as first:
        first.index(wait=True)
        assert first.status().pending == {}
        before = {name: counts.counts.tolist() for name, counts in counts_of(first).items()}
    with Library(folder, overrides=["splitter.words=40"], background=False) as second:
        second.index()
        pending = second.status().pending["dense"]
        assert (pending.done, pending.total) == (0, second.status().passages)
        second.index(wait=True)
        assert second.status().pending == {}
    with Library(folder, background=False) as third:  # both ways to cut stand side by side
        third.index()
        assert third.status().pending == {}
        assert {name: counts.counts.tolist() for name, counts in counts_of(third).items()} == before


@pytest.mark.skipif(importlib.util.find_spec("pymupdf.layout") is None, reason="the extra `layout` is not installed")
def test_a_document_stays_searchable_while_and_after_the_layout_model_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "docs")
    with Library(folder, config="laptop-lexical", overrides=["index.layout=true"], background=False) as library:
        library.index()
        space = library.space
        state = next(state for state in space.catalog if state.paths == ["manual.pdf"])
        refined = space.layers.refined("manual.pdf") or ""
        commit, meter = Commit(space, Report(), refine=True), Meter("layout", "pages", lambda _: None)
        commit.expect(state.doc, [File("manual.pdf", state.bytes, 0, 0, state.doc)], refined)
        job = parse_job(state.doc, space.file("manual.pdf"), refined, 9, refine=True)
        page = page_payload(state.doc, refined, page_of_texts(1, "cleaning cycle, half done"))
        commit.take(Message(job, {"type": "info", "pages": 2, "title": "", "metadata": {}}), meter)
        commit.take(Message(job, {"type": "items", "items": [{"payload": page, "ordinal": 1}]}), meter)
        hit = library.search("cleaning cycle")[0]
        assert (hit.path, hit.page) == ("manual.pdf", 1)
        assert "green button" in hit.passages[0]

        left: list[int] = []  # points of the layer when the state that no longer names it is kept
        saved = space.catalog.save
        monkeypatch.setattr(
            space.catalog, "save", lambda state: (left.append(space.store.count(Is("layer", refined))), saved(state))
        )
        commit.take(Message(job, {"type": "error", "reason": "no", "outcome": "broken"}), meter)
        assert left == [0]
        document = library.document("manual.pdf")
        assert document.outcome is Outcome.INDEXED
        assert document.faults[-1].reason == "layout: no"
        assert library.search("cleaning cycle")[0].path == "manual.pdf"
        assert space.store.count(Is("layer", refined)) == 0
        assert document.layers["layout"].complete  # nothing is left to wait for


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_pages_keep_waiting_for_ocr_while_their_file_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    pdfs.scan(folder / "letter.pdf", letter)
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        (folder / "letter.pdf").rename(tmp_path / "away.pdf")
        later(library.space, lambda _: None, threading.Event())
        assert library.status().pending["ocr"].total == 1
        (tmp_path / "away.pdf").rename(folder / "letter.pdf")
        later(library.space, lambda _: None, threading.Event())
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"


def letters(page: object) -> None:
    page.insert_text((60, 60), "2024 Camry", fontsize=14)  # type: ignore[attr-defined]


def brochure(path: Path) -> Path:
    """A picture of a page with a few letters of text over it, then two pages of plain text."""
    import pymupdf

    pdfs.scan(path.with_name("cover.pdf"), letter)
    document = pymupdf.open(path.with_name("cover.pdf"))
    letters(document[0])
    for number in (2, 3):
        words = f"Page {number} tells of the hybrid engine, its battery and the warranty of eight years. " * 4
        document.new_page().insert_textbox((60, 60, 540, 780), words, fontsize=11)
    document.save(path)
    document.close()
    path.with_name("cover.pdf").unlink()
    return path


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_page_with_a_few_letters_over_a_picture_is_replaced_with_its_passages(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    brochure(folder / "camry.pdf")
    with Library(folder, background=False) as library:
        library.index()
        assert library.search("2024 Camry")[0].path == "camry.pdf"  # what little text there is can be found
        library.index(wait=True)
        assert library.status().pending == {}
        hit = library.search("buckets of blue paint")[0]
        assert (hit.path, hit.page) == ("camry.pdf", 1)
        assert library.ask("How many buckets of blue paint did the harbour master order?").citations[0].page == 1
        histories.fits(library)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_library_damaged_by_an_older_version_answers_and_is_repaired(tmp_path: Path) -> None:
    """Passages of the first parse pointed to blocks that OCR had replaced: every later stage and question failed."""
    folder = write_folder(tmp_path / "docs")
    brochure(folder / "camry.pdf")
    place = tmp_path / "library"
    with Library(folder, folder=place, background=False) as library:
        library.index(wait=True)
        space = library.space
        state = next(state for state in space.catalog if state.paths == ["camry.pdf"])
        passages = space.layer(state, "passage")
        gone = passage_payload(state.doc, passages, 0, [Piece(1, 40, 0, 10), Piece(2, 0, 0, 20)], [])
        space.store.upsert([Point(point_id(state.doc, passages, 0), gone)])
        old = state.payload()
        old["layers"] = {name: held[:3] for name, held in old["layers"].items()}  # as format 1 kept them
        old["vectors"] = {key: 0 if key.startswith("minilm") else count for key, count in old["vectors"].items()}
        del old["attempts"]
        space.store.upsert([Point(point_id(state.doc, STATES, 0), {"terms": space.catalog.terms(state.doc), **old})])
    about = json.loads((place / "library.json").read_text())
    del about["checksum"]
    (place / "library.json").write_text(json.dumps({**about, "format": 1}))
    with Library(folder, folder=place, background=False, index=False) as library:
        assert library.search("hybrid engine battery warranty")[0].path == "camry.pdf"
        assert library.ask("How many buckets of blue paint did the harbour master order?").status == "answered"
        assert later(library.space, lambda _: None, threading.Event()) == []  # no stage is stopped by it
        report = library.index(wait=True)
        assert report.warnings == []
        histories.fits(library)
        assert library.status().pending == {}
    assert json.loads((place / "library.json").read_text())["format"] == 2


def test_a_damaged_page_and_a_damaged_state_cost_themselves_until_the_next_run(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    place = tmp_path / "library"
    with Library(folder, folder=place, config="laptop-lexical", background=False) as library:
        library.index()
        space = library.space
        manual, other = (
            next(state for state in space.catalog if name in state.paths[0]) for name in ("manual", "annual")
        )
        layer = space.layer(manual, "page")
        space.store.set_payload([point_id(manual.doc, layer, 1)], {"blocks": "not packed"})
        space.store.set_payload([point_id(other.doc, STATES, 0)], {"layers": 7})
        space.forget(manual.doc)
        space.store.flush()
    with Library(folder, folder=place, config="laptop-lexical", background=False, index=False) as library:
        assert library.ask("How is the cleaning cycle of the oven started?") is not None
        library.search("oven replaced in March")
        assert library.document("manual.pdf")
    with Library(folder, folder=place, config="laptop-lexical", background=False) as library:
        library.index()
        histories.fits(library)
        assert library.status().documents == 3
        assert "green button" in library.search("cleaning cycle")[0].passages[0]


class Picky:
    """An embedder that fails on one text and hands out no number for another."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, embedder: object, items: list[str]) -> list[dict[str, np.ndarray]]:
        self.calls += 1
        if any("poison" in item for item in items):
            raise ValueError("cannot encode this")
        found = histories.embedded(embedder, items)
        for item, vectors in zip(items, found, strict=True):
            if "nowhere" in item:
                next(iter(vectors.values()))[:] = np.nan
        return found


def test_a_text_that_the_embedder_fails_on_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "docs", {"a.pdf": ["poison in the well of the town hall"], "b.pdf": ["nowhere"]})
    write_folder(folder)
    picky = Picky()
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_items", lambda self, items: picky(self, items))
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_queries", lambda s, q: histories.embedded(s, ["q"]))
    with Library(folder, background=False) as library:
        library.index(wait=True)
        assert library.status().pending == {}
        fault = library.document("a.pdf").faults[0]
        assert (fault.page, fault.reason) == (1, "dense: ValueError: cannot encode this")
        assert "no numbers" in library.document("b.pdf").faults[0].reason
        assert "a.pdf" in {hit.path for hit in library.search("poison in the well")}  # found by its words
        calls = picky.calls
        library.index(wait=True)
        assert picky.calls == calls  # not tried again by itself
        library.index(wait=True, retry=True)
        assert picky.calls > calls


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_vector_made_of_a_text_that_ocr_replaces_meanwhile_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question embeds a passage while OCR gives its page another text: the vector would stand for the wrong words."""
    folder = write_folder(tmp_path / "docs")
    brochure(folder / "camry.pdf")
    running: list[bool] = []

    def embed(self: object, texts: list[str]) -> list[dict[str, np.ndarray]]:
        if not running:
            running.append(True)
            stages.ocr(library.space, lambda _: None, threading.Event())
        return histories.embedded(self, texts)

    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_items", embed)
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_queries", lambda s, q: histories.embedded(s, ["q"]))
    with Library(folder, background=False) as library:
        library.index()
        library.search("2024 Camry")
        assert running
        assert histories.outdated(library) == []
        library.index(wait=True)
        assert library.status().pending == {}
        assert histories.outdated(library) == []


def test_an_embedder_that_fails_on_everything_is_an_error_not_the_documents_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: object, items: list[str]) -> object:
        raise ConnectionError("no server")

    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_items", gone)
    with Library(write_folder(tmp_path / "docs"), background=False) as library:
        with pytest.raises(ConnectionError):
            library.index(wait=True)
        assert not any(document.faults for document in library.documents())
        assert library.status().pending["dense"].done == 0


def test_what_failed_by_a_passing_cause_is_tried_again_three_times_with_longer_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "docs")
    patience: list[float] = []

    class Late(histories.Parsers):
        def run(self, jobs: Iterable[Job], stop: object = None) -> Iterator[Message]:
            for job in jobs:
                if job.message["path"].endswith("manual.pdf"):
                    patience.append(job.patience)
                    yield Message(job, {"type": "error", "reason": "page 1 took long", "outcome": "timeout"})
                else:
                    yield from super().run([job])

    monkeypatch.setattr("ragsys.ingest.Pool", Late)
    with Library(folder, config="laptop-lexical", background=False) as library:
        histories.Parsers.library = library
        reasons = [library.index(retry=False).skipped[0][2]]
        reasons += [library.index().skipped[0][2] for _ in range(4)]
        assert [reason.partition(",")[0] for reason in reasons] == [
            f"page 1 took long; attempt {n} of 3" for n in (1, 2, 3, 3, 3)
        ]
        assert "the next run tries again" in reasons[0]
        assert reasons[-1].endswith("ragsys index FOLDER --retry")
        assert patience == [1, 2, 4]
        library.refresh()
        library.index(retry=False)
        assert patience == [1, 2, 4]
        library.index(retry=True)
        assert patience == [1, 2, 4, 8]
        monkeypatch.setattr("ragsys.ingest.Pool", histories.Parsers)
        assert library.index(retry=True).skipped == []
        assert "green button" in library.search("cleaning cycle")[0].passages[0]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_page_that_ocr_lost_to_a_busy_machine_is_read_by_a_later_run(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    pdfs.scan(folder / "letter.pdf", letter)
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
    busy = ["index.limits.page_seconds=0.001"]
    with Library(folder, config="laptop-lexical", overrides=busy, background=False) as library:
        report = library.index(wait=True)
        assert library.status().pending["ocr"].total == 1
        assert [(path, page) for path, page, _ in report.faults] == [("letter.pdf", 1)]
        assert "a page took more than 0.001 s of computing time" in report.faults[0][2]
        fault = library.document("letter.pdf").faults[0]
        assert (fault.page, fault.stage, fault.outcome) == (1, "ocr", Outcome.TIMEOUT)
        assert "attempt 1 of 3, the next run tries again" in fault.reason
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index(wait=True)
        assert library.status().pending == {}
        assert library.document("letter.pdf").faults == ()
        assert library.search("buckets of blue paint")[0].path == "letter.pdf"


@pytest.mark.parametrize("waits", ["for the query", "for passages"])
def test_a_slow_embedder_does_not_take_the_answer_of_a_question(
    waits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the words alone must do: what they found is answered in time, and the answer says so."""
    slow = threading.Event()

    def late(self: object, items: list[object]) -> list[dict[str, np.ndarray]]:
        if slow.is_set():
            time.sleep(5.0 if waits == "for the query" else 3.0)
        return histories.embedded(self, [str(item) for item in items])

    def quick(self: object, items: list[object]) -> list[dict[str, np.ndarray]]:
        return histories.embedded(self, [str(item) for item in items])

    passages, query = (quick, late) if waits == "for the query" else (late, quick)
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_items", passages)
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_queries", query)
    texts = {f"note{n}.pdf": [f"The cleaning cycle of oven {n}: press the green button."] for n in range(12)}
    folder = write_folder(tmp_path / "docs", texts)
    with Library(folder, background=False) as library:
        library.index()
        slow.set()
        answer = library.ask("How is the cleaning cycle of oven 7 started?", budget={"seconds": 8})
        assert answer.status == "answered"
        assert "green button" in answer.text
        said = "dense was left out" if waits == "for the query" else "could not be embedded"
        assert any(said in note for note in answer.notes)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_page_on_which_ocr_finds_nothing_keeps_its_few_letters(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    pdfs.new(
        folder / "photo.pdf",
        lambda page: (page.insert_image(page.rect, stream=pdfs.picture()), page.insert_text((60, 60), "Camry")),
    )
    with Library(folder, config="laptop-lexical", background=False) as library:
        with pytest.MonkeyPatch.context() as patch:
            histories.install(patch)
            histories.Parsers.library = library
            patch.setattr("ragsys_pdf.ocr.AutoOcr.read", lambda self, image: ())
            library.index(wait=True)
        assert library.status().pending == {}
        assert library.search("Camry")[0].path == "photo.pdf"
        histories.fits(library)


def test_a_page_point_that_is_missing_is_read_again(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "docs")
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        space = library.space
        state = next(state for state in space.catalog if state.paths == ["manual.pdf"])
        layer = space.layer(state, "page")
        space.store.delete_where(AllOf((Is("doc", state.doc), Is("layer", layer), Between("page", 1, 1))))
        space.forget(state.doc)
        state.layers[space.layer(state, "passage")].sound = False  # something is to be made of the pages
        library.index()
        assert library.index().warnings == []
        assert "green button" in library.search("cleaning cycle")[0].passages[0]
        histories.fits(library)


def test_a_page_that_was_lost_is_read_again_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever becomes of the attempt, the pages that the document has stay."""
    folder = write_folder(tmp_path / "docs", {"long.pdf": [f"Page {n} tells of harbour {n}." for n in range(1, 6)]})
    failing: list[str] = ["page"]

    class Losing(histories.Parsers):
        def run(self, jobs: Iterable[Job], stop: object = None) -> Iterator[Message]:
            for job in jobs:
                if failing[0] == "document":
                    yield Message(job, {"type": "error", "reason": "took long", "outcome": "timeout"})
                    continue
                if failing[0] == "page":
                    job.skip.append(3)
                    job.lost[3] = "took long", Outcome.TIMEOUT
                yield from super().run([job])

    for module in ("ingest", "backfill", "stages"):
        monkeypatch.setattr(f"ragsys.{module}.Pool", Losing)

    def opened() -> Library:
        histories.Parsers.library = Library(folder, config="laptop-lexical", background=False, index=False)
        return histories.Parsers.library

    with opened() as library:
        library.index()
        assert library.document("long.pdf").outcome is Outcome.PARTIAL
    for failure in ("document", "page"):
        failing[0] = failure
        with opened() as library:
            library.index(retry=False)
            assert "attempt 1" in library.document("long.pdf").faults[0].reason or failure == "page"
            library.index()
            assert library.search("harbour 5")[0].page == 5
            assert library.document("long.pdf").outcome is Outcome.PARTIAL
    failing[0] = ""
    with opened() as library:
        (fault,) = library.document("long.pdf").faults
        assert (fault.page, "attempt 3 of 3" in fault.reason) == (3, True)
        library.index()
        assert library.document("long.pdf").faults  # three attempts are all that follow by themselves
        library.index(retry=True)
        assert library.document("long.pdf").faults == ()
        assert library.document("long.pdf").outcome is Outcome.INDEXED
        assert library.search("harbour 3")[0].page == 3
        histories.fits(library)
