"""The head of a GGUF file is read, and what is no whole one is told before a runtime is given it."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_files import SMALL, gguf_file
from ragsys_generate import gguf

from ragsys.errors import GenerationError


def test_a_head_is_read(tmp_path: Path) -> None:
    path = gguf_file(tmp_path / "a.gguf", SMALL)
    head = gguf.read(path)
    assert (head.architecture, head.name, head.context) == ("llama", "Tiny", 2048)
    assert head.size == path.stat().st_size


def test_the_revision_tells_files_apart_by_their_data(tmp_path: Path) -> None:
    one, two = gguf_file(tmp_path / "a.gguf", SMALL), gguf_file(tmp_path / "b.gguf", SMALL)
    assert gguf.read(one).revision == gguf.read(two).revision
    two.write_bytes(two.read_bytes()[:-1] + b"\2")
    assert gguf.read(one).revision != gguf.read(two).revision


def test_a_head_that_tells_no_context_and_no_name(tmp_path: Path) -> None:
    head = gguf.read(gguf_file(tmp_path / "a.gguf", {"general.architecture": "llama"}))
    assert (head.name, head.context) == ("", 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no GGUF file"),
        (b"%PDF-1.7 and so on", "no GGUF file"),
        (b"GGUF", "ends inside its head"),
        (b"GGUF\3\0\0\0" + b"\xff" * 16, "it tells of"),
        (b"GGUF\1\0\0\0" + b"\0" * 16, "version 1 is not known"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    with pytest.raises(GenerationError, match=said) as caught:
        gguf.read(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_cut_off_at_any_byte(tmp_path: Path) -> None:
    whole = gguf_file(tmp_path / "a.gguf", SMALL, data=1025).read_bytes()
    part = tmp_path / "b.gguf"
    for length in range(4, len(whole) - 1, 53):
        part.write_bytes(whole[:length])
        with pytest.raises(GenerationError):
            gguf.read(part)


def test_a_kind_of_value_that_is_not_known(tmp_path: Path) -> None:
    path = gguf_file(tmp_path / "a.gguf", {"k": 7})
    path.write_bytes(path.read_bytes().replace(b"k\4\0\0\0", b"k\x63\0\0\0"))
    with pytest.raises(GenerationError, match="kind 99"):
        gguf.read(path)


def test_a_file_that_is_missing_and_one_that_is_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(GenerationError, match="cannot be read"):
            gguf.read(path)
