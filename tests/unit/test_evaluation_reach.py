"""Gold that no search can find is told, with the questions that have it."""

from __future__ import annotations

from ragsys.evaluation.reach import lost, notes
from ragsys.evaluation.records import Question

PAGES = {"annual.pdf": 7, "manual.pdf": 2}


def asked(name: str, *places: tuple[str, int]) -> Question:
    return {"id": name, "question": "?", "gold_pages": [{"doc": doc, "page": page} for doc, page in places]}


def test_gold_pages_that_do_not_exist_are_told() -> None:
    questions = [
        asked("right", ("annual.pdf", 7)),
        asked("wrong", ("annual.pdf", 2), ("annual.pdf", 99)),
        {"id": "box", "question": "?", "gold_boxes": [{"doc": "manual.pdf", "page": 3, "bbox": [0, 0, 1, 1]}]},
    ]
    (note,) = notes(questions, PAGES)  # type: ignore[arg-type]
    assert "wrong (page 99 of annual.pdf, which has 7), box (page 3 of manual.pdf, which has 2)" in note
    assert "count them as missed" in note
    assert "right" not in note


def test_of_many_a_few_are_named() -> None:
    (note,) = notes([asked(f"q{n}", ("manual.pdf", 3)) for n in range(9)], PAGES)
    assert "q4 (" in note
    assert "q5" not in note
    assert "and 4 more" in note


def test_documents_that_could_not_be_read_are_told_with_their_questions() -> None:
    questions = [asked("one", ("locked.pdf", 99)), asked("both", ("locked.pdf", 1), ("annual.pdf", 1)), asked("none")]
    assert [lost(question, PAGES) for question in questions] == [True, False, False]
    assert notes(questions, PAGES) == [
        "questions whose gold documents could not be read: one; they count like all others, as missed"
    ]
    assert notes(questions[1:], PAGES) == []
