"""The process that draws pages: reads orders from stdin, writes pictures to stdout. May be killed at any time.

It builds the loader alone, so that the first picture comes soon. The owner bounds its time and memory; where the owner
is killed while a page is drawn, the system's own limit ends it.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ragsys import frames
from ragsys.errors import DocumentError, PluginError, RagsysError, UsageError
from ragsys.types import JSON, BBox, Outcome

if TYPE_CHECKING:
    from ragsys.protocols import Loader

_SPARE = 10  # seconds beyond twice the limit: the owner, which is more exact, is to end a drawing first


def answer(order: JSON, loader: Callable[[str], Loader], out: BinaryIO) -> None:
    """Draw one page and send it; whatever goes wrong with it becomes an `error` message."""
    try:
        path = Path(order["path"])
        clip = BBox(*order["clip"]) if order["clip"] else None
        drawn = loader(path.name).render(path, order["page"], dpi=order["dpi"], clip=clip)
        image = drawn.image.convert("RGB")
        header = {"type": "drawn", "width": image.width, "height": image.height, "dpi": drawn.dpi}
        frames.write(out, header, image.tobytes())
    except BrokenPipeError:
        raise
    except MemoryError:
        _fail(out, "document", "ran out of memory", Outcome.OUT_OF_MEMORY)
    except DocumentError as error:
        _fail(out, "document", error.message, error.outcome, error.hint)
    except RagsysError as error:
        kind = "usage" if isinstance(error, UsageError) else "plugin" if isinstance(error, PluginError) else "document"
        _fail(out, kind, error.message, Outcome.BROKEN, error.hint)
    except Exception as error:  # a renderer may raise anything at all on a damaged file
        _fail(out, "document", f"{type(error).__name__}: {error}", Outcome.BROKEN)


def _fail(out: BinaryIO, kind: str, message: str, outcome: str, hint: str | None = None) -> None:
    frames.write(out, {"type": "error", "error": kind, "message": message, "outcome": str(outcome), "hint": hint})


def _bound(seconds: float) -> None:
    """Let the system end this process when it has computed for much longer than the owner would let it."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + 2 * seconds + _SPARE), most))


def _loader(start: dict[str, Any]) -> Callable[[str], Loader]:
    from ragsys.config import Config
    from ragsys.layers import Layers
    from ragsys.plugins import Builder, registry

    config = Config.model_validate(start["config"])
    return Layers(config, Builder(registry(), config.defaults, Path(start["state"]), Path(start["cache"]))).loader


def main() -> None:
    """Serve orders until stdin ends. The first message holds the configuration."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the owner decides when we end
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # native libraries print to descriptor 1: never into our messages
    start = frames.read(sys.stdin.buffer)
    if start is None:
        return
    loader = _loader(start[0])
    try:
        frames.write(out, {"type": "ready"})
        while (message := frames.read(sys.stdin.buffer)) is not None:
            _bound(float(message[0]["seconds"]))
            answer(message[0], loader, out)
    except BrokenPipeError:
        os._exit(0)  # the owner is gone; nothing is left to tell


__all__ = ["answer", "main"]

if __name__ == "__main__":
    main()
