"""Opens what a question will need while documents are still being read: models and modules that take time to load.

All of it would be opened at the first question anyway, by one thread while the other cores wait for it.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragsys.protocols import Retriever

_MODULES = ("ragsys.answer", "ragsys.host")


def begin(retrievers: Iterable[Retriever]) -> threading.Thread:
    """Start it in a thread. What fails is told by the question that needs it.

    No daemon: a process that ends meanwhile waits for what native code is loading, which cannot be broken off.
    """
    thread = threading.Thread(target=_open, args=(tuple(retrievers),), name="ragsys-warming", daemon=False)
    thread.start()
    return thread


def _open(retrievers: tuple[Retriever, ...]) -> None:
    for retriever in retrievers:
        if (warm_up := getattr(retriever, "warm_up", None)) is not None:
            with contextlib.suppress(Exception):
                warm_up()
    for module in _MODULES:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
