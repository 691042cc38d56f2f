"""What `ragsys eval` asks of a library: documents, pages, boxes, images, and what it says of what is not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from evaluating import Tiny, rows
from folders import write_folder
from PIL import Image

from ragsys import backfill
from ragsys.cli.app import run as command
from ragsys.host import LibraryHost


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
    write_folder(pdfs, {"other.pdf": ["The cleaning cycle, the green button, the thermostat, the oven."]})
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
    monkeypatch.setattr(backfill, "later", lambda *_: ["dense: the model is not there"])
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

    def look(self: LibraryHost, action: Any, task: Any, until: float) -> Any:
        seen.extend(image.size for image in task.images)
        return search(self, action, task, until)

    monkeypatch.setattr(LibraryHost, "search", look)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run"]) == 0
    assert seen == [(6, 4)]
    errors = [row["error"] or "" for row in rows(Path("run"))]
    assert errors[0] == ""
    assert "is not below" in errors[1]
    assert "cannot be read" in errors[2]
    assert "cannot be read" in errors[3]


def test_a_run_fails_before_it_asks_about_documents_that_cannot_be_read(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (suite / "pdfs" / "manual.pdf").read_bytes()
    (suite / "pdfs" / "manual.pdf").write_bytes(b"no PDF at all")
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]
    with monkeypatch.context() as patched:
        patched.setattr("ragsys.evaluation.harness.Asker", lambda *_: pytest.fail("a question was asked"))
        assert command(words) == 1
    shown = capsys.readouterr().err
    assert "1 document that questions ask about cannot be used" in shown
    assert "manual.pdf: broken: " in shown
    assert "(2 questions: q07, q08)" in shown
    assert f"ragsys index {suite / 'pdfs'} --retry" in shown
    assert "--allow-incomplete" in shown
    (suite / "pdfs" / "manual.pdf").write_bytes(whole)
    assert command([*words, "--resume"]) == 0
    assert all(row["error"] is None for row in rows(Path("run")))


def test_a_run_fails_where_the_page_that_is_asked_about_was_not_read(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other pages of its document can be searched: the scores would be 0 with exit code 0."""
    scan = pymupdf.open(suite / "pdfs" / "manual.pdf")
    picture = scan[0].get_pixmap(dpi=60)
    scan[0].add_redact_annot(scan[0].rect)
    scan[0].apply_redactions()
    scan[0].insert_image(scan[0].rect, pixmap=picture)
    scan.save(suite / "pdfs" / "scan.pdf")
    path = suite / "tiny-questions.jsonl"
    question = json.loads(path.read_text().splitlines()[7])
    question["gold_pages"] = [{"doc": "scan.pdf", "page": 1}]
    path.write_text(json.dumps(question) + "\n")
    monkeypatch.setenv("PATH", "")  # no OCR is found
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out"]
    assert command([*words, "run"]) == 1
    shown = capsys.readouterr().err
    assert "1 page that questions ask about cannot be used" in shown
    assert "scan.pdf, page 1: waits for OCR (1 question: q07)" in shown
    assert "tesseract" in shown
    assert command([*words, "part", "--allow-incomplete"]) == 0
    assert "1 gold page of 1 question was not read" in capsys.readouterr().out
    assert command([*words, "never", "--set", "index.ocr=never"]) == 0  # left out by choice
    question["gold_pages"] = [{"doc": "scan.pdf", "page": 2}]
    path.write_text(json.dumps(question) + "\n")
    assert command([*words, "other"]) == 0


def test_documents_that_were_removed_or_are_missing_are_told_too(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out"]
    assert command(["index", str(suite / "pdfs"), "-c", "laptop-lexical"]) == 0
    assert command(["docs", str(suite / "pdfs"), "remove", "manual.pdf", "-c", "laptop-lexical"]) == 0
    assert command([*words, "removed"]) == 1
    assert "manual.pdf: removed from the library (2 questions" in capsys.readouterr().err


def test_a_file_that_is_missing_fails_only_where_it_is_asked_about(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["2022/annual.pdf", "manual.pdf", "more.pdf"]
    monkeypatch.setattr(Tiny, "documents", lambda self: [self.root / name for name in names])
    path = suite / "tiny-questions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "2023/" not in line))
    words = ["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out"]
    assert command([*words, "unasked"]) == 0
    assert "note: 1 document of the suite is missing: more.pdf" in capsys.readouterr().out
    (suite / "pdfs" / "manual.pdf").unlink()
    assert command([*words, "asked"]) == 1
    shown = capsys.readouterr().err
    assert "suite 'tiny': 1 document that questions ask about is missing" in shown
    assert str(suite / "pdfs" / "manual.pdf") in shown
    assert not Path("asked").exists()
    assert command([*words, "allowed", "--allow-incomplete"]) == 0
    assert "2 documents of the suite are missing: manual.pdf, more.pdf" in capsys.readouterr().out


def test_documents_that_nobody_asks_about_are_only_noted(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "pdfs" / "more.pdf").write_bytes(b"no PDF at all")
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--out", "run"]) == 0
    told = "note: 1 of 4 documents could not be read: more.pdf; no question asks about it"
    assert told in capsys.readouterr().out


def test_gold_that_cannot_be_found_is_told(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = suite / "tiny-questions.jsonl"
    questions = [json.loads(line) for line in path.read_text().splitlines()]
    questions[0]["gold_pages"] = [{"doc": "2022/annual.pdf", "page": 99}]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    (suite / "pdfs" / "manual.pdf").write_bytes(b"no PDF at all")
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--out", "run", "--allow-incomplete"]) == 0
    shown = capsys.readouterr().out
    assert "note: 1 of 3 documents could not be read: manual.pdf" in shown
    assert "gold pages that do not exist, which no search can find: q00 (page 99 of 2022/annual.pdf, which has" in shown
    assert "questions whose gold documents could not be read: q07, q08" in shown
    assert "10 questions on 4 documents: too few to rely on" in shown
    assert "| its gold documents could not be read | 2 |" in Path("run", "report.md").read_text()
    assert command(["eval", "run", "--report-only", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unreadable"] == ["manual.pdf"]


def test_what_a_suite_left_out_of_its_files_is_in_the_report(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "tiny-questions.jsonl: 1 of 400 records is left out: line 3: found 0"
    monkeypatch.setattr(Tiny, "notes", [note], raising=False)
    assert command(["eval", str(suite), "-c", "laptop-lexical", "--search-only", "--limit", "2", "--out", "run"]) == 0
    assert f"note: {note}" in capsys.readouterr().out
    monkeypatch.delattr(Tiny, "notes")
    assert command(["eval", "run", "--report-only"]) == 0
    assert note in Path("run", "report.md").read_text()
