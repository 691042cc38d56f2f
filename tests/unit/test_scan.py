"""Scanning a folder."""

from __future__ import annotations

import os
import socket
import types
from pathlib import Path

import pytest

from ragsys import scan as scanning
from ragsys.scan import File, load_table, save_table, scan
from ragsys.types import Fault, Outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    (root / "sub").mkdir(parents=True)
    (root / "a.pdf").write_bytes(b"one")
    (root / "sub" / "b.PDF").write_bytes(b"two")
    (root / "notes.xyz").write_bytes(b"no loader takes this")
    return root


def test_files_are_found_with_forward_slashes(folder: Path) -> None:
    found = scan(folder, (".pdf",), {})
    assert sorted(found.files) == ["a.pdf", "sub/b.PDF"]
    assert found.unsupported == ["notes.xyz"]
    assert found.files["a.pdf"].doc == "7692c3ad3540bb803c020b3aee66cd88"  # of sha256("one")


def test_equal_content_is_one_document(folder: Path) -> None:
    (folder / "copy.pdf").write_bytes(b"one")
    found = scan(folder, (".pdf",), {})
    assert found.files["copy.pdf"].doc == found.files["a.pdf"].doc


def test_unchanged_files_are_not_hashed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scan(folder, (".pdf",), {})
    hashed: list[Path] = []
    monkeypatch.setattr(scanning, "document_id", lambda path: hashed.append(path) or "f" * 32)
    assert scan(folder, (".pdf",), first.files).files == first.files
    assert hashed == []
    (folder / "a.pdf").write_bytes(b"changed")
    assert scan(folder, (".pdf",), first.files).files["a.pdf"].doc == "f" * 32
    assert hashed == [folder / "a.pdf"]


def test_a_single_file_is_a_root(folder: Path) -> None:
    assert sorted(scan(folder / "a.pdf", (".pdf",), {}).files) == ["a.pdf"]


def test_a_missing_root_is_said(tmp_path: Path) -> None:
    assert scan(tmp_path / "gone", (".pdf",), {}).missing


def test_circles_of_links_end(folder: Path) -> None:
    try:
        os.symlink(folder, folder / "sub" / "up", target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    found = scan(folder, (".pdf",), {})
    assert sorted(found.files) == ["a.pdf", "sub/b.PDF"]
    assert found.unreadable["sub/up"] == Fault(0, "a link to a folder is not followed", Outcome.UNSUPPORTED)
    assert "sub/up" not in scan(folder, (".pdf",), {}, exclude=("sub/up/**",)).unreadable


def test_a_junction_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Windows calls a junction: no symbolic link, a folder, and a mark in its stat."""

    class Junction:
        name, path = "sub", str(folder / "sub")

        def is_symlink(self) -> bool:
            return False

        def is_dir(self, *, follow_symlinks: bool = True) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool = True) -> object:
            return types.SimpleNamespace(st_reparse_tag=0xA0000003)

    real = os.scandir
    monkeypatch.setattr(scanning.stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003, raising=False)
    monkeypatch.setattr(scanning.os, "scandir", lambda at: [Junction() if e.name == "sub" else e for e in real(at)])
    found = scan(folder, (".pdf",), {})
    assert sorted(found.files) == ["a.pdf"]
    assert found.unreadable["sub"].outcome is Outcome.UNSUPPORTED


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_broken_link_is_reported_not_fatal(folder: Path) -> None:
    os.symlink(folder / "nowhere", folder / "dangling.pdf")
    found = scan(folder, (".pdf",), {})
    assert found.unreadable["dangling.pdf"].outcome is Outcome.UNREADABLE
    assert "a.pdf" in found.files


def test_the_table_survives_and_damage_means_a_new_scan(tmp_path: Path) -> None:
    files = {"a.pdf": File("a.pdf", 3, 5, 7, "0" * 32)}
    table = tmp_path / "files.json"
    save_table(table, files)
    assert load_table(table) == files
    table.write_text("[[1,2]]", encoding="utf-8")
    assert load_table(table) == {}
    table.write_text("{", encoding="utf-8")
    assert load_table(table) == {}
    assert load_table(tmp_path / "none.json") == {}


def test_an_ending_alone_is_no_file_of_that_kind(folder: Path) -> None:
    (folder / ".pdf").write_bytes(b"three")
    assert ".pdf" in scan(folder, (".pdf",), {}).unsupported


def test_a_name_that_is_no_unicode_is_named_and_left_out(folder: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.pdf")).write_bytes(b"four")
    except OSError:
        pytest.skip("this file system takes no such name")
    found = scan(folder, (".pdf",), {})
    assert sorted(found.files) == ["a.pdf", "sub/b.PDF"]
    assert found.unreadable["bad?.pdf"].outcome is Outcome.UNREADABLE
    assert "rename it" in found.unreadable["bad?.pdf"].reason


def test_two_names_that_are_no_unicode_are_two(folder: Path) -> None:
    try:
        for byte in (b"\xfe", b"\xff"):
            Path(os.fsdecode(os.fsencode(folder) + b"/bad" + byte + b".pdf")).write_bytes(b"four")
            Path(os.fsdecode(os.fsencode(folder) + b"/bad" + byte + b".xyz")).write_bytes(b"four")
    except OSError:
        pytest.skip("this file system takes no such name")
    found = scan(folder, (".pdf",), {})
    assert sorted(found.unreadable) == ["bad?.pdf", "bad?.pdf?"]
    assert found.unsupported == ["bad?.xyz", "bad?.xyz", "notes.xyz"]  # and none that no terminal takes


def test_a_file_that_is_too_large_is_not_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "large.pdf").open("wb") as out:
        out.truncate(5000)
    hashed: list[str] = []
    real = scanning.document_id
    monkeypatch.setattr(scanning, "document_id", lambda path: hashed.append(path.name) or real(path))
    first = scan(folder, (".pdf",), {}, most=100)
    assert sorted(hashed) == ["a.pdf", "b.PDF"]
    large = first.files["large.pdf"]
    assert (large.size, large.doc[:6], len(large.doc)) == (5000, "large-", 32)
    assert scan(folder, (".pdf",), first.files, most=100).files["large.pdf"] == large
    hashed.clear()
    raised = scan(folder, (".pdf",), first.files, most=10_000)  # the limit is higher now: it is hashed once
    assert hashed == ["large.pdf"]
    assert raised.files["large.pdf"].doc == real(folder / "large.pdf")
    assert scan(folder, (".pdf",), raised.files, most=100).files == raised.files  # it stays what it is known as


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX files")
def test_pipes_sockets_devices_and_links_to_them_are_named_and_never_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To open a named pipe waits for ever for whoever writes into it."""
    os.mkfifo(folder / "pipe.pdf")
    os.symlink(folder / "pipe.pdf", folder / "link.pdf")
    os.symlink("/dev/zero", folder / "zero.pdf")
    os.mkfifo(folder / "pipe.xyz")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # the path of a socket is short
        listening.bind(os.path.relpath(folder / "socket.pdf", tmp_path))
        found = scan(folder, (".pdf",), {})
    assert sorted(found.files) == ["a.pdf", "sub/b.PDF"]
    assert found.unsupported == ["notes.xyz", "pipe.xyz"]
    assert {path: fault.reason for path, fault in found.unreadable.items()} == {
        "pipe.pdf": "a named pipe: it is not opened",
        "link.pdf": "a named pipe: it is not opened",
        "zero.pdf": "a device: it is not opened",
        "socket.pdf": "a socket: it is not opened",
    }
    assert {fault.outcome for fault in found.unreadable.values()} == {Outcome.UNSUPPORTED}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX files")
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    with pytest.raises(OSError, match="a named pipe"):
        scanning.document_id(tmp_path / "pipe.pdf")
    assert scan(tmp_path / "pipe.pdf", (".pdf",), {}).unreadable["."].reason == "a named pipe: it is not opened"
