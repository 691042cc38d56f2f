"""The images of a question as one block of bytes, for the way from a client to the process that owns the library."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragsys.asking import check_question
from ragsys.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LIMIT = 1 << 28  # bytes of all images of a question, as PNG: more than `MAX_PIXELS` of noise in four channels
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def packed(images: Sequence[Picture]) -> tuple[list[int], bytes]:
    """(the bytes of each image, all of them as PNG one after the other)."""
    blocks = []
    for image in images:
        out = io.BytesIO()
        plain_image = image if image.mode in _PNG_MODES else image.convert("RGB")
        plain_image.save(out, "PNG", compress_level=1)  # it goes over the loopback: time counts, not size
        blocks.append(out.getvalue())
    return [len(block) for block in blocks], b"".join(blocks)


def unpacked(block: bytes, sizes: Sequence[int]) -> tuple[Picture, ...]:
    """The images that `packed` gave. Raises `UsageError` on what is none, or is larger than may be asked about."""
    if not sizes:
        return ()
    from PIL import Image, UnidentifiedImageError

    found: list[Image.Image] = []
    start = 0
    try:
        for size in sizes:
            found.append(Image.open(io.BytesIO(block[start : start + size]), formats=["PNG"]))
            start += size
        check_question("images", found)  # before anything is decoded
        for image in found:
            image.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"an image of the question cannot be read: {error}") from error
    return tuple(found)
