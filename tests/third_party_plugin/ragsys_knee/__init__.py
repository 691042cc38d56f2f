"""Declares the cut `knee`, the preset `knee` and the prompt `knee-note`; loads nothing."""

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component, Resource


@hookimpl
def ragsys_components() -> list[Component]:
    return [
        Component(
            role="cut",
            name="knee",
            target="ragsys_knee.knee:Knee",
            options="ragsys_knee.knee:KneeOptions",
            summary="ends the list at its steepest fall",
        )
    ]


@hookimpl
def ragsys_resources() -> list[Resource]:
    return [
        Resource("preset", "knee", "ragsys_knee", "presets/knee.yaml"),
        Resource("prompt", "knee-note", "ragsys_knee", "prompts/knee-note.md"),
    ]
