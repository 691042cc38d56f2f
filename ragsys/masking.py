"""What of a configuration is secret, and how it is shown: keys, passwords and headers as `***`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

HIDDEN = "***"
_SECRET = re.compile(
    r"(^|[._-])(api)?(key|token|password|passphrase|secret|credentials?|authorization)$", re.IGNORECASE
)
#: Of requests: gateways take their keys in headers of any name.
_ALL_WITHIN = re.compile(r"(^|[._-])(headers|cookies)($|\.)", re.IGNORECASE)
_MENTIONED = re.compile(
    r"(key|token|password|passphrase|secret|credentials?|authorization|headers|cookies)\b", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/:@\s]*):[^/@\s]+@")
_URL_KEY = re.compile(
    r"([?&](?:[\w.-]*[._-])?(?:api)?(?:key|token|password|secret|signature|sig)=)[^&#\s'\"]+", re.IGNORECASE
)


def masked(data: Any, key: str = "", secret: Collection[str] = ()) -> Any:
    """`data` (JSON) without its secrets: values under keys that look like one or are among `secret`, and passwords
    and keys in URLs. Empty values, true and false stay: they give nothing away."""
    if key in secret or _ALL_WITHIN.search(key):
        return _hidden(data)
    if isinstance(data, dict):
        return {name: masked(value, str(name), secret) for name, value in data.items()}
    if isinstance(data, list):
        return [masked(value, key, secret) for value in data]
    if _SECRET.search(key):
        return _hidden(data)
    return words(data) if isinstance(data, str) else data


def _hidden(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _hidden(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_hidden(value) for value in data]
    return HIDDEN if data and isinstance(data, (str, int, float)) and not isinstance(data, bool) else data


def words(text: str) -> str:
    """A text without the passwords and keys of its URLs."""
    return _URL_KEY.sub(rf"\1{HIDDEN}", _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text))


def command(line: str) -> str:
    """A line of a chat as it may be shown and kept: settings without their secrets."""
    name, space, given = line.strip().partition(" ")
    return f"{name}{space}{setting(given)}" if name == "/config" else line


def setting(given: str) -> str:
    """An `a.b=value`, as in `--set`, without its secrets; of a value that cannot be read and may hold one, nothing."""
    import yaml

    from ragsys.plainyaml import parse

    key, equals, value = given.partition("=")
    if not equals:
        key, equals, value = given.partition(":")  # a slip: whoever makes it has typed the value all the same
    if not equals or not value.strip():
        return given
    try:
        read = parse(value)
    except yaml.YAMLError:
        return f"{key}{equals}…" if _MENTIONED.search(given) else words(given)
    shown = masked(read, key.strip())
    if shown == read:
        return given
    if isinstance(shown, str):
        return f"{key}{equals}{shown}"
    text = yaml.safe_dump(shown, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return f"{key}{equals}{text.removesuffix('...' + chr(10)).strip()}"
