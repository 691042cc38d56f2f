"""PDFs that were cut off: what can be read is read, and what cannot is named as what it is."""

from __future__ import annotations

from pathlib import Path

import hostile
import pytest
from folders import write_pdf
from ragsys_pdf.loader import PyMuPdfLoader
from ragsys_pdf.mending import cut_off
from ragsys_pdf.options import LoaderOptions

from ragsys.errors import DocumentError
from ragsys.library import Library
from ragsys.protocols import Context
from ragsys.types import Fault, Outcome, Page

FONT = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


def tree_last(pages: int = 3) -> bytes:
    """A PDF whose page tree and catalog come after its pages, as many programs write it."""
    objects = {}
    for n in range(pages):
        text = b"BT /F1 12 Tf 40 700 Td (Kiln %d was fired in %d.) Tj ET" % (n, 1911 + n)
        objects[2 * n + 1] = hostile.stream(b"", text)
        entries = b"/Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R " % (2 * pages + 1, 2 * n + 1)
        objects[2 * n + 2] = b"<< /Type /Page " + entries + FONT + b" >>"
    kids = b" ".join(b"%d 0 R" % (2 * n + 2) for n in range(pages))
    objects[2 * pages + 1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids)
    objects[2 * pages + 2] = b"<< /Type /Catalog /Pages %d 0 R >>" % (2 * pages + 1)
    return hostile.written(objects, root=2 * pages + 2)


@pytest.fixture
def loader(tmp_path: Path) -> PyMuPdfLoader:
    """With its default options."""
    return PyMuPdfLoader(LoaderOptions(), Context(tmp_path, tmp_path))


def test_pages_of_a_file_that_was_cut_off_are_found(loader: PyMuPdfLoader, tmp_path: Path) -> None:
    whole = tree_last()
    file = tmp_path / "cut.pdf"
    file.write_bytes(whole[: whole.index(b"/Type /Pages")])
    assert loader.info(file).pages == 3
    lost, *pages = list(loader.open(file))
    assert isinstance(lost, Fault)
    assert (lost.page, lost.outcome) == (0, Outcome.BROKEN)
    assert lost.reason.startswith("truncated: its page tree is lost")
    texts = [page.text for page in pages if isinstance(page, Page)]
    assert texts == [f"Kiln {n} was fired in {1911 + n}." for n in range(3)]
    assert loader.render(file, 3, dpi=36).page == 3


def test_a_lost_tree_of_a_whole_file_is_damage(loader: PyMuPdfLoader, tmp_path: Path) -> None:
    file = tmp_path / "damaged.pdf"
    file.write_bytes(tree_last().replace(b"/Type /Pages", b"/Typo /Pagan").replace(b"/Kids [", b"/Lost ["))
    lost, *pages = list(loader.open(file))
    assert isinstance(lost, Fault)
    assert lost.reason.startswith("damaged: its page tree is lost")
    assert len(pages) == 3


@pytest.mark.parametrize("end", [b"stream", b"endobj", b"/Type /Page "])
def test_what_holds_no_page_any_more_is_called_truncated(loader: PyMuPdfLoader, tmp_path: Path, end: bytes) -> None:
    """It was called empty."""
    whole = tree_last(9)
    file = tmp_path / "cut.pdf"
    file.write_bytes(whole[: whole.index(end) + len(end)])
    with pytest.raises(DocumentError, match=r"truncated: the file ends before it is complete") as error:
        loader.info(file)
    assert error.value.outcome == "broken"


def test_a_whole_file_is_not_cut_off(tmp_path: Path) -> None:
    assert not cut_off(write_pdf(tmp_path / "whole.pdf", ["One."]))
    (tmp_path / "text.pdf").write_bytes(b"no PDF")
    assert not cut_off(tmp_path / "text.pdf")
    assert not cut_off(tmp_path / "none.pdf")


def test_a_library_says_truncated_and_answers_from_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    whole = tree_last(9)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "some.pdf").write_bytes(whole[: whole.index(b"/Type /Pages")])
    (docs / "none.pdf").write_bytes(whole[: whole.index(b"endobj")])
    with Library(docs, config="laptop-lexical", background=False) as library:
        report = library.index()
        outcomes = {one.path: one.outcome for one in library.documents()}
        assert outcomes == {"some.pdf": Outcome.PARTIAL, "none.pdf": Outcome.BROKEN}
        [(path, outcome, reason)] = report.skipped
        assert (path, outcome, reason[:10]) == ("none.pdf", Outcome.BROKEN, "truncated:")
        assert [(path, page) for path, page, _ in report.faults] == [("some.pdf", 0)]
        assert "1915" in library.ask("When was kiln 4 fired?").text
