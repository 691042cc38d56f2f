"""A library of which a file was changed, cut, emptied or lost gives what it gave, or says so and can be mended."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import damage
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each case is a process that is forked")
FINE = {"equal", "repaired", "rebuilt"}


def outcomes(at: Path, *sample: int) -> list[dict[str, str]]:
    command = [sys.executable, damage.__file__, str(at), *map(str, sample)]
    path = os.pathsep.join([str(Path(damage.__file__).parent), *sys.path])
    done = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(600)
def test_single_damaged_files_are_told_and_mended(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "at", 10)
    assert len(found) >= 8
    assert [one for one in found if one["outcome"] not in FINE] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_damaged_file_is_told_and_mended(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "at")
    print(collections.Counter((one["kind"], one["outcome"]) for one in found))
    assert len(found) > 250
    assert [one for one in found if one["outcome"] not in FINE] == []
