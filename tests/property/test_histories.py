"""Whatever happens to a library and in whatever order: its passages fit its pages, and it ends as if nothing had."""

from __future__ import annotations

import random
from pathlib import Path

import histories
import pytest


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn")
    for number in range(16):
        histories.draw(folder / f"drawn{number:02}.pdf", random.Random(number))
    return sorted(folder.iterdir())


def live(seed: int, files: list[Path], at: Path) -> None:
    history = histories.History(seed, at / f"docs{seed}", files, at / f"library{seed}")
    try:
        history.run()
        history.finish()
    except BaseException as error:
        error.add_note(f"history {seed}:\n  " + "\n  ".join(history.told))
        raise


@pytest.mark.parametrize("tens", range(4))
def test_passages_fit_their_pages_after_any_history(
    tens: int, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories.install(monkeypatch)
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    for seed in range(10 * tens, 10 * tens + 10):
        live(seed, files, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("hundreds", range(5))
def test_passages_fit_their_pages_after_five_hundred_histories(
    hundreds: int, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories.install(monkeypatch)
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    for seed in range(1000 + 100 * hundreds, 1100 + 100 * hundreds):
        live(seed, files, tmp_path)
