"""The generator `openai`: what it sends, and what it makes of replies."""

from __future__ import annotations

import base64
import io
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from readers import SCHEMA, asking, openai_at, picture
from serving import Chat, Raw, Serving, Status, openai_error

from ragsys.errors import GenerationError
from ragsys.exchange import Token
from ragsys.protocols import Message, Reply, Request
from ragsys.testing.generators import check_generator
from ragsys.types import Usage


def test_it_keeps_the_laws_of_generators() -> None:
    with Serving(otherwise=Chat("It is a pump."), models=["tiny"]) as server:
        check_generator(openai_at(server))


def test_usage_finish_and_identity() -> None:
    with Serving([Chat("It is", finish="length", usage=(120, 2))], models=["pump-7b"]) as server:
        generator = openai_at(server)
        reply = generator.generate(asking())
        assert (reply.text, reply.finish) == ("It is", "length")
        assert replace(reply.usage, seconds=0.0) == Usage(1, 120, 2, 0.0)
        assert reply.usage.seconds > 0
        assert generator.identity == "openai/pump-7b/0123456789ab"


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_the_fields_of_a_request() -> None:
    with Serving([Chat("a")]) as server:
        request = asking(max_tokens=77, temperature=0.5, seed=9, logprobs=3)
        openai_at(server, model="big", extra_body={"top_p": 0.9}).generate(request)
        body = server.asked[0].body
        assert {name: body[name] for name in ("model", "max_tokens", "temperature", "seed", "top_p")} == {
            "model": "big",
            "max_tokens": 77,
            "temperature": 0.5,
            "seed": 9,
            "top_p": 0.9,
        }
        assert (body["logprobs"], body["top_logprobs"]) == (True, 3)
        assert "stream" not in body
        assert not server.others  # a model that is named is not asked for


def test_messages_keep_their_order_and_text_alone_is_one_string() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server)
        one, two = picture(shade=10), picture(shade=90)
        history = (Message("user", ("before",)), Message("assistant", ("so",)))
        messages = (
            Message("system", ("rules", "more")),
            *history,
            Message("user", ("pages", one, "then", two, "Question: x")),
        )
        generator.generate(Request(messages))
        sent = server.asked[0].body["messages"]
        assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
        assert [message["content"] for message in sent[:3]] == ["rules\n\nmore", "before", "so"]
        kinds = [part.get("text") or part["type"] for part in sent[3]["content"]]
        assert kinds == ["pages", "image_url", "then", "image_url", "Question: x"]


def test_equal_evidence_gives_an_equal_beginning() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server)
        for question in ("Question: what?", "Question: why?"):
            generator.generate(asking("<page>text</page>", picture(shade=7), picture(shade=8), question))
        first, second = (asked.raw for asked in server.asked)
        common = first[: next(n for n, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)]
        assert common.endswith(b"Question: wh")
        assert common.count(b"data:image/jpeg;base64,") == 2


def sent_urls(server: Serving, call: int) -> list[str]:
    content = server.asked[call].body["messages"][-1]["content"]
    return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]


def sent_image(server: Serving) -> Image.Image:
    head, _, data = sent_urls(server, -1)[0].partition(",")
    assert head.startswith("data:image/")
    assert head.endswith(";base64")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_images_are_sent_no_larger_than_allowed_and_in_the_format_that_is_asked() -> None:
    with Serving(otherwise=Chat("a")) as server:
        openai_at(server, image_side=400).generate(asking(picture(1000, 500), "?"))
        assert (sent_image(server).size, sent_image(server).format) == ((400, 200), "JPEG")
        openai_at(server, image_pixels=40_000).generate(asking(picture(800, 200), "?"))
        assert sent_image(server).size == (400, 100)
        openai_at(server, image_format="png").generate(asking(picture(81, 61, shade=123), "?"))
        assert (sent_image(server).size, sent_image(server).format) == ((81, 61), "PNG")
        assert sent_image(server).convert("RGB").getpixel((3, 3)) == (123, 123, 123)


def test_transparency_becomes_paper() -> None:
    with Serving(otherwise=Chat("a")) as server:
        openai_at(server, image_format="png").generate(asking(Image.new("RGBA", (60, 60), (0, 0, 0, 0)), "?"))
        assert sent_image(server).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_a_picture_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Any] = []
    save = Image.Image.save

    def counted(image: Image.Image, *arguments: Any, **named: Any) -> None:
        saved.append(image)
        save(image, *arguments, **named)

    monkeypatch.setattr(Image.Image, "save", counted)
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server)
        one, two = picture(shade=1), picture(shade=2)
        for _ in range(3):
            generator.generate(asking(one, two, "?"))
        assert len(saved) == 2
        generator.generate(asking(picture(shade=1), "?"))  # drawn anew: the same bytes
        assert sent_urls(server, -1)[0] == sent_urls(server, 0)[0]


def test_the_encoded_pictures_that_are_kept_are_bounded() -> None:
    from ragsys_generate.options import OpenAIOptions
    from ragsys_generate.payload import Pictures

    pictures = Pictures(OpenAIOptions(), kept=3000)
    images = [picture(64, 64, shade) for shade in range(20)]
    urls = [pictures.url(image) for image in images]
    assert 0 < sum(len(url.data) for _, url in pictures._urls.values()) == pictures._held <= 3000
    assert [pictures.url(image) for image in images] == urls
    for shade in range(50):  # of images that are gone, another may have the place
        assert pictures.url(picture(64, 64, shade % 7)) == urls[shade % 7]


def test_a_damaged_picture_is_told() -> None:
    out = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(out, "PNG")
    with Serving() as server, pytest.raises(GenerationError, match="cannot be read"):
        openai_at(server).generate(asking(Image.open(io.BytesIO(out.getvalue()[:3000])), "?"))


def test_images_can_be_left_out() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server, images="no")
        assert not generator.reads_images
        assert generator.limits().images == 0
        generator.generate(asking("pages", picture(), "?"))
        assert server.asked[0].body["messages"][1]["content"] == "pages\n\n?"


def test_the_key_is_sent_and_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-very-secret-0123456789"
    refusal = openai_error(401, f"Incorrect API key provided: {key}", type="AuthenticationError")
    with caplog.at_level(logging.DEBUG), Serving([Chat("a"), refusal]) as server:
        generator = openai_at(server, model="tiny", api_key=key, headers={"x-team": "another-secret"})
        generator.generate(asking())
        assert server.asked[0].headers["authorization"] == f"Bearer {key}"
        assert server.asked[0].headers["x-team"] == "another-secret"
        with pytest.raises(GenerationError, match="401") as caught:
            generator.generate(asking())
    shown = f"{caught.value} {caplog.text} {generator.options!r} {generator.options.decisive()} {generator.identity}"
    assert key not in shown
    assert "another-secret" not in shown
    assert "OPENAI_API_KEY" in (caught.value.hint or "")


def test_without_a_key_no_authorization_is_sent() -> None:
    with Serving([Chat("a")]) as server:
        openai_at(server).generate(asking())
        assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://user:word@host/v1", "http://"])
def test_an_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no place"):
        openai_at(url)


def test_an_url_may_end_as_people_copy_it() -> None:
    with Serving(otherwise=Chat("a")) as server:
        for end in ("/", "/chat/completions"):
            assert openai_at(server.url + end).generate(asking()).text == "a"


# -- structured output -------------------------------------------------------------------------------------------------


def test_a_schema_is_sent_and_its_reply_parsed() -> None:
    with Serving([Chat('{"name": "pump", "value": 3}')]) as server:
        reply = openai_at(server).generate(asking(schema=SCHEMA))
        assert reply.data == {"name": "pump", "value": 3}
        sent = server.asked[0].body["response_format"]
        assert (sent["type"], sent["json_schema"]["schema"]) == ("json_schema", SCHEMA)


@pytest.mark.parametrize(("structured", "kind"), [("json_object", "json_object"), ("none", None)])
def test_weaker_means_tell_the_schema_in_words_at_the_end(structured: str, kind: str | None) -> None:
    with Serving([Chat('{"name": "pump", "value": 3}')]) as server:
        reply = openai_at(server, structured=structured).generate(asking("Question?", schema=SCHEMA))
        assert reply.data == {"name": "pump", "value": 3}
        body = server.asked[0].body
        assert body.get("response_format", {}).get("type") == kind
        assert body["messages"][-1]["content"].startswith("Question?")
        assert json.dumps(SCHEMA) in body["messages"][-1]["content"]


def test_a_server_without_schemas_is_asked_in_the_way_that_it_takes_from_then_on() -> None:
    def weak(asked: Any) -> Any:
        if "response_format" in asked.body:
            return openai_error(400, f"response_format type {asked.body['response_format']['type']} is not supported")
        return Chat('{"name": "pump", "value": 3}')

    with Serving(otherwise=weak) as server:
        generator = openai_at(server)
        for _ in range(2):
            assert generator.generate(asking(schema=SCHEMA)).data == {"name": "pump", "value": 3}
        assert len(server.asked) == 4  # json_schema, json_object, none; none
        assert list(generator.stream(asking(schema=SCHEMA)))[-1].data == {"name": "pump", "value": 3}  # type: ignore[union-attr]


def test_a_server_that_must_keep_to_schemas_and_does_not_is_told() -> None:
    said = "json_schema is not supported"
    with Serving([openai_error(400, said)]) as server, pytest.raises(GenerationError, match=said):
        openai_at(server, structured="json_schema").generate(asking(schema=SCHEMA))


def test_a_reply_that_does_not_fit_is_asked_for_again_once_with_its_error() -> None:
    with Serving(
        [Chat('{"name": "pump"}', usage=(10, 4)), Chat('{"name": "pump", "value": 3}', usage=(30, 8))]
    ) as server:
        reply = openai_at(server).generate(asking(schema=SCHEMA))
        assert reply.data == {"name": "pump", "value": 3}
        assert replace(reply.usage, seconds=0.0) == Usage(2, 40, 12, 0.0)
        first, second = (asked.body["messages"] for asked in server.asked)
        assert second[: len(first)] == first
        assert second[-2] == {"role": "assistant", "content": '{"name": "pump"}'}
        assert "'value' is a required property" in second[-1]["content"]


def test_two_replies_that_do_not_fit_are_an_error() -> None:
    with Serving(otherwise=Chat("I would rather talk.")) as server:
        with pytest.raises(GenerationError, match="not JSON"):
            openai_at(server).generate(asking(schema=SCHEMA))
        assert len(server.asked) == 2


def test_a_streamed_reply_that_does_not_fit_keeps_its_text_and_gets_its_data() -> None:
    with Serving([Chat("pump 3"), Chat('{"name": "pump", "value": 3}')]) as server:
        *pieces, reply = openai_at(server).stream(asking(schema=SCHEMA))
        assert isinstance(reply, Reply)
        assert "".join(map(str, pieces)) == reply.text == "pump 3"
        assert reply.data == {"name": "pump", "value": 3}


def test_json_that_was_cut_is_used_as_far_as_it_is_whole_or_told() -> None:
    rows = {"type": "object", "properties": {"rows": {"type": "array", "items": SCHEMA}}, "required": ["rows"]}
    cut = '{"rows": [{"name": "a", "value": 1}, {"name": "b", "val'
    with Serving([Chat(cut, finish="length"), Chat('{"name": "pu', finish="length")]) as server:
        generator = openai_at(server)
        reply = generator.generate(asking(schema=rows))
        assert (reply.data, reply.finish) == ({"rows": [{"name": "a", "value": 1}]}, "length")
        with pytest.raises(GenerationError, match="cut at 50 tokens"):
            generator.generate(asking(schema=SCHEMA, max_tokens=50))
        assert len(server.asked) == 2


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_an_empty_reply_is_asked_for_again_once() -> None:
    with Serving([Chat(" \n"), Chat("A pump."), Chat(""), Chat("")]) as server:
        generator = openai_at(server)
        assert generator.generate(asking()).text == "A pump."
        with pytest.raises(GenerationError, match="empty"):
            generator.generate(asking())
        assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [Chat("", refusal="I cannot help with that."), Chat("", finish="content_filter")],
    ids=["refusal", "filter"],
)
def test_a_refusal_is_told(answer: Chat) -> None:
    with Serving(otherwise=answer) as server:
        for call in (lambda g: g.generate(asking()), lambda g: list(g.stream(asking()))):
            with pytest.raises(GenerationError, match="refuses to answer"):
                call(openai_at(server))
        assert len(server.asked) == 2


def test_a_reply_that_the_server_broke_off_is_an_error() -> None:
    with (
        Serving(otherwise=Chat("half", finish="abort")) as server,
        pytest.raises(GenerationError, match="broke the reply"),
    ):
        openai_at(server).generate(asking())


THINKING = [
    Chat("It is a pump.", reasoning="Let me see."),
    Chat("It is a pump.", reasoning="Let me see.", reasoning_field="reasoning"),
    Chat("<think>\nA pump [1.2]? Yes.\n</think>\n\nIt is a pump."),
    Chat("Let me see.\nA pump.\n</think>\n\nIt is a pump."),
]


@pytest.mark.parametrize("answer", THINKING, ids=["apart", "apart, newer", "inside", "opened by the template"])
def test_thoughts_are_left_out(answer: Chat) -> None:
    with Serving(otherwise=answer) as server:
        generator = openai_at(server)
        assert generator.generate(asking()).text == "It is a pump."
        assert list(generator.stream(asking()))[-1].text == "It is a pump."  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_thoughts_are_never_streamed(size: int) -> None:
    text = " <think>\nA pump? <b>no</b>\n</think>\n\nIt is <b>a pump</b>."
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    with Serving(otherwise=Chat(text, pieces=pieces)) as server:
        *shown, reply = openai_at(server).stream(asking())
        assert "".join(map(str, shown)) == reply.text == "It is <b>a pump</b>."  # type: ignore[union-attr]


def test_text_that_only_begins_like_thoughts_is_streamed() -> None:
    for text in ("<thin film> it is", "<", "a </think> b"):
        with Serving(otherwise=Chat(text, pieces=list(text))) as server:
            *shown, reply = openai_at(server).stream(asking())
            assert "".join(map(str, shown)) == reply.text == text  # type: ignore[union-attr]


def test_tokens_that_all_went_into_thoughts_are_told() -> None:
    for answer in (Chat("", reasoning="hm", finish="length"), Chat("<think>hm", finish="length")):
        with Serving(otherwise=answer) as server, pytest.raises(GenerationError, match="on thinking") as caught:
            openai_at(server).generate(asking(max_tokens=20))
        assert "enable_thinking" in (caught.value.hint or "")


def logprob(text: str, value: float, **others: float) -> dict[str, Any]:
    top = [{"token": name, "logprob": at} for name, at in {text: value, **others}.items()]
    return {"token": text, "logprob": value, "bytes": None, "top_logprobs": top}


def test_logprobs_come_where_they_are_asked_for() -> None:
    listed = [logprob("Yes", -0.1, No=-2.5), logprob(".", -0.01)]
    expected = (Token("Yes", -0.1, (("Yes", -0.1), ("No", -2.5))), Token(".", -0.01, ((".", -0.01),)))
    with Serving(otherwise=Chat("Yes.", pieces=["Yes", "."], logprobs=listed)) as server:
        generator = openai_at(server)
        assert generator.generate(asking(logprobs=2)).logprobs == expected
        assert list(generator.stream(asking(logprobs=2)))[-1].logprobs == expected  # type: ignore[union-attr]
        assert generator.generate(asking()).logprobs == ()


def test_logprobs_of_thoughts_are_left_out() -> None:
    listed = [logprob("<think>", 0.0), logprob("no", -1.0), logprob("</think>", 0.0), logprob("Yes", -0.1)]
    with Serving(otherwise=Chat("<think>no</think>Yes", logprobs=listed)) as server:
        assert [token.text for token in openai_at(server).generate(asking(logprobs=1)).logprobs] == ["Yes"]


def test_content_in_parts_is_text() -> None:
    whole = {
        "choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "finish_reason": "stop"}]
    }
    with Serving([Status(200, whole)]) as server:
        assert openai_at(server).generate(asking()).text == "ab"


def test_a_stream_tells_its_usage_and_may_end_without_its_mark() -> None:
    event = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5}}
    plain = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: ping\r\n\r\nevent: x\r\ndata:"
        + json.dumps(event).encode()
    )
    with Serving([Chat("a b", usage=(31, 2)), Raw(plain + b"\r\n\r\n")]) as server:
        generator = openai_at(server)
        *pieces, reply = generator.stream(asking())
        assert pieces == ["a", " b"]
        assert replace(reply.usage, seconds=0.0) == Usage(1, 31, 2, 0.0)  # type: ignore[union-attr]
        assert server.asked[0].body["stream_options"] == {"include_usage": True}
        *pieces, reply = generator.stream(asking())
        assert pieces == ["a"]
        assert reply.usage.input_tokens == 5  # type: ignore[union-attr]


def test_a_server_that_does_not_stream_is_read_at_once() -> None:
    message = {"role": "assistant", "content": "It is a pump."}
    whole = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5}}
    with Serving([Status(200, whole)]) as server:
        *pieces, reply = openai_at(server).stream(asking())
        assert pieces == ["It is a pump."]
        assert (reply.text, reply.usage.input_tokens) == ("It is a pump.", 5)  # type: ignore[union-attr]


# -- models and limits -------------------------------------------------------------------------------------------------

VLLM = {"id": "reader", "root": "/models/Qwen2.5-VL-7B-Instruct", "owned_by": "vllm", "max_model_len": 8192}


def test_the_only_model_is_used_and_asked_for_once() -> None:
    adapter = {"id": "adapter", "parent": "reader"}
    with Serving(otherwise=Chat("a"), models=[VLLM, adapter]) as server:
        generator = openai_at(server)
        for _ in range(3):
            generator.generate(asking())
        assert server.asked[0].body["model"] == "reader"
        assert [asked.path for asked in server.others] == ["/v1/models"]


@pytest.mark.parametrize(("models", "match"), [(["a", "b"], "serves 2 models: a, b"), ([], "serves no models")])
def test_which_of_several_models_is_not_guessed(models: list[str], match: str) -> None:
    with Serving(models=models) as server, pytest.raises(GenerationError, match=match) as caught:
        openai_at(server).generate(asking())
    assert "generator.model=" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("card", "context"),
    [
        (VLLM, 8192),
        ({"id": "m", "context_length": 4096}, 4096),
        ({"id": "m", "meta": {"n_ctx": 2048}}, 2048),
        ({"id": "m"}, None),
        ({"id": "other", "max_model_len": 9}, None),
    ],
)
def test_the_context_is_what_the_server_tells(card: dict[str, Any], context: int | None) -> None:
    with Serving(models=[card]) as server:
        model = "m" if card["id"] != "reader" else ""
        assert openai_at(server, model=model).limits().context == context
        assert openai_at(server, model=model, context=1000, max_images=3).limits() == (
            type(openai_at(server).limits())(1000, 3)
        )


def test_limits_need_a_server_that_is_reached() -> None:
    with Serving() as server:
        url = server.url
    with pytest.raises(GenerationError, match="no server answers"):
        openai_at(url).limits()


def test_a_server_that_lists_nothing_has_no_known_limits() -> None:
    with Serving(models=Status(404, {"detail": "Not Found"})) as server:
        assert openai_at(server, model="m").limits().context is None
