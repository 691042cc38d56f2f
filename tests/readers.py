"""What tests of generators share: a generator at a scripted server, requests, the outcome of a call in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from ragsys_generate.openai import OpenAI
from ragsys_generate.options import OpenAIOptions
from serving import Serving

from ragsys.exchange import Cancel
from ragsys.protocols import Context, Message, Request

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "value": {"type": "integer"}},
    "required": ["name", "value"],
    "additionalProperties": False,
}


def openai_at(server: Serving | str, **options: Any) -> OpenAI:
    """The generator for a server; its folders are never used."""
    url = server if isinstance(server, str) else server.url
    return OpenAI(OpenAIOptions(url=url, **options), Context(Path("state"), Path("cache"), "0123456789ab"))


def asking(*parts: Any, **fields: Any) -> Request:
    """A request with instructions and a user's message of these parts."""
    return Request((Message("system", ("Answer.",)), Message("user", parts or ("What is it?",))), **fields)


def picture(width: int = 80, height: int = 60, shade: int = 200, mode: str = "RGB") -> Image.Image:
    """A page in one colour."""
    return Image.new(mode, (width, height), (shade,) * len(mode) if len(mode) > 1 else shade)


class Calling:
    """A call in a thread, with the `Cancel` that was given to it."""

    def __init__(self, call: Callable[[Cancel], Any]) -> None:
        self.cancel = Cancel()
        self._call = call
        self._result: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call(self.cancel)
        except BaseException as error:
            self._result = error

    def result(self, seconds: float = 20.0) -> Any:
        """What the call gave or raised; an `AssertionError` if it does not end."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise AssertionError("the call does not end")
        return self._result
