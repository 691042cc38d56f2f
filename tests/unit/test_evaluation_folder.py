"""The folder of a run: appended lines, torn ends, the order at the end, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragsys.errors import RagsysError, UsageError
from ragsys.evaluation.folder import KEYS, QUESTIONS, RESULTS, RUN, RunFolder
from ragsys.evaluation.records import Outcome, Question

QUESTIONS_ASKED: list[Question] = [{"id": f"q{n}", "question": "What\u2028is it?"} for n in range(3)]


def about(**changes: Any) -> dict[str, Any]:
    return {"configs": [{"name": "b"}, {"name": "a"}], "decides": {"seed": 0, "revision": "1", **changes}}


def outcome(question: str, config: str) -> Outcome:
    return {
        "id": question,
        "config": config,
        "pages": [{"doc": "a.pdf", "page": 1, "score": 0.5, "stage_scores": {}}],
        "answer": "Ein Satz mit \u2028 und \x85 darin.",
        "status": "answered",
        "citations": [],
        "usage": {"calls": 0},
        "seconds": {"total": 0.1},
        "error": None,
    }


def lines(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in (path / RESULTS).read_bytes().splitlines()]
    assert all(tuple(row) == KEYS for row in rows)
    return [(row["id"], row["config"]) for row in rows]


def test_an_outcome_may_hold_notes_and_nothing_else_beside(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add({**outcome("q0", "a"), "notes": ["not used"]})
        run.add({**outcome("q1", "a"), "more": 1})  # type: ignore[typeddict-unknown-key]
    again = RunFolder.read(run.path)
    assert again.outcomes["q0", "a"]["notes"] == ["not used"]
    assert ("q1", "a") not in again.outcomes
    assert again.damaged == [2]


def test_lines_end_in_the_order_of_questions_then_configurations(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        for config in ("b", "a"):
            for question in ("q2", "q0", "q1"):
                run.add(outcome(question, config))
    assert lines(run.path)[:2] == [("q2", "b"), ("q0", "b")]
    run.order()
    assert lines(run.path) == [(q, c) for q in ("q0", "q1", "q2") for c in ("b", "a")]
    assert not list(run.path.glob("*.part"))


@pytest.mark.parametrize("damaged", [b'{"id": "q1", "con\n', b"\x00\x00\x00\n", b'{"id": "q1"}\n', b"[]\n", b'"q1"\n'])
def test_a_damaged_line_costs_its_own_outcome_alone(tmp_path: Path, damaged: bytes) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add(outcome("q0", "b"))
    whole = (run.path / RESULTS).read_bytes()
    (run.path / RESULTS).write_bytes(whole + damaged + whole.replace(b'"q0"', b'"q2"') + b'{"torn')
    again = RunFolder.resume(run.path, about(), QUESTIONS_ASKED)
    assert again.damaged == [2]
    assert [one["id"] for one in again.missing("b")] == ["q1"]
    assert damaged in (run.path / RESULTS).read_bytes()  # who only reads takes nothing away
    with again:
        again.add(outcome("q1", "b"))
    assert again.damaged == []
    assert lines(run.path) == [("q0", "b"), ("q2", "b"), ("q1", "b")]
    assert RunFolder.read(run.path).damaged == []


def test_a_torn_last_line_is_asked_again(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add(outcome("q0", "b"))
    with (run.path / RESULTS).open("ab") as file:
        file.write(b'{"id": "q1", "con')
    again = RunFolder.resume(run.path, about(), QUESTIONS_ASKED)
    assert again.damaged == []
    with again:
        again.add(outcome("q1", "b"))
    assert lines(run.path) == [("q0", "b"), ("q1", "b")]


def test_a_line_of_another_run_does_not_count(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add(outcome("q0", "b"))
        run.add(outcome("elsewhere", "b"))
        run.add(outcome("q1", "b"))
    found = RunFolder.read(run.path)
    assert set(found.outcomes) == {("q0", "b"), ("q1", "b")}
    assert found.damaged == [2]


def test_a_line_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add(outcome("q0", "b"))
    (run.path / RESULTS).write_bytes((run.path / RESULTS).read_bytes() * 2)
    again = RunFolder.read(run.path)
    again.order()
    assert lines(run.path) == [("q0", "b")]


def test_what_ended_with_an_error_is_asked_again_and_its_last_line_counts(tmp_path: Path) -> None:
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with run:
        run.add({**outcome("q0", "b"), "error": "GenerationError: gone"})
        run.add(outcome("q1", "b"))
    again = RunFolder.resume(run.path, about(), QUESTIONS_ASKED)
    assert [question["id"] for question in again.missing("b")] == [
        question["id"] for question in QUESTIONS_ASKED if question["id"] != "q1"
    ]
    with again:
        again.add(outcome("q0", "b"))
    assert RunFolder.read(run.path).outcomes["q0", "b"]["error"] is None  # as a run that is killed now leaves it
    again.order()
    assert lines(run.path) == [("q0", "b"), ("q1", "b")]


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with pytest.raises(UsageError, match="holds a run already") as caught:
        RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    assert "--resume" in str(caught.value)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.docx").touch()
    with pytest.raises(UsageError, match="not empty"):
        RunFolder.start(tmp_path / "other", about(), QUESTIONS_ASKED)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        RunFolder.start(tmp_path / "file", about(), QUESTIONS_ASKED)


def test_only_the_same_run_is_continued(tmp_path: Path) -> None:
    RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    with pytest.raises(UsageError, match="asks something else") as caught:
        RunFolder.resume(tmp_path / "run", about(revision="2"), QUESTIONS_ASKED)
    assert 'revision: "1" then, "2" now' in str(caught.value)
    assert "seed" not in str(caught.value)


def test_what_continues_a_run_is_told_as_it_can_be_typed(tmp_path: Path) -> None:
    path = tmp_path / "a run"
    RunFolder.start(path, about() | {"command": "ragsys eval suite --limit 3"}, QUESTIONS_ASKED)
    with pytest.raises(UsageError) as caught:
        RunFolder.resume(path, about(revision="2"), QUESTIONS_ASKED)
    assert f"to continue it: ragsys eval suite --limit 3 --out '{path}' --resume\n" in str(caught.value)
    assert RunFolder(path, {"command": "ragsys eval suite --out here"}, ()).resumed.endswith("--out here --resume")
    assert RunFolder(path, {"command": "mine"}, ()).resumed == "the same call with resume=True"


def test_what_is_not_there_is_not_continued(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run to continue"):
        RunFolder.resume(tmp_path / "nothere", about(), QUESTIONS_ASKED)
    assert not (tmp_path / "nothere").exists()


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        RunFolder.read(tmp_path)
    run = RunFolder.start(tmp_path / "run", about(), QUESTIONS_ASKED)
    (run.path / QUESTIONS).unlink()
    with pytest.raises(RagsysError, match="cannot be read"):
        RunFolder.read(run.path)
    (run.path / RUN).write_text("{")
    with pytest.raises(RagsysError, match="cannot be read"):
        RunFolder.read(run.path)
