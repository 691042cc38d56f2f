"""Trees from JSON: equal to lightgbm's own predictions, and refused where they are no trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ragsys_rank.features import VERSION
from ragsys_rank.ranker import SHIPPED
from ragsys_rank.trees import Model, Trees, exported

from ragsys.errors import ConfigError

#: x0 <= 1 ? (x1 <= 0 ? 10 : 20) : 30, written with the leaves out of order.
TREE: dict[str, list[Any]] = {
    "feature": [0, 1],
    "threshold": [1.0, 0.0],
    "left": [1, -3],
    "right": [-2, -1],
    "leaf": [20.0, 30.0, 10.0],
}


def test_a_tree_by_hand() -> None:
    table = np.array([[1.0, 0.0], [1.0, 0.1], [1.1, -5.0]])
    assert Trees.of([TREE], 2).score(table).tolist() == [10.0, 20.0, 30.0]
    stump: dict[str, list[Any]] = {"feature": [], "threshold": [], "left": [], "right": [], "leaf": [0.5]}
    assert Trees.of([TREE, stump, TREE], 2).score(table).tolist() == [20.5, 40.5, 60.5]
    assert Trees.of([stump], 0).score(table).tolist() == [0.5] * 3
    assert Trees.of([TREE], 2).score(table[:0]).tolist() == []


@pytest.mark.parametrize("leaves", [2, 8, 31, 64])
def test_scores_are_those_of_lightgbm(leaves: int) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    chance = np.random.default_rng(leaves)
    table = chance.normal(size=(400, 5)).round(1)
    label = (table[:, 0] * table[:, 1] > 0).astype(float)
    settings = {"num_leaves": leaves, "min_data_in_leaf": 2, "verbose": -1, "num_threads": 1, "deterministic": True}
    booster = lightgbm.train(settings, lightgbm.Dataset(table, label), 20)
    content = json.loads(json.dumps(exported(booster, name="x", version=1, lists={"a": ["b"]})))
    scores = Trees.of(content["trees"], 5).score(table)
    assert scores.std() > 0.01
    np.testing.assert_allclose(scores, booster.predict(table), rtol=0, atol=1e-12)


def test_float32_tables_score_as_their_values_do_in_float64() -> None:
    lone = {"feature": [0], "threshold": [0.1], "left": [-1], "right": [-2], "leaf": [1.0, 2.0]}
    edges = np.array([[0.1], [np.nextafter(np.float32(0.1), np.float32(0))], [-1.0], [5.0]], np.float32)
    trees = Trees.of([lone, TREE], 2)
    table = np.hstack([edges, edges[::-1]])
    assert np.array_equal(trees.score(table), trees.score(table.astype(np.float64)))
    # 0.1 in float32 is above 0.1 in float64; what is just below it is not
    assert Trees.of([lone], 1).score(edges).tolist() == [2.0, 1.0, 1.0, 2.0]
    for bound in (1e300, -1e300):  # beyond float32
        one = Trees.of([lone | {"threshold": [bound]}], 1)
        assert np.array_equal(one.score(edges), one.score(edges.astype(np.float64)))


@pytest.mark.parametrize(
    "change",
    [
        {"left": [0, -3]},  # in a circle
        {"left": [1, -1]},  # a leaf twice
        {"right": [-2, 7]},  # no such node
        {"leaf": [1.0, 2.0]},
        {"feature": [0, 2]},  # no such feature
        {"feature": [0, -1]},
        {"feature": [0, 0.5]},
        {"threshold": [1.0, float("nan")]},
        {"leaf": [20.0, 30.0, float("inf")]},
    ],
)
def test_what_is_no_tree_is_refused(change: dict[str, list[Any]]) -> None:
    with pytest.raises(ValueError, match="tree"):
        Trees.of([TREE | change], 2)


def test_a_file_that_is_no_model_is_an_error_of_the_user(tmp_path: Path) -> None:
    good = {"format": 1, "name": "x", "version": 1, "features": ["a", "b"], "lists": {}, "trees": [TREE]}
    file = tmp_path / "model.json"
    file.write_text(json.dumps(good), encoding="utf-8")
    assert Model.read(file).features == ("a", "b")
    huge, nameless = TREE | {"leaf": [10**400, 1.0, 2.0]}, {key: TREE[key] for key in ("feature", "threshold")}
    for text, why in (
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON: nested too deeply"),
        ("[]", "not a JSON object"),
        ("{}", "it has no 'format'"),
        (json.dumps(good | {"format": 2}), "format 2, where this version reads 1"),
        (json.dumps(good | {"trees": [3]}), ""),
        (json.dumps(good | {"trees": []}), "it has no trees"),
        (json.dumps(good | {"trees": [huge]}), "int too large"),
        (json.dumps(good | {"trees": [nameless]}), "a tree has no 'left'"),
        (json.dumps(good | {"trees": [TREE | {"leaf": ["a", 1.0, 2.0]}]}), ""),
        (json.dumps(good | {"features": ["a", "a"]}), "a feature is listed twice"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=rf"model\.json: no ranking model: {why}") as caught:
            Model.read(file)
        assert "search.rank.model=null" in (caught.value.hint or "")
    file.write_bytes(b"\xa8\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        Model.read(file)
    with pytest.raises(ConfigError, match="No such file"):
        Model.read(tmp_path / "missing.json")


def test_the_model_that_ships_fits_these_features_and_is_small() -> None:
    model = Model.read(SHIPPED)
    assert model.version == VERSION
    assert set(model.lists) == {"pages", "passages", "dense"}
    assert SHIPPED.stat().st_size <= 1_000_000
    assert b"\r" not in SHIPPED.read_bytes()
