"""THIRD_PARTY.md names every dependency with the licence that its own metadata states."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[A-Za-z0-9_.-]+")
#: what packages write  ->  the SPDX name
SPELLINGS = [
    (r"dual licensed - gnu affero gpl 3\.0 or artifex commercial.*", "AGPL-3.0 OR Artifex Commercial"),
    (r"(the )?mit( license)?( \(mit\).*)?", "MIT"),
    (r"mit, bsd", "MIT AND BSD-3-Clause"),
    (r"(3-clause bsd license|bsd license|bsd-3-clause|bsd 3-clause.*)", "BSD-3-Clause"),
    (r"apache( software)?([ -]license)?([ ,-]*(version )?2(\.0)?)?( license)?", "Apache-2.0"),
]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(distribution_or_lines: Distribution | list[str]) -> set[str]:
    """Names of the requirements, those of extras left out."""
    lines = distribution_or_lines if isinstance(distribution_or_lines, list) else (distribution_or_lines.requires or [])
    return {normal(NAME.match(line)[0]) for line in lines if "extra ==" not in line}  # type: ignore[index]


def listed(heading: str) -> dict[str, str]:
    """{package: licence} of the table under a heading."""
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {name: licence for name, licence, *_ in rows[2:]}


def project() -> dict[str, list[str]]:
    """{extra: requirements}; the default install is under ""."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": data["dependencies"], **data["optional-dependencies"]}


def closure() -> set[str]:
    """The direct dependencies and all that they need here."""
    found: set[str] = set()
    todo = required(project()[""])
    while todo:
        name = todo.pop()
        found.add(name)
        try:
            todo |= required(distribution(name)) - found
        except PackageNotFoundError:
            continue  # of another platform or an older Python
    return found


def stated(name: str) -> str | None:
    """The licence of an installed package by its own metadata, in SPDX's spelling; None if it is not installed."""
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return None
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or [] if line[:7] == "License"]
    licence = metadata.get("License-Expression") or metadata.get("License") or ", ".join(classifiers)
    for pattern, spdx in SPELLINGS:
        if re.fullmatch(pattern, licence.strip().splitlines()[0], re.IGNORECASE):
            return spdx
    return licence.strip().splitlines()[0]


def test_the_default_install_is_listed_whole() -> None:
    elsewhere = {"colorama", "pywin32"}  # Windows alone
    installed = {name for name in closure() if stated(name) is not None}
    assert installed - elsewhere <= set(listed("The default install"))
    assert required(project()[""]) <= set(listed("The default install")) <= closure() | elsewhere


def test_every_extra_is_listed() -> None:
    assert set(listed("Extras")) == {
        name for extra, lines in project().items() if extra not in ("", "dev") for name in required(lines)
    }
    assert set(listed("For development")) == required(project()["dev"]) - {"ragsys"}


@pytest.mark.parametrize("heading", ["The default install", "Extras", "For development"])
def test_licences_are_those_of_the_metadata(heading: str) -> None:
    told = {name: licence for name, licence in listed(heading).items() if stated(name) is not None}
    assert told == {name: stated(name) for name in told}
    assert told or heading != "The default install"


def test_copyleft_is_explained() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    strict = {name for name in closure() if "GPL" in (stated(name) or "")}
    assert strict == {"pymupdf"}, "say in THIRD_PARTY.md what a new copyleft licence means for users"
    assert "section 13 of the AGPL" in text
