"""From a draft's marks to proved citations: located, quoted, supported. What a model says of its sources is no proof.

located     the mark's evidence and block exist: they give boxes
quoted      the quote aligns with the block's words: they give the boxes of its lines
supported   the rules of `agreement` find no fact of the sentence that the quoted sentence or row does not hold, or a
            judge says that it is supported

A mark without a quote can reach "supported" too: the sentence of its block that says everything is then its quote.
Where a mark names a page without a block, or no mark of a sentence resolves, the sentence is held against the blocks
that share most words with it, by the same rules; such a citation says that we found its place (`found`). A sentence
that leans on another ("It opened in 1987") is never proved so: many blocks could be meant.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragsys import sentences
from ragsys.agreement import Setting, prose_problems, row_problems
from ragsys.answers import Citation, Statement
from ragsys.claims import facts, fold, stem
from ragsys.grids import Grid
from ragsys.protocols import Judge
from ragsys.quotes import Stretch, align, block_of
from ragsys.replying.marks import WHOLE_PAGE
from ragsys.types import Block, BlockKind, Draft, Evidence, Level, Mark, Sentence

#: A judge's least certainty.
JUDGED = 0.5
_RANK = {Level.NONE: 0, Level.LOCATED: 1, Level.QUOTED: 2, Level.SUPPORTED: 3}
_EMPTY = "it says nothing that could be proved"
_VAGUE = "which place it speaks of is not said"
_PARTS = re.compile(r";\s+|,?\s+(?:and|while|but|whereas)\s+")
#: Characters of a sentence that is held against its sources; a longer one is no sentence.
LONGEST = 1500
_TRIED = 6  # blocks that a sentence without a place is held against
_SHARED = 0.5  # least share of its words that such a block holds, where it names no page either
_DENIES = re.compile(r"\b(?:not|no|never|none|without|neither|nor)\b|n't\b", re.I)
# what a page tells its reader to do or to say is no statement of its own
_TOLD = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,60}"
    r"\b(?:instructions?|prompts?|rules?|guidelines|questions?|above)\b"
    r"|\b(?:you (?:must|should|shall|will|are to)|please|always|only|now)\s+"
    r"(?:say|answer|reply|respond|state|claim|output)\b"
    r"|\b(?:say|answer|reply|respond|claim|pretend|output)\s+(?:that|with|as if)\b[^.]*\b(?:instead|only)\b",
    re.I,
)
_LEANS = re.compile(
    r"\W*(?:it|its|they|their|them|he|she|his|her|this|these|that|those|there|such|both|same|we|our|so|yes|no|also"
    r"|however|therefore|thus|in addition"
    r"|the (?:former|latter|company|group|firm|authors?|same|others?))\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Proof:
    """An answer's sentences after their proof, and the citations they name."""

    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A mark that was resolved: its block, the quoted stretch, and what of the sentence does not hold there."""

    evidence: Evidence
    block: Block
    stretch: Stretch | None
    level: Level
    problems: tuple[str, ...]
    found: bool = False  # the place was found by us: no mark named it


def prove(draft: Draft, judge: Judge | None = None) -> Proof:
    """Prove every sentence. Citations are numbered as they are first named; equal ones are one."""
    pages = {one.number: one for one in draft.evidence}
    numbers: dict[tuple[int, int, Stretch | None, Level, bool], int] = {}
    citations: list[Citation] = []
    statements = []
    for sentence in draft.sentences:
        sources, missing = _sources(sentence, pages, judge)
        named = []
        for source in sorted(sources, key=lambda one: -_RANK[one.level]):
            key = (source.evidence.number, source.block.ordinal, source.stretch, source.level, source.found)
            if key not in numbers:
                numbers[key] = len(citations) + 1
                citations.append(_citation(numbers[key], source))
            named.append(numbers[key])
        statements.append(_statement(sentence, sources, missing, tuple(dict.fromkeys(named))))
    return Proof(tuple(statements), tuple(citations))


def _statement(
    sentence: Sentence, sources: Sequence[_Source], missing: Sequence[str], named: tuple[int, ...]
) -> Statement:
    best = max(sources, key=lambda one: _RANK[one.level], default=None)
    if best is None:
        return Statement(sentence.text, (), Level.NONE, tuple(missing) or ("it cites nothing",))
    problems = () if best.level is Level.SUPPORTED else best.problems
    return Statement(sentence.text, named, best.level, (*problems, *missing))


def _sources(sentence: Sentence, pages: dict[int, Evidence], judge: Judge | None) -> tuple[list[_Source], list[str]]:
    found: list[_Source] = []
    missing = []
    for mark in dict.fromkeys(sentence.marks):
        evidence = pages.get(mark.evidence)
        block = block_of(evidence, mark.block) if evidence else None
        if evidence is not None and mark.block == WHOLE_PAGE:
            placed = _placed(sentence.text, mark.quote, [evidence], 0.0)
            found += placed
            missing += [] if placed else [f"nothing on page {mark.evidence} that it cites is like it"]
        elif evidence is None or block is None:
            name = f"{mark.evidence}.{mark.block}" if mark.block != WHOLE_PAGE else str(mark.evidence)
            missing.append(f"its source {name} does not exist")
        elif len(sentence.text) > LONGEST:
            found.append(_Source(evidence, block, None, Level.LOCATED, ("it is too long to be proved",)))
        else:
            found.append(_prove(sentence.text, mark, evidence, block))
    if not found:
        found = [one for one in _placed(sentence.text, "", pages.values(), _SHARED) if one.level is Level.SUPPORTED]
    if found and not any(one.level is Level.SUPPORTED for one in found):
        found = _together(sentence.text, found)
    if found and judge is not None and not any(one.level is Level.SUPPORTED for one in found):
        sure = judge.supports(sentence.text, [one.block.text for one in found])
        if sure >= JUDGED:
            found = [replace(one, level=Level.SUPPORTED) if one.level is Level.QUOTED else one for one in found]
    return found, missing


def _placed(claim: str, quote: str, pages: Iterable[Evidence], least: float) -> list[_Source]:
    """Where a sentence that names no block stands: the block that leaves the fewest problems; none if none is like it.

    `least` is the share of the sentence's words that a block must hold to be tried, 0..1.
    """
    wanted = _telling(claim)
    if not wanted or len(claim) > LONGEST:
        return []
    around: list[tuple[float, int, Evidence, Block]] = []
    for page in pages:
        for block in page.page.blocks:
            quoted = bool(quote) and align(quote, block.text) is not None
            share = len(wanted & _telling(block.text)) / len(wanted)
            if quoted or (share > 0 and share >= least):
                around.append((-share - quoted, len(around), page, block))
    best: _Source | None = None
    for _, _, page, block in sorted(around, key=lambda one: one[:2])[:_TRIED]:
        one = replace(_prove(claim, Mark(page.number, block.ordinal, quote), page, block), found=True)
        if best is None or (-_RANK[one.level], len(one.problems)) < (-_RANK[best.level], len(best.problems)):
            best = one
    if best is None:
        return []
    said = facts(claim)
    vague = _LEANS.match(claim) or len(wanted) < 3 or not (said.quantities or said.years or said.dates or said.names)
    if vague and not (best.stretch and quote):
        best = replace(best, level=Level.LOCATED, problems=(*best.problems, _VAGUE))
    return [best]


@functools.lru_cache(maxsize=4096)
def _telling(text: str) -> frozenset[str]:
    """Stems of the words and numbers of a text that say something."""
    return frozenset(stem(word) for word in re.findall(r"[^\W\d_]{4,}|\d+", fold(text).lower()))


def _prove(claim: str, mark: Mark, evidence: Evidence, block: Block) -> _Source:
    stretch: Stretch | None = None
    if mark.quote.strip():
        stretch = align(mark.quote, block.text)
        if stretch is None:  # the right words with the wrong id: they stand where they stand
            others = [(other, align(mark.quote, other.text)) for other in evidence.page.blocks if other is not block]
            places = [(other, place) for other, place in others if place is not None]
            if len(places) != 1:
                return _Source(evidence, block, None, Level.LOCATED, ("its quote does not stand there",))
            block, stretch = places[0]
    if not _says(claim):
        return _Source(evidence, block, stretch, Level.QUOTED if stretch else Level.LOCATED, (_EMPTY,))
    best: tuple[Stretch, list[str]] | None = None
    for window, problems in _windows(claim, evidence, block, stretch):
        if best is None or len(problems) < len(best[1]):
            best = window, problems
        if not problems:
            break
    if best is not None and not best[1]:
        return _Source(evidence, block, stretch or best[0], Level.SUPPORTED, ())
    level = Level.QUOTED if stretch else Level.LOCATED
    return _Source(evidence, block, stretch, level, tuple(best[1]) if best else ("there is no text there",))


def _says(claim: str) -> bool:
    """Whether there is anything in a sentence that could be held against a page."""
    said = facts(claim)
    return bool(said.quantities or said.years or said.dates or said.names or said.words or said.lead)


def _windows(
    claim: str, evidence: Evidence, block: Block, stretch: Stretch | None
) -> Iterable[tuple[Stretch, list[str]]]:
    """The sentences or rows that the stretch touches (all without one), with what of the claim each does not hold."""
    around = surroundings(evidence, block)
    if block.kind is BlockKind.TABLE and block.cells:
        grid = Grid(block.cells, head_rows(block.cells))
        for row, place in enumerate(row_stretches(block)):
            if row >= grid.heads and _touches(place, stretch):
                yield place, row_problems(claim, grid, row, Setting(around))
        return
    parts = _lines(block.text) if block.kind is BlockKind.FIGURE else sentences.split(block.text)
    touched = [n for n, part in enumerate(parts) if _touches(Stretch(*part), stretch)]
    for n in touched:
        said = block.text[parts[n].start : parts[n].end]
        if _TOLD.search(said) and not _TOLD.search(claim):
            yield Stretch(*parts[n]), ["it is told to the reader there, not stated"]
            continue
        before = block.text[parts[n - 1].start : parts[n - 1].end] if n else ""
        yield (
            Stretch(*parts[n]),
            prose_problems(claim, said, Setting(around, before)),
        )


def _lines(text: str) -> list[sentences.Stretch]:
    """The words of a figure stand in lines, not in sentences."""
    return [sentences.Stretch(*match.span()) for match in re.finditer(r"[^\n]+", text)]


def _touches(part: Stretch, stretch: Stretch | None) -> bool:
    return stretch is None or (part.start < stretch.end and stretch.start < part.end)


def _together(claim: str, sources: list[_Source]) -> list[_Source]:
    """A sentence of several parts: supported if each part is, and then by every source that supports one."""
    parts = [part for part in _PARTS.split(claim) if part.strip()] if _says(claim) else []
    if len(parts) < 2 or any(len(part.split()) < 3 for part in parts):
        return sources
    helped: set[int] = set()
    for part in parts:
        holding = [
            n
            for n, one in enumerate(sources)
            if _VAGUE not in one.problems
            and (
                one.stretch is not None
                or (one.level is Level.LOCATED and "its quote does not stand there" not in one.problems)
            )
            and any(not problems for _, problems in _windows(part, one.evidence, one.block, one.stretch))
        ]
        if not holding:
            return sources
        helped.update(holding)
    return [replace(one, level=Level.SUPPORTED, problems=()) if n in helped else one for n, one in enumerate(sources)]


def _citation(number: int, source: _Source) -> Citation:
    block, stretch, evidence = source.block, source.stretch, source.evidence
    return Citation(
        number,
        evidence.number,
        evidence.doc,
        evidence.path,
        evidence.title,
        evidence.page.number,
        (block.ordinal,),
        block.boxes(stretch.start, stretch.end) if stretch else (block.bbox,),
        shown(block.text[stretch.start : stretch.end]) if stretch else "",
        source.level,
        evidence.parse,
        found=source.found,
    )


def shown(text: str) -> str:
    """A quote in one line; a table's bars become gaps."""
    return re.sub(r"\s+", " ", re.sub(r"\s*\|\s*", "   ", text)).strip() if "|" not in text else _row_text(text)


def _row_text(text: str) -> str:
    cells = [re.sub(r"\s+", " ", cell).strip() for cell in text.split("|")]
    return "  ".join(cell for cell in cells if cell and not set(cell) <= set("-: "))


# -- what stands around a block --------------------------------------------------------------------------------------


def surroundings(evidence: Evidence, block: Block) -> str:
    """The block's caption, the headings it stands under, the page's header, the document's title and file name."""
    parts = [evidence.title, re.sub(r"[_/\\.-]+", " ", evidence.path)]
    heading: dict[int, str] = {}
    for other in evidence.page.blocks:
        if other.kind is BlockKind.HEADER or (other.kind is BlockKind.CAPTION and other.about == block.ordinal):
            parts.append(other.text)
        elif other.kind is BlockKind.TITLE and other.ordinal < block.ordinal:
            heading = {level: text for level, text in heading.items() if level < other.level}
            heading[other.level] = other.text
        elif block.kind is BlockKind.TABLE and other.ordinal in (block.ordinal - 1, block.ordinal - 2):
            # "(Millions, except per share amounts)", but not "Sales did not rise": a row would lend it its words alone
            parts += [other.text] if len(other.text) < 120 and not _DENIES.search(other.text) else []
    parts += heading.values()
    for passage in evidence.passages:
        if any(piece.page == evidence.page.number and piece.block == block.ordinal for piece in passage.pieces):
            parts += passage.headings
    return fold(" . ".join(dict.fromkeys(part for part in parts if part)))


_NAMED = re.compile(r"[A-Za-z]+[- ]?\d[\w.-]*")
_NUMBER = re.compile(r"\s*[-+(]?[$€£]?\d[\d.,]*\s?%?\)?\s*")


def head_rows(cells: Sequence[Sequence[str]]) -> int:
    """How many rows at the top are column headers: their numbers are years or dates, and only the first has a label."""
    count = 0
    for row in cells[: min(3, len(cells) - 1)]:
        values = [cell for cell in row[1:] if cell.strip()]
        numbers = [cell for cell in values if re.search(r"\d", re.sub(r"\b(?:19|20)\d\d\b|\b[QFH]Y?\d+\b", "", cell))]
        dated = [cell for cell in numbers if re.search(r"[A-Za-z]{3}", cell)]  # "December 31", "12 MHz" head a column
        if not count and len(values) > 1:  # so do names that hold a number, "D15", over plain ones
            columns = [n for n, cell in enumerate(row) if n and cell not in dated and _NAMED.fullmatch(cell.strip())]
            below = [under[n] for under in cells[1:] for n in columns if n < len(under)]
            dated += [row[n] for n in columns] if any(map(_NUMBER.fullmatch, below)) else []
        if count and (row[0].strip() or not values):
            break
        if len(numbers) > len(dated):
            break
        count += 1
    return count


def row_stretches(block: Block) -> list[Stretch]:
    """Where each row of `cells` stands in the table's text."""
    found = []
    at = 0
    for line in block.text.split("\n"):
        if line.strip() and not set(line.strip()) <= set("|-: "):
            found.append(Stretch(at, at + len(line)))
        at += len(line) + 1
    if len(found) == len(block.cells):
        return found
    starts = [line.start for line in block.lines]
    if len(starts) == len(block.cells):
        ends = [*starts[1:], len(block.text)]
        return [Stretch(start, end) for start, end in zip(starts, ends, strict=True)]
    return [Stretch(0, len(block.text)) for _ in block.cells]
