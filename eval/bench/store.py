"""What the embedded store costs at the size of 5,434 pages: disk, writing, opening, searching, the hold on Python.

    python eval/bench/store.py [FOLDER]          # a temporary folder by default; prints one JSON object

Points are synthetic: 200 terms and 2 KB of packed blocks a page, 70 terms and a 384-number vector a passage, BM25-like
weights (three terms of four occur once). Disk is allocated blocks.
"""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions

from ragsys.protocols import Context
from ragsys.store import AllOf, Condition, In, Is, Not, Plan, Point, Schema
from ragsys.types import Sparse, Vector, VectorSpec

PAGES, PASSAGES, PER_DOC = 5434, 20000, 75
PAGE_WORDS = VectorSpec("words-page-0", "sparse", items="page")
TEXT_WORDS = VectorSpec("words-passage-0", "sparse")
DENSE = VectorSpec("dense-0", "dense", 384)
SCHEMA = Schema(
    {spec.name: spec for spec in (PAGE_WORDS, TEXT_WORDS)},
    {"kind": "keyword", "doc": "keyword", "layer": "keyword", "page": "integer"},
)


def allocated(folder: Path) -> int:
    """Bytes of allocated blocks."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


class Sample:
    """The points, by document, and queries like them."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        size = 50_000
        self.rarity = 1 / np.arange(1, size + 1)
        self.rarity /= self.rarity.sum()
        self.terms = self.rng.integers(0, 2**32, size, dtype=np.uint64).astype(np.uint32)
        self.dense: dict[str, Vector] = {}
        self.docs = [self._document(n) for n in range(0, PAGES, PER_DOC)]

    def words(self, count: int) -> Sparse:
        """`count` distinct terms with weights of BM25's shape: few distinct values, most of them the least."""
        drawn = np.unique(self.rng.choice(len(self.terms), int(count * 1.4), p=self.rarity))[:count]
        frequency = np.minimum(self.rng.geometric(0.75, len(drawn)), 8).astype(np.float32)
        scale = np.float32(self.rng.uniform(0.5, 2.0))
        return Sparse(np.sort(self.terms[drawn]), frequency * 2.2 / (frequency + scale))

    def _document(self, first: int) -> list[Point]:
        doc = f"{first:032x}"
        found = []
        for page in range(first, min(first + PER_DOC, PAGES)):
            payload = {"kind": "page", "doc": doc, "layer": "5a5a5a5a5a5a", "page": page - first + 1, "source": "text"}
            blocks = base64.b64encode(self.rng.bytes(1500)).decode()
            found.append(Point(self._id(), {**payload, "blocks": blocks}, {PAGE_WORDS.name: self.words(200)}))
        for number in range(len(found) * PASSAGES // PAGES):
            page = number * PAGES // PASSAGES + 1
            payload = {"kind": "passage", "doc": doc, "layer": "5b5b5b5b5b5b", "page": page, "last": page}
            payload |= {"ordinal": number, "pieces": f"{page},{number % 9},0,400;{page},{number % 9 + 1},0,350"}
            found.append(Point(self._id(), payload, {TEXT_WORDS.name: self.words(70)}))
            self.dense[found[-1].id] = self.rng.standard_normal(DENSE.dim).astype(np.float32)
        return found

    def _id(self) -> str:
        return str(uuid.UUID(bytes=self.rng.bytes(16), version=5))


class Ticker:
    """How long other threads of the process stand still while something runs."""

    def __enter__(self) -> Ticker:
        self.worst = 0.0
        self._going = True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self) -> None:
        while self._going:
            start = time.perf_counter()
            time.sleep(0.001)
            self.worst = max(self.worst, time.perf_counter() - start - 0.001)

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def p50_p95(runs: list[Callable[[], object]]) -> list[float]:
    """Milliseconds."""
    found = sorted(timed(run) * 1e3 for run in runs)
    return [round(statistics.median(found), 2), round(found[int(len(found) * 0.95)], 2)]


def searches(sample: Sample, skip: int, times: int = 80) -> dict[str, list[Plan]]:
    """Plans by name, as a library asks them: the 100 best under its scope."""
    page, passage = scope("page", "5a5a5a5a5a5a", skip), scope("passage", "5b5b5b5b5b5b", skip)
    keys = ["doc", "page"]
    return {
        "sparse_page": [Plan(PAGE_WORDS.name, sample.words(6), 100, page, keys) for _ in range(times)],
        "sparse_passage": [Plan(TEXT_WORDS.name, sample.words(6), 100, passage, keys) for _ in range(times)],
        "dense": [
            Plan(DENSE.name, sample.rng.standard_normal(384).astype(np.float32), 100, passage, keys)
            for _ in range(times)
        ],
    }


OPEN = """
import sys, time
from pathlib import Path
from ragsys.protocols import Context
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions
store = EdgeStore(EdgeOptions(), Context(Path(sys.argv[1]), Path(sys.argv[1])))
start = time.perf_counter(); store.schema(); print(time.perf_counter() - start)
store.close()
"""


def opening(folder: Path) -> list[float]:
    """Seconds to open in a new process, imports apart; three runs, sorted."""
    runs = [
        subprocess.run([sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    return sorted(round(float(run), 3) for run in runs)


def scope(kind: str, layer: str, skip: int) -> Condition:
    """What a library's search runs under; `skip` documents are not complete."""
    parts: list[Condition] = [Is("kind", kind), Is("layer", layer)]
    if skip:
        parts.append(Not(In("doc", [f"{n * PER_DOC:032x}" for n in range(skip)])))
    return AllOf(tuple(parts))


def main(folder: Path) -> None:
    """Fill, measure, print."""
    sample = Sample()
    points = sum(map(len, sample.docs))
    store = EdgeStore(EdgeOptions(), Context(folder, folder))
    store.ensure(SCHEMA)
    figures: dict[str, object] = {"points": points, "pages": PAGES}
    with Ticker() as ticker:
        writing = sum(timed(partial(store.upsert, doc)) for doc in sample.docs)
    figures["lexical_write_s"] = round(writing, 2)
    figures["lexical_write_pages_per_s"] = round(PAGES / writing)
    figures["write_stall_ms"] = round(ticker.worst * 1e3)
    with Ticker() as ticker:
        figures["flush_all_s"] = round(timed(store.flush), 3)
    figures["flush_stall_ms"] = round(ticker.worst * 1e3)
    figures["lexical_disk_mb"] = round(allocated(folder) / 1e6, 1)
    store.close()
    figures["lexical_open_s"] = opening(folder)
    store = EdgeStore(EdgeOptions(), Context(folder, folder))
    store.ensure(Schema({DENSE.name: DENSE}))
    figures["dense_write_s"] = round(timed(lambda: store.set_vectors(DENSE.name, sample.dense)), 2)
    store.flush()
    figures["disk_mb"] = round(allocated(folder) / 1e6, 1)
    entries = sum(
        len(v.indices) for doc in sample.docs for p in doc for v in p.vectors.values() if isinstance(v, Sparse)
    )
    figures["vectors_float16_mb"] = {"dense": len(sample.dense) * DENSE.dim * 2 / 1e6, "sparse": entries * 6 / 1e6}
    for skip in (0, 3):
        for name, plans in searches(sample, skip).items():
            figures[f"{name}_ms_p50_p95_skip{skip}"] = p50_p95([partial(store.search, plan) for plan in plans])
    ids = list(sample.dense)[:200]
    query = Plan(DENSE.name, sample.rng.standard_normal(384).astype(np.float32), 1)
    figures["score_200_ms"] = p50_p95([partial(store.score, ids, query)] * 40)
    figures["get_200_vectors_ms"] = p50_p95([partial(store.get, ids, vectors=[DENSE.name])] * 40)
    each = [timed(partial(store.upsert, doc)) + timed(store.flush) for doc in sample.docs[:20]]
    figures["rewrite_and_flush_a_document_s"] = round(statistics.median(each), 3)
    store.close()
    figures["open_s"] = opening(folder)
    json.dump(figures, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
