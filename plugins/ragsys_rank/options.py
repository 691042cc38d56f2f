"""Options of this plugin's components."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ragsys.options import Options, incidental


class TreesOptions(Options):
    """Options of the ranker `trees`."""

    model: Path | None = Field(None, description="a model file of `eval/train`; null: the one that ships")
    documents: int = Field(4, ge=0, le=50, description="documents that are searched deeper; 0: none")
    deeper: int = Field(60, ge=1, le=1000, description="points asked of each list in these documents")
    reported: int = Field(40, ge=1, le=1000, description="pages asked of the rows that an accounting measure rests on")
    least_pages: int = Field(30, ge=0, description="smaller libraries keep the fused order")
    held: int = incidental(8_000, ge=100, description="pages whose words are kept in memory, about 3 kB each")
