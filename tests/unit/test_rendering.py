"""The cache of rendered pages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from folders import write_folder, write_pdf

from ragsys import rendering
from ragsys.errors import DocumentError, UsageError
from ragsys.library import Library
from ragsys.rendering import trim
from ragsys.types import BBox


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    folder = write_folder(tmp_path / "docs", {"manual.pdf": ["Press the green button."]})
    library = Library(folder, config="laptop-lexical", background=False)
    library.index()
    return library


def test_a_page_is_drawn_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    doc = library.document("manual.pdf").id
    with library:
        first = library.render(doc, 1, dpi=60)
        part = library.render(doc, 1, dpi=60, clip=BBox(0, 0, 1, 0.5))
        (library.place.root / "manual.pdf").unlink()  # what comes now comes from the cache
        again = library.render(doc, 1, dpi=60)
        assert again.image.tobytes() == first.image.tobytes()
        assert abs(again.dpi - first.dpi) < 0.1
        assert abs(part.height_px * 2 - first.height_px) <= 2
        with pytest.raises(DocumentError, match="the file is gone"):
            library.render(doc, 1, dpi=61)


def test_a_changed_file_is_never_drawn_for_what_was_indexed(library: Library, tmp_path: Path) -> None:
    """What lay at the path was drawn, and kept under the name of the document that was indexed."""
    doc = library.document("manual.pdf").id
    file = library.place.root / "manual.pdf"
    bytes_before = file.read_bytes()
    with library:
        other = write_pdf(tmp_path / "other.pdf", ["Something else altogether."]).read_bytes()
        file.write_bytes(other)
        with pytest.raises(DocumentError, match=r"manual\.pdf: the file has changed since"):
            library.render(doc, 1, dpi=60)
        file.write_bytes(bytes_before[:-1] + b"!")  # of equal length
        with pytest.raises(DocumentError, match="has changed since"):
            library.render(doc, 1, dpi=60)
        file.write_bytes(bytes_before)
        right = library.render(doc, 1, dpi=60)
        shutil.move(file, library.place.root / "away.pdf")
        shutil.copy(library.place.root / "away.pdf", file)  # another inode and mtime, the same bytes
        assert library.render(doc, 1, dpi=61).page == right.page


@pytest.mark.parametrize("dpi", [0, -1, 1e9, float("nan")])
def test_a_resolution_has_bounds(library: Library, dpi: float) -> None:
    with library, pytest.raises(UsageError, match="up to 1200 dpi"):
        library.render(library.document("manual.pdf").id, 1, dpi=dpi)


def test_a_damaged_entry_is_drawn_anew(library: Library, tmp_path: Path) -> None:
    doc = library.document("manual.pdf").id
    with library:
        first = library.render(doc, 1, dpi=60)
        kept = next((tmp_path / "home" / "cache" / "pages").rglob("*.png"))
        kept.write_bytes(b"no picture")
        assert library.render(doc, 1, dpi=60).image.tobytes() == first.image.tobytes()


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / f"{number}.png"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    trim(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.png", "3.png"]
    assert rendering.CAP > 2**20
