"""An answer while it is written: on a terminal it is drawn in place and gone at the end; elsewhere nothing is drawn."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
import replying
from folders import write_folder

from ragsys.cli.app import run as command
from ragsys.cli.live import Live
from ragsys.testing.generators import ScriptedGenerator


class Screen(io.StringIO):
    """A terminal of some columns and rows that knows the few codes that are used."""

    def __init__(self, columns: int = 40, rows: int = 10) -> None:
        super().__init__()
        self.columns, self.height = columns, rows

    def isatty(self) -> bool:
        """It is one."""
        return True

    @property
    def rows(self) -> list[str]:
        """What is to be seen, and what has scrolled away."""
        screen, y = [""], 0
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\x1b|[\r\n]|[^\x1b\r\n]+", self.getvalue()):
            if part == "\n":
                y += 1
                if y == len(screen):
                    screen.append("")
            elif part == "\r":
                continue
            elif part.endswith("A") and part.startswith("\x1b"):
                top = max(0, len(screen) - self.height)
                y = max(top, y - int(part[2:-1]))
            elif part == "\x1b[J":
                screen = [*screen[:y], ""]
            elif part.startswith("\x1b["):
                continue
            else:
                assert "\x1b" not in part
                assert len(part) <= self.columns
                screen[y] = part
        return screen


def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """The terminal that stderr is from now on."""
    made = Screen()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    return made


def test_text_is_wrapped_as_it_comes_and_taken_off_again(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    live = Live.of(quiet=False)
    for piece in ("The plant in Gr", "az opened in ", "1987 and ", "employs 450 peo", "ple since then."):
        live.feed(piece)
    shown = [row for row in screen.rows if row]
    assert " ".join(shown) == "The plant in Graz opened in 1987 and employs 450 people since then."
    assert all(len(row) < 40 for row in shown)
    live.clear()
    assert [row for row in screen.rows if row] == []


def test_long_text_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    live = Live.of(quiet=False)
    for n in range(400):
        live.feed(f"word{n} ")
    assert len([row for row in screen.rows if row]) <= 8
    assert "word399" in screen.rows[-2]
    live.clear()
    live.clear()
    assert [row for row in screen.rows if row] == []


def test_control_characters_and_wide_words_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    live = Live.of(quiet=False)
    live.feed("\x1b[2J\x1b]0;t\x07" + "x" * 100 + "\n" + "日本" * 30)
    assert "x" * 39 in screen.rows
    live.clear()
    assert [row for row in screen.rows if row] == []


def test_nothing_is_drawn_where_no_one_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    live = Live.of(quiet=True)
    live.feed("text")
    live.clear()
    assert screen.getvalue() == ""
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    live = Live.of(quiet=False)
    live.feed("text")
    live.clear()
    assert plain.getvalue() == ""


@pytest.mark.parametrize("form", ["marks", "json"])
def test_the_command_shows_an_answer_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", str(replying.config_file(tmp_path, format=form)))
    docs = write_folder(tmp_path / "docs")
    text = "The oven was replaced in March 2022."
    json_ = (
        '{"status": "answered", "sentences": [{"text": "%s", "cites": [{"block": "1.0", "quote": ""}]}], "missing": ""}'
    )
    reply = json_ % text if form == "json" else f"{text[:-1]} [1.0]."
    replying.install(ScriptedGenerator([reply, reply]))
    assert command(["ask", str(docs), "When was the oven replaced?"]) == 0
    piped = capsys.readouterr()
    assert piped.out.count("The oven was replaced in March") == 2  # the answer and its quote
    assert "The oven" not in piped.err
    screen = terminal(monkeypatch)
    assert command(["ask", str(docs), "When was the oven replaced?", "--no-index"]) == 0
    assert "The oven" in screen.getvalue()  # it was seen while it came
    assert not any("The oven" in row for row in screen.rows)
