"""The loader, the OCR engines and the layout model keep their contracts on pages of many kinds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pdfs
import pytest
from ragsys_pdf.loader import PyMuPdfLoader
from ragsys_pdf.ocr import AutoOcr, RapidOcr, TesseractOcr
from ragsys_pdf.options import LayoutOptions, LoaderOptions, OcrOptions

from ragsys.protocols import Context
from ragsys.testing.loaders import check_layout, check_loader, check_ocr
from ragsys.types import Page

KINDS = {
    "article": pdfs.article,
    "columns": pdfs.columns,
    "table": pdfs.table_page,
    "figure": pdfs.figure_page,
    "drawing": pdfs.drawing_page,
    "blank": lambda page: None,
}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "state", tmp_path / "cache")


@pytest.mark.parametrize("kind", KINDS)
def test_loader(kind: str, tmp_path: Path, context: Context) -> None:
    path = pdfs.new(tmp_path / "a.pdf", KINDS[kind], pages=3)
    assert len(check_loader(PyMuPdfLoader(LoaderOptions(), context), path)) == 3


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated(degrees: int, tmp_path: Path, context: Context) -> None:
    check_loader(PyMuPdfLoader(LoaderOptions(), context), pdfs.rotated(tmp_path / "a.pdf", degrees))


def test_many_pages_without_any(tmp_path: Path, context: Context) -> None:
    def long_table(page: object) -> None:
        pdfs.table(page, [(f"Row number {n}", str(n), str(2 * n), str(3 * n)) for n in range(40)], top=80)

    path = pdfs.new(tmp_path / "a.pdf", long_table, pages=24)
    loader = PyMuPdfLoader(LoaderOptions(), context)
    assert len(check_loader(loader, path)) == 24


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
@pytest.mark.parametrize("engine", [TesseractOcr, AutoOcr])
def test_tesseract(engine: type, tmp_path: Path, context: Context) -> None:
    path = pdfs.scan(tmp_path / "a.pdf", pdfs.article)
    loader = PyMuPdfLoader(LoaderOptions(), context)
    page = next(iter(loader.open(path)))
    assert isinstance(page, Page)
    assert page.source == "none"
    blocks = check_ocr(
        engine(OcrOptions(), context),
        loader.render(path, 1, dpi=150),
        ["Life", "River", "northern", "farmland", "meadows", "boat", "Builders", "mill", "keel", "planks"],
    )
    assert blocks[0].bbox.y0 < 0.15 < 0.4 < blocks[-1].bbox.y1


def test_rapidocr(tmp_path: Path, context: Context) -> None:
    pytest.importorskip("rapidocr")
    path = pdfs.scan(tmp_path / "a.pdf", pdfs.article)
    image = PyMuPdfLoader(LoaderOptions(), context).render(path, 1, dpi=150)
    check_ocr(RapidOcr(OcrOptions(), context), image, ["Life", "northern", "farmland", "Builders"])


@pytest.mark.slow
def test_layout(tmp_path: Path, context: Context) -> None:
    pytest.importorskip("pymupdf.layout")
    from ragsys_pdf.layout import PyMuPdfLayout

    path = pdfs.new(tmp_path / "a.pdf", pdfs.table_page)
    pages = [p for p in PyMuPdfLoader(LoaderOptions(), context).open(path) if isinstance(p, Page)]
    refined = check_layout(PyMuPdfLayout(LayoutOptions(), context), path, pages)
    assert "Research and development" in refined[0].text
