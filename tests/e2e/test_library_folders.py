"""Where libraries may live, and what removing one deletes: what ragsys made, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import write_folder, write_pdf

from ragsys import places
from ragsys.cli.app import run
from ragsys.errors import LibraryError
from ragsys.gc import remove_library
from ragsys.library import Library


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", "laptop-lexical")
    return write_folder(tmp_path / "docs")


def opened(docs: Path, folder: Path | None) -> Library:
    return Library(docs, folder=folder, config="laptop-lexical", background=False, index=False)


def test_a_library_takes_no_folder_that_holds_other_files(docs: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "work" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(LibraryError, match=r"is no library and holds other files \(thesis.txt\)"):
        opened(docs, thesis.parent)
    assert [path.name for path in thesis.parent.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["traces/run1.jsonl", "files.json", "photos-thesis-202401151230/a.jpg", "store/x"])
def test_a_library_takes_no_folder_whose_files_only_look_like_its_own(docs: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(LibraryError, match="is no library"):
        opened(docs, tmp_path / "mine")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("where", "why"),
    [(".", "holds the documents"), ("..", "holds the documents"), ("2023", "inside the folder"), ("new", "inside")],
)
def test_a_library_takes_no_folder_of_documents(docs: Path, where: str, why: str) -> None:
    before = sorted(docs.rglob("*"))
    with pytest.raises(LibraryError, match=why):
        opened(docs, docs / where)
    assert sorted(docs.rglob("*")) == before


def test_a_file_is_no_folder_for_a_library(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("a note")
    with pytest.raises(LibraryError, match="this is a file"):
        opened(docs, tmp_path / "note")


def test_an_empty_folder_and_what_an_interrupted_start_left_can_be_taken(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "owner.lock").touch()
    with opened(docs, tmp_path / "new") as library:
        library.index()
        assert library.status().documents == 3


def test_removing_a_library_leaves_what_ragsys_did_not_make(
    docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Older versions made a library of any folder that was named: beside a thesis, or in the documents' own folder."""
    place = tmp_path / "mixed"
    with opened(docs, place) as library:
        library.index()
        library.ask("How is the cleaning cycle started?")
    others = {"thesis.txt", "data/results.csv", "store/notes.txt", "traces/map.png", "photos-trip-202401151230/one.jpg"}
    others |= {"threads/talk.jsonl.d/x", "traces/a.jsonl/b"}
    for name in others:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("mine")
    (place / "link").symlink_to(docs)
    assert run(["libraries", "remove", str(place), "--yes"]) == 0
    assert "was kept: it contains files that ragsys did not create (" in capsys.readouterr().err
    kept = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert kept == others
    assert (place / "link").is_symlink()
    assert len(list(docs.rglob("*.pdf"))) == 3


def test_removing_a_library_leaves_nothing_of_it(docs: Path) -> None:
    with opened(docs, None) as library:
        library.index()
        library.ask("How is the cleaning cycle started?")
        with library.chat() as chat:
            chat.ask("How is the cleaning cycle started?")
        place = library.place
    assert places.made_here(place.folder)[1] == []
    assert remove_library(place) == []
    assert not place.folder.exists()


def test_the_folder_of_all_libraries_is_never_read_as_documents(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With RAGSYS_HOME inside the folder, drawn pages were indexed as pictures."""
    monkeypatch.setenv("RAGSYS_HOME", str(docs / "ragsys"))
    with opened(docs, None) as library:
        library.index()
        library.ask("How is the cleaning cycle started?").citations[0].picture()
        write_pdf(places.cache_dir() / "more.pdf", ["A page in the cache."])
        assert any(places.cache_dir().rglob("*.png"))
        report = library.index()
        assert (report.added, report.unchanged, report.unsupported) == ([], 3, [])


def test_a_library_inside_its_documents_made_by_an_older_version_still_opens(docs: Path) -> None:
    place = docs / "index"
    place.mkdir()
    (place / "library.json").write_text(json.dumps({"root": str(docs), "format": 1}))
    with opened(docs, place) as library:
        assert len(library.index().added) == 3
