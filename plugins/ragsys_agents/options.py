"""Options of the agents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ragsys.options import Options


class SingleOptions(Options):
    """Of `single`."""

    pages: int | None = Field(None, ge=1, le=100, description="evidence pages; default: answer.pages")
    look: bool = Field(False, description="let the model choose among the pages before it writes: one more call")
    view: Literal["text", "pages", "montage"] = Field(
        "text", description="what a model that sees is shown besides text"
    )
