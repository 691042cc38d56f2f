"""Metrics of rankings against values worked out by hand."""

from __future__ import annotations

from math import log2
from typing import Any

import pytest
from scored import build, gold, outcome, pages, question

from ragsys.evaluation.records import Outcome, Question

# gold a:1 a:2 b:7; found at ranks 2 (b:7), 4 (a:1); a:2 is not found
THREE = question(gold_pages=gold("a:1", "a:2", "b:7"))
FOUR = outcome(pages=pages("c:1", "b:7", "c:2", "a:1"))


@pytest.mark.parametrize(
    ("name", "k", "value"),
    [
        ("page_recall", None, 2 / 3),
        ("page_recall", 3, 1 / 3),
        ("page_recall", 1, 0.0),
        ("page_precision", None, 2 / 4),
        ("page_precision", 3, 1 / 3),
        ("page_precision", 10, 2 / 10),  # of k, although only four were found
        ("page_hits", 1, 0.0),
        ("page_hits", 2, 1.0),
        ("page_mrr", None, 1 / 2),
        ("page_mrr", 1, 0.0),
        ("page_map", None, (1 / 2 + 2 / 4) / 3),
        ("page_map", 3, (1 / 2) / 3),
        # DCG = 1/log2(3) + 1/log2(5), ideal = 1/log2(2) + 1/log2(3) + 1/log2(4)
        ("page_ndcg", None, (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2)),
        ("page_ndcg", 2, (1 / log2(3)) / (1 + 1 / log2(3))),
        # documents by their best pages: c, b, a; gold a and b
        ("document_recall", None, 1.0),
        ("document_recall", 2, 1 / 2),
        ("document_precision", 2, 1 / 2),
        ("document_hits", 1, 0.0),
        ("document_mrr", None, 1 / 2),
        ("document_map", None, (1 / 2 + 2 / 3) / 2),
        ("document_ndcg", None, (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3))),
    ],
)
def test_pages_and_documents(name: str, k: int | None, value: float) -> None:
    metric = build(name, **({"k": k} if k else {}))
    assert metric.score(THREE, FOUR) == pytest.approx(value)
    assert metric.info.name == (f"{name}@{k}" if k else name)


def test_grades_are_gains_and_a_grade_of_nothing_is_no_gold() -> None:
    graded = question(gold_pages=gold("a:1:1", "a:2:3", "a:3:0"))
    found = outcome(pages=pages("a:1", "a:3", "a:2"))
    # DCG = 1/log2(2) + 0 + 3/log2(4) = 2.5; ideal = 3/log2(2) + 1/log2(3)
    assert build("page_ndcg").score(graded, found) == pytest.approx(2.5 / (3 + 1 / log2(3)))
    assert build("page_recall", k=2).score(graded, found) == 1 / 2


def test_a_page_twice_counts_once() -> None:
    found = outcome(pages=pages("c:1", "c:1", "a:1"))
    assert build("page_mrr").score(question(gold_pages=gold("a:1", "a:1")), found) == 1 / 2
    assert build("page_recall").score(question(gold_pages=gold("a:1", "a:1")), found) == 1.0


def test_gold_documents_need_no_gold_pages() -> None:
    found = outcome(pages=pages("a:1", "b:1", "a:2"))
    assert build("document_recall").score(question(doc_ids=["b", "z"]), found) == 1 / 2
    assert build("page_recall").score(question(doc_ids=["b", "z"]), found) is None


def _passages(*texts: list[str]) -> Outcome:
    found: list[dict[str, Any]] = pages(*(f"a:{n}" for n in range(1, len(texts) + 1)))
    for page, passages in zip(found, texts, strict=True):
        page["passages"] = passages
    return outcome(pages=found)


FACTS = question(
    gold_passages=[{"doc": "a", "text": "The fee is\n5 %."}, {"doc": "a", "text": "It ends in May 2021."}],
)
# ranked passages: nothing | fee | nothing | fee again and end
RANKED = _passages(["Nothing here.", "We say: the fee is 5 %."], ["No.", "The fee is 5 %. It ends in May 2021."])


@pytest.mark.parametrize(
    ("name", "k", "value"),
    [
        ("passage_recall", 2, 1 / 2),
        ("passage_recall", None, 1.0),
        ("passage_precision", 4, 2 / 4),
        ("passage_hits", 1, 0.0),
        ("passage_mrr", None, 1 / 2),
        ("passage_map", None, (1 / 2 + 2 / 4) / 2),
        ("passage_ndcg", None, (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3))),
    ],
)
def test_passages(name: str, k: int | None, value: float) -> None:
    assert build(name, **({"k": k} if k else {})).score(FACTS, RANKED) == pytest.approx(value)


def test_a_passage_of_two_facts_earns_both_and_no_more_than_one() -> None:
    both = _passages(["The fee is 5 %. It ends in May 2021."])
    assert build("passage_map").score(FACTS, both) == 1.0
    assert build("passage_ndcg").score(FACTS, both) == 1.0  # 2/log2(2) against an ideal of 1 + 1/log2(3), capped


def test_a_passage_inside_the_gold_text_counts_from_half_of_it_on() -> None:
    long = question(gold_passages=[{"doc": "a", "text": "abcdefghij"}])
    assert build("passage_hits").score(long, _passages(["abcde"])) == 1.0
    assert build("passage_hits").score(long, _passages(["abcd"])) == 0.0


def test_what_was_not_recorded_is_not_scored() -> None:
    bare = outcome(pages=pages("a:1"))
    assert build("passage_recall").score(FACTS, bare) is None
    assert build("multihop_map").score(FACTS, bare) is None
    boxes = question(gold_boxes=[{"doc": "a", "page": 1, "bbox": [0, 0, 1, 1]}])
    assert build("layout_recall").score(boxes, bare) is None
    assert build("passage_recall").score(FACTS, outcome(pages=[])) == 0.0  # a search that found nothing


@pytest.mark.parametrize(
    ("name", "k", "value"),
    [
        # ranked boxes: off | gold 1 (IoU 1) | half of gold 2 (IoU .5) ; gold: two boxes on a:1, one on a:2
        ("layout_recall", None, 2 / 3),
        ("layout_recall", 2, 1 / 3),
        ("layout_precision", 2, 1 / 2),
        ("layout_hits", 1, 0.0),
        ("layout_mrr", None, 1 / 2),
        ("layout_map", None, (1 / 2 + 2 / 3) / 3),
        ("layout_ndcg", None, (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3) + 1 / 2)),
    ],
)
def test_boxes_of_a_ranking(name: str, k: int | None, value: float) -> None:
    assert build(name, **({"k": k} if k else {})).score(LAYOUT, BOXES) == pytest.approx(value)


LAYOUT: Question = question(
    gold_boxes=[
        {"doc": "a", "page": 1, "bbox": [0.0, 0.0, 0.5, 0.2]},
        {"doc": "a", "page": 1, "bbox": [0.0, 0.5, 0.5, 0.7]},
        {"doc": "a", "page": 2, "bbox": [0.0, 0.0, 0.5, 0.2]},
    ]
)
BOXES = outcome(
    pages=[
        {
            **pages("a:1")[0],
            "boxes": [[0.6, 0.8, 0.9, 0.9], [0.0, 0.0, 0.5, 0.2], [0.0, 0.5, 0.25, 0.7]],
        }
    ]
)


def test_gold_boxes_without_an_area_are_no_gold() -> None:
    line = {"doc": "a", "page": 3, "bbox": [0.2, 0.1, 0.2, 0.9]}
    with_line = question(gold_boxes=[*LAYOUT["gold_boxes"], line])
    assert build("layout_recall").score(with_line, BOXES) == pytest.approx(2 / 3)
    assert build("layout_recall").score(question(gold_boxes=[line]), BOXES) is None


def test_a_stricter_overlap_finds_less() -> None:
    assert build("layout_recall", iou=0.6).score(LAYOUT, BOXES) == pytest.approx(1 / 3)


# MultiHop-RAG's own: gold two facts; passages: nothing, fee, nothing, both
@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("multihop_hits", {"k": 4}, 1.0),
        ("multihop_hits", {"k": 1}, 0.0),
        # rank 2: one new / 2; rank 4: one new (the fee is not new) / 4 -> .75 / min(2, 10), not (1/2 + 2/4) / 2
        ("multihop_map", {}, (1 / 2 + 1 / 4) / 2),
        ("multihop_mrr", {}, 1 / 2),
    ],
)
def test_multihop(name: str, options: dict[str, int], value: float) -> None:
    facts = question(gold_passages=[{"doc": "a", "text": "fee is\n5 %."}, {"doc": "a", "text": "It ends in May 2021."}])
    assert build(name, **options).score(facts, RANKED) == pytest.approx(value)
    assert build(name, **options).score(question(), RANKED) is None  # a null query


def test_multihop_keeps_case_and_stops_at_rank_ten() -> None:
    fact = question(gold_passages=[{"doc": "a", "text": "The Fee"}])
    assert build("multihop_mrr").score(fact, _passages(["the fee"])) == 0.0
    late = _passages([f"nothing {n}" for n in range(10)] + ["The Fee"])
    assert build("multihop_mrr").score(fact, late) == 0.0
    assert build("multihop_map").score(fact, late) == 0.0
    assert build("multihop_hits", k=10).score(fact, late) == 0.0
    assert build("multihop_hits", k=11).score(fact, late) == 1.0
    assert build("passage_mrr").score(fact, late) == pytest.approx(1 / 11)


def test_unidoc_forgets_what_was_not_found() -> None:
    # labels 0 1 0 1: DCG = 1/log2(3) + 1/log2(5); their own ideal 1 1 0 0: 1 + 1/log2(3), whatever was not found
    value = build("unidoc_ndcg", k=10).score(THREE, FOUR)
    assert value == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))
    assert value > build("page_ndcg", k=10).score(THREE, FOUR)
    assert build("unidoc_ndcg").score(THREE, outcome(pages=pages("c:1"))) == 0.0
    assert build("unidoc_precision", k=10).score(THREE, FOUR) == 2 / 4
    assert build("unidoc_precision").score(THREE, outcome()) == 0.0
    assert build("unidoc_ndcg").score(question(), FOUR) is None
    assert build("unidoc_precision").score(question(), FOUR) is None
