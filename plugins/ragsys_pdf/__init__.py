"""Files into pages: the PyMuPDF loader with fast rules for blocks and tables, OCR, a layout model."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component
from ragsys_pdf.suffixes import SUFFIXES


@hookimpl
def ragsys_components() -> list[Component]:
    """A loader, three OCR engines (one picks the other two), a layout model."""
    return [
        Component(
            "loader",
            "pymupdf",
            "ragsys_pdf.loader:PyMuPdfLoader",
            options="ragsys_pdf.options:LoaderOptions",
            summary="PDF, images, XPS, EPUB, CBZ, SVG, TXT and MD; blocks and tables by fast rules",
            suffixes=SUFFIXES,
            version=4,
        ),
        Component(
            "ocr",
            "auto",
            "ragsys_pdf.ocr:AutoOcr",
            options="ragsys_pdf.options:OcrOptions",
            extra="ocr",
            summary="tesseract if it is installed, else rapidocr",
        ),
        Component(
            "ocr",
            "tesseract",
            "ragsys_pdf.ocr:TesseractOcr",
            options="ragsys_pdf.options:OcrOptions",
            summary="the tesseract program, if it is installed",
        ),
        Component(
            "ocr",
            "rapidocr",
            "ragsys_pdf.ocr:RapidOcr",
            options="ragsys_pdf.options:OcrOptions",
            requires=("rapidocr",),
            extra="ocr",
            summary="PP-OCR models inside a Python package; slower than tesseract",
        ),
        Component(
            "layout",
            "pymupdf-layout",
            "ragsys_pdf.layout:PyMuPdfLayout",
            options="ragsys_pdf.options:LayoutOptions",
            extra="layout",
            summary="PyMuPDF's layout model: better blocks at about a second a page",
        ),
    ]
