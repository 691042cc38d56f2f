"""What is told of the layers that are still to be filled, and of what fills them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ragsys.cli import fresh
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


class Opening:
    """A library of another process that becomes searchable step by step."""

    def __init__(self, steps: list[tuple[int, int, str]]) -> None:
        self.steps = steps  # (documents, passages, what is under way) at each look; the last one stays
        self.looks = 0

    def status(self) -> SimpleNamespace:
        documents, passages, self.under_way = self.steps[min(self.looks, len(self.steps) - 1)]
        self.looks += 1
        return SimpleNamespace(documents=documents, passages=passages)


@pytest.mark.parametrize(
    ("steps", "looks"),
    [
        ([(3, 40, "")], 1),
        ([(3, 40, "indexing")], 1),  # some can be searched: what follows is told
        ([(0, 0, ""), (0, 0, "indexing"), (2, 0, "indexing"), (2, 9, "indexing")], 4),
        ([(2, 0, "indexing"), (2, 0, "")], 2),  # scans alone, which have no text
    ],
)
def test_a_question_waits_until_something_can_be_searched(
    steps: list[tuple[int, int, str]], looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh.time, "sleep", lambda _: None)
    library = Opening(steps)
    fresh._wait(library)  # type: ignore[arg-type]
    assert library.looks == looks
