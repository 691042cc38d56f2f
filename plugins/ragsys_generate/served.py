"""What a server serves, and what it takes: its models, their context, the forms of a request that it has refused."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

from ragsys.errors import GenerationError, RequestTooLarge
from ragsys.exchange import Cancel, Limits
from ragsys.protocols import Request

from . import payload, refusals
from .options import OpenAIOptions
from .wire import Cancelled, Late, Refused, Unreached, Wire

log = logging.getLogger("ragsys.generate")
PATIENCE = 30.0  # seconds to be told the models
#: Where servers tell how many tokens they take: vLLM and SGLang, OpenRouter, Groq, Mistral, LM Studio.
_CONTEXT = ("max_model_len", "context_length", "context_window", "max_context_length", "loaded_context_length")
_WEAKER: dict[payload.Structure, payload.Structure] = {"json_schema": "json_object", "json_object": "none"}


class Served:
    """One server as it was found to be. Safe to use from several threads."""

    def __init__(self, options: OpenAIOptions, wire: Wire) -> None:
        self._options = options
        self._wire = wire
        self._key = options.api_key.get_secret_value()
        self._guard = threading.Lock()
        self._card: Mapping[str, Any] | None = None
        self._weakened: dict[str, payload.Structure] = {}  # {schema: how it is asked for}
        self._most_images = options.max_images
        self.without: frozenset[str] = frozenset()  # fields that it has refused
        self.blind = options.images == "no"  # images are not sent

    # -- models --------------------------------------------------------------------------------------------------------

    def model(self, deadline: float | None = None, cancel: Cancel | None = None) -> str:
        """The model's name. Raises `GenerationError` where none is configured and there is not just one."""
        return self._options.model or str(self.card(deadline, cancel)["id"])

    def card(self, deadline: float | None = None, cancel: Cancel | None = None) -> Mapping[str, Any]:
        """What the server tells of the model; nothing of one that it does not list. Asked for once."""
        with self._guard:
            if self._card is not None:
                return self._card
        cards = self._cards(deadline, cancel)
        wanted = self._options.model
        if wanted:
            card = next((card for card in cards if card["id"] == wanted), {})
        else:
            own = [card for card in cards if not card.get("parent")]  # an adapter is not what is meant
            if len(own) != 1:
                names = [str(card["id"]) for card in own]
                raise GenerationError(
                    f"{self._options.url} serves {len(names) or 'no'} models{': ' if names else ''}"
                    f"{', '.join(names[:20])}{' ...' if len(names) > 20 else ''}",
                    hint=f"choose one: --set generator.model={names[0] if names else 'NAME'}",
                )
            card = own[0]
        with self._guard:
            self._card = card
        return card

    def family(self) -> str:
        """The names that tell what kind of model it is: it may be served under any other."""
        try:
            card = self.card()
        except GenerationError:
            return self._options.model
        return f"{card.get('root') or ''} {card.get('id') or self._options.model}"

    def limits(self) -> Limits:
        """The context as configured or as the server tells it, and as many images as it was found to take."""
        context = self._options.context
        if context is None:
            card = self.card()
            meta = card.get("meta")  # of llama.cpp
            told = [card.get(name) for name in _CONTEXT] + [meta.get("n_ctx") if isinstance(meta, Mapping) else None]
            context = next((value for value in told if isinstance(value, int) and value > 0), None)
        return Limits(context, 0 if self.blind else self._most_images)

    def counts(self) -> bool:
        """Whether it counts tokens for others, as vLLM does."""
        return self.card().get("owned_by") == "vllm"

    def counted(self, request: Request) -> int | None:
        """The tokens of the text with its chat template, as the server counts them; None if it does not."""
        made = {"model": self.model(), "messages": payload.chat(request.messages, None), "add_generation_prompt": True}
        address = f"{self._options.url.removesuffix('/v1')}/tokenize"
        try:
            data = self._wire.post(address, payload.encoded(made), PATIENCE, request.cancel, turn=False)
        except (Refused, Unreached, Late, Cancelled):
            return None
        count = data.get("count") if isinstance(data, Mapping) else None
        return count if isinstance(count, int) and count > 0 else None

    def _cards(self, deadline: float | None = None, cancel: Cancel | None = None) -> list[Mapping[str, Any]]:
        url = self._options.url
        try:
            data = self._wire.get("/models", PATIENCE if deadline is None else min(deadline, PATIENCE), cancel)
        except Refused as refused:
            if refused.status in (404, 405) and self._options.model:
                return []
            raise refusals.error_of(refused, refusals.Place(url, self._options.model, self._key)) from refused
        except Unreached as lost:
            raise refusals.unreached(lost, url) from lost
        except Late as late:
            raise GenerationError(f"{url} does not tell its models in time", hint="check it: ragsys doctor") from late
        except Cancelled as given_up:
            raise GenerationError("the call was given up") from given_up
        cards = data.get("data", data.get("models")) if isinstance(data, Mapping) else data
        cards = cards if isinstance(cards, list) else []
        return [card for card in cards if isinstance(card, Mapping) and card.get("id")]

    # -- forms of a request --------------------------------------------------------------------------------------------

    def structure(self, request: Request) -> payload.Structure:
        """How the reply is held to the request's schema."""
        chosen = self._options.structured
        return self._weakened.get(_name(request), "json_schema") if chosen == "auto" else chosen

    def adapts(self, refused: Refused, sent: Mapping[str, Any], request: Request) -> bool:
        """Whether something was learned from a refusal, so that the request can be sent in another form."""
        url, words = self._options.url, refusals.said(refused)
        if payload.images(request) and not self.blind and refusals.takes_no_images(refused):
            if self._options.images == "auto":
                log.warning("%s: %s: images are left out from now on", url, words)
                self.blind = True
            return self.blind
        field = refusals.refused_field(refused, tuple(sent))
        if field is not None:
            log.info("%s does not take '%s': %s", url, field, words)
            self.without |= {field}
            return True
        if "response_format" in sent and self._options.structured == "auto" and refusals.refuses_structure(refused):
            structure = self.structure(request)
            log.info("%s does not take %s: %s", url, structure, words)
            self._weakened[_name(request)] = _WEAKER[structure]
            return True
        return False

    def error(self, refused: Refused, request: Request, size: int) -> GenerationError:
        """What to raise for a refusal of a request of so many bytes."""
        sent = 0 if self.blind else payload.images(request)
        served = None
        if refusals.is_model(refused):
            try:
                served = [str(card["id"]) for card in self._cards(request.deadline, request.cancel)]
            except GenerationError:
                served = None
        place = refusals.Place(self._options.url, self._named(), self._key, sent, size / 1e6)
        error = refusals.error_of(refused, place, served)
        if served is not None:
            with self._guard:
                self._card = None  # another model may be served by now: it is asked for again
        if isinstance(error, RequestTooLarge) and error.what == "images" and error.limit:
            self._most_images = error.limit
        return error

    def _named(self) -> str:
        card = self._card or {}
        return self._options.model or str(card.get("id") or "")


def _name(request: Request) -> str:
    return json.dumps(request.schema, sort_keys=True)
