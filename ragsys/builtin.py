"""The plugin `core`: the presets of `configs/` and the prompts of `ragsys/prompts`, declared like any plugin's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Resource

PACKAGE = "ragsys"


@hookimpl
def ragsys_resources() -> list[Resource]:
    """Every preset and prompt that ships with the core, by file name."""
    return [*_found("preset", _presets(), ".yaml"), *_found("prompt", "prompts", ".md")]


def _presets() -> str:
    """Where the presets are: a wheel holds a copy inside the package, a checkout has them in the folder beside it."""
    return "configs" if _folder("configs").is_dir() else "../configs"


def _folder(path: str) -> Traversable:
    return resources.files(PACKAGE).joinpath(path)


def _found(kind: str, path: str, suffix: str) -> Iterator[Resource]:
    folder = _folder(path)
    if not folder.is_dir():
        return
    for name in sorted(file.name for file in folder.iterdir()):
        if name.endswith(suffix):
            yield Resource(kind, name.removesuffix(suffix), PACKAGE, f"{path}/{name}")
