"""Normal forms of texts that several metrics share."""

from __future__ import annotations

import re
import string
import unicodedata

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def letters(text: str) -> str:
    """Letters and digits alone, without case (NFKC)."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def squad(text: str) -> list[str]:
    """The tokens of SQuAD's normal form: lower case, without ASCII punctuation and the articles a, an, the."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
