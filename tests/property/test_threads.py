"""A thread that was cut off at any byte keeps every turn whose line is whole, and goes on."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragsys.chatting.threads import Threads, checked
from ragsys.errors import LibraryBusy, UsageError

TURN = st.fixed_dictionaries({"asked": st.text(max_size=30), "answer": st.dictionaries(st.text(max_size=4), st.text())})


@settings(deadline=None, max_examples=60)
@given(st.lists(TURN, min_size=1, max_size=4), st.floats(0, 1))
def test_a_thread_that_was_cut_at_any_byte_loses_at_most_the_last_turn(
    turns: list[dict[str, object]], cut: float
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        kept = Threads(folder).open("talk")
        ends = []
        for turn in turns:
            kept.append(turn)
            ends.append(kept.path.stat().st_size)
        kept.close()
        at = round(cut * ends[-1])
        with kept.path.open("r+b") as file:
            file.truncate(at)
        whole = [turn for turn, end in zip(turns, ends, strict=True) if end - 1 <= at]  # its line feed may be missing
        again = Threads(folder).open("talk")
        assert again.turns == whole
        assert not (again.notes and at in ends)
        again.append({"asked": "and then?"})
        again.close()
        last = Threads(folder).open("talk")
        assert last.turns == [*whole, {"asked": "and then?"}]
        assert not last.notes
        last.close()
    finally:
        shutil.rmtree(folder)


@given(st.text(max_size=80))
def test_no_name_leaves_the_folder(name: str) -> None:
    try:
        path = Threads(Path("/data/threads"))._path(checked(name))
    except UsageError:
        return
    assert path.parent == Path("/data/threads")
    assert path.name.endswith(".jsonl")
    assert not set(name) & set('/\\:*?"<>|\0\n ')


@pytest.mark.parametrize("name", ["", "..", ".", "../x", "a/b", "a\\b", "con", "NUL.txt", "a b", "-x", "x.", "é" * 65])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="thread's name"):
        checked(name)


def test_threads_are_listed_taken_back_and_deleted(tmp_path: Path) -> None:
    threads = Threads(tmp_path / "threads")
    assert threads.list() == []
    kept = threads.open("größe-1")
    kept.append({"asked": "What?"})
    kept.append({"asked": "Why?"})
    kept.undo()
    with pytest.raises(LibraryBusy, match="open in another chat"):
        threads.open("größe-1")
    with pytest.raises(LibraryBusy):
        threads.delete("größe-1")
    kept.close()
    (found,) = threads.list()
    assert (found.name, found.turns, found.question) == ("größe-1", 1, "What?")
    with pytest.raises(UsageError, match="Did you mean 'größe-1'"):
        threads.delete("größe-2")
    threads.delete("größe-1")
    assert threads.list() == []
    assert list((tmp_path / "threads").iterdir()) == []


def test_a_damaged_line_in_the_middle_costs_its_own_turn(tmp_path: Path) -> None:
    kept = Threads(tmp_path).open("talk")
    for number in range(3):
        kept.append({"asked": str(number)})
    kept.close()
    lines = kept.path.read_bytes().splitlines(keepends=True)
    kept.path.write_bytes(b"".join([*lines[:2], b'{"turn": {"as\xff\n', lines[3]]))
    again = Threads(tmp_path).open("talk")
    assert [turn["asked"] for turn in again.turns] == ["0", "2"]
    assert again.notes == ["left out of this thread: 1 damaged line"]
    again.close()


def test_a_new_thread_leaves_no_file_before_its_first_turn(tmp_path: Path) -> None:
    kept = Threads(tmp_path / "threads").open()
    assert not (tmp_path / "threads").exists()
    kept.close()


def test_a_thread_that_two_chats_begin_loses_nothing(tmp_path: Path) -> None:
    first, second = Threads(tmp_path).open("talk"), Threads(tmp_path).open("talk")
    first.append({"asked": "first"})
    with pytest.raises(LibraryBusy):
        second.append({"asked": "second"})
    first.close()
    second.append({"asked": "second"})
    second.close()
    again = Threads(tmp_path).open("talk")
    assert [turn["asked"] for turn in again.turns] == ["first", "second"]
    again.close()
