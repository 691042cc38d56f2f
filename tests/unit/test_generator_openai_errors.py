"""The generator `openai` and what servers refuse: each a clear error with a next step, or a request in another form."""

from __future__ import annotations

from typing import Any

import pytest
from ragsys_generate import wire
from readers import asking, openai_at, picture
from serving import Chat, Serving, Status, openai_error

from ragsys.errors import GenerationError, RequestTooLarge
from ragsys.protocols import Request


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_WAIT", 0.01)


def refused(answer: Any, request: Request | None = None, *, models: Any = ("tiny",), **options: Any) -> GenerationError:
    """The error that an answer ends in; the same whether the reply was to be streamed."""
    errors = []
    for stream in (False, True):
        with Serving(otherwise=answer, models=models) as server:
            generator = openai_at(server, **{"model": "tiny", **options})
            call = (lambda asked, g=generator: list(g.stream(asked))) if stream else generator.generate
            with pytest.raises(GenerationError) as caught:
                call(request or asking())
            errors.append((type(caught.value), str(caught.value).replace(f":{server.port}", ""), caught.value))
    assert errors[0][:2] == errors[1][:2]
    return errors[0][2]


# -- too large ---------------------------------------------------------------------------------------------------------

VLLM = "This model's maximum context length is 4096 tokens. However, your prompt contains 9120 input tokens"
TOO_LONG = [
    (400, VLLM, 4096),
    (400, "The decoder prompt (length 5010) is longer than the maximum model length of 2048. Make sure that", 2048),
    (400, "Input length (5010) exceeds model's maximum context length (4096).", 4096),
    (400, "The input (5010 tokens) is longer than the model's context length (4096 tokens).", 4096),
    (400, "the request exceeds the available context size (2048 tokens), try increasing it", 2048),
    (500, "the request exceeds the available context size. try increasing the context size", None),
    (422, "Input validation error: `inputs` must have less than 4095 tokens. Given: 5010", 4095),
    (400, "The model is loaded with context length of only 4096 tokens, which is not enough", 4096),
    (400, "prompt is too long: 210000 tokens > 200000 maximum", None),
]


@pytest.mark.parametrize(("status", "text", "limit"), TOO_LONG)
def test_a_prompt_that_is_too_long(status: int, text: str, limit: int | None) -> None:
    error = refused(openai_error(status, text))
    assert isinstance(error, RequestTooLarge)
    assert (error.what, error.limit) == ("tokens", limit)
    assert text[:30] in str(error)


def test_too_many_images_and_the_limit_is_remembered() -> None:
    said = "At most 2 image(s) may be provided in one prompt. Set `--limit-mm-per-prompt` to increase this limit."
    with Serving(otherwise=openai_error(400, said)) as server:
        generator = openai_at(server, model="tiny")
        assert generator.limits().images is None
        with pytest.raises(RequestTooLarge) as caught:
            generator.generate(asking(*[picture()] * 3, "?"))
        assert (caught.value.what, caught.value.limit) == ("images", 2)
        assert generator.limits().images == 2
        assert generator.reads_images


def test_a_limit_of_images_is_not_taken_for_blindness() -> None:
    with Serving(otherwise=openai_error(400, "The model does not support more than 5 images")) as server:
        generator = openai_at(server, model="tiny")
        with pytest.raises(RequestTooLarge) as caught:
            generator.generate(asking(*[picture()] * 6, "?"))
        assert (caught.value.what, caught.value.limit) == ("images", 5)
        assert generator.reads_images


def test_a_request_that_the_gateway_finds_too_big() -> None:
    page = Status(
        413, "<html><head><title>413 Request Entity Too Large</title></head></html>", content_type="text/html"
    )
    error = refused(page, asking(picture(), "?"))
    assert isinstance(error, RequestTooLarge)
    assert (error.what, error.limit) == ("images", None)
    assert "MB" in str(error)
    assert isinstance(tokens := refused(page), RequestTooLarge)
    assert tokens.what == "tokens"


# -- images ------------------------------------------------------------------------------------------------------------

BLIND = [
    (400, "tiny is not a multimodal model"),
    (400, "At most 0 image(s) may be provided in one prompt."),
    (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
    (400, "Invalid content type. image_url is only supported by certain models."),
    (400, "This model does not support image inputs"),
]


@pytest.mark.parametrize(("status", "text"), BLIND)
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_without_eyes_gets_the_text_from_then_on(status: int, text: str, stream: bool) -> None:
    def blind(asked: Any) -> Any:
        return openai_error(status, text) if b"image_url" in asked.raw else Chat("a pump")

    with Serving(otherwise=blind) as server:
        generator = openai_at(server)
        assert generator.reads_images
        assert not generator.notes
        request = asking("pages", picture(), "?")
        for _ in range(2):
            assert [*generator.stream(request)][-1].text if stream else generator.generate(request).text  # type: ignore[union-attr]
        assert len(server.asked) == 3
        assert not generator.reads_images
        assert generator.limits().images == 0
        assert "takes no images" in generator.notes[0]


def test_a_model_that_must_see_and_cannot_is_told() -> None:
    error = refused(openai_error(400, "tiny is not a multimodal model"), asking(picture(), "?"), images="yes")
    assert "not a multimodal model" in str(error)


def test_an_image_that_the_server_cannot_read() -> None:
    error = refused(openai_error(400, "Failed to load image: cannot identify image file"), asking(picture(), "?"))
    assert "cannot read an image" in str(error)
    assert not isinstance(error, RequestTooLarge)


# -- fields that a server does not take --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("seed", "Unrecognized request argument supplied: seed"),
        ("stream_options", "Unknown field: stream_options"),
        ("temperature", "Unsupported value: 'temperature' does not support 0 with this model."),
        ("logprobs", "logprobs are not supported with this model"),
        ("top_logprobs", "Extra inputs are not permitted: top_logprobs"),
    ],
)
def test_a_field_that_is_refused_is_left_out(field: str, text: str) -> None:
    def strict(asked: Any) -> Any:
        return openai_error(400, text) if field in asked.body else Chat("a pump")

    with Serving(otherwise=strict) as server:
        generator = openai_at(server)
        for _ in range(2):
            assert list(generator.stream(asking(logprobs=1)))[-1].text == "a pump"  # type: ignore[union-attr]
        assert len(server.asked) == 3


def test_newer_models_take_the_limit_by_its_newer_name() -> None:
    def newer(asked: Any) -> Any:
        if "max_tokens" in asked.body:
            said = "Unsupported parameter: 'max_tokens' is not supported with this model."
            return openai_error(400, f"{said} Use 'max_completion_tokens' instead.")
        return Chat(str(asked.body["max_completion_tokens"]))

    with Serving(otherwise=newer) as server:
        assert openai_at(server).generate(asking(max_tokens=70)).text == "70"


def test_a_server_that_refuses_every_form_is_left_alone() -> None:
    with Serving(otherwise=openai_error(400, "unknown field: seed temperature stream_options")) as server:
        with pytest.raises(GenerationError, match="unknown field"):
            openai_at(server).generate(asking())
        assert len(server.asked) <= 8


# -- the wrong place, key or name --------------------------------------------------------------------------------------


def test_a_wrong_name_lists_what_is_served() -> None:
    said = openai_error(
        404, "The model `qwen2.5-vl` does not exist. Valid aliases: qwen2.5-vl-7b.", type="NotFoundError"
    )
    error = refused(said, model="qwen2.5-vl", models=["qwen2.5-vl-7b", "smol"])
    assert "serves no model 'qwen2.5-vl'. Did you mean 'qwen2.5-vl-7b'?" in error.message
    assert "it serves: qwen2.5-vl-7b, smol" in str(error)


@pytest.mark.parametrize(("key", "words"), [("", "a request without a key"), ("sk-0123456789", "the key")])
def test_a_wrong_key(key: str, words: str) -> None:
    error = refused(openai_error(401, "Unauthorized", type="AuthenticationError"), api_key=key)
    assert words in str(error)
    assert "OPENAI_API_KEY" in str(error)


def test_a_wrong_key_that_is_refused_without_a_word() -> None:
    assert str(refused(Status(401), api_key="")).splitlines()[0].endswith("(status 401)")


def test_a_url_without_its_v1() -> None:
    with Serving() as server, pytest.raises(GenerationError, match="there is no chat") as caught:
        openai_at(server.url.removesuffix("/v1"), model="tiny").generate(asking())
    assert f"{server.url}" in (caught.value.hint or "")


def test_a_page_instead_of_json() -> None:
    page = Status(
        502, "<!DOCTYPE html><html><head><title>502 Bad &amp; Gateway</title></head>x</html>", content_type="text/html"
    )
    error = refused(page)
    assert "web page (status 502): 502 Bad & Gateway" in str(error)
    assert "NO_PROXY" in str(error)
    welcome = refused(Status(200, "<html><title>Welcome to nginx!</title></html>", content_type="text/html"))
    assert "Welcome to nginx!" in str(welcome)


def test_a_redirection_is_not_followed() -> None:
    error = refused(Status(308, "", headers={"location": "https://reader.example/v1/chat/completions"}))
    assert "redirects to https://reader.example/v1" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        Status(200, "hello"),
        Status(200, {"status": "ok"}),
        Status(200, {"choices": []}),
        Status(200, ""),
        Status(200, "[1]"),
    ],
    ids=["text", "other json", "no choices", "nothing", "a list"],
)
def test_what_is_no_chat_completion(answer: Status) -> None:
    assert "something else than a chat completion" in str(refused(answer))


def test_errors_that_come_with_status_200() -> None:
    error = refused(Status(200, {"object": "error", "message": VLLM, "code": 400}))
    assert isinstance(error, RequestTooLarge)
    assert error.limit == 4096
    assert "gone wrong" in str(refused(Status(200, {"error": {"message": "gone wrong"}})))


def test_a_long_error_is_shortened() -> None:
    assert len(str(refused(openai_error(400, "x" * 100_000)))) < 1000


@pytest.mark.parametrize(
    "body",
    [
        '{"error": null}',
        '{"error": {"message": null}}',
        '["a"]',
        '[{"msg": "a"}]',
        '"a"',
        "\x00\x01",
        "{",
        '{"detail": [{"msg": "b"}]}',
    ],
)
def test_errors_of_any_shape_are_told(body: str) -> None:
    assert "status 400" in str(refused(Status(400, body)))


def test_an_unknown_host() -> None:
    with pytest.raises(GenerationError, match="is not known") as caught:
        openai_at("http://no-such-host.invalid:8000/v1", model="tiny").generate(asking())
    assert "generator.url" in (caught.value.hint or "")


def test_tls_where_there_is_none() -> None:
    with Serving() as server, pytest.raises(GenerationError, match="no safe connection"):
        openai_at(server.url.replace("http:", "https:"), model="tiny").generate(asking())
