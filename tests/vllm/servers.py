"""A vLLM server on loopback for the tests: started, waited for, killed, started again; its log is kept."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

KEEPER = Path(__file__).with_name("keeper.py")
START = 300.0  # seconds until a server must be healthy; 45 to 60 on a machine that does nothing else
LINES = 40  # of its log that are shown when it is not


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def vllm(python: Path, model: Path, name: str, port: int, *flags: str) -> list[str]:
    """The command of a server on the processor, without compilation."""
    return [
        *(str(python), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--enforce-eager", "--max-num-seqs", "8"),
        *flags,
    ]


class Server:
    """One server: a context manager that starts it and, however the block ends, ends it with all its processes.

    `grace` is how many seconds it has to end by itself; 0 kills it at once.
    """

    def __init__(self, command: Sequence[str], port: int, log: Path, *, grace: float = 0.0) -> None:
        self.port = port
        self.log = log
        self._command = list(command)
        self._grace = grace
        self._keeper: subprocess.Popen[bytes] | None = None
        self._written: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the OpenAI-compatible interface is."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self, *, wait: bool = True) -> None:
        """Start it on its port. Raises `RuntimeError` with the end of its log if it does not become healthy."""
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        }
        self._written = self.log.open("ab")
        self._keeper = subprocess.Popen(
            [sys.executable, str(KEEPER), str(self._grace), *self._command],
            stdin=subprocess.PIPE,
            stdout=self._written,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        if wait:
            try:
                self.wait()
            except BaseException:
                self.kill()
                raise

    def wait(self) -> None:
        """Return when it is healthy."""
        ended = time.monotonic() + START
        while time.monotonic() < ended:
            if self._keeper is None or self._keeper.poll() is not None:
                raise RuntimeError(f"the server ended while it started; its last lines:\n{self.tail()}")
            if self.healthy():
                return
            time.sleep(0.5)
        raise RuntimeError(f"the server is not healthy after {START:.0f} s; its last lines:\n{self.tail()}")

    def healthy(self) -> bool:
        """Whether it says so."""
        try:
            return self._get("/health")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        """End it; without grace it has no chance to finish anything."""
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait(30 + self._grace)
            self._keeper = None
        if self._written is not None:
            self._written.close()
            self._written = None

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:])

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self._get("/metrics")[1].decode()
        found = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        if not found:
            raise LookupError(f"the server tells no metric {name}")
        return sum(map(float, found))

    def running(self) -> float:
        """Requests that it works on now, those that wait included."""
        return self.metric("vllm:num_requests_running") + self.metric("vllm:num_requests_waiting")

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of a request's reply, an error's too: what the server itself says."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def _get(self, path: str) -> tuple[int, bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
            return reply.status, reply.read()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether a condition comes to hold."""
    ended = time.monotonic() + seconds
    while time.monotonic() < ended:
        if condition():
            return True
        time.sleep(0.05)
    return False
