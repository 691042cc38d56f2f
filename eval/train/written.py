"""More questions for training, made from the prose, the captions and the statements of openly licensed documents.

Prose becomes a question by cloze translation: a sentence loses its answer and some of its words (Lewis, Denoyer, Riedel
2019, "Unsupervised question answering by cloze translation"). Captions are asked for by their number or their words.
Measures of a company are asked for by the names that people use; gold is the primary statement that holds their rows.
Like all questions made here they carry noise, train only, and are never part of a reported figure.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ragsys.types import BlockKind, Page

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_NUMBER = re.compile(r"^[$€£]?\d[\d,.]*%?$")
_NAME = re.compile(r"^[A-Z][a-z]{2,}$")
_SMALL = frozenset(
    """a an the of in on at to for from by with and or as is are was were be been has have had that which this these
    those it its we our their his her they he she not but than then also may such other more most into over
    under""".split()  # noqa: SIM905
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_KIND = re.compile(r"10k|10q|8k|q[1-4]|fy|annual|report|earnings|form|docugami|dated|pdf|\d{1,2}", re.IGNORECASE)
_KEPT = 0.6  # share of a sentence's words that stay in its question
_HINTED = 0.35  # share of questions that say which document they mean


def names_of(path: str) -> tuple[str, str]:
    """(who, year) that a file's name tells, as far as it does."""
    words = re.findall(r"[A-Za-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", PurePosixPath(path).stem))
    year = next((word for word in words if _YEAR.fullmatch(word)), "")
    who = " ".join(word for word in words if not _YEAR.fullmatch(word) and not _KIND.fullmatch(word) and len(word) > 1)
    return who.title(), year


def _row(kind: str, doc: str, number: int, question: str, answer: str, gold: Sequence[int]) -> dict[str, Any]:
    return {
        "id": f"{kind}/{doc}/{number}",
        "question": question,
        "answer": answer,
        "doc_ids": [doc],
        "gold_pages": [{"doc": doc, "page": page} for page in gold],
        "source": kind,
    }


# -- prose --------------------------------------------------------------


def from_prose(pages: Mapping[str, list[Page]], each: int, seed: int) -> list[dict[str, Any]]:
    """`each` questions a document at most, of sentences that stand on one page of all."""
    held: dict[str, list[tuple[int, str]]] = {}
    seen: Counter[str] = Counter()
    for doc in sorted(pages):
        held[doc] = [(page.number, sentence) for page in pages[doc] for sentence in _sentences(page)]
        seen.update({sentence for _, sentence in held[doc]})
    made = []
    for doc in sorted(pages):
        chance = random.Random(f"{seed}/prose/{doc}")
        chosen = [pair for pair in held[doc] if seen[pair[1]] == 1]
        chance.shuffle(chosen)
        used: Counter[int] = Counter()
        count = 0
        for number, sentence in chosen:
            if count >= each:
                break
            asked = _cloze(sentence, chance) if used[number] < 2 else None
            if asked is None:
                continue
            used[number] += 1
            count += 1
            question, answer = asked
            who, _ = names_of(doc)
            if who and chance.random() < _HINTED:
                question = chance.choice(("{w}: {q}", "According to {w}, {q}", "{q} ({w})")).format(w=who, q=question)
            made.append(_row("prose", doc, count, question, answer, [number]))
    return made


def _sentences(page: Page) -> Iterator[str]:
    for block in page.blocks:
        if block.kind in (BlockKind.TEXT, BlockKind.LIST):
            for sentence in _SENTENCE.split(" ".join(block.text.split())):
                if 8 <= len(sentence.split()) <= 40 and sentence.endswith("."):
                    yield sentence


def _cloze(sentence: str, chance: random.Random) -> tuple[str, str] | None:
    """(question, answer): the answer is a number, a name or the sentence's last words."""
    words = [word.strip(".,;:()\"'“”") for word in sentence.split()]
    numbers = [n for n, word in enumerate(words) if _NUMBER.match(word)]
    names = [n for n, word in enumerate(words) if n and _NAME.match(word)]
    if numbers and chance.random() < 0.5:
        first = last = chance.choice(numbers)
        opening = "When" if _YEAR.fullmatch(words[first]) else chance.choice(("How much", "How many", "What number"))
    elif names and chance.random() < 0.6:
        first = last = chance.choice(names)
        while last + 1 < len(words) and _NAME.match(words[last + 1]):
            last += 1
        opening = chance.choice(("Who", "Which", "What", "Where"))
    else:
        first, last = len(words) - chance.randint(1, 4), len(words) - 1
        opening = chance.choice(("What", "How", "Why", "What", "Which"))
    left = [word for n, word in enumerate(words) if not first <= n <= last]
    kept = [word for word in left if word.lower() in _SMALL or chance.random() < _KEPT]
    if len([word for word in kept if word.lower() not in _SMALL]) < 3:
        return None
    return f"{opening} {' '.join(kept)}?", " ".join(words[first : last + 1])


# -- captions --------------------------------------------------------------

_CAPTION = re.compile(r"^(table|figure|fig\.?|chart|exhibit)\s*(\d+)\s*[:.\-–]?\s*(.*)$", re.IGNORECASE | re.DOTALL)
_SHOWN = (
    "What does {kind} {n} show about {words}?",
    "In {kind} {n}, what is the value for {words}?",
    "Which {kind} shows {words}?",
    "According to the {kind} on {words}, which is the highest?",
    "How many {words} does the {kind} show?",
)


def from_captions(pages: Mapping[str, list[Page]], each: int, seed: int) -> list[dict[str, Any]]:
    """`each` questions a document at most, of its numbered tables and figures."""
    made = []
    for doc in sorted(pages):
        chance = random.Random(f"{seed}/captions/{doc}")
        found = [
            (page.number, match)
            for page in pages[doc]
            for block in page.blocks
            if block.kind in (BlockKind.CAPTION, BlockKind.TITLE) and (match := _CAPTION.match(block.text))
        ]
        chance.shuffle(found)
        for count, (number, match) in enumerate(found[:each], 1):
            words = [word for word in match[3].split()[:25] if word.lower() in _SMALL or chance.random() < _KEPT][:10]
            if len(words) < 3:
                continue
            kind = "figure" if match[1].lower().startswith("fig") else match[1].lower()
            question = chance.choice(_SHOWN).format(kind=kind, n=match[2], words=" ".join(words).strip(" .,:;"))
            made.append(_row("captions", doc, count, question, "", [number]))
    return made


# -- statements --------------------------------------------------------------

_TITLES = {
    "income": re.compile(
        r"statements? of (consolidated )?(income|operations|earnings)|income statements?", re.IGNORECASE
    ),
    "balance": re.compile(r"balance shee|statements? of financial position", re.IGNORECASE),
    "cash": re.compile(r"statements? of (consolidated )?cash flow|cash flows? statement", re.IGNORECASE),
}
_ROWS = {
    "income": re.compile(r"\|\s*(net|consolidated net|total)?\s*(income|earnings|loss)", re.IGNORECASE),
    "balance": re.compile(r"\|\s*total assets", re.IGNORECASE),
    "cash": re.compile(r"financing activities", re.IGNORECASE),
}
_CALLED = {
    "income": (
        "income statement",
        "P&L",
        "statement of income",
        "statement of operations",
        "profit and loss statement",
    ),
    "balance": ("balance sheet", "statement of financial position"),
    "cash": ("cash flow statement", "statement of cash flows"),
}
_MEASURES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("income",): (
        "revenue", "total net sales", "gross margin", "gross profit", "operating margin", "operating income",
        "net income", "net profit margin", "effective tax rate", "earnings per share", "cost of goods sold", "COGS",
        "SG&A expense", "R&D spending", "revenue growth", "top line",
    ),
    ("balance",): (
        "total assets", "current ratio", "quick ratio", "working capital", "inventories", "net PP&E", "fixed assets",
        "accounts receivable", "accounts payable", "total current liabilities", "long-term debt", "leverage",
        "shareholders' equity", "largest liability", "liquidity", "cash and cash equivalents",
    ),
    ("cash",): (
        "capital expenditures", "capex", "free cash flow", "D&A", "dividends paid", "share repurchases",
        "cash from operating activities", "cash used in financing activities", "capital intensity",
    ),
    ("income", "balance"): (
        "return on assets", "ROA", "asset turnover", "inventory turnover", "days payable outstanding", "DSO",
        "days of inventory", "cash conversion cycle", "return on equity", "fixed asset turnover",
    ),
    ("income", "cash"): ("EBITDA", "EBITDA margin", "dividend payout ratio", "capex as a share of revenue"),
}  # fmt: skip
_ASKED = (
    "How high was the {measure} of {who} in {year}?",
    "Has {who}'s {measure} become better in fiscal {year}?",
    "{who} {measure} {year}",
    "Work out the {measure} of {who} for FY{year}, from the {called}.",
    "Is the {measure} of {who} sound, by its {year} figures?",
    "By how much did {measure} change at {who} between {before} and {year}?",
    "From the {called}: {measure} of {who}, year {year}?",
    "Compare {who}'s {measure} in {year} with the year before.",
)


def from_statements(pages: Mapping[str, list[Page]], each: int, seed: int) -> list[dict[str, Any]]:
    """`each` questions at most a document that has the three primary statements, each on one page or two."""
    made = []
    for doc in sorted(pages):
        chance = random.Random(f"{seed}/statements/{doc}")
        who, year = names_of(doc)
        held = {kind: [page.number for page in pages[doc] if _is_statement(page, kind)] for kind in _TITLES}
        if not year or not all(1 <= len(numbers) <= 2 for numbers in held.values()):
            continue
        every = [(kinds, measure) for kinds, measures in _MEASURES.items() for measure in measures]
        chance.shuffle(every)
        for count, (kinds, measure) in enumerate(every[:each], 1):
            called = " and the ".join(chance.choice(_CALLED[kind]) for kind in kinds)
            known = {"measure": measure, "who": who, "year": year, "before": int(year) - 1, "called": called}
            gold = sorted({number for kind in kinds for number in held[kind]})
            made.append(_row("statements", doc, count, chance.choice(_ASKED).format(**known), "", gold))
    return made


def _is_statement(page: Page, kind: str) -> bool:
    """Whether a primary statement is on a page: its title near the top, and a large table with its rows."""
    titled = any(
        block.kind in (BlockKind.TITLE, BlockKind.HEADER, BlockKind.CAPTION, BlockKind.TEXT)
        and block.bbox.y0 < 0.25
        and len(block.text) < 200
        and _TITLES[kind].search(block.text)
        for block in page.blocks
    )
    return titled and any(
        block.kind is BlockKind.TABLE and block.bbox.area > 0.12 and _ROWS[kind].search(block.text)
        for block in page.blocks
    )
