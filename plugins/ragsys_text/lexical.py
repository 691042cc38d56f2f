"""Words as sparse vectors: BM25's term-frequency part in the items, its rarity part in the queries.

score(q, d) = sum over terms t of both: idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / reference))
idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))          Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework"
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal

import numpy as np

from ragsys.protocols import Context, Statistics
from ragsys.types import Sparse
from ragsys_text.languages import DEFAULT, LANGUAGES, language_of
from ragsys_text.options import WordsOptions
from ragsys_text.tokens import Terms, chunks, unaccented

_SAMPLE = 400  # chunks that decide a text's language
_REPEAT = 3  # a query's repeated word counts at most so often


@cache
def _terms_in(language: str) -> Terms:
    return Terms(language)


@lru_cache(maxsize=500_000)
def _id(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


class WordsLexical:
    """Terms by script and language, as 32-bit ids."""

    def __init__(self, options: WordsOptions, context: Context) -> None:
        self._options = options
        self._reference = {"page": options.page_length, "passage": options.passage_length}

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order."""
        found = chunks(text)
        table = _terms_in(_language(found))
        return [term for chunk in found for term in table.of(chunk)]

    def term_id(self, term: str) -> int:
        """The term's CRC-32; two of 100,000 terms share one now and then, which BM25 does not notice."""
        return zlib.crc32(term.encode("utf-8", "surrogatepass"))

    def encode_item(self, text: str, *, level: Literal["page", "passage"]) -> Sparse:
        """The item's vector; empty for a text without terms."""
        found = chunks(text)
        table = _terms_in(_language(found))
        counts: Counter[int] = Counter()
        for chunk, times in Counter(found).items():
            for term in table.of(chunk):
                counts[_id(term)] += times
        if not counts:
            return Sparse(np.empty(0, np.uint32), np.empty(0, np.float32))
        indices = np.fromiter(counts.keys(), np.uint32, len(counts))  # (n,)
        frequency = np.fromiter(counts.values(), np.float64, len(counts))  # (n,)
        k1, b = self._options.k1, self._options.b
        norm = k1 * (1 - b + b * frequency.sum() / self._reference[level])
        weights = frequency * (k1 + 1) / (frequency + norm)
        order = np.argsort(indices)
        return Sparse(indices[order], weights[order].astype(np.float32))

    def encode_query(self, text: str, statistics: Statistics) -> Sparse:
        """The query's vector: each word in every language's stem, of which those count that the library holds.

        A query is too short to tell its language; a stem that no document has matches nothing.
        """
        counts: Counter[int] = Counter()
        for chunk, times in Counter(chunks(text)).items():
            for term in self._variants(chunk):
                counts[_id(term)] = max(counts[_id(term)], min(times, _REPEAT))
        if not counts:
            return Sparse(np.empty(0, np.uint32), np.empty(0, np.float32))
        ids = sorted(counts)
        total, known = statistics.items, statistics.frequency(ids)
        weights = [counts[i] * math.log(1 + (total - df + 0.5) / (df + 0.5)) for i, df in zip(ids, known, strict=True)]
        kept = [(i, weight) for i, weight, df in zip(ids, weights, known, strict=True) if df] or list(
            zip(ids, weights, strict=True)
        )
        return Sparse(np.array([i for i, _ in kept], np.uint32), np.array([weight for _, weight in kept], np.float32))

    def _variants(self, chunk: str) -> Iterable[str]:
        """The chunk's terms in every language; none for a function word of the default language."""
        if not _terms_in(DEFAULT).of(chunk):
            return ()
        return dict.fromkeys(term for language in LANGUAGES for term in _terms_in(language).of(chunk))


def _language(found: list[str]) -> str:
    sample = found[:_SAMPLE]
    if all(chunk.isascii() for chunk in sample):
        return language_of(sample)
    return language_of(unaccented(chunk) for chunk in sample)
