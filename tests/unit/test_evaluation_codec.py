"""A scored run as JSON: what is written comes back equal; what is no scored run is refused with its place."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from ragsys.errors import RagsysError, SuiteError
from ragsys.evaluation import codec
from ragsys.evaluation.records import Comparison, ConfigInfo, Estimate, MetricInfo, Provenance, Question, Scored

QUESTIONS: tuple[Question, ...] = ({"id": "q1", "question": "A?"}, {"id": "q2", "question": "B </script> | \ud83d?"})


def scored() -> Scored:
    value = Estimate(0.5, 0.0, 1.0, 1, undefined=1, clusters=1)
    return Scored(
        provenance=Provenance(
            "s", "MIT", "r1", "ragsys eval s", "2026-11-21T07:00:00Z", "abc", "m", 7, {"ragsys": "0"}
        ),
        questions=QUESTIONS,
        configs=(ConfigInfo("a|b", "0123", "extractive", {"dense": 0.25}), ConfigInfo("c", "4567")),
        metrics=(MetricInfo("recall@5", "r"), MetricInfo("tokens", "t", False, (0.0, math.inf), "tokens")),
        outcomes={"a|b": (), "c": ()},
        scores={"a|b": {"recall@5": (0.5, None)}, "c": {"recall@5": (1.0, 0.0)}},
        estimates={"a|b": {"recall@5": value}, "c": {"recall@5": Estimate(None, None, None, 0, 2)}},
        groups={"source": {"x</script>": {"a|b": {"recall@5": value}}}},
        comparisons=(Comparison("recall@5", "a|b", "c", -0.5, -1.0, 0.0, 0.5, 1.0, 1, 1, "No difference was shown."),),
        notes=("one error",),
    )


def test_what_is_saved_comes_back_equal(tmp_path: Path) -> None:
    path = codec.save(scored(), tmp_path / "deep" / "scores.json")
    loaded = codec.load(path, questions=QUESTIONS, outcomes={"a|b": (), "c": ()})
    assert loaded == scored()
    assert codec.dumps(loaded) == codec.dumps(scored())
    assert [one.name for one in path.parent.iterdir()] == ["scores.json"]


def test_the_text_is_strict_json() -> None:
    data = json.loads(codec.dumps(scored()), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert data["metrics"][1]["bounds"] == [0.0, None]
    assert data["questions"] == ["q1", "q2"]


def test_without_questions_the_numbers_are_there() -> None:
    loaded = codec.loads(codec.dumps(scored()))
    assert loaded.questions == ()
    assert loaded.estimates["a|b"]["recall@5"].value == 0.5


def test_scores_of_other_questions_are_refused() -> None:
    with pytest.raises(SuiteError, match="scores of 2 other questions than the 1 given"):
        codec.loads(codec.dumps(scored()), questions=QUESTIONS[:1])


def test_a_number_that_is_none_is_named() -> None:
    broken = dataclasses.replace(scored(), scores={"c": {"recall@5": (1.0, math.nan)}})
    with pytest.raises(RagsysError, match=r"scores: c: recall@5\[1\]: nan is no measurement"):
        codec.dumps(broken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: [1], "no JSON object"),
        (lambda data: {**data, "version": 9}, "version 9, this ragsys reads version 1"),
        (lambda data: {**data, "configs": [{"name": "a"}]}, "configs.0.hash: Field required"),
        (lambda data: {**data, "metrics": 3}, "not the scores of a run"),
        (lambda data: {**data, "scores": {"a": {"m": ["x"]}}}, "scores.a.m.0"),
        (lambda data: {key: value for key, value in data.items() if key != "provenance"}, "provenance: Field required"),
    ],
)
def test_what_is_no_scored_run_is_refused_with_its_place(change: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(change(json.loads(codec.dumps(scored())))), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        codec.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot be read"):
        codec.load(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"version": 1', encoding="utf-8")
    with pytest.raises(SuiteError, match="not the scores of a run"):
        codec.load(tmp_path / "cut.json")
