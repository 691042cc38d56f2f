"""The contracts of the smaller roles: enricher, judge, tool, suite, metric."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from pathlib import Path

from ragsys.errors import RagsysError
from ragsys.protocols import Enricher, Judge, Metric, Suite, Tool
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


def check_suite(suite: Suite) -> list[JSON]:
    """Laws: a name and a licence; documents are files; question ids are unique and gold pages name documents."""
    _law(bool(suite.name and suite.licence), "a suite has a name and states its licence")
    documents = [Path(path) for path in suite.documents()]
    _law(bool(documents) and all(path.is_file() for path in documents), "documents are files that are there")
    questions = list(suite.questions())
    ids = [question.get("id") for question in questions]
    _law(all(isinstance(one, str) and one for one in ids), "every question has an id")
    _law(len(set(ids)) == len(ids), "question ids are unique")
    names = {path.name for path in documents}
    for question in questions:
        _law(bool(question.get("question")), f"{question['id']}: no question")
        for gold in question.get("gold_pages", ()):
            _law(gold["doc"] in names, f"{question['id']}: gold in {gold['doc']}, which is no document of the suite")
            _law(gold["page"] >= 1, f"{question['id']}: gold pages are 1-based")
    return questions


def check_metric(
    metric: Metric, question: JSON, outcomes: Sequence[JSON], bounds: tuple[float, float] = (0, 1)
) -> None:
    """Laws: a finite number within its bounds, or None; the same each time; the input is left as it is."""
    _law(bool(metric.name), "a metric has a name")
    for outcome in outcomes:
        before = copy.deepcopy((question, outcome))
        score = metric.score(question, outcome)
        _law(before == (question, outcome), "a metric leaves its input as it is")
        _law(metric.score(question, outcome) == score, "a metric says the same twice")
        if score is not None:
            _law(math.isfinite(score) and bounds[0] <= score <= bounds[1], f"{score} is not in {bounds}")
