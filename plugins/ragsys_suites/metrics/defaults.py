"""Which metrics a folder in our own form reports, in the order they are shown; the main one first."""

from __future__ import annotations

#: What can be said of a ranking.
SEARCHED: tuple[str, ...] = (
    "page_recall@5",
    "page_recall@1",
    "page_recall@10",
    "page_recall@20",
    "page_ndcg@10",
    "page_mrr",
    "seconds",
)
#: What can be said of an answer.
ANSWERED: tuple[str, ...] = (
    "answer_accuracy",
    "token_f1",
    "anls",
    "supported_share",
    "quoted_share",
    "located_share",
    "citation_page_precision",
    "abstention_accuracy",
    "aurc",
    "tokens",
    "calls",
)


def default_metrics(*, answers: bool = True) -> tuple[str, ...]:
    """Names for a run that answers, or for one that only searches."""
    return (*SEARCHED[:-1], *ANSWERED[:-2], *SEARCHED[-1:], *ANSWERED[-2:]) if answers else SEARCHED
