"""Our frozen data as JSON and back, and the fingerprint of what an agent asks for. No pickle: only declared types."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from ragsys.types import Evidence


def plain(value: Any) -> Any:
    """`value` as JSON: dataclasses and mappings as objects, sequences as arrays, enums by value, NumPy scalars as such.

    Raises `TypeError` on anything else: an image or a function has no place in a trace.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value.value if isinstance(value, Enum) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value) if item.repr}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if hasattr(value, "item") and not hasattr(value, "save"):  # a NumPy scalar
        return plain(value.item())
    raise TypeError(f"{type(value).__name__} has no JSON form")


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    # a field that holds a picture is never restored; its type is imported by type checkers alone
    return typing.get_type_hints(kind, localns={"Image": Any})


def restore(kind: Any, value: Any) -> Any:
    """The value of type `kind` whose `plain` form is `value`. Raises `TypeError` or `ValueError` if it is none."""
    origin = typing.get_origin(kind)
    if kind is Any or kind is None or kind is type(None):
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return restore(next(one for one in typing.get_args(kind) if one is not type(None)), value)
    if origin is typing.Literal:
        return value
    if origin is tuple:
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(restore(inner[0], item) for item in value)
        return tuple(restore(one, item) for one, item in zip(inner, value, strict=True))
    if origin is Sequence:
        return tuple(restore(typing.get_args(kind)[0], item) for item in value)
    if origin is list:
        return [restore(typing.get_args(kind)[0], item) for item in value]
    if origin is not None and issubclass(origin, Mapping):
        inner = typing.get_args(kind)[1]
        return {key: restore(inner, item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints = _hints(kind)
        return kind(*(restore(hints[name], item) for name, item in zip(kind._fields, value, strict=True)))
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        make: Any = kind
        return make(**{key: restore(hints[key], item) for key, item in value.items()})
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


def _essence(value: Any) -> Any:
    """What decides whether two requests are equal: pages by identity, images by content, types by schema."""
    if isinstance(value, Evidence):
        return {"evidence": value.number, "doc": value.doc, "page": value.page.number, "parse": value.parse}
    if isinstance(value, type):
        return {"type": value.__qualname__, "schema": json_schema(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: _essence(getattr(value, item.name)) for item in dataclasses.fields(value)}
        return {"": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): _essence(item) for key, item in sorted(value.items())}
    if isinstance(value, tuple | list):
        return [_essence(item) for item in value]
    if hasattr(value, "tobytes") and hasattr(value, "save"):  # a PIL image
        return {"image": hashlib.sha256(value.tobytes()).hexdigest(), "size": list(value.size)}
    return plain(value)


def fingerprint(value: Any) -> str:
    """16 hex digits of a value's content; equal for equal values on every machine and in every process."""
    text = json.dumps(_essence(value), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def json_schema(kind: type) -> dict[str, Any] | None:
    """The JSON schema of a type that a reply must parse as; None for plain text."""
    if kind is str:
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(kind).json_schema()


def parse_as(kind: type, data: Any) -> Any:
    """`data` (parsed JSON, or JSON text) as the type. Raises `ValueError` that says what does not fit."""
    if kind is str:
        return str(data)
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter.validate_json(data) if isinstance(data, str) else adapter.validate_python(data)


def dump_as(kind: type, value: Any) -> Any:
    """A value of such a type as JSON."""
    if kind is str:
        return value
    from pydantic import TypeAdapter

    return TypeAdapter(kind).dump_python(value, mode="json")
