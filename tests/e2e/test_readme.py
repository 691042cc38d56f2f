"""The README shows what a first run prints: its commands are run over the example documents, in an empty home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VARIES = (
    (r"in \d+(\.\d+)? s", "in N s"),  # how fast it is
    (r"· \d+(\.\d+)? s", "· N s"),
    (r"shows \d+ notes?", "shows N notes"),  # whether tesseract is installed
)


def blocks() -> list[tuple[str, str]]:
    """(command line, what it prints) of each block that begins with a command and goes on with its output."""
    found = re.findall(
        r"^```\n\$ (.+)\n((?:.*\n)*?)```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [(line, printed) for line, printed in found if "examples/kelvara" in line]


def test_there_are_such_blocks() -> None:
    assert len(blocks()) == 2


@pytest.mark.skipif(os.name == "nt", reason="the commands are of a POSIX shell")
@pytest.mark.parametrize(("line", "printed"), blocks(), ids=["ask", "chat"])
def test_a_block_is_what_its_command_prints(line: str, printed: str, tmp_path: Path) -> None:
    ragsys = tmp_path / "bin" / "ragsys"
    ragsys.parent.mkdir()
    ragsys.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ragsys "$@"\n')
    ragsys.chmod(0o755)
    path = f"{ragsys.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "RAGSYS_HOME": str(tmp_path / "home"), "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        ["sh", "-c", f"{line} 2>&1"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    # what follows the answer tells of the background: embedding and OCR for the next question
    shown = re.sub(r"^(OCR|dense): .*\n", "", done.stdout, flags=re.MULTILINE)
    assert steady(shown).rstrip() == steady(printed).rstrip()


def steady(text: str) -> str:
    for pattern, always in VARIES:
        text = re.sub(pattern, always, text)
    return text
