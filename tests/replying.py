"""A generator for tests that is configured by name, `generator: {use: replying}`: it plays what a test gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragsys.config import Config
from ragsys.hookspecs import hookimpl
from ragsys.options import Options
from ragsys.plugins import Component, registry
from ragsys.testing.agents import made_up_config

PLAYS: dict[str, Any] = {}


def make(options: Options, context: Any) -> Any:
    """The generator that the test gave."""
    return PLAYS["generator"]


@hookimpl
def ragsys_components() -> list[Component]:
    """One generator."""
    return [Component("generator", "replying", "replying:make", "ragsys.options:Options", summary="plays a script")]


def install(generator: Any) -> None:
    """Give the generator, and make it known by its name."""
    import replying

    PLAYS["generator"] = generator
    if not any(plugin is replying for plugin in registry().manager.get_plugins()):
        registry().add(replying, "replying")


def config_file(folder: Path, **answer: Any) -> Path:
    """A configuration that uses it."""
    lines = [f"  {key}: {str(value).lower()}" for key, value in {"cache": False, **answer}.items()]
    path = folder / "replying.yaml"
    path.write_text("\n".join(["extends: laptop-lexical", "generator: replying", "answer:", *lines, ""]))
    return path


def config_of(**answer: Any) -> Config:
    """The same settings for a library in memory."""
    config = made_up_config()
    return config.model_copy(update={"answer": config.answer.model_copy(update={"cache": False, **answer})})
