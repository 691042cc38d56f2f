"""Reads configurations as mappings: presets and files that extend each other, `--set a.b=c`, `${ENV:-default}`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ragsys.errors import ConfigError, did_you_mean
from ragsys.masking import setting
from ragsys.plainyaml import parse

if TYPE_CHECKING:
    from ragsys.plugins import Registry

#: The preset that is used where none is named, and that a user's file changes unless it extends something else.
DEFAULT = "laptop"

_ENV = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<has>:-(?P<default>[^}]*))?\})")


def placed(where: str, problems: Sequence[str]) -> list[str]:
    """The problems with the file's or preset's name in front."""
    return [f"{where}: {problem}" for problem in problems]


def read(source: str, registry: Registry, chain: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """The mapping of a preset or file with everything that it extends underneath, and its name for messages."""
    text, where, folder = _locate(source, registry)
    identity = str(Path(where).resolve()) if folder else where
    if identity in chain:
        raise ConfigError(f"configurations extend each other in a circle: {' -> '.join((*chain, identity))}")
    try:
        raw = {} if (parsed := parse(text)) is None else parsed
    except yaml.YAMLError as error:
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{where}: not valid YAML: {reason}{_mark(error)}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: a configuration is a mapping of keys, found {type(raw).__name__}")
    return based(raw, where, folder, registry, (*chain, identity))


def based(
    raw: dict[str, Any], where: str, folder: Path | None, registry: Registry, chain: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """The mapping `raw`, which `where` names in messages, with everything that it extends underneath.

    A file that it extends is relative to `folder`; a preset has none. `chain` are the files and presets above it.
    """
    # a preset is whole, or says what it extends; a user's file that says nothing changes the default preset
    parent = raw.pop("extends", DEFAULT if folder else None)
    if parent is None:
        return raw, where
    if not isinstance(parent, str):
        raise ConfigError(f"{where}: extends: a preset's name or a file, found {type(parent).__name__}")
    problems: list[str] = []
    parent = expanded(parent, "extends", problems)
    if problems:
        raise ConfigError(placed(where, problems), hint="set the variable, or give it a default: ${NAME:-default}")
    if _is_file(parent) and folder:
        parent = str(folder / Path(parent).expanduser())
    base, _ = read(parent, registry, chain)
    return merged(base, raw), where


def _mark(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _is_file(source: str) -> bool:
    return source.endswith((".yaml", ".yml")) or "/" in source or os.sep in source


def _locate(source: str, registry: Registry) -> tuple[str, str, Path | None]:
    """A configuration's text, its name for messages, and of a file the folder that its `extends` is relative to."""
    if _is_file(source):
        path = Path(source).expanduser()
        try:
            return path.read_text(encoding="utf-8-sig"), str(path), path.parent
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}", hint="presets: " + _names(registry)) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not a text file in UTF-8") from error
    presets = registry.resources("preset")
    if source not in presets:
        raise ConfigError(
            f"no preset named '{source}'.{did_you_mean(source, presets)}",
            hint=f"presets: {_names(registry)}\na file needs its ending: --config my.yaml",
        )
    return presets[source].read(), source, None


def _names(registry: Registry) -> str:
    return ", ".join(registry.resources("preset")) or "none"


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it: mappings merge, everything else is replaced, and so is a component whose
    `use` changes (its old options are another component's). `fuse: rrf` counts as `fuse: {use: rrf}`."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, str) and isinstance(value, dict):
            old = {"use": old}
        if isinstance(old, dict) and isinstance(value, dict) and value.get("use", old.get("use")) == old.get("use"):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result


def override(raw: Mapping[str, Any], given: str) -> dict[str, Any]:
    """`raw` with one `a.b=value` laid over it. Raises `ConfigError` on what is not of this form."""
    path, equals, text = given.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {setting(given)}: expected a.b=value", hint="--set search.candidates=50")
    if keys[0] == "extends":
        raise ConfigError(f"--set {given}: a configuration's base is chosen as a whole", hint="--config NAME|FILE")
    try:
        change = parse(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {setting(given)}: the value is not valid YAML{_mark(error)}") from error
    for key in reversed(keys):
        change = {key: change}
    return merged(raw, change)


def expanded(value: Any, where: str, problems: list[str]) -> Any:
    """`value` with `${NAME}`, `${NAME:-default}` and `$$` replaced in every text; names not set go to `problems`."""
    if isinstance(value, dict):
        return {key: expanded(item, f"{where}.{key}".lstrip("."), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded(item, f"{where}.{n}", problems) for n, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        found = os.environ.get(match["name"])
        if match["has"]:  # as in a shell: the default also stands in for an empty value
            found = found or match["default"]
        if found is None:
            problems.append(f"{where}: the environment variable {match['name']} is not set")
        return found or ""

    return _ENV.sub(one, value)
