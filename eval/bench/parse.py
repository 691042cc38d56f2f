"""Pages a second of the loader beside bare PyMuPDF `get_text`, and what odd files give.

python eval/bench/parse.py speed  FOLDER [--processes 2] [--rounds 3]
python eval/bench/parse.py robust FOLDER
python eval/bench/parse.py ocr    FOLDER [--sample 40] [--engine auto]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path


def loader() -> object:
    """A loader with default options."""
    from ragsys_pdf.loader import PyMuPdfLoader
    from ragsys_pdf.options import LoaderOptions

    from ragsys.protocols import Context

    scratch = Path(tempfile.gettempdir())
    return PyMuPdfLoader(LoaderOptions(), Context(scratch, scratch))


def bare(path: str) -> int:
    """Pages read by bare `get_text`."""
    import pymupdf

    with pymupdf.open(path) as document:
        return sum(page.get_text() is not None for page in document)


def ours(path: str) -> int:
    """Pages read by the loader."""
    return sum(1 for _ in loader().open(Path(path)))  # type: ignore[attr-defined]


def speed(files: list[Path], processes: int, rounds: int) -> None:
    """Both, round by round in one run; the medians are compared. Wall-clock pages a second, process starts left out."""
    names = [str(file) for file in sorted(files, key=lambda f: -f.stat().st_size)]
    rates: dict[str, list[float]] = {"get_text": [], "loader": []}
    jobs: list[tuple[str, Callable[[str], int]]] = [("get_text", bare), ("loader", ours)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(bare, names[-processes:])  # imports
        pool.map(ours, names[-processes:])
        for _ in range(rounds):
            for name, job in jobs:
                start = time.perf_counter()
                pages = sum(pool.imap_unordered(job, names))
                rates[name].append(pages / (time.perf_counter() - start))
                print(f"{name:9s} {pages} pages, {rates[name][-1]:.0f} pages/s", flush=True)
    limit, reached = (statistics.median(rates[name]) for name in ("get_text", "loader"))
    share = reached / limit
    print(f"median of {rounds}, {processes} processes: get_text {limit:.0f}/s, loader {reached:.0f}/s = {share:.0%}")


def robust(files: list[Path]) -> None:
    """A table: file, pages, faults, blocks, sources, outcome."""
    from ragsys.errors import DocumentError
    from ragsys.types import Fault, Page

    reader = loader()
    print("| file | pages | faults | blocks | text/none | seconds | outcome |\n|---|---|---|---|---|---|---|")
    for file in files:
        start = time.perf_counter()
        try:
            read = list(reader.open(file))  # type: ignore[attr-defined]
        except DocumentError as error:
            print(
                f"| {file.name} | 0 | 0 | 0 | | {time.perf_counter() - start:.2f} | {error.outcome}: {error.message} |"
            )
            continue
        pages = [item for item in read if isinstance(item, Page)]
        faults = [item for item in read if isinstance(item, Fault)]
        sources = Counter(page.source for page in pages)
        outcome = "broken" if not pages else "partial" if faults else "no-text" if not sources["text"] else "indexed"
        blocks = sum(len(page.blocks) for page in pages)
        spent = time.perf_counter() - start
        print(
            f"| {file.name} | {len(pages)} | {len(faults)} | {blocks} | {sources['text']}/{sources['none']}"
            f" | {spent:.2f} | {outcome} |"
        )


def without_text(files: list[Path]) -> Iterator[tuple[Path, int]]:
    """The pages that the loader gives no text for."""
    reader = loader()
    for file in files:
        for page in reader.open(file):  # type: ignore[attr-defined]
            if getattr(page, "source", "") == "none":
                yield file, page.number


def ocr(files: list[Path], sample: int, engine: str) -> None:
    """Pages a second of OCR on a random sample of the pages without text, and how many of them give words."""
    from ragsys_pdf import ocr as engines
    from ragsys_pdf.options import OcrOptions

    from ragsys.protocols import Context

    scratch = Path(tempfile.gettempdir())
    kind = {"auto": engines.AutoOcr, "tesseract": engines.TesseractOcr, "rapidocr": engines.RapidOcr}[engine]
    reads = kind(OcrOptions(), Context(scratch, scratch))
    if reads.available():
        sys.exit(reads.available())
    pages = list(without_text(files))
    chosen = random.Random(0).sample(pages, min(sample, len(pages)))
    reader = loader()
    found = words = 0
    before = os.times()
    start = time.perf_counter()
    for file, number in chosen:
        image = reader.render(file, number, dpi=150)  # type: ignore[attr-defined]
        count = sum(len(block.text.split()) for block in reads.read(image))
        found += count >= 3
        words += count
    spent = time.perf_counter() - start
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(
        f"{len(pages)} pages without text; of {len(chosen)} sampled, {found} give three words or more ({words} words)"
    )
    print(f"{engine}: {len(chosen) / spent:.2f} pages/s, {cpu / max(1, len(chosen)):.2f} CPU s a page")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "robust", "ocr"])
    parser.add_argument("folder", nargs="?", default=os.environ.get("RAGSYS_DATA"), type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--engine", choices=["auto", "tesseract", "rapidocr"], default="auto")
    given = parser.parse_args()
    if given.folder is None:
        parser.error("name the folder of PDFs, or set RAGSYS_DATA")
    files = sorted(Path(given.folder).glob("*.pdf"))
    if given.what == "speed":
        speed(files, given.processes, given.rounds)
    elif given.what == "robust":
        robust(files)
    else:
        ocr(files, given.sample, given.engine)


if __name__ == "__main__":
    main()
