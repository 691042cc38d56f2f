"""The tokeniser of uncased BERT models (MiniLM's), in plain Python: text to token ids by WordPiece.

Ids are those of the `tokenizers` package under the same vocabulary, which the tests hold it against; that package
brings a model hub's client along, so the default install does without it. Two differences: the names of special tokens
("[SEP]", "[MASK]") inside a text are plain text here, since a document must not steer the model; and some 600
characters of rare scripts that Unicode gained or moved lately are classed by Python's newer tables.

Sources: Devlin et al., BERT (2019), `BasicTokenizer` and `WordpieceTokenizer` of its reference code; Wu et al.,
Google's Neural Machine Translation System (2016), section 4.1, for pieces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from importlib.resources.abc import Traversable

_LONGEST_WORD = 100  # characters; a longer word is one [UNK]
_CACHED_WORDS = 1 << 16
_CACHED_LENGTH = 40  # characters; longer chunks are mostly addresses and noise that never comes again
_ASCII = str.maketrans(dict.fromkeys((*range(32), 127)) | dict.fromkeys("\t\n\r", " "))
_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class _Cleaned(dict[int, str | None]):
    """`str.translate` table: no control characters, every white space a blank, blanks around ideographs."""

    def __missing__(self, code: int) -> str | None:
        self[code] = made = self._make(code)
        return made

    @staticmethod
    def _make(code: int) -> str | None:
        char = chr(code)
        if char in "\t\n\r":
            return " "
        if code in (0, 0xFFFD) or unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs"):
            return None
        if char.isspace():
            return " "
        if any(first <= code <= last for first, last in _CJK):
            return f" {char} "
        return char


class _Folded(dict[int, str | None]):
    """`str.translate` table for decomposed text: no nonspacing marks, lower case character by character."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        # not the whole string's `lower`: that one knows the final sigma, which the model never saw
        self[code] = made = None if unicodedata.category(char) == "Mn" else char.lower()
        return made


_CLEANED = _Cleaned()
_FOLDED = _Folded()


def normalised(text: str) -> str:
    """Clean, spaced around ideographs, without accents, in lower case: what words are cut from."""
    if text.isascii():
        return text.translate(_ASCII).lower()
    return unicodedata.normalize("NFD", text.translate(_CLEANED)).translate(_FOLDED)


def _punctuation(char: str) -> bool:
    if char.isascii():
        return char.isprintable() and not char.isalnum() and char != " "
    return unicodedata.category(char).startswith("P")


def _words(chunk: str) -> list[str]:
    """A chunk without white space as words: each punctuation character stands alone."""
    if chunk.isalnum():
        return [chunk]
    words, start = [], 0
    for at, char in enumerate(chunk):
        if _punctuation(char):
            if at > start:
                words.append(chunk[start:at])
            words.append(char)
            start = at + 1
    if start < len(chunk):
        words.append(chunk[start:])
    return words


def read_vocabulary(file: Traversable) -> dict[str, int]:
    """{token: id} of a vocabulary file: one token a line, the id is the line's number from 0."""
    lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return {token: number for number, token in enumerate(lines)}


class WordPiece:
    """Token ids of texts, `[CLS]` first and `[SEP]` last. Safe to use from several threads."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """Raises `KeyError` if the vocabulary lacks a special token."""
        self._cls, self._sep, self._unknown = (vocabulary[token] for token in ("[CLS]", "[SEP]", "[UNK]"))
        self._first = {token: number for token, number in vocabulary.items() if not token.startswith("##")}
        self._inner = {token[2:]: number for token, number in vocabulary.items() if token.startswith("##")}
        self._longest = max(map(len, vocabulary))
        self._cache: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """At most `max_tokens` ids (>= 2), the two special ones included; what is beyond is cut off."""
        ids, room = [self._cls], max_tokens - 1
        for chunk in normalised(text).split():
            ids += self._cache.get(chunk) or self._chunk(chunk)
            if len(ids) >= room:
                break
        return [*ids[:room], self._sep]

    def _chunk(self, chunk: str) -> tuple[int, ...]:
        ids = tuple(number for word in _words(chunk) for number in self._word(word))
        if len(chunk) <= _CACHED_LENGTH:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()  # as cheap as it gets; the common words are back within a page
            self._cache[chunk] = ids
        return ids

    def _word(self, word: str) -> list[int]:
        """The longest known piece from the left, then of the rest; `[UNK]` alone where no piece fits."""
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        ids: list[int] = []
        start, table = 0, self._first
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                number = table.get(word[start:end])
                if number is not None:
                    break
            else:
                return [self._unknown]
            ids.append(number)
            start, table = end, self._inner
        return ids
