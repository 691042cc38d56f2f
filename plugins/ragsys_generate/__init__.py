"""Generators: `extractive` answers without a model, `openai` with one behind an OpenAI-compatible server."""

from __future__ import annotations

from typing import Any

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component, load_target


@hookimpl
def ragsys_components() -> list[Component]:
    """The generators."""
    return [
        Component(
            role="generator",
            name="extractive",
            target="ragsys_generate.extractive:Extractive",
            options="ragsys_generate.options:ExtractiveOptions",
            summary="no model: the sentences and table rows that answer, as they stand on the page",
            version=2,
        ),
        Component(
            role="generator",
            name="openai",
            target="ragsys_generate.openai:OpenAI",
            options="ragsys_generate.options:OpenAIOptions",
            summary="a model behind vLLM or any OpenAI-compatible server",
        ),
    ]


@hookimpl
def ragsys_commands(cli: Any) -> None:
    """`ragsys serve-model`."""
    cli.add_command(load_target("ragsys_generate.serve.command:serve_model"))
