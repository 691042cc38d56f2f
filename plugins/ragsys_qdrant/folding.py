"""What the embedded engine keeps by short numbers: keys of payloads, texts that recur in them, and term ids.

An engine keeps each payload as JSON of its own: without this, every passage repeats its document, its layer, its
section path and the names of its keys, more than all else that it holds. And it keeps a vector's term ids in the bits
of their widest gap: 27 and more between hashes of 32 bits, about 16 between numbers in order of appearance.

The texts lie in a file beside the shard (`texts.jsonl`, a JSON string a line), the term ids in another (`terms.u32`,
little-endian). What a number stands for is in its file before the engine gets a point with it, and durable before it.
"""

from __future__ import annotations

import json
import re
import string
import struct
import threading
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragsys.errors import StoreDamaged, StoreError
from ragsys.types import JSON, Sparse
from ragsys_qdrant.growing import Growing, explained

_DIGITS = string.digits + string.ascii_letters
_PATH = re.compile(r"([^.\[]*)(.*)", re.DOTALL)  # a key, and the way inside its value as the engine writes it
_NOBODY = ""  # no text has this number
_NOWHERE = "-"  # nor this one, which a key may have
TEXTS = "texts.jsonl"
TERMS = "terms.u32"


class Folding:
    """Payloads, conditions and terms as they are: what a store of the first format gives the engine."""

    def fold(self, payload: JSON) -> JSON:
        """A payload as the engine gets it."""
        return payload

    def unfold(self, payload: JSON) -> JSON:
        """The inverse of `fold`."""
        return payload

    def key(self, key: str, *, new: bool = False) -> str:
        """A key to ask for, or with `new` one that points will hold."""
        return key

    def known(self, keys: Iterable[str]) -> list[str]:
        """Keys to read, of those that a point may hold."""
        return list(keys)

    def value(self, key: str, value: str | int) -> str | int:
        """A key's value to ask for."""
        return value

    def terms(self, ids: list[int]) -> list[int]:
        """Term ids of an item as the engine gets them, in the same order."""
        return ids

    def asked(self, ids: list[int], weights: list[float]) -> tuple[list[int], list[float]]:
        """Term ids and weights of a query, of those terms that an item may hold."""
        return ids, weights

    def restored(self, vector: Sparse) -> Sparse:
        """The inverse of `terms`; ids ascend."""
        return vector

    def write(self) -> None:
        """To be called before the engine gets what was folded."""

    def sync(self) -> None:
        """To be called before the engine makes it durable."""

    def close(self) -> None:
        """Let go."""


class Folded(Folding):
    """Keys, the texts of `recurring` keys (also in lists there) and term ids by their numbers; thread-safe.

    `durable`: what is written is so at once, since the engine's log may outlive what was not flushed.
    """

    def __init__(self, folder: Path, recurring: Collection[str], *, durable: bool) -> None:
        self._recurring = frozenset(recurring)
        self._durable = durable
        self._texts = _Texts(folder / TEXTS)
        self._terms = _Terms(folder / TERMS)

    @classmethod
    def create(cls, folder: Path, recurring: Collection[str], *, durable: bool) -> Folded:
        """With no number given yet, whatever is there."""
        for name in (TEXTS, TERMS):
            with explained(folder / name):
                (folder / name).write_bytes(b"")
        return cls(folder, recurring, durable=durable)

    def fold(self, payload: JSON) -> JSON:
        """A payload by numbers."""
        number, numbers = self._texts.number, self._texts.numbers
        folded: JSON = {}
        for key, value in payload.items():
            if key in self._recurring:
                value = (numbers.get(value) or number(value)) if isinstance(value, str) else _each(number, value)
            folded[numbers.get(key) or number(key)] = value
        return folded

    def unfold(self, payload: JSON) -> JSON:
        """The payload of a folded one. Raises `StoreError` where the file lacks a text."""
        named = self._texts.named
        found: JSON = {}
        try:
            for token, value in payload.items():
                key = named[token]
                found[key] = _each(named.__getitem__, value) if key in self._recurring else value
        except KeyError as error:
            raise _lacking(self._texts.path) from error
        return found

    def key(self, key: str, *, new: bool = False) -> str:
        """A key by its number, with the way inside its value if there is one; a key without a number by what no point
        holds, unless it is `new`."""
        name, inside = _split(key)
        if new:
            self._texts.number(name)
            self.write()
        return self._texts.numbers.get(name, _NOWHERE) + inside

    def known(self, keys: Iterable[str]) -> list[str]:
        """The keys that have a number, by it: no point holds another."""
        parts = [_split(key) for key in keys]
        return [token + inside for name, inside in parts if (token := self._texts.numbers.get(name)) is not None]

    def value(self, key: str, value: str | int) -> str | int:
        """A value by its number where the key's texts have one; what matches no point for a text that none holds."""
        if isinstance(value, str) and _split(key)[0] in self._recurring:
            return self._texts.numbers.get(value, _NOBODY)
        return value

    def terms(self, ids: list[int]) -> list[int]:
        """Term ids by their numbers."""
        try:
            return list(map(self._terms.numbers.__getitem__, ids))
        except KeyError:
            return self._terms.added(ids)

    def asked(self, ids: list[int], weights: list[float]) -> tuple[list[int], list[float]]:
        """Those terms that have a number, by it: no item holds another."""
        numbers = self._terms.numbers
        kept = [(numbers[name], weight) for name, weight in zip(ids, weights, strict=True) if name in numbers]
        return [number for number, _ in kept], [weight for _, weight in kept]

    def restored(self, vector: Sparse) -> Sparse:
        """A vector by term ids, which ascend. Raises `StoreError` where the file lacks one."""
        ids = self._terms.ids(vector.indices.tolist())
        order = np.argsort(ids)
        return Sparse(ids[order], vector.values[order])

    def write(self) -> None:
        """Return when what every number stands for is in the files."""
        self._texts.write()
        self._terms.write()
        if self._durable:
            self.sync()

    def sync(self) -> None:
        """Return when what is in the files is durable."""
        self._texts.sync()
        self._terms.sync()

    def close(self) -> None:
        """Let the files go."""
        self._texts.close()
        self._terms.close()


class _Texts(Growing):
    """Texts; the number of a line, in letters and digits, stands for its text."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda held: held.rfind(b"\n") + 1)
        with explained(path):
            texts = [json.loads(line) for line in self.held.split(b"\n")[:-1]]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("a line is no text")
        self._numbering = threading.Lock()
        self.numbers: dict[str, str] = {text: _number(n) for n, text in enumerate(texts)}
        self.named: dict[str, str] = {token: text for text, token in self.numbers.items()}

    def number(self, text: str) -> str:
        """The number of a text; a new one is not in the file before `write`."""
        token = self.numbers.get(text)
        if token is None:
            try:
                line = json.dumps(text, ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError as error:
                raise StoreError(f"not a text in UTF-8: {error}") from error
            with self._numbering:
                token = self.numbers.get(text)
                if token is None:
                    token = _number(len(self.numbers))
                    self.add(line + b"\n")
                    self.named[token] = text
                    self.numbers[text] = token
        return token


class _Terms(Growing):
    """Term ids of 32 bits; the number of an entry stands for its id."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda held: len(held) // 4 * 4)
        self._ids = array("Q", struct.unpack(f"<{len(self.held) // 4}I", self.held))
        self._numbering = threading.Lock()
        self.numbers: dict[int, int] = {name: number for number, name in enumerate(self._ids)}

    def added(self, ids: Iterable[int]) -> list[int]:
        """The numbers of these ids; new ones are not in the file before `write`."""
        with self._numbering:
            for name in ids:
                if name not in self.numbers:
                    self.add(struct.pack("<I", name))
                    self._ids.append(name)
                    self.numbers[name] = len(self._ids) - 1
            return [self.numbers[name] for name in ids]

    def ids(self, numbers: Sequence[int]) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """(n,) The ids of these numbers."""
        held = self._ids
        try:
            return np.array([held[number] for number in numbers], np.uint32)
        except IndexError as error:
            raise _lacking(self.path) from error


def _lacking(path: Path) -> StoreDamaged:
    return StoreDamaged(f"store {path.parent}", [path.name], "a file lacks what the store refers to")


def _each(change: Callable[[str], str], value: Any) -> Any:
    """A text, or the texts of a list, changed; anything else as it is."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [change(item) if isinstance(item, str) else item for item in value]
    return value


def _split(key: str) -> tuple[str, str]:
    found = _PATH.match(key)
    return (found[1], found[2]) if found else (key, "")


def _number(n: int) -> str:
    """0 -> "0", 61 -> "Z", 62 -> "10"."""
    token = ""
    while True:
        n, digit = divmod(n, len(_DIGITS))
        token = _DIGITS[digit] + token
        if not n:
            return token
