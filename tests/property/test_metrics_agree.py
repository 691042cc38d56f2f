"""Our formulas against ir-measures (trec_eval) and ranx on random runs, wherever each has them; and their laws."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import build, outcome, question

from ragsys.evaluation.records import Outcome, Question

RUNS = 60
CUTS = (1, 3, 5, 10)


def _runs(seed: int) -> list[tuple[Question, Outcome]]:
    """Questions with graded gold pages and rankings of pages, some of them short, some without a gold page."""
    dice = random.Random(seed)
    made = []
    for number in range(RUNS):
        places = [(f"d{dice.randrange(4)}", page) for page in range(1, 16)]
        gold = [
            {"doc": doc, "page": page, "grade": float(dice.choice((1, 1, 2, 3)))}
            for doc, page in dice.sample(places, dice.randint(1, 6))
        ]
        ranked = dice.sample(places, dice.randint(0, len(places)))
        found = [
            {"doc": doc, "page": page, "score": 100.0 - rank, "stage_scores": {}}
            for rank, (doc, page) in enumerate(ranked)
        ]
        made.append((question(id=f"q{number:03}", gold_pages=gold), outcome(id=f"q{number:03}", pages=found)))
    return made


def _tables(runs: list[tuple[Question, Outcome]]) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    judged = {q["id"]: {f"{one['doc']}/{one['page']}": int(one["grade"]) for one in q["gold_pages"]} for q, _ in runs}
    ranked = {q["id"]: {f"{one['doc']}/{one['page']}": one["score"] for one in o["pages"]} for q, o in runs}
    return judged, ranked


def _ours(name: str, k: int | None, runs: list[tuple[Question, Outcome]]) -> dict[str, float]:
    metric = build(name, **({"k": k} if k else {}))
    return {q["id"]: metric.score(q, o) for q, o in runs}


def test_equal_to_ir_measures() -> None:
    import ir_measures
    from ir_measures import AP, RR, P, R, Success, nDCG

    runs = _runs(1)
    judged, ranked = _tables(runs)
    names: dict[str, Any] = {
        "page_recall": R, "page_precision": P, "page_hits": Success, "page_ndcg": nDCG, "page_map": AP, "page_mrr": RR,
    }  # fmt: skip
    measures: dict[Any, tuple[str, int | None]] = {
        measure @ k: (name, k) for name, measure in names.items() for k in CUTS
    }
    measures |= {nDCG: ("page_ndcg", None), AP: ("page_map", None), RR: ("page_mrr", None)}
    # a question for which nothing was found is missing in their output and is 0
    theirs: dict[Any, dict[str, float]] = {measure: dict.fromkeys(judged, 0.0) for measure in measures}
    for row in ir_measures.iter_calc(list(measures), judged, ranked):
        theirs[row.measure][row.query_id] = row.value
    for measure, (name, k) in measures.items():
        assert _ours(name, k, runs) == pytest.approx(theirs[measure]), f"{name}@{k}"


_RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
judged, ranked, measures = json.load(sys.stdin)
run = Run(ranked)
evaluate(Qrels(judged), run, measures, return_mean=False, make_comparable=True)
print(json.dumps({name: {q: float(v) for q, v in run.scores[name].items()} for name in measures}))
"""


def test_equal_to_ranx() -> None:
    runs = [(q, o) for q, o in _runs(2) if o["pages"]]
    judged, ranked = _tables(runs)
    names = {
        "page_recall": "recall", "page_precision": "precision", "page_hits": "hit_rate", "page_ndcg": "ndcg",
        "page_map": "map", "page_mrr": "mrr",
    }  # fmt: skip
    wanted = {f"{theirs}@{k}": (ours, k) for ours, theirs in names.items() for k in CUTS}
    done = subprocess.run(
        [sys.executable, "-c", _RANX],
        input=json.dumps([judged, ranked, list(wanted)]),
        # its formulas as they are written: compiling them takes more than a minute
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    for measure, (name, k) in wanted.items():
        assert _ours(name, k, runs) == pytest.approx(theirs[measure]), f"{name}@{k}"


_places = st.lists(st.sampled_from([("a", n) for n in range(1, 9)]), unique=True, max_size=8)


@settings(max_examples=60, deadline=None)
@given(_places, _places.filter(bool), st.integers(1, 9))
def test_laws(ranked: list[tuple[str, int]], right: list[tuple[str, int]], k: int) -> None:
    asked = question(gold_pages=[{"doc": doc, "page": page} for doc, page in right])
    found = outcome(
        pages=[
            {"doc": doc, "page": page, "score": -float(n), "stage_scores": {}} for n, (doc, page) in enumerate(ranked)
        ]
    )
    scores = {name: build(f"page_{name}", k=k).score(asked, found) for name in ("recall", "precision", "hits", "map")}
    # the same hits in counts: recall * |G| = precision * k
    assert scores["recall"] * len(right) == pytest.approx(scores["precision"] * k)
    assert scores["hits"] == float(scores["recall"] > 0)
    assert scores["map"] <= scores["recall"] + 1e-12
    assert build("page_recall", k=k + 1).score(asked, found) >= scores["recall"]
    shuffled = {**asked, "gold_pages": list(reversed(asked["gold_pages"]))}
    for name in ("recall", "precision", "hits", "map", "ndcg", "mrr"):
        metric = build(f"page_{name}", k=k)
        assert metric.score(shuffled, found) == pytest.approx(metric.score(asked, found))
    assert build("unidoc_ndcg", k=k).score(asked, found) >= build("page_ndcg", k=k).score(asked, found) - 1e-12
