"""`ragsys eval` over a tiny suite: two configurations, a kill in the middle, reuse, interruption, wrong use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import evaluating
import pytest
from PIL import Image

import ragsys.evaluation
from ragsys import stages
from ragsys.cli.app import run as command
from ragsys.errors import UsageError
from ragsys.evaluation import asking, provenance
from ragsys.evaluation.folder import KEYS
from ragsys.host import LibraryHost

TESTS = Path(__file__).parents[1]
RRF = "extends: laptop-lexical\nsearch: {fuse: rrf}\n"
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


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny suite's folder; a second configuration lies beside it. The current folder is a new one."""
    evaluating.install()
    monkeypatch.setattr(provenance, "code", lambda installed: "equal")  # also in a checkout that is being edited
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "rrf.yaml").write_text(RRF)
    return evaluating.write_suite(tmp_path / "suite")


def configs(suite: Path) -> list[str]:
    return ["--config", "laptop-lexical", "--config", str(suite.parent / "rrf.yaml")]


def rows(out: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (out / "results.jsonl").read_bytes().splitlines()]
    assert all(tuple(row) == KEYS for row in found)
    return found


def timeless(out: Path) -> list[str]:
    """The lines without their seconds."""
    return [json.dumps({**row, "seconds": {}, "usage": {**row["usage"], "seconds": 0}}) for row in rows(out)]


def _cost(row: dict[str, Any]) -> dict[str, Any]:
    return {"seconds": row["seconds"], "usage": row["usage"]}


def test_a_run_leaves_its_files(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = suite.parent / "run"
    assert command(["eval", str(suite), *configs(suite), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "tiny  10 questions, 2 configurations" in shown
    assert "found@1" in shown
    assert "no difference can be told between laptop-lexical and rrf on found@1" in shown
    found = rows(out)
    assert [(row["id"], row["config"]) for row in found[:3]] == [
        ("q00", "laptop-lexical"),
        ("q00", "rrf"),
        ("q01", "laptop-lexical"),
    ]
    assert len(found) == 20
    first = found[0]
    assert first["pages"][0]["doc"] == "2022/annual.pdf"
    assert first["pages"][0]["page"] == 1
    assert {"pages", "passages", "zsum"} <= set(first["pages"][0]["stage_scores"])
    assert len({(page["doc"], page["page"]) for page in first["pages"]}) == len(first["pages"]) > 2
    assert "412 thousand" in first["answer"]
    assert "[1]" not in first["answer"]
    assert first["citations"][0]["doc"] == "2022/annual.pdf"
    x0, y0, x1, y1 = first["citations"][0]["bbox"]
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert first["seconds"]["total"] == first["seconds"]["answer"] > 0
    about = json.loads((out / "run.json").read_text())
    assert about["suite"] == "tiny"
    assert [one["name"] for one in about["configs"]] == ["laptop-lexical", "rrf"]
    assert about["command"].startswith(f"ragsys eval {suite} --config laptop-lexical --config ")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["estimates"]["rrf"]["found@3"]["value"] == 1.0
    names = {path.name for path in out.iterdir()}
    assert {"run.trec", "run.rrf.trec", "qrels.trec", "report.md", "report.html", "questions.jsonl"} <= names


def test_searching_only_makes_no_answers(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "eval",
        str(suite),
        "-c",
        "laptop-lexical",
        "--search-only",
        "--metric",
        "found@2",
        "--json",
        "--out",
        "run",
    ]
    assert command(words) == 0
    given = json.loads(capsys.readouterr().out)
    assert list(given["estimates"]["laptop-lexical"]) == ["found@2"]
    assert given["out"] == "run"
    first = rows(Path("run"))[0]
    assert (first["answer"], first["status"], first["citations"]) == (None, None, [])
    assert first["seconds"]["total"] == first["seconds"]["search"] > 0
    assert not (suite / "run").exists()


def test_killed_in_the_middle_and_continued(suite: Path) -> None:
    words = ["eval", str(suite), *configs(suite), "--out"]
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
    words = ["eval", str(suite), *configs(suite), "--out"]
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
    evaluating.write_folder(suite / "pdfs", {"manual.pdf": ["Nothing of all that is left on this page."]})
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
    assert command(["eval", str(suite), *configs(suite), "--search-only", "--out", "run"]) == 0
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
    asked, ask = [], asking.Asker.__call__
    monkeypatch.setattr(asking.Asker, "__call__", lambda self, one: asked.append(one["id"]) or ask(self, one))
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run", "--resume", "--fresh"]) == 0
    assert asked == ["q03"]
    assert rows(Path("run"))[3] == {**rows(Path("again"))[3], **_cost(rows(Path("run"))[3])}
    assert "ended with an error" not in Path("run", "scores.json").read_text()


def test_scope_sample_and_what_else_lies_in_the_folder(suite: Path) -> None:
    path = suite / "tiny-questions.jsonl"
    questions = [json.loads(line) for line in path.read_text().splitlines()]
    for question in questions:
        question["scope"] = ["manual.pdf"]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--limit", "6", "--out"]
    assert command([*words, "official"]) == 0
    assert {page["doc"] for row in rows(Path("official")) for page in row["pages"]} == {"manual.pdf"}
    assert command([*words, "all", "--scope", "all"]) == 0
    assert len({page["doc"] for row in rows(Path("all")) for page in row["pages"]}) == 3
    assert [row["id"] for row in rows(Path("all"))] == [row["id"] for row in rows(Path("official"))]
    assert len(rows(Path("all"))) == 6
    assert command([*words, "part", "--option", "part=oven"]) == 0
    assert len(rows(Path("part"))) == 4
    for question in questions:
        question["scope"] = ["2022/", "manual.pdf"]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    assert command([*words, "folders"]) == 0
    found = {page["doc"] for row in rows(Path("folders")) for page in row["pages"]}
    assert found == {"2022/annual.pdf", "manual.pdf"}


def test_other_files_are_kept_out_and_equal_ones_go_by_the_name_that_is_asked_for(suite: Path) -> None:
    pdfs, path = suite / "pdfs", suite / "tiny-questions.jsonl"
    shutil.copy(pdfs / "manual.pdf", pdfs / "copy.pdf")
    evaluating.write_folder(pdfs, {"other.pdf": ["The cleaning cycle, the green button, the thermostat, the oven."]})
    questions = [json.loads(line) for line in path.read_text().splitlines()][7:9]
    questions[0]["doc_ids"] = ["manual.pdf"]
    questions[1] |= {"doc_ids": ["copy.pdf"], "gold_pages": [{"doc": "copy.pdf", "page": 2}]}
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    first, second = rows(Path("run"))
    assert first["pages"][0]["doc"] == "manual.pdf"
    assert second["pages"][0]["doc"] == second["citations"][0]["doc"] == "copy.pdf"
    assert "other.pdf" not in {page["doc"] for row in (first, second) for page in row["pages"]}


def test_boxes_and_passages_of_ranked_pages_are_kept_where_there_is_such_gold(suite: Path) -> None:
    path = suite / "tiny-questions.jsonl"
    question = json.loads(path.read_text().splitlines()[7])
    question["gold_boxes"] = [{"doc": "manual.pdf", "page": 1, "bbox": [0, 0, 1, 1]}]
    question["gold_passages"] = [{"doc": "manual.pdf", "text": "the green button"}]
    again = {**question, "id": "again"}  # the same pages: what they hold is known by then
    path.write_text(json.dumps(question) + "\n" + json.dumps(again) + "\n")
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]) == 0
    first, second = rows(Path("run"))
    assert first["pages"] == second["pages"]
    best = first["pages"][0]
    assert any("green button" in passage for passage in best["passages"])
    assert best["boxes"]
    assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, y0, x1, y1 in best["boxes"])


def test_incomplete_layers_are_refused_unless_told(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stages, "later", lambda *_: ["dense: the model is not there"])
    words = ["eval", str(suite), "-c", "laptop", "--search-only", "--limit", "3", "--out"]
    assert command([*words, "one"]) == 1
    told = capsys.readouterr().err
    assert "incomplete: dense (0 of 7)" in told
    assert "the model is not there" in told
    assert "--allow-incomplete" in told
    assert command([*words, "two", "--allow-incomplete"]) == 0
    assert "note: incomplete: dense, 0 of 7 items" in capsys.readouterr().out
    assert len(rows(Path("two"))) == 3


def test_images_of_a_question_reach_search_and_answer(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (6, 4), "red").save(suite / "pdfs" / "bread.png")
    path = suite / "tiny-questions.jsonl"
    questions = [json.loads(line) for line in path.read_text().splitlines()][:4]
    for question, name in zip(
        questions, ("bread.png", "../tiny-questions.jsonl", "gone.png", "manual.pdf"), strict=True
    ):
        question["images"] = [name]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    seen: list[tuple[int, int]] = []
    search = LibraryHost.search

    def look(self: LibraryHost, action: Any, task: Any) -> Any:
        seen.extend(image.size for image in task.images)
        return search(self, action, task)

    monkeypatch.setattr(LibraryHost, "search", look)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    assert seen == [(6, 4)]
    errors = [row["error"] or "" for row in rows(Path("run"))]
    assert errors[0] == ""
    assert "is not below" in errors[1]
    assert "cannot be read" in errors[2]
    assert "cannot be read" in errors[3]


def test_documents_that_cannot_be_read_are_told(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "pdfs" / "manual.pdf").write_bytes(b"no PDF at all")
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]) == 0
    assert "note: 1 of 3 documents could not be read: manual.pdf" in capsys.readouterr().out


def test_gold_that_cannot_be_found_is_told(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = suite / "tiny-questions.jsonl"
    questions = [json.loads(line) for line in path.read_text().splitlines()]
    questions[0]["gold_pages"] = [{"doc": "2022/annual.pdf", "page": 99}]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    (suite / "pdfs" / "manual.pdf").write_bytes(b"no PDF at all")
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    shown = capsys.readouterr().out
    assert "gold pages that do not exist, which no search can find: q00 (page 99 of 2022/annual.pdf, which has" in shown
    assert "questions whose gold documents could not be read: q07, q08" in shown
    assert "10 questions on 4 documents: too few to rely on" in shown
    assert "| its gold documents could not be read | 2 |" in Path("run", "report.md").read_text()
    assert command(["eval", "run", "--report-only", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unreadable"] == ["manual.pdf"]


def test_an_evaluation_in_python(suite: Path) -> None:
    seen: list[str] = []
    scored = ragsys.evaluation.evaluate(
        suite, ["laptop-lexical"], out="run", search_only=True, watch=lambda progress: seen.append(progress.stage)
    )
    assert scored.estimates["laptop-lexical"]["found@1"].value == 1.0
    assert scored.provenance.suite == "tiny"
    assert "laptop-lexical" in seen
    one = ragsys.evaluation.evaluate(suite, "laptop-lexical", out="one", search_only=True, metrics="found@1")
    assert [list(found) for found in one.estimates.values()] == [["found@1"]]
    with pytest.raises(UsageError, match="limit is 0"):
        ragsys.evaluation.evaluate(suite, ["laptop-lexical"], out="other", limit=0)
    with pytest.raises(UsageError, match="scope is"):
        ragsys.evaluation.evaluate(suite, scope="some")


def test_a_finished_run_is_scored_again(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    before = Path("run", "results.jsonl").read_bytes() + b'{"torn'
    Path("run", "results.jsonl").write_bytes(before)  # nothing is cut off by who only reads
    capsys.readouterr()
    assert command(["eval", "run", "--report-only", "--metric", "found@2", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert list(again["estimates"]["laptop-lexical"]) == ["found@2"]
    assert again["provenance"]["command"].endswith("--metric found@2")
    assert command(["eval", "run", "--report-only", "--metric", "found@2"]) == 0
    assert "the report, scores.json and the TREC files in run were written anew, scored with found@2" in (
        capsys.readouterr().err
    )
    assert Path("run", "results.jsonl").read_bytes() == before
    assert command(["eval", "run", "--report-only", "--metric", "found@50"]) == 2
    assert "holds 20 pages" in capsys.readouterr().err
    for useless in (
        ["--limit", "3"],
        ["--seed", "1"],
        ["--search-only"],
        ["--scope", "all"],
        ["--option", "part=oven"],
    ):
        assert command(["eval", "run", "--report-only", *useless]) == 2
        assert f"{useless[0]} has no meaning" in capsys.readouterr().err
    assert command(["eval", str(suite), "--report-only"]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_judged_run_keeps_its_judge(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grader = suite.parent / "grader.yaml"
    grader.write_text("extends: laptop-lexical\ngenerator: {use: grader}\n")
    judged = ["--metric", "asks", "--metric", "said", "--judge", str(grader)]
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run", "--resume", *judged]) == 0
    about = json.loads(Path("run", "run.json").read_text())  # nothing was left to ask
    assert about["metrics"] == ["asks", "said"]
    assert f"--metric asks --metric said --judge {grader}" in about["command"]
    before = Path("run", "scores.json").read_bytes()
    capsys.readouterr()
    assert command(["eval", "run", "--report-only"]) == 2  # what the judge said is not written over without a word
    assert "--judge" in capsys.readouterr().err
    assert Path("run", "scores.json").read_bytes() == before
    assert command(["eval", "run", "--report-only", "--judge", str(grader), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert list(again["estimates"]["laptop-lexical"]) == ["asks", "said"]
    assert [note for note in again["notes"] if note.startswith("judged by the generator 'grader'")]


def test_the_list_tells_where_suites_are_had(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["eval", "--list"]) == 0
    shown = capsys.readouterr().out
    assert "A bakery's documents; written by the tests" not in shown  # an index first
    assert "share-answered" in shown
    assert "ragsys eval --list NAME" in shown
    assert len(shown.splitlines()) < 120
    assert command(["eval", "--list", "tiny"]) == 0
    shown = capsys.readouterr().out
    assert "A bakery's documents; written by the tests" in shown
    assert "share-answered" not in shown
    assert command(["eval", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert next(one for one in listed["suites"] if one["name"] == "tiny")["licence"] == "CC0"


WRONG: list[tuple[int, list[str], str]] = [
    (2, [], "name a suite or a folder"),
    (2, ["tinny"], "Did you mean 'tiny'"),
    (2, ["tiny"], "--data FOLDER"),
    (2, ["tiny", "--data", "nowhere"], "no such folder"),
    (1, ["."], "holds no suite"),
    (1, ["pdfs"], "questions.jsonl is missing for the suite 'folder' (pdfs is there)"),
    (1, ["folder", "--data", "pdfs"], "holds no 'questions.jsonl'"),
    (2, ["SUITE", "--data", "."], "is a folder already"),
    (2, ["SUITE", "--config", "labtop"], "Did you mean 'laptop'"),
    (2, ["SUITE", "--config", "laptop", "--config", "laptop"], "given twice"),
    (2, ["SUITE", "--set", "search.fuse=zsmu"], "Did you mean 'zsum'"),
    (2, ["SUITE", "--metric", "fuond"], "Did you mean 'found'"),
    (2, ["SUITE", "--metric", "asks"], "--judge"),
    (2, ["SUITE", "--judge", "labtop"], "Did you mean 'laptop'"),
    (2, ["SUITE", "--judge", "laptop-lexical"], "'extractive' cannot judge"),
    (2, ["SUITE", "--limit", "0"], "limit"),
    (2, ["SUITE", "--out", "full"], "holds a run already"),
    (2, ["SUITE", "--resume"], "no run of 'tiny'"),
    (2, ["SUITE", "--option", "part"], "expected a=value"),
    (2, ["SUITE", "--option", "prat=x"], "prat"),
    (2, ["SUITE", "--scope", "some"], "scope"),
    (2, ["nosuch", "--list"], "no suite named 'nosuch'"),
    (1, ["BROKEN"], "line 3: not JSON"),
    (1, ["EMPTY"], "has no questions"),
    (1, ["TWICE"], "two questions have the id 'q00'"),
]


@pytest.mark.parametrize(("code", "words", "message"), WRONG)
def test_wrong_use_is_told(
    suite: Path, capsys: pytest.CaptureFixture[str], code: int, words: list[str], message: str
) -> None:
    Path("full").mkdir()
    Path("pdfs", "pdfs").mkdir(parents=True)
    Path("full", "run.json").write_text("{}")
    path = suite / "tiny-questions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    broken = {
        "BROKEN": [*lines[:2], "{'id': 1}\n", *lines[2:]],
        "EMPTY": [],
        "TWICE": [lines[0], lines[0]],
    }
    if words and words[0] in broken:
        path.write_text("".join(broken[words[0]]))
    known = {"SUITE": str(suite), "BROKEN": str(suite), "EMPTY": str(suite), "TWICE": str(suite)}
    assert command(["eval", *(known.get(word, word) for word in words)]) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert "unexpected" not in shown
