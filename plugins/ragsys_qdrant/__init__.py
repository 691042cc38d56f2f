"""Stores on Qdrant: `edge` inside the process (the default), `server` for a Qdrant server or cluster."""

from __future__ import annotations

from ragsys.hookspecs import hookimpl
from ragsys.plugins import Component


@hookimpl
def ragsys_components() -> list[Component]:
    """The two stores."""
    return [
        Component(
            role="store",
            name="edge",
            target="ragsys_qdrant.edge:EdgeStore",
            options="ragsys_qdrant.options:EdgeOptions",
            requires=("qdrant_edge", "portalocker"),
            summary="Qdrant's engine inside the process; one library, one folder, one owner",
        ),
        Component(
            role="store",
            name="server",
            target="ragsys_qdrant.server:ServerStore",
            options="ragsys_qdrant.options:ServerOptions",
            requires=("qdrant_client",),
            extra="server",
            summary="a Qdrant server or cluster over REST or gRPC",
        ),
    ]
