"""Numbers in messages, with the words that go with them."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """ "1 page", "2 pages", "3 queries"; grouped by thousands."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"


def verb(count: int, one: str = "is", many: str = "are") -> str:
    """ "is" of one, "are" of several: the word that goes with a count."""
    return one if count == 1 else many


def part(some: int, count: int, noun: str, one: str = "is", many: str = "are") -> str:
    """ "1 of 3 pages is", "2 of 3 pages are"."""
    return f"{some:,} of {counted(count, noun)} {verb(some, one, many)}"


def unbroken(text: str) -> str:
    """`text` with each line feed as `\\n`: a file's name may hold one, and must not look like another line."""
    return text.replace("\n", "\\n")
