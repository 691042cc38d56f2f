"""Folders of small real PDFs for end-to-end tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pymupdf

#: Three documents that share some words and differ in others.
TEXTS: Mapping[str, Sequence[str]] = {
    "2022/annual.pdf": (
        "Annual report 2022\n\nRevenue of the bakery was 412 thousand euros in 2022. Flour was the largest cost.",
        "The oven was replaced in March 2022. The new oven uses 31 percent less gas than the old one.",
    ),
    "2023/annual.pdf": (
        "Annual report 2023\n\nRevenue of the bakery was 455 thousand euros in 2023. Butter was the largest cost.",
        "Two apprentices joined the bakery in September 2023. The shop opens at six in the morning.",
        "Outlook: a second shop is planned near the harbour.",
    ),
    "manual.pdf": (
        "Oven manual\n\nPress the green button for ten seconds to start the cleaning cycle of the oven.",
        "The thermostat accepts temperatures between 40 and 320 degrees Celsius.",
    ),
}


def write_pdf(path: Path, pages: Sequence[str], *, title: str = "") -> Path:
    """A PDF with one text a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pymupdf.open() as document:
        for text in pages:
            page = document.new_page(width=420, height=595)
            page.insert_textbox(pymupdf.Rect(40, 50, 380, 550), text, fontsize=11)
        if title:
            document.set_metadata({"title": title})
        document.save(path, garbage=3, deflate=True, no_new_id=True)
    return path


def write_folder(root: Path, texts: Mapping[str, Sequence[str]] = TEXTS) -> Path:
    """A folder with these documents."""
    for name, pages in texts.items():
        write_pdf(root / name, pages)
    return root
