"""What must hold before the first question: files, documents and layers that the scores rest on are complete.

A question about a document that could not be read scores 0 whatever the configuration. Such a run is refused, with the
documents, the reasons and the next command; `allowed` (--allow-incomplete) takes the library as it is and leaves notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragsys import places
from ragsys.catalog import tally
from ragsys.errors import IncompleteLayer, SuiteError
from ragsys.evaluation import reach
from ragsys.evaluation.records import Question
from ragsys.evaluation.suites import missing_files
from ragsys.ingest import READABLE
from ragsys.progress import Report
from ragsys.wording import counted, verb

if TYPE_CHECKING:
    from ragsys.library import Library
    from ragsys.protocols import Suite

_SHOWN = 5  # files that a note names
_TEXT = ("parse", "ocr")  # stages without which a page has no text


def files(suite: Suite, missing: Sequence[str], questions: Sequence[Question], *, allowed: bool) -> list[str]:
    """The note on documents whose files are missing. Raises `SuiteError` where questions ask about one of them."""
    if not missing:
        return []
    asked = reach.asked_about(questions)
    needed = [doc for doc in missing if doc in asked]
    if needed and not allowed:
        raise SuiteError(
            f"suite '{suite.name}': {counted(len(needed), 'document')} that questions ask about {verb(len(needed))} "
            "missing",
            hint=f"{missing_files(suite, needed)}\nto score without them: --allow-incomplete",
        )
    shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
    return [f"{counted(len(missing), 'document')} of the suite {verb(len(missing))} missing: {shown}"]


def readable(library: Library) -> dict[str, int]:
    """{document: its pages} of those that could be read, by each of their paths."""
    found = [document for document in library.documents() if document.outcome in READABLE]
    return {path: document.pages for document in found for path in document.paths}


def layers(library: Library, report: Report, *, allowed: bool) -> list[str]:
    """Notes on what is pending. Raises `IncompleteLayer` where a list of the search would not cover everything."""
    pending = library.status().pending
    searched = {
        name: layer for name, layer in pending.items() if name in library.space.layers.retrievers or name == "layout"
    }
    if searched and not allowed:
        names = ", ".join(f"{name} ({layer.done:,} of {layer.total:,})" for name, layer in searched.items())
        raise IncompleteLayer(
            f"incomplete: {names}",
            hint="\n".join([*report.warnings, "to score the library as it is: --allow-incomplete"]),
        )
    return [f"incomplete: {name}, {layer.done:,} of {counted(layer.total, 'item')}" for name, layer in pending.items()]


def gold(
    library: Library, report: Report, questions: Sequence[Question], pages: Mapping[str, int], *, allowed: bool
) -> list[str]:
    """Notes on gold that no search can find. Raises `IncompleteLayer` where a gold document or page was not read.

    `pages` is what `readable` gives. Where OCR is switched off, pages without text are left out by choice: no error.
    """
    documents = {doc: asked for doc, asked in reach.asked_about(questions).items() if doc not in pages}
    why = _unread_pages(library)
    unread = {page: asked for page, asked in reach.asked_pages(questions).items() if page in why}
    if (documents or unread) and not allowed:
        found = ((documents, "document"), (unread, "page"))
        what = " and ".join(counted(len(some), noun) for some, noun in found if some)
        asked_by = documents | {_named(page): asked for page, asked in unread.items()}
        reasons = _reasons(library, report) | {_named(page): why[page] for page in unread}
        raise IncompleteLayer(
            f"{what} that questions ask about cannot be used",
            hint="\n".join(
                [
                    *reach.unusable(asked_by, reasons),
                    *report.warnings,
                    f"replace or repair the files, then: {places.command(library.place, 'index FOLDER --retry')}",
                    "to score the library as it is, with these questions counted as missed: --allow-incomplete",
                ]
            ),
        )
    notes = reach.notes(questions, pages)
    if unread:
        questions_hit = {question for asked in unread.values() for question in asked}
        what = f"{counted(len(unread), 'gold page')} of {counted(len(questions_hit), 'question')}"
        were, count = verb(len(unread), "was", "were"), verb(len(unread), "it counts", "they count")
        notes.append(f"{what} {were} not read; {count} like all others")
    return notes


def _named(page: tuple[str, int]) -> str:
    return f"{page[0]}, page {page[1]}"


def _unread_pages(library: Library) -> dict[tuple[str, int], str]:
    """{(document, page): why its text is not all there}: pages that failed, and pages that wait for OCR."""
    found: dict[tuple[str, int], str] = {}
    space = library.space
    ocr = space.config.index.ocr != "never"
    for state in space.catalog:
        waiting = state.waiting.get(tally("ocr", space.page_layer(state)), ()) if ocr else ()
        reasons = dict.fromkeys(waiting, "waits for OCR")
        reasons |= {fault.page: fault.reason for fault in state.faults if fault.page and fault.stage in _TEXT}
        found |= {(path, page): reason for path in state.paths for page, reason in reasons.items()}
    return found


def _reasons(library: Library, report: Report) -> dict[str, str]:
    """{document: why it cannot be used}."""
    found = dict.fromkeys(report.unsupported, "no loader takes such files")
    for document in library.documents(removed=True):
        faults = [fault.reason for fault in document.faults[:1]]
        outcome = "removed from the library" if document.removed else ": ".join([document.outcome.value, *faults])
        found |= dict.fromkeys(document.paths, outcome)
    return found | {path: f"{outcome.value}: {reason}" for path, outcome, reason in report.skipped}
