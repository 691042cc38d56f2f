"""Generators: `extractive` answers without a model, `openai`, `langchain` and `local` with one."""

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
            version=4,
        ),
        Component(
            role="generator",
            name="openai",
            target="ragsys_generate.openai:OpenAI",
            options="ragsys_generate.options:OpenAIOptions",
            summary="a model behind vLLM or any OpenAI-compatible server",
        ),
        Component(
            role="generator",
            name="langchain",
            target="ragsys_generate.langchain:LangChain",
            options="ragsys_generate.options:LangChainOptions",
            requires=("langchain",),
            extra="langchain",
            summary="any chat model that LangChain knows by name",
        ),
        Component(
            role="generator",
            name="local",
            target="ragsys_generate.local:Local",
            options="ragsys_generate.options:LocalOptions",
            requires=("xllamacpp",),
            extra="local",
            summary="a small model in this process, from a GGUF file",
        ),
    ]


@hookimpl
def ragsys_commands(cli: Any) -> None:
    """`ragsys serve-model`."""
    cli.add_command(load_target("ragsys_generate.serve.command:serve_model"))
