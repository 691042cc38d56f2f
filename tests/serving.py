"""A scripted server that speaks as OpenAI-compatible ones do: what it answers, how slowly, and where it dies is told
by the test. It needs the standard library alone.

    with Serving([Chat("Paris."), Status(503), Chat("again")], models=["tiny"]) as server:
        ... server.url, server.asked[0].body["messages"]
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    raw: bytes
    at: float  # time.monotonic()

    @property
    def body(self) -> Any:
        """The JSON of it; None where there is none."""
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True)
class Chat:
    """A reply of a model: whole, or in pieces where the request says `stream`."""

    text: str = ""
    pieces: Sequence[str] | None = None  # of a stream; its words where none are given
    finish: str | None = "stop"
    delay: float = 0.0  # seconds before anything is sent, the status line too
    first: float = 0.0  # seconds between the head of a stream and its first piece
    gap: float = 0.0  # seconds between two pieces
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    refusal: str | None = None
    logprobs: Sequence[Mapping[str, Any]] | None = None  # `choices[0].logprobs.content`
    usage: tuple[int, int] | None = (11, 7)  # tokens of prompt and reply
    dies_after: int | None = None  # the connection is cut after so many pieces (or bytes of a whole reply)
    ends_early: int | None = None  # the stream ends in good order after so many pieces, without finish or [DONE]
    error_after: Mapping[str, Any] | None = None  # `data: {"error": ...}` after the pieces, instead of the end
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """Any status with any body: a mapping as JSON, a text as it is."""

    code: int
    body: Mapping[str, Any] | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    content_type: str | None = None


@dataclass(frozen=True)
class Hang:
    """Nothing is said until the client goes away, for at most so many seconds."""

    seconds: float = 30.0


@dataclass(frozen=True)
class Raw:
    """Bytes as they are on the wire; then the connection is closed."""

    data: bytes = b""


@dataclass(frozen=True)
class Endless:
    """Bytes as they are on the wire, then `piece` again and again until the client goes away."""

    head: bytes
    piece: bytes
    gap: float = 0.0  # seconds between two pieces


Answer = Chat | Status | Hang | Raw | Endless
Scripted = Answer | Callable[[Asked], Answer]


def openai_error(code: int, message: str, *, type: str = "BadRequestError", param: str | None = None) -> Status:
    """An error as vLLM words it."""
    return Status(code, {"error": {"message": message, "type": type, "param": param, "code": code}})


class Serving:
    """The server, in threads of its own, on a free port of the loopback address.

    `script` answers POST /v1/chat/completions in order; after its end, `otherwise` answers, or status 500 does.
    `routes` answers other paths, as {"/tokenize": answer}; `models` is what GET /v1/models lists, names or whole cards.
    """

    def __init__(
        self,
        script: Iterable[Scripted] = (),
        *,
        otherwise: Scripted | None = None,
        models: Sequence[str | Mapping[str, Any]] | Answer = ("tiny",),
        routes: Mapping[str, Scripted] | None = None,
    ) -> None:
        self.script: list[Scripted] = list(script)
        self.otherwise = otherwise
        self.models = models
        self.routes = dict(routes or {})
        self.asked: list[Asked] = []  # of chat completions, in order of arrival
        self.others: list[Asked] = []  # of everything else
        self.peak = 0  # the most chat completions that were under way at once
        self._under_way = 0
        self._gone = threading.Semaphore(0)
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """As the option `url` of a generator takes it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Listen: on a free port the first time, on the same one after a `stop`."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.serving = self
        self.port = self._server.server_address[1]
        run = self._server.serve_forever
        self._thread = threading.Thread(target=run, kwargs={"poll_interval": 0.01}, name="serving", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Die: refuse connections and cut those that are open."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for _ in range(500):  # the threads of the connections close them
            if not self._open:
                break
            time.sleep(0.01)
        self._server = self._thread = None

    def left(self, seconds: float = 5.0) -> bool:
        """Whether a client went away in the middle of a reply; waits for that."""
        return self._gone.acquire(timeout=seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _next(self, asked: Asked) -> Answer:
        with self._guard:
            entry = self.script.pop(0) if self.script else self.otherwise
        if entry is None:
            return openai_error(500, "the script holds no further answer", type="InternalServerError")
        return entry(asked) if callable(entry) else entry

    def _listed(self) -> Answer:
        if isinstance(self.models, Answer):
            return self.models
        cards = [{"id": m, "object": "model", "root": m} if isinstance(m, str) else dict(m) for m in self.models]
        return Status(200, {"object": "list", "data": cards})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    serving: Serving

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every reply over a kept connection waits 40 ms
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.serving._guard:
            self.server.serving._open.add(self.connection)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

        with self.server.serving._guard:
            self.server.serving._open.discard(self.connection)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        serving = self.server.serving
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, raw, time.monotonic())
        chat = self.command == "POST" and self.path == "/v1/chat/completions"
        with serving._guard:
            (serving.asked if chat else serving.others).append(asked)
            serving._under_way += chat
            serving.peak = max(serving.peak, serving._under_way)
        self._counted = chat
        try:
            if chat:
                answer = serving._next(asked)
            elif self.path in serving.routes:
                entry = serving.routes[self.path]
                answer = entry(asked) if callable(entry) else entry
            elif self.command == "GET" and self.path == "/v1/models":
                answer = serving._listed()
            else:
                answer = Status(404, {"detail": "Not Found"})
            self._answer(answer, asked)
        except OSError:  # the client went away, or the server was stopped
            self.close_connection = True
            serving._gone.release()
        finally:
            self._uncount()

    def _uncount(self) -> None:
        """A call is over before its last byte is sent: a client that has it may begin the next one at once."""
        if self._counted:
            self._counted = False
            with self.server.serving._guard:
                self.server.serving._under_way -= 1

    def _answer(self, answer: Answer, asked: Asked) -> None:
        match answer:
            case Hang(seconds):
                self._wait(seconds)
                self.close_connection = True
            case Raw(data):
                self.wfile.write(data)
                self.close_connection = True
            case Endless(head, piece, gap):
                self.wfile.write(head)
                while True:
                    self.wfile.write(piece)
                    self._wait(gap)
            case Status():
                self._wait(answer.delay)
                text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                kind = answer.content_type or ("text/plain" if isinstance(answer.body, str) else "application/json")
                self._whole(answer.code, text.encode(), kind, answer.headers)
            case Chat():
                self._wait(answer.delay)
                if asked.body.get("stream"):
                    self._stream(answer, asked.body)
                else:
                    self._chat(answer, asked.body)

    def _wait(self, seconds: float) -> None:
        """Pass the time; raises `OSError` as soon as the client is gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionError("the client is gone")
            if readable:
                time.sleep(min(left, 0.01))  # the next request is there already

    def _head(self, code: int, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)

    def _whole(self, code: int, body: bytes, kind: str, headers: Mapping[str, str], cut: int | None = None) -> None:
        self._head(code, kind, headers)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._uncount()
        self.wfile.write(body[:cut])
        self.close_connection |= cut is not None

    def _chat(self, answer: Chat, body: Mapping[str, Any]) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
        if answer.reasoning:
            message[answer.reasoning_field] = answer.reasoning
        choice = {"index": 0, "message": message, "finish_reason": answer.finish}
        if answer.logprobs is not None and body.get("logprobs"):
            choice["logprobs"] = {"content": list(answer.logprobs)}
        whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body.get("model")}
        whole |= {"choices": [choice], "usage": _usage(answer)}
        self._whole(200, json.dumps(whole).encode(), "application/json", answer.headers, answer.dies_after)

    def _stream(self, answer: Chat, body: Mapping[str, Any]) -> None:
        self._head(200, "text/event-stream; charset=utf-8", answer.headers)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body.get("model")}

        def chunk(delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
            return {**head, "choices": [choice]}

        self._event(chunk({"role": "assistant", "content": ""}))
        self._wait(answer.first)
        if answer.reasoning:
            self._event(chunk({answer.reasoning_field: answer.reasoning}))
        if answer.refusal:
            self._event(chunk({"refusal": answer.refusal}))
        pieces = _words(answer.text) if answer.pieces is None else answer.pieces
        wanted = list(answer.logprobs or ()) if body.get("logprobs") else []
        for n, piece in enumerate(pieces):
            if n in (answer.dies_after, answer.ends_early):
                break
            if n:
                self._wait(answer.gap)
            self._event(chunk({"content": piece}, None, {"content": [wanted.pop(0)]} if wanted else None))
        if answer.dies_after is not None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if answer.error_after is not None:
            self._event({"error": answer.error_after})
        elif answer.ends_early is None:
            self._event(chunk({}, answer.finish))
            if (body.get("stream_options") or {}).get("include_usage"):
                self._event({**head, "choices": [], "usage": _usage(answer)})
            self._uncount()
            self._send(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: Mapping[str, Any]) -> None:
        self._send(b"data: " + json.dumps(data).encode() + b"\n\n")

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _words(text: str) -> list[str]:
    words = text.split(" ")
    return [word if n == 0 else f" {word}" for n, word in enumerate(words)]


def _usage(answer: Chat) -> dict[str, int] | None:
    if answer.usage is None:
        return None
    prompt, reply = answer.usage
    return {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply}
