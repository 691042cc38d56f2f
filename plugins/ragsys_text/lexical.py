"""Words as sparse vectors: BM25's term-frequency part in the items, its rarity part in the queries.

score(q, d) = sum over terms t of both: idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / reference))
idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))          Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework"
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Literal

import numpy as np

from ragsys.protocols import Context, Statistics
from ragsys.types import Sparse
from ragsys_text.languages import DEFAULT, LANGUAGES, language_of
from ragsys_text.options import WordsOptions
from ragsys_text.tokens import Terms, chunks, term_id, unaccented

_SAMPLE = 400  # chunks that decide a text's language
_BREAK = "918273645546372819"  # stands between the parts of a page; a longer one where a text holds it
_LINES = 4096  # that are remembered: more than a worker reads of pages before it sends them
_REPEAT = 3  # a query's repeated word counts at most so often


class _Ids(dict[str, tuple[int, ...]]):
    """{folded chunk: the ids of its terms} in one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.terms = Terms(language)

    def __missing__(self, chunk: str) -> tuple[int, ...]:
        terms = self.terms[chunk]
        if len(self.terms) == 1:  # the terms were just forgotten: there were too many
            self.clear()
        found = self[chunk] = tuple(term_id(term) for term in terms)
        return found


@cache
def _ids_in(language: str) -> _Ids:
    return _Ids(language)


class _Chunks(dict[str, list[str]]):
    """{line: its folded chunks} of the last lines: each comes with its page, with its passage, and to a ranker."""

    def __missing__(self, line: str) -> list[str]:
        if len(self) >= _LINES:
            self.clear()
        found = self[line] = chunks(line)
        return found


_CHUNKS = _Chunks()


class _LineIds(dict[str, list[int]]):
    """{line: the ids of its terms} of the last lines, in one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._ids = _ids_in(language)

    def __missing__(self, line: str) -> list[int]:
        if len(self) >= _LINES:
            self.clear()
        found = self[line] = list(chain.from_iterable(map(self._ids.__getitem__, _CHUNKS[line])))
        return found


@cache
def _line_ids_in(language: str) -> _LineIds:
    return _LineIds(language)


class WordsLexical:
    """Terms by script and language, as 32-bit ids."""

    def __init__(self, options: WordsOptions, context: Context) -> None:
        self._options = options
        self._reference = {"page": options.page_length, "passage": options.passage_length}

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order."""
        found = chunks(text)
        table = _ids_in(_language(found)).terms
        return [term for chunk in found for term in table[chunk]]

    def term_id(self, term: str) -> int:
        """See `tokens.term_id`."""
        return term_id(term)

    def term_ids(self, text: str) -> list[int]:
        """The ids of the terms of a text in order."""
        lines = text.split("\n")  # no chunk runs across white space
        sample = list(islice(chain.from_iterable(map(_CHUNKS.__getitem__, lines)), _SAMPLE))
        return list(chain.from_iterable(map(_line_ids_in(_language(sample)).__getitem__, lines)))

    def encode_item(self, text: str, *, level: Literal["page", "passage"]) -> Sparse:
        """The item's vector; empty for a text without terms."""
        every = self.term_ids(text)
        if not every:
            return Sparse(np.empty(0, np.uint32), np.empty(0, np.float32))
        counted = sorted(Counter(every).items())  # a third of the time of np.unique on so few numbers
        indices = np.array([number for number, _ in counted], np.uint32)  # (n,)
        frequency = np.array([count for _, count in counted], np.float64)  # (n,)
        k1, b = self._options.k1, self._options.b
        norm = k1 * (1 - b + b * len(every) / self._reference[level])
        return Sparse(indices, (frequency * (k1 + 1) / (frequency + norm)).astype(np.float32))

    def scores(
        self, query: Sparse, texts: Sequence[Sequence[str]], *, level: Literal["page", "passage"]
    ) -> list[float]:
        """The score of each text for a query's vector; the texts are of one page, each in parts that may come again."""
        weights = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
        k1, b, reference = self._options.k1, self._options.b, self._reference[level]
        parts = {part: n for n, part in enumerate(dict.fromkeys(part for text in texts for part in text))}
        found, mark = _parted(parts)
        table = _ids_in(_language(found))
        lengths = [0] * (len(parts) or 1)  # in terms
        shared: list[list[int]] = [[] for _ in lengths]  # the query's terms in each part
        at = 0
        for chunk in found:
            if chunk == mark:
                at += 1
                continue
            ids = table[chunk]
            lengths[at] += len(ids)
            for term in ids:
                if term in weights:
                    shared[at].append(term)
        scores = []
        for text in texts:
            places = [parts[part] for part in text]
            terms = [term for n in places for term in shared[n]]
            counted = Counter(terms).items() if terms else ()
            norm = k1 * (1 - b + b * sum(lengths[n] for n in places) / reference)
            scores.append(float(sum(weights[term] * count * (k1 + 1) / (count + norm) for term, count in counted)))
        return scores

    def encode_query(self, text: str, statistics: Statistics) -> Sparse:
        """The query's vector: each word in every language's stem, of which those count that the library holds.

        A query is too short to tell its language. The stems of one word are synonyms and as rare as all of them
        together: else a page whose language was mistaken would win by a stem that no other page has.
        """
        groups: dict[tuple[int, ...], int] = {}
        for chunk, times in Counter(chunks(text)).items():
            for group in _in_every_language(chunk):
                groups[group] = max(groups.get(group, 0), min(times, _REPEAT))
        ids = sorted({number for group in groups for number in group})
        if not ids:
            return Sparse(np.empty(0, np.uint32), np.empty(0, np.float32))
        known = dict(zip(ids, statistics.frequency(ids), strict=True))
        weights: dict[int, float] = {}
        for group, times in groups.items():
            together = min(statistics.items, sum(known[number] for number in group))
            weight = times * math.log1p((statistics.items - together + 0.5) / (together + 0.5))
            for number in group:
                weights[number] = max(weights.get(number, 0.0), weight)
        kept = [number for number in ids if known[number]] or ids
        return Sparse(np.asarray(kept, np.uint32), np.asarray([weights[number] for number in kept], np.float32))


@lru_cache(maxsize=50_000)
def _in_every_language(chunk: str) -> tuple[tuple[int, ...], ...]:
    """The terms of a query's chunk, each as its ids in all languages; none for a function word of the default one."""
    ours = _ids_in(DEFAULT)[chunk]
    variants = [_ids_in(language)[chunk] for language in LANGUAGES]
    same = [variant for variant in variants if len(variant) == len(ours)]
    return tuple(tuple(sorted(set(group))) for group in zip(*same, strict=True))


def _parted(parts: Collection[str]) -> tuple[list[str], str]:
    """The chunks of all parts, and the one that stands between two: to look through a page once costs a third."""
    mark = _BREAK
    while (found := chunks(f"\n{mark}\n".join(parts))).count(mark) >= max(1, len(parts)):
        mark += "7"  # a part holds it
    return found, mark


def _language(found: list[str]) -> str:
    sample = found[:_SAMPLE]
    if "".join(sample).isascii():
        return language_of(sample)
    return language_of([unaccented(chunk) for chunk in sample])
