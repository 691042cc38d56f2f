"""The report of a scored run: `report.md`, and a self-contained `report.html` with plots and failures."""

from __future__ import annotations

from pathlib import Path

from ragsys.evaluation.records import Scored
from ragsys.evaluation.report.html import to_html
from ragsys.evaluation.report.markdown import to_markdown
from ragsys.evaluation.report.pages import Picture
from ragsys.evaluation.writing import replace, writing

__all__ = ["MARKDOWN", "PAGE", "Picture", "to_html", "to_markdown", "write"]
MARKDOWN, PAGE = "report.md", "report.html"


def write(scored: Scored, out: Path, picture: Picture | None = None) -> tuple[Path, Path]:
    """Write both files into `out`. `picture(doc, page)` draws a page; where it cannot, the report says so there."""
    made = (out / MARKDOWN, out / PAGE)
    with writing(made[0]):
        out.mkdir(parents=True, exist_ok=True)
    for path, text in zip(made, (to_markdown(scored), to_html(scored, picture)), strict=True):
        with writing(path):
            replace(path, text.encode("utf-8", "replace"))
    return made
