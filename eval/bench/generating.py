"""What the generator `openai` adds to a call: over the bare client of the same name, and to the first streamed piece.

Both sides send the same messages, in turn, in one run; what counts is the median of the differences. Without --url a
scripted server in a process of its own answers at once; with it, a real one does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common import Row, report
from PIL import Image, ImageDraw

from ragsys.protocols import Context, Message, Reply, Request

TESTS = Path(__file__).parents[2] / "tests"
WAIT = 0.05  # seconds that the scripted server takes to its first piece
SERVE = f"""
import sys, time; sys.path.insert(0, {str(TESTS)!r})
from serving import Chat, Serving
with Serving(otherwise=Chat("word " * 50, first={WAIT})) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def scripted() -> Iterator[str]:
    """The url of a scripted server."""
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]


def page(number: int) -> Image.Image:
    """A page full of words, in the size in which pages are shown to models."""
    image = Image.new("RGB", (935, 1210), "white")
    pen = ImageDraw.Draw(image)
    for line in range(70):
        pen.text((60, 40 + 16 * line), f"{number}.{line} " + "pulse flushing energy 2.87 kWh " * 4, fill="black")
    return image


def seconds(action: Callable[[], Any]) -> float:
    """Of one run."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def differences(runs: int, ours: Callable[[], Any], bare: Callable[[], Any]) -> tuple[float, float]:
    """(median difference in ms, median of the bare one in ms), taken in turn after a warm-up."""
    for _ in range(3):
        ours(), bare()
    pairs = [(seconds(ours), seconds(bare)) for _ in range(runs)]
    return statistics.median(a - b for a, b in pairs) * 1e3, statistics.median(b for _, b in pairs) * 1e3


def first_event(url: str, body: bytes) -> None:
    """Read a stream with nothing but the standard library, until its first text."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("POST", f"{parts.path}/chat/completions", body, {"content-type": "application/json"})
    for line in connection.getresponse():
        data = line.removeprefix(b"data: ").strip()
        if data.startswith(b"{") and any(choice["delta"].get("content") for choice in json.loads(data)["choices"]):
            break
    connection.close()


def measured(url: str, runs: int, tokens: int) -> list[Row]:
    """Every figure of one server."""
    import openai
    from ragsys_generate import payload
    from ragsys_generate.openai import OpenAI
    from ragsys_generate.options import OpenAIOptions

    options = OpenAIOptions(url=url)
    generator = OpenAI(options, Context(Path("state"), Path("cache"), "bench"))
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    text = "<page>" + "pulse flushing energy 2.87 kWh of the plant at Skarnes " * 40 + "</page>"
    pages = [page(n) for n in range(4)]
    rows = []
    payloads: dict[str, tuple[Any, ...]] = {"text": (text,), "text and 4 pages": (text, *pages)}
    for name, parts in payloads.items():
        request = Request((Message("system", ("Answer.",)), Message("user", (*parts, "Question?"))), max_tokens=tokens)
        pictures = payload.Pictures(options)
        sent = json.loads(payload.encoded({"messages": payload.chat(request.messages, pictures)}))["messages"]
        model = generator.identity.split("/", 1)[1].rsplit("/", 1)[0]
        fields: dict[str, Any] = {"model": model, "messages": sent, "max_tokens": tokens, "temperature": 0, "seed": 0}

        def bare(fields: dict[str, Any] = fields) -> Any:
            return client.chat.completions.create(**fields)

        def ours(request: Request = request) -> Reply:
            return generator.generate(request)

        over, limit = differences(runs, ours, bare)
        note = f"the bare client takes {limit:.1f} ms"
        rows.append(Row(f"a call with {name}, over the bare client", over, "ms", "<= 3, and encoding", note=note))
        body = json.dumps({**fields, "stream": True}).encode()

        def piece(request: Request = request) -> None:
            stream = generator.stream(request)
            next(stream)
            stream.close()  # type: ignore[attr-defined]

        over, limit = differences(runs, piece, partial(first_event, url, body))
        note = f"the server alone takes {limit:.1f} ms"
        rows.append(Row(f"the first streamed piece with {name}, over the server's own", over, "ms", "<= 50", note=note))

    def fresh() -> None:
        pictures = payload.Pictures(options)
        for image in pages:
            pictures.url(image)

    fresh()
    encoding = statistics.median(seconds(fresh) for _ in range(max(5, runs // 5))) * 1e3
    rows.append(Row("encoding 4 pages of 935 x 1210 pixels, once", encoding, "ms", "told apart"))
    generator.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of a real server, with its /v1")
    parser.add_argument("--runs", type=int, default=60, help="pairs of calls; the median difference counts")
    parser.add_argument("--tokens", type=int, default=8, help="of a reply")
    parser.add_argument("--json", type=Path, help="append the rows to this file, one JSON object a line")
    given = parser.parse_args()
    if given.url:
        rows = measured(given.url.rstrip("/"), given.runs, given.tokens)
    else:
        with scripted() as url:
            rows = measured(url, given.runs, given.tokens)
    report(rows, given.json)


if __name__ == "__main__":
    main()
