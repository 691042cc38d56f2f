"""kill -9 at any moment of an indexing run: the next run ends with exactly the points of an undisturbed one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from folders import write_pdf

from ragsys.library import Library

RUN = """
import sys, ragsys
with ragsys.open(sys.argv[1], folder=sys.argv[2], background=False) as library:
    library.index(wait=sys.argv[3] == "wait")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = ["oven", "flour", "butter", "sugar", "revenue", "cost", "apprentice", "harbour", "button", "thermostat"]
    chance = random.Random(7)
    for number in range(24):
        pages = [" ".join(chance.choices(words, k=90)) + f". Page {n} of document {number}." for n in range(6)]
        write_pdf(tmp_path / "docs" / f"doc{number:02}.pdf", pages)
    return tmp_path / "docs"


def contents(folder: Path, library: Path) -> dict[str, object]:
    """Every point with its payload and vectors."""
    with Library(folder, folder=library, background=False, index=False) as opened:
        names = list(opened.space.layers.vectors)
        found: dict[str, object] = {}
        for record in opened.space.store.scroll(vectors=names):
            vectors = {
                name: (v.indices.tolist(), v.values.round(4).tolist()) if hasattr(v, "indices") else v.round(2).tolist()
                for name, v in record.vectors.items()
            }
            found[record.id] = (record.payload, vectors)
        return found


def start(folder: Path, library: Path, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(library), mode],
        env={**os.environ, "RAGSYS_HOME": str(library.parent)},
    )


@pytest.mark.parametrize(("mode", "kills"), [("lexical", 3), pytest.param("wait", 10, marks=pytest.mark.slow)])
def test_a_killed_run_is_continued(tmp_path: Path, folder: Path, mode: str, kills: int) -> None:
    began = time.monotonic()
    assert start(folder, tmp_path / "whole", mode).wait(300) == 0
    whole_seconds = time.monotonic() - began
    whole = contents(folder, tmp_path / "whole")
    assert len(whole) > 24 * 7
    chance = random.Random(kills)
    killed = 0
    for _ in range(kills):
        run = start(folder, tmp_path / "killed", mode)
        try:
            run.wait(chance.uniform(0.2, 0.9) * whole_seconds)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            killed += 1
    assert killed
    assert start(folder, tmp_path / "killed", mode).wait(300) == 0
    assert contents(folder, tmp_path / "killed") == whole
