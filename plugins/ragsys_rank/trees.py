"""Boosted trees as JSON, and their sum by numpy: what lightgbm trains, read and computed without it.

A tree is four parallel lists over its inner nodes (`feature`, `threshold`, `left`, `right`) and the list of its leaves.
A value that is at most the threshold goes left. A child of n >= 0 is inner node n, of n < 0 it is leaf -n - 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragsys.errors import ConfigError

_FORMAT = 1
_KEYS = ("format", "name", "version", "features", "lists", "trees")
_MOST_LEAVES = 64
_LARGEST = 8 * 2**20  # bytes of a model file


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of trees over a table of features, all trees side by side in one array a field.

    Leaves are bits, the leftmost the lowest: a node whose value goes right strikes out the leaves under its left child,
    and the lowest bit that is left is the tree's leaf. Lucchese et al. 2015, "QuickScorer". The n-th nodes of all trees
    are asked together: what is worked on stays in the processor's cache. A tree with fewer nodes than the largest is
    filled up with nodes at which every value goes left.
    """

    feature: NDArray[np.int32]  # (widest, trees with nodes)
    threshold: NDArray[np.float64]  # (widest, trees)
    floor: NDArray[np.float32]  # (widest, trees): the largest float32 that is at most the threshold
    keeps: NDArray[np.uint64]  # (widest, trees): the leaves that stay if a value goes right
    leaves: NDArray[np.float64]  # (trees with nodes, widest + 1): values, leftmost leaf first
    constant: float  # of trees without inner nodes

    @classmethod
    def of(cls, trees: Sequence[Mapping[str, Any]], features: int) -> Trees:
        """From the trees of a model file. Raises `ValueError` where one is not a tree over so many features."""
        rows: list[tuple[Sequence[int], Sequence[float], list[int], list[float]]] = []
        constant = 0.0
        for tree in trees:
            size = len(tree["feature"])
            if not (size == len(tree["threshold"]) == len(tree["left"]) == len(tree["right"]) == len(tree["leaf"]) - 1):
                raise ValueError("a tree's lists differ in length")
            if size >= _MOST_LEAVES:
                raise ValueError(f"a tree has more than {_MOST_LEAVES} leaves")
            if not all(type(n) is int for name in ("feature", "left", "right") for n in tree[name]):
                raise ValueError("a tree's nodes and features are whole numbers")
            if not all(math.isfinite(value) for name in ("threshold", "leaf") for value in tree[name]):
                raise ValueError("a tree's thresholds and leaves are finite numbers")
            if not size:
                constant += float(tree["leaf"][0])
                continue
            order, masks = _struck(tree["left"], tree["right"])
            if not 0 <= min(tree["feature"]) <= max(tree["feature"]) < features:
                raise ValueError("a tree asks for a feature that is not listed")
            rows.append((tree["feature"], tree["threshold"], masks, [float(tree["leaf"][n]) for n in order]))
        widest = max((len(masks) for _, _, masks, _ in rows), default=0)
        feature = np.zeros((widest, len(rows)), np.int32)
        threshold = np.full((widest, len(rows)), np.inf)
        keeps = np.full((widest, len(rows)), 2**64 - 1, np.uint64)
        leaves = np.zeros((len(rows), widest + 1))
        for n, (asks, bounds, masks, values) in enumerate(rows):
            feature[: len(masks), n] = asks
            threshold[: len(masks), n] = bounds
            keeps[: len(masks), n] = np.array(masks, np.uint64)
            leaves[n, : len(values)] = values
        return cls(feature, threshold, _at_most(threshold), keeps, leaves, constant)

    def score(self, table: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """table (rows, features) -> (rows,): each row's sum over trees; the same for float32 as for float64."""
        trees = len(self.leaves)
        if not trees or not len(table):
            return np.full(len(table), self.constant)
        columns = np.ascontiguousarray(table.T)  # (features, rows)
        bounds = self.floor if columns.dtype == np.float32 else self.threshold
        width = np.uint8 if self.leaves.shape[1] <= 8 else np.uint64
        keeps = (self.keeps & np.uint64(np.iinfo(width).max)).astype(width)
        alive = np.full((trees, len(table)), np.iinfo(width).max, width)
        for asked, bound, kept in zip(self.feature, bounds, keeps, strict=True):
            right = columns[asked] > bound[:, None]  # (trees, rows)
            # a value that goes left keeps all leaves: 0 - 1 is every bit
            alive &= np.subtract(right.view(np.uint8), 1, dtype=width) | kept[:, None]
        if width is np.uint8:
            leaf = _LOWEST[alive]  # (trees, rows)
        else:
            lowest = alive & (~alive + np.uint64(1))
            leaf = np.log2(lowest.astype(np.float64)).astype(np.intp)  # exact for powers of two
        leaf += (np.arange(trees) * self.leaves.shape[1])[:, None]
        total: NDArray[np.float64] = self.leaves.ravel()[leaf].sum(axis=0) + self.constant
        return total


#: The lowest bit of a byte that is set.
_LOWEST = np.array([0, *((n & -n).bit_length() - 1 for n in range(1, 256))], np.intp)


def _at_most(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is at most each value: a float32 is above the one exactly if it is above the other."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def _struck(left: Sequence[int], right: Sequence[int]) -> tuple[list[int], list[int]]:
    """(leaves from left to right, for each inner node the bits that stay if it goes right).

    Raises `ValueError` where a node or leaf is reached twice or never.
    """
    order: list[int] = []
    masks = [-1] * len(left)

    def walk(node: int) -> None:
        if node < 0:
            order.append(-1 - node)
            return
        if node >= len(left) or masks[node] != -1:
            raise ValueError("a tree's nodes form no tree")
        masks[node] = 0
        begin = len(order)
        walk(left[node])
        masks[node] = (2**64 - 1) & ~((1 << len(order)) - (1 << begin))
        walk(right[node])

    walk(0)
    if -1 in masks or sorted(order) != list(range(len(left) + 1)):
        raise ValueError("a tree's nodes form no tree")
    return order, masks


@dataclass(frozen=True, slots=True)
class Model:
    """A model file: what it was trained on, and its trees."""

    version: int  # of the features
    features: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]  # retriever's name -> names of the vectors it searched: they hold fingerprints
    trees: Trees
    name: str

    @classmethod
    def read(cls, path: Path) -> Model:
        """Raises `ConfigError` where the file cannot be read or is no model."""
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError(f"larger than {_LARGEST >> 20} MB")
            raw = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(raw, dict):
                raise ValueError("not a JSON object")
            if missing := [key for key in _KEYS if key not in raw]:
                raise ValueError(f"it has no '{missing[0]}'")
            if raw["format"] != _FORMAT:
                raise ValueError(f"format {raw['format']}, where this version reads {_FORMAT}")
            features = tuple(map(str, raw["features"]))
            if len(set(features)) < len(features):
                raise ValueError("a feature is listed twice")
            if not raw["trees"]:
                raise ValueError("it has no trees: every page would be worth the same")
            return cls(
                int(raw["version"]),
                features,
                {str(name): tuple(map(str, vectors)) for name, vectors in raw["lists"].items()},
                Trees.of(raw["trees"], len(features)),
                str(raw["name"]),
            )
        except UnicodeDecodeError as error:
            raise _refused(path, "not a text file") from error
        except json.JSONDecodeError as error:
            raise _refused(path, f"not valid JSON: {error}") from error
        except OSError as error:
            raise _refused(path, error.strerror or str(error)) from error
        except KeyError as error:
            raise _refused(path, f"a tree has no {error}") from error
        except RecursionError as error:
            raise _refused(path, "not valid JSON: nested too deeply") from error
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise _refused(path, str(error)) from error


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"search.rank.model: {path}: no ranking model: {why}",
        hint="the model that ships: search.rank.model=null        another: python eval/train/train_ranker.py --help",
    )


def exported(booster: Any, *, name: str, version: int, lists: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The content of a model file from a trained `lightgbm.Booster` without categories or missing values."""
    dump = booster.dump_model()
    return {
        "format": _FORMAT,
        "name": name,
        "version": version,
        "features": list(dump["feature_names"]),
        "lists": {key: list(vectors) for key, vectors in lists.items()},
        "trees": [_flat(tree["tree_structure"]) for tree in dump["tree_info"]],
    }


def _flat(root: Mapping[str, Any]) -> dict[str, list[Any]]:
    tree: dict[str, list[Any]] = {"feature": [], "threshold": [], "left": [], "right": [], "leaf": []}

    def add(node: Mapping[str, Any]) -> int:
        if "leaf_value" in node:
            tree["leaf"].append(float(node["leaf_value"]))
            return -len(tree["leaf"])
        here = len(tree["feature"])
        tree["feature"].append(int(node["split_feature"]))
        tree["threshold"].append(float(node["threshold"]))
        tree["left"].append(0)
        tree["right"].append(0)
        tree["left"][here] = add(node["left_child"])
        tree["right"][here] = add(node["right_child"])
        return here

    add(root)
    return tree
