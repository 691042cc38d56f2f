"""The scripts beside the package, as modules: they import one another from their own folder."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

EVAL = Path(__file__).parents[1] / "eval"


def loaded(name: str, folder: Path = EVAL) -> ModuleType:
    """The module of a script in this folder."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
