"""Options of the generators."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from ragsys.options import Options, incidental

from .serve.options import ServeOptions

ImageRule = Literal["auto", "qwen2-vl", "qwen3-vl", "internvl", "pixtral", "gemma3", "openai"]


class ExtractiveOptions(Options):
    """Of `extractive`."""

    sentences: int = Field(4, ge=1, le=12, description="at most this many sentences and rows")
    abstain: float = Field(
        0.55,
        ge=0,
        le=1,
        description="abstain below this score of the best sentence: the share of the question that it covers",
    )
    characters: int = Field(480, ge=80, le=4000, description="a longer sentence is not taken")


class OpenAIOptions(Options):
    """Of `openai`."""

    url: str = Field("http://localhost:8000/v1", description="of the server, with its /v1")
    model: str = Field("", description="the name it is served by; empty: the only one that the server has")
    api_key: SecretStr = Field(SecretStr(""), description="sent as a bearer token: ${OPENAI_API_KEY}")
    headers: dict[str, SecretStr] = Field({}, description="more headers of each request, for gateways")
    concurrency: int = incidental(8, ge=1, le=512, description="calls of this process to the server at once")
    timeout: float = incidental(300.0, gt=0, description="seconds without a byte from the server until it is given up")
    connect_timeout: float = incidental(5.0, gt=0, description="seconds to connect")
    retries: int = incidental(3, ge=0, le=20, description="of a call that failed for a reason that may pass")
    restart: float = incidental(
        60.0, ge=0, description="seconds to wait for a server that was reached before and now refuses connections"
    )
    images: Literal["auto", "yes", "no"] = Field(
        "auto", description="whether page images are sent; auto: until the server says that its model takes none"
    )
    image_side: int = Field(2048, ge=56, description="pixels: the longest side of an image that is sent")
    image_pixels: int = Field(4_000_000, ge=3136, description="the most pixels of an image that is sent")
    image_format: Literal["jpeg", "png"] = Field("jpeg", description="png: exact, and several times larger")
    image_quality: int = Field(90, ge=30, le=100, description="of jpeg")
    structured: Literal["auto", "json_schema", "json_object", "none"] = Field(
        "auto", description="how a reply is held to a schema; auto: by the strongest means that the server takes"
    )
    extra_body: dict[str, Any] = Field({}, description="more fields of each request: {top_p: 0.9}")
    context: int | None = Field(None, ge=256, description="tokens of prompt and reply; none: as the server says")
    max_images: int | None = Field(None, ge=0, description="images of one request; none: until the server says")
    image_tokens: int | ImageRule = Field(
        "auto", description="what an image counts: a number, or the rule of a family; auto: by the model's name"
    )
    processor_pixels: tuple[int, int] | None = Field(
        None, description="least and most pixels of an image as the server's image processor is set"
    )
    count: Literal["auto", "server", "estimate"] = Field(
        "auto", description="who counts the tokens of text; auto: a server that can, where the estimate may not fit"
    )
    serve: ServeOptions = incidental(ServeOptions(), description="how `ragsys serve-model` serves the model")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        value = value.strip().rstrip("/").removesuffix("/chat/completions")
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{value}' is no address of a server: write http://HOST:PORT/v1")
        if parts.username or parts.password:
            raise ValueError("a password has no place in the url: use api_key")
        if parts.query or parts.fragment:
            raise ValueError(
                "a query has no place in the url, for the paths of requests follow it: use api_key, headers"
            )
        return value

    @field_validator("processor_pixels")
    @classmethod
    def _are_bounds(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and not 0 < value[0] <= value[1]:
            raise ValueError("two numbers of pixels are expected: the least and the most")
        return value


class LocalOptions(Options):
    """Of `local`."""

    model: str = Field("", description="a GGUF file; empty: the small model that comes in a package")
    context: int = Field(
        8192, ge=512, description="tokens of prompt and reply; never more than the model was trained for"
    )
    max_tokens: int = Field(512, ge=16, description="the most tokens of a reply: small models go on and on")
    temperature: float | None = Field(None, ge=0, le=2, description="none: as each request asks for, most often 0")
    seed: int | None = Field(None, ge=0, description="of chance; none: as each request asks for")
    threads: int | None = incidental(
        None, ge=1, le=512, description="none: one for each physical core; where others compute, fewer are much faster"
    )
    slots: int = incidental(1, ge=1, le=32, description="calls at once; each has memory for a whole context")
    gpu_layers: int = incidental(-1, ge=-1, description="layers on a GPU, where the runtime has one; -1: all that fit")
    verbosity: int = incidental(
        0, ge=0, le=5, description="of llama.cpp on the terminal; 0: silent, 1: errors, 3: all it says while loading"
    )


class LangChainOptions(Options):
    """Of `langchain`."""

    model: str = Field(
        min_length=1, description="as init_chat_model takes it: PROVIDER:MODEL, as openai:gpt-5 or ollama:qwen3-vl"
    )
    options: dict[str, Any] = Field({}, description="more arguments of the model: {base_url: ..., top_p: 0.9}")
    api_key: SecretStr = Field(SecretStr(""), description="given to the model as api_key: ${OPENAI_API_KEY}")
    images: bool = Field(True, description="whether page images are sent: the model must see")
    image_side: int = Field(2048, ge=56, description="pixels: the longest side of an image that is sent")
    structured: Literal["json_schema", "function_calling", "json_mode", "none"] = Field(
        "json_schema", description="the method by which a reply is held to a schema; none: by the prompt alone"
    )
    context: int | None = Field(None, ge=256, description="tokens of prompt and reply; none: as its profile tells")
    max_images: int | None = Field(None, ge=0, description="images of one request; none: as its profile tells")
    concurrency: int = incidental(8, ge=1, le=512, description="calls at once")
    timeout: float = incidental(300.0, gt=0, description="seconds of a call without a deadline of its own")
