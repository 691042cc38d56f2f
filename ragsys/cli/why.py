"""How an answer of a chat came about, and why a page was not read: from what was recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragsys.errors import RagsysError, UsageError
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.chat import Chat, ChatTurn
    from ragsys.config import SearchConfig
    from ragsys.library import Library
    from ragsys.remote import RemoteLibrary

_DEEP = 100  # pages of the search that looks for one that was not read


def how(chat: Chat, turn: ChatTurn) -> Iterator[str]:
    """How the answer of a turn came about, line by line."""
    by = {"asked": "as it was asked", "rules": "by rules", "model": "by the language model"}[turn.query.by]
    yield f"understood {by}: {chat.told(turn.query)}"
    answer = turn.answer
    yield f"{counted(len(answer.evidence), 'page')} read, the best first:"
    cited = {(one.doc, one.page): one for one in answer.citations}
    for one in answer.evidence:
        citation = cited.get((one.doc, one.page.number))
        mark = f"; cited as [{citation.number}]" if citation else ""
        yield f"  {one.number}. {one.path} p.{one.page.number}: {scores(one.hit.stage_scores)}{mark}"
    if answer.evidence:
        yield legend(chat.library.config.search, answer.evidence[0].hit.stage_scores)
    for sentence in answer.sentences:
        marks = "".join(f"[{number}]" for number in sentence.citations) or "no citation"
        yield f"{sentence.level.value}: {sentence.text} {marks}"
        for problem in sentence.problems:
            yield f"  not proved: {problem}"
    if answer.trace:
        yield f"every step: trace {answer.trace}"


def scores(stages: Mapping[str, float]) -> str:
    """ "words 12.30, dense 0.55"."""
    return ", ".join(f"{name} {score:.2f}" for name, score in stages.items())


def legend(search: SearchConfig, stages: Mapping[str, float]) -> str:
    """What the scores of a page mean, in a line. The last stage orders the pages."""
    *before, last = stages or ("",)
    own = ", ".join(name for name in before if name in search.lists)
    told = [f"{own}: how well the page fits by each search"] if own else []
    told += [f"{name}: these together" for name in before if name == search.fuse.use]
    told.append(f"{last}: {'these together, ' if last == search.fuse.use else ''}what orders the pages")
    return f"  ({'; '.join(told)}. Higher is better; a score compares with its own kind alone)"


def why_not(library: Library | RemoteLibrary, turn: ChatTurn, place: str) -> Iterator[str]:
    """Why a page ("FILE:PAGE") was not read, or that it was. Raises `UsageError` for one that is not there."""
    name, colon, number = place.rpartition(":")
    if not colon or not name or not number.isdigit():
        raise UsageError(f"/why {place}: expected FILE:PAGE", hint="/why annual-report.pdf:3")
    document = library.document(name)
    page = int(number)
    if not document.pages:
        reason = next((fault.reason for fault in document.faults), "")
        raise UsageError(
            f"{document.path} could not be read: {document.outcome.value}{f', {reason}' if reason else ''}"
        )
    if not 1 <= page <= document.pages:
        raise UsageError(f"{document.path} has {counted(document.pages, 'page')}: there is no page {page}")
    label, answer = f"{document.path} p.{page}", turn.answer
    read = len(answer.evidence)
    for one in answer.evidence:
        if (one.doc, one.page.number) == (document.id, page):
            yield f"{label} was read, as page {one.number} of {read}: {scores(one.hit.stage_scores)}"
            numbers = [f"[{c.number}]" for c in answer.citations if (c.doc, c.page) == (document.id, page)]
            yield f"it is cited as {', '.join(numbers)}" if numbers else "no sentence of the answer cites it"
            return
    if turn.query.only and document.id not in turn.query.only:
        yield f"{label} was not looked at: the question was not asked of this document"
        return
    hit = recorded(library, answer.trace, document.id, page)
    if hit is not None:
        yield f"{label} was found at rank {hit['rank']}, and not chosen to be read: {scores(hit['stage_scores'])}"
        return
    where = {"doc": list(turn.query.only)} if turn.query.only else None
    hits, _ = library.find(turn.query.text, _DEEP, filter=where)
    found = next((one for one in hits if (one.doc, one.page) == (document.id, page)), None)
    if found is not None:
        yield f"{label} stands at rank {found.rank} of a new search, {read} were read: {scores(found.stage_scores)}"
        if read:
            last = answer.evidence[-1]
            yield f"the last that was read, {last.path} p.{last.page.number}: {scores(last.hit.stage_scores)}"
        yield "read more pages: /config answer.pages=N"
        return
    yield f"{label} is not among the first {counted(len(hits), 'page')} for these words"
    own, _ = library.find(turn.query.text, _DEEP, filter={"doc": [document.id]})
    inside = next((one for one in own if one.page == page), None)
    if inside is not None:
        yield f"within its own document it stands at rank {inside.rank}: {scores(inside.stage_scores)}"


def recorded(library: Library | RemoteLibrary, trace: str, doc: str, page: int) -> Mapping[str, Any] | None:
    """The page as the answer's searches found it, from its trace; None if they did not, or no trace is there."""
    from ragsys.answer import TRACES
    from ragsys.trace import TraceFolder

    if not trace:
        return None
    with contextlib.suppress(RagsysError):
        for step in TraceFolder(library.place.folder / TRACES).load(trace).steps:
            for hit in step.output.get("hits", ()) if step.kind == "search" else ():
                if hit["span"][0] == doc and hit["span"][1] <= page <= hit["span"][2]:
                    found: Mapping[str, Any] = hit
                    return found
    return None
