"""Every metric keeps the contract, is named as its component, and is held against values worked out by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.metrics import METRICS
from ragsys_suites.metrics.defaults import ANSWERED, SEARCHED, default_metrics
from scored import abstention, build, failure, gold, outcome, pages, question

from ragsys.evaluation.records import Outcome, Question
from ragsys.protocols import Request, SetMetric
from ragsys.testing.generators import ScriptedGenerator
from ragsys.testing.roles import check_metric

NAMES = [component.name for component in METRICS]
UNIT = Path(__file__).parents[1] / "unit"


def reply(request: Request) -> str:
    """A verdict of whatever form is asked for."""
    data = json.loads(str(request.messages[1].parts[0]))
    made: dict[str, Any] = {
        "grade": 4,
        "answer": "4",
        "claims": [{"claim": "c", "supported": True}],
        "labels": ["partial_support"] * len(data.get("nuggets", ())),
        "citations": [{"sentence": 1, "support": "partial"}] * len(data.get("citations", ())),
    }
    assert request.schema is not None
    return json.dumps({key: made[key] for key in made if key in request.schema["properties"]})


FULL = question(
    answer='["4", "five cats"]',
    answer_type="list",
    doc_ids=["a", "b"],
    gold_pages=gold("a:1", "b:2:3"),
    gold_boxes=[{"doc": "a", "page": 1, "bbox": [0.1, 0.1, 0.5, 0.5]}, {"doc": "a", "page": 1, "bbox": [0, 0, 0, 0]}],
    gold_passages=[{"doc": "a", "text": "four cats"}],
    gold_images=["x.png"],
    nuggets=[{"text": "n", "vital": True}],
)
UNANSWERABLE = question(answer="Not answerable", answer_type="unanswerable", gold_pages=[], doc_ids=["a"])
RANKED: list[dict[str, Any]] = [
    {**page, "boxes": [[0.1, 0.1, 0.5, 0.5]], "passages": ["It has four cats."]} for page in pages("c:1", "a:1", "b:2")
]
OUTCOMES: list[Outcome] = [
    outcome(),
    outcome(pages=RANKED, seconds={"total": 0.1}),
    abstention(pages=RANKED, usage={"calls": 1, "input_tokens": 5, "output_tokens": 2}),
    failure(),
    outcome("", pages=RANKED),
    outcome(
        "4 and five cats ![](x.png)",
        pages=RANKED,
        citations=[{"doc": "a", "page": 1, "bbox": [0.1, 0.1, 0.5, 0.5], "quote": "cats", "level": "supported"}],
    ),
    outcome("nan inf 1e999 −3 (4) $ % \u0000 [[[", pages=pages("a:1")),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("asked", [FULL, UNANSWERABLE, question()], ids=["full", "unanswerable", "bare"])
def test_contract(name: str, asked: Question) -> None:
    check_metric(build(name, ScriptedGenerator([reply] * 20)), asked, OUTCOMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_info_carries_the_name(name: str) -> None:
    info = build(name, ScriptedGenerator()).info
    assert info.name.partition("@")[0] == name
    assert len(info.summary) < 100
    assert info.bounds[0] < info.bounds[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_a_golden_test(name: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in UNIT.glob("test_metrics_*.py")]
    assert any(re.search(rf"\b{name}\b", source) for source in sources)


def test_totals_are_of_those_that_have_one() -> None:
    judge = ScriptedGenerator()
    assert {name for name in NAMES if isinstance(build(name, judge), SetMetric)} == {
        "mmlongbench_f1",
        "mmlongbench_extracted_f1",
        "aurc",
        "selective_accuracy",
        "judge_kappa",
    }


def test_defaults_can_be_built_and_start_with_the_main_one() -> None:
    for name in default_metrics():
        base, _, k = name.partition("@")
        assert build(base, **({"k": int(k)} if k else {})).info.name == name
    assert default_metrics()[0] == default_metrics(answers=False)[0] == "page_recall@5"
    assert default_metrics(answers=False) == SEARCHED
    assert set(default_metrics()) == {*SEARCHED, *ANSWERED}


def test_the_list_of_metrics_is_light() -> None:
    code = "import sys, ragsys_suites.metrics, ragsys_suites.metrics.defaults; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "rapidfuzz", "ragsys_suites.metrics.retrieval", "PIL"} & set(loaded)
