"""A few flawed records of a benchmark are left out or used in part, and named; more than a few refuse the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites.financebench import FinanceBench, FinanceBenchOptions
from ragsys_suites.suites.flaws import FEW, Flaws, Parts
from ragsys_suites.suites.m_longdoc import MLongDoc, MLongDocOptions
from ragsys_suites.suites.mmdocir import MmDocIr, MmDocIrOptions
from ragsys_suites.suites.multihop_rag import MultiHopRag, MultiHopRagOptions
from ragsys_suites.suites.ohr_bench import OhrBench, OhrBenchOptions
from ragsys_suites.suites.spiqa import Spiqa, SpiqaOptions
from ragsys_suites.suites.trec_rag import TrecRag, TrecRagOptions
from ragsys_suites.suites.unidoc_bench import UniDocBench, UniDocOptions
from ragsys_suites.suites.vidore import Vidore, VidoreOptions
from ragsys_suites.suites.vidoseek import ViDoSeek, ViDoSeekOptions
from ragsys_suites.suites.visdombench import VisDomBench, VisDomOptions
from suite_files import cell, make, picture, put, put_lines, put_parquet

from ragsys.errors import SuiteError
from ragsys.testing.roles import check_suite

FILE = Path("mills.jsonl")
COUNT = 40


def _read(item: int, parts: Parts) -> int:
    if item < 0:
        raise SuiteError(f"{FILE}, line {-item}: found {item}", hint="count the mills")
    if item == 0:
        assert parts(_read, -99, parts) is None
    return item


def test_a_few_are_left_out_or_used_in_part_and_named() -> None:
    flaws = Flaws()
    assert list(flaws.sound(FILE, [*range(1, 100), -7], _read)) == list(range(1, 100))
    assert flaws.notes == ["mills.jsonl: 1 of 100 records is left out: line 7: found -7"]
    assert list(flaws.sound(FILE, range(100), _read)) == list(range(100))  # the file is read again: noted once
    assert flaws.notes == ["mills.jsonl: 1 of 100 records is used without the part that is wrong: line 99: found -99"]
    assert list(flaws.sound(FILE, range(1, 100), _read))
    assert flaws.notes == []


def test_of_many_a_few_are_named() -> None:
    flaws = Flaws()
    list(flaws.sound(FILE, [*range(1, 200), *(-number for number in range(1, 6))], _read, "topic"))
    assert flaws.notes == [
        "mills.jsonl: 5 of 204 topics are left out: line 1: found -1; line 2: found -2; line 3: found -3; 2 more"
    ]


def test_more_than_a_few_refuse_the_file() -> None:
    few = int(FEW * 100)
    assert len(list(Flaws().sound(FILE, [*range(1, 101 - few), *[-1] * few], _read))) == 100 - few
    with pytest.raises(SuiteError) as caught:
        list(Flaws().sound(FILE, [*range(1, 100 - few), *[-1] * (few + 1)], _read))
    assert str(caught.value).splitlines() == [
        "mills.jsonl, line 1: found -1",
        "  count the mills",
        "  6 of 100 records are wrong; a file is used where at most 5% are",
    ]


def _many(good: dict[str, Any], *flawed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Records that differ in their number, which replaces <N>; the flawed ones come last."""
    for number in range(COUNT):
        given = flawed[number - COUNT] if number >= COUNT - len(flawed) else {}
        yield json.loads(json.dumps({**good, **given}).replace("<N>", str(number)))


def _financebench(folder: Path) -> Any:
    evidence = [{"evidence_text": "Earned", "doc_name": "MILL", "evidence_page_num": 59}]
    good = {
        "financebench_id": "<N>",
        "company": "Mill",
        "doc_name": "MILL",
        "question_type": "a",
        "question": "?",
        "answer": "12",
        "evidence": evidence,
    }
    bad = {"evidence": [{**evidence[0], "evidence_page_num": None}], "company": None}
    put_lines(folder / FinanceBench.FILES[0], list(_many(good, bad, {"answer": None})))
    put(folder / "pdfs" / "MILL.pdf")
    return make(FinanceBench, FinanceBenchOptions, folder)


def _m_longdoc(folder: Path) -> Any:
    good = {"question": "<N>?", "category": "texts", "evidence_pages": [3], "source": "data/test/mill.json"}
    put_lines(folder / "data/questions/test.json", list(_many(good, {"evidence_pages": [0]}, {"category": "smell"})))
    put(folder / "data/test/mill.pdf")
    return make(MLongDoc, MLongDocOptions, folder)


def _mmdocir(folder: Path) -> Any:
    box = {"page": 1, "page_size": [600, 800], "bbox": [60, 80, 300, 400]}
    good = {"Q": "<N>?", "A": "842", "page_id": [1], "type": "table", "layout_mapping": [box]}
    bad = {"page_id": [3], "layout_mapping": [{**box, "page": 3}]}
    asked = list(_many(good, bad, {"A": None}))
    lines = [{"doc_name": "mill", "domain": "x", "page_indices": [0, 2], "questions": asked}]
    put_lines(folder / "MMDocIR_annotations.jsonl", lines)
    put(folder / "pdfs" / "mill.pdf")
    return make(MmDocIr, MmDocIrOptions, folder, pages="pdfs")


def _multihop(folder: Path) -> Any:
    article = {"url": "a", "title": "Mill", "source": "x", "published_at": "y", "body": "z"}
    evidence = [{"url": "a", "title": "Mill", "fact": "z"}]
    good = {"query": "<N>?", "answer": "Yes", "question_type": "inference_query", "evidence_list": evidence}
    flawed = ({"evidence_list": [{**evidence[0], "url": "none"}]}, {"answer": None})
    put(folder / "MultiHopRAG.json", json.dumps(list(_many(good, *flawed))))
    put(folder / "corpus.json", json.dumps([article]))
    return make(MultiHopRag, MultiHopRagOptions, folder)


def _ohr(folder: Path) -> Any:
    good = {
        "ID": "<N>",
        "doc_name": "law/mill",
        "questions": "?",
        "answers": "12",
        "doc_type": "law",
        "answer_form": "Numeric",
        "evidence_source": "text",
        "evidence_context": "x",
        "evidence_page_no": 0,
    }
    put(folder / "qas_v2.json", json.dumps(list(_many(good, {"evidence_page_no": -1}, {"doc_name": "law/none"}))))
    put(folder / "pdfs/law/mill.pdf")
    return make(OhrBench, OhrBenchOptions, folder)


def _spiqa(folder: Path) -> Any:
    name = "mill-Figure1-1.png"
    asked = {"question": "?", "answer": "x", "reference": name}
    paper = {"paper_id": "mill", "all_figures": {name: {"caption": "A mill"}}, "qa": [asked]}
    papers = list(_many(paper, {"qa": [asked, {**asked, "reference": "none.png"}]}, {"paper_id": None}))
    put(folder / "test-A/SPIQA_testA.json", json.dumps({str(number): one for number, one in enumerate(papers)}))
    put(folder / "test-A/SPIQA_testA_Images/mill" / name, picture())
    return make(Spiqa, SpiqaOptions, folder)


def _trec(folder: Path) -> Any:
    lines = [f"2024-{number}\tWhat is a mill?" for number in range(COUNT - 1)]
    put(folder / "topics.rag24.test.txt", "\n".join([*lines, "2024-99 What is a mill?"]))
    nuggets = [{"text": "a", "importance": "vital"}, {"text": "b", "importance": "high"}]
    rows = [{"qid": f"2024-{number}", "nuggets": nuggets[: 2 if number == 3 else 1]} for number in range(COUNT)]
    put_lines(folder / "nuggets.jsonl", rows)
    put(folder / "corpus/doc.md", "A mill.")
    return make(TrecRag, TrecRagOptions, folder, nuggets="nuggets.jsonl")


def _unidoc(folder: Path) -> Any:
    path = "images/crm/mill/mill_page_0004.png"
    good = {
        "question": "?",
        "answer": "x",
        "gt_image_paths": [path],
        "question_type": "a",
        "answer_type": "text_only",
        "domain": "crm",
    }
    flawed = ({"gt_image_paths": [path.replace("0004", "0000")]}, {"answer_type": "smell"})
    put_parquet(folder / "data/crm-00000-of-00001.parquet", list(_many(good, *flawed)))
    put(folder / "pdfs/crm/mill.pdf")
    return make(UniDocBench, UniDocOptions, folder, domains=["crm"])


def _vidore(folder: Path) -> Any:
    put_parquet(folder / "corpus/test-0.parquet", [{"corpus-id": 0, "image": cell(picture())}])
    queries = [{"query-id": n, "query": "?" if n != COUNT - 1 else None} for n in range(COUNT)]
    qrels = [{"query-id": n, "corpus-id": 0 if n != COUNT - 2 else 9, "score": 1} for n in range(COUNT)]
    put_parquet(folder / "queries/test-0.parquet", queries)
    put_parquet(folder / "qrels/test-0.parquet", qrels)
    return make(Vidore, VidoreOptions, folder)


def _vidoseek(folder: Path) -> Any:
    about = {"file_name": "mill.pdf", "reference_page": [10], "source_type": "Text", "query_type": "Single-Hop"}
    good = {"uid": "<N>", "query": "?", "reference_answer": "x", "meta_info": about}
    flawed = ({"meta_info": {**about, "reference_page": [0]}}, {"meta_info": {**about, "file_name": "none.pdf"}})
    put(folder / "vidoseek.json", json.dumps({"examples": list(_many(good, *flawed))}))
    put(folder / "pdf/mill.pdf")
    return make(ViDoSeek, ViDoSeekOptions, folder)


def _visdom(folder: Path) -> Any:
    head = "q_id,question,answer,doc_path,documents,evidence_pages"
    lines = [f"{number},?,x,mill.pdf,\"['mill.pdf']\",[0]" for number in range(COUNT - 2)]
    flawed = ["98,?,x,mill.pdf,\"['mill.pdf']\",[-1]", "99,?,x,mill.pdf,mill.pdf,[0]"]
    put(folder / "slidevqa/slidevqa.csv", "\n".join([head, *lines, *flawed]))
    put(folder / "slidevqa/docs/mill.pdf")
    return make(VisDomBench, VisDomOptions, folder, parts=["slidevqa"])


@pytest.mark.parametrize(
    ("build", "left", "cut", "unplaced"),
    [  # questions that are missing, records that are used in part, questions without a gold page
        (_financebench, 1, 1, 1),
        (_m_longdoc, 1, 1, 1),
        (_mmdocir, 1, 1, 1),
        (_multihop, 2, 0, COUNT - 2),
        (_ohr, 1, 1, 1),
        (_spiqa, 1, 1, 0),
        (_trec, 1, 1, COUNT - 1),
        (_unidoc, 1, 1, 1),
        (_vidore, 1, 0, 1),
        (_vidoseek, 1, 1, 1),
        (_visdom, 1, 1, 1),
    ],
)
def test_a_wrong_record_does_not_cost_the_benchmark(
    tmp_path: Path, build: Callable[[Path], Any], left: int, cut: int, unplaced: int
) -> None:
    suite = build(tmp_path / "bench")
    questions = check_suite(suite)
    assert len(questions) == COUNT - left
    assert sum(not question.get("gold_pages") for question in questions) == unplaced
    notes = " ".join(suite.notes)
    assert f"of {COUNT} " in notes
    assert "left out: " in notes
    assert notes.count("used without the part that is wrong") == cut
    assert f": {tmp_path}" not in notes  # places are named within their file
