"""ViDoSeek's schema, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragsys_suites.suites.vidoseek import ViDoSeek, ViDoSeekOptions
from suite_files import each_field_is_checked, fails, make, put

from ragsys.testing.roles import check_suite

ABOUT = {"file_name": "mill.pdf", "reference_page": [10, 11], "source_type": "Text", "query_type": "Multi-Hop"}
EXAMPLE = {"uid": "04d8_2", "query": "How warm is the oven?", "reference_answer": "205 degrees", "meta_info": ABOUT}


def _suite(folder: Path, *examples: Any, part: str = "vidoseek") -> ViDoSeek:
    file = "vidoseek.json" if part == "vidoseek" else "slidevqa_refined.json"
    put(folder / file, json.dumps({"examples": list(examples) or [EXAMPLE]}))
    put(folder / "pdf" / "mill.pdf")
    put(folder / "pdf" / "more.pdf")
    suite: ViDoSeek = make(ViDoSeek, ViDoSeekOptions, folder, part=part)
    return suite


def test_questions(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (question,) = check_suite(suite)
    assert question == {
        "id": "04d8_2",
        "question": "How warm is the oven?",
        "answer": "205 degrees",
        "answers": ["205 degrees"],
        "answer_type": "text",
        "doc_ids": ["mill.pdf"],
        "gold_pages": [{"doc": "mill.pdf", "page": 10}, {"doc": "mill.pdf", "page": 11}],  # from 1 in the file
        "evidence_modality": ["text"],
        "source": "Multi-Hop",
    }
    assert [path.name for path in suite.documents()] == ["mill.pdf", "more.pdf"]  # those without questions too


def test_an_archive_with_a_folder_in_it(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (tmp_path / "data" / "pdf").rename(tmp_path / "away")
    (tmp_path / "data" / "pdf").mkdir()
    (tmp_path / "away").rename(tmp_path / "data" / "pdf" / "vidoseek_pdf_document")
    (question,) = check_suite(suite)
    assert question["doc_ids"] == ["vidoseek_pdf_document/mill.pdf"]


def test_the_part_of_slides(tmp_path: Path) -> None:
    assert len(check_suite(_suite(tmp_path / "data", part="slidevqa"))) == 1


def test_wrong_fields(tmp_path: Path) -> None:
    def about(record: Any) -> ViDoSeek:
        return _suite(tmp_path / "data", {**EXAMPLE, "meta_info": record})

    each_field_is_checked(
        EXAMPLE, ["uid", "query", "reference_answer"], lambda one: _suite(tmp_path / "data", one), "vidoseek.json"
    )
    each_field_is_checked(ABOUT, list(ABOUT), about, "vidoseek.json")
    fails(about({**ABOUT, "reference_page": [0]}), "field 'examples[0].meta_info.reference_page[0]': found 0")
    fails(about({**ABOUT, "file_name": "x.pdf"}), "'examples[0].meta_info.file_name': found 'x.pdf'", "a file below")
    fails(about("mill.pdf"), "vidoseek.json, field 'examples[0].meta_info': found 'mill.pdf', expected an object")
    put(tmp_path / "data" / "vidoseek.json", "[]")
    fails(make(ViDoSeek, ViDoSeekOptions, tmp_path / "data"), "vidoseek.json: found [], expected an object")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(ViDoSeek, ViDoSeekOptions, tmp_path / "data")
    fails(suite, "holds no 'pdf'", "Qiuchen-Wang/ViDoSeek", "FOLDER/vidoseek.json")
    put(tmp_path / "data" / "pdf" / "mill.pdf")
    fails(suite, "holds no 'vidoseek.json'")
