"""What must hold before the first question: files, documents and layers that the scores rest on are complete.

A question about a document that could not be read scores 0 whatever the configuration. Such a run is refused, with the
documents, the reasons and the next command; `allowed` (--allow-incomplete) takes the library as it is and leaves notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragsys import places
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
    """Notes on gold that no search can find. Raises `IncompleteLayer` where a gold document could not be read.

    `pages` is what `readable` gives.
    """
    lost = {doc: asked for doc, asked in reach.asked_about(questions).items() if doc not in pages}
    if lost and not allowed:
        raise IncompleteLayer(
            f"{counted(len(lost), 'document')} that questions ask about cannot be used",
            hint="\n".join(
                [
                    *reach.unusable(lost, _reasons(library, report)),
                    f"replace or repair the files, then: {places.command(library.place, 'index FOLDER --retry')}",
                    "to score the library as it is, with these questions counted as missed: --allow-incomplete",
                ]
            ),
        )
    return reach.notes(questions, pages)


def _reasons(library: Library, report: Report) -> dict[str, str]:
    """{document: why it cannot be used}."""
    found = dict.fromkeys(report.unsupported, "no loader takes such files")
    for document in library.documents(removed=True):
        faults = [fault.reason for fault in document.faults[:1]]
        outcome = "removed from the library" if document.removed else ": ".join([document.outcome.value, *faults])
        found |= dict.fromkeys(document.paths, outcome)
    return found | {path: f"{outcome.value}: {reason}" for path, outcome, reason in report.skipped}
