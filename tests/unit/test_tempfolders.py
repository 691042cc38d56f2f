"""Temporary folders of killed runs go with a later run; nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ragsys import tempfolders
from ragsys.config import Limits
from ragsys.pool import Pool
from ragsys.tempfolders import LOCK, clean, temporary

#: A run that is killed while its folder is in use.
RUN = """
import sys, time
from ragsys.tempfolders import temporary
with temporary() as folder:
    (folder / "worker-1").write_bytes(b"000000000001")
    print(folder, flush=True)
    time.sleep(600)
"""


def aged(folder: Path) -> Path:
    """As if it were of yesterday."""
    then = time.time() - 86_400
    os.utime(folder, (then, then))
    return folder


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_what_a_killed_run_left_goes_and_what_a_living_one_uses_stays(parent: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.parent == parent
        assert clean(parent) == []  # new, and in use
        aged(folder)
        assert clean(parent) == []  # in use
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert (folder / "worker-1").exists()
    with Pool({}, 1, Limits()):  # the next run
        assert not folder.exists()


def test_a_new_folder_stays_although_its_lock_can_be_taken(parent: Path) -> None:
    folder = parent / "ragsys-new"
    folder.mkdir()
    (folder / LOCK).touch()
    assert clean(parent) == []
    aged(folder)
    assert clean(parent) == [folder]


def test_what_is_not_provably_ours_stays(parent: Path, tmp_path: Path) -> None:
    def made(name: str, *files: str) -> Path:
        folder = parent / name
        folder.mkdir()
        for file in files:
            (folder / file).touch()
        return aged(folder)

    kept = [
        made("ragsys-thesis", "worker-1", "thesis.pdf", LOCK),
        made("ragsys-unlocked", "worker-1"),
        made("ragsys-empty"),
        made("other", LOCK),
    ]
    nested = made("ragsys-nested", LOCK)
    (nested / "worker-1").mkdir()
    aged(nested)
    if hasattr(os, "symlink") and os.name != "nt":
        target = made("target", LOCK, "worker-1")
        os.symlink(target, parent / "ragsys-link")
        kept.append(target)
    assert clean(parent) == []
    assert all(folder.exists() for folder in (*kept, nested))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX owners")
def test_a_folder_of_another_user_stays(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = parent / "ragsys-theirs"
    folder.mkdir()
    (folder / LOCK).touch()
    aged(folder)
    monkeypatch.setattr(tempfolders.os, "getuid", lambda: 12345)
    assert clean(parent) == []
    assert folder.exists()


def test_a_folder_goes_when_it_is_left(parent: Path) -> None:
    with temporary() as folder:
        assert folder.parent == parent
        aged(folder)
        assert clean(parent) == []
    assert not folder.exists()
