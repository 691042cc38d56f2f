"""Text and pictures inside the HTML and Markdown that ragsys writes: nothing of a document or a question is markup."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_TURNS = "\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of what follows


def text(value: str) -> str:
    """Escaped for HTML and its quoted attributes, without control characters or marks that turn the direction."""
    return html.escape(re.sub(rf"[\x00-\x08\x0b-\x1f\x7f{_TURNS}]", "", value), quote=True)


def page(*, title: str, policy: str, style: str, body: str) -> str:
    """A whole page that sends no referrer. Only the title is escaped; the policy says what the browser may load."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{style}</style>
</head>
<body>{body}</body>
</html>
"""


def plain(value: str) -> str:
    """One line of Markdown in which nothing of the text is markup."""
    value = re.sub(rf"[\x00-\x1f\x7f{_TURNS}]+", " ", value)
    value = re.sub(r"\s+", " ", value).strip()
    return re.sub(r"([\\`*_{}\[\]<>#|!~&$])", r"\\\1", value)


def jpeg(image: Image, *, quality: int = 80) -> str:
    """A picture as a data URI."""
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
