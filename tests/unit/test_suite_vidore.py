"""ViDoRe's schemas, on files of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.vidore import Vidore, VidoreOptions, VidoreV3
from suite_files import cell, fails, make, picture, put_parquet

from ragsys.errors import SuiteError
from ragsys.testing.roles import check_suite

CORPUS = [
    {"corpus-id": 0, "image": cell(picture(40, 20))},
    {"corpus-id": 1, "image": cell(picture(30, 60, "blue", "JPEG"))},
    {"corpus-id": 2, "image": cell(picture(10, 10, "green", "WEBP"))},
]
QUERIES = [
    {"query-id": 0, "query": "Where is it red?", "language": "english"},
    {"query-id": 1, "query": "Où est-ce bleu ?", "language": "french"},
]
QRELS = [
    {"query-id": 0, "corpus-id": 0, "score": 2.0},
    {"query-id": 0, "corpus-id": 1, "score": 0.0},
    {"query-id": 1, "corpus-id": 1, "score": 1.0},
]
CORPUS_3 = [
    {"corpus_id": n, "image": cell(picture(40, 20)), "doc_id": "Mill Report", "markdown": "", "page_number_in_doc": n}
    for n in (0, 1)
]
QUERIES_3 = [
    {
        "query_id": 7,
        "query": "How many stones?",
        "language": "english",
        "query_types": ["numerical"],
        "query_format": "question",
        "content_type": ["Table", "Text"],
        "raw_answers": ["two", "2"],
        "answer": "Two.",
    }
]
QRELS_3 = [
    {
        "query_id": 7,
        "corpus_id": 1,
        "score": 2,
        "content_type": ["Table"],
        "bounding_boxes": [
            {"annotator": 0, "x1": 10, "x2": 20, "y1": 5, "y2": 10},
            {"annotator": 1, "x1": 44, "x2": 20, "y1": -3, "y2": 20},
        ],
    }
]


def _suite(
    folder: Path, corpus: Any = None, queries: Any = None, qrels: Any = None, *, suite: Any = Vidore, **given: Any
) -> Any:
    put_parquet(folder / "corpus" / "test-00000-of-00001.parquet", corpus or CORPUS)
    put_parquet(folder / "queries" / "test-00000-of-00001.parquet", queries or QUERIES)
    put_parquet(folder / "qrels" / "test-00000-of-00001.parquet", qrels or QRELS)
    return make(suite, VidoreOptions, folder, **given)


def test_the_layout_of_versions_1_and_2(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    one, other = check_suite(suite)
    assert one["gold_pages"] == [{"doc": "0.png", "page": 1, "grade": 2.0}]
    assert one["source"] == "english"
    assert other["gold_pages"] == [{"doc": "1.jpg", "page": 1, "grade": 1.0}]
    paths = list(suite.documents())
    assert [path.name for path in paths] == ["0.png", "1.jpg", "2.png"]  # WEBP has become PNG
    assert paths[1].read_bytes() == CORPUS[1]["image"]["bytes"]
    assert paths[2].read_bytes().startswith(b"\x89PNG")


def test_version_3(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data", CORPUS_3, QUERIES_3, QRELS_3, suite=VidoreV3)
    (question,) = check_suite(suite)
    doc = question["gold_pages"][0]["doc"]
    assert doc.startswith("mill_report-")
    assert doc.endswith("/00002.png")  # pages count from 0 in the file
    assert question["cluster"] == doc.removesuffix("/00002.png")  # intervals are drawn by document, not by page
    assert [box["bbox"] for box in question["gold_boxes"]] == [[0.25, 0.25, 0.5, 0.5], [0.5, 0.0, 1.0, 1.0]]
    assert question["answers"] == ["Two.", "two", "2"]
    assert question["evidence_modality"] == ["table", "text"]
    assert question["meta"] == {"query_types": ["numerical"], "query_format": "question"}


def test_one_language(tmp_path: Path) -> None:
    assert "language" not in VidoreOptions(folder=tmp_path, language="french").decisive()  # one library for all
    (question,) = check_suite(_suite(tmp_path / "data", language="french"))
    assert question["id"] == "1"


def test_images_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = _suite(tmp_path / "data")
    first = list(suite.documents())
    again = make(Vidore, VidoreOptions, tmp_path / "data")
    monkeypatch.setattr(again, "_entries", lambda: pytest.fail("the corpus is read again"))
    assert list(again.documents()) == first
    first[0].unlink()  # what is gone is written again, what is there stays
    kept = first[1].stat().st_mtime_ns
    assert list(suite.documents()) == first
    assert first[0].is_file()
    assert first[1].stat().st_mtime_ns == kept


def test_wrong_fields(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fails(_suite(data, [{"corpus-id": 0, "image": cell(b"no image")}]), "row 0", "'image'", "no image", "PNG")
    fails(_suite(data, [{"corpus-id": 0, "image": {"bytes": None, "path": "/etc/passwd"}}]), "'image'", "bytes")
    fails(_suite(data, [{"corpus": 0, "image": cell(picture())}]), "corpus-id", "missing")
    fails(_suite(data, [CORPUS[0], CORPUS[0]]), "'0' is there twice")
    fails(_suite(data, queries=[{"query-id": 0}]), "queries", "row 0", "'query'", "missing")
    fails(_suite(data, queries=[{"query-id": 0, "query": 3}]), "'query'", "found 3", "text")
    fails(_suite(data, qrels=[{"query-id": 0, "corpus-id": 9, "score": 1}]), "qrels", "'9'", "corpus")
    fails(_suite(data, qrels=[{"query-id": 0, "corpus-id": 0, "score": "high"}]), "'score'", "high", "number")
    boxes = [{**QRELS_3[0], "bounding_boxes": [{"annotator": 0, "x1": 1, "x2": 2, "y1": 3}]}]
    fails(_suite(data, CORPUS_3, QUERIES_3, boxes), "bounding_boxes[0].y2", "missing")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    error = fails(make(VidoreV3, VidoreOptions, tmp_path / "data"), "corpus", "parquet")
    assert "vidore_v3_hr" in str(error.hint)
    put_parquet(tmp_path / "data" / "corpus" / "test.parquet", CORPUS)
    (tmp_path / "data" / "corpus" / "test.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(SuiteError, match="not a parquet file"):
        list(make(Vidore, VidoreOptions, tmp_path / "data").documents())
