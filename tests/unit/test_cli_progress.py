"""Progress goes to stderr: bars for people, lines for logs, nothing where nobody looks."""

from __future__ import annotations

import threading
import time

import pytest

from ragsys.cli import progress as module
from ragsys.cli.progress import Bar
from ragsys.progress import Progress


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


READING = Progress("parse", 30, 120, "pages", "a/[bold]b.pdf", 15.0, 6.0)


def test_where_nobody_looks_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=False) as bar:
        bar(READING)
    assert capsys.readouterr() == ("", "")


def test_lines_are_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=False, told=True, at_once=True) as bar:
        for _ in range(5):
            bar(READING)
        bar(Progress("parse", 120, 120, "pages", "", 15.0, 0.0))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["reading: 30/120 pages, 15/s, 6.0 s left a/[bold]b.pdf", "reading: 120/120 pages, 15/s"]


def test_what_takes_long_is_told_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Bar(shown=False, told=True) as bar:
        for second in range(400):
            now[0] = float(second)
            bar(READING)
        bar(Progress("parse", 120, 120, "pages", "", 15.0, 0.0))
        bar(Progress("dense", 8, 8, "passages", "", 15.0, 0.0))  # a stage that was over at once
    told = capsys.readouterr().err.splitlines()
    assert 8 < len(told) < 20
    assert told[-1] == "reading: 120/120 pages, 15/s"
    with Bar(shown=False, told=True) as bar:
        bar(READING)
    assert capsys.readouterr().err == ""  # it took no time


def test_bars_show_rate_and_time_left_and_go_away(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=True) as bar:
        bar(Progress("scan", 0, 0, "files"))
        bar(READING)
        bar(Progress("dense", 1, 8, "passages"))
        bar.clear()
        first = capsys.readouterr()
        bar(READING)
    assert first.out == ""
    assert "30/120 pages, 15/s, 6.0 s left" in first.err
    assert "a/[bold]b.pdf" in first.err
    assert "1/8 passages" in first.err
    assert "looking" not in first.err
    assert "30/120 pages" in capsys.readouterr().err


def test_a_long_scan_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCAN_SECONDS", 0.05)
    with Bar(shown=True) as bar:
        bar(Progress("scan", 0, 0, "files"))
        time.sleep(0.5)
        bar(READING)
    assert "looking" in capsys.readouterr().err


def test_stages_may_tell_from_several_threads(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=True) as bar:
        threads = [threading.Thread(target=bar, args=(Progress(f"s{n}", n, 9, "pages"),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "7/9 pages" in capsys.readouterr().err
