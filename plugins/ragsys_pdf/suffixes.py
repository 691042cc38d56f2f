"""The file endings that the loader takes; known without importing PyMuPDF."""

from __future__ import annotations

SUFFIXES = (
    ".pdf", ".xps", ".oxps", ".epub", ".fb2", ".mobi", ".cbz", ".svg", ".txt", ".md",
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".jpx", ".pnm", ".pbm", ".pgm", ".ppm",
)  # fmt: skip
