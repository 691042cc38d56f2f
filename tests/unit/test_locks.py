"""The lock files agree with pyproject.toml, hold all that is needed by its hashes, and are what is installed."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRY = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.+!]+)(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")
names = pytest.mark.parametrize("name", ["image.txt", "build.txt", "development.txt"])


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    """The program that writes them."""
    spec = importlib.util.spec_from_file_location("lock", ROOT / "locks" / "lock.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(name: str) -> str:
    return (ROOT / "locks" / name).read_text(encoding="utf-8")


def locked(name: str) -> dict[str, str]:
    """{package: version}."""
    return {entry["name"]: entry["version"] for entry in ENTRY.finditer(text(name))}


def test_the_program_and_the_files_are_the_same(lock: ModuleType) -> None:
    assert set(lock.LOCKS) == {path.name for path in (ROOT / "locks").glob("*.txt")}


@names
def test_every_line_is_a_version_with_its_hashes_and_names_no_place(name: str) -> None:
    body = "".join(line for line in text(name).splitlines(keepends=True) if not line.startswith("#"))
    assert "".join(entry[0] for entry in ENTRY.finditer(body)) == body
    found = [entry["name"] for entry in ENTRY.finditer(body)]
    assert found == sorted(set(found))
    assert not re.search(r"://|index-url|find-links|trusted-host|file:", text(name))


@names
def test_what_pyproject_asks_for_is_locked_at_a_version_that_it_allows(name: str, lock: ModuleType) -> None:
    found = locked(name)
    for line in lock.requirements(name):
        wanted = Requirement(line)
        assert lock.normal(wanted.name) in found, f"make lock: {name} lacks {line}"
        version = found[lock.normal(wanted.name)]
        assert wanted.specifier.contains(version, prereleases=True), f"make lock: {name} has {version}, not {line}"


def test_the_lists_are_those_of_pyproject(lock: ModuleType) -> None:
    default = set(PROJECT["project"]["dependencies"])
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(lock.requirements("image.txt")) == default | set(extras["server"]) | set(extras["watch"])
    assert set(lock.requirements("build.txt")) == set(PROJECT["build-system"]["requires"])
    whole = set(lock.requirements("development.txt"))
    assert default | {line for line in extras["dev"] if not line.startswith("ragsys[")} <= whole
    assert set(extras["langchain"]) | set(extras["local"]) <= whole  # through its extras


@names
def test_what_a_locked_package_needs_is_locked(name: str, lock: ModuleType) -> None:
    found = locked(name)
    looked_at = 0
    for package in found:
        try:
            needs = distribution(package).requires or []
        except PackageNotFoundError:
            continue
        looked_at += 1
        here = {"platform_system": "Linux", "sys_platform": "linux", "os_name": "posix", "python_version": "3.11"}
        here |= {"python_full_version": "3.11.9", "platform_machine": "x86_64", "extra": ""}
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate(here):
                assert lock.normal(need.name) in found, f"make lock: {package} needs {need}"
    assert looked_at or name == "build.txt"


def test_the_image_installs_what_is_locked_and_nothing_else() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    commands = [part.strip() for line in lines if line.startswith("RUN ") for part in line[4:].split("&&")]
    pips = [command for command in commands if command.startswith("pip ")]
    assert len(pips) == 4
    for command in pips:
        assert ("--require-hashes" in command and ".txt" in command) != ("--no-deps" in command), command
    assert "--no-build-isolation" in next(command for command in pips if " wheel " in command)


def test_ci_installs_what_is_locked_first() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.index("--require-hashes -r locks/development.txt") < script.index("make test ")
    assert "--no-build-isolation" in script
