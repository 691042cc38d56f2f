"""The part of a configuration that a parser process is sent: what reads, cuts and encodes documents, and no more.

Documents are untrusted input: a parser that one of them takes over should find no key of a model or of a store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from ragsys.config import OPTIONAL, Config, Spec, is_used
from ragsys.plugins import Registry
from ragsys.types import JSON

_READING = ("ocr", "layout", "splitter")


def of(config: Config, registry: Registry, eager: Collection[str], *, digesting: bool) -> JSON:
    """`config` as JSON without the options of components that no parser builds.

    `eager` are the retrievers that encode while a document is parsed; `digesting` says whether the ranker reads pages.
    """
    search = config.search
    rank = search.rank if digesting else None
    kept = [("loader", spec) for spec in config.loaders.values()]
    kept += [("retriever", spec) for name, spec in search.lists.items() if name in eager]
    kept += [("ranker", rank)] if rank is not None else []
    used = [role for role in _READING if role not in OPTIONAL or is_used(config, role)]
    kept += [(role, config.defaults[role]) for role in used]
    roles = {*used, *_needed(config, registry, kept)}
    part: dict[str, Any] = {name: spec.model_dump(mode="json") for name, spec in config.defaults.items()}
    for role, spec in config.defaults.items():
        if role == "store" or role not in roles:  # a parser holds no store
            part[role] = {"use": spec.use}
    retrievers = {name: spec.model_dump(mode="json") if name in eager else None for name, spec in search.lists.items()}
    return {
        **part,
        "loaders": {name: spec.model_dump(mode="json") for name, spec in config.loaders.items()},
        "index": config.index.model_dump(mode="json"),
        "search": {
            "retrievers": retrievers,
            "fuse": {"use": search.fuse.use},
            "rank": rank.model_dump(mode="json") if rank is not None else None,
        },
        "answer": {"agent": {"use": config.answer.agent.use}},
    }


def _needed(config: Config, registry: Registry, todo: list[tuple[str, Spec]]) -> Iterator[str]:
    """The roles whose top-level component serves one of these, or one that these need."""
    found: set[str] = set()
    todo = list(todo)
    while todo:
        role, spec = todo.pop()
        for argument, needed in registry.find(role, spec.use).needs.items():
            chosen = spec.needs.get(argument)
            if chosen is None and needed not in found and needed in config.defaults:
                found.add(needed)
                yield needed
                chosen = config.defaults[needed]
            if chosen is not None:
                todo.append((needed, chosen))
