"""Answers through a served model, from the question to the proof: too long, cut off, in JSON, left early."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import replying
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import single
from serving import Asked, Chat, Serving, Status, openai_error

from ragsys.answer import answer, stream
from ragsys.plugins import registry
from ragsys.protocols import Context
from ragsys.testing.agents import MemoryHost, page_of

FILLER = "Some words that fill the page and say nothing of it. " * 30
PAGES = {(f"d{n}", 1): page_of(f"The plant {n} opened in {1980 + n}.", FILLER) for n in range(1, 9)}
QUESTION = "when did the plant open"
SAID = "The plant 1 opened in 1981 [1.0]."
JSON = json.dumps(
    {
        "status": "answered",
        "sentences": [
            {"text": "The plant 1 opened in 1981.", "cites": [{"block": "1.0", "quote": "opened in 1981"}]},
            {"text": "The plant 2 opened in 1999.", "cites": [{"block": "2.0", "quote": "opened in 1982"}]},
        ],
        "missing": "",
    }
)


def host(tmp_path: Path, server: Serving, *, look: bool = False, **settings: Any) -> MemoryHost:
    """A library whose generator is the served model."""
    from ragsys_generate.openai import OpenAI
    from ragsys_generate.options import OpenAIOptions

    options = OpenAIOptions(url=server.url, retries=0)
    generator = OpenAI(options, Context(tmp_path, tmp_path, "f"))
    agents = {"single": partial(single, options=SingleOptions())}
    return MemoryHost(tmp_path, PAGES, generator, agents=agents, config=replying.config_of(**settings))


def long(asked: Asked) -> Chat | Status:
    """A server that takes 1,500 tokens of about four characters."""
    tokens = sum(len(str(message["content"])) for message in asked.body["messages"]) // 4 + asked.body["max_tokens"]
    if tokens > 1500:
        return openai_error(400, f"This model's maximum context length is 1500 tokens. You asked for {tokens} tokens.")
    return Chat(SAID)


def test_a_model_that_tells_its_length_is_sent_what_fits(tmp_path: Path) -> None:
    with Serving(otherwise=long, models=[{"id": "tiny", "max_model_len": 1500}]) as server:
        made = answer(host(tmp_path, server), QUESTION)
    assert made.text == "The plant 1 opened in 1981 [1]."
    assert len(server.asked) == 1
    assert any("of 8 pages were left out: the model takes 1,500 tokens" in note for note in made.notes)
    assert made.usage.calls == 1


def test_a_refusal_is_answered_with_less(tmp_path: Path) -> None:
    with Serving(otherwise=long) as server:
        made = answer(host(tmp_path, server), QUESTION)
    assert made.unsupported == ()
    assert 1 < len(server.asked) <= 6
    assert any("were left out: the model takes 1,500 tokens" in note for note in made.notes)


def test_json_is_asked_for_streamed_and_proved(tmp_path: Path) -> None:
    pieces = [JSON[n : n + 7] for n in range(0, len(JSON), 7)]
    with Serving([Chat(JSON, pieces=pieces)]) as server:
        events = list(stream(host(tmp_path, server, format="json"), QUESTION))
    assert server.asked[0].body["response_format"]["type"] == "json_schema"
    texts = [event.text for event in events if event.kind == "text"]
    assert "".join(texts) == "The plant 1 opened in 1981. The plant 2 opened in 1999."
    assert len(texts) > 5
    made = events[-1].data
    assert made.text == "The plant 1 opened in 1981 [1]. The plant 2 opened in 1999 [2]."
    assert [one.text for one in made.unsupported] == ["The plant 2 opened in 1999."]


@pytest.mark.parametrize("form", ["marks", "json"])
def test_a_server_that_dies_in_the_middle_leaves_whole_sentences(tmp_path: Path, form: str) -> None:
    text = JSON if form == "json" else f"{SAID} And the plant 2 opened in 1982 [2.0]."
    cut = text.index("The plant 2") if form == "json" else text.index("And") + 9
    with Serving([Chat(text, pieces=[text[:cut], text[cut:]], dies_after=1)]) as server:
        made = answer(host(tmp_path, server, format=form), QUESTION)
    assert made.status == "partial"
    assert made.text == "The plant 1 opened in 1981 [1]."
    assert any("broke off" in note for note in made.notes)


@pytest.mark.parametrize("said", ["", "{" + " " * 400, '{"status": "answered", "sentences": [', "[1, 2, 3]"])
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_model_that_replies_with_nothing_to_read_abstains(tmp_path: Path, said: str, finish: str) -> None:
    with Serving(otherwise=Chat(said, finish=finish)) as server:
        made = answer(host(tmp_path, server, format="json"), QUESTION)
    assert (made.status, made.sentences) == ("abstained", ())
    assert any("the reply was cut" in note or "cannot be used" in note for note in made.notes)
    assert made.usage.output_tokens > 0


def test_leaving_early_closes_the_connection(tmp_path: Path) -> None:
    with Serving([Chat(SAID * 50, gap=0.05)]) as server:
        events = stream(host(tmp_path, server), QUESTION)
        for event in events:
            if event.kind == "text":
                break
        events.close()  # type: ignore[attr-defined]
        assert server.left()


def test_the_generator_is_known_by_its_name() -> None:
    assert registry().find("generator", "openai").name == "openai"
