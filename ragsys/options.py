"""The base of every component's options: validated, closed to unknown keys, with secrets kept out of fingerprints."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Options(BaseModel):
    """Options of a component. An unknown key is an error: a misspelt option must never be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    def decisive(self) -> dict[str, Any]:
        """The options that decide results, as JSON: all but secrets and those made with `incidental`."""
        skip = {
            name
            for name, info in type(self).model_fields.items()
            if (isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("incidental"))
            or isinstance(getattr(self, name), SecretStr)
        }
        return self.model_dump(mode="json", exclude=skip)


def incidental(default: Any, *, description: str, **bounds: Any) -> Any:
    """A field that changes no result (threads, batch sizes, passwords): not part of the fingerprint."""
    return Field(default, description=description, json_schema_extra={"incidental": True}, **bounds)
