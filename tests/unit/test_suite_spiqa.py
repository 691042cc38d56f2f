"""The schemas of SPIQA's three test sets, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from ragsys_suites.suites.spiqa import Spiqa, SpiqaOptions
from suite_files import each_field_is_checked, fails, make, picture, put

from ragsys.testing.roles import check_suite

ONE, TWO = "1611.04684v1-Figure1-1.png", "1611.04684v1-Table2-1.png"
PAPERS: dict[str, dict[str, Any]] = {
    "A": {
        "paper_id": "1611.04684v1",
        "all_figures": {
            ONE: {"caption": "Figure 1: flour & bread", "content_type": "figure", "figure_type": "plot"},
            TWO: {"caption": "Table 2: ovens", "content_type": "table", "figure_type": "table"},
        },
        "qa": [{"question": " Which oven? ", "answer": "The left one.", "explanation": "x", "reference": TWO}],
    },
    "B": {
        "all_figures_tables": {f"1611/{ONE}": "Figure 1: flour & bread", f"1611/{TWO}": "Table 2: ovens"},
        "question": [" Which oven? "],
        "composition": ["The left one."],
        "referred_figures_tables": [[f"1611/{TWO}", f"1611/{ONE}", f"1611/{TWO}"]],
        "question_key": ["1"],
    },
    "C": {
        "arxiv_id": "1611.04684",
        "figures_and_tables": [
            {"file": ONE, "caption": "Figure 1: flour & bread"},
            {"file": TWO, "caption": "Table 2: ovens"},
        ],
        "question": [" Which oven? ", "Is it warm?"],
        "answer": [{"free_form_answer": "The left one.", "yes_no": None}, {"free_form_answer": "", "yes_no": False}],
        "referred_figures_tables": [[TWO], [ONE]],
        "question_key": ["1", "2"],
    },
}
IMAGES = {"A": "1611.04684v1", "B": "1611", "C": "1611.04684"}


def _suite(folder: Path, part: str = "A", paper: Any = None, **options: Any) -> Spiqa:
    test = folder / f"test-{part}"
    put(test / f"SPIQA_test{part}.json", json.dumps({"1611.04684v1": PAPERS[part] if paper is None else paper}))
    for name, width in ((ONE, 40), (TWO, 900)):
        put(test / f"SPIQA_test{part}_Images" / IMAGES[part] / name, picture(width, 20))
    suite: Spiqa = make(Spiqa, SpiqaOptions, folder, part=part, **options)
    return suite


@pytest.mark.parametrize(("part", "pages"), [("A", [2]), ("B", [2, 1]), ("C", [2])])
def test_questions(tmp_path: Path, part: str, pages: list[int]) -> None:
    question, *more = check_suite(_suite(tmp_path / "data", part))
    assert question["id"] == f"test-{part}/1611.04684v1/0"
    assert question["question"] == "Which oven?"
    assert question["answer"] == "The left one."
    assert question["gold_pages"] == [{"doc": "1611.04684v1.pdf", "page": page} for page in pages]
    assert question["scope"] == ["1611.04684v1.pdf"]
    assert [one["answer"] for one in more] == (["No"] if part == "C" else [])


def test_a_paper_is_a_pdf_of_its_figures(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (path,) = suite.documents()
    with pymupdf.open(path) as document:
        assert [page.get_text().strip() for page in document] == ["Figure 1: flour & bread", "Table 2: ovens"]
        assert document[1].rect.width == 450  # 900 pixels
    made = path.read_bytes()
    path.unlink()
    assert [other.read_bytes() for other in suite.documents()] == [made]  # the same pages, the same bytes
    (plain,) = _suite(tmp_path / "data", captions=False).documents()
    with pymupdf.open(plain) as document:
        assert [page.get_text().strip() for page in document] == ["", ""]


def test_images_in_one_more_folder(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    images = tmp_path / "data" / "test-A" / "SPIQA_testA_Images"
    images.rename(tmp_path / "away")
    images.mkdir()
    (tmp_path / "away").rename(images / "SPIQA_testA_Images")
    assert len(check_suite(suite)) == 1


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("A", ["paper_id", "all_figures", "qa"]),
        ("B", ["all_figures_tables", "question", "composition", "referred_figures_tables"]),
        ("C", ["arxiv_id", "figures_and_tables", "question", "answer", "referred_figures_tables"]),
    ],
)
def test_each_field_of_a_paper(tmp_path: Path, part: str, fields: list[str]) -> None:
    def paper(record: Any) -> Spiqa:
        return _suite(tmp_path / "data", part, record)

    each_field_is_checked(PAPERS[part], fields, paper, f"SPIQA_test{part}.json, field '1611.04684v1.")


@pytest.mark.parametrize(
    ("part", "wrong", "words"),
    [
        ("A", {"qa": [{"question": "x", "answer": "y", "reference": "z.png"}]}, "qa[0].reference': found 'z.png'"),
        ("A", {"qa": [{"question": "x", "answer": "y"}]}, "qa[0].reference': missing"),
        ("B", {"composition": []}, "composition': found '0 of them', expected 1, one for each question"),
        ("B", {"referred_figures_tables": ["x"]}, "referred_figures_tables[0]': found 'x', expected a list of files"),
        ("B", {"referred_figures_tables": [["x"]]}, "found 'x', expected a figure of the paper"),
        ("C", {"answer": [{"free_form_answer": "", "yes_no": None}] * 2}, "answer[0].yes_no': found None"),
        (
            "C",
            {
                "figures_and_tables": [{"file": "../x", "caption": "x"}],
                "referred_figures_tables": [["../x"]] * 2,
            },
            "expected one below",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, part: str, wrong: dict[str, Any], words: str) -> None:
    fails(_suite(tmp_path / "data", part, {**PAPERS[part], **wrong}), f"SPIQA_test{part}.json, field '1611", words)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(Spiqa, SpiqaOptions, tmp_path / "data")
    fails(suite, "holds no 'test-A/SPIQA_testA.json'", "google/spiqa", "ragsys eval spiqa --list")
    suite = _suite(tmp_path / "data")
    (tmp_path / "data" / "test-A" / "SPIQA_testA_Images" / "1611.04684v1" / ONE).unlink()
    fails(suite, "no figure", ONE, "SPIQA_testA_Images.zip")
