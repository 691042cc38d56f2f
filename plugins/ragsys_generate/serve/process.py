"""Runs a server: starts it, waits until it is healthy, and ends it with all its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

import psutil

from ragsys import private
from ragsys_generate.wire import Late, Patience, Refused, Unreached, Wire

_GRACE = 15.0  # seconds that a server has to end by itself
_LOOK = 0.5  # seconds between two looks at it
_PATIENCE = 5.0  # seconds that it has to say whether it is healthy; then it is asked again
_LISTING = 60.0  # seconds that it has to name its models: asked once, perhaps of a machine that is busy
_TAIL = 65_536  # bytes of the log that its last lines are looked for in


class Served:
    """A server in a group of its own, so that Ctrl-C reaches us alone and we end it in order."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], url: str, log: Path) -> None:
        self.url = url
        self.log = log
        private.folder(log.parent)
        self._written: IO[bytes] = log.open("wb")
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=self._written,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError:
            self._written.close()
            raise

    def __enter__(self) -> Served:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float, tell: Callable[[str], None]) -> bool:
        """Whether it becomes healthy within `seconds`, before it ends; `tell` gets its last line now and then."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self.code is None:
            if healthy(self.url):
                return True
            tell(self.last(1)[-1] if self.last(1) else "")
            time.sleep(_LOOK)
        return False

    def join(self) -> int:
        """Return when it has ended, with its code."""
        while self.code is None:
            time.sleep(_LOOK)
        return self._process.returncode

    def last(self, lines: int) -> list[str]:
        """The last lines of its log that hold something."""
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
        return [line for line in text.splitlines() if line.strip()][-lines:]

    def stop(self) -> None:
        """End it: asked first, then by force; its children too, which hold the GPU's memory."""
        children = self._children()
        if self.code is None:
            self._ask()
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C: no grace
                self._process.wait(_GRACE)
        for process in [*children, *self._children()]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if os.name != "nt":  # what it started while it ended is in its group, but no child of it any more
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self.code is None:
            self._process.kill()
        self._process.wait()
        self._written.close()

    def _ask(self) -> None:
        with contextlib.suppress(OSError):
            if os.name == "nt":
                self._process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            else:
                self._process.terminate()

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.Error:
            return []


def healthy(url: str) -> bool:
    """Whether a server says that it can work. `url` is that of its OpenAI-compatible interface."""
    return _get(url, "/health", "")[0] == 200


def listens(url: str) -> bool:
    """Whether anything listens there: also a server that is too busy to say that it is healthy."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), _PATIENCE).close()
    except TimeoutError:  # its queue is full
        return True
    except OSError:
        return False
    return True


def models(url: str, key: str) -> list[dict[str, Any]]:
    """What a server serves; empty where it does not tell."""
    status, data = _get(url, "/v1/models", key, seconds=_LISTING)
    try:
        return [dict(one) for one in data["data"]] if status == 200 else []
    except (ValueError, KeyError, TypeError):
        return []


def _get(url: str, path: str, key: str, *, seconds: float = _PATIENCE) -> tuple[int, Any]:
    """Status and JSON, None where there is none; (0, None) where nobody answers within `seconds`, or without end.

    Asked directly: a proxy of the environment does not know this machine's addresses.
    """
    parts = urlsplit(url)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    wire = Wire(f"{parts.scheme}://{parts.netloc}", headers, Patience(seconds, seconds, 0, 0.0), 1, direct=True)
    try:
        return 200, wire.get(path, seconds)
    except Refused as refused:  # also what is no JSON: whoever is healthy says nothing more
        return refused.status, None
    except (Unreached, Late):
        return 0, None
    finally:
        wire.close()
