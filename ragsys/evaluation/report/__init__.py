"""The report of a scored run: `report.md`, and a self-contained `report.html` with plots and failures."""

from __future__ import annotations

from pathlib import Path

from ragsys.errors import RagsysError
from ragsys.evaluation.records import Scored
from ragsys.evaluation.report.html import to_html
from ragsys.evaluation.report.markdown import to_markdown
from ragsys.evaluation.report.pages import Picture

__all__ = ["MARKDOWN", "PAGE", "Picture", "to_html", "to_markdown", "write"]
MARKDOWN, PAGE = "report.md", "report.html"


def write(scored: Scored, out: Path, picture: Picture | None = None) -> tuple[Path, Path]:
    """Write both files into `out`. `picture(doc, page)` draws a page; where it cannot, the report says so there."""
    made = (out / MARKDOWN, out / PAGE)
    try:
        out.mkdir(parents=True, exist_ok=True)
        made[0].write_text(to_markdown(scored), encoding="utf-8", errors="replace", newline="\n")
        made[1].write_text(to_html(scored, picture), encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise RagsysError(f"{out}: the report cannot be written: {error.strerror or error}") from error
    return made
