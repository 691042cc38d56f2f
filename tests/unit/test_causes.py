"""`eval/causes.py` and `eval/attempts.py`: why questions were missed, by rules, and what was tried against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import write_folder
from scripts import loaded

from ragsys.cli.app import run as command
from ragsys.errors import UsageError

PAGE = (
    "before | a pipe\n<!-- causes: begin -->\n<!-- causes: end -->\nbetween\n"
    "<!-- attempts: begin -->\n<!-- attempts: end -->\nafter\n"
)


causes, attempts, readme = loaded("causes"), loaded("attempts"), loaded("readme")


def missed(**changes: object) -> object:
    known = {"id": "q1", "source": "", "pages": (3,), "words": 200, "shared": 0.8, "found": 4, "kinds": frozenset()}
    return causes.Missed(**{**known, **changes})


def test_each_cause_by_its_rule_the_first_that_holds() -> None:
    assert missed().causes() == ["right document, wrong page"]
    assert missed(shared=0.49).causes() == ["vocabulary gap"]
    assert missed(found=0, shared=0.1).causes() == ["wrong document", "vocabulary gap"]
    assert missed(kinds=frozenset({"chart", "figure"}), found=0).causes() == ["needs a picture", "wrong document"]
    assert missed(kinds=frozenset({"chart", "text"})).causes() == ["right document, wrong page"]
    assert missed(words=59).causes() == ["needs a picture"]
    assert missed(words=4).causes() == ["no text on the page", "needs a picture"]


def test_the_section_counts_each_question_once_and_shows_three() -> None:
    every = [missed(id=f"q|{n}", found=0, source="a") for n in range(7)] + [missed(id="z", words=2, shared=0.0)]
    text = causes.section(every, 40, "made so")
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in text.splitlines() if line.startswith("|")}
    assert rows["wrong document"][2:4] == ["7", "7"]
    assert rows["no text on the page"][2:4] == ["1", "1"]
    assert rows["needs a picture"][2:4] == ["0", "1"]
    assert [f"q\\|{n} (" in text for n in (0, 3, 6, 1)] == [True, True, True, False]
    assert "Of 40 questions with gold pages, 8 have none" in text
    assert text.endswith("By source: no source 1, a 7.")


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    once = readme.replaced(PAGE, "causes", "text")
    assert once == PAGE.replace("begin -->\n<!-- causes", "begin -->\ntext\n<!-- causes")
    assert readme.replaced(once, "causes", "text") == once
    assert readme.cut(once, "causes").section == "text"
    with pytest.raises(UsageError, match="not both there"):
        readme.replaced("nothing", "causes", "text")


def test_a_page_that_cannot_be_written_is_told_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(page: str) -> str:
        raise UsageError("no such thing")

    page = tmp_path / "README.md"
    assert readme.written(page, str, "in") == 1
    page.write_text(PAGE, encoding="utf-8")
    assert readme.written(page, refuse, "in") == 2
    assert "no such thing" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == PAGE


def test_shares_are_weighted_by_rarity() -> None:
    assert causes.share({"a": 3.0, "b": 1.0}, ["a", "x"]) == 0.75
    assert causes.share({}, ["a"]) == 1.0
    assert causes.rare(0, 10) > causes.rare(5, 10) > causes.rare(10, 10) > 0


def test_documents_and_neighbours_by_hand() -> None:
    first = {("a", 1): 2.0, ("a", 2): 1.0, ("b", 5): 0.0, ("a", 4): -1.0}
    found = attempts.documents(first)
    assert found[("a", 1)] == found[("a", 4)] == pytest.approx((2 + 1 - 1) / 3)
    assert found[("b", 5)] == pytest.approx((0 - 1 - 1) / 3)
    assert attempts.neighbours(first) == {("a", 1): 1.0, ("a", 2): 2.0, ("b", 5): -1.0, ("a", 4): -1.0}


def test_a_run_and_its_library_become_both_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    suite, page, out = tmp_path / "suite", tmp_path / "README.md", tmp_path / "run"
    town = [f"The harbour holds forty boats. Number {n}." for n in range(25)]
    write_folder(suite / "pdfs", {"a.pdf": [*town, "Nothing of all that."], "b.pdf": ["The mill grinds oats."]})
    asked = [
        ("q1", "How many boats does the harbour hold?", "a.pdf", 26),
        ("q2", "What does the mill grind?", "b.pdf", 1),
    ]
    lines = [{"id": i, "question": q, "gold_pages": [{"doc": doc, "page": page}]} for i, q, doc, page in asked]
    (suite / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    library = ["--library", str(tmp_path / "library")]
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", str(out), "-q", *library]
    assert command(words) == 0
    page.write_text(PAGE, encoding="utf-8")
    assert causes.main([str(out), "--readme", str(page)]) == 0
    once = page.read_text(encoding="utf-8")
    assert "Of 2 questions with gold pages, 1 has none of them among the first 20" in once
    assert "| 1 | 1 | q1 (p. 26: 4 words, " in once  # no text
    assert "% of the terms, 20 of 20 from its document)" in once
    assert "boats" not in once
    assert causes.main([str(out), "--readme", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == once
    assert causes.main([str(out), "--readme", str(page), "--config", "other"]) == 2
    words = ["--data", str(suite), *library, "--config", "laptop-lexical", "--readme", str(page)]
    assert attempts.main(words) == 0
    both = page.read_text(encoding="utf-8")
    assert "| none | | the search as it is | .500 | .500 | | 1 |" in both
    assert all(f"| {name} |" in both for name in attempts.ATTEMPTS)
    assert both.startswith(once[: once.index("between")])
