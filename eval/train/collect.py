"""The feature table of questions, collected through the product's own search: what serving will see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ragsys
from ragsys.config import Spec
from ragsys.types import Query


@dataclass(frozen=True)
class Group:
    """One question: its candidates' features and labels."""

    id: str
    source: str
    docs: tuple[str, ...]  # paths of its gold documents
    gold: int  # how many gold pages there are, found or not
    table: NDArray[np.float32]  # (pages, features)
    label: NDArray[np.int8]  # (pages,) 1: gold
    fused: NDArray[np.float64]  # (pages,) the order before
    held: NDArray[np.bool_]  # (pages,) whether a list held the page


def questions(path: Path) -> list[dict[str, Any]]:
    """The questions with gold pages, by id."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return sorted((row for row in rows if row["gold_pages"]), key=lambda row: str(row["id"]))


def collect(
    library: ragsys.Library, rows: Iterable[Mapping[str, Any]]
) -> tuple[list[Group], tuple[str, ...], dict[str, list[str]]]:
    """(groups, features, {list: its vectors})."""
    searcher = library.searcher
    ids = {path: document.id for document in library.documents() for path in document.paths}
    groups: list[Group] = []
    names: tuple[str, ...] = ()
    lists: dict[str, list[str]] = {}
    ranker: Any = library.space.builder.build("ranker", Spec(use="trees"))
    for row in rows:
        query = Query(row["question"])
        found = searcher.search(query, 10)
        lists = {ranked.name: sorted(ranked.vectors) for ranked in found.lists}
        described = ranker.describe(query, found.lists, searcher.index)
        names = tuple(described.columns)
        gold = {(ids[page["doc"]], page["page"]) for page in row["gold_pages"]}
        spans: Sequence[Any] = described.found.spans
        groups.append(
            Group(
                str(row["id"]),
                str(row["source"]),
                tuple(sorted({page["doc"] for page in row["gold_pages"]})),
                len(gold),
                np.stack(list(described.columns.values()), axis=1),
                np.array([(span.doc, span.first) in gold for span in spans], np.int8),
                described.found.fused,
                described.found.held.any(axis=0),
            )
        )
    return groups, names, lists


def kept(path: Path, groups: Sequence[Group], names: Sequence[str], lists: Mapping[str, Sequence[str]]) -> None:
    """Writes groups to a file, for runs that change nothing of how they were collected."""
    told = [[group.id, group.source, list(group.docs), group.gold, len(group.label)] for group in groups]
    about = json.dumps({"groups": told, "names": list(names), "lists": {k: list(v) for k, v in lists.items()}})
    columns = {
        "table": np.concatenate([group.table for group in groups]),
        "label": np.concatenate([group.label for group in groups]),
        "fused": np.concatenate([group.fused for group in groups]),
        "held": np.concatenate([group.held for group in groups]),
    }
    np.savez_compressed(path, about=np.array(about), **columns)  # type: ignore[arg-type]


def read(path: Path) -> tuple[list[Group], tuple[str, ...], dict[str, list[str]]]:
    """What `kept` wrote: (groups, features, {list: its vectors})."""
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        table, label, fused, held = (file[name] for name in ("table", "label", "fused", "held"))
    groups = []
    first = 0
    for key, source, docs, gold, size in about["groups"]:
        rows = slice(first, first + size)
        groups.append(Group(key, source, tuple(docs), gold, table[rows], label[rows], fused[rows], held[rows]))
        first += size
    return groups, tuple(about["names"]), about["lists"]
