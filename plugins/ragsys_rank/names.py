"""Which documents a question names: its words against the words of paths and titles, rare ones first."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ragsys.types import Document

_WORDS = re.compile(r"[^\W\d_]+|\d+[a-z]?\b|\d+")
_YEAR = re.compile(r"(?<!\d)(?:19[5-9]\d|20[0-4]\d)(?!\d)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def name_words(document: Document) -> set[str]:
    """The words of a document's file name, its last folder and its title, alone and written together in pairs."""
    found: set[str] = set()
    path = PurePosixPath(document.path)
    for text in (path.stem, path.parent.name, document.title):
        words = _WORDS.findall(_CAMEL.sub(" ", text.replace("_", " ")).casefold())
        found.update(word for word in words if len(word) > 1)
        found.update(a + b for a, b in itertools.pairwise(words))
    return found


@dataclass(frozen=True, slots=True)
class Names:
    """The names of all documents of a library."""

    holders: Mapping[str, tuple[str, ...]]  # word -> documents
    years: Mapping[str, frozenset[int]]  # document -> years in its name
    count: int

    @classmethod
    def of(cls, documents: Mapping[str, Document]) -> Names:
        """Collected over documents."""
        holders: dict[str, list[str]] = {}
        years: dict[str, frozenset[int]] = {}
        for doc, document in documents.items():
            for word in name_words(document):
                holders.setdefault(word, []).append(doc)
            years[doc] = frozenset(int(y) for y in _YEAR.findall(f"{document.path} {document.title}"))
        return cls({word: tuple(docs) for word, docs in holders.items()}, years, len(documents))

    def named(self, words: Iterable[str]) -> dict[str, float]:
        """{document: summed rarity of the words that its name shares}; a word in more than a fifth of names is none."""
        found: dict[str, float] = {}
        for word in sorted(words):
            docs = self.holders.get(word, ())
            if docs and len(docs) <= max(1.0, self.count / 5):
                weight = math.log((self.count + 1) / len(docs))
                for doc in docs:
                    found[doc] = found.get(doc, 0.0) + weight
        return found
