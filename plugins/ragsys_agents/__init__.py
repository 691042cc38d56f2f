"""Agents: one file a published method. `single` is the plain one: search once, write once."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component


@hookimpl
def ragsys_components() -> list[Component]:
    """The agents."""
    return [
        Component(
            role="agent",
            name="single",
            target="ragsys_agents.single:single",
            options="ragsys_agents.options:SingleOptions",
            summary="search once, let a model choose the pages worth reading, write the answer from them",
        )
    ]
