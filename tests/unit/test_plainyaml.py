"""YAML of configurations holds plain values; whatever else a text holds is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ragsys.config import load
from ragsys.errors import ConfigError
from ragsys.masking import setting
from ragsys.plainyaml import odd, parse

#: Nine lines that stand for 9 ** 9 values.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, r"not valid YAML: '\*a' repeats a list or mapping: write it out \(line 2, column 8\)"),
        ("a: &a {b: 1}\nc: {<<: *a}", r"'\*a' repeats a list or mapping"),
        ("a: &a [*a]", r"'\*a' repeats a list or mapping"),
        ("[" * 100_000, "nested too deeply"),
        ("a: " + "{b: " * 5_000, "nested too deeply"),
        ("? [a, b]\n: c", r"a key is text, not a list or mapping \(line 1, column 3\)"),
        ("index: {workers: 010}", r"'010' cannot be read: YAML takes this number for another one"),
        ("index: {after: 1:30}", r"'1:30' cannot be read: YAML takes"),
        ("a: " + "9" * 5_000, r"'9{40}\.\.\.' cannot be read"),
        ("a: 2024-13-45", r"'2024-13-45' cannot be read: month must be in 1\.\.12 \(line 1, column 4\)"),
        ("a: !!int x", "'x' cannot be read"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    ],
)
def test_a_configuration_with_more_than_plain_values_is_refused(here: Path, text: str, said: str) -> None:
    (here / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load("odd.yaml")
    assert all(problem.startswith("odd.yaml: ") for problem in caught.value.problems)
    with pytest.raises(ConfigError, match="the value is not valid YAML"):
        load(None, [f"search.fuse={text}"])


def test_a_name_for_a_text_or_a_number_may_be_used_again(here: Path) -> None:
    (here / "ok.yaml").write_text("search: {candidates: &n 40, rerank_depth: *n}", encoding="utf-8")
    assert load("ok.yaml").search.rerank_depth == 40


def test_an_alias_bomb_is_not_unfolded_to_be_shown() -> None:
    shown = setting("generator={api_key: hush, a: " + BOMB.replace("\n", " "))
    assert "hush" not in shown
    assert len(shown) < 2 * len(BOMB)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1: {use: edge}", ["1: YAML reads this key as int: put it in quotes"]),
        ("on: x", ["True: YAML reads this key as bool: put it in quotes"]),
        (
            "a: {b: [1, .nan, -.inf]}",
            [f"a.b.{n}: expected a number with an end (found {x})" for n, x in ((1, "nan"), (2, "-inf"))],
        ),
        ("a: 1" + "0" * 30, ["a: this number is too large"]),
        ("a: 2024-01-02", ["a: YAML reads this as date: put it in quotes"]),
        ("a: !!set {b}", ["a: YAML reads this as set: put it in quotes"]),
        ("a: {b: [1, 0.5, true, null, x]}", []),
    ],
)
def test_odd_keys_and_numbers_are_told(text: str, said: list[str]) -> None:
    assert list(odd(parse(text))) == said


def test_odd_values_are_told_with_the_file_beside_all_other_mistakes(here: Path) -> None:
    (here / "odd.yaml").write_text("answer: {budget: {seconds: .inf}}\nindex: {workers: 99}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load("odd.yaml")
    told = "\n".join(caught.value.problems)
    assert "odd.yaml: answer.budget.seconds: expected a number with an end (found inf)" in told
    assert "odd.yaml: index.workers: " in told
    with pytest.raises(ConfigError) as caught:
        load({"answer": {"budget": {"seconds": float("inf")}}})
    assert caught.value.hint == "see it whole: ragsys config show"


def test_what_is_wrong_is_always_an_error_of_yaml() -> None:
    for text in ("a: [1", "\x00", "{{}: 1}", "a: *none", "%YAML 9.9\n---\na", "!!timestamp x", "!!float x"):
        with pytest.raises(yaml.YAMLError):
            parse(text)
