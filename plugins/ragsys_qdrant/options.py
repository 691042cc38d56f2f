"""Options of the stores. A store holds results and changes none, so that most options are incidental."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from ragsys.options import Options, incidental


class EdgeOptions(Options):
    """Options of the embedded store."""

    wal: bool = incidental(
        False,
        description="keep a write-ahead log: unflushed writes survive a crash, for 32 to 64 MB of disk; "
        "fixed when the library is made",
    )
    hnsw_above_mb: int = incidental(
        400,
        description="upkeep builds an approximate index for more vectors than this; fixed when the library is made",
        ge=1,
    )


class ServerOptions(Options):
    """Options of the server store."""

    url: str = incidental("http://localhost:6333", description="the server's address; `:memory:` for tests")
    api_key: SecretStr | None = Field(None, description="sent with every request; use https")
    grpc: bool = incidental(False, description="speak gRPC where the client can: faster writes")
    grpc_port: int = incidental(6334, description="the server's gRPC port", ge=1, le=65535)
    collection: str = incidental("", description="the collection's name; empty: ragsys-{library id}")
    shards: int | None = incidental(None, description="shards of a new collection; empty: the server's choice", ge=1)
    replicas: int | None = incidental(None, description="copies of every shard of a new collection", ge=1)
    on_disk: bool = incidental(False, description="a new collection keeps vectors and their indexes on disk")
    quantization: Literal["none", "int8", "binary"] = Field(
        "none", description="compress the vectors of a new collection; changes results, even with rescoring"
    )
    timeout: float = incidental(30.0, description="seconds to wait for one reply", gt=0)
    batch: int = incidental(128, description="points in one request", ge=1, le=1024)
