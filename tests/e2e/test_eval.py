"""`ragsys eval` over a tiny suite: the files of a run, scoring it again, the list of suites, wrong use."""

from __future__ import annotations

import json
from pathlib import Path

import evaluating
import pytest
from evaluating import rows

import ragsys.evaluation
from ragsys.cli.app import run as command
from ragsys.errors import UsageError


def test_a_run_leaves_its_files(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = suite.parent / "run"
    assert command(["eval", str(suite), *evaluating.configs(suite), "--out", str(out)]) == 0
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
    assert 0 < first["usage"]["confidence"] <= 1
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
