"""Generators: `extractive` answers without a model, by choosing sentences and table rows of the evidence."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component


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
        )
    ]
