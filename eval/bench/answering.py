"""What a user waits for: a first answer over a new folder, an answer over an indexed one, help texts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import Row, arguments, fresh_home, installed, median_of, ragsys, report, some_pages, warm

QUESTION = "What was the total revenue in fiscal year 2022?"


def timed(*words: str) -> float:
    """Seconds of one run of the command line."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ragsys", *words], check=True, capture_output=True, env=installed())
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "").parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "docs"
        folder.mkdir()
        pages = some_pages(options.data, folder, 1000)
        warm(folder)

        def first() -> float:
            with fresh_home() as env:
                return ragsys("ask", folder, QUESTION, "--json", env=env)[0]

        value, runs = median_of(options.runs, first)
        rows.append(Row(f"first answer over {pages} pages, new library", value, "s", "<= 8", runs))
        with fresh_home() as env:
            ragsys("index", folder, "--quiet", env=env)
            ragsys("ask", folder, QUESTION, "--json", env=env)
            value, runs = median_of(options.runs, lambda: ragsys("ask", folder, QUESTION, "--json", env=env)[0])
        note = "dense layer pending: the shortlist is rescored"
        rows.append(Row("answer over an indexed folder, new process", value, "s", "<= 1.5", runs, note=note))
    for words in (("--help",), ("plugins",)):
        value, runs = median_of(max(5, options.runs), lambda words=words: timed(*words))
        rows.append(Row(f"ragsys {' '.join(words)}", value, "s", "<= 0.3", runs))
    report(rows, options.json)


if __name__ == "__main__":
    main()
