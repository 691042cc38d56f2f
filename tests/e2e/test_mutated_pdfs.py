"""Damaged PDFs: every file ends in a named outcome, the accounting is complete, and nothing crashes or hangs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import mutants
import pytest

from ragsys.errors import DocumentError
from ragsys.library import Library
from ragsys.types import Outcome

#: Bounds that a small file is well inside of, also on a slow machine: computing time counts.
LIMITS = ["index.limits.page_seconds=20", "index.limits.document_seconds=60", "index.limits.draw_seconds=5"]


def accounted(folder: Path, count: int, drawn: int) -> Counter[str]:
    """Index so many mutants, hold the account, draw some pages; returns how many had which outcome."""
    names = mutants.write(folder, range(count))
    with Library(folder, config="laptop-lexical", overrides=LIMITS, background=False) as library:
        report = library.index()
        documents = library.documents()
        assert sorted(path for one in documents for path in one.paths) == sorted(names)
        assert not report.unsupported
        outcomes = Counter[str]()
        for one in documents:
            assert one.outcome in Outcome
            assert one.outcome is not Outcome.WAITING, one.path
            assert one.outcome not in (Outcome.CRASHED, Outcome.TIMEOUT), (one.path, one.faults)
            if one.outcome not in (Outcome.INDEXED, Outcome.NO_TEXT):
                assert one.faults, f"{one.path} is {one.outcome} and nothing says why"
                assert all(fault.reason.strip() for fault in one.faults)
            assert str(folder) not in "".join(fault.reason for fault in one.faults)
            outcomes[one.outcome.value] += len(one.paths)
        assert outcomes.total() == count
        skipped = {path for path, _, _ in report.skipped}
        readable = (Outcome.INDEXED, Outcome.PARTIAL, Outcome.NO_TEXT)
        assert skipped == {one.paths[0] for one in documents if one.outcome not in readable}
        again = library.index()  # nothing is read twice
        assert (again.added, again.changed, again.again) == ([], [], [])
        for one in [one for one in documents if one.pages][:drawn]:
            try:
                picture = library.render(one.id, 1, dpi=30)
                assert picture.width_px > 0
            except DocumentError as error:
                outcomes[f"drawn: {error.outcome}"] += 1
    return outcomes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where they are written."""
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    return tmp_path / "docs"


SUM = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import mutants
print(hashlib.sha256(b"".join(mutants.mutant(n)[1] for n in range(64))).hexdigest())
"""


def test_a_mutant_is_the_same_every_time_and_none_is_sound() -> None:
    own = hashlib.sha256(b"".join(mutants.mutant(n)[1] for n in range(64))).hexdigest()
    command = [sys.executable, "-c", SUM, str(Path(mutants.__file__).parent)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == own
    assert len({data for _, data in map(mutants.mutant, range(64))}) == 64
    assert not {data for _, data in map(mutants.mutant, range(64))} & set(mutants.sound())
    used = {name for n in range(64) for name in mutants.mutant(n)[0].split("+")}
    assert used == set(mutants.MUTATIONS)


def test_some_dozens_of_damaged_files_are_accounted_for(folder: Path) -> None:
    outcomes = accounted(folder, 48, drawn=8)
    assert outcomes["indexed"]
    assert outcomes["broken"]


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_thousand_damaged_files_are_accounted_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = accounted(folder, 2000, drawn=150)
    with capsys.disabled():
        print(dict(sorted(outcomes.items())))
