"""What kill -9 leaves at moments drawn from all writes of a run: continued, it ends as the undisturbed run.

The files are copied while the engine has them open: what it has written into them is what another process would find.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import damage
import histories
import pytest
from ragsys_qdrant.edge import EdgeStore
from ragsys_qdrant.options import EdgeOptions

from ragsys.config import load
from ragsys.gc import collect
from ragsys.library import Library
from ragsys.maintain import move
from ragsys.protocols import Context

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files that are open cannot be copied")
Step = Callable[[Library], Any]


class Recorder:
    """Copies of a folder at `most` moments, each moment as likely as any other."""

    def __init__(self, folder: Path, into: Path, most: int, seed: str) -> None:
        self.folder, self.into, self.most, self.seen = folder, into, most, 0
        self.chance = random.Random(seed)

    def __call__(self) -> None:
        self.seen += 1
        slot = self.seen - 1 if self.seen <= self.most else self.chance.randrange(self.seen)
        if slot < self.most:
            shutil.rmtree(self.into / str(slot), ignore_errors=True)
            damage.copy(self.folder, self.into / str(slot))

    def states(self) -> list[Path]:
        assert self.seen
        return sorted(self.into.iterdir())


def recorded(monkeypatch: pytest.MonkeyPatch, recorder: Recorder, run: Callable[[], Any]) -> None:
    """Run with a look before and after each write and each flush."""

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            recorder()
            given = real(*args)
            recorder()
            return given

        return call

    with monkeypatch.context() as patch:
        for name in ("_write", "flush"):
            patch.setattr(EdgeStore, name, watched(getattr(EdgeStore, name)))
        run()


def opened(docs: Path, folder: Path, *settings: str) -> Library:
    library = Library(docs, folder=folder, config=load("laptop", settings), background=False, index=False)
    histories.Parsers.library = library
    return library


def ended(docs: Path, folder: Path, step: Step) -> str:
    """The library after a step, in a form to compare."""
    with opened(docs, folder) as library:
        step(library)
    with opened(docs, folder) as library:
        histories.fits(library)
        removed = sorted(d.id for d in library.documents(removed=True) if d.removed)
        return f"{removed} {damage.look(library)}"


def removing(library: Library) -> None:
    """Remove a document by name and follow the folder, from wherever an earlier try ended."""
    if any("doc1.pdf" in document.paths for document in library.documents()):
        library.remove("doc1.pdf")
    library.index(prune=True)
    library.index(prune=True)


STEPS: dict[str, Step] = {
    "index": lambda library: library.index(),
    "wait": lambda library: library.index(wait=True),
    "delete": removing,
    "gc": lambda library: collect(library.space),
}


def prepared(step: str, docs: Path, folder: Path) -> None:
    """A library before the step."""
    if step in ("delete", "wait"):
        with opened(docs, folder) as library:
            library.index(wait=step == "delete")
    if step == "delete":
        (docs / "doc2.pdf").unlink()
    if step == "gc":  # layers and a vector that another configuration has made
        for settings in (("splitter.words=20",), ()):
            with opened(docs, folder, *settings) as library:
                library.index(wait=True)


def crashes(step: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    histories.install(monkeypatch)
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    histories.Parsers.chance, histories.Parsers.troubled = random.Random(step), False
    docs, folder = tmp_path / "docs", tmp_path / "library"
    docs.mkdir()
    for number in range(4):
        histories.draw(docs / f"doc{number}.pdf", random.Random(60 + number))
    prepared(step, docs, folder)
    recorder = Recorder(folder, tmp_path / "states", most, step)
    (tmp_path / "states").mkdir()

    def run() -> None:
        with opened(docs, folder) as library:
            STEPS[step](library)

    recorded(monkeypatch, recorder, run)
    whole = ended(docs, folder, STEPS[step])
    for state in recorder.states():
        if step == "gc":  # no search may show what is being dropped
            with opened(docs, state) as library:
                hits = [[(h.doc, h.page, h.passages) for h in library.search(q)] for q in damage.QUERIES]
            with opened(docs, folder) as library:
                assert hits == [[(h.doc, h.page, h.passages) for h in library.search(q)] for q in damage.QUERIES]
        assert ended(docs, state, STEPS[step]) == whole, f"{step}: what was left at {state.name} ends otherwise"


def moves(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    histories.install(monkeypatch)
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    docs, folder, target = tmp_path / "docs", tmp_path / "library", tmp_path / "target"
    docs.mkdir()
    for number in range(4):
        histories.draw(docs / f"doc{number}.pdf", random.Random(60 + number))
    recorder = Recorder(target, tmp_path / "states", most, "move")
    (tmp_path / "states").mkdir()
    with opened(docs, folder) as library:
        library.index(wait=True)
        source = library.space.store
        names = list(library.space.layers.vectors)

        def run(at: Path = target) -> list[str]:
            store = EdgeStore(EdgeOptions(), Context(at, at))
            try:
                move(source, store)
                rows = [(r.id, sorted(r.payload.items()), sorted(r.vectors)) for r in store.scroll(vectors=names)]
                return list(map(repr, rows))
            finally:
                store.close()

        recorded(monkeypatch, recorder, run)
        whole = run()
        assert len(whole) == source.count()
        for state in recorder.states():
            assert run(state) == whole


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", STEPS)
def test_what_a_kill_leaves_is_continued(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashes(step, 2, tmp_path, monkeypatch)


@pytest.mark.timeout(600)
def test_a_move_that_was_killed_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moves(2, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("step", STEPS)
def test_what_a_kill_leaves_at_many_moments_is_continued(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes(step, 40 if step == "index" else 12, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_move_that_was_killed_at_many_moments_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moves(12, tmp_path, monkeypatch)
