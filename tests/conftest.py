"""Settings of all tests, and the folder that the tests of evaluations start from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# on a build machine the same examples every time: a new one is found by people, who can look at it
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny suite's folder; a second configuration lies beside it. The current folder is a new one."""
    import evaluating

    from ragsys.evaluation import provenance

    evaluating.install()
    monkeypatch.setattr(provenance, "code", lambda installed: "equal")  # also in a checkout that is being edited
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "rrf.yaml").write_text("extends: laptop-lexical\nsearch: {fuse: rrf}\n")
    return evaluating.write_suite(tmp_path / "suite")
