"""More questions for training: from documents' own tables, and from answers whose numbers tell the page.

Both kinds carry noise: they teach what a page with an answer looks like, and are never part of a reported figure.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import ragsys
from ragsys.types import BlockKind, Page, Span

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_WORDY = re.compile(r"[A-Za-z][a-z]{2,}")
_KIND = re.compile(r"10k|10q|8k|q[1-4]|fy|annual|report|earnings|form|\d{1,2}", re.IGNORECASE)
_FORMS = (
    "What was {label} in {column}, according to {name}?",
    "{name}: what is the {label} for {column}?",
    "What is {label} of {name}?",
    "What is the {year} {label} of {who}? Answer from the details in {section}.",
    "How much {label} did {who} report for {year}?",
    "Looking at {section}, what was {who}'s {label} in {year}?",
    "What is {who}'s {label} for FY{year}?",
)
_LONGEST = 80  # characters of a row's label


def document_pages(library: ragsys.Library, paths: Iterable[str]) -> dict[str, list[Page]]:
    """{path: its pages in order}."""
    found: dict[str, list[Page]] = {}
    wanted = set(paths)
    for document in library.documents():
        for path in wanted & set(document.paths):
            spans = [Span(document.id, n, n) for n in range(1, document.pages + 1)]
            pages = library.searcher.index.content(spans)
            found[path] = [pages[span] for span in spans if span in pages]
    return found


def told_by_numbers(rows: Iterable[Mapping[str, Any]], pages: Mapping[str, list[Page]]) -> list[dict[str, Any]]:
    """Questions with gold documents and no gold pages: the pages that hold most of the answer's numbers.

    A question is used if two numbers of three digits or more meet on a page, or one of five or more, on at most three
    pages of each document.
    """
    made = []
    for row in rows:
        numbers = {n.strip(",.") for n in _NUMBER.findall(str(row["answer"])) if not _YEAR.fullmatch(n)}
        numbers = {n for n in numbers if len(re.sub(r"\D", "", n)) >= 3}
        gold = []
        for doc in row["doc_ids"]:
            held = {page.number: {n for n in numbers if n in page.text} for page in pages.get(doc, ())}
            best = max(map(len, held.values()), default=0)
            top = [number for number, found in held.items() if len(found) == best]
            long = best == 1 and any(len(re.sub(r"\D", "", n)) >= 5 for number in top for n in held[number])
            if (best >= 2 or long) and len(top) <= 3:
                gold += [{"doc": doc, "page": number} for number in top]
        if gold:
            made.append({**row, "gold_pages": gold})
    return made


def from_tables(pages: Mapping[str, list[Page]], each: int, seed: int) -> list[dict[str, Any]]:
    """`each` questions a document at most, asked of a row of a table; gold: pages with the row's label and number."""
    made = []
    for doc in sorted(pages):
        chance = random.Random(f"{seed}/{doc}")
        rows = list(_rows(pages[doc]))
        chance.shuffle(rows)
        words = re.split(r"[\W_]+", PurePosixPath(doc).stem)
        name = " ".join(words)
        year = next((word for word in words if _YEAR.fullmatch(word)), "")
        who = " ".join(word for word in words if not _YEAR.fullmatch(word) and not _KIND.fullmatch(word)) or name
        taken: set[str] = set()
        for label, column, value, section in rows:
            if len(taken) >= each:
                break
            gold = [page.number for page in pages[doc] if value in page.text and label in page.text]
            if label in taken or not 1 <= len(gold) <= 2:
                continue
            taken.add(label)
            known = {
                "label": label.lower(),
                "column": column,
                "section": section,
                "name": name,
                "year": year,
                "who": who,
            }
            fitting = [form for form in _FORMS if all(known[key] for key in re.findall(r"{(\w+)}", form))]
            made.append(
                {
                    "id": f"table/{doc}/{len(taken)}",
                    "question": chance.choice(fitting).format(**known),
                    "answer": value,
                    "doc_ids": [doc],
                    "gold_pages": [{"doc": doc, "page": number} for number in gold],
                    "source": "tables",
                }
            )
    return made


def _rows(pages: Iterable[Page]) -> Iterator[tuple[str, str, str, str]]:
    """(label, column's header, number, title above) of table rows that can be asked for."""
    for page in pages:
        section = ""
        for block in page.blocks:
            if block.kind in (BlockKind.TITLE, BlockKind.CAPTION) and len(_WORDY.findall(block.text)) >= 2:
                section = " ".join(block.text.split()).lower() if len(block.text) < _LONGEST else ""
            if block.kind is not BlockKind.TABLE or len(block.cells) < 3:
                continue
            head = block.cells[0]
            for row in block.cells[1:]:
                label = row[0].strip(" :.\n") if row else ""
                if not 5 <= len(label) <= _LONGEST or len(_WORDY.findall(label)) < 2 or "\n" in label:
                    continue
                for n, cell in enumerate(row[1:], 1):
                    match = _NUMBER.search(cell)
                    if match and len(re.sub(r"\D", "", match[0])) >= 3 and not _YEAR.fullmatch(match[0]):
                        column = " ".join(head[n].split()) if n < len(head) else ""
                        yield label, column if len(column) < 40 else "", match[0], section
                        break
