"""The generator `openai` at servers that do harm: replies without end, bombs, floods; each ends in a named error."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import replying
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import single
from ragsys_generate import bounds, refusals, wire
from ragsys_generate.bounds import Bounds
from ragsys_generate.openai import OpenAI
from ragsys_generate.serve.process import healthy, models
from readers import asking, openai_at
from serving import Chat, Endless, Raw, Serving, Status

from ragsys.answer import answer
from ragsys.errors import GenerationError
from ragsys.protocols import Reply, Request
from ragsys.testing.agents import MemoryHost, page_of

MEMORY = 16 << 20  # bytes that a call may take beside what the process has; the server's own are among them
OK, ERROR = "HTTP/1.1 200 OK", "HTTP/1.1 500 Internal Server Error"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(bounds, "_WHOLE", 512 << 10)
    monkeypatch.setattr(bounds, "_STREAM", 256 << 10)  # floods of a few bytes a line take long to come


def head(status: str = OK, *headers: str, kind: str = "text/event-stream") -> bytes:
    return "\r\n".join([status, f"Content-Type: {kind}", *headers, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(delta: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"


def gzipped(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes << 20))


def whole(generator: OpenAI, request: Request) -> Reply:
    return generator.generate(request)


def streamed(generator: OpenAI, request: Request) -> Reply:
    last = list(generator.stream(request))[-1]
    assert isinstance(last, Reply)
    return last


both = pytest.mark.parametrize("call", [whole, streamed])
Call = Callable[[OpenAI, Request], Reply]


def failed(answer: Any, call: Call, request: Request | None = None) -> str:
    """The words of the error that it ends in; the memory that it took is bounded."""
    with Serving(otherwise=answer) as server:
        generator = openai_at(server, model="tiny", timeout=20.0)
        tracemalloc.start()
        try:
            with pytest.raises(GenerationError) as caught:
                call(generator, request or asking(max_tokens=16))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < MEMORY
    assert "sent what no reply may be" not in str(caught.value) or caught.value.hint
    return str(caught.value)


@both
@pytest.mark.parametrize("piece", [b"x" * 65_536, b"\xff" * 65_536, b"data: " + b"[" * 65_530])
def test_a_line_without_end(call: Call, piece: bytes) -> None:
    assert "sent what no reply may be: " in failed(Endless(head(), piece), call)


def test_an_endless_stream_of_tiny_events() -> None:
    many = event({"role": "assistant"}) * 500
    said = failed(Endless(head(), many), streamed)
    assert "sent what no reply may be: more than " in said


def test_an_endless_reply_ends_in_its_middle() -> None:
    many = event({"content": "a"}) * 500
    assert "(" in failed(Endless(head(), many), streamed).partition("in the middle of the reply ")[2]


def test_events_of_many_choices_are_read_in_time() -> None:
    began = time.monotonic()
    many = b'data: {"choices":[' + b"{}," * 100_000 + b"{}]}\n\n"
    assert "sent what no reply may be: more than " in failed(Endless(head(), many), streamed)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("line", [b": still here\n", b"\n", b"data: 1\n", b"what is this\n"])
def test_endless_lines_that_are_no_events(line: bytes) -> None:
    assert "sent what no reply may be: more than " in failed(Endless(head(), line * 1000), streamed)


@both
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-unheard-of"])
def test_an_encoding_that_was_not_asked_for_is_refused(call: Call, encoding: str) -> None:
    body = gzipped(50)
    reply = Raw(head(OK, f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}") + body)
    assert f"the content encoding '{encoding}', which was not asked for" in failed(reply, call)


def test_no_encoding_is_asked_for() -> None:
    with Serving([Chat("Paris.")]) as server:
        assert whole(openai_at(server, model="tiny"), asking()).text == "Paris."
    assert server.asked[0].headers["accept-encoding"] == "identity"


@both
@pytest.mark.parametrize("headers", [[], ["Content-Encoding: gzip"], ["Content-Length: 99999999999"]])
def test_the_body_of_an_error_without_end(call: Call, headers: list[str]) -> None:
    body = b"out of memory " + b"x" * 65_536
    said = failed(Endless(head(ERROR, *headers, kind="text/plain"), body), call)
    assert "failed (status 500)" in said
    assert ("out of memory" in said) == ("Content-Encoding: gzip" not in headers)


@both
def test_the_body_of_an_error_that_drips(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ERROR_SECONDS", 0.2)
    began = time.monotonic()
    with Serving(otherwise=Endless(head("HTTP/1.1 400 Bad Request"), b"n", 0.02)) as server:
        with pytest.raises(GenerationError, match=r"refuses the request \(status 400\): nn"):
            call(openai_at(server, model="tiny"), asking())
        assert server.left()
    assert time.monotonic() - began < 15


@both
def test_a_reply_that_drips_ends_at_the_deadline(call: Call) -> None:
    with Serving(otherwise=Endless(head(), b":", 0.02)) as server:
        with pytest.raises(GenerationError, match="had not replied within"):
            call(openai_at(server, model="tiny"), asking(deadline=0.3))
        assert server.left()


@both
@pytest.mark.parametrize(
    "answer",
    [
        Endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 1000 + b"\r\n"),
        Endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"y" * 65_536),
        Endless(b"", b"HTTP" * 1000),
    ],
    ids=["many headers", "a header without end", "no status line"],
)
def test_headers_without_end(call: Call, answer: Endless) -> None:
    assert "the connection to http://127.0.0.1:" in failed(answer, call)


@both
@pytest.mark.parametrize(
    "body", [b"zz\r\nno chunk", b"fffffffffffffffffffff\r\n", b"-1\r\n\r\n", b"5;" + b"e" * 300_000, b"\x00" * 5000]
)
def test_garbage_in_place_of_chunks(call: Call, body: bytes) -> None:
    failed(Raw(head(OK, "Transfer-Encoding: chunked") + body), call)


@both
def test_interim_replies_without_end(call: Call) -> None:
    with Serving(otherwise=Endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100)) as server:
        with pytest.raises(GenerationError, match="had not replied within"):
            call(openai_at(server, model="tiny"), asking(deadline=0.5))
        assert server.left()


@both
@pytest.mark.parametrize("status", [200, 400])
def test_brackets_without_end_are_no_reply(call: Call, status: int) -> None:
    failed(Status(status, "[" * 200_000), call)
    failed(Status(status, "[" * 900 + "]" * 900), call)


def test_an_event_of_brackets_is_no_reply() -> None:
    failed(Raw(head() + b"data: " + b"[" * 200_000 + b"\n\n"), streamed)


@both
@pytest.mark.parametrize("page", ["<" * 150_000, "<title>" * 20_000, "<title" * 20_000, "<html>" + "<a" * 70_000])
def test_a_page_of_brackets_is_read_in_time(call: Call, page: str) -> None:
    began = time.monotonic()
    failed(Status(404, page, content_type="text/html"), call)
    assert time.monotonic() - began < 15


def test_the_title_of_a_page_is_its_words() -> None:
    page = b"<html><title lang=en>502 Bad > Gateway</title>" + b"x" * 1000
    assert refusals.said(wire.Refused(502, page, {})) == "502 Bad > Gateway"


def test_probabilities_that_are_none_are_left_out() -> None:
    odd: list[Any] = [{"logprob": "x", "token": "a"}, {"logprob": -1}, {"token": "b", "logprob": -2.0}, 7]
    odd.append({"token": "c", "logprob": -3, "top_logprobs": 5})
    with Serving([Chat("b", logprobs=odd)]) as server:
        reply = whole(openai_at(server, model="tiny"), asking(logprobs=2))
    assert [(token.text, token.logprob) for token in reply.logprobs] == [("b", -2.0)]


# -- not a reply of the model ------------------------------------------------------------------------------------------

ENDLESS = Endless(head(kind="application/json"), b"[" + b" " * 65_536)


def test_a_listing_without_end() -> None:
    with Serving(models=ENDLESS) as server:
        with pytest.raises(GenerationError, match=r"sent what no reply may be: more than 4\.0 MB"):
            openai_at(server).limits()
        assert server.left()


def test_a_count_without_end_is_estimated() -> None:
    with Serving(routes={"/tokenize": ENDLESS}, models=[{"id": "tiny", "owned_by": "vllm"}]) as server:
        assert openai_at(server, count="server").tokens(asking()) > 0
        assert server.left()


def test_the_health_of_a_server_is_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with Serving(models=ENDLESS, routes={"/health": ENDLESS}) as server:
        assert not healthy(server.url)
        assert models(server.url, "") == []
    with Serving(routes={"/health": Status(200)}) as server:
        assert healthy(server.url)
        assert [one["id"] for one in models(server.url, "")] == ["tiny"]


# -- what a bound is made of -------------------------------------------------------------------------------------------


def test_a_longer_reply_may_be_longer() -> None:
    small, large = Bounds.of({"max_tokens": 16}), Bounds.of({"max_completion_tokens": 32_000})
    assert small.piece < large.piece
    assert Bounds.of({"max_tokens": 16, "n": 4}).stream > small.stream
    assert Bounds.of({"max_tokens": 16, "top_logprobs": 20}).piece > small.piece
    assert Bounds.of({"max_tokens": "many"}) == Bounds.of({})
    assert large.stream < 256 << 20


@both
def test_a_long_reply_with_probabilities_is_within_the_bounds(call: Call) -> None:
    top = [{"token": f"ąß{n}", "logprob": -0.123456789012345, "bytes": [196, 133, 195, 159, 49]} for n in range(20)]
    count = 2000
    tokens = [{"token": " word", "logprob": -0.1, "bytes": [32] * 5, "top_logprobs": top}] * count
    text = " word" * count
    with Serving(otherwise=Chat(text, [" word"] * count, logprobs=tokens)) as server:
        reply = call(openai_at(server, model="tiny"), asking(max_tokens=count, logprobs=20))
    assert reply.text == text
    assert len(reply.logprobs) == count


def test_a_stream_that_nobody_takes_waits() -> None:
    many = event({"content": "a" * 1000}) * 20
    with Serving(otherwise=Endless(head(), many)) as server:
        stream = openai_at(server, model="tiny").stream(asking(max_tokens=100_000))
        next(stream)
        tracemalloc.start()
        try:
            time.sleep(1.0)
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()
        stream.close()  # type: ignore[attr-defined]
        assert server.left()


# -- the question goes on ----------------------------------------------------------------------------------------------

PAGES = {(f"d{n}", 1): page_of(f"The plant {n} opened in {1980 + n}.") for n in range(1, 4)}


def host(tmp_path: Path, server: Serving, *, look: bool) -> MemoryHost:
    agents = {"single": partial(single, options=SingleOptions(look=look))}
    return MemoryHost(
        tmp_path, PAGES, openai_at(server, model="tiny"), agents=agents, config=replying.config_of(format="marks")
    )


def test_a_call_without_end_ends_alone(tmp_path: Path) -> None:
    endless = Endless(head(), event({"role": "assistant"}) * 500)
    with Serving([endless], otherwise=Chat("The plant 1 opened in 1981 [1.0].")) as server:
        made = answer(host(tmp_path, server, look=True), "when did the plant open")
    assert made.text == "The plant 1 opened in 1981 [1]."
    assert len(server.asked) == 2


def test_what_came_before_the_flood_is_kept(tmp_path: Path) -> None:
    said = b"".join(event({"content": text}) for text in ("The plant 1 ", "opened in 1981 [1.0].", " And then"))
    with Serving(otherwise=Endless(head() + said, event({"role": "assistant"}) * 500)) as server:
        made = answer(host(tmp_path, server, look=False), "when did the plant open")
    assert (made.status, made.text) == ("partial", "The plant 1 opened in 1981 [1].")
    assert any("the model's reply broke off" in note for note in made.notes)
