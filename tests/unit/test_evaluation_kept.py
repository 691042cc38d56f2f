"""Outcomes of earlier runs: found by all that decides them, never those of an error, and a file that cannot be used."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scored import failure, outcome, question

from ragsys.evaluation import kept
from ragsys.evaluation.kept import Kept

ASKED = question(answer="Paris")


def filled(folder: Path, decides: Any = "equal") -> str:
    store = Kept(folder, decides)
    key = store.key(ASKED)
    store.put(key, outcome("Paris"))
    store.close()
    store.close()
    return key


def test_what_was_kept_is_found_by_who_comes_later(tmp_path: Path) -> None:
    key = filled(tmp_path)
    store = Kept(tmp_path, "equal")
    assert store.key(ASKED) == key
    assert store.get(key) == outcome("Paris")
    store.close()
    fresh = Kept(tmp_path, "equal", fresh=True)
    assert fresh.get(key) is None
    fresh.close()


def test_a_line_that_is_at_hand_is_kept_as_it_is(tmp_path: Path) -> None:
    store = Kept(tmp_path, "equal")
    store.put("key", outcome("Paris"), json.dumps(outcome("Paris")) + "\n")
    store.close()
    again = Kept(tmp_path, "equal")
    assert again.get("key") == outcome("Paris")
    again.close()


def test_all_that_decides_counts(tmp_path: Path) -> None:
    stores = [Kept(tmp_path / str(n), decides) for n, decides in enumerate([["a", "b"], ["ab"], ["a", "b", ""]])]
    keys = [store.key(ASKED) for store in stores]
    keys += [stores[0].key(ASKED, "image"), stores[0].key(question(answer="Rome"))]
    assert len(set(keys)) == len(keys)
    for store in stores:
        store.close()


def test_errors_are_not_kept(tmp_path: Path) -> None:
    store = Kept(tmp_path, "equal")
    store.put("key", failure())
    store.close()
    again = Kept(tmp_path, "equal")
    assert again.get("key") is None
    again.close()


def test_the_oldest_give_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_CAPACITY", 3)
    monkeypatch.setattr(kept, "_TOGETHER", 2)
    store = Kept(tmp_path, "equal")
    for n in range(5):
        store.put(str(n), outcome(str(n)))
    store.close()
    again = Kept(tmp_path, "equal")
    assert [n for n in range(5) if again.get(str(n))] == [2, 3, 4]
    again.close()


def test_outcomes_are_kept_deflated(tmp_path: Path) -> None:
    words = [f"word {n % 7}" for n in range(3_000)]
    store = Kept(tmp_path, "equal")
    store.put("key", outcome(" ".join(words)))
    store.close()
    again = Kept(tmp_path, "equal")
    assert again.get("key") == outcome(" ".join(words))
    again.close()
    with sqlite3.connect(tmp_path / kept.FOLDER / "outcomes.sqlite") as connection:
        [(size,)] = connection.execute("SELECT length(CAST(outcome AS BLOB)) FROM outcomes").fetchall()
    connection.close()
    assert size < len(json.dumps(outcome(" ".join(words)))) / 10


def old_file(path: Path) -> None:
    """A file as it was when outcomes were kept as plain JSON."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE outcomes (key TEXT PRIMARY KEY, outcome TEXT)")
    connection.execute("INSERT INTO outcomes VALUES (?, ?)", ("key", json.dumps(outcome("Paris"))))
    connection.commit()
    connection.close()


def foreign_file(path: Path) -> None:
    """No database."""
    path.write_bytes(b"no database " * 200)


@pytest.mark.parametrize("make", [old_file, foreign_file])
def test_an_old_or_foreign_file_is_made_anew(
    tmp_path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / kept.FOLDER / "outcomes.sqlite"
    path.parent.mkdir()
    make(path)
    store = Kept(tmp_path, "equal")
    assert store.get("key") is None
    store.put("key", outcome("Rome"))
    store.close()
    again = Kept(tmp_path, "equal")
    assert again.get("key") == outcome("Rome")
    again.close()
    assert not caplog.records


def test_a_file_that_cannot_be_used_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / kept.FOLDER / "outcomes.sqlite"
    path.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        store = Kept(tmp_path, "equal")
    assert "not usable" in caplog.text
    store.put("key", outcome("Paris"))
    assert store.get("key") is None
    store.close()
    assert path.is_dir()


def test_a_file_that_another_process_holds_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Kept(tmp_path, "equal")
    first.put("key", outcome("Paris"))
    with caplog.at_level(logging.WARNING):
        second = Kept(tmp_path, "equal")
    assert "not usable" in caplog.text
    second.close()
    first.close()
    again = Kept(tmp_path, "equal")
    assert again.get("key") == outcome("Paris")
    again.close()
