"""What the benches share: fresh libraries, medians, a process tree's memory, one form of result."""

from __future__ import annotations

import argparse
import compileall
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """One figure: the median of `runs`, beside its limit where one was measured in the same run."""

    figure: str
    value: float
    unit: str
    reach: str  # what is to be reached, in words
    runs: tuple[float, ...] = ()
    limit: float | None = None  # the bare operation, in the same unit
    note: str = ""

    @property
    def share(self) -> float | None:
        """value / limit."""
        return self.value / self.limit if self.limit else None


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every bench takes."""
    parser = argparse.ArgumentParser(description=description)
    data = os.environ.get("RAGSYS_DATA")
    parser.add_argument(
        "--data", type=Path, default=data, required=data is None, help="folder with pdfs/ and questions.jsonl"
    )
    parser.add_argument("--runs", type=int, default=3, help="repetitions; the median counts")
    parser.add_argument("--json", type=Path, help="append the rows to this file, one JSON object a line")
    return parser


def report(rows: Sequence[Row], path: Path | None) -> None:
    """Print the rows, and append them to a file if one is named."""
    for row in rows:
        share = f"  = {row.share:.0%} of the limit {row.limit:.4g}" if row.share is not None and row.limit else ""
        runs = f"  runs {', '.join(f'{run:.4g}' for run in row.runs)}" if len(row.runs) > 1 else ""
        print(
            f"{row.figure}: {row.value:.4g} {row.unit}{share}  (reach: {row.reach}){runs} {row.note}".rstrip(),
            flush=True,
        )
    if path:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        about = {
            "commit": commit,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "date": time.strftime("%Y-%m-%d"),
        }
        with path.open("a", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps({**asdict(row), **about}) + "\n")


def median_of(runs: int, measure: Callable[[], float]) -> tuple[float, tuple[float, ...]]:
    """(median, every run)."""
    values = tuple(measure() for _ in range(runs))
    return statistics.median(values), values


@functools.cache
def installed() -> dict[str, str]:
    """The environment of a user's command: modules are compiled, as `pip install` leaves them, and stay so.

    A checkout has none compiled, and a shell that forbids to keep them would have each process compile them anew.
    """
    names = [folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "__init__.py").is_file()]
    for folder in (ROOT / "ragsys", *(ROOT / "plugins" / name for name in names)):
        compileall.compile_dir(folder, quiet=2)
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def fresh_home() -> Iterator[dict[str, str]]:
    """An environment whose libraries are new and empty."""
    with tempfile.TemporaryDirectory(prefix="ragsys-bench-", ignore_cleanup_errors=True) as home:
        yield {**installed(), "RAGSYS_HOME": home}


def ragsys(*words: str | Path, env: dict[str, str]) -> tuple[float, str]:
    """Run the command line as a user does: (seconds, standard output)."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "ragsys", *map(str, words)], env=env, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"ragsys {' '.join(map(str, words))} failed:\n{done.stderr}")
    return seconds, done.stdout


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The highest sum of resident memory (MB, shared pages counted once a process) of this process's children."""
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not done.wait(0.1):
            total = 0
            for child in me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total / 2**20)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def warm(folder: Path) -> None:
    """Read every file once, so that the disk does not count."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.read_bytes()


def allocated(folder: Path) -> int:
    """Bytes of allocated blocks below a folder."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def pages_of(data: Path) -> dict[str, int]:
    """{file name: pages} of the data folder's documents."""
    rows = [json.loads(line) for line in (data / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    return {row["doc"]: row["pages"] for row in rows}


def some_pages(data: Path, target: Path, pages: int) -> int:
    """Link documents, by name, into a folder until it holds about so many pages; how many it holds."""
    total = 0
    for name, count in sorted(pages_of(data).items()):
        if total + count <= pages * 1.02:
            os.symlink(data.resolve() / "pdfs" / name, target / name)
            total += count
    return total
