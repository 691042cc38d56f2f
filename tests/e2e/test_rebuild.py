"""`ragsys index --rebuild`, `ragsys doctor FOLDER` and what is advised when a library cannot be opened."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folders import write_folder

from ragsys import exclusions, places, soundness
from ragsys.catalog import Catalog, tally
from ragsys.cli.app import run as command
from ragsys.config import load
from ragsys.errors import LibraryError, StoreDamaged, StoreError
from ragsys.gc import collect
from ragsys.library import Library
from ragsys.rebuild import begin
from ragsys.records import STATES, point_id
from ragsys.store import Is

LEXICAL = "laptop-lexical"
Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", LEXICAL)
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "docs")


def opened(docs: Path) -> Library:
    return Library(docs, config=LEXICAL, background=False, index=False)


def indexed(docs: Path) -> Path:
    """A library of which a document was taken out, and that keeps a conversation; its folder."""
    with opened(docs) as library:
        library.index()
        library.remove("2022/annual.pdf")
        thread = library.threads.open("kept")
        thread.append({"asked": "revenue?"})
        thread.close()
        return library.place.folder


def flip(path: Path, at: int = 20) -> None:
    held = bytearray(path.read_bytes())
    held[at] ^= 1
    path.write_bytes(held)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def runner(*words: str) -> tuple[int, str]:
        code = command(list(words))
        return code, "".join(capsys.readouterr())

    return runner


@pytest.mark.parametrize("name", ["schema.json", "texts.jsonl", "shard/edge_config.json"])
def test_a_damaged_store_is_told_and_made_again(run: Run, docs: Path, name: str) -> None:
    folder = indexed(docs)
    flip(folder / "store" / name)
    for words in (("search", str(docs), "oven"), ("index", str(docs)), ("doctor", str(docs))):
        code, text = run(*words)
        assert code == 1
        assert Path(name).name in text
        assert f"ragsys index {docs} --rebuild" in text
    code, text = run("index", str(docs), "--rebuild")
    assert code == 0
    assert "Traceback" not in text
    with opened(docs) as library:
        assert {d.paths[0] for d in library.documents()} == {"2023/annual.pdf", "manual.pdf"}
        assert [d.paths[0] for d in library.documents(removed=True) if d.removed] == ["2022/annual.pdf"]
        assert library.threads.names() == ["kept"]
        assert library.search("cleaning cycle of the oven")[0].path == "manual.pdf"
    assert run("doctor", str(docs))[0] == 0


def test_a_large_store_is_read_whole_by_an_indexing_run_and_by_doctor_alone(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = indexed(docs)
    monkeypatch.setattr("ragsys_qdrant.seal._QUICK", 0)
    monkeypatch.setattr("ragsys_qdrant.seal._SMALL", 4096)
    flip(next(folder.rglob("payload_storage/page_0.dat")), 4096)
    for _ in range(2):  # to open and close it does not make what is damaged the rule
        assert run("search", str(docs), "revenue", "--no-index")[0] == 0
        for words in (("index", str(docs)), ("doctor", str(docs))):
            code, text = run(*words)
            assert code == 1
            assert "page_0.dat" in text
            assert f"ragsys index {docs} --rebuild" in text
    assert run("index", str(docs), "--rebuild")[0] == 0
    assert run("doctor", str(docs))[0] == 0


@pytest.mark.parametrize("sealed", [True, False])
def test_states_that_the_engine_cannot_read_lead_to_a_rebuild(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch, sealed: bool
) -> None:
    folder = indexed(docs)
    monkeypatch.setattr("ragsys_qdrant.seal._QUICK", 0)
    monkeypatch.setattr("ragsys_qdrant.seal._SMALL", 4096)
    payloads = next(folder.rglob("payload_storage/page_0.dat"))
    held = payloads.read_bytes()
    payloads.write_bytes(bytes(255 - byte if byte else 0 for byte in held[:4096]) + held[4096:])
    if not sealed:  # a process that was killed left none
        (folder / "store" / "seal.json").unlink()
    code, text = run("search", str(docs), "oven", "--no-index")
    assert code == 1
    assert f"ragsys index {docs} --rebuild" in (text if sealed else run("doctor", str(docs))[1])
    assert run("index", str(docs), "--rebuild")[0] == 0
    assert run("doctor", str(docs))[0] == 0


def test_a_lost_schema_does_not_empty_the_store(docs: Path) -> None:
    folder = indexed(docs)
    (folder / "store" / "seal.json").unlink()
    (folder / "store" / "schema.json").rename(folder / "kept.json")
    with pytest.raises(StoreDamaged, match=r"schema\.json"):
        opened(docs)
    (folder / "kept.json").rename(folder / "store" / "schema.json")
    with opened(docs) as library:
        assert library.search("cleaning cycle of the oven")[0].path == "manual.pdf"


def test_a_rebuild_that_is_interrupted_is_continued_by_the_next_run(docs: Path) -> None:
    folder = indexed(docs)
    begin(docs, load(LEXICAL))
    assert not (folder / "store" / "schema.json").exists()
    with opened(docs) as library:
        report = library.index()
        assert len(report.added) == 2
        assert library.status().documents == 2


def test_a_rebuild_gives_nothing_up_that_could_not_be_read_again(docs: Path) -> None:
    folder = indexed(docs)
    aside = docs.rename(docs.with_name("aside"))
    with pytest.raises(LibraryError, match="not there: nothing was deleted"):
        begin(docs, load(LEXICAL))
    docs.mkdir()  # a disk that is not mounted
    with pytest.raises(LibraryError, match="3 of 3 files are gone"):
        begin(docs, load(LEXICAL, ["index.prune_least=1"]))
    docs.rmdir()
    aside.rename(docs)
    assert (folder / "store" / "schema.json").exists()
    with opened(docs) as library:
        assert library.status().documents == 2


def test_what_was_removed_is_known_without_the_store_and_without_the_file(docs: Path) -> None:
    folder = indexed(docs)
    (folder / exclusions.FILE).write_text("{")
    with opened(docs):
        assert len(exclusions.load(folder)) == 1
    (folder / exclusions.FILE).unlink()  # as older versions left it
    begin(docs, load(LEXICAL))
    with opened(docs) as library:
        library.index()
        assert library.status().documents == 2
        library.restore("2022/annual.pdf")
    with opened(docs) as library:
        library.index()
        assert library.status().documents == 3


def test_points_that_are_lost_cost_their_document_until_the_next_run(
    docs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    indexed(docs)
    with opened(docs) as library:
        space = library.space
        state = next(state for state in space.catalog if state.paths == ["manual.pdf"])
        layer = space.layer(state, "passage")
        space.store.delete_where(Is("layer", layer))
        terms = dict.fromkeys(space.catalog.terms(state.doc), "bm90IGNvdW50cw==")
        space.store.set_payload([point_id(state.doc, STATES, 0)], {"terms": terms})
    with opened(docs) as library:
        assert library.search("oven") is not None
        assert "manual.pdf: the store holds 0 of" in caplog.text
        assert "word counts" in caplog.text
        assert "damaged: " in run_check(library)
        library.index()
        again = next(state for state in library.space.catalog if state.paths == ["manual.pdf"])
        assert again.layers[layer].sound
        assert library.space.catalog.terms(state.doc) != terms
    caplog.clear()
    with opened(docs) as library:
        assert library.search("cleaning cycle")[0].path == "manual.pdf"
        assert caplog.text == ""


def run_check(library: Library) -> str:
    from ragsys.doctor_library import _read

    return _read(library, "library").message


def test_after_a_kill_an_indexing_run_reads_everything(docs: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = indexed(docs)
    with opened(docs) as library:
        space = library.space
        state = next(state for state in space.catalog if state.paths == ["manual.pdf"])
        space.store.set_payload([point_id(state.doc, space.layer(state, "page"), 1)], {"blocks": "not packed"})
        space.store.flush()
    (folder / "store" / "seal.json").unlink()  # a process that was killed left none
    with opened(docs) as library:
        assert caplog.text == ""
        soundness.once(library.space)
        assert "manual.pdf: page 1 cannot be read" in caplog.text
        library.index()
        assert library.search("cleaning cycle")[0].path == "manual.pdf"


def test_the_note_of_the_root_is_written_again_where_the_folder_tells_it(run: Run, docs: Path, tmp_path: Path) -> None:
    folder = indexed(docs)
    flip(folder / places.ABOUT)
    assert places.ABOUT in run("doctor")[1]
    with opened(docs) as library:
        assert library.status().documents == 2
    assert places.read(folder) == places.place_of(docs)
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    flip(elsewhere / places.ABOUT)
    code, text = run("search", str(docs), "oven", "--library", str(elsewhere))
    assert code == 1
    assert f"ragsys index {docs} --rebuild --library {elsewhere}" in text
    assert run("index", str(docs), "--rebuild", "--library", str(elsewhere))[0] == 0


@pytest.mark.parametrize(
    ("said", "cause", "remedy"),
    [
        ("Cannot allocate memory (os error 12)", "not enough memory", "ulimit -v"),
        ("Too many open files (os error 24)", "too many files are open", "ulimit -n"),
        ("No space left on device (os error 28)", "the disk is full", "make room"),
        ("Permission denied (os error 13)", "may not be written", "writable"),
        (
            "failed to build a thread pool: Resource temporarily unavailable (os error 11)",
            "no more threads",
            "ulimit -u",
        ),
        ("Interrupted system call (os error 4)", "Interrupted", "ragsys doctor"),
        ("an index is out of bounds", "out of bounds", "ragsys doctor"),
    ],
)
def test_no_sound_library_is_to_be_made_again(
    docs: Path, monkeypatch: pytest.MonkeyPatch, said: str, cause: str, remedy: str
) -> None:
    folder = indexed(docs)
    if "os error" in said:  # also where nothing is known of the files
        (folder / "store" / "seal.json").unlink()

    def refused(*_: object) -> Any:
        raise RuntimeError(f"Service runtime error: {said}")

    with monkeypatch.context() as patch:
        patch.setattr("ragsys_qdrant.edge.engine", Refusing(refused))
        with pytest.raises(StoreError) as caught:
            opened(docs)
    assert cause in caught.value.message
    assert remedy in str(caught.value.hint)
    assert "rebuild" not in str(caught.value)
    with opened(docs) as library:  # it is as it was
        assert library.search("oven")


class Refusing:
    """The engine, but that no shard can be loaded."""

    def __init__(self, load: Any) -> None:
        import qdrant_edge

        self._engine = qdrant_edge
        self.EdgeShard = type("EdgeShard", (), {"load": staticmethod(load)})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def test_want_of_memory_in_the_reader_of_states_is_told_as_such(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indexed(docs)

    def reading(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Catalog, "__init__", reading)
    with pytest.raises(LibraryError, match="Too many open files") as caught:
        opened(docs)
    assert "rebuild" not in str(caught.value)
    assert "remove" not in str(caught.value)


def test_an_interrupted_gc_shows_no_dropped_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"In the year {year} the oven of the bakery was repaired and revenue fell." for year in range(30))
    docs = write_folder(tmp_path / "long", {"long.pdf": [text, text]})
    other = load(LEXICAL, ["splitter.words=20"])
    with Library(docs, config=other, background=False, index=False) as library:
        library.index()
        expected = [(hit.path, hit.page, hit.passages) for hit in library.search("oven revenue", k=9)]
        old = set(library.space.layers.passage_layers)
    with opened(docs) as library:
        library.index()
        space = library.space
        plain = [(hit.path, hit.page, hit.passages) for hit in library.search("oven revenue", k=9)]
        assert plain != expected

        class Killed(BaseException):
            pass

        def delete(where: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(space.store, "delete_where", delete)
            with pytest.raises(Killed):
                collect(space)
        assert {p for s in space.catalog for p in s.layers} & old  # its points may be there: it is named
        assert not space.plain()
    with opened(docs) as library:
        assert [(hit.path, hit.page, hit.passages) for hit in library.search("oven revenue", k=9)] == plain
    with Library(docs, config=other, background=False, index=False) as library:
        assert library.search("oven revenue", k=9) == []  # until they are made again
        library.index()
        assert [(hit.path, hit.page, hit.passages) for hit in library.search("oven revenue", k=9)] == expected
    with opened(docs) as library:
        collect(library.space)
        assert not {p for s in library.space.catalog for p in s.layers} & old
        assert library.space.plain()


def test_vectors_that_are_lost_are_made_again(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import histories

    histories.install(monkeypatch)
    with Library(docs, config="laptop", background=False, index=False) as library:
        histories.Parsers.library = library
        library.index(wait=True)
        space = library.space
        name = next(iter(space.layers.makers(eager=False)))
        state = next(iter(space.catalog))
        key = tally(name, space.layer(state, "passage"))
        state.vectors[key] += 1  # as if one that was counted were lost
        space.catalog.save(state)
    with Library(docs, config="laptop", background=False, index=False) as library:
        again = library.space.catalog.get(state.doc)
        assert again is not None
        assert again.vectors[key] == state.vectors[key] - 1


def test_a_library_that_may_not_be_written_is_asked_from_a_copy(
    run: Run, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = indexed(docs)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    denied = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and denied(path, mode))
    code, text = run("search", str(docs), "cleaning cycle of the oven")
    assert code == 0
    assert "manual.pdf" in text
    assert f"{folder} may not be written: the library is asked as it is" in text
    assert run("ask", str(docs), "What accepts temperatures between 40 and 320 degrees?")[0] == 0
    for words in (("index", str(docs)), ("docs", str(docs), "remove", "manual.pdf")):
        code, text = run(*words)
        assert code == 1
        assert "nothing can be indexed or removed" in text
        assert "the right to write there" in text
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list((tmp_path / "copies").iterdir()) == []
    (folder / "store" / "seal.json").unlink()
    code, text = run("search", str(docs), "oven")
    assert code == 1
    assert "a process may have it open" in text
    assert list((tmp_path / "copies").iterdir()) == []


def test_files_of_the_last_scan_that_were_changed_are_not_believed(docs: Path) -> None:
    folder = indexed(docs)
    table = folder / "files.json"
    held = json.loads(table.read_text())
    held["value"][0][4] = held["value"][0][4][::-1]  # another document
    table.write_text(json.dumps(held))
    with opened(docs) as library:
        report = library.index()
        assert (report.added, report.changed, report.unchanged) == ([], [], 3)
