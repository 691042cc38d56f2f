"""Gold that no search can find: pages that a document does not have, and documents that could not be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ragsys.evaluation.records import Question
from ragsys.wording import counted, verb

_SHOWN = 5  # questions that a note names
_LISTED = 20  # documents that an error names


def notes(questions: Sequence[Question], pages: Mapping[str, int]) -> list[str]:
    """What a reader must know of gold that cannot be found; `pages` is how many each document has that could be read.

    Such questions stay in every metric: what is left out would depend on what could be read.
    """
    beyond: dict[str, str] = {}
    for question in questions:
        for gold in [*question.get("gold_pages", ()), *question.get("gold_boxes", ())]:
            there = pages.get(gold["doc"])
            if there is not None and gold["page"] > there:
                wrong = f"{question['id']} (page {gold['page']} of {gold['doc']}, which has {there})"
                beyond.setdefault(question["id"], wrong)
    unread = [question["id"] for question in questions if lost(question, pages)]
    told = []
    if beyond:
        told.append(
            f"gold pages that do not exist, which no search can find: {_some(list(beyond.values()))}; page metrics "
            "count them as missed"
        )
    if unread:
        told.append(
            f"questions whose gold documents could not be read: {_some(unread)}; they count like all others, as missed"
        )
    return told


def asked_about(questions: Sequence[Question]) -> dict[str, list[str]]:
    """{document: the questions whose answer it holds}."""
    found: dict[str, list[str]] = {}
    for question in questions:
        for doc in sorted(gold_documents(question)):
            found.setdefault(doc, []).append(question["id"])
    return found


def asked_pages(questions: Sequence[Question]) -> dict[tuple[str, int], list[str]]:
    """{(document, page): the questions whose answer it holds}."""
    found: dict[tuple[str, int], list[str]] = {}
    for question in questions:
        graded = [gold for gold in question.get("gold_pages", ()) if gold.get("grade", 1) > 0]
        for key in sorted({(gold["doc"], gold["page"]) for gold in [*graded, *question.get("gold_boxes", ())]}):
            found.setdefault(key, []).append(question["id"])
    return found


def unusable(places: Mapping[str, Sequence[str]], reasons: Mapping[str, str]) -> list[str]:
    """A line for each of these documents and pages: why it cannot be used, and which questions ask about it."""
    lines = [
        f"{place}: {reasons.get(place) or 'not in the library'} ({counted(len(asked), 'question')}: {_some(asked)})"
        for place, asked in places.items()
    ]
    more = [f"and {len(lines) - _LISTED:,} more"] if len(lines) > _LISTED else []
    return [*lines[:_LISTED], *more]


def unread(documents: Sequence[str], questions: Sequence[Question], readable: Collection[str]) -> list[str]:
    """The note on documents of the suite that could not be read."""
    lost = [doc for doc in documents if doc not in readable]
    if not lost:
        return []
    unasked = not asked_about(questions).keys() & set(lost)
    asked = f"; no question asks about {verb(len(lost), 'it', 'them')}" if unasked else ""
    return [f"{len(lost)} of {counted(len(documents), 'document')} could not be read: {_some(lost)}{asked}"]


def lost(question: Question, readable: Collection[str]) -> bool:
    """Whether a question has gold documents and none of them could be read."""
    docs = gold_documents(question)
    return bool(docs) and not any(doc in readable for doc in docs)


def gold_documents(question: Question) -> set[str]:
    """The documents that hold a question's answer."""
    places = [
        *question.get("gold_pages", ()),
        *question.get("gold_boxes", ()),
        *question.get("gold_passages", ()),
    ]
    return {place["doc"] for place in places} | set(question.get("doc_ids", ()))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
