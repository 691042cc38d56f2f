"""Answers end to end with a real model: SmolLM2, served by the command that `ragsys serve-model` makes and runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Server, free_port, until

import ragsys
from ragsys.cli.app import run
from ragsys.config import Spec, load
from ragsys.exchange import Message, Request
from ragsys.plugins import Builder, registry

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).parents[2] / "examples" / "kelvara"
QUESTION = "What was the revenue of Kelvara in 2025?"
#: A small model on a processor: two pages, short replies, and all the time that a test has.
SETTINGS = ("answer.pages=2", "answer.budget.seconds=240", "answer.cache=false")
LEVELS = {"located", "quoted", "supported", "none"}


def told(log: Path) -> str:
    """The line of JSON in what `serve-model` said; empty while there is none."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    return next((line for line in lines if line.startswith("{") and line.endswith("\n")), "")


@pytest.fixture(scope="module")
def answering(
    python: Path, checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, Any]]]:
    """The server and what `serve-model` said of it when it was ready."""
    port, log = free_port(), tmp_path_factory.mktemp("vllm") / "serve-model.log"
    command = [sys.executable, "-m", "ragsys", "serve-model", str(checkpoint("smollm2"))]
    options = [
        "--run",
        "--python",
        str(python),
        "--name",
        "smollm2",
        "--port",
        str(port),
        "--config",
        "laptop",
        "--json",
    ]
    home = tmp_path_factory.mktemp("home")
    before = os.environ.get("RAGSYS_HOME")
    os.environ["RAGSYS_HOME"] = str(home)
    try:
        with Server([*command, *options], port, log, grace=120.0) as server:
            assert until(lambda: bool(told(log)), 120), server.tail()  # it is healthy a moment before that is said
            yield server, json.loads(told(log))
        assert not server.healthy()
    finally:
        if before is None:
            del os.environ["RAGSYS_HOME"]
        else:
            os.environ["RAGSYS_HOME"] = before
        shutil.rmtree(home, ignore_errors=True)


def settings(answering: tuple[Server, dict[str, Any]], *more: str) -> list[str]:
    """What makes ragsys use the server: the very words that `serve-model` prints."""
    return [answering[1]["set"], *SETTINGS, *more]


def flags(given: list[str]) -> list[str]:
    return [word for one in given for word in ("--set", one)]


def proved(answer: dict[str, Any]) -> None:
    """What holds of every answer, whatever a model says."""
    assert answer["status"] in ("answered", "partial", "abstained")
    assert answer["text"].strip() or answer["notes"]
    for citation in answer["citations"]:
        assert citation["level"] in LEVELS
        assert citation["bboxes"] or citation["level"] == "none"
    assert answer["usage"]["output_tokens"] > 0
    assert "smollm2" in answer["generator"]


def test_serve_model_says_when_it_is_ready_and_how_to_use_it(answering: tuple[Server, dict[str, Any]]) -> None:
    server, ready = answering
    assert ready["ready"] is True
    assert ready["url"] == server.url
    assert ready["context"] == 8192  # what the model was made for
    assert "smollm2" in ready["set"]


def test_the_model_speaks(answering: tuple[Server, dict[str, Any]], tmp_path: Path) -> None:
    spec = Spec.model_validate({"use": "openai", "url": answering[1]["url"], "model": "smollm2"})
    model = Builder(registry(), {}, tmp_path, tmp_path).build("generator", spec)
    request = Request((Message("user", ("What is the capital of France? Answer in one word.",)),), max_tokens=12)
    assert "Paris" in model.generate(request).text


@pytest.mark.parametrize("form", ["marks", "json"])
def test_a_question_is_answered_with_levels_that_we_compute(
    answering: tuple[Server, dict[str, Any]], capsys: pytest.CaptureFixture[str], form: str
) -> None:
    words = flags(settings(answering, f"answer.format={form}"))
    code = run(["ask", str(EXAMPLES), QUESTION, "--json", *words])
    answer = json.loads(capsys.readouterr().out)
    assert code == 0, answer
    proved(answer)


def test_the_library_streams_an_answer(answering: tuple[Server, dict[str, Any]]) -> None:
    config = load("laptop", settings(answering))
    with ragsys.open(EXAMPLES, config=config) as library:
        events = list(library.stream("What does fault code E07 mean?"))
    (answer,) = [event.data for event in events if event.kind == "answer"]
    assert events[-1].kind == "answer"
    proved(answer.to_json())
    if answer.status == "answered":
        assert sum(event.kind == "text" for event in events) > 1  # it came in pieces


def test_strict_answers_hold_proved_sentences_alone(
    answering: tuple[Server, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", str(EXAMPLES), QUESTION, "--json", "--strict", *flags(settings(answering))]) == 0
    answer = json.loads(capsys.readouterr().out)
    proved(answer)
    assert all(sentence["left_out"] for sentence in answer["sentences"] if sentence["level"] == "none")
