"""MMDocIR's schema, on files of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from ragsys_suites.suites.mmdocir import MmDocIr, MmDocIrOptions
from suite_files import each_field_is_checked, fails, make, picture, put, put_lines, put_parquet

from ragsys.testing.roles import check_suite

QUESTION = {
    "Q": "How many bags of flour?",
    "A": "842",
    "page_id": [1],
    "type": "['Table', 'Pure-text (Plain-text)']",
    "layout_mapping": [{"page": 1, "page_size": [600.0, 800.0], "bbox": [60, 80, 300, 400.5]}],
}
LINE = {
    "doc_name": "mill.pdf",
    "domain": "Brochure",
    "page_indices": [0, 2],
    "layout_indices": [0, 9],
    "questions": [
        QUESTION,
        {**QUESTION, "Q": "Which mills?", "A": "['Upper', 'Lower']", "page_id": [0, 2], "type": "multimodal-t"},
    ],
}
OTHER = {"doc_name": "bakery", "domain": "Laws", "page_indices": [3, 3], "questions": []}


def _pages(*names: str, content: bytes | None = None) -> list[dict[str, Any]]:
    return [
        {
            "doc_name": name,
            "domain": "x",
            "passage_id": str(number),
            "image_path": f"page_images/{name}_{number}.jpg",
            "image_binary": content or picture(60 + number, 80, form="JPEG"),
            "ocr_text": "",
            "vlm_text": "",
        }
        for number, name in enumerate(names)
    ]


def _suite(folder: Path, *lines: Any, pages: list[dict[str, Any]] | None = None, **options: Any) -> MmDocIr:
    put_lines(folder / "MMDocIR_annotations.jsonl", lines or [LINE, OTHER])
    put_parquet(folder / "MMDocIR_pages.parquet", pages or _pages("mill.pdf", "mill.pdf", "mill.pdf", "bakery"))
    return make(MmDocIr, MmDocIrOptions, folder, **options)


def test_pages_and_boxes(tmp_path: Path) -> None:
    one, other = check_suite(_suite(tmp_path / "data"))
    assert one["id"] == "mill.pdf#0"
    assert one["gold_pages"] == [{"doc": "mill.pdf", "page": 2}]  # counts from 0 in the file
    assert one["gold_boxes"] == [{"doc": "mill.pdf", "page": 2, "bbox": pytest.approx([0.1, 0.1, 0.5, 0.500625])}]
    assert one["scope"] == one["doc_ids"] == ["mill.pdf"]
    assert one["evidence_modality"] == ["table", "text"]
    assert [page["page"] for page in other["gold_pages"]] == [1, 3]
    assert other["evidence_modality"] == ["table"]
    assert "answer_type" not in other  # the benchmark gives none


def test_page_images_are_bound_once(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    paths = list(suite.documents())
    assert [path.relative_to(suite.root).as_posix() for path in paths] == ["mill.pdf", "bakery.pdf"]
    assert not suite.root.is_relative_to(tmp_path / "data")  # never into the user's folder
    with pymupdf.open(paths[0]) as document:
        assert document.page_count == 3
        assert document[1].rect.width == pytest.approx(61 * 72 / 144)
        (xref, *_), *_ = document[1].get_images()
        assert document.extract_image(xref)["image"] == picture(61, 80, form="JPEG")  # the bytes as they are
    made, times = [path.read_bytes() for path in paths], [path.stat().st_mtime_ns for path in paths]
    assert [path.stat().st_mtime_ns for path in suite.documents()] == times
    paths[1].unlink()  # as if the run had ended there
    (suite.root / "bakery.pdf.1.partial").write_bytes(b"half")
    assert [path.read_bytes() for path in suite.documents()] == made
    assert paths[0].stat().st_mtime_ns == times[0]


def test_other_files_are_bound_elsewhere(tmp_path: Path) -> None:
    before = _suite(tmp_path / "data").root
    assert _suite(tmp_path / "data", pages=_pages("mill.pdf", "mill.pdf", "mill.pdf", "bakery", "more")).root != before


def test_original_pdfs(tmp_path: Path) -> None:
    put(tmp_path / "data" / "pdfs" / "mill.pdf")
    put(tmp_path / "data" / "pdfs" / "bakery.pdf")
    put_lines(tmp_path / "data" / "MMDocIR_annotations.jsonl", [LINE, OTHER])
    suite = make(MmDocIr, MmDocIrOptions, tmp_path / "data", pages="pdfs")
    assert len(check_suite(suite)) == 2
    assert suite.root == tmp_path / "data" / "pdfs"


def test_wrong_fields(tmp_path: Path) -> None:
    def line(record: Any) -> MmDocIr:
        return _suite(tmp_path / "data", record, OTHER)

    def asked(question: Any) -> MmDocIr:
        return line({**LINE, "questions": [question]})

    file = "MMDocIR_annotations.jsonl, line 1"
    each_field_is_checked(LINE, ["doc_name", "domain", "page_indices", "questions"], line, file)
    each_field_is_checked(QUESTION, ["Q", "A", "page_id", "type", "layout_mapping"], asked, file)
    mapping = QUESTION["layout_mapping"][0]  # type: ignore[index]
    for wrong, words in (
        ({"page_id": [3]}, "field 'questions[0].page_id[0]': found 3, expected a whole number in 0..2"),
        ({"page_id": []}, "expected pages in 0..2"),
        ({"layout_mapping": [{**mapping, "page": 3}]}, "'questions[0].layout_mapping[0].page': found 3"),
        ({"layout_mapping": [{**mapping, "bbox": [1, 2, 3]}]}, "expected 4 numbers"),
        (
            {"layout_mapping": [{**mapping, "bbox": [1, 2, 3, "4"]}]},
            "'questions[0].layout_mapping[0].bbox[3]': found '4'",
        ),
        ({"layout_mapping": [{**mapping, "page_size": [0, 8]}]}, "above 0"),
    ):
        fails(asked({**QUESTION, **wrong}), file, words)
    fails(line({**LINE, "page_indices": [2, 0]}), file, "'page_indices'", "[first row, last row]")
    fails(line({**LINE, "doc_name": "../mill.pdf"}), "'../mill.pdf'", "expected one below")


def test_wrong_pages(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fails(_suite(data, pages=_pages("mill.pdf", "mill.pdf", "bakery")), "row 1", "2 page images together, expected 3")
    fails(_suite(data, pages=_pages("mill.pdf", "mill.pdf", "mill.pdf")), "1 of 2 documents has no page images")
    no_image = _pages("mill.pdf", "mill.pdf", "mill.pdf", "bakery", content=b"no image")
    fails(_suite(data, pages=no_image), "MMDocIR_pages.parquet, row 0, field 'image_binary'", "expected an image file")
    fails(_suite(data, pages=[{"doc_name": "mill.pdf"}]), "no column 'image_binary'", "columns: doc_name")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(MmDocIr, MmDocIrOptions, tmp_path / "data")
    fails(suite, "holds no 'MMDocIR_annotations.jsonl'", "MMDocIR_Evaluation_Dataset", "ragsys eval mmdocir --list")
    put_lines(tmp_path / "data" / "MMDocIR_annotations.jsonl", [LINE])
    fails(suite, "MMDocIR_pages.parquet", "1.6 GB")
