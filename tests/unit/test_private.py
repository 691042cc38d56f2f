"""What a library holds is for its user alone: documents' words, questions and answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import write_folder

import ragsys
from ragsys import private
from ragsys.places import cache_dir, data_dir
from ragsys.rendering import render

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    before = os.umask(0o022)
    yield
    os.umask(before)


def used(root: Path, folder: Path | None = None) -> Path:
    """A library that was indexed, asked, talked with and drawn from; its folder."""
    with ragsys.open(root, folder=folder, background=False) as library:
        library.index()
        library.ask("What was the revenue of the bakery in 2023?")
        chat = library.chat()
        chat.ask("When does the shop open?")
        chat.close()
        assert isinstance(library, ragsys.Library)
        render(library.space, library.documents()[0].id, 1, 40)
        return library.place.folder


def test_folders_of_ragsys_are_for_this_user_alone(tmp_path: Path) -> None:
    folder = used(write_folder(tmp_path / "docs"))
    for path in (tmp_path / "home", data_dir(), data_dir() / "libraries", folder, cache_dir()):
        assert path.stat().st_mode & 0o777 == 0o700, path
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    assert {"store", "traces"} <= names
    assert all((folder / name).stat().st_mode & 0o777 == 0o700 for name in names)


def test_what_an_older_version_left_open_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "docs")
    folder = used(root)
    for path in (data_dir(), data_dir() / "libraries", cache_dir(), folder, folder / "store", folder / "traces"):
        path.chmod(0o755)
    (folder / "files.json").chmod(0o644)
    (folder / "notes").mkdir(mode=0o755)  # somebody else's
    with ragsys.open(root, background=False, index=False):
        pass
    closed = (data_dir(), data_dir() / "libraries", cache_dir(), folder, folder / "store", folder / "traces")
    assert not [path for path in (*closed, folder / "files.json") if path.stat().st_mode & 0o077]
    assert (folder / "notes").stat().st_mode & 0o777 == 0o755


def test_a_folder_that_a_user_made_for_a_library_keeps_its_rights_and_its_files_are_private(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o755)
    used(write_folder(tmp_path / "docs"), mine)
    assert mine.stat().st_mode & 0o777 == 0o755
    made = [path for path in mine.iterdir() if path.stat().st_mode & 0o077]
    assert not made


def test_the_rights_of_other_users_and_of_links_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(target)
    private.tighten(tmp_path / "link")
    private.tighten(tmp_path / "nothing")
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    private.tighten(target)
    assert target.stat().st_mode & 0o777 == 0o755
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    private.tighten(target)
    assert target.stat().st_mode & 0o777 == 0o700


def test_a_folder_below_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="Not a directory"):
            private.folder(path)
