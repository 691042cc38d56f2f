"""Odd files in a folder: names with line feeds stay on one line, and what is no file is named and never opened."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import write_pdf

from ragsys.answers import Answer
from ragsys.cli.text import line_of
from ragsys.library import Library

Run = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such names there")


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with names that hold line feeds."""
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", "laptop-lexical")
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "docs"
    write_pdf(folder / "two\nforged lines.pdf", ["The kiln of Oberndorf was fired in 1911."])
    (folder / "bad\nforged lines.pdf").write_bytes(b"%PDF-1.7\nno")
    (folder / "sheet\nforged lines.xlsx").write_bytes(b"PK")
    return folder


def test_a_name_with_a_line_feed_stays_on_one_line(run: Run, docs: Path, tmp_path: Path) -> None:
    name = "two\nforged lines.pdf"
    for arguments in (
        ["index", docs, "-v"],
        ["index", docs, "--retry"],
        ["docs", docs],
        ["docs", docs, "info", name],
        ["docs", docs, "info", "three\nforged lines.pdf"],  # an error that names one
        ["search", docs, "kiln of Oberndorf"],
        ["ask", docs, "When was the kiln of Oberndorf fired?", "-v", "--save", tmp_path / "answer.md"],
        ["docs", docs, "remove", name],
        ["docs", docs, "restore", name],
    ):
        _, out, err = run(*arguments)
        assert "forged lines" in out + err, arguments
        for line in (out + err).splitlines():
            assert not line.strip().startswith("forged lines"), (arguments, line)
    assert not any(line.startswith("forged") for line in (tmp_path / "answer.md").read_text().splitlines())


def test_programs_get_the_name_as_it_is(run: Run, docs: Path) -> None:
    assert run("index", docs)[0] == 0
    found = json.loads(run("docs", docs, "--json")[1])["documents"]
    assert {one["path"] for one in found} == {"two\nforged lines.pdf", "bad\nforged lines.pdf"}


def test_an_answer_as_text_has_its_sources_one_a_line(docs: Path) -> None:
    with Library(docs, config="laptop-lexical", background=False) as library:
        answer: Answer = library.ask("When was the kiln of Oberndorf fired?")
    assert str(answer).splitlines()[-1].startswith("[1] two\\nforged lines.pdf p.1 (")


def test_a_line_is_one_line() -> None:
    assert line_of(["a\nb", "\r\x1b[2Jc"]) == "a\\nb[2Jc"


def test_what_is_no_file_is_named_and_never_opened(run: Run, docs: Path) -> None:
    """To open a named pipe waits for ever for whoever writes into it."""
    os.mkfifo(docs / "pipe.pdf")
    os.symlink("/dev/zero", docs / "zero.pdf")
    _, out, _ = run("index", docs)
    assert "  pipe.pdf  unsupported: a named pipe: it is not opened" in out
    assert "  zero.pdf  unsupported: a device: it is not opened" in out
    code, _, err = run("index", docs / "pipe.pdf")
    assert code == 1
    assert "a named pipe" in err


def test_a_file_over_the_limit_is_counted_without_being_read(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragsys import scan

    with (docs / "large.pdf").open("wb") as out:
        out.truncate(50_000_000)
    read: list[str] = []
    real = scan.document_id
    monkeypatch.setattr(scan, "document_id", lambda path: read.append(path.name) or real(path))
    shown = run("index", docs, "--set", "index.limits.bytes=1000000")[1]
    assert "large.pdf  too-large: 50000000 bytes, over index.limits.bytes (1000000)" in shown
    again = run("index", docs, "--set", "index.limits.bytes=1000000")[1]
    assert "large.pdf  too-large" in again
    assert "large.pdf" not in read
    raised = run("index", docs)[1]  # within the limit: it is read, and is one document still
    assert "large.pdf" in read
    assert "large.pdf  broken" in raised
    listed = json.loads(run("docs", docs, "--json")[1])["documents"]
    assert [one["outcome"] for one in listed if one["path"] == "large.pdf"] == ["broken"]
