"""The wheel, installed into an empty environment elsewhere: contents, presets, the demo, a third-party plugin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "eval")
QUESTION = "How many D40 units were delivered in 2025, and how much energy per cubic metre does pulse flushing need?"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(folder / "source")]
    subprocess.run(command, check=True, timeout=300)
    (built,) = folder.glob("ragsys-*.whl")
    return built


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs a program of an environment that holds the wheel and its dependencies alone; gives its output."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    places = {
        name: str(home / name.lower())
        for name in ("HOME", "LOCALAPPDATA", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
    }
    for place in places.values():
        Path(place).mkdir(mode=0o700)

    def runner(program: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [programs / program, *arguments],
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
            cwd=home,
            env={**kept, **pip, **places, "PYTHONUTF8": "1"},
        )
        assert done.returncode == 0, f"{program} {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    source = wheel.parent / "source"
    runner("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    runner("python", "-m", "pip", "install", "--quiet", "--no-deps", source / "tests" / "third_party_plugin")
    shutil.copytree(source / "examples" / "kelvara", home / "kelvara")
    return runner


def test_the_wheel_holds_presets_prompts_and_assets_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern, inside in (
        ("configs", "*.yaml", "ragsys/configs"),
        ("ragsys/prompts", "*.md", "ragsys/prompts"),
        ("ragsys", "*.txt", "ragsys"),
        ("plugins/ragsys_text/assets", "*", "ragsys_text/assets"),
    ):
        files = {f"{inside}/{path.name}" for path in (ROOT / folder).glob(pattern)}
        assert files, folder
        assert files <= names, folder
    assert "ragsys/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "ragsys",
        *(path.name for path in (ROOT / "plugins").glob("ragsys_*") if (path / "__init__.py").exists()),
    }
    licences = {name.rpartition("/")[2] for name in names if "/licenses/" in name}
    assert {"LICENSE", "THIRD_PARTY.md"} <= licences


#: What a preset needs beside the default install.
EXTRAS = {"server": "ragsys[server]", "gpu-server": "ragsys[server]"}


def test_every_preset_is_valid_and_needs_no_extra_that_it_does_not_name(run: Callable[..., str]) -> None:
    script = """
from ragsys.config import load, preflight
from ragsys.plugins import registry
for name in registry().resources("preset"):
    print(name, *(problem.hint.split("'")[1] for problem in preflight(load(name), registry())))
"""
    expected = {path.stem for path in (ROOT / "configs").glob("*.yaml")} | {"knee"}
    needed = {name: extras for name, *extras in map(str.split, run("python", "-c", script).splitlines())}
    assert set(needed) == expected
    for name in sorted(expected):
        assert needed[name] == ([EXTRAS[name]] if name in EXTRAS else []), name
        if name in EXTRAS:
            assert EXTRAS[name] in (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
        else:
            run("ragsys", "config", "check", "--config", name)


def test_it_is_not_the_checkout_that_runs(run: Callable[..., str]) -> None:
    place = Path(run("python", "-c", "import ragsys; print(ragsys.__file__)").strip())
    assert ROOT not in place.parents


def test_the_demo_is_answered_from_two_documents(run: Callable[..., str]) -> None:
    answer: dict[str, Any] = json.loads(run("ragsys", "ask", "kelvara", QUESTION, "--json"))
    assert answer["status"] == "answered"
    assert "248" in answer["text"]
    assert "2.87" in answer["text"]
    cited = {citation["path"] for citation in answer["citations"]}
    assert len(cited) >= 2
    assert "pulse-flushing-paper.pdf" in cited
    assert all(citation["bboxes"] for citation in answer["citations"])


def test_the_third_party_plugin_is_listed_and_used(run: Callable[..., str]) -> None:
    assert "knee" in run("ragsys", "plugins", "knee")
    found = json.loads(run("ragsys", "search", "kelvara", "fault code E07", "--config", "knee", "--json"))
    assert len(found["hits"]) >= 2


def test_the_module_is_the_program(run: Callable[..., str]) -> None:
    assert run("python", "-m", "ragsys", "--help") == run("ragsys", "--help")
