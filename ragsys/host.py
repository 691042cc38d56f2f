"""What answering sees of a library: `runner.Host` over an open library."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import unread
from ragsys.config import Config, Spec
from ragsys.errors import ConfigError, did_you_mean
from ragsys.filters import both
from ragsys.places import command
from ragsys.rendering import render
from ragsys.types import BBox, Evidence, Filter, Hit, PageImage, Query, RankedList, Span
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.actions import AgentFunction, Search, Task
    from ragsys.library import Library
    from ragsys.protocols import Cut, Generator, Tool
    from ragsys.search import Found


class LibraryHost:
    """One question's view of a library."""

    def __init__(self, library: Library, where: Filter, config: Config | None = None) -> None:
        """`config` differs from the library's at most in how it answers."""
        self._library = library
        self._space = library.space
        self._config = config or library.space.config
        self._where = where
        self._found: Found | None = None
        self._late: dict[str, None] = {}  # what searches left out for want of time
        self._searches: dict[tuple[str, int], tuple[Query, Found]] = {}  # that first found each page

    @property
    def generator(self) -> Generator:
        """The configured generator."""
        generator: Generator = self._space.builder.build("generator", self._config.generator)
        return generator

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every installed tool by name."""
        build, found = self._space.builder.build, self._space.builder.registry.components("tool")
        return {component.name: build("tool", Spec(use=component.name)) for component, _ in found}

    def search(self, action: Search, task: Task, until: float) -> list[Hit]:
        """The hits of a search, best first: pages, passages, or the best page of each document."""
        chosen = both(both(self._where, task.filter), action.filter or Filter())  # an agent narrows, never widens
        k = action.k or self._config.answer.pages
        query = Query(action.query, task.images, chosen)
        found = self._library.searcher.search(query, k if action.level == "page" else k * 4, until=until)
        self._found = found
        self._late |= dict.fromkeys(found.late)
        hits = list(found.hits)
        if action.retriever is not None:
            hits = self._one_list(found, action.retriever)
        if action.cut is not None:
            cut: Cut = self._space.builder.build("cut", Spec(use=action.cut))
            hits = list(cut.cut(RankedList("search", tuple(hits))).hits)
        if action.level == "document":
            first: dict[str, Hit] = {}
            for hit in hits:
                first.setdefault(hit.doc, hit)
            hits = list(first.values())
        for hit in hits[:k]:
            for number in hit.span.pages:
                self._searches.setdefault((hit.doc, number), (query, found))
        return hits[:k]

    def _one_list(self, found: Found, name: str) -> list[Hit]:
        lists = {ranked.name: ranked for ranked in found.lists}
        if name not in lists:
            raise ConfigError(
                f"no retriever named '{name}' in the configuration.{did_you_mean(name, lists)}",
                hint=f"retrievers: {', '.join(lists)}",
            )
        return list(lists[name].hits)

    def evidence(self, hits: Sequence[Hit], start: int) -> tuple[Evidence, ...]:
        """The pages of the hits in order, each once, numbered from `start`; with the blocks that fit what they were
        found for, if it was one query."""
        single: dict[tuple[str, int], Hit] = {}
        for hit in hits:
            for number in hit.span.pages:
                one = hit if len(hit.span.pages) == 1 else _on(hit, number)
                single.setdefault((hit.doc, number), one)
        searches = {id(made[1]): made for place in single if (made := self._searches.get(place))}
        query, found = next(iter(searches.values())) if len(searches) == 1 else (None, None)
        lists = found.lists if found else ()
        return tuple(self._library.searcher.evidence(list(single.values()), start, query, lists))

    def render(self, evidence: Evidence, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        """An evidence's page, or a part of it."""
        return render(self._space, evidence.doc, evidence.page.number, dpi, clip)

    def prompt(self, name: str) -> str:
        """A prompt's text."""
        return self._space.builder.registry.prompt(name)

    def agent(self, name: str) -> AgentFunction:
        """An agent by name; the configured one comes with its options."""
        configured = self._config.answer.agent
        agent: AgentFunction = self._space.builder.build(
            "agent", configured if name == configured.use else Spec(use=name)
        )
        return agent

    def state_key(self) -> str:
        """Changes with the library's content and with its configuration."""
        return hashlib.sha256(f"{self._library.key}:{self._config.hash}".encode()).hexdigest()[:16]

    def coverage(self) -> Mapping[str, float]:
        """{list of the last search: share of the set that it could find}."""
        return dict(self._found.coverage) if self._found else {}

    def warnings(self) -> Sequence[str]:
        """What is pending or was skipped."""
        status = self._library.status()
        running = [*self._late, *([self._library.under_way] if self._library.under_way else [])]
        notes = [
            f"pending: {name}, {x.total - x.done} of {counted(x.total, 'item')}" for name, x in status.pending.items()
        ]
        if not notes or running:
            return [*running, *notes]
        return [*notes, f"finish them: {command(self._library.place, 'index FOLDER --wait')}"]

    # -- what answering keeps and states ---------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where traces and the cache of replies are kept."""
        return self._space.folder

    def unread(self) -> str:
        """The files of the folder that could not be read, or are of no kind that is read; empty without any."""
        both = unread.unreadable(self._space), unread.told(unread.files(self._space))
        return "; ".join(filter(None, both))

    def file_of(self, doc: str) -> Path | None:
        """The first of the document's files that is there now."""
        state = self._space.catalog.get(doc)
        files = map(self._space.file, state.paths) if state else ()
        return next((file.absolute() for file in files if file.exists()), None)

    @property
    def config(self) -> Any:
        """The whole configuration."""
        return self._config


def _on(hit: Hit, number: int) -> Hit:
    from dataclasses import replace

    return replace(hit, span=Span(hit.doc, number, number))
