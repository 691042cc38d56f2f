"""What a server's error means: too large, an unknown model, a wrong key, no such server; and what to do about it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragsys.errors import GenerationError, RequestTooLarge, did_you_mean

from .wire import Refused, Unreached

LONGEST = 400  # characters of a server's words that are shown

#: How servers say how many tokens they take: vLLM, OpenAI, SGLang, llama.cpp, TGI, LM Studio.
_CONTEXT = (
    re.compile(r"maximum context length (?:is|of) (\d+)"),
    re.compile(r"maximum model length of (\d+)"),
    re.compile(r"context length \((\d+)"),
    re.compile(r"available context size \((\d+)"),
    re.compile(r"must have less than (\d+) tokens"),
    re.compile(r"context length of (?:only )?(\d+)"),
    re.compile(r"\((\d+)\) exceeds (?:the )?model'?s? maximum"),
)
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum model length|too many tokens|prompt is too long|input is too long"
    r"|exceed_context_size|input length|must have less than \d+ tokens",
    re.IGNORECASE,
)
_IMAGES = re.compile(r"(?:at most|more than|up to|maximum of) (\d+) image", re.IGNORECASE)
_TOO_MANY_IMAGES = re.compile(r"too many images|number of images|maximum .{0,20}images", re.IGNORECASE)
_NO_IMAGES = re.compile(
    r"not a multi-?modal|at most 0 image|image input is not supported|(does not|doesn't|not) support .{0,30}image"
    r"|image_url is only supported|images? (is|are) not supported|no image support|mmproj"
    r"|unknown part type: image|expected (type )?.?text.?.{0,40}image_url",
    re.IGNORECASE,
)
_BAD_IMAGE = re.compile(r"load image|identify image|decode image|invalid image|process image", re.IGNORECASE)
_UNKNOWN = r"(unsupported|not support|unknown|unrecognized|unexpected|extra|not permitted|not allowed|invalid|does not)"
_STRUCTURE = re.compile(
    r"response_format|json_schema|json schema|structured|guided|grammar|xgrammar|outlines", re.IGNORECASE
)
#: Of a page. Bounded: a page may hold the beginning a hundred thousand times and no end.
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,1000})</title>", re.IGNORECASE)
#: Fields that a reply can do without.
SPARE = ("stream_options", "seed", "top_logprobs", "logprobs", "temperature")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request went; for the words of errors."""

    url: str
    model: str
    key: str = ""  # the key, so that no message repeats it
    images: int = 0
    megabytes: float = 0.0


def said(refused: Refused) -> str:
    """The words of the server: of its JSON error, of the title of a page, or the beginning of what it sent."""
    text = refused.body[:200_000].decode("utf-8", "replace").strip()
    if _is_page(refused):
        title = _TITLE.search(text)
        return _short(html.unescape(title.group(1) if title else re.sub(r"<[^<>]+>", " ", text)))
    try:
        return _short(_message(json.loads(text)))
    except (ValueError, RecursionError):
        return _short(text)


def _message(data: object) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, list) and data:
        return _message(data[0])
    if isinstance(data, Mapping):
        for name in ("error", "message", "detail", "msg"):
            if data.get(name):
                return _message(data[name])
    return json.dumps(data)


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _is_page(refused: Refused) -> bool:
    return "html" in refused.headers.get("content-type", "") or refused.body.lstrip()[:15].lower().startswith(
        (b"<!doctype", b"<html")
    )


def takes_no_images(refused: Refused) -> bool:
    """Whether the request was refused because the model takes no images at all."""
    text = said(refused)
    some = _IMAGES.search(text)
    return 400 <= refused.status <= 501 and bool(_NO_IMAGES.search(text)) and not (some and int(some.group(1)))


def refuses_structure(refused: Refused) -> bool:
    """Whether it was refused for the way in which it asks for JSON."""
    return refused.status in (400, 404, 415, 422, 500, 501) and bool(_STRUCTURE.search(said(refused)))


def refused_field(refused: Refused, fields: Sequence[str]) -> str | None:
    """The field of a request, of those that it can do without or by another name, that the server does not take."""
    text = said(refused)
    if refused.status not in (400, 422) or not re.search(_UNKNOWN, text, re.IGNORECASE):
        return None
    if "max_tokens" in fields and "max_completion_tokens" in text:
        return "max_tokens"
    return next((name for name in SPARE if name in fields and re.search(rf"\b{name}\b", text)), None)


def lasts(refused: Refused) -> bool:
    """Whether another try would end in the same, though the status says that it may not."""
    if b"insufficient_quota" in refused.body:
        return True
    text = said(refused) if refused.status == 500 else ""
    return bool(_NO_IMAGES.search(text) or _TOO_LONG.search(text) or _IMAGES.search(text))


def is_model(refused: Refused) -> bool:
    """Whether the server does not know the model."""
    text = said(refused).lower()
    return (
        refused.status in (400, 404)
        and "model" in text
        and bool(
            re.search(
                r"does not exist|not found|not exist|unknown model|invalid model|no such model|model_not_found", text
            )
        )
    )


def error_of(refused: Refused, place: Place, served: Sequence[str] | None = None) -> GenerationError:
    """The error to raise. `served` are the models that the server has, where the model is what was refused."""
    text = said(refused)
    if place.key and len(place.key) >= 8:
        text = text.replace(place.key, "<the key>")
    status = refused.status
    if too_large := _too_large(refused, text, place):
        return too_large
    if served is not None:
        if place.model in served:
            return GenerationError(f"{place.url} refuses the model '{place.model}': {text}")
        hint = f"it serves: {', '.join(served) or 'none'}\n--set generator.model={served[0] if served else 'NAME'}"
        return GenerationError(
            f"{place.url} serves no model '{place.model}'.{did_you_mean(place.model, served)}", hint=hint
        )
    if 300 <= status < 400:
        target = refused.headers.get("location", "")
        return GenerationError(
            f"{place.url} redirects to {_short(target) or 'another address'} (status {status})",
            hint="set generator.url to the address behind the redirection",
        )
    if status in (401, 403) and not _is_page(refused):
        which = "the key" if place.key else "a request without a key"
        return GenerationError(
            f"{place.url} refuses {which} (status {status}){f': {text}' if text else ''}",
            hint="generator: {use: openai, api_key: ${OPENAI_API_KEY}}, with that variable set",
        )
    if _is_page(refused):
        return GenerationError(
            f"{place.url} answered with a web page (status {status}): {text}",
            hint="a proxy may stand between (name the server in NO_PROXY), or another program use that port",
        )
    if status in (404, 405):
        wanted = "" if place.url.endswith("/v1") else f", as a rule the url ends with /v1: {place.url}/v1"
        return GenerationError(
            f"there is no chat at {place.url} (status {status}): {text}",
            hint=f"--set generator.url=http://HOST:PORT/v1{wanted}",
        )
    if status == 200:
        return GenerationError(
            f"{place.url} answered with something else than a chat completion: {text or 'nothing'}",
            hint="is that an OpenAI-compatible server? see: ragsys doctor",
        )
    if status == 429:
        return GenerationError(
            f"{place.url} takes no more requests now (status 429): {text}",
            hint="wait, ask for more quota, or lower generator.concurrency",
        )
    if _BAD_IMAGE.search(text):
        return GenerationError(
            f"{place.url} cannot read an image (status {status}): {text}", hint="generator.images: no"
        )
    if status >= 500:
        return GenerationError(
            f"{place.url} failed (status {status}): {text or 'no reason given'}", hint="its own log says more"
        )
    return GenerationError(f"{place.url} refuses the request (status {status}): {text}")


def _too_large(refused: Refused, text: str, place: Place) -> RequestTooLarge | None:
    if refused.status == 413 and not _TOO_LONG.search(text):
        size = f"{place.url} refuses a request of {place.megabytes:.1f} MB (status 413)"
        return RequestTooLarge(size, what="images" if place.images else "tokens")
    if refused.status not in (400, 413, 422, 500):
        return None
    if match := _IMAGES.search(text):
        return RequestTooLarge(f"{place.url}: {text}", what="images", limit=int(match.group(1)))
    if _TOO_MANY_IMAGES.search(text):
        return RequestTooLarge(f"{place.url}: {text}", what="images")
    if _TOO_LONG.search(text):
        numbers = (pattern.search(text) for pattern in _CONTEXT)
        limit = next((int(match.group(1)) for match in numbers if match), None)
        return RequestTooLarge(f"{place.url}: {text}", what="tokens", limit=limit)
    return None


def unreached(error: Unreached, url: str, came: str = "") -> GenerationError:
    """What to raise where the server was not reached or its connection was lost; `came`: how much of the reply came."""
    tried = f", tried {error.tries} times" if error.tries > 1 else ""
    there = "start it: ragsys serve-model --run; or name it: --set generator.url=http://HOST:PORT/v1"
    match error.kind:
        case "refused":
            return GenerationError(f"no server answers at {url} ({_short(error.reason)}{tried})", hint=there)
        case "unknown host":
            return GenerationError(f"the host of {url} is not known: {_short(error.reason)}", hint=there)
        case "connect timeout":
            return GenerationError(
                f"{url} takes no connection in time{tried}", hint=f"{there}\nslow to reach: connect_timeout"
            )
        case "certificate":
            return GenerationError(
                f"no safe connection to {url}: {_short(error.reason)}",
                hint="http:// instead of https://? a certificate of one's own: set SSL_CERT_FILE",
            )
        case "proxy":
            return GenerationError(f"{url}: the proxy fails: {_short(error.reason)}", hint="set or clear NO_PROXY")
        case "silent":
            return GenerationError(
                f"{url} has sent nothing for too long{came}", hint="a model that is slower: generator.timeout"
            )
        case "too much":
            return GenerationError(
                f"{url} sent what no reply may be{came}: {_short(error.reason)}",
                hint="is that the server that is meant, and nothing between? see: ragsys doctor",
            )
    return GenerationError(
        f"the connection to {url} was lost{came}: {_short(error.reason)}{tried}", hint="the server's own log says more"
    )
