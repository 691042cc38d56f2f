"""Pages of PDFs whose page tree is lost, as in a file that was cut off: MuPDF finds objects, but not their tree."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ragsys_pdf.engine import pymupdf

_MOST = 300_000  # objects that are looked through: a few seconds
_END = 2048  # bytes at the end of a file, of which the last 1,024 are to hold its end mark
_REOPENED = 1 << 28  # bytes of a file that is read into memory to be opened without its torn end
_MARK = "ragsys_mended"
LOST = "its page tree is lost: these pages were found one by one, others may be missing"


def pages_of(document: Any) -> int:
    """How many pages a document has, with a new page tree where its own is lost. Raises what MuPDF says."""
    try:
        count: int = document.page_count
        if count and document.is_pdf:
            document.page_xref(0)  # a tree may count pages that it does not name
        if count:
            return count
    except MemoryError:
        raise
    except Exception:
        if not mend(document):
            raise
        return int(document.page_count)
    return int(document.page_count) if mend(document) else 0


def without_torn_end(path: Path) -> Any | None:
    """A PDF that was cut off, opened up to its last whole object: its torn one may keep MuPDF from opening it. None if
    that does not help."""
    with contextlib.suppress(Exception):  # whatever MuPDF says of what is left
        if path.stat().st_size <= _REOPENED and cut_off(path):
            data = path.read_bytes()
            return pymupdf.open("pdf", data[: data.rindex(b"endobj") + len(b"endobj")] + b"\n")
    return None


def mend(document: Any) -> bool:
    """Give a PDF without a page a new page tree of all page objects in it, in their order. Returns whether it has any.

    What pages had inherited from the lost tree is lost; the fonts of most are named by the pages themselves.
    """
    if not document.is_pdf:
        return False
    found = []
    for number in range(1, min(document.xref_length(), _MOST)):
        with contextlib.suppress(Exception):  # an object that cannot be read is no page
            if document.xref_get_key(number, "Type") == ("name", "/Page"):
                found.append(number)
    if not found:
        return False
    with contextlib.suppress(Exception):  # whatever MuPDF says of what it cannot change
        tree = document.get_new_xref()
        kids = " ".join(f"{number} 0 R" for number in found)
        document.update_object(tree, f"<</Type/Pages/Count {len(found)}/Kids[{kids}]>>")
        for number in found:
            document.xref_set_key(number, "Parent", f"{tree} 0 R")
        catalog = document.get_new_xref()
        document.update_object(catalog, f"<</Type/Catalog/Pages {tree} 0 R>>")
        document.xref_set_key(-1, "Root", f"{catalog} 0 R")
        setattr(document, _MARK, True)
        return bool(document.page_count > 0)
    return False


def is_mended(document: Any) -> bool:
    """Whether `mend` made the document's page tree."""
    return bool(getattr(document, _MARK, False))


def cut_off(path: Path) -> bool:
    """Whether a file begins as a PDF and lacks the mark at its end."""
    try:
        with path.open("rb") as stream:
            if b"%PDF-" not in stream.read(1024):
                return False
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _END))
            return b"%%EOF" not in stream.read()
    except OSError:
        return False
