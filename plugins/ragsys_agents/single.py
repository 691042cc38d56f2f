"""`single`: search, look (where a model reads and it is asked for), write."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ragsys.actions import Agent, Checkpoint, Kit, Look, Search, Task, Write, do
from ragsys.errors import ActionFailed
from ragsys.types import Draft, Hit

from .options import SingleOptions


class Picks(BaseModel):
    """The reply of a look: which pages to read."""

    pages: list[int] = Field(description="numbers of the pages that help to answer the question, best first")


def single(task: Task, *, options: SingleOptions, kit: Kit) -> Agent[Draft]:
    """One search and one answer. With `look`, a first model call leaves out the pages that do not help."""
    hits = yield from do(Search(task.question, k=options.pages or kit.pages))
    if not hits:
        return Draft((), status="abstained", note="no page was found for this question")
    yield from do(Checkpoint(Draft((), status="partial", note="the budget ended before an answer was written")))
    if options.look and kit.reads_prompts and len(hits) > 1:
        hits = yield from _chosen(hits, options)
    return (yield from do(Write(tuple(hits), view=options.view)))


def _chosen(hits: list[Hit], options: SingleOptions) -> Agent[list[Hit]]:
    """The hits that a look picked, in its order; all of them where it picked none or failed."""
    try:
        picks = yield from do(Look(tuple(hits), prompt="look", schema=Picks, view=options.view))
    except ActionFailed:
        return hits
    chosen = [hits[number - 1] for number in dict.fromkeys(picks.pages) if 1 <= number <= len(hits)]
    return chosen or hits


__all__ = ["Picks", "single"]
