"""`ragsys tune` over small real documents: a real difference, too little data, wrong use, the file it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import write_folder

from ragsys.cli.app import run as command
from ragsys.config import load
from ragsys.errors import ConfigError, SuiteError, UsageError
from ragsys.evaluation import asking, provenance
from ragsys.tuning import candidates_of, tune

TOWNS = (
    "Aldburg", "Bremholt", "Corvik", "Dunmore", "Elsted", "Farnby", "Galvik", "Hestad", "Ilmar", "Jorvik", "Kelda",
    "Lomvik",
)  # fmt: skip
#: Ranks the pages that fit worst first.
UPSIDE_DOWN = "extends: laptop-lexical\nsearch: {fuse: {weights: {pages: -1, passages: -1}}}\n"
PLAIN = "extends: laptop-lexical\n"


def town(name: str) -> list[str]:
    return [
        f"The harbour of {name}\n\nThe harbour of {name} was deepened in 1911 and holds forty boats.",
        f"The school of {name}\n\nThe school of {name} was opened by its bakers and has two classrooms.",
        f"The mill of {name}\n\nThe mill of {name} grinds oats and barley since the flood took the old one.",
    ]


def write_suite(folder: Path, towns: tuple[str, ...] = TOWNS) -> Path:
    write_folder(folder / "pdfs", {f"{name}.pdf": town(name) for name in towns})
    asked = (("harbour", "How many boats does the harbour hold", 1), ("mill", "What does the mill grind", 3))
    lines = [
        {"id": f"{name}-{key}", "question": f"{text} of {name}?", "gold_pages": [{"doc": f"{name}.pdf", "page": page}]}
        for name in towns
        for key, text, page in asked
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The towns' folder; two configurations lie beside it. The current folder is a new one."""
    monkeypatch.setattr(provenance, "code", lambda installed: "equal")  # also in a checkout that is being edited
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "down.yaml").write_text(UPSIDE_DOWN)
    (tmp_path / "plain.yaml").write_text(PLAIN)
    return write_suite(tmp_path / "towns")


def two(suite: Path) -> list[str]:
    words = ["--config", str(suite.parent / "down.yaml"), "--config", str(suite.parent / "plain.yaml")]
    return [*words, "--vary", "nothing", "--metric", "page_recall@1"]


def test_what_is_better_is_chosen_and_written(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["tune", str(suite), *two(suite)]
    assert command([*words, "--write", "mine.yaml", "--out", "run"]) == 0
    shown = capsys.readouterr()
    assert "24 questions on 12 documents, 2 candidates" in shown.out
    assert "use plain: choosing like this changes page_recall@1 by +1 [1, 1]" in " ".join(shown.out.split())
    assert "mine.yaml holds it" in shown.err
    assert load("mine.yaml").hash == load("laptop-lexical").hash
    kept = json.loads(Path("run", "tune.json").read_text(encoding="utf-8"))
    assert (kept["verdict"], kept["use"], kept["written"]) == ("choose", "plain", "mine.yaml")

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be asked")

    monkeypatch.setattr(asking.Asker, "__call__", refuse)  # a second run, and one in the same folder, reuse everything
    assert command([*words, "--json", "--out", "again"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert (given["verdict"], given["more"], given["gain"]["clusters"]) == ("choose", 0, 12)
    assert [one["name"] for one in given["tried"]] == ["down", "plain"]
    assert command([*words, "--json", "--out", "run"]) == 0


def test_the_default_stays_where_nothing_is_better(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", str(suite), "-c", "laptop-lexical", "--vary", "weights", "--vary", "cut", "--write", "mine.yaml"]
    assert command([*words, "--metric", "page_recall@1", "--json"]) == 0
    shown = capsys.readouterr()
    given = json.loads(shown.out)
    assert (given["verdict"], given["use"], given["written"]) == ("keep", "laptop-lexical", None)
    names = [one["name"] for one in given["tried"]]
    assert {"laptop-lexical, pages x0.5", "laptop-lexical, passages x2", "laptop-lexical, cut gap"} <= set(names)
    assert given["tried"][0]["changes"] == []
    assert given["tried"][1]["changes"] == ["search.fuse.weights.pages=0.5"]
    assert not Path("mine.yaml").exists()


def test_few_documents_are_too_little(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write_suite(suite.parent / "few", TOWNS[:4])
    assert command(["tune", str(few), *two(suite), "--write", "mine.yaml"]) == 0
    shown = capsys.readouterr()
    assert "too little data to choose, keep the default, down" in " ".join(shown.out.split())
    assert "mine.yaml was not written" in shown.err
    assert not Path("mine.yaml").exists()


def test_a_ranking_model_that_was_never_used_is_told(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write_suite(suite.parent / "few", TOWNS[:3])
    words = ["-c", "laptop-lexical", "--set", "search.rank=trees", "--vary", "rank", "--json"]
    assert command(["tune", str(few), *words]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    (told,) = (note for note in notes if "the ranking model was not used" in note)
    assert told.startswith("laptop-lexical: in 6 of 6 questions: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--metric", "page_recal@5"], "did you mean"),
        (["--metric", "aurc"], "of all questions together"),
        (["--metric", "answer_accuracy"], "says nothing of these"),
        (["--metric", "supported_share"], "needs answers"),
        (["-c", "laptop-lexcal"], "did you mean"),
        (["-c", "laptop-lexical", "--vary", "nothing"], "nothing to choose from"),
        (["-c", "laptop", "--vary", "weights"], "without the ranking model: --set search.rank=null"),
        (["-c", "laptop-lexical", "--write", "mine"], "ends in .yaml"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(
    suite: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert command(["tune", str(suite), *words]) == 2
    assert told in " ".join(capsys.readouterr().err.split()).replace("Did", "did")
    assert not Path("eval-runs").exists()
    assert not (suite.parent / "home" / "libraries").exists()


def test_questions_without_gold_or_on_one_document_are_refused(suite: Path) -> None:
    bare = suite.parent / "bare"
    with pytest.raises(UsageError, match="no such folder"):
        tune(bare, out=Path("run"))
    write_folder(bare / "pdfs", {"a.pdf": ["One page."]})
    with pytest.raises(SuiteError, match=r"questions\.jsonl"):
        tune(bare, out=Path("run"))
    (bare / "questions.jsonl").write_text('{"id": "1", "question": "What?"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="lack the gold"):
        tune(bare, out=Path("run"))
    with pytest.raises(UsageError, match="are on one document"):
        tune(write_suite(suite.parent / "one", TOWNS[:1]), out=Path("run"))
    other = suite.parent / "other.yaml"
    other.write_text("extends: laptop\nstore: {use: server, url: 'http://localhost:1'}\n")
    with pytest.raises(UsageError, match="different stores"):
        candidates_of(["laptop", other])
    assert not Path("run").exists()


def test_every_candidate_reads_the_library_of_the_default(suite: Path) -> None:
    candidates, _ = candidates_of(vary=())
    assert candidates[0].name == "laptop"
    assert {"laptop", "laptop-lexical"} <= {one.name for one in candidates}
    lists = [one.config.search.lists for one in candidates]
    assert all(set(own) <= set(lists[0]) for own in lists)
    hashes = [one.config.hash for one in candidates_of()[0]]
    assert len(set(hashes)) == len(hashes) > 5


def test_a_preset_that_reads_another_library_is_tried_only_if_it_is_named(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = suite.parent / "other.yaml"
    other.write_text("extends: laptop\nsplitter: {use: layout, words: 90}\n")
    monkeypatch.setenv("RAGSYS_CONFIG", str(other))
    candidates, notes = candidates_of(vary=["candidates"])
    assert [one.name for one in candidates] == ["other", "other, 25 candidates", "other, 100 candidates"]
    assert any(note.startswith("laptop was left out: it reads another library than other;") for note in notes)
    named, none = candidates_of(["laptop", other], vary=())
    assert [one.name for one in named] == ["laptop", "other"]
    assert none == []


def test_a_change_that_cannot_be_is_told(suite: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        candidates_of(overrides=["search.candidate=3"])
