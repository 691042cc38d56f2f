"""Parser processes that are started before there is a job: for whom, who takes them, and that none is left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragsys import ahead, frames


@pytest.fixture(autouse=True)
def none_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    yield
    ahead.dismiss()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def test_a_new_library_gets_processes_that_wait_for_a_word(root: Path) -> None:
    ahead.start(root)
    process = ahead.take()
    assert process is not None
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        assert process.poll() is None
        process.stdin.close()  # the owner ends without a word
        assert process.wait(60) == 0
        assert frames.read(process.stdout) is None  # type: ignore[arg-type]


def test_a_library_that_is_there_or_has_no_documents_gets_none(root: Path, tmp_path: Path) -> None:
    ahead.start(root, tmp_path)
    assert ahead.take() is None
    ahead.start(tmp_path / "nowhere")
    assert ahead.take() is None


@pytest.mark.skipif(sys.platform == "win32", reason="the lock of another process is that of this one there")
def test_commands_that_begin_together_start_processes_once(root: Path, tmp_path: Path) -> None:
    again = "import sys; from pathlib import Path; from ragsys import ahead; ahead.start(Path(sys.argv[1]))"
    counting = [sys.executable, "-c", f"{again}; print(len(ahead._started)); ahead.dismiss()", str(root)]

    def others() -> str:
        return subprocess.run(counting, capture_output=True, text=True, check=True).stdout.strip()

    ahead.start(root)
    assert ahead._started
    assert others() == "0"
    taken = []
    while ahead._started:
        assert others() == "0"
        taken.append(ahead.take())
    assert int(others()) > 0  # its library has them: the next one may have its own
    for process in taken:
        assert process is not None
        ahead._end(process)
    ahead.start(root)
    ahead.dismiss()
    assert int(others()) > 0


def test_those_that_nobody_took_or_that_died_are_no_longer_there(root: Path) -> None:
    ahead.start(root)
    left = list(ahead._started)
    ahead.dismiss()
    assert left
    assert all(process.returncode is not None for process in left)
    ahead.start(root)
    for process in ahead._started:
        process.kill()
        process.wait()
    assert ahead.take() is None
