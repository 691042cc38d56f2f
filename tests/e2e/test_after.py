"""What `ask` and `search` do after their result is shown: slow layers are filled, for a bounded time."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pdfs
import pytest
from folders import write_folder

from ragsys.cli.app import run
from ragsys.library import Library

QUESTION = "How many buckets of blue paint did the harbour master order?"


def letter(page: object) -> None:
    page.insert_text(  # type: ignore[attr-defined]
        (60, 120), ["The harbour master ordered seventeen buckets of blue paint.", "They came in May."], fontsize=16
    )


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAGSYS_CONFIG", raising=False)
    return write_folder(tmp_path / "docs")


def pending(docs: Path) -> set[str]:
    with Library(docs, background=False, index=False) as library:
        return set(library.status().pending)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_question_asked_twice_finds_the_scan_the_second_time(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pdfs.scan(docs / "letter.pdf", letter)
    assert run(["ask", str(docs), QUESTION, "--set", "index.after=5m"]) == 0
    assert "pending" in capsys.readouterr().out
    assert pending(docs) == set()
    assert run(["ask", str(docs), QUESTION]) == 0
    out = capsys.readouterr().out
    assert "letter.pdf p.1" in out
    assert "pending" not in out


def test_a_search_fills_them_too(docs: Path) -> None:
    assert run(["search", str(docs), "cleaning cycle", "--set", "index.after=5m"]) == 0
    assert pending(docs) == set()


@pytest.mark.parametrize("options", [["--set", "index.after=0"], ["--no-index"]])
def test_it_can_be_switched_off(docs: Path, options: list[str]) -> None:
    with Library(docs, background=False) as library:
        library.index()
    assert run(["ask", str(docs), QUESTION, *options]) == 0
    assert "dense" in pending(docs)


def test_it_takes_no_longer_than_it_may(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was embedded in the time stays; the rest goes on waiting."""
    write_folder(docs, {f"note{n}.pdf": [f"Note {n}, page {p}." for p in range(8)] for n in range(30)})
    looks = []

    from ragsys import stages

    fill = stages.fill

    def slow(*arguments: object) -> dict[str, str]:
        looks.append(1)
        library._stop.wait(30)  # until the time is over
        return fill(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "fill", slow)
    with Library(docs, background=False) as library:
        library.index()
        assert not library.finish(0.5)
        done = library.status().layers["dense"].done
        assert looks == [1]
        assert 0 < done < library.status().layers["dense"].total
        assert library.search("Note 7")


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="no Ctrl-C can be sent here")
def test_ctrl_c_after_the_answer_ends_at_once(docs: Path) -> None:
    more = "\n".join(["The crew painted the wall of the harbour and mended the valves of the lock in the rain."] * 12)
    texts = {f"note{n}.pdf": [f"Note {n}, page {p}, of the harbour.\n{more}" for p in range(40)] for n in range(60)}
    write_folder(docs, texts)  # a minute of embedding or more: Ctrl-C comes before its end however late it is sent
    process = subprocess.Popen(
        [sys.executable, "-m", "ragsys", "search", str(docs), "harbour", "--set", "index.after=10m"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert isinstance(process.stdout, io.BufferedReader)
    assert b"note" in process.stdout.readline()  # the result is shown: what follows is for the next question
    for line in process.stdout:
        if line.startswith(b" 10"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode in (0, 130), out + err  # 130 where it came before the result was out
    assert b"Traceback" not in err
    assert "dense" in pending(docs)
