"""The options of the components of ragsys_pdf."""

from __future__ import annotations

from pydantic import Field, SecretStr

from ragsys.options import Options, incidental


class LoaderOptions(Options):
    """How files are opened and pages are cut into blocks."""

    password: SecretStr | None = Field(None, description="opens encrypted files; write ${ENV} rather than the password")
    max_pixels: int = incidental(
        24_000_000, ge=10_000, description="larger renders are scaled down to this many pixels"
    )
    reflow_width: float = Field(450.0, ge=100, le=5000, description="page width in points of EPUB, TXT and MD")
    reflow_height: float = Field(650.0, ge=100, le=5000, description="page height in points of EPUB, TXT and MD")
    reflow_size: float = Field(11.0, ge=4, le=72, description="font size in points of EPUB, TXT and MD")
    tables: bool = Field(True, description="find tables by the fast rules")
    outline: bool = Field(True, description="headings that the file's outline names are titles with its levels")
    garbage_share: float = Field(
        0.3, gt=0, le=1, description="a page with more unmappable characters than this share counts as without text"
    )


class OcrOptions(Options):
    """How text is read off page images."""

    language: str = Field(
        "eng", pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$", description="tesseract's language codes, as in eng+deu"
    )
    min_confidence: float = Field(30.0, ge=0, le=100, description="words read with less confidence are left out")
    timeout: float = incidental(
        0.0, ge=0, description="seconds (wall-clock) before one page is given up; 0: index.limits alone bound it"
    )
    threads: int = incidental(1, ge=1, le=64, description="threads of one engine")


class LayoutOptions(Options):
    """How pages are refined by the layout model."""

    password: SecretStr | None = Field(None, description="opens encrypted files, as of the loader")
    garbage_share: float = Field(0.3, gt=0, le=1, description="as of the loader")
