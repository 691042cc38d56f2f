"""PyMuPDF, quiet and untyped: one place that imports it."""

from __future__ import annotations

from typing import Any

import pymupdf as _pymupdf
from pymupdf import mupdf as _mupdf

pymupdf: Any = _pymupdf
mupdf: Any = _mupdf

# what MuPDF says of broken files comes back as exceptions and faults, not as lines on a terminal
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)
