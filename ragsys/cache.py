"""Model replies to equal requests, kept in one SQLite file. Whatever is wrong with the file, it starts anew."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ragsys import private
from ragsys.codec import fingerprint
from ragsys.protocols import Reply, Request
from ragsys.types import Usage

log = logging.getLogger("ragsys.cache")


class ReplyCache:
    """Replies by (generator, request, state of the library); the `capacity` newest are kept.

    `state` holds the library's generation and coverage: an answer from before a document changed is never reused.
    """

    def __init__(self, path: Path, *, capacity: int = 5000) -> None:
        self.path = path
        self.capacity = capacity
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @staticmethod
    def key(generator: str, request: Request, state: str) -> str:
        """The name of a reply. The deadline and the means to cancel are left out: they change whether there
        is a reply, not which."""
        from dataclasses import replace

        return fingerprint((generator, replace(request, deadline=None, cancel=None), state))

    def get(self, key: str) -> Reply | None:
        """The reply, with no usage: reading it again costs nothing."""
        with self._lock, self._guard():
            row = self._open().execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
            if row:
                found = json.loads(row[0])
                return Reply(str(found["text"]), found["data"], Usage(), "stop")
        return None

    def put(self, key: str, reply: Reply) -> None:
        """Keep a whole reply; one that was cut or cancelled, or whose data is not JSON, is not kept."""
        if reply.finish != "stop":
            return
        try:
            text = json.dumps({"text": reply.text, "data": reply.data}, ensure_ascii=False)
        except (TypeError, ValueError):
            return
        with self._lock, self._guard():
            connection = self._open()
            with connection:
                connection.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, text, time.time()))
                connection.execute(
                    "DELETE FROM replies WHERE key IN"
                    " (SELECT key FROM replies ORDER BY at DESC, key LIMIT -1 OFFSET ?)",
                    (self.capacity,),
                )

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            private.folder(self.path.parent)
            private.file(self.path)
            connection = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT, at REAL)")
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """A cache that cannot be read or written costs time, never the answer."""
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, KeyError) as error:
            log.warning("the reply cache %s is not usable: %s", self.path, error)
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if isinstance(error, sqlite3.OperationalError):  # locked, read-only, full: the file itself may be sound
                return
            with contextlib.suppress(OSError):
                self.path.unlink()
