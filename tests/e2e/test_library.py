"""A library over a folder of real PDFs: index, follow changes, search, ask."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import TEXTS, write_folder, write_pdf

import ragsys
from ragsys.errors import LibraryBusy, LibraryError, UsageError
from ragsys.library import Library
from ragsys.progress import Progress, Report
from ragsys.types import Outcome


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "docs")


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with ragsys.open(folder, background=False) as opened:
        yield opened


def points(library: Library) -> dict[str, tuple[object, tuple[str, ...]]]:
    """Every point but the states' bookkeeping: id -> (payload, vector names)."""
    names = list(library.space.layers.vectors)
    return {
        record.id: (record.payload, tuple(sorted(record.vectors)))
        for record in library.space.store.scroll(vectors=names)
    }


def test_the_first_search_indexes_what_is_new(library: Library) -> None:
    hits = library.search("cleaning cycle of the oven", k=3)
    assert (hits[0].path, hits[0].page) == ("manual.pdf", 1)
    assert "green button" in hits[0].passages[0]
    assert library.status().documents == 3
    assert library.status().pages == 7


def test_k_distinct_pages_come_back(library: Library) -> None:
    hits = library.search("the bakery oven revenue", k=7)
    assert len({(hit.doc, hit.page) for hit in hits}) == len(hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_nothing_is_read_twice(library: Library) -> None:
    assert len(library.index().added) == 3
    again = library.index()
    assert (again.added, again.changed, again.unchanged, again.pages) == ([], [], 3, 0)


def test_changed_moved_and_deleted_files_are_followed(library: Library, folder: Path) -> None:
    library.index()
    write_pdf(
        folder / "manual.pdf", ["Oven manual, second edition\n\nPress the red button to start the cleaning cycle."]
    )
    (folder / "old").mkdir()
    shutil.move(folder / "2022" / "annual.pdf", folder / "old" / "annual-2022.pdf")
    report = library.index()
    assert (report.changed, report.moved, report.removed) == (["manual.pdf"], ["old/annual-2022.pdf"], [])
    assert "red button" in library.search("cleaning cycle")[0].passages[0]
    assert library.search("oven replaced in March")[0].path == "old/annual-2022.pdf"
    assert not any("green button" in text for hit in library.search("green button") for text in hit.passages)
    assert library.status().documents == 3


def test_a_large_loss_deletes_nothing_without_prune(library: Library, folder: Path) -> None:
    for number in range(7):
        write_pdf(folder / f"note{number}.pdf", [f"Note {number} on the cleaning cycle of the oven."])
    library.index()
    notes = [f"note{number}.pdf" for number in range(6)]
    for name in notes:
        (folder / name).unlink()
    kept = library.index()
    assert kept.removed == []
    assert kept.kept == notes
    assert "6 documents are gone" in kept.warnings[0]
    assert "--prune" in kept.warnings[0]
    assert library.index(prune=True).removed == notes
    assert library.status().documents == 4


def test_a_file_that_goes_from_a_small_folder_goes_from_the_library(library: Library, folder: Path) -> None:
    """Of three documents one is a third: a share alone says nothing of a few."""
    library.index()
    (folder / "manual.pdf").unlink()
    report = library.index()
    assert (report.removed, report.kept, report.warnings) == (["manual.pdf"], [], [])
    assert not any(hit.path == "manual.pdf" for hit in library.search("cleaning cycle"))


def test_a_missing_root_deletes_nothing(library: Library, folder: Path) -> None:
    library.index()
    folder.rename(folder.with_name("unmounted"))
    report = library.index()
    assert report.removed == []
    assert len(report.kept) == 3
    assert library.search("cleaning cycle")


def test_the_same_bytes_in_two_places_are_one_document(library: Library, folder: Path) -> None:
    shutil.copy(folder / "manual.pdf", folder / "copy.pdf")
    library.index()
    assert library.document("copy.pdf").paths == ("copy.pdf", "manual.pdf")
    assert library.status().documents == 3


def test_bad_files_are_counted_and_named(library: Library, folder: Path) -> None:
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    report = library.index()
    outcomes = {path: outcome for path, outcome, _ in report.skipped}
    assert outcomes["empty.pdf"] is Outcome.EMPTY
    assert outcomes["broken.pdf"] in (Outcome.BROKEN, Outcome.EMPTY)
    again = library.index()
    assert {path for path, _, _ in again.skipped} == {"empty.pdf", "broken.pdf"}
    assert again.added == []


def test_filters_run_inside_the_search(library: Library) -> None:
    only = library.search("revenue of the bakery", k=10, filter={"path": "2023/*"})
    assert {hit.path for hit in only} == {"2023/annual.pdf"}
    assert {hit.page for hit in library.search("bakery oven", k=10, filter={"pages": 2})} == {2}
    doc = library.document("manual.pdf").id
    assert {hit.doc for hit in library.search("oven", k=10, filter={"doc": doc})} == {doc}
    assert library.search("oven", filter={"path": "nowhere/*"}) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"paht": "x"}, "Did you mean 'path'"),
        ({"pages": "7-3"}, "pages"),
        ({"pages": "x"}, "pages"),
        ({"after": "last year"}, "after"),
    ],
)
def test_wrong_filters_say_what_is_wrong(library: Library, where: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        library.search("oven", filter=where)


def test_a_removed_document_stays_away_until_it_is_restored(library: Library) -> None:
    library.index()
    library.remove("manual.pdf")
    assert library.index().added == []
    assert {hit.path for hit in library.search("oven cleaning", k=10)} <= {"2022/annual.pdf", "2023/annual.pdf"}
    library.restore("manual.pdf")
    assert library.index().added == ["manual.pdf"]
    assert library.search("cleaning cycle")[0].path == "manual.pdf"


def test_documents_are_found_by_path_end_and_id(library: Library) -> None:
    library.index()
    document = library.document("2023/annual.pdf")
    assert library.document(document.id[:8]).id == document.id
    with pytest.raises(UsageError, match="fits 2 documents"):
        library.document("annual.pdf")
    with pytest.raises(UsageError, match=r"Did you mean 'manual\.pdf'"):
        library.document("manul.pdf")


def test_one_process_owns_a_library_at_a_time(library: Library, folder: Path) -> None:
    with pytest.raises(LibraryBusy):
        Library(folder)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no such folder"):
        Library(tmp_path / "nowhere")


def test_a_library_can_be_opened_again(folder: Path) -> None:
    with Library(folder, background=False) as first:
        first.index()
        before = points(first)
    with Library(folder, background=False) as second:
        assert second.index().unchanged == 3
        assert points(second) == before


def test_later_layers_wait_and_are_then_filled(library: Library) -> None:
    library.index()
    pending = library.status().pending
    assert list(pending) == ["dense"]
    hits, found = library.find("cleaning cycle of the oven", 3)
    assert found.coverage["dense"] < 1
    assert "dense" in hits[0].stage_scores  # it rescored the shortlist
    library.index(wait=True)
    assert library.status().pending == {}
    assert library.find("cleaning cycle of the oven", 3)[1].coverage == dict.fromkeys(found.coverage, 1.0)


def test_the_background_fills_later_layers(folder: Path) -> None:
    done = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.stage == "dense" and progress.done and progress.left == 0.0:
            done.set()

    with Library(folder, progress=watch) as library:
        library.search("oven")
        assert done.wait(60)
        library.resume()  # already done: nothing happens
        assert library.search("oven")


def test_another_splitter_redoes_passages_only(folder: Path) -> None:
    with Library(folder, background=False) as first:
        assert first.index().pages == 7
        old = points(first)
    with Library(folder, background=False, overrides=["splitter.words=20", "splitter.least=0"]) as second:
        assert second.index().pages == 0  # nothing was parsed
        assert second.status().passages >= 7
        assert second.search("cleaning cycle")[0].path == "manual.pdf"
    with Library(folder, background=False) as third:
        third.index()
        assert {id: point for id, point in points(third).items() if id in old and point[0]["kind"] != "state"} == {
            id: point for id, point in old.items() if point[0]["kind"] != "state"
        }


def test_ask_answers_with_a_located_quote(library: Library) -> None:
    answer = library.ask("What was the revenue of the bakery in 2023?")
    assert "455" in answer.text
    assert answer.status == "answered"
    assert answer.citations[0].path == "2023/annual.pdf"
    assert answer.citations[0].page == 1
    assert "455" in answer.citations[0].quote
    assert answer.citations[0].bboxes
    picture = answer.citations[0].picture(dpi=50)
    assert picture.width > 100


def test_ask_abstains_when_nothing_answers(library: Library) -> None:
    answer = library.ask("Which submarine did the admiral of the Peruvian navy command in 1879?")
    assert answer.status == "abstained"
    assert answer.citations == ()
    assert not [note for note in answer.notes if "does not read" in note]


def test_an_answer_that_abstains_names_the_files_that_no_loader_takes(library: Library, folder: Path) -> None:
    for name in ("a.docx", "more/b.docx", "c.docx", "budget.XLSX", "plain", "~$a.docx", ".hidden.docx"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    answer = library.ask("Which submarine did the admiral of the Peruvian navy command in 1879?")
    (note,) = [note for note in answer.notes if "does not read" in note]
    assert note == (
        "5 files of kinds that ragsys does not read: .docx (3), .xlsx (1), no ending (1); "
        "a.docx, budget.XLSX, c.docx, ..."
    )
    assert not [note for note in library.ask("When does the shop open?").notes if "does not read" in note]


def test_stream_gives_steps_and_then_the_answer(library: Library) -> None:
    events = list(library.stream("When does the shop open?"))
    assert events[-1].kind == "answer"
    assert "six" in events[-1].data.text
    assert {event.kind for event in events} >= {"step", "done", "answer"}


def test_a_single_file_is_a_library(folder: Path) -> None:
    with Library(folder / "manual.pdf", background=False) as library:
        assert [hit.path for hit in library.search("cleaning")][:1] == ["manual.pdf"]


def test_nothing_is_written_into_the_folder(library: Library, folder: Path) -> None:
    before = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    library.ask("When does the shop open?")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == before
    assert [name for name in before if name.endswith(".pdf")] == sorted(TEXTS)


def test_closing_ends_a_run_of_another_thread(folder: Path) -> None:
    library = Library(folder, background=False)
    begun = threading.Event()
    reports: list[Report] = []

    def watch(progress: Progress) -> None:
        begun.set()

    run = threading.Thread(target=lambda: reports.append(library.index(progress=watch)))
    run.start()
    assert begun.wait(30)
    library.close()
    run.join(30)
    assert reports[0].interrupted
    with Library(folder, background=False) as again:  # nothing is half written
        again.index()
        assert again.status().documents == 3


def test_the_background_makes_way_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []

    def later(space: object, watch: object, stop: threading.Event) -> list[str]:
        runs.append(stop.wait(30))  # as long as it takes: only a writer ends it
        return []

    monkeypatch.setattr("ragsys.backfill.later", later)
    with Library(folder) as library:
        library.index()
        library.remove("manual.pdf")
        library.restore("manual.pdf")
        assert library.index().added == ["manual.pdf"]
        with pytest.raises(UsageError, match="no removed document named"):
            library.restore("manual.pdf")
        assert library._thread is not None
    assert runs
    assert all(runs)


def test_a_library_that_cannot_open_lets_go_of_its_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(library: Library) -> None:
        raise OSError("no socket")

    with monkeypatch.context() as patch:
        patch.setattr("ragsys.library.Service", broken)
        with pytest.raises(OSError, match="no socket") as caught:
            Library(folder)
    with Library(folder, background=False) as library:
        assert library.search("oven")
    del caught


def test_a_folder_for_libraries_that_cannot_be_made_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LibraryError, match="the library's folder cannot be made") as caught:
        Library(folder, folder=tmp_path / "file" / "library")
    assert "RAGSYS_HOME" in (caught.value.hint or "")


def test_a_full_disk_is_an_error_that_loses_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine maps files with holes: to fill one on a full disk ends the process, so free space is looked at."""
    from ragsys_qdrant import edge

    from ragsys.errors import DiskFull

    free = [1 << 40]
    usage = edge.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(edge.shutil, "disk_usage", lambda _: usage._replace(free=free[0]))
    place = tmp_path / "library"

    def opened() -> Library:
        return Library(folder, folder=place, config="laptop-lexical", background=False, index=False)

    free[0] = 2 << 20
    with pytest.raises(DiskFull, match="2 MB are free, 64 MB are needed") as refused:
        opened()
    assert "remove" not in str(refused.value)
    free[0] = 1 << 40
    with opened() as library:
        library.index()
        held = library.status().passages
    write_pdf(folder / "new.pdf", ["A new page on the harbour."])
    with opened() as library:
        free[0] = 0
        with pytest.raises(DiskFull, match="run the same command again"):
            library.index()
        assert library.search("cleaning cycle")[0].path == "manual.pdf"  # what is there can be searched
        free[0] = 1 << 40
        report = library.index()
        assert report.added + report.again == ["new.pdf"]
        assert library.status().passages == held + 1
