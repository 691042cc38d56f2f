"""Outcomes of earlier runs, kept beside the library: what was asked before, of equal code and content, is not again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import private
from ragsys.catalog import tally

if TYPE_CHECKING:
    from ragsys.evaluation.records import Outcome, Question
    from ragsys.space import Space

log = logging.getLogger("ragsys.evaluation")
FOLDER = "evaluation"  # inside a library's folder
_FILE = "outcomes.sqlite"
_FORM = 2  # of the file: outcomes as deflated JSON
_CAPACITY = 200_000
_TOGETHER = 128  # outcomes that are written together; a run that is killed has them in its own folder


class Kept:
    """Outcomes by what decides them. A file that cannot be used costs time, never the run."""

    def __init__(self, library: Path, decides: Any, *, fresh: bool = False) -> None:
        """`decides` is everything but the question that decides an outcome, as JSON; `fresh` reads nothing."""
        self._path = library / FOLDER / _FILE
        self._base = hashlib.sha256(json.dumps(decides, sort_keys=True).encode("utf-8", "surrogatepass") + b"\0")
        self._fresh = fresh
        self._new: list[tuple[str, bytes]] = []
        self._connection: sqlite3.Connection | None = None
        with self._guard():
            private.folder(self._path.parent)
            if not self._known():
                for suffix in ("", "-wal", "-shm"):
                    self._path.with_name(_FILE + suffix).unlink(missing_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=2.0)
            # who runs an evaluation has the library to itself: no lock need be taken for each question
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")  # a lost outcome is asked again
            self._connection.execute("CREATE TABLE IF NOT EXISTS outcomes (key TEXT PRIMARY KEY, outcome BLOB)")
            self._connection.execute(f"PRAGMA user_version={_FORM}")

    def _known(self) -> bool:
        """Whether the file is of this form. One of an older form, or none of ours, is made anew: it is a cache."""
        if not self._path.is_file():
            return False
        with contextlib.closing(sqlite3.connect(self._path, timeout=2.0)) as connection:
            try:
                return bool(connection.execute("PRAGMA user_version").fetchone() == (_FORM,))
            except sqlite3.OperationalError:  # another process has it: it is not ours to delete
                raise
            except sqlite3.DatabaseError:  # no database at all
                return False

    def key(self, question: Question, images: str = "") -> str:
        """The name of an outcome: its question's whole record counts, and the content of its images."""
        record = json.dumps(question, sort_keys=True)
        digest = self._base.copy()
        digest.update(f"{record}\0{images}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def get(self, key: str) -> Outcome | None:
        """The outcome, with the seconds that it took then."""
        if self._fresh or self._connection is None:
            return None
        with self._guard():
            row = self._connection.execute("SELECT outcome FROM outcomes WHERE key = ?", (key,)).fetchone()
            if row:
                found: Outcome = json.loads(zlib.decompress(row[0]))
                return found
        return None

    def put(self, key: str, outcome: Outcome, line: str = "") -> None:
        """Keep an outcome, given with its JSON where that is at hand; errors are not kept: they may be the moment's."""
        if self._connection is None or outcome["error"] is not None:
            return
        text = line or json.dumps(outcome, ensure_ascii=False)
        self._new.append((key, zlib.compress(text.encode("utf-8"))))
        if len(self._new) >= _TOGETHER:
            self._write()

    def _write(self) -> None:
        new, self._new = self._new, []
        if self._connection is not None:
            with self._guard(), self._connection as connection:
                connection.executemany("INSERT OR REPLACE INTO outcomes VALUES (?, ?)", new)

    def close(self) -> None:
        """Write what is left, drop the oldest beyond the capacity, let go of the file. Idempotent."""
        self._write()
        if self._connection is None:
            return
        with self._guard(), self._connection as connection:
            connection.execute(
                "DELETE FROM outcomes WHERE rowid <= (SELECT max(rowid) FROM outcomes) - ?", (_CAPACITY,)
            )
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, zlib.error, OSError, ValueError) as error:
            log.warning("kept outcomes in %s are not usable: %s", self._path, error)
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):  # a full disk takes no last page either
                    self._connection.close()
            self._connection = None


def content_key(space: Space) -> str:
    """16 hex digits of all that a search of this configuration can see; other configurations' layers do not count."""
    layers = space.layers
    content = []
    for state in sorted(space.catalog, key=lambda one: one.doc):
        shown = sorted(space.shown(state)) if not state.excluded else []
        made = {
            name: state.vectors.get(tally(name, space.layer(state, spec.items)), 0)
            for name, spec in layers.vectors.items()
        }
        known = [(layer, state.layers[layer]) for layer in shown if layer in state.layers]
        held = [[name, layer.complete, layer.items] for name, layer in known]
        content.append([state.doc, sorted(state.paths), held, sorted(made.items())])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def images_key(root: Path, question: Question) -> str:
    """What the question's images hold: empty without any."""
    digest = hashlib.sha256()
    for name in question.get("images", ()):
        path = (root / name).resolve()
        with contextlib.suppress(OSError):  # one that is not there is told when it is asked
            if path.is_relative_to(root.resolve()):
                digest.update(path.read_bytes())
    return digest.hexdigest() if question.get("images") else ""
