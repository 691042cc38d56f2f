"""How the reader of a configuration is served: what `ragsys serve-model` takes from it."""

from __future__ import annotations

from pydantic import Field

from ragsys.options import Options


class ServeOptions(Options):
    """Of the server that `ragsys serve-model` starts; no reply depends on them but by what fits."""

    parameters: float = Field(
        0, ge=0, description="the model's parameters, in billions; 0: of its files, else as its name says"
    )
    context: int = Field(32_768, ge=512, description="tokens of prompt and reply together, at most")
    images: int = Field(16, ge=0, le=999, description="images of one request; 0: the model reads none")
    memory: float = Field(0.9, gt=0.1, le=1, description="share of a GPU's memory that the server may take")
    requests: int = Field(0, ge=0, le=4096, description="requests that are worked on at once; 0: the server's choice")
    tensor_parallel: int = Field(
        0, ge=0, le=64, description="GPUs that hold the model together; 0: as few as it fits on"
    )
    data_parallel: int = Field(0, ge=0, le=64, description="copies of the model; 0: as many as there are GPUs for")
    flags: tuple[str, ...] = Field((), description="further flags of the server, as they are")
