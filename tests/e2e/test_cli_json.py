"""docs/json.md tells every field that commands give, and no field that they do not."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import evaluating
import pytest
from folders import write_folder

from ragsys.cli.app import cli
from ragsys.cli.app import run as command

PAGE = Path(__file__).parents[2] / "docs" / "json.md"


def told() -> dict[str, set[str]]:
    """{section: the fields of its table}."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        found[title.removeprefix("ragsys ")] = set(re.findall(r"^\| `([^`]+)` \|", body, re.MULTILINE))
    return found


def fields(value: Any, free: set[str], at: str = "") -> Iterator[str]:
    """Every leaf of a JSON value; mappings that are told with free keys give `*`, whatever those hold."""
    if isinstance(value, dict) and value and f"{at}.*" in free:
        yield f"{at}.*"
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            key = "*" if any(path.startswith(f"{at}.*" if at else "*") for path in free) else key
            yield from fields(item, free, f"{at}.{key}".lstrip("."))
    elif isinstance(value, list) and value:
        for item in value:
            yield from fields(item, free, f"{at}[]")
    else:
        yield at + ("[]" if value == [] else ".*" if value == {} else "")


@pytest.fixture
def outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, list[Any]]:
    """{section: real outputs}, of a folder with good and bad files."""
    pytest.importorskip("qdrant_client")
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", "laptop-lexical")
    docs = write_folder(tmp_path / "docs")
    (docs / "empty.pdf").write_bytes(b"")
    evaluating.install()
    suite, other = evaluating.write_suite(tmp_path / "suite"), tmp_path / "other.yaml"
    other.write_text("extends: laptop-lexical\nsearch: {fuse: rrf}\n")
    runs: list[tuple[int, list[str]]] = [
        (1, ["ask", "/no/such/folder", "x"]),
        (0, ["index", str(docs)]),
        (0, ["ask", str(docs), "What was the revenue of the bakery in 2023?"]),
        (0, ["chat", str(docs), "--thread", "talk"]),
        (0, ["chat", str(docs), "--list"]),
        (0, ["chat", str(docs), "--delete", "talk"]),
        (0, ["search", str(docs), "oven"]),
        (0, ["docs", str(docs)]),
        (0, ["docs", str(docs), "info", "empty.pdf"]),
        (0, ["docs", str(docs), "remove", "manual.pdf"]),
        (0, ["docs", str(docs), "restore", "manual.pdf"]),
        (0, ["gc", str(docs)]),
        (0, ["move", str(docs), "--to", ":memory:"]),
        (0, ["trace", str(docs)]),
        (0, ["trace", str(docs), "show"]),
        (0, ["trace", str(docs), "replay"]),
        (0, ["eval", str(suite), "--out", str(tmp_path / "run"), "--config", "laptop-lexical", "--config", str(other)]),
        (0, ["tune", str(suite), "--metric", "found@1", "--out", str(tmp_path / "tuned")]),
        (0, ["eval", "--list"]),
        (0, ["serve-model", "made-up-0.01B", "--config", "laptop"]),
        (0, ["plugins"]),
        (0, ["plugins", "bm25"]),
        (0, ["config", "check"]),
        (0, ["doctor"]),
        (0, ["libraries"]),
        (0, ["libraries", "remove", str(docs), "--yes"]),
        (0, ["completion", "bash"]),
        (0, ["version"]),
    ]
    found: dict[str, list[Any]] = {}
    monkeypatch.setattr("sys.stdin", io.StringIO("What was the revenue of the bakery in 2023?\n"))
    for code, arguments in runs:
        assert command([*arguments, "--json"]) == code, (arguments, capsys.readouterr())
        out = capsys.readouterr().out
        found.setdefault("Errors" if code else arguments[0], []).append(json.loads(out))
    return found


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
def test_the_page_tells_what_commands_give(outputs: dict[str, list[Any]]) -> None:
    described = told()
    assert set(described) == set(outputs) == {"Errors", *cli.list_commands(click.Context(cli))}
    for name, known in described.items():
        given = {path for value in outputs[name] for path in fields(value, known)}
        empty = {path for path in given if path.endswith(("[]", ".*"))}
        parents = {path.removesuffix("[]").removesuffix(".*") for path in empty}
        surplus = {path for path in given - known if not any(k.startswith(path) for k in known)}
        assert not surplus, f"{name} gives fields that are not told: {surplus}"
        stale = {path for path in known - given if not any(path.startswith(parent) for parent in parents)}
        assert not stale, f"{name}: fields are told that it does not give: {stale}"
