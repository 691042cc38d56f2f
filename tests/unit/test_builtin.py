"""The presets and prompts of the core are found, readable and valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragsys import builtin
from ragsys.config import load
from ragsys.plugins import registry

ROOT = Path(__file__).parents[2]


def names(kind: str) -> set[str]:
    return {resource.name for resource in builtin.ragsys_resources() if resource.kind == kind}


def test_every_file_is_declared() -> None:
    assert names("preset") == {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    assert names("prompt") == {path.stem for path in (ROOT / "ragsys" / "prompts").glob("*.md")}
    assert {"laptop", "laptop-lexical"} <= names("preset")


def test_every_resource_can_be_read() -> None:
    for resource in builtin.ragsys_resources():
        assert resource.read().strip(), resource


def test_a_package_that_holds_a_copy_of_the_presets_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "made_up_package"
    (package / "configs").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "configs" / "only.yaml").write_text("store: edge\n")
    (package / "configs" / "notes.txt").write_text("no preset\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(builtin, "PACKAGE", "made_up_package")
    (resource,) = builtin.ragsys_resources()
    assert (resource.kind, resource.name, resource.read()) == ("preset", "only", "store: edge\n")


@pytest.mark.parametrize("name", sorted(names("preset")))
def test_every_preset_is_valid(name: str) -> None:
    load(name, registry=registry())


def test_the_lexical_preset_embeds_nothing() -> None:
    laptop, lexical = load("laptop"), load("laptop-lexical")
    assert set(laptop.search.lists) - set(lexical.search.lists) == {"dense"}
