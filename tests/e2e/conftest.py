"""What several end-to-end tests begin with: a library and a client of its owner, a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folders import write_folder

from ragsys.cli.app import run as command
from ragsys.library import Library
from ragsys.remote import RemoteLibrary

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    with Library(write_folder(tmp_path / "docs"), background=False) as library:
        library.index()
        yield library


@pytest.fixture
def remote(owner: Library) -> Iterator[RemoteLibrary]:
    with RemoteLibrary(owner.place, owner.config) as client:
        yield client


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command: (exit code, stdout, stderr)."""

    def runner(*arguments: str | Path) -> tuple[int, str, str]:
        code = command([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return runner
