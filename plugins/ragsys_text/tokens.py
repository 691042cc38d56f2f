"""Text into terms: words by script, numbers in one form, compounds whole and in parts, stemmed by language."""

from __future__ import annotations

import re
import unicodedata
import zlib

import Stemmer

from ragsys_text.languages import FUNCTION_WORDS, LANGUAGES

# \w knows no combining marks: without these ranges Thai, Hindi or vocalised Arabic words would fall apart
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0e00-\u0fff"
    "\u1000-\u109f\u1780-\u17d3"
)
_CHUNK = re.compile(rf"[\w{_MARKS}]+(?:[-'’.,/&+][\w{_MARKS}]+)*")
_ASCII_CHUNK = re.compile(r"[a-z0-9]+(?:[-'.,/&+][a-z0-9]+)*")
_PART = re.compile(rf"[\w{_MARKS}]+")
_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WITHOUT_SPACES = re.compile(rf"[{_DENSE}]+")  # Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer
_ALPHA_DIGIT = re.compile(r"\d+|[^\W\d_]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+")
_DECIMAL = re.compile(r"\d+[.,]\d+")
# what typesetters put where ASCII has a sign of the same effect: they only part words, and an apostrophe joins them
_TYPOGRAPHIC = (("’", "'"), *((char, " ") for char in "“”–—•●■▪►…·®©"))
_LONGEST = 64  # characters of a term: longer ones are data, not words


def chunks(text: str) -> list[str]:
    """The folded chunks of a text: letters and digits with single joints between them ("covid-19", "1,577.00")."""
    if text.isascii():
        return _ASCII_CHUNK.findall(text.lower())
    for char, plain in _TYPOGRAPHIC:
        text = text.replace(char, plain)
    if text.isascii():
        return _ASCII_CHUNK.findall(text.lower())
    # no chunk runs across white space: what is ASCII is read by the expression that costs a fifth
    words = text.split()
    other = [n for n, word in enumerate(words) if not word.isascii()]
    if len(other) > len(words) // 4:
        return _folded_chunks(text)
    found: list[str] = []
    at = 0
    for n in other:
        if n > at:
            found += _ASCII_CHUNK.findall(" ".join(words[at:n]).lower())
        found += _folded_chunks(words[n])
        at = n + 1
    return found + _ASCII_CHUNK.findall(" ".join(words[at:]).lower())


def _folded_chunks(text: str) -> list[str]:
    # an underscore is a word character to `re` and none here
    return _CHUNK.findall(unicodedata.normalize("NFKC", text).casefold().replace("_", " "))


def number(chunk: str) -> str | None:
    """The one form of a written number ("1,577.00", "1.577,00" and "1577" meet in "1577"); None if it is no number."""
    if chunk.isdecimal():
        return chunk.lstrip("0") or "0"
    if not chunk[:1].isdecimal():
        return None
    if _THOUSANDS.fullmatch(chunk):
        plain = chunk.replace(",", "")
    elif _EUROPEAN.fullmatch(chunk):
        plain = chunk.replace(".", "").replace(",", ".")
    elif _DECIMAL.fullmatch(chunk):
        plain = chunk.replace(",", ".")
    else:
        return None
    whole, _, decimals = plain.partition(".")
    decimals = decimals.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{decimals}" if decimals else whole


def term_id(term: str) -> int:
    """The CRC-32 of a term. Two of 100,000 terms share one now and then, which BM25 does not notice."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


def unaccented(text: str) -> str:
    """Without combining marks on Latin, Greek and Cyrillic letters, Hebrew points and Arabic vowels."""
    if text.isascii():
        return text
    kept = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", kept).replace("\u0640", "").replace("ß", "ss")


class Terms(dict[str, tuple[str, ...]]):
    """{folded chunk: its terms} in one language, filled as it is asked: a page's words mostly came before.

    A function word has no terms, a compound several.
    """

    def __init__(self, language: str, size: int = 200_000) -> None:
        """`size`: chunks that are remembered; all are forgotten when there are more."""
        super().__init__()
        self._stem = Stemmer.Stemmer(language).stemWord if language in LANGUAGES else str
        self._stop = FUNCTION_WORDS.get(language, frozenset())
        self._size = size

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        if len(self) >= self._size:
            self.clear()
        found = self[chunk] = tuple(dict.fromkeys(t[:_LONGEST] for t in self._terms(chunk) if t))
        return found

    def _terms(self, chunk: str) -> list[str]:
        if chunk.isascii() and chunk.isalpha():  # most are: a tenth of the time of what follows
            return [] if chunk in self._stop else [self._stem(chunk)]
        if (value := number(chunk)) is not None:
            return [value]
        if _WITHOUT_SPACES.search(chunk):
            return self._bigrams(chunk)
        parts = _PART.findall(chunk)
        if len(parts) == 1:
            return self._word(chunk)
        if parts[-1] in ("s", "t", "ll", "re", "ve", "d", "m") and ("'" in chunk or "’" in chunk):
            return self._terms(chunk[: -len(parts[-1]) - 1])  # the company's, don't
        # "covid-19" is found as a whole ("covid19") and by its parts
        whole = "".join(parts)
        inner = [term for part in parts if len(part) > 1 or part.isdigit() for term in self._terms(part)]
        return [unaccented(whole), *inner]

    def _word(self, word: str) -> list[str]:
        if unaccented(word) in self._stop:
            return []
        pieces = _ALPHA_DIGIT.findall(word)
        if len(pieces) > 1:  # fy2018, q3, h200: the whole, and the parts that can stand alone
            return [unaccented(word), *(term for p in pieces if len(p) > 1 for term in (self._terms(p)))]
        return [unaccented(self._stem(word))]

    def _bigrams(self, chunk: str) -> list[str]:
        found: list[str] = []
        at = 0
        for run in _WITHOUT_SPACES.finditer(chunk):
            found += [term for part in _PART.findall(chunk[at : run.start()]) for term in self._word(part)]
            text = run[0]
            found += [text[n : n + 2] for n in range(len(text) - 1)] or [text]
            at = run.end()
        return found + [term for part in _PART.findall(chunk[at:]) for term in self._word(part)]
