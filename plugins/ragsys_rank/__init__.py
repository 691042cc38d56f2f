"""Ranking: a small learned model that orders the pages of all lists."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component


@hookimpl
def ragsys_components() -> list[Component]:
    """The components of this plugin."""
    return [
        Component(
            "ranker",
            "trees",
            "ragsys_rank.ranker:TreesRanker",
            "ragsys_rank.options:TreesOptions",
            needs={"lexical": "lexical"},
            summary="small trees over words, meaning, document and layout; trained weights ship with it",
        ),
    ]
