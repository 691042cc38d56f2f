"""`ragsys plugins`: what is installed; with a name, the options of a component."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, output
from ragsys.cli.text import Part, bold, coloured, dim, table, wrapped
from ragsys.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from ragsys.plugins import Component, Registry

Listed = tuple["Component", str]


@click.command(short_help="List what is installed: loaders, embedders, retrievers, ...; NAME shows its options.")
@click.argument("name", required=False)
@output
def plugins(shell: Shell, name: str | None) -> None:
    """Every installed component by role. NAME, a component, a role or a plugin, shows options and needs too."""
    from ragsys.plugins import registry

    installed = registry()
    if name is None:
        _list(shell, installed)
    else:
        _details(shell, installed, name)


def _list(shell: Shell, installed: Registry) -> None:
    found = installed.components()
    if shell.json:
        shell.give(
            {
                "components": [_component_json(one, plugin) for one, plugin in found],
                "presets": list(installed.resources("preset")),
                "prompts": list(installed.resources("prompt")),
                "broken": [
                    {"plugin": one.plugin, "distribution": one.distribution, "error": one.error}
                    for one in installed.broken
                ],
            }
        )
        return
    rows: list[tuple[Part, ...]] = []
    last = ""
    for component, plugin in found:
        role = bold(component.role) if component.role != last else ""
        missing = _missing(component)
        rows.append((role, component.name, dim(plugin), missing or component.summary))
        last = component.role
    for line in table(rows, head=("role", "name", "plugin", "")):
        shell.say(*line)
    for kind in ("preset", "prompt"):
        shell.say(dim(f"{kind}s: {', '.join(installed.resources(kind)) or 'none'}"))
    for broken in installed.broken:
        shell.say(coloured(f"broken: plugin '{broken.plugin}' of {broken.distribution}: {broken.error}", "red"))


def _missing(component: Component) -> Part:
    from ragsys.plugins import missing_package

    missing = missing_package(component)
    if missing is None:
        return ""
    install = f"pip install 'ragsys[{component.extra}]'" if component.extra else f"pip install {missing}"
    return coloured(f"not installed: {install}", "yellow")


def _component_json(component: Component, plugin: str) -> dict[str, Any]:
    from ragsys.plugins import missing_package

    return {
        "role": component.role,
        "name": component.name,
        "plugin": plugin,
        "summary": component.summary,
        "needs": dict(component.needs),
        "extra": component.extra,
        "missing": missing_package(component),
    }


def _details(shell: Shell, installed: Registry, name: str) -> None:
    everything = installed.components()
    chosen = [one for one in everything if name in (one[0].name, f"{one[0].role}.{one[0].name}")]
    chosen = chosen or [one for one in everything if name in (one[1], one[0].role)]
    if not chosen:
        known = {word for component, plugin in everything for word in (component.name, component.role, plugin)}
        for broken in installed.broken:
            if broken.plugin == name:
                raise UsageError(f"plugin '{name}' could not be loaded: {broken.error}", hint="ragsys doctor")
        raise UsageError(
            f"no component, role or plugin named '{name}'.{did_you_mean(name, sorted(known))}",
            hint="see them all: ragsys plugins",
        )
    if shell.json:
        shell.give({"components": [{**_component_json(*one), "options": options(one[0])} for one in chosen]})
        return
    for n, (component, plugin) in enumerate(chosen):
        if n:
            shell.say()
        _show(shell, component, plugin)


def options(component: Component) -> list[dict[str, Any]]:
    """A component's options: name, type, default (None where there is none), required, description."""
    from ragsys.plugins import load_target

    kind = load_target(component.options) if isinstance(component.options, str) else component.options
    schema = kind.model_json_schema()
    fields = schema.get("properties", {})
    return [
        {
            "name": name,
            "type": _type(kind.model_fields[name]),
            "default": about.get("default"),
            "required": name in schema.get("required", ()),
            "description": about.get("description", ""),
        }
        for name, about in fields.items()
    ]


def _type(field: Any) -> str:
    """A field's type with its bounds, as people write it: "int 1.. 1024", "str or none", "none|int8|binary"."""
    text = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    if text.startswith("typing.Literal["):
        text = text[len("typing.Literal[") : -1].replace("'", "").replace(", ", "|")
    text = re.sub(r"\b[a-z_]+(?:\.[a-z_]+)*\.", "", text)
    text = text.replace(" | None", " or none").replace("SecretStr", "secret").replace("NoneType", "none")
    bounds = []
    for bound in field.metadata:
        for sign, attribute in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt")):
            value = getattr(bound, attribute, None)
            if value is not None:
                bounds.append(f"{sign} {value}")
    return " ".join([text, *bounds])


def _show(shell: Shell, component: Component, plugin: str) -> None:
    shell.say(bold(f"{component.role} {component.name}"), dim(f"  plugin {plugin}"))
    for line in wrapped(component.summary, indent=2):
        shell.say(line)
    if note := _missing(component):
        shell.say("  ", note)
    for argument, role in component.needs.items():
        shell.say(dim("  needs "), role, dim(f"  as {argument}" if argument != role else ""))
    if component.suffixes:
        for line in wrapped("reads " + " ".join(component.suffixes), indent=2):
            shell.say(dim(line))
    found = options(component)
    if not found:
        shell.say(dim("  no options"))
        return
    shell.say(dim("  options"))
    for option in found:
        default = "required" if option["required"] else f"= {_shown(option['default'])}"
        shell.say("    ", bold(option["name"]), f"  {option['type']}  ", dim(default))
        for line in wrapped(option["description"], indent=8) if option["description"] else ():
            shell.say(line)


def _shown(value: Any) -> str:
    import json

    return "none" if value is None else json.dumps(value, ensure_ascii=False)
