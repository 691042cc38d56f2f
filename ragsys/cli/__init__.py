"""The command line. One file a command; everything heavy is imported inside the function of a command."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an error, 2 wrong use or configuration, 130 interrupted."""
    try:
        from ragsys.cli.app import run
    except KeyboardInterrupt:  # nothing has begun
        raise SystemExit(130) from None
    raise SystemExit(run(arguments))


__all__ = ["main"]
