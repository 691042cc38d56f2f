"""A folder that is watched tells of every change of what would be indexed, and of nothing else."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragsys.cli.watching import Watched


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "one.pdf").write_text("1")
    (tmp_path / "docs" / "deep" / "two.PDF").write_text("2")
    (tmp_path / "docs" / "other.zip").write_text("3")
    (tmp_path / "docs" / ".hidden.pdf").write_text("4")
    return Watched(tmp_path / "docs", (".pdf",), ("**/*",), ("**/.*",))


def test_a_look_holds_what_would_be_indexed(watched: Watched) -> None:
    assert sorted(path for path, *_ in watched.look()) == ["deep/two.PDF", "one.pdf"]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert Watched(tmp_path / "gone", (".pdf",)).look() == frozenset()


@pytest.mark.parametrize("native", [True, False])
def test_changes_are_noticed_and_others_are_not(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    if native:
        pytest.importorskip("watchfiles")
    else:
        monkeypatch.setitem(sys.modules, "watchfiles", None)
    stop = threading.Event()
    timer = threading.Timer(20, stop.set)  # a change that is never noticed ends the test
    timer.start()
    changes: Iterator[None] = watched.changes(watched.look(), stop, seconds=0.1)
    steps = [
        lambda: (watched.root / "three.pdf").write_text("3"),
        lambda: os.utime(watched.root / "one.pdf", ns=(1, 1)),
        lambda: (watched.root / "deep" / "two.PDF").unlink(),
        lambda: (watched.root / "three.pdf").rename(watched.root / "deep" / "four.pdf"),
    ]
    noise = threading.Event()
    writer = threading.Timer(0.3, lambda: ((watched.root / "other.zip").write_text("more"), noise.set()))
    writer.start()
    for step in steps:
        later = threading.Timer(0.5, step)
        later.start()
        before = watched.look()
        next(changes)
        assert not stop.is_set()
        assert watched.look() != before
        later.join()
    assert noise.is_set()
    timer.cancel()
    threading.Timer(0.3, stop.set).start()
    assert list(changes) == []


def test_a_change_before_the_first_wait_is_noticed(watched: Watched) -> None:
    before = watched.look()
    (watched.root / "late.pdf").write_text("while the first run was on")
    next(watched.changes(before, threading.Event(), seconds=0.01))
