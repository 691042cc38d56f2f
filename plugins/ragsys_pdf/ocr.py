"""Text off page images: tesseract (a program of its own), rapidocr (a Python package), or whichever is there."""

from __future__ import annotations

import importlib.util
import io
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from typing import Any

from ragsys.environment import without_secrets
from ragsys.errors import DocumentError, MissingExtra, RagsysError
from ragsys.protocols import Context, Ocr
from ragsys.types import Block, PageImage
from ragsys_pdf.cleaning import clean
from ragsys_pdf.options import OcrOptions
from ragsys_pdf.pages import Setting, build_page
from ragsys_pdf.spans import Box, RawPage, Span, count_sizes

_LARGE = 1.4  # a line this much higher than the usual one is set in larger type; less is ascenders and noise
_GET_TESSERACT = "apt install tesseract-ocr (macOS: brew install tesseract, Windows: winget install tesseract-ocr)"
_GET_RAPIDOCR = "pip install 'ragsys[ocr]'"


def blocks_of(image: PageImage, lines: Iterable[Sequence[tuple[Box, str]]]) -> tuple[Block, ...]:
    """Blocks of recognised lines, each a sequence of (box in pixels, text), by the same rules as pages with text."""
    cleaned = [[(box, clean(text)) for box, text in line if clean(text)] for line in lines]
    heights = [max(b[3] for b, _ in line) - min(b[1] for b, _ in line) for line in cleaned if line]
    if not heights:
        return ()
    usual = statistics.median(heights)
    spans: list[Span] = []
    for number, line in enumerate(line for line in cleaned if line):
        y0, y1 = min(b[1] for b, _ in line), max(b[3] for b, _ in line)
        size = usual if 0.6 * usual < y1 - y0 < _LARGE * usual else y1 - y0
        # all words of a line share its height: a word without ascenders must not fall out of its row
        spans += [Span(b[0], y0, b[2], y1, text, size, False, number) for b, text in line]
    raw = RawPage(image.page, float(image.width_px), float(image.height_px), spans, sizes=count_sizes(spans))
    page, _ = build_page(raw, Setting(body=usual), "ocr")
    return page.blocks


class TesseractOcr:
    """The tesseract program. About 2 CPU s a page at 150 dpi; weak on slides and dense tables."""

    def __init__(self, options: OcrOptions, context: Context) -> None:
        self.options = options

    def available(self) -> str:
        """Empty, or that the program or a language is missing."""
        if shutil.which("tesseract") is None:
            return f"tesseract is not installed: {_GET_TESSERACT}"
        missing = [code for code in self.options.language.split("+") if code not in _languages()]
        if missing:
            packages = " ".join(f"tesseract-ocr-{code.replace('_', '-')}" for code in missing)
            return f"tesseract has no language {', '.join(missing)}: apt install {packages}"
        return ""

    def read(self, image: PageImage) -> Sequence[Block]:
        """Blocks with line boxes. Raises `DocumentError` if the program fails or takes too long."""
        lacking = self.available()
        if lacking:
            raise RagsysError(lacking)
        buffer = io.BytesIO()
        image.image.convert("L").save(buffer, "PPM")
        try:
            done = subprocess.run(
                [
                    "tesseract", "stdin", "stdout", "-l", self.options.language,
                    "--dpi", str(max(70, round(image.dpi))), "--psm", "3", "tsv",
                ],
                input=buffer.getvalue(),
                capture_output=True,
                timeout=self.options.timeout or None,
                env={**without_secrets(), "OMP_THREAD_LIMIT": str(self.options.threads)},
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise DocumentError(
                f"page {image.page}: tesseract took more than {self.options.timeout:.0f} s", outcome="timeout"
            ) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise DocumentError(f"page {image.page}: tesseract failed ({said[-1] if said else done.returncode})")
        return blocks_of(image, parse_tsv(done.stdout.decode("utf-8", "replace"), self.options.min_confidence))


def parse_tsv(table: str, min_confidence: float) -> list[list[tuple[Box, str]]]:
    """The words of each line, (box in pixels, text), from tesseract's TSV."""
    lines: dict[tuple[str, ...], list[tuple[Box, str]]] = {}
    for record in table.splitlines()[1:]:
        fields = record.split("\t")
        if len(fields) < 12 or fields[0] != "5" or float(fields[10]) < min_confidence or not fields[11].strip():
            continue
        x, y, w, h = (float(value) for value in fields[6:10])
        lines.setdefault(tuple(fields[1:5]), []).append(((x, y, x + w, y + h), fields[11]))
    return list(lines.values())


@cache
def _languages() -> frozenset[str]:
    listing = ["tesseract", "--list-langs"]
    done = subprocess.run(listing, capture_output=True, timeout=30, env=without_secrets(), check=False)
    return frozenset(done.stdout.decode("utf-8", "replace").split())


class RapidOcr:
    """The rapidocr package: PP-OCR models on onnxruntime. About 13 CPU s a page at 150 dpi; good on slides."""

    def __init__(self, options: OcrOptions, context: Context) -> None:
        self.options = options

    def available(self) -> str:
        """Empty, or that the package is missing."""
        return "" if importlib.util.find_spec("rapidocr") else f"rapidocr is not installed: {_GET_RAPIDOCR}"

    @cached_property
    def engine(self) -> Any:
        """The engine with its models; made on first use."""
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise MissingExtra("ocr", "rapidocr", "rapidocr", "ocr") from error
        return RapidOCR(
            params={
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": self.options.threads,
            }
        )

    def read(self, image: PageImage) -> Sequence[Block]:
        """Blocks with line boxes. Raises `MissingExtra` if the package is missing."""
        import numpy as np

        # (height, width, 3), blue first as the models were trained
        pixels = np.asarray(image.image.convert("RGB"))[:, :, ::-1]
        result = self.engine(np.ascontiguousarray(pixels))
        if result.boxes is None or result.txts is None:
            return ()
        lines: list[list[tuple[Box, str]]] = []
        for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
            if 100 * score >= self.options.min_confidence:
                xs, ys = [float(c[0]) for c in corners], [float(c[1]) for c in corners]
                lines.append([((min(xs), min(ys), max(xs), max(ys)), text)])
        return blocks_of(image, lines)


class AutoOcr:
    """Tesseract if it can run here, else rapidocr if it is installed."""

    def __init__(self, options: OcrOptions, context: Context) -> None:
        self.options = options
        self._engines: tuple[Ocr, ...] = (TesseractOcr(options, context), RapidOcr(options, context))

    @cached_property
    def engine(self) -> Ocr | None:
        """The first engine that can run here."""
        return next((engine for engine in self._engines if not engine.available()), None)

    def available(self) -> str:
        """Empty, or what each engine lacks."""
        return "" if self.engine else "; or ".join(engine.available() for engine in self._engines)

    def read(self, image: PageImage) -> Sequence[Block]:
        """What the engine reads. Raises `RagsysError` if there is none."""
        if self.engine is None:
            raise RagsysError(f"no OCR engine can run here: {self.available()}")
        return self.engine.read(image)
