"""What `import ragsys` gives: its names, typed options of `open`, configurations as mappings, saved answers."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import ragsys
from ragsys.answers import Answer
from ragsys.config import load
from ragsys.errors import ConfigError, UsageError
from ragsys.library import Library


def test_the_lazy_names_are_listed_and_nothing_else_is() -> None:
    public = [name for name in dir(ragsys) if not name.startswith("__")]
    assert public == ["Answer", "Chat", "Citation", "Config", "Filter", "Library", "RagsysError", "open"]
    assert all(getattr(ragsys, name) is not None for name in public)


def test_open_names_the_options_of_a_library() -> None:
    opened, made = inspect.signature(ragsys.open).parameters, inspect.signature(Library.__init__).parameters
    assert [*opened.values()] == [one for name, one in made.items() if name != "self"]


def test_a_mapping_is_read_as_a_file_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGES", "3")
    given = {"extends": "laptop-lexical", "answer": {"pages": "${PAGES}"}}
    (tmp_path / "mine.yaml").write_text("extends: laptop-lexical\nanswer: {pages: 3}\n")
    assert load(given).hash == load(tmp_path / "mine.yaml").hash
    assert given["answer"] == {"pages": "${PAGES}"}  # left as it was
    assert load({"answer": {"pages": 3}}).answer.pages == 3  # of the default preset
    assert load(given, ["answer.pages=4"]).answer.pages == 4
    with pytest.raises(ConfigError, match=r"config: answer\.pagse"):
        load({"answer": {"pagse": 3}})


def test_a_config_is_taken_as_it_is() -> None:
    config = load("laptop-lexical")
    assert load(config) is config
    with pytest.raises(ConfigError, match="not a Config"):
        load(config, ["answer.pages=3"])


ANSWER = Answer(
    question="<b>?</b>", text="<script>alert(1)</script>", sentences=(), citations=(), status="abstained", notes=("a",)
)


def test_an_answer_is_one_line_in_a_shell() -> None:
    assert "\n" not in repr(ANSWER)
    assert len(repr(ANSWER)) < 500
    assert repr(ANSWER).startswith("Answer(")


@pytest.mark.parametrize("name", ["answer.html", "answer.htm", "answer.md", "answer.markdown"])
def test_an_answer_is_saved_by_its_ending(tmp_path: Path, name: str) -> None:
    from ragsys.saved import to_html, to_markdown

    path = ANSWER.save(str(tmp_path / "new" / name))
    assert path == tmp_path / "new" / name
    assert path.read_text(encoding="utf-8") == (to_html if ".htm" in name else to_markdown)(ANSWER)


def test_an_answer_is_saved_as_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"saved as \.html or \.md, found '\.pdf'"):
        ANSWER.save(tmp_path / "answer.pdf")


def test_a_notebook_shows_an_answer_escaped_and_small() -> None:
    shown = ANSWER._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<b>abstained</b>" in shown
