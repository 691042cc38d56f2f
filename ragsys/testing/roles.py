"""The contracts of the smaller roles: enricher, judge, tool, suite, metric."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from pathlib import Path

from ragsys.errors import RagsysError
from ragsys.evaluation.records import Outcome, Question
from ragsys.protocols import Enricher, Judge, Metric, SetMetric, Suite, Tool
from ragsys.testing.loaders import ContractError
from ragsys.types import JSON, Page, Passage


def _law(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def check_enricher(enricher: Enricher, pages: Sequence[Page], passages: Sequence[Passage]) -> None:
    """Laws: fields are JSON objects under ordinals of the passages given; the input is left as it is."""
    before = copy.deepcopy((list(pages), list(passages)))
    found = enricher.enrich(pages, passages)
    _law(before == (list(pages), list(passages)), "an enricher leaves its input as it is")
    ordinals = {passage.ordinal for passage in passages}
    _law(set(found) <= ordinals, f"fields for passages that were not given: {sorted(set(found) - ordinals)}")
    for ordinal, fields in found.items():
        _law(isinstance(fields, dict), f"passage {ordinal}: fields are an object")
        json.dumps(fields)


def check_judge(judge: Judge, sentence: str, passages: Sequence[str]) -> None:
    """Laws: a number in 0..1, the same each time; nothing is supported by no passages at all."""
    first = judge.supports(sentence, passages)
    _law(0.0 <= first <= 1.0, f"a judge says 0..1, said {first}")
    _law(judge.supports(sentence, passages) == first, "a judge says the same twice")
    _law(judge.supports(sentence, []) < 0.5, "no passages support nothing")


def check_tool(tool: Tool, arguments: JSON, wrong: JSON) -> None:
    """Laws: it says what it does and takes; results are JSON objects; wrong arguments raise a `RagsysError`."""
    _law(bool(tool.name and tool.description), "a tool has a name and a description")
    _law(tool.schema.get("type") == "object", "a tool's schema is of an object")
    before = copy.deepcopy(arguments)
    result = tool.call(arguments)
    _law(before == arguments, "a tool leaves its arguments as they are")
    _law(isinstance(result, dict), "a tool returns an object")
    json.dumps(result)
    try:
        tool.call(wrong)
    except RagsysError:
        return
    raise ContractError("wrong arguments must raise a RagsysError")


def check_suite(suite: Suite) -> list[Question]:
    """Laws: it says what it is; documents are files below its root; ids are unique; gold names documents and pages."""
    _law(
        bool(suite.name and suite.licence and suite.revision), "a suite has a name, a revision, and states its licence"
    )
    _law(bool(suite.metrics), "a suite names the metrics that its benchmark reports")
    documents = [Path(path) for path in suite.documents()]
    _law(bool(documents) and all(path.is_file() for path in documents), "documents are files that are there")
    _law(all(path.is_relative_to(suite.root) for path in documents), "documents are below the suite's root")
    questions = list(suite.questions())
    ids = [question.get("id") for question in questions]
    _law(all(isinstance(one, str) and one for one in ids), "every question has an id")
    _law(len(set(ids)) == len(ids), "question ids are unique")
    names = {path.relative_to(suite.root).as_posix() for path in documents}
    for question in questions:
        _law(bool(question.get("question")), f"{question['id']}: no question")
        _law(set(question) <= set(Question.__annotations__), f"{question['id']}: a key that no question record has")
        gold = [*question.get("gold_pages", ()), *question.get("gold_boxes", ())]
        named = [one["doc"] for one in gold] + [one["doc"] for one in question.get("gold_passages", ())]
        for doc in [*named, *question.get("doc_ids", ()), *question.get("scope", ())]:
            below = doc.endswith("/") and doc in question.get("scope", ()) and any(one.startswith(doc) for one in names)
            _law(below or doc in names, f"{question['id']}: names {doc}, which is no document of the suite")
        for one in gold:
            _law(one["page"] >= 1, f"{question['id']}: gold pages are 1-based")
        for box in question.get("gold_boxes", ()):
            x0, y0, x1, y1 = box["bbox"]
            _law(0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1, f"{question['id']}: {box['bbox']} is no box in 0..1")
    return questions


def check_metric(metric: Metric, question: Question, outcomes: Sequence[Outcome]) -> None:
    """Laws: a finite number within its bounds, or None; the same each time; the input is left as it is."""
    _law(bool(metric.info.name and metric.info.summary), "a metric has a name and says in a line what it measures")
    low, high = metric.info.bounds
    for outcome in outcomes:
        before = copy.deepcopy((question, outcome))
        score = metric.score(question, outcome)
        _law(before == (question, outcome), "a metric leaves its input as it is")
        _law(metric.score(question, outcome) == score, "a metric says the same twice")
        if score is not None:
            _law(math.isfinite(score) and low <= score <= high, f"{score} is not in {low}..{high}")
    if isinstance(metric, SetMetric):
        total = metric.total([question] * len(outcomes), outcomes)
        _law(total is None or math.isfinite(total), f"{total} is no value of a set")
