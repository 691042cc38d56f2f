"""Parsing and lexical indexing: pages/s beside bare PyMuPDF with as many processes, peak memory, size on disk."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pymupdf
from common import Row, allocated, arguments, fresh_home, median_of, pages_of, peak_memory, ragsys, report, warm


def bare(path: str) -> tuple[int, int]:
    """(pages, characters) of a document, by nothing but `get_text`."""
    characters = 0
    with pymupdf.open(path) as document:
        for page in document:
            characters += len(page.get_text().encode("utf-8", "replace"))
        return len(document), characters


def limit(folder: Path, processes: int) -> tuple[float, int]:
    """(pages a second, bytes of text) of bare `get_text` over the folder, the largest documents first."""
    paths = sorted(folder.glob("*.pdf"), key=lambda path: -path.stat().st_size)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(len, ["warm"] * processes)
        began = time.perf_counter()
        done = pool.map(bare, [str(path) for path in paths], chunksize=1)
        seconds = time.perf_counter() - began
    return sum(pages for pages, _ in done) / seconds, sum(size for _, size in done)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "").parse_args()
    folder, pages = options.data / "pdfs", sum(pages_of(options.data).values())
    processes = len(os.sched_getaffinity(0))
    warm(folder)
    limits, sizes, peaks, disks, loads = [], [], [], [], []

    def once() -> float:
        speed, size = limit(folder, processes)
        limits.append(speed)
        sizes.append(size)
        with fresh_home() as env, peak_memory() as peak:
            seconds, _ = ragsys("index", folder, "--quiet", env=env)
            disks.append(allocated(Path(env["RAGSYS_HOME"]) / "data"))
            peaks.append(peak[0])
        loads.append(os.getloadavg()[0])
        return pages / seconds

    speed, runs = median_of(options.runs, once)
    text = sizes[0]
    rows = [
        Row("parse + lexical index", speed, "pages/s", ">= 50 % of the limit", runs, sorted(limits)[len(limits) // 2]),
        Row("peak memory while indexing, all processes", max(peaks), "MB", "<= 2000", tuple(peaks)),
        Row(
            "lexical library on disk",
            disks[0] / 2**20,
            "MB",
            "see `size`",
            (),
            text / 2**20,
            note=f"limit: the extracted text; one-minute load {max(loads):.1f}",
        ),
    ]
    report(rows, options.json)


if __name__ == "__main__":
    main()
