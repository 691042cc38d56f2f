"""A folder of one's own: what is read, what is refused and how that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.folder import Folder, FolderOptions
from suite_files import each_field_is_checked, fails, make, picture, put, put_lines

from ragsys.errors import SuiteError
from ragsys.evaluation.suites import open_suite
from ragsys.testing.roles import check_suite

LEAST = {"id": 1, "question": "How high is the mill?"}
FULL = {
    "id": "q-2",
    "question": "Which floors have a stove?",
    "answer": ["first", "second"],
    "doc_ids": ["mill.pdf"],
    "gold_pages": [{"doc": "mill.pdf", "page": 3}, {"doc": "plans/roof.pdf", "page": 1, "grade": 0.5}],
    "boxes": [{"doc": "mill.pdf", "page": 3, "bbox": [60, 80, 300, 900], "page_size": [600, 800]}],
    "gold_boxes": [{"doc": "plans/roof.pdf", "page": 1, "bbox": [0, 0.5, 1, 1], "kind": "table"}],
    "gold_passages": [{"doc": "mill.pdf", "text": "a stove"}],
    "evidence": [{"doc": "mill.pdf", "page": 3, "text": "The first and the second floor have a stove."}],
    "nuggets": [{"text": "the first floor has a stove"}, {"text": "so has the second", "vital": False}],
    "gold_images": ["stove.png"],
    "images": ["asked/photo.png"],
    "scope": ["mill.pdf", "plans/roof.pdf"],
    "evidence_modality": ["text", "figure"],
    "source": "plans",
    "cluster": "mill",
    "meta": {"by": "hand"},
}


def _suite(folder: Path, *records: Any, documents: list[Any] | None = None, **options: Any) -> Folder:
    put_lines(folder / "questions.jsonl", records or [LEAST, FULL])
    put(folder / "pdfs" / "mill.pdf")
    put(folder / "pdfs" / "plans" / "roof.pdf")
    put(folder / "pdfs" / "asked" / "photo.png", picture())
    put(folder / "pdfs" / ".DS_Store")
    if documents is not None:
        put_lines(folder / "documents.jsonl", documents)
    return make(Folder, FolderOptions, folder, **options)


def test_the_least_and_the_most(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "bench")
    assert suite.name == "bench"
    least, full = check_suite(suite)
    assert least == {"id": "1", "question": "How high is the mill?"}
    assert full == {
        "id": "q-2",
        "question": "Which floors have a stove?",
        "answer": '["first", "second"]',
        "answers": ['["first", "second"]'],
        "answer_type": "list",
        "doc_ids": ["mill.pdf", "plans/roof.pdf"],
        "gold_pages": [{"doc": "mill.pdf", "page": 3}, {"doc": "plans/roof.pdf", "page": 1, "grade": 0.5}],
        "gold_boxes": [
            {"doc": "plans/roof.pdf", "page": 1, "bbox": [0.0, 0.5, 1.0, 1.0], "kind": "table"},
            {"doc": "mill.pdf", "page": 3, "bbox": [0.1, 0.1, 0.5, 1.0]},  # what lies below the page is cut off
        ],
        "gold_passages": [{"doc": "mill.pdf", "text": "a stove"}],
        "nuggets": [
            {"text": "the first floor has a stove", "vital": True},
            {"text": "so has the second", "vital": False},
        ],
        "gold_images": ["stove.png"],
        "images": ["asked/photo.png"],
        "scope": ["mill.pdf", "plans/roof.pdf"],
        "evidence_modality": ["text", "figure"],
        "source": "plans",
        "cluster": "mill",
        "meta": {"by": "hand"},
    }
    # every file but hidden ones and the images of questions
    assert [path.relative_to(suite.root).as_posix() for path in suite.documents()] == ["mill.pdf", "plans/roof.pdf"]
    assert {"page_recall@5", "document_recall@5", "ranked_box_hits@5"} <= set(suite.metrics)


def test_gold_of_documents_alone_gives_no_pages(tmp_path: Path) -> None:
    record = {**LEAST, "doc_ids": ["mill.pdf"], "gold_pages": [], "meta": {"gold_level": "document"}}
    suite = _suite(tmp_path / "bench", record)
    (question,) = check_suite(suite)
    assert question["doc_ids"] == ["mill.pdf"]
    assert "gold_pages" not in question
    assert "ranked_box_hits@5" not in suite.metrics


def test_evidence_becomes_passages_when_asked_for(tmp_path: Path) -> None:
    record = {**LEAST, "evidence": [{"doc": "mill.pdf", "page": 1, "text": "a quote"}]}
    assert "gold_passages" not in check_suite(_suite(tmp_path / "bench", record))[0]
    (question,) = check_suite(_suite(tmp_path / "bench", record, passages=True))
    assert question["gold_passages"] == [{"doc": "mill.pdf", "text": "a quote"}]


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"answer": 12}, ["12"]),
        ({"answer": True}, ["Yes"]),
        ({"answers": ["a", 2]}, ["a", "2"]),
        ({"answer": "b", "answers": ["a", "b"]}, ["b", "a"]),
    ],
)
def test_answers(tmp_path: Path, given: dict[str, Any], answers: list[str]) -> None:
    (question,) = check_suite(_suite(tmp_path / "bench", {**LEAST, **given}))
    assert question["answers"] == answers
    assert question["answer"] == answers[0]
    assert "answer_type" not in question  # not given, not guessed


def test_a_list_of_documents(tmp_path: Path) -> None:
    listed = [{"doc": "mill.pdf", "file": "pdfs/mill.pdf", "pages": 2, "licence": "ours"}]
    suite = _suite(tmp_path / "bench", {**LEAST, "gold_pages": [{"doc": "mill.pdf", "page": 2}]}, documents=listed)
    check_suite(suite)
    assert [path.name for path in suite.documents()] == ["mill.pdf"]
    before = suite.revision
    beyond = _suite(tmp_path / "bench", {**LEAST, "gold_pages": [{"doc": "mill.pdf", "page": 3}]})
    fails(beyond, "questions.jsonl, line 1, field 'gold_pages[0].page': found 3, expected a whole number in 1..2")
    assert beyond.revision != before
    unlisted = {**LEAST, "gold_pages": [{"doc": "mill.pdf", "page": 1}, {"doc": "plans/roof.pdf", "page": 1}]}
    fails(_suite(tmp_path / "bench", unlisted), "field 'gold_pages[1].doc': no document 'plans/roof.pdf'")
    fails(_suite(tmp_path / "bench", documents=[{"doc": "../mill.pdf"}]), "'../mill.pdf'", "expected one below")
    fails(
        _suite(tmp_path / "bench", documents=[{"doc": "a.pdf", "file": "b/a.pdf"}]), "documents.jsonl, line 1", "'file'"
    )
    fails(_suite(tmp_path / "bench", documents=listed * 2), "documents.jsonl, line 2, field 'doc'", "once")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gold_page": []}, ("line 1, field 'gold_page': no such key. Did you mean 'gold_pages'?", '"meta"')),
        ({"gold_pages": [{"doc": "mil.pdf", "page": 1}]}, ("no document 'mil.pdf'. Did you mean 'mill.pdf'?",)),
        ({"gold_pages": [{"doc": "mill.pdf", "page": 0}]}, ("'gold_pages[0].page': found 0", "at least 1")),
        ({"gold_pages": {"doc": "mill.pdf"}}, ("'gold_pages'", "expected a list")),
        ({"gold_boxes": [{"doc": "mill.pdf", "page": 1, "bbox": [0, 0, 50, 60]}]}, ("'gold_boxes[0].bbox'", "0..1")),
        ({"gold_boxes": [{"doc": "mill.pdf", "page": 1, "bbox": [0, 0, 1]}]}, ("expected 4 numbers",)),
        ({"gold_boxes": [{"doc": "mill.pdf", "page": 1, "bbox": [0.5, 0, 0.4, 1]}]}, ("x0 <= x1",)),
        ({"boxes": [{"doc": "mill.pdf", "page": 1, "bbox": [0, 0, 5, 6]}]}, ("'boxes[0].page_size': missing",)),
        ({"boxes": [{"doc": "mill.pdf", "page": 1, "bbox": [0, 0, 5, 6], "page_size": [0, 9]}]}, ("above 0",)),
        ({"answer": {"a": 1}}, ("'answer'", "expected a text, a number")),
        ({"answers": []}, ("'answers'", "found []")),
        ({"answer_type": "number"}, ("'answer_type': found 'number'", "text | int | float")),
        ({"images": ["asked/nothing.png"]}, ("'images'", "nothing.png")),
        ({"images": ["/etc/passwd"]}, ("'/etc/passwd'", "expected one below")),
        ({"nuggets": [{"text": "x", "vital": "yes"}]}, ("'nuggets[0].vital'", "true or false")),
        ({"evidence": [{"doc": "mill.pdf"}]}, ("'evidence[0].text': missing",)),
        ({"question": "  "}, ("'question'", "not blank")),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, wrong: dict[str, Any], words: tuple[str, ...]) -> None:
    fails(_suite(tmp_path / "bench", {**LEAST, **wrong}), "questions.jsonl, line 1", *words)


def test_each_field_of_a_question(tmp_path: Path) -> None:
    each_field_is_checked(LEAST, ["id", "question"], lambda one: _suite(tmp_path / "bench", one), "questions.jsonl")


def test_ids_are_unique(tmp_path: Path) -> None:
    fails(_suite(tmp_path / "bench", LEAST, LEAST), "line 2, field 'id'", "line 1 has it")


def test_a_file_without_questions_is_named(tmp_path: Path) -> None:
    suite = _suite(tmp_path, {"id": "q1", "question": "?"})
    (tmp_path / "questions.jsonl").write_text("\n")
    with pytest.raises(SuiteError, match=r"questions\.jsonl has no questions") as caught:
        list(suite.questions())
    assert '{"id": "q1", "question"' in str(caught.value)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    fails(make(Folder, FolderOptions, tmp_path / "bench"), "holds no 'questions.jsonl'", "one JSON object a line")
    put_lines(tmp_path / "bench" / "questions.jsonl", [LEAST])
    fails(make(Folder, FolderOptions, tmp_path / "bench"), "pdfs", "holds no")


def test_the_command_line_knows_such_a_folder(tmp_path: Path) -> None:
    _suite(tmp_path / "bench")
    suite = open_suite(tmp_path / "bench")
    assert isinstance(suite, Folder)
    assert len(list(suite.questions())) == 2
