"""UniDoc-Bench's schema, on files of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys_suites.suites.unidoc_bench import UniDocBench, UniDocOptions
from suite_files import fails, make, put, put_parquet

from ragsys.testing.roles import check_suite

ROW = {
    "question": "How did the price of flour change?",
    "answer": "It rose.",
    "gt_image_paths": ["images/finance/0358930/0358930_page_0004.png", "images/finance/0358930/0358930_page_0012.png"],
    "question_type": "temporal_comparison",
    "answer_type": "image_plus_text_as_answer",
    "domain": "finance",
    "longdoc_image_paths": ["images/finance/0358930/0358930_page_0001.png"],
}
LEGAL = {**ROW, "domain": "legal", "gt_image_paths": ["images/legal/7/7_page_0001.png"], "answer_type": "text_only"}


def _suite(folder: Path, *rows: Any, domains: tuple[str, ...] = ("finance",)) -> UniDocBench:
    put_parquet(folder / "data" / "finance-00000-of-00001.parquet", rows or [ROW])
    put_parquet(folder / "data" / "legal-00000-of-00001.parquet", [LEGAL])
    for name in ("finance/0358930", "finance/0358931", "legal/7"):
        put(folder / "pdfs" / f"{name}.pdf")
    suite: UniDocBench = make(UniDocBench, UniDocOptions, folder, domains=domains)
    return suite


def test_one_domain(tmp_path: Path) -> None:
    suite = _suite(tmp_path / "data")
    (question,) = check_suite(suite)
    assert question == {
        "id": "finance/0",
        "question": "How did the price of flour change?",
        "answer": "It rose.",
        "answers": ["It rose."],
        "answer_type": "text",
        "doc_ids": ["finance/0358930.pdf"],
        "gold_pages": [{"doc": "finance/0358930.pdf", "page": 4}, {"doc": "finance/0358930.pdf", "page": 12}],
        "evidence_modality": ["figure", "text"],
        "source": "finance",
        "meta": {"question_type": "temporal_comparison"},
    }
    assert [path.name for path in suite.documents()] == ["0358930.pdf", "0358931.pdf"]


def test_several_domains_each_search_their_own(tmp_path: Path) -> None:
    finance, legal = check_suite(_suite(tmp_path / "data", domains=("finance", "legal")))
    assert finance["scope"] == ["finance/"]
    assert legal["scope"] == ["legal/"]


def test_wrong_fields(tmp_path: Path) -> None:
    file = "finance-00000-of-00001.parquet"
    for field in ("question", "answer", "gt_image_paths", "question_type", "answer_type", "domain"):
        fails(_suite(tmp_path / "data", {key: ROW[key] for key in ROW if key != field}), file, f"no column '{field}'")
        fails(_suite(tmp_path / "data", {**ROW, field: None}), f"{file}, row 0, field '{field}': found None, expected")
    for wrong, words in (
        ({"gt_image_paths": ["images/finance/1/2_page_0001.png"]}, "'gt_image_paths[0]'"),
        ({"gt_image_paths": ["images/finance/0358930/0358930_page_0000.png"]}, "NNNN from 0001"),
        ({"gt_image_paths": ["images/legal/7/7_page_0001.png"]}, "expected images/finance/"),
        ({"gt_image_paths": ["images/finance/9/9_page_0001.png"]}, "a page of a PDF in"),
        ({"answer_type": "audio"}, "text_only | image_only"),
        ({"domain": "legal"}, "expected 'finance'"),
    ):
        fails(_suite(tmp_path / "data", {**ROW, **wrong}), file, words)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    suite = make(UniDocBench, UniDocOptions, tmp_path / "data", domains=("crm",))
    fails(suite, "crm", "holds no .pdf files", "Salesforce/UniDoc-Bench", "DOMAIN_pdfs.tar.gz")
    put(tmp_path / "data" / "pdfs" / "crm" / "1.pdf")
    fails(suite, "holds no crm-*.parquet")
