"""Documents out of data files: safe names, images as they are, whole files, going on where it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ragsys_suites.suites import unpacked
from ragsys_suites.suites.unpacked import Entry, image, image_bytes, safe_name, unpack
from suite_files import picture

from ragsys.errors import SuiteError


@pytest.mark.parametrize("text", ["a", "page_3", "2401.01729", "x-y"])
def test_a_safe_name_stays(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "con", "NUL.txt", "a/b", "A", ".hidden", "end.", "", "é" * 300, "\0"]
)
def test_other_names_are_made_safe(text: str) -> None:
    made = safe_name(text)
    assert made != text
    assert len(made) <= 73
    assert made.strip("._-") == made
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_texts_never_share_a_name(one: str, other: str) -> None:
    assert (safe_name(one).lower() == safe_name(other).lower()) == (one == other)


@pytest.mark.parametrize(("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("GIF", ".gif"), ("TIFF", ".tif")])
def test_images_stay_as_they_are(form: str, suffix: str) -> None:
    content = picture(7, 5, form=form)
    assert image(content, "here") == (suffix, 7, 5, content)


def test_what_no_loader_reads_becomes_png() -> None:
    suffix, width, height, content = image(picture(7, 5, form="WEBP"), "here")
    assert (suffix, width, height) == (".png", 7, 5)
    assert image(content, "here")[0] == ".png"


def test_wrong_and_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SuiteError, match=r"file, row 3, field 'image': found b'%PDF-1.7', expected an image"):
        image(b"%PDF-1.7", "file, row 3, field 'image'")
    with pytest.raises(SuiteError, match="expected an image"):
        image(picture(form="WEBP")[:30], "here")
    monkeypatch.setattr(unpacked, "MAX_IMAGE_PIXELS", 34)
    with pytest.raises(SuiteError, match="7 x 5 pixels"):
        image(picture(7, 5), "here")
    monkeypatch.setattr(unpacked, "MAX_IMAGE_BYTES", 10)
    with pytest.raises(SuiteError, match="bytes"):
        image(picture(7, 5), "here")


@pytest.mark.parametrize("value", [None, "x.png", {"path": "x.png"}, {"bytes": None}, {"bytes": b""}, 3])
def test_a_cell_without_bytes(value: object) -> None:
    with pytest.raises(SuiteError, match="here: found"):
        image_bytes(value, "here")


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    root = tmp_path / "state" / "abc"
    asked = 0

    def entries(*, ends: bool) -> Iterator[Entry]:
        nonlocal asked
        asked += 1
        yield Entry("1", "one", picture(7, 5), "row 0")
        yield Entry("2", "two", "A text.", "row 1")
        if ends:
            raise KeyboardInterrupt
        yield Entry("3", "more/three", "Another.", "row 2")

    with pytest.raises(KeyboardInterrupt):
        unpack(root, lambda: entries(ends=True))
    first = (root / "one.png").stat().st_mtime_ns
    written = unpack(root, lambda: entries(ends=False))
    assert {key: (one.name, one.width_px) for key, one in written.items()} == {
        "1": ("one.png", 7),
        "2": ("two.md", 0),
        "3": ("more/three.md", 0),
    }
    assert (root / "one.png").stat().st_mtime_ns == first  # whole already
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["one.png", "three.md", "two.md"]
    assert unpack(root, lambda: entries(ends=False)) == written
    assert asked == 2
    (tmp_path / "state" / ".abc.json").write_text("{torn")
    assert unpack(root, lambda: entries(ends=False)) == written
    assert asked == 3


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file where the folder should be")
    with pytest.raises(SuiteError, match=r"row 0: cannot be written .*[\s\S]*same command"):
        unpack(tmp_path / "root", lambda: [Entry("1", "one", "A text.", "row 0")])
