"""Documents as people name them: "the annual report", "the 2019 manual"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragsys.claims import fold, stem
from ragsys.types import Document

#: Words that tell no document from another.
_LIGHT = frozenset(re.findall(r"\w+", "the this that our their a an of from on about for in one ones pdf"))
_ANY = frozenset(("document", "documents", "file", "files"))


def matching(name: str, documents: Sequence[Document]) -> list[Document]:
    """The documents that a name fits: each of its words stands in their path or title; none if it has no words."""
    wanted = [stem(word) for word in _words(name) if word not in _LIGHT | _ANY]
    if not wanted:
        return []
    return [one for one in documents if all(word in _stems(one) for word in wanted)]


def words_of(document: Document) -> set[str]:
    """The words of a document's paths and title, lower case."""
    return {word for text in (*document.paths, document.title) for word in _words(text)}


def _stems(document: Document) -> set[str]:
    return {stem(word) for word in words_of(document)}


def _words(text: str) -> list[str]:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", fold(text))  # AnnualReport
    return re.findall(r"[^\W_]+", parts.lower())
