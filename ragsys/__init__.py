"""ragsys: ask questions of folders of PDFs; every sentence of an answer is tied to a page and a box."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragsys.answers import Answer as Answer
    from ragsys.answers import Citation as Citation
    from ragsys.chat import Chat as Chat
    from ragsys.config import Config as Config
    from ragsys.errors import RagsysError as RagsysError
    from ragsys.library import Library as Library
    from ragsys.library import open as open
    from ragsys.types import Filter as Filter

__version__ = "0.1.0"

_HOMES = {
    "Answer": "ragsys.answers",
    "Chat": "ragsys.chat",
    "Citation": "ragsys.answers",
    "Config": "ragsys.config",
    "Filter": "ragsys.types",
    "Library": "ragsys.library",
    "RagsysError": "ragsys.errors",
    "open": "ragsys.library",
}
__all__ = [*sorted(_HOMES), "__version__"]


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that `import ragsys` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ragsys' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
