"""A strict answer says only what is proved, tells how much it leaves out, and lists that all the same."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import replying
from folders import write_folder
from ragsys_agents.options import SingleOptions
from ragsys_agents.single import single

from ragsys.answer import answer
from ragsys.answers import Answer
from ragsys.cli.app import run as command
from ragsys.codec import plain, restore
from ragsys.saved import to_html, to_markdown
from ragsys.testing.agents import MemoryHost, page_of
from ragsys.testing.generators import ScriptedGenerator

PAGES = {("acme", 1): page_of("The plant in Graz opened in 1987 and employs 450 people.", "It makes pumps.")}
MIXED = "It employs 540 people [1.0]. The plant makes pumps [1.1]. The plant opened in 1987 [1.0]. Nobody knows [1.1]."


def asked(tmp_path: Path, reply: Any, **settings: Any) -> Answer:
    """The answer to a reply."""
    agents = {"single": partial(single, options=SingleOptions())}
    host = MemoryHost(tmp_path, PAGES, ScriptedGenerator([reply]), agents=agents, config=replying.config_of(**settings))
    return answer(host, "plant in Graz")


def test_what_is_not_proved_is_out_of_the_text_and_in_the_list(tmp_path: Path) -> None:
    loose, made = asked(tmp_path, MIXED), asked(tmp_path, MIXED, strict=True)
    assert len(loose.said) == 4
    assert made.text == "The plant opened in 1987 [1]."
    assert made.status == "answered"
    assert [one.text for one in made.unsupported] == [one.text for one in loose.unsupported]
    assert all(one.left_out for one in made.unsupported)
    assert [one.number for one in made.sources] == [1]
    assert {n for one in made.sentences for n in one.citations} == {one.number for one in made.citations}
    assert "strict: 3 of 4 sentences are left out: not proved by what is cited" in made.notes
    assert "540" not in str(made)
    assert restore(Answer, plain(made)).said == made.said


def test_an_answer_that_is_all_left_out_abstains(tmp_path: Path) -> None:
    made = asked(tmp_path, "It employs 540 people [1.0].", strict=True)
    assert made.status == "abstained"
    assert "540" not in made.text
    assert made.text == "Nothing that was written is proved by the documents."
    assert made.sources == ()
    assert [one.text for one in made.unsupported] == ["It employs 540 people."]


def test_nothing_changes_where_all_is_proved(tmp_path: Path) -> None:
    reply = "The plant opened in 1987 [1.0]."
    loose, made = asked(tmp_path, reply), asked(tmp_path, reply, strict=True)
    assert (made.text, made.status, made.notes) == (loose.text, loose.status, loose.notes)


def test_saved_files_hold_what_is_said_and_list_the_rest_apart(tmp_path: Path) -> None:
    made = asked(tmp_path, MIXED, strict=True)
    for text, mark in ((to_html(made), 'class="doubts"'), (to_markdown(made), "## Not proved")):
        said, _, doubts = text.partition(mark)
        assert "540" not in said
        assert "540" in doubts
        assert "1987" in said
    nothing = asked(tmp_path, "It employs 540 people [1.0].", strict=True)
    assert "Nothing that was written" in to_html(nothing)
    assert "Nothing that was written" in to_markdown(nothing)


@pytest.mark.parametrize("flags", [("--strict",), ("--set", "answer.strict=true")])
def test_the_command_leaves_them_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", str(replying.config_file(tmp_path)))
    docs = write_folder(tmp_path / "docs")
    reply = "Revenue of the bakery was 999 thousand euros in 2022 [1.1]."
    replying.install(ScriptedGenerator([reply, reply]))
    question = "What was the revenue of the bakery in 2022?"
    assert command(["ask", str(docs), question, *flags]) == 0
    out = capsys.readouterr().out
    assert out.startswith("abstained\n")
    assert "999" in out.partition("left out, not proved:")[2]
    assert command(["ask", str(docs), question, "--json", *flags]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["status"] == "abstained"
    assert [one["left_out"] for one in given["sentences"]] == [True]
