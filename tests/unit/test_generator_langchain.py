"""The generator `langchain`: chat models of LangChain's own for tests, and one of a provider at a scripted server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from serving import Chat, Endless, Hang, Serving, openai_error

pytest.importorskip("langchain")
pytest.importorskip("langchain_openai")

from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from ragsys_generate import bounds, langchain
from ragsys_generate.langchain import LangChain
from ragsys_generate.options import LangChainOptions
from readers import SCHEMA, Calling, asking, picture

from ragsys.errors import GenerationError, MissingExtra, RequestTooLarge
from ragsys.exchange import Bounded, Limits
from ragsys.protocols import Context, Generator, Reply
from ragsys.testing.generators import check_generator

KEY = "sk-of-a-test-alone"


def made(**options: Any) -> LangChain:
    context = Context(Path("state"), Path("cache"), "0123456789ab")
    return LangChain(LangChainOptions(**{"model": "openai:tiny", **options}), context)


def at(server: Serving, **options: Any) -> LangChain:
    return made(api_key=KEY, options={"base_url": server.url, "max_retries": 0}, **options)


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that are made in place of those that a name asks for, in order; the last one for ever."""
    models: list[Any] = []
    monkeypatch.setattr(
        langchain, "init_chat_model", lambda name, **given: models.pop(0) if len(models) > 1 else models[0]
    )
    return models


# -- LangChain's own models -------------------------------------------------------------------------------------------


def test_it_keeps_the_contract(standing_in: list[Any]) -> None:
    standing_in.append(FakeListChatModel(responses=["The plant opened in 1987."]))
    generator = made()
    assert isinstance(generator, Generator)
    assert isinstance(generator, Bounded)
    check_generator(generator)


def test_a_model_that_keeps_to_no_schema_is_told_it(standing_in: list[Any]) -> None:
    said = AIMessage('Sure:\n```json\n{"name": "x", "value": 3}\n```')
    standing_in.append(GenericFakeChatModel(messages=iter([said])))
    assert made().generate(asking(schema=SCHEMA)).data == {"name": "x", "value": 3}


def test_a_reply_that_does_not_fit_is_asked_for_once_more(standing_in: list[Any]) -> None:
    standing_in.append(GenericFakeChatModel(messages=iter(["no idea", '{"name": "x", "value": 3}'])))
    reply = made().generate(asking(schema=SCHEMA))
    assert reply.data == {"name": "x", "value": 3}
    assert reply.usage.calls == 2


def test_thoughts_are_no_part_of_the_text(standing_in: list[Any]) -> None:
    standing_in.append(FakeListChatModel(responses=["<think>hm</think>Paris."]))
    items = list(made().stream(asking()))
    assert "".join(item for item in items if isinstance(item, str)) == "Paris."
    assert isinstance(items[-1], Reply)
    assert items[-1].text == "Paris."


def test_usage_is_the_sum_of_what_chunks_tell(standing_in: list[Any]) -> None:
    class Counting(FakeListChatModel):
        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            for text, read, wrote in (("a", 9, 1), ("b", 0, 4)):
                usage = {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}
                yield ChatGenerationChunk(message=AIMessageChunk(content=text, usage_metadata=usage))

    standing_in.append(Counting(responses=["x"]))
    usage = made().generate(asking()).usage
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (1, 9, 5)


def test_an_error_of_any_kind_is_told_in_one_line(standing_in: list[Any]) -> None:
    class Failing(FakeListChatModel):
        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            raise KeyError("who\nknows")
            yield

    standing_in.append(Failing(responses=["x"]))
    with pytest.raises(GenerationError, match=r"openai:tiny failed: KeyError"):
        list(made().stream(asking()))


# -- a provider's model at a server -----------------------------------------------------------------------------------


def test_images_go_as_content_blocks_in_their_order() -> None:
    with Serving([Chat("a b")]) as server:
        assert list(at(server).stream(asking("one", picture(), "two")))[:-1] == ["a", " b"]
        parts = server.asked[0].body["messages"][-1]["content"]
        assert [part["type"] for part in parts] == ["text", "image_url", "text"]
        assert parts[1]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_images_are_left_out_where_they_are_not_read() -> None:
    with Serving([Chat("a")]) as server:
        generator = at(server, images=False)
        assert not generator.reads_images
        assert generator.limits() == Limits(None, 0)
        generator.generate(asking("one", picture()))
        assert server.asked[0].body["messages"][-1]["content"] == "one"


def test_what_a_call_sends_and_counts() -> None:
    with Serving([Chat("a b", finish="length")]) as server:
        reply = at(server).generate(asking(max_tokens=77, temperature=0.5))
        assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.finish) == (11, 7, "length")
        body = server.asked[0].body
        assert (body["model"], body["max_completion_tokens"], body["temperature"]) == ("tiny", 77, 0.5)
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_schema_is_asked_for_by_the_models_own_means() -> None:
    with Serving([Chat('{"name": "x", "value": 3}')] * 2) as server:
        generator = at(server)
        assert generator.generate(asking(schema=SCHEMA)).data == {"name": "x", "value": 3}
        streamed = list(generator.stream(asking(schema=SCHEMA)))
        assert streamed[-1].data == {"name": "x", "value": 3}  # type: ignore[union-attr]
        assert "".join(streamed[:-1]) == '{"name": "x", "value": 3}'  # type: ignore[arg-type]
        asked = server.asked[1].body["response_format"]["json_schema"]["schema"]
        assert asked["properties"] == SCHEMA["properties"]


def test_what_a_model_refuses_is_left_out_from_then_on() -> None:
    cold = openai_error(400, "Unsupported value: 'temperature' does not support 0.0 with this model")
    loose = openai_error(400, "response_format json_schema is not supported")
    fits = Chat('{"name": "x", "value": 3}')
    with Serving([cold, loose, fits, fits]) as server:
        generator = at(server)
        for _ in range(2):
            assert generator.generate(asking(schema=SCHEMA)).data == {"name": "x", "value": 3}
        bodies = [asked.body for asked in server.asked]
        assert ["temperature" in body for body in bodies] == [True, False, False, False]
        assert ["response_format" in body for body in bodies] == [True, True, False, False]
        assert "under this JSON schema" in bodies[-1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (401, f"bad key {KEY}", "refuses the key"),
        (403, "not yours", "refuses the key"),
        (404, "no such model", "is not known"),
        (429, "slow down", "takes no more requests"),
        (500, "oh no", "status 500"),
    ],
)
def test_errors_of_a_provider(status: int, said: str, told: str) -> None:
    with Serving(otherwise=openai_error(status, said)) as server:
        with pytest.raises(GenerationError, match=told) as caught:
            at(server).generate(asking())
        assert KEY not in str(caught.value)
        assert len(server.asked) == 1


def test_a_prompt_that_is_too_long_says_how_much_fits() -> None:
    said = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens."
    with Serving(otherwise=openai_error(400, said)) as server, pytest.raises(RequestTooLarge) as caught:
        at(server).generate(asking())
    assert (caught.value.what, caught.value.limit) == ("tokens", 4096)


def test_no_server() -> None:
    with Serving() as server:
        generator = at(server)
    with pytest.raises(GenerationError, match=r"openai:tiny failed: .*[Cc]onnection"):
        generator.generate(asking())


def test_a_call_that_is_given_up_ends_at_once() -> None:
    with Serving([Hang(), Chat("again")]) as server:
        generator = at(server)
        calling = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
        while not server.asked:
            time.sleep(0.005)
        calling.cancel.set()
        assert calling.result().finish == "cancelled"
        assert server.left()
        assert generator.generate(asking()).text == "again"


def test_a_deadline_is_kept_before_and_after_the_first_piece() -> None:
    with Serving([Hang(), Chat("one two three", gap=30)]) as server:
        generator = at(server)
        with pytest.raises(GenerationError, match=r"had not replied within 0\.3 s"):
            generator.generate(asking(deadline=0.3))
        items = list(generator.stream(asking(deadline=0.5)))
        assert items[0] == "one"
        assert isinstance(items[-1], Reply)
        assert items[-1].finish == "cancelled"
        assert server.left()


def test_leaving_a_stream_closes_its_connection() -> None:
    with Serving([Chat("one two three", gap=30)]) as server:
        stream = at(server).stream(asking())
        assert next(stream) == "one"
        stream.close()  # type: ignore[attr-defined]
        assert server.left()


@pytest.mark.parametrize("delta", [{"content": "a"}, {"role": "assistant"}])
def test_a_stream_without_end_is_a_named_error(delta: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_WHOLE", 64 << 10)
    monkeypatch.setattr(bounds, "_STREAM", 64 << 10)
    event = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "tiny"}
    event |= {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with Serving(otherwise=Endless(head, b"data: " + json.dumps(event).encode() + b"\n\n")) as server:
        generator = at(server)
        with pytest.raises(GenerationError, match="openai:tiny sent what no reply may be"):
            list(generator.stream(asking(max_tokens=16)))
        with pytest.raises(GenerationError, match="openai:tiny sent what no reply may be"):
            generator.generate(asking(max_tokens=16))
        assert server.left()


def test_calls_at_once_are_bounded() -> None:
    with Serving(otherwise=Chat("a", delay=0.05)) as server:
        generator = at(server, concurrency=2)
        calls = [Calling(lambda cancel: generator.generate(asking())) for _ in range(6)]
        assert [call.result().text for call in calls] == ["a"] * 6
        assert server.peak == 2


# -- models that cannot be made ---------------------------------------------------------------------------------------


def test_a_provider_whose_package_is_missing_names_the_pip_command() -> None:
    with pytest.raises(MissingExtra, match="pip install langchain-anthropic"):
        made(model="anthropic:claude-x").generate(asking())


@pytest.mark.parametrize("name", ["nonsense:x", "tiny"])
def test_a_name_that_is_not_known(name: str) -> None:
    with pytest.raises(GenerationError, match="cannot make the model") as caught:
        made(model=name).generate(asking())
    assert "PROVIDER:MODEL" in str(caught.value.hint)


def test_a_key_that_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(GenerationError, match="api_key") as caught:
        made().generate(asking())
    assert "generator.api_key" in str(caught.value.hint)


def test_limits_and_tokens() -> None:
    with Serving() as server:
        assert at(server, context=4096, max_images=3).limits() == Limits(4096, 3)
        generator = at(server)
        assert generator.tokens(asking("one", picture())) > generator.tokens(asking("one")) > 8
        assert generator.identity == "langchain/openai:tiny/0123456789ab"
