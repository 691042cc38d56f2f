"""Files that no loader takes are counted by kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import write_folder

from ragsys.library import Library
from ragsys.unread import files, kinds, told


def test_what_ragsys_keeps_in_the_folder_is_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "docs")
    (folder / "table.xlsx").write_bytes(b"cells")
    monkeypatch.setenv("RAGSYS_HOME", str(folder / "home"))
    with Library(folder, config="laptop-lexical", background=False) as library:
        library.index()
        assert files(library.space) == ["table.xlsx"]


def test_kinds_are_counted_the_most_frequent_first() -> None:
    assert kinds(["a.xlsx", "b.docx", "c.DOCX", "d"]) == ".docx (2), .xlsx (1), no ending (1)"
    assert kinds([f"a.{n}" for n in range(9)]).endswith(".5 (1), others (3)")


def test_one_file_is_one_file() -> None:
    assert told([]) == ""
    assert told(["a.docx"]) == "1 file of a kind that ragsys does not read: .docx (1); a.docx"
