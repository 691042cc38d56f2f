"""The shipped page ranker in small libraries: each question among its own document and some others.

    python eval/train/small_libraries.py --data DATA --library LIBRARY

The others are drawn and chosen by a filter of one large library, so the rarity of words is that of the large one. Only
questions of sources that the shipped weights were not trained on take part.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train_ranker import SHIPPED

from ragsys.library import Library
from ragsys.types import Filter, Query

SIZES = (1, 3, 6, 24)  # documents
DEPTHS = (1, 5, 10)


def recalls(library: Library, query: Query, gold: set[tuple[str, int]]) -> list[float]:
    """Page recall at each depth."""
    hits = library.searcher.search(query, max(DEPTHS)).hits
    return [len(gold & {(hit.doc, hit.page) for hit in hits[:depth]}) / len(gold) for depth in DEPTHS]


def measure(library: Library, rows: Sequence[dict[str, Any]], size: int, seed: int = 0) -> str:
    """A row of the table."""
    draw = random.Random(seed)
    ids = {path: state.doc for state in library.space.catalog for path in state.paths}
    pages = {state.doc: state.pages for state in library.space.catalog}
    ranker = library.searcher.ranker
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    held = []
    for row in rows:
        gold = {(ids[page["doc"]], page["page"]) for page in row["gold_pages"]}
        own = {doc for doc, _ in gold}
        docs = own | set(draw.sample(sorted(pages.keys() - own), max(0, size - len(own))))
        held.append(sum(pages[doc] for doc in docs))
        query = Query(row["question"], filter=Filter(doc=tuple(sorted(docs))))
        for ranked, values in found.items():
            library.searcher.ranker = ranker if ranked else None
            values.append(recalls(library, query, gold))
    library.searcher.ranker = ranker
    means = {ranked: [statistics.mean(column) for column in zip(*found[ranked], strict=True)] for ranked in found}
    shown = [f"{means[ranked][n]:.3f}" for n in range(len(DEPTHS)) for ranked in (False, True)]
    return f"| {size} | {statistics.median(held):.0f} | {' | '.join(shown)} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    given = parser.parse_args()
    lines = (given.data / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["gold_pages"] and row["source"] not in SHIPPED]
    print(f"{len(rows)} questions of {', '.join(sorted({row['source'] for row in rows}))}\n")
    columns = [f"@{depth} {name}" for depth in DEPTHS for name in ("fused", "ranked")]
    print("| documents | pages, median | " + " | ".join(columns) + " |")
    print("|---" * (2 + len(columns)) + "|")
    with Library(given.data / "pdfs", folder=given.library, background=False, index=False) as library:
        for size in SIZES:
            print(measure(library, rows, size), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
