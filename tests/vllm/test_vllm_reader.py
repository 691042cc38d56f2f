"""The `openai` generator against a real vLLM that serves a vision-language model with random weights.

What the model says means nothing; that it is asked, streamed, held to schemas, broken off and missed does.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from servers import Server, until

from ragsys.cli.app import run
from ragsys.errors import GenerationError, RequestTooLarge
from ragsys.exchange import Bounded, Cancel, Message, Reply, Request
from ragsys.protocols import Generator
from ragsys.testing.generators import check_generator

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

MakeReader = Callable[..., Generator]
CONTEXT, IMAGES = 2048, 8
LONG = 1900  # tokens: some ten seconds
ENDLESS = {"extra_body": {"ignore_eos": True}}
SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["red", "green", "blue"]},
        "sure": {"type": "boolean"},
        "pages": {"type": "array", "items": {"type": "integer", "enum": [1, 2, 3]}, "minItems": 1, "maxItems": 3},
    },
    "required": ["colour", "sure", "pages"],
    "additionalProperties": False,
}


def asking(*parts: Any, tokens: int = 24, **more: Any) -> Request:
    """A request with one message of a user."""
    return Request((Message("user", parts),), max_tokens=tokens, **more)


def picture(width: int, height: int, colour: str = "navy") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def holds(data: Any) -> bool:
    """Whether an object is one of SCHEMA."""
    return (
        isinstance(data, dict)
        and set(data) == {"colour", "sure", "pages"}
        and data["colour"] in ("red", "green", "blue")
        and type(data["sure"]) is bool
        and 1 <= len(data["pages"]) <= 3
        and set(data["pages"]) <= {1, 2, 3}
    )


def test_text_is_answered_with_the_servers_own_count(seeing: Server, reader: MakeReader) -> None:
    model = reader(**ENDLESS)
    reply = model.generate(asking("What is in this image?", tokens=12))
    assert reply.text
    assert reply.finish == "length"
    body = {"model": "tiny", "messages": [{"role": "user", "content": "What is in this image?"}], "max_tokens": 1}
    status, own = seeing.post("/v1/chat/completions", body)
    assert status == 200
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (own["usage"]["prompt_tokens"], 12)
    assert reply.usage.calls == 1


def test_it_keeps_the_contract_of_generators(reader: MakeReader) -> None:
    check_generator(reader())


def test_the_only_model_is_found_and_its_bounds_are_told(reader: MakeReader) -> None:
    model = reader(model="")
    assert "tiny" in model.identity
    assert isinstance(model, Bounded)
    assert model.limits().context == CONTEXT


@pytest.mark.parametrize("size", [(112, 112), (448, 168), (1240, 1754), (60, 300)])
def test_an_image_is_seen_and_counted_before_it_is_sent(reader: MakeReader, size: tuple[int, int]) -> None:
    model = reader(count="server")
    assert isinstance(model, Bounded)
    blind, seeing = (asking("What is in this image? ", *images, tokens=4) for images in ((), (picture(*size),)))
    text, both = (model.generate(request).usage.input_tokens for request in (blind, seeing))
    assert both - text >= 4 + 2  # the least that the model's processor makes of an image, and its two marks
    assert both <= model.tokens(seeing) <= both + 24
    assert both - text <= model.tokens(seeing) - model.tokens(blind) <= both - text + 8
    assert model.reads_images


def test_what_is_on_an_image_changes_what_is_said(reader: MakeReader) -> None:
    model = reader(**ENDLESS)
    said = {
        model.generate(asking("What is in this image? ", picture(112, 112, colour), tokens=24)).text
        for colour in ("black", "white", "red")
    }
    assert len(said) > 1


def test_several_images_stand_where_they_are_put(reader: MakeReader) -> None:
    model = reader()
    one = asking("Page 1: ", picture(112, 112), tokens=4)
    parts = list(itertools.chain.from_iterable((f"Page {n}: ", picture(112, 112)) for n in range(1, IMAGES + 1)))
    many = asking(*parts, "Which page?", tokens=4)
    single, all_ = model.generate(one).usage.input_tokens, model.generate(many).usage.input_tokens
    assert all_ > (IMAGES - 1) * (single - 12)


def test_too_many_images_are_told_as_such(reader: MakeReader) -> None:
    model = reader()
    request = asking(*(picture(56, 56) for _ in range(IMAGES + 1)), "Which?")
    with pytest.raises(RequestTooLarge) as caught:
        model.generate(request)
    assert (caught.value.what, caught.value.limit) == ("images", IMAGES)
    assert model.reads_images
    assert isinstance(model, Bounded)
    assert model.limits().images == IMAGES


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_too_long_is_told_as_such(reader: MakeReader, stream: bool) -> None:
    model = reader()
    request = asking("word " * 4000)
    with pytest.raises(RequestTooLarge) as caught:
        list(model.stream(request)) if stream else model.generate(request)
    assert (caught.value.what, caught.value.limit) == ("tokens", CONTEXT)


def test_an_image_that_the_model_cannot_take_ends_in_a_clear_error(seeing: Server, reader: MakeReader) -> None:
    with pytest.raises(GenerationError) as caught:
        reader(images="yes").generate(asking("What is this? ", picture(3000, 10)))
    assert "Traceback" not in str(caught.value)
    assert seeing.healthy()
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,bm8gaW1hZ2U="}}
    body = {"model": "tiny", "messages": [{"role": "user", "content": [broken]}], "max_tokens": 4}
    status, told = seeing.post("/v1/chat/completions", body)
    assert status == 400
    assert told["error"]["message"]


def test_an_unknown_model_is_told_with_what_is_served(reader: MakeReader) -> None:
    with pytest.raises(GenerationError, match="tiny") as caught:
        reader(model="huge").generate(asking("Hello."))
    assert "huge" in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_keeps_to_a_schema(reader: MakeReader, stream: bool) -> None:
    model = reader()
    request = asking("Give a colour as JSON.", picture(112, 112), tokens=200, schema=SCHEMA, task="look")
    if stream:
        *pieces, last = model.stream(request)
        assert isinstance(last, Reply)
        assert "".join(piece for piece in pieces if isinstance(piece, str)) == last.text
    else:
        last = model.generate(request)
    assert holds(last.data), last
    assert json.loads(last.text) == last.data


def test_text_streams_and_is_what_is_said_at_once(reader: MakeReader) -> None:
    model = reader(**ENDLESS)
    request = asking("You answer questions about the pages of documents.", tokens=48)
    *pieces, last = model.stream(request)
    assert len(pieces) > 5
    assert isinstance(last, Reply)
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == last.text
    assert last.text == model.generate(request).text
    assert last.usage.output_tokens == 48


def test_log_probabilities_come_with_the_alternatives(reader: MakeReader) -> None:
    reply = reader(**ENDLESS).generate(asking("Hello.", tokens=6, logprobs=3))
    assert len(reply.logprobs) == 6
    for token in reply.logprobs:
        assert token.logprob <= 0
        assert len(token.top) >= 3
        chances = [chance for _, chance in token.top]
        assert chances == sorted(chances, reverse=True)
        assert token.logprob == pytest.approx(chances[0], abs=1e-4)  # at temperature 0 the likeliest is said
    assert reader().generate(asking("Hello.", tokens=6)).logprobs == ()


def test_calls_side_by_side_all_come_back(seeing: Server, reader: MakeReader) -> None:
    model = reader(concurrency=3, **ENDLESS)
    requests = [asking(f"Page {n}: ", picture(56 + 28 * n, 56), tokens=16) for n in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        together = [reply.text for reply in pool.map(model.generate, requests)]
    assert all(together)
    assert seeing.running() == 0


def test_a_stream_that_is_given_up_ends_on_the_server_too(seeing: Server, reader: MakeReader) -> None:
    cancel = Cancel()
    items = reader(**ENDLESS).stream(asking("Hello.", tokens=LONG, cancel=cancel))
    first = next(items)
    assert isinstance(first, str)
    assert until(lambda: seeing.running() == 1, 5)
    cancel.set()
    last = list(items)[-1]
    assert isinstance(last, Reply)
    assert last.finish == "cancelled"
    assert until(lambda: seeing.running() == 0, 10)


def test_a_stream_that_is_left_ends_on_the_server_too(seeing: Server, reader: MakeReader) -> None:
    items: Any = reader(**ENDLESS).stream(asking("Hello.", tokens=LONG))
    next(items)
    items.close()
    assert until(lambda: seeing.running() == 0, 10)


def test_a_call_that_is_given_up_ends_on_the_server_too(seeing: Server, reader: MakeReader) -> None:
    model, finish = reader(**ENDLESS), ""
    for _ in range(5):  # the server tells late what it runs: a call may be over before it can be given up
        cancel = Cancel()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(model.generate, asking("Hello.", tokens=LONG, cancel=cancel))
            until(lambda: seeing.running() == 1, 2)
            cancel.set()
            finish = waiting.result(30).finish
        if finish == "cancelled":
            break
    assert finish == "cancelled"
    assert until(lambda: seeing.running() == 0, 10)


def test_a_deadline_ends_a_call_on_the_server_too(seeing: Server, reader: MakeReader) -> None:
    model = reader(**ENDLESS)
    with pytest.raises(GenerationError, match="within"):
        model.generate(asking("Hello.", tokens=LONG, deadline=0.5))
    assert until(lambda: seeing.running() == 0, 10)


def test_the_doctor_tells_what_the_reader_can_and_cannot(
    seeing: Server,
    reader: MakeReader,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path))
    setting = f'generator={{use: openai, url: "{seeing.url}", model: tiny}}'
    assert run(["doctor", "--json", "--set", setting]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["reader"]["severity"] == "ok"
    assert f"{CONTEXT:,} tokens" in checks["reader"]["message"]
    assert checks["reader images"]["severity"] == "warning"  # it is not trained
    assert "it takes images" in checks["reader images"]["message"]
    assert checks["reader schema"]["severity"] in ("ok", "warning")
    assert "tokens/s" in checks["reader speed"]["message"]
    assert run(["doctor", "--json", "--set", setting.replace("tiny", "huge")]) == 1


def test_a_question_over_page_images_never_fails_for_their_size(
    seeing: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path))
    looked = seeing.metric("vllm:mm_cache_queries_total")
    settings = [f"generator.url={seeing.url}", "generator.model=tiny", "answer.budget.seconds=60"]
    words = ["ask", "examples/kelvara", "What was the revenue of Kelvara in 2025?", "--config", "gpu", "--json"]
    assert run([*words, *itertools.chain.from_iterable(("--set", one) for one in settings)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] in ("answered", "partial", "abstained")
    assert answer["usage"]["input_tokens"] > 0
    assert answer["usage"]["input_tokens"] <= CONTEXT * answer["usage"]["calls"]
    assert seeing.metric("vllm:mm_cache_queries_total") > looked  # pages were looked at, not only read


def streamed(items: Iterator[str | Reply], got: list[str]) -> None:
    got.extend(item for item in items if isinstance(item, str))


def test_a_server_that_is_killed_is_missed_and_found_again(seeing: Server, reader: MakeReader) -> None:
    """The last one: it leaves a server that was started anew."""
    model, got = reader(**ENDLESS), []
    items = model.stream(asking("Hello.", tokens=LONG))
    got.append(next(items))
    seeing.kill()
    with pytest.raises(GenerationError) as caught:
        streamed(items, got)
    assert seeing.url in caught.value.message
    assert "Traceback" not in str(caught.value)
    with pytest.raises(GenerationError, match=r"reached|refuse"):
        reader(restart=0.0, retries=0, timeout=7.0).generate(asking("Hello."))

    starting = threading.Thread(target=seeing.start, name="restart")
    starting.start()
    try:
        assert model.generate(asking("Hello again.", tokens=4)).text
    finally:
        starting.join()
    assert seeing.healthy()
