"""What decides an outcome is in the fingerprint of the code, and what only scores or shows it is not."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import ragsys
from ragsys.evaluation import provenance
from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component, Registry


def plugin(file: Path, role: str) -> ModuleType:
    made = ModuleType(file.stem)
    made.__file__ = str(file)
    made.ragsys_components = hookimpl(lambda: [Component(role, "x", "a:b")])  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(("role", "counts"), [("generator", True), ("metric", False)])
def test_a_plugin_counts_where_it_brings_more_than_scores(tmp_path: Path, role: str, counts: bool) -> None:
    file = tmp_path / "mine.py"
    file.write_text("a = 1")
    bare = provenance.code(Registry())
    registry = Registry()
    registry.add(plugin(file, role), "mine")
    before = provenance.code(registry)
    file.write_text("a = 2")
    assert (provenance.code(registry) != before) is counts
    assert (before != bare) is counts


def test_what_asks_counts_and_what_shows_does_not() -> None:
    core = Path(ragsys.__file__).parent
    files = {path.relative_to(core).as_posix() for path in provenance._files(Registry())}
    assert {"search.py", "answer.py", "evaluation/asking.py", "prompts/write.md"} <= files
    assert not [name for name in files if name.startswith(("cli/", "testing/", "evaluation/report"))]


def test_a_run_says_where_it_was_made() -> None:
    assert provenance.versions()["ragsys"] == ragsys.__version__
    assert "numpy" in provenance.versions()
    assert "Python 3." in provenance.machine()
    assert provenance.commit()
    assert provenance.now().endswith("+00:00")


def test_without_git_the_version_stands_for_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(provenance.subprocess, "run", missing)
    assert provenance.commit() == f"ragsys {ragsys.__version__}"
