"""`ragsys eval` a second time: after a kill, an interruption or an error; with equal and other code and content."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import evaluating
import pytest
from evaluating import rows, timeless
from folders import write_folder

from ragsys.cli.app import run as command
from ragsys.evaluation import asking, provenance

TESTS = Path(__file__).parents[1]
#: Ends the process, as if its power were cut, in the middle of writing a line.
KILLED = """
import os, sys
import evaluating
from ragsys.evaluation import provenance
from ragsys.evaluation.folder import RunFolder

provenance.code = lambda installed: "equal"
left, add = int(sys.argv.pop(1)), RunFolder.add

def torn(self, outcome):
    global left
    add(self, outcome)
    left -= 1
    if left == 0:
        self._file.write(b'{"id": "q0')
        self._file.flush()
        os.kill(os.getpid(), 9) if os.name == "posix" else os._exit(9)

RunFolder.add = torn
evaluating.install()
from ragsys.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_killed_in_the_middle_and_continued(suite: Path) -> None:
    words = ["eval", str(suite), *evaluating.configs(suite), "--out"]
    assert command([*words, "whole"]) == 0
    environment = {**os.environ, "RAGSYS_HOME": str(suite.parent / "other"), "PYTHONPATH": str(TESTS)}
    killed = subprocess.run([sys.executable, "-c", KILLED, "8", *words, "killed"], env=environment, capture_output=True)
    assert killed.returncode not in (0, 1), killed.stderr
    assert (Path("killed") / "results.jsonl").read_bytes().endswith(b'{"id": "q0')
    # one line less would also be continued: what counts is that nothing is asked twice and nothing left out
    resumed = subprocess.run(
        [sys.executable, "-c", KILLED, "1000", *words, "killed", "--resume"], env=environment, capture_output=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert timeless(Path("killed")) == timeless(Path("whole"))
    for name in ("run.trec", "run.rrf.trec", "qrels.trec", "questions.jsonl"):
        assert (Path("killed") / name).read_bytes() == (Path("whole") / name).read_bytes()
    one, other = (json.loads(Path(run, "scores.json").read_text())["estimates"] for run in ("killed", "whole"))
    for name in ("found@1", "found@3", "said", "share-answered"):
        assert one["rrf"][name] == other["rrf"][name]


def test_a_second_run_reuses_everything(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["eval", str(suite), *evaluating.configs(suite), "--out"]
    assert command([*words, "one"]) == 0

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be asked")

    with monkeypatch.context() as patch:
        patch.setattr(asking.Asker, "__call__", refuse)
        assert command([*words, "two"]) == 0
    assert Path("two", "results.jsonl").read_bytes() == Path("one", "results.jsonl").read_bytes()
    notes = json.loads(Path("two", "scores.json").read_text())["notes"]
    assert any("rrf: 10 of 10 outcomes are those of an earlier run" in note for note in notes)
    assert command([*words, "three", "--fresh"]) == 0
    assert timeless(Path("three")) == timeless(Path("one"))
    assert Path("three", "results.jsonl").read_bytes() != Path("one", "results.jsonl").read_bytes()
    # a third configuration brings layers of its own: what the others gave is still theirs
    with monkeypatch.context() as patch:
        patch.setattr(asking.Asker, "__call__", refuse)
        assert command(["eval", str(suite), "--config", "laptop-lexical", "--out", "four", "--metric", "said"]) == 0


def test_other_code_asks_again_and_continues_no_run(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out"]
    assert command([*words, "one"]) == 0
    monkeypatch.setattr(provenance, "code", lambda installed: "other")
    assert command([*words, "one", "--resume"]) == 2
    assert 'code: "equal" then, "other" now' in capsys.readouterr().err
    assert command([*words, "two"]) == 0
    assert "earlier run" not in Path("two", "scores.json").read_text()


def test_a_changed_document_is_asked_about_again(suite: Path) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out"]
    assert command([*words, "one"]) == 0
    write_folder(suite / "pdfs", {"manual.pdf": ["Nothing of all that is left on this page."]})
    assert command([*words, "two"]) == 0
    assert timeless(Path("one")) != timeless(Path("two"))
    assert "earlier run" not in Path("two", "scores.json").read_text()


def test_interrupted_it_says_how_to_go_on(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical"]
    asked, ask = [0], asking.Asker.__call__

    def impatient(self: asking.Asker, question: Any) -> Any:
        asked[0] += 1
        if asked[0] == 5:
            raise KeyboardInterrupt
        return ask(self, question)

    with monkeypatch.context() as patch:
        patch.setattr(asking.Asker, "__call__", impatient)
        assert command(words) == 130
    told = capsys.readouterr().err
    assert "4 of 10 answers are in" in told
    assert "--resume" in told
    assert command([*words, "--resume"]) == 0  # the newest run
    (out,) = Path("eval-runs").iterdir()
    assert len(rows(out)) == 10
    assert command([*words, "--resume", "--out", str(out)]) == 0  # a finished run is scored again
    assert command([*words, "--resume", "--out", str(out), "--seed", "1", "--limit", "3"]) == 2
    assert "asks something else" in capsys.readouterr().err


def test_a_run_is_continued_without_naming_its_configurations(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(["eval", str(suite), *evaluating.configs(suite), "--search-only", "--out", "run"]) == 0
    whole = rows(Path("run"))
    results = Path("run", "results.jsonl")
    lines = results.read_bytes().splitlines(keepends=True)
    results.write_bytes(b"".join([*lines[:4], b"\0" * 40 + b"\n", *lines[5:18]]))
    assert command(["eval", "run", "--report-only", "--json"]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(again["questions"]) == 8  # all but those of the damaged line and the two that are gone
    (note,) = [note for note in again["notes"] if "damaged" in note]
    assert "results.jsonl: 1 damaged line left out (5)" in note
    assert f"ragsys eval {suite}" in note
    assert command(["eval", str(suite), "--search-only", "--out", "run", "--resume"]) == 0
    assert [(row["id"], row["config"]) for row in rows(Path("run"))] == [(row["id"], row["config"]) for row in whole]
    for one in json.loads(Path("run", "run.json").read_text())["configs"]:
        assert one["reused"] <= 10
    assert "damaged" not in Path("run", "scores.json").read_text()
    capsys.readouterr()
    # what cannot be continued is told with the command that would
    assert command(["eval", str(suite), "--out", "run", "--resume"]) == 2
    assert "--search-only --out run --resume" in capsys.readouterr().err
    assert command(["eval", str(suite), "--out", "nothere", "--resume"]) == 2
    assert "nothere holds no run to continue" in capsys.readouterr().err
    assert not Path("nothere").exists()
    results.write_bytes(b"".join(lines[n] for n in (0, 3)))  # no question that both were asked
    assert command(["eval", "run", "--report-only"]) == 1
    assert "--search-only --out run --resume" in capsys.readouterr().err


def test_a_secret_of_a_configuration_is_not_in_its_run(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]) == 0
    path = Path("run", "run.json")
    about = json.loads(path.read_text())
    about["configs"][0]["config"]["store"]["api_key"] = "***"
    path.write_text(json.dumps(about))
    capsys.readouterr()
    assert command(["eval", str(suite), "--search-only", "--out", "run", "--resume"]) == 2
    told = capsys.readouterr().err
    assert "does not hold the secrets" in told
    assert "--config laptop-lexical" in told


def _cost(row: dict[str, Any]) -> dict[str, Any]:
    return {"seconds": row["seconds"], "usage": row["usage"]}


def test_errors_are_recorded_and_count_as_failures(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    search = asking.Asker._search

    def failing(self: asking.Asker, question: Any, *rest: Any) -> Any:
        if question["id"] == "q03":
            raise RuntimeError("the disk\nis on fire")
        return search(self, question, *rest)

    monkeypatch.setattr(asking.Asker, "_search", failing)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    assert "1 of 10 questions ended with an error" in capsys.readouterr().out
    row = rows(Path("run"))[3]
    assert row["error"] == "RuntimeError: the disk is on fire"
    assert (row["pages"], row["answer"]) == ([], None)
    estimates = json.loads(Path("run", "scores.json").read_text())["estimates"]["laptop-lexical"]
    assert estimates["found@1"]["n"] == 9
    assert estimates["found@1"]["value"] == pytest.approx(8 / 9)
    monkeypatch.setattr(asking.Asker, "_search", search)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "again"]) == 0
    assert rows(Path("again"))[3]["error"] is None  # errors are not kept
    # a run that is continued asks what failed once more, and nothing else
    asked: list[str] = []
    ask = asking.Asker.__call__

    def noted(self: asking.Asker, question: Any) -> Any:
        asked.append(question["id"])
        return ask(self, question)

    monkeypatch.setattr(asking.Asker, "__call__", noted)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run", "--resume", "--fresh"]) == 0
    assert asked == ["q03"]
    assert rows(Path("run"))[3] == {**rows(Path("again"))[3], **_cost(rows(Path("run"))[3])}
    assert "ended with an error" not in Path("run", "scores.json").read_text()


class _Small(io.FileIO):
    """A file on a disk that takes 2,000 bytes of it: what fits is written, then the disk is full."""

    def write(self, data: Any) -> int:
        room = 2000 - self.seek(0, io.SEEK_END)
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(bytes(data)[:room])


def test_on_a_full_disk_it_keeps_what_was_answered_and_says_how_to_go_on(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]
    opened = Path.open

    def small(self: Path, *args: Any, **given: Any) -> Any:
        return _Small(str(self), "ab") if self.name == "results.jsonl" else opened(self, *args, **given)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", small)
        assert command(words) == 1
    shown = capsys.readouterr().err
    lines = Path("run/results.jsonl").read_bytes()
    assert lines.endswith(b"\n")  # no torn line
    kept = lines.count(b"\n")
    assert 0 < kept < 10
    assert f"{Path('run/results.jsonl')}: cannot be written: {os.strerror(errno.ENOSPC)}" in shown
    assert f"{kept} of 10 answers " in shown
    assert "--out run --resume" in shown
    assert "Traceback" not in shown
    assert command([*words, "--resume"]) == 0
    assert len(rows(Path("run"))) == 10


@pytest.mark.parametrize("name", ["questions.jsonl", "run.json", "scores.json", "run.trec", "report.html"])
def test_whatever_file_of_a_run_a_full_disk_refuses(
    suite: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--limit", "2", "--out", "run"]
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert command(words) == 1
    shown = capsys.readouterr().err
    assert f"cannot be written: {os.strerror(errno.ENOSPC)}" in shown
    assert "make room there" in shown
    assert not list(Path("run").glob("*.part"))
    began = Path("run/run.json").exists()
    assert command([*words, "--resume"] if began else words) == 0
    assert Path("run/report.html").exists()
