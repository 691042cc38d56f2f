"""YAML of configurations and settings: text, numbers, lists and mappings, each written out where it is used.

Whatever is wrong with a text is a `yaml.YAMLError`: a configuration may come from somebody else.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_SHOWN = 40  # characters of a value in a message
_LARGEST = 2**63  # no setting counts further, and no clock or file size does
#: YAML 1.1 reads 010 as eight and 1:30 as ninety.
_ODD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|[0-9_]+(:[0-9_.]+)+)")


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with bounds: a key that is given twice is refused (YAML would forget the first), and so is an
    alias of a list or mapping (nine lines of them stand for a thousand million values)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        node = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent) and isinstance(node, yaml.CollectionNode):
            raise yaml.composer.ComposerError(
                None, None, f"'*{event.anchor}' repeats a list or mapping: write it out", mark
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is text, not a list or mapping", key.start_mark
                )
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:int" and _ODD_NUMBER.match(node.value):
            raise _unread(node, "YAML takes this number for another one: write it without the zero or the colon")
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, TypeError, LookupError, AttributeError) as error:  # a month 13, 5,000 digits
            raise _unread(node, str(error)) from error


def _unread(node: yaml.Node, reason: str) -> yaml.YAMLError:
    text = str(node.value)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return yaml.constructor.ConstructorError(None, None, f"'{shown}' cannot be read: {reason}", node.start_mark)


def parse(text: str) -> Any:
    """The value of a YAML text. Raises `yaml.YAMLError`."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None


def odd(value: Any, where: str = "") -> Iterator[str]:
    """What in a configuration is no value of one, with its place: keys that are not text, numbers without an end."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{where}.{key}".lstrip(".")
            if not isinstance(key, str):
                yield f"{here}: YAML reads this key as {type(key).__name__}: put it in quotes"
            yield from odd(item, here)
    elif isinstance(value, (list, tuple)):
        for n, item in enumerate(value):
            yield from odd(item, f"{where}.{n}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: expected a number with an end (found {value})"
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        yield f"{where}: this number is too large"
    elif isinstance(value, (datetime.date, bytes, set, frozenset)):
        yield f"{where}: YAML reads this as {type(value).__name__}: put it in quotes"
