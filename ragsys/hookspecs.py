"""The hooks. A plugin is a module in the entry-point group `ragsys` that implements some of them with `@hookimpl`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from ragsys.plugins import Component, Resource
    from ragsys.types import Event

GROUP = "ragsys"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ragsys_components() -> list[Component]:  # type: ignore[empty-body]
    """The components a plugin brings, for any role. Called once; must import nothing heavy."""


@hookspec
def ragsys_resources() -> list[Resource]:  # type: ignore[empty-body]
    """The presets and prompts a plugin brings, as package resources. Called once."""


@hookspec
def ragsys_commands(cli: click.Group) -> None:
    """Add commands to the command line. Called when the command line is built; must import nothing heavy."""


@hookspec
def ragsys_on_event(event: Event) -> None:
    """See every event of searching, answering and indexing. A failing observer is logged, never fatal."""
