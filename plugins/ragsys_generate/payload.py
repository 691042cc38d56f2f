"""A request as the JSON that OpenAI-compatible servers take: equal evidence gives equal bytes, for their caches."""

from __future__ import annotations

import base64
import io
import json
import math
import secrets
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ragsys.errors import GenerationError
from ragsys.protocols import Message, Request
from ragsys.types import JSON

from .options import OpenAIOptions

if TYPE_CHECKING:
    from PIL.Image import Image

Structure = Literal["json_schema", "json_object", "none"]
_SPOT = f"@{secrets.token_hex(16)}@"  # where an image stands; no text can hold it
KEPT = 64 * 2**20  # bytes of encoded images that are kept


@dataclass(frozen=True, slots=True)
class DataUrl:
    """An encoded image as it stands in JSON, where none of its characters needs an escape."""

    data: bytes


class Pictures:
    """Encodes images as data URLs, each one once while it lives: a request may be sent in several forms, and its pages
    with the next question again. Equal images give equal URLs; to know them as equal would cost as much as to encode
    them, so an image is known by its identity. It must not be drawn upon after it was sent."""

    def __init__(self, options: OpenAIOptions, kept: int = KEPT) -> None:
        self._options = options
        self._kept = kept
        self._held = 0
        self._urls: OrderedDict[int, tuple[weakref.ref[Image], DataUrl]] = OrderedDict()
        self._guard = threading.Lock()

    def url(self, image: Image) -> DataUrl:
        """The image, no larger than the options allow. Raises `GenerationError` if it cannot be read."""
        with self._guard:
            of, kept = self._urls.get(id(image), (None, None))
            if of is not None and kept is not None and of() is image:
                self._urls.move_to_end(id(image))
                return kept
        try:
            made = self._encode(image)
        except (OSError, ValueError, SyntaxError) as error:
            raise GenerationError(f"a page image cannot be read: {error}") from error
        with self._guard:
            if id(image) in self._urls:  # of an image that is no more
                self._held -= len(self._urls.pop(id(image))[1].data)
            self._urls[id(image)] = (weakref.ref(image), made)
            self._held += len(made.data)
            while self._held > self._kept and len(self._urls) > 1:
                self._held -= len(self._urls.popitem(last=False)[1][1].data)
        return made

    def size(self, image: Image) -> tuple[int, int]:
        """Width and height, in pixels, in which an image is sent."""
        width, height = image.size
        scale = min(
            1.0,
            self._options.image_side / max(width, height),
            math.sqrt(self._options.image_pixels / (width * height)),
        )
        return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))

    def _encode(self, image: Image) -> DataUrl:
        size = self.size(image)
        flat = image if image.mode in ("RGB", "L") else _flat(image)
        if size != flat.size:
            flat = flat.resize(size, reducing_gap=2.0)
        out = io.BytesIO()
        if self._options.image_format == "jpeg":
            flat.save(out, "JPEG", quality=self._options.image_quality)
        else:
            flat.save(out, "PNG", compress_level=1)
        head = f"data:image/{self._options.image_format};base64,".encode()
        return DataUrl(head + base64.b64encode(out.getvalue()))


def _flat(image: Image) -> Image:
    """In colours without transparency, on white as paper is."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    from PIL import Image as pil

    over = image.convert("RGBA")
    return pil.alpha_composite(pil.new("RGBA", over.size, (255, 255, 255, 255)), over).convert("RGB")


def images(request: Request) -> int:
    """The images of a request."""
    return sum(not isinstance(part, str) for message in request.messages for part in message.parts)


def chat(messages: Sequence[Message], pictures: Pictures | None, after: str = "") -> list[JSON]:
    """Messages in the order in which they are; text alone as a string, which every chat template takes. `after` is
    added to the last one's end. Without `pictures` images are left out."""
    made: list[JSON] = []
    for n, message in enumerate(messages):
        parts = list(message.parts)
        if after and n == len(messages) - 1:
            parts.append(after)
        content: list[JSON] = []
        for part in parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
            elif pictures is not None:
                content.append({"type": "image_url", "image_url": {"url": pictures.url(part)}})
        if all(part["type"] == "text" for part in content):
            made.append({"role": message.role, "content": "\n\n".join(part["text"] for part in content)})
        else:
            made.append({"role": message.role, "content": content})
    return made


def body(
    request: Request,
    options: OpenAIOptions,
    *,
    model: str,
    pictures: Pictures | None,
    structure: Structure,
    without: frozenset[str],
    stream: bool,
) -> dict[str, Any]:
    """The whole request. `without` names the fields that the server has refused."""
    after = ""
    made: dict[str, Any] = {"model": model}
    if request.schema is not None and structure != "json_schema":
        after = f"Reply with one JSON object under this JSON schema, and nothing else:\n{json.dumps(request.schema)}"
    made["messages"] = chat(request.messages, pictures, after)
    name = "max_completion_tokens" if "max_tokens" in without else "max_tokens"
    made |= {name: request.max_tokens, "temperature": request.temperature, "seed": request.seed}
    if request.schema is not None and structure == "json_schema":
        made["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": request.schema},
        }
    elif request.schema is not None and structure == "json_object":
        made["response_format"] = {"type": "json_object"}
    if request.logprobs:
        made |= {"logprobs": True, "top_logprobs": request.logprobs}
    if stream:
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    made |= options.extra_body
    return {field: value for field, value in made.items() if field not in without}


def encoded(made: dict[str, Any]) -> bytes:
    """Its bytes. Images are put in afterwards: looking for escapes in megabytes takes as long as to encode a page."""
    urls: list[bytes] = []

    def later(value: object) -> str:
        if not isinstance(value, DataUrl):
            raise TypeError(f"{type(value).__name__} has no JSON form")
        urls.append(value.data)
        return _SPOT

    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"), default=later)
    first, *rest = text.encode("utf-8", "replace").split(_SPOT.encode())
    return b"".join([first, *(part for pair in zip(urls, rest, strict=True) for part in pair)])
