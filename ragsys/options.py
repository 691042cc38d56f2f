"""The base of every component's options: validated, closed to unknown keys, with secrets kept out of fingerprints."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Options(BaseModel):
    """Options of a component. An unknown key is an error: a misspelt option must never be silently without effect."""

    # built at its first use: most components' options are never asked for in a process
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)

    def decisive(self) -> dict[str, Any]:
        """The options that decide results, as JSON: all but secrets and those made with `incidental`."""
        skip = {
            name
            for name, info in type(self).model_fields.items()
            if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("incidental")
        }
        return self.model_dump(mode="json", exclude=skip | secret_fields(type(self)))

    def everything(self) -> str:
        """All options as JSON, secrets in clear: to tell two sets of options apart in memory, never to be written."""

        def clear(value: Any) -> Any:
            return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

        return json.dumps(self.model_dump(), default=clear, sort_keys=True)


def secret_fields(kind: type[BaseModel]) -> frozenset[str]:
    """The names of the options that hold secrets, by their types."""
    return frozenset(name for name, info in kind.model_fields.items() if _is_secret(info.annotation))


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def incidental(default: Any, *, description: str, **bounds: Any) -> Any:
    """A field that changes no result (threads, batch sizes, passwords): not part of the fingerprint."""
    return Field(default, description=description, json_schema_extra={"incidental": True}, **bounds)
