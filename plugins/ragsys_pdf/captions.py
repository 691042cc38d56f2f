"""How a caption begins: "Figure 3:", "Table IV.", "Abb. 2", in a few languages."""

from __future__ import annotations

import re

# group 1 of a figure's caption, group 2 of a table's
CAPTION = re.compile(
    r"(?:(fig(?:ure|\.)?|chart|graph|scheme|plate|photo|image|diagram|exhibit|map|abb(?:\.|ildung)|illustration|рис\.|图|圖)"
    r"|(table|tab\.|tabelle|tableau|tabla|таблица|表))"
    r"\s*(?:[A-Z]?\d+(?:[.\-–]\d+)*[a-z]?|(?-i:[IVXL]+|[A-Z](?=[.:])))(?:\s*[.:|—–)]|\s+(?=(?-i:[A-Z\"“(]))|$)",
    re.IGNORECASE,
)
_STARTS = frozenset("fcgspideamtFCGSPIDEAMTрт图圖表РТ")


def is_caption(text: str) -> bool:
    """Whether a line begins as a caption of a figure or a table does."""
    return text[0] in _STARTS and CAPTION.match(text) is not None


def is_table_caption(text: str) -> bool:
    """Whether a line begins as a caption of a table does."""
    match = CAPTION.match(text) if text[0] in _STARTS else None
    return match is not None and match[2] is not None
