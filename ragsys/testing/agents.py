"""The law of agents, and a small library in memory that agents can be run on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragsys.actions import Action, AgentFunction, Kit, Search, Task
from ragsys.codec import fingerprint
from ragsys.config import Config
from ragsys.errors import ActionFailed, ConfigError
from ragsys.protocols import Generator, Tool
from ragsys.testing.generators import ScriptedGenerator
from ragsys.types import BBox, Block, BlockKind, Draft, Evidence, Hit, Line, Page, PageImage, Span


def check_agent(agent: AgentFunction, task: Task, results: Sequence[Any], *, kit: Kit | None = None) -> Draft | None:
    """Driven twice with the same results, an agent yields equal actions and returns an equal draft.

    `results` are sent in order; an exception among them is raised at the `yield`. Returns the draft, or None if the
    results ended first. Raises `AssertionError` where the two runs differ or something else than an action is yielded.
    """
    first, second = (drive(agent, task, results, kit=kit) for _ in range(2))
    for n, (one, other) in enumerate(zip(first[0], second[0], strict=False)):
        if fingerprint(one) != fingerprint(other):
            raise AssertionError(f"action {n} differs between two runs: {one!r}, then {other!r}")
    if len(first[0]) != len(second[0]) or first[1] != second[1]:
        raise AssertionError("two runs with the same results end differently")
    return first[1]


def drive(
    agent: AgentFunction, task: Task, results: Sequence[Any], *, kit: Kit | None = None
) -> tuple[list[Action[Any]], Draft | None]:
    """Run an agent on given results: its actions, and its draft if it came to one."""
    running = agent(task, kit=kit or Kit())
    actions: list[Action[Any]] = []
    rest = list(results)
    try:
        action = next(running)
        while True:
            if not isinstance(action, Action):
                raise AssertionError(f"an agent yields actions, found {type(action).__name__}")
            actions.append(action)
            if not rest:
                running.close()
                return actions, None
            result = rest.pop(0)
            action = running.throw(result) if isinstance(result, Exception) else running.send(result)
    except StopIteration as stop:
        if not isinstance(stop.value, Draft):
            raise AssertionError(f"an agent returns a Draft, found {type(stop.value).__name__}") from None
        return actions, stop.value
    except ActionFailed:
        return actions, None


def page_of(
    *texts: str | tuple[BlockKind, str] | Block, number: int = 1, width_pt: float = 595, height_pt: float = 842
) -> Page:
    """A page made of texts, one block each, one line of the page for each line of text."""
    blocks = []
    step = 0.9 / max(1, len(texts))
    for n, item in enumerate(texts):
        top = 0.05 + n * step
        if isinstance(item, Block):
            blocks.append(item)
            continue
        kind, text = item if isinstance(item, tuple) else (BlockKind.TEXT, item)
        rows = text.split("\n")
        high = step * 0.8 / len(rows)
        lines, at = [], 0
        for row, part in enumerate(rows):
            lines.append(Line(at, BBox(0.1, top + row * high, 0.9, top + (row + 1) * high)))
            at += len(part) + 1
        cells: tuple[tuple[str, ...], ...] = ()
        if kind is BlockKind.TABLE:
            inner = [row.strip().removeprefix("|").removesuffix("|") for row in rows]
            cells = tuple(tuple(cell.strip() for cell in row.split("|")) for row in inner)
        box = BBox(0.1, top, 0.9, top + step * 0.8)
        blocks.append(Block(n, kind, box, text, tuple(lines), cells, level=1 if kind is BlockKind.TITLE else 0))
    return Page(number, width_pt, height_pt, tuple(blocks))


def made_up_config() -> Config:
    """A configuration with every setting's default, whose components are names only."""
    named: dict[str, Any] = dict.fromkeys(("ocr", "layout", "splitter", "store", "generator"), "made-up")
    named |= {"loaders": {"made-up": "made-up"}, "answer": {"agent": "single"}}
    return Config.model_validate({**named, "search": {"retrievers": {"words": "made-up"}, "fuse": "made-up"}})


class MemoryHost:
    """A library of a few pages: finds those that share most words with the query. Implements `answer.AnswerHost`."""

    def __init__(
        self,
        folder: Path,
        pages: Mapping[tuple[str, int], Page],
        generator: Generator | None = None,
        *,
        agents: Mapping[str, AgentFunction] | None = None,
        tools: Iterable[Tool] = (),
        config: Config | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config or made_up_config()
        self.pages = dict(pages)
        self.searches: list[Search] = []
        self.state = "1"
        self._generator = generator or ScriptedGenerator()
        self._agents = dict(agents or {})
        self._tools = {tool.name: tool for tool in tools}
        self._titles = dict(titles or {})
        self._busy = threading.Lock()

    @property
    def generator(self) -> Generator:
        """As given."""
        return self._generator

    @property
    def tools(self) -> Mapping[str, Tool]:
        """As given."""
        return self._tools

    def search(self, action: Search, task: Task, until: float) -> list[Hit]:
        """Pages by the number of the query's words they hold."""
        if not self._busy.acquire(blocking=False):
            raise AssertionError("a host is never called by two threads at once")
        try:
            self.searches.append(action)
            words = set(action.query.lower().split())
            scored = [
                (len(words & set(page.text.lower().replace(".", " ").split())), name)
                for name, page in self.pages.items()
            ]
            best = sorted((item for item in scored if item[0]), key=lambda item: (-item[0], item[1]))
            limit = action.k or self.config.answer.pages
            return [
                Hit(Span(doc, number, number), rank, float(score), {"words": float(score)})
                for rank, (score, (doc, number)) in enumerate(best[:limit], 1)
            ]
        finally:
            self._busy.release()

    def evidence(self, hits: Sequence[Hit], start: int) -> tuple[Evidence, ...]:
        """The pages of the hits."""
        return tuple(
            Evidence(
                n, hit.doc, f"{hit.doc}.pdf", self._titles.get(hit.doc, ""), self.pages[hit.doc, hit.page], "p1", hit
            )
            for n, hit in enumerate(hits, start)
        )

    def render(self, evidence: Evidence, dpi: float = 110, clip: BBox | None = None) -> PageImage:
        """A white page."""
        from PIL import Image

        page = evidence.page
        view = clip or BBox(0, 0, 1, 1)
        width = max(1, round(page.width_pt / 72 * dpi * (view.x1 - view.x0)))
        height = max(1, round(page.height_pt / 72 * dpi * (view.y1 - view.y0)))
        return PageImage(page.number, width, height, dpi, Image.new("RGB", (width, height), "white"))

    def prompt(self, name: str) -> str:
        """A line that names it."""
        return f"This is the prompt {name}."

    def agent(self, name: str) -> AgentFunction:
        """As given. Raises `ConfigError` if there is none."""
        if name not in self._agents:
            raise ConfigError(f"no agent named '{name}'.")
        return self._agents[name]

    def state_key(self) -> str:
        """As set."""
        return self.state

    def coverage(self) -> Mapping[str, float]:
        """Whole."""
        return {"words": 1.0}

    def unread(self) -> str:
        """None."""
        return ""

    def file_of(self, doc: str) -> Path | None:
        """Its name as a path."""
        return Path(doc).absolute()

    def warnings(self) -> Sequence[str]:
        """None."""
        return ()
