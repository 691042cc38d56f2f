"""Errors say what, where and the next step, as text and as JSON."""

from __future__ import annotations

import inspect

import pytest

from ragsys import errors
from ragsys.errors import ActionFailed, ConfigError, DocumentError, MissingExtra, RagsysError, did_you_mean


def test_the_hint_is_indented_below_the_message() -> None:
    error = RagsysError("x.pdf: cannot be read", hint="try this\nor that")
    assert str(error) == "x.pdf: cannot be read\n  try this\n  or that"
    assert error.as_dict() == {"error": "RagsysError", "message": "x.pdf: cannot be read", "hint": "try this\nor that"}


def test_without_a_hint_the_message_stands_alone() -> None:
    assert str(RagsysError("gone")) == "gone"


def test_every_error_is_of_the_one_tree_and_has_an_exit_code() -> None:
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
    assert len(classes) > 10
    for item in classes:
        assert issubclass(item, RagsysError), item
        assert 1 <= item.exit_code <= 2, item


def test_one_problem_is_the_message_itself() -> None:
    assert str(ConfigError("store: unknown key.", hint="see")) == "store: unknown key.\n  see"
    assert ConfigError("a").problems == ("a",)


def test_several_problems_are_all_told() -> None:
    error = ConfigError(["a: wrong", "b: wrong"])
    assert error.message == "2 problems in the configuration\n  - a: wrong\n  - b: wrong"
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("extra", "command"), [("vision", "pip install 'ragsys[vision]'"), (None, "pip install torch")]
)
def test_a_missing_package_names_the_command(extra: str | None, command: str) -> None:
    error = MissingExtra("embedder", "colvision", "torch", extra)
    assert str(error) == f"embedder 'colvision' needs 'torch', which is not installed.\n  {command}"


def test_a_failed_action_keeps_its_cause_and_a_document_its_outcome() -> None:
    cause = ValueError("no")
    assert ActionFailed("look", cause).cause is cause
    assert DocumentError("x", outcome="encrypted").outcome == "encrypted"


@pytest.mark.parametrize(
    ("word", "tip"),
    [("zsmu", " Did you mean 'zsum'?"), ("rff", " Did you mean 'rrf'?"), ("colbert", ""), ("", "")],
)
def test_only_a_near_name_is_suggested(word: str, tip: str) -> None:
    assert did_you_mean(word, ["rrf", "zsum"]) == tip


@pytest.mark.parametrize(
    ("word", "tip"),
    [
        ("manual", " Did you mean 'guides/manual2.pdf'?"),
        ("Report", " Did you mean 'annual-report.pdf' or 'old/annual-report-1.pdf'?"),
        ("manul2.pdf", " Did you mean 'guides/manual2.pdf'?"),
        ("nu", ""),  # too short to tell
        ("unicorn", ""),
    ],
)
def test_a_name_that_holds_the_word_is_near(word: str, tip: str) -> None:
    assert did_you_mean(word, ["old/annual-report-1.pdf", "annual-report.pdf", "guides/manual2.pdf"]) == tip


def test_nothing_known_suggests_nothing() -> None:
    assert did_you_mean("rrf", []) == ""
