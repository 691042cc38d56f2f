"""MRAMG-Bench's schema, on files of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragsys_suites.suites.mramg import Mramg, MramgOptions
from suite_files import each_field_is_checked, fails, make, put, put_lines

from ragsys.testing.roles import check_suite

DOCUMENTS: list[Any] = [
    [60000, "A mill has a wheel <PIC> and stones <PIC>.", ["m_1", "m_2"]],
    [60001, "Nothing to see.", []],
    [60000, "The same id again counts no more.", []],
    [60002, "Seen <PIC> and lost <PIC>.", ["m_3"]],
    [60003, "Its image has no place.", ["m_3"]],
]
QUESTION = {
    "id": "arxiv_0",
    "question": "How does it grind? <PIC>",
    "ground_truth": "With stones <PIC> that a wheel turns <PIC>.",
    "provenance": [60000],
    "images_list": ["m_2", "m_1"],
}
IMAGES = {
    key: {"image_url": "news://x", "image_path": f"{key}.jpg", "image_caption": f"caption of {key}"}
    for key in ("m_1", "m_2", "m_3")
}


def _suite(folder: Path, *records: Any, documents: Any = None, images: Any = None) -> Mramg:
    put_lines(folder / "doc_arxiv.jsonl", documents or DOCUMENTS)
    put_lines(folder / "arxiv_mqa.jsonl", records or [QUESTION])
    put(folder / "IMAGE" / "images_info" / "arxiv_imgs_collection.json", json.dumps(images or IMAGES))
    return make(Mramg, MramgOptions, folder)


def test_questions_and_documents(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (question,) = check_suite(suite)
    assert question["question"] == "How does it grind?"
    assert question["gold_images"] == ["m_2", "m_1"]
    assert question["doc_ids"] == ["60000.md"]
    texts = [path.read_text(encoding="utf-8") for path in suite.documents()]
    assert texts == [
        "A mill has a wheel ![caption of m_1](m_1) and stones ![caption of m_2](m_2).\n",
        "Nothing to see.\n",
        "Seen ![caption of m_3](m_3) and lost <PIC>.\n",
        "Its image has no place.\n\n![caption of m_3](m_3)\n",
    ]


def test_wrong_fields(tmp_path: Path) -> None:
    each_field_is_checked(QUESTION, tuple(QUESTION), lambda one: _suite(tmp_path / "data", one), "arxiv_mqa.jsonl")
    fails(_suite(tmp_path / "data", {**QUESTION, "provenance": [7]}), "line 1", "provenance", "'7'", "doc_arxiv.jsonl")
    fails(_suite(tmp_path / "data", documents=[{"id": 1}]), "doc_arxiv.jsonl, line 1", "[id, text, images]")
    fails(_suite(tmp_path / "data", documents=[[1, 2, []]]), "doc_arxiv.jsonl, line 1", "'text'", "found 2")
    fails(_suite(tmp_path / "data", documents=[[1, "<PIC>", ["m_9"]]]), "imgs_collection.json", "m_9", "missing")
    fails(_suite(tmp_path / "data", images={**IMAGES, "m_1": {"image_path": "x"}}), "m_1.image_caption", "missing")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    fails(make(Mramg, MramgOptions, tmp_path / "data"), "doc_arxiv.jsonl")
    put_lines(tmp_path / "data" / "doc_arxiv.jsonl", DOCUMENTS)
    error = fails(make(Mramg, MramgOptions, tmp_path / "data"), "arxiv_imgs_collection.json")
    assert "IMAGE.zip" in str(error.hint)
