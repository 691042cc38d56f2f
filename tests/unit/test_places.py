"""Paths in commands that are shown can be pasted into a shell: nothing in a name is read as a command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ragsys.places import Place, command, quoted

NAMES = [
    "plain", "with space", "it's", 'say "hi"', "$(touch owned)", "`id`", "$HOME", "a;b", "a&b", "a|b", "~", "*", "!x",
    "a\nb", "tab\there", "esc\x1b[31m", "back\\slash\n'", "\udcff", "zw\u200bj\u202e", "ü",
]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("name", NAMES)
def test_a_shell_reads_the_name_as_it_is(name: str, tmp_path: Path) -> None:
    line = f"printf %s {quoted(name)}"
    assert line.encode("utf-8", "surrogateescape").isascii() or line.isprintable()
    assert len(line.splitlines()) == 1
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, check=True, cwd=tmp_path, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    assert done.stdout == os.fsencode(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
def test_a_command_quotes_the_folder_and_the_library(tmp_path: Path) -> None:
    place = Place(tmp_path / "$(b)", tmp_path / "a'b")
    wanted = ["ragsys", "index", str(place.root), "--wait", "--library", str(place.folder)]
    line = command(place, "index FOLDER --wait")
    done = subprocess.run(["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == wanted
