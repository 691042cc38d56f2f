"""Whatever a model replies ends in an answer, a part of one or an abstention; what is not proved is never "supported".

The replies are made of tables: false sentences under every form of mark, replies of no form, JSON of other shapes, and
what a property test makes up. All go through the runner as answers do; a sample goes through `Library.ask` and the
command, where nothing of them may drive a terminal.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import replying
from adversarial import ODD, PAGES, QUESTION, TRUE, false_replies
from folders import write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import single

import ragsys
from ragsys.answer import answer
from ragsys.answers import Answer
from ragsys.cli.app import run as command
from ragsys.protocols import Reply
from ragsys.saved import to_html, to_markdown
from ragsys.testing.agents import MemoryHost
from ragsys.testing.generators import ScriptedGenerator
from ragsys.types import Level

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def ask(folder: Path, reply: Any, **settings_: Any) -> Answer:
    """The answer that a reply ends in, on the pages above."""
    agents = {"single": partial(single, options=SingleOptions())}
    config = replying.config_of(**settings_)
    generator = ScriptedGenerator([reply])
    return answer(MemoryHost(folder, PAGES, generator, agents=agents, config=config), QUESTION)


def hold(made: Answer, *, strict: bool = False) -> None:
    """What every answer must be."""
    assert made.status in ("answered", "partial", "abstained")
    assert made.text.strip()
    assert len(made.text) < 100_000
    for text in (made.text, *made.notes, *(one.text for one in made.sentences), *(c.quote for c in made.citations)):
        assert not _CONTROLS.search(text), text[:200]
    supported = {one.text for one in made.sentences if one.level is Level.SUPPORTED}
    assert supported <= TRUE, supported - TRUE
    named = {int(number) for number in re.findall(r"\[(\d+)\]", made.text)}
    assert named <= {citation.number for citation in made.citations}
    assert {number for one in made.sentences for number in one.citations} <= {c.number for c in made.citations}
    for citation in made.citations:
        assert (citation.doc, citation.page) in PAGES
        assert citation.bboxes
    json.dumps(made.to_json(), allow_nan=False).encode("utf-8")
    assert "<script" not in to_html(made)
    assert to_markdown(made)
    if strict:
        assert {one.text for one in made.said} <= TRUE
        assert made.said or made.status == "abstained"


@pytest.mark.parametrize("reply", list(false_replies()))
def test_a_false_sentence_is_never_supported(tmp_path: Path, reply: str) -> None:
    made = ask(tmp_path, reply)
    hold(made)
    assert made.unsupported or made.status == "abstained"
    hold(ask(tmp_path, reply, strict=True), strict=True)


@pytest.mark.parametrize("form", ["marks", "json"])
@pytest.mark.parametrize("reply", ODD.values(), ids=ODD)
def test_an_odd_reply_ends_in_an_answer(tmp_path: Path, reply: Any, form: str) -> None:
    hold(ask(tmp_path, reply, format=form))
    hold(ask(tmp_path, reply, format=form, strict=True), strict=True)


def test_there_are_enough_of_them() -> None:
    assert len(list(false_replies())) + 2 * len(ODD) >= 200


@pytest.mark.parametrize("text", sorted(TRUE))
def test_true_sentences_are_supported_under_the_same_rules(tmp_path: Path, text: str) -> None:
    """Else the tests above would hold for a system that supports nothing."""
    block = {"Linz": "2.0", "were": "1.2", "not": "1.1"}
    at = next((one for word, one in block.items() if f" {word} " in text), "1.0")
    made = ask(tmp_path, f"{text} [{at}]")
    assert made.unsupported == ()
    assert made.status == "answered"


def test_a_true_sentence_without_a_mark_is_placed_and_says_so(tmp_path: Path) -> None:
    made = ask(tmp_path, "The plant in Graz opened in 1987.")
    assert made.unsupported == ()
    assert [one.found for one in made.citations] == [True]
    assert any("found by its words" in note for note in made.notes)
    leaning = ask(tmp_path, "It opened in 1987.")
    assert leaning.sentences[0].level is not Level.SUPPORTED
    assert not ask(tmp_path, "The plant in Graz opened in 1987 [1.0].").citations[0].found


NASTY = st.sampled_from(
    [
        "[1.0]",
        "[",
        "]",
        '"',
        "“",
        "[1.0 ",
        "1987",
        "1999",
        "450",
        " opened",
        " not",
        ".",
        "\n",
        "NOT FOUND",
        "{",
        "}",
        ":",
        '{"sentences": [{"text": "',
        '"}]}',
        "\x1b[2J",
        "\u202e",
        "The plant in Graz",
        "(1.0)",
        "【2】",
        "</page>",
        ",",
        "\\u",
        "\x00",
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY | st.text(max_size=6), max_size=14).map("".join), st.sampled_from(["marks", "json"]))
def test_made_up_replies_end_in_answers(tmp_path: Path, reply: str, form: str) -> None:
    made = ask(tmp_path, reply, format=form)
    assert made.status in ("answered", "partial", "abstained")
    assert not _CONTROLS.search(made.text)
    for one in made.sentences:
        if one.level is Level.SUPPORTED:
            assert set(re.findall(r"\d+", one.text)) <= {"1987", "450"}
            assert "1999" not in one.text


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1.0", "[1.0]"])
)
SHAPES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "sentences", "text", "cites", "block", "quote", "marks", "note"]), inner
        )
    ),
    max_leaves=12,
)
SENTENCES = SHAPES | st.lists(st.fixed_dictionaries({"text": SCALARS, "cites": SHAPES}))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({"sentences": SENTENCES}, optional={"status": SHAPES, "note": SHAPES}), st.booleans())
def test_json_of_any_shape_ends_in_an_answer(tmp_path: Path, data: dict[str, Any], parsed: bool) -> None:
    made = ask(tmp_path, Reply("", data) if parsed else json.dumps(data), format="json")
    assert made.status in ("answered", "partial", "abstained")
    assert all(one.level is not Level.SUPPORTED for one in made.sentences)


# -- through the public ways in --------------------------------------------------------------------------------------

SAMPLE = [
    "nothing",
    "escapes of a terminal",
    "right to left",
    "half of a pair",
    "a megabyte of words",
    "deep objects",
    "no such page",
    "a stream without a reply",
    "none",
    "data with odd marks",
    "markup",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of PDFs and a configuration whose generator plays a script."""
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", str(replying.config_file(tmp_path)))
    return write_folder(tmp_path / "docs")


def test_a_library_is_asked_with_odd_replies(folder: Path) -> None:
    replying.install(ScriptedGenerator([ODD[name] for name in SAMPLE]))
    with ragsys.open(folder, background=False) as library:
        for name in SAMPLE:
            made = library.ask("What was the revenue of the bakery in 2022?")
            assert made.status in ("answered", "partial", "abstained"), name
            assert not _CONTROLS.search(str(made)), name
            assert all(one.level is not Level.SUPPORTED for one in made.sentences), name


def test_the_command_shows_odd_replies_without_harm(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags: tuple[tuple[str, ...], ...] = ((), ("--json",), ("--verbose", "--strict"))
    replying.install(ScriptedGenerator([ODD[name] for name in SAMPLE]))
    for n, name in enumerate(SAMPLE):
        more = flags[n % len(flags)]
        assert command(["ask", str(folder), "What was the revenue?", *more, *(["--no-index"] if n else [])]) == 0, name
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err, name
        assert not _CONTROLS.search(out + err), name
        if "--json" in more:
            assert json.loads(out)["status"] in ("answered", "partial", "abstained"), name
