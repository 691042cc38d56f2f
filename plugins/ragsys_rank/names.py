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
_SYLLABLES = 4  # letters of the shortest abbreviation by syllables
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
    initials: Mapping[str, tuple[str, ...]]  # first letters of words in a row -> documents
    count: int

    @classmethod
    def of(cls, documents: Mapping[str, Document]) -> Names:
        """Collected over documents."""
        holders: dict[str, list[str]] = {}
        years: dict[str, frozenset[int]] = {}
        initials: dict[str, list[str]] = {}
        for doc, document in documents.items():
            for word in name_words(document):
                holders.setdefault(word, []).append(doc)
            for letters in _initials(document):
                initials.setdefault(letters, []).append(doc)
            years[doc] = frozenset(int(y) for y in _YEAR.findall(f"{document.path} {document.title}"))
        return cls(
            {word: tuple(docs) for word, docs in holders.items()},
            years,
            {letters: tuple(docs) for letters, docs in initials.items()},
            len(documents),
        )

    def named(self, words: Iterable[str], short: Iterable[str] = ()) -> dict[str, float]:
        """{document: summed rarity of the words that its name shares}; a word in more than a fifth of names is none.

        `short` are abbreviations: of a name's first letters ("J&J", "JnJ"), or of the syllables of one long word of a
        name ("Amex"). They count where no name has them as a word.
        """
        found: dict[str, float] = {}
        holders = [self.holders.get(word, ()) for word in sorted(words)]
        holders += [self._abbreviated(word) for word in sorted(short) if word not in self.holders]
        for docs in holders:
            if docs and len(docs) <= max(1.0, self.count / 5):
                weight = math.log((self.count + 1) / len(docs))
                for doc in docs:
                    found[doc] = found.get(doc, 0.0) + weight
        return found

    def _abbreviated(self, short: str) -> tuple[str, ...]:
        for letters in (short, short[:1] + short[1:-1].replace("n", "") + short[-1:]):
            if letters in self.initials:
                return self.initials[letters]
        if len(short) < _SYLLABLES:
            return ()
        found: set[str] = set()
        for word, docs in self.holders.items():
            if len(word) >= 2 * len(short) and any(
                word.startswith(short[:cut]) and word.find(short[cut:], cut) > 0 for cut in range(2, len(short) - 1)
            ):
                found.update(docs)
        return tuple(sorted(found))


def _initials(document: Document) -> set[str]:
    """The first letters of two to four words in a row of a document's file name and title."""
    found: set[str] = set()
    for text in (PurePosixPath(document.path).stem, document.title):
        words = re.findall(r"[^\W\d_]+", _CAMEL.sub(" ", text.replace("_", " ")))
        letters = "".join(word[0] for word in words).casefold()
        found.update(letters[n : n + size] for size in (2, 3, 4) for n in range(len(letters) - size + 1))
    return found
