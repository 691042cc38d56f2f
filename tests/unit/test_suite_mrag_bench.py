"""MRAG-Bench's schema, on files of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys_suites.suites.mrag_bench import MragBench, MragBenchOptions
from suite_files import cell, fails, make, picture, put_parquet

from ragsys.testing.roles import check_suite

RED, BLUE, GREEN, GREY = (cell(picture(colour=one)) for one in ("red", "blue", "green", "grey"))
ROW = {
    "id": "12",
    "aspect": "perspective",
    "scenario": "Angle",
    "image": GREY,
    "gt_images": [RED, BLUE],
    "question": "Which mill is it?",
    "A": "a wind mill",
    "B": "a water mill",
    "C": "a coffee mill",
    "D": "a pepper mill",
    "answer_choice": "B",
    "answer": "a water mill",
    "image_type": "mill",
    "source": "ours",
    "retrieved_images": [BLUE, GREEN],
}
OTHER = {**ROW, "id": "13", "scenario": "Incomplete"}


def _suite(folder: Path, *rows: Any) -> MragBench:
    put_parquet(folder / "data" / "test-00000-of-000028.parquet", rows or [ROW, OTHER])
    return make(MragBench, MragBenchOptions, folder)


def test_questions_and_images(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    one, other = check_suite(suite)
    paths = {path: path.read_bytes() for path in suite.documents()}
    assert sorted(paths.values()) == sorted(image["bytes"] for image in (RED, BLUE, GREEN))  # each image once
    assert [paths[suite.root / page["doc"]] for page in one["gold_pages"]] == [RED["bytes"], BLUE["bytes"]]
    assert [paths[suite.root / page["doc"]] for page in other["gold_pages"]] == [RED["bytes"]]
    assert (suite.root / one["images"][0]).read_bytes() == GREY["bytes"]
    assert one["question"].endswith("\nA: a wind mill\nB: a water mill\nC: a coffee mill\nD: a pepper mill")
    assert one["answers"] == ["B", "a water mill"]


def test_wrong_fields(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for field in ("id", "question", "A", "D", "answer_choice", "gt_images", "image", "scenario"):
        fails(_suite(data, {key: value for key, value in ROW.items() if key != field}), "parquet", f"'{field}'")
    fails(_suite(data, {**ROW, "answer_choice": "E"}), "row 0", "answer_choice", "'E'", "A | B | C | D")
    fails(_suite(data, {**ROW, "gt_images": [RED, cell(b"torn")]}), "gt_images", "[1]", "torn")
    fails(_suite(data, ROW, ROW), "twice")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "uclanlp/MRAG-Bench" in str(fails(make(MragBench, MragBenchOptions, tmp_path / "data"), "parquet").hint)
