"""What is told of the layers that are still to be filled, and of what fills them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragsys.cli.fresh import pending
from ragsys.cli.shell import Shell
from ragsys.library import Status
from ragsys.types import LayerState


@pytest.mark.parametrize(
    ("watching", "told"), [(False, "finish with: ragsys index"), (True, "searchable already; it follows meanwhile\n")]
)
def test_a_command_is_told_only_where_nothing_fills_them_by_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, watching: bool, told: str
) -> None:
    status = Status(str(tmp_path), str(tmp_path / "library"), 1, 2, 5, {"indexed": 1}, {"dense": LayerState(0, 5)})
    pending(Shell(), status, watching=watching)
    out = capsys.readouterr().out
    assert out.startswith("pending: dense, 5 of 5\n")
    assert told in out
    assert ("ragsys" in out) is not watching
