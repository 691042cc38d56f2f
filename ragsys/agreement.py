"""Does a stretch of a page say what a sentence claims? Every fact is compared; what differs is told in words.

The rules err on the side of doubt: a paraphrase that they cannot follow is not "supported", a changed fact never is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragsys.claims import Facts, Quantity, facts, fold, scales, side, spends, stem
from ragsys.vocabulary import LIGHT

# a comma alone parts nothing: what is negated before it may be all that follows
_CLAUSE = re.compile(r";\s+|,?\s+(?:but|while|whereas|although|though|and|yet|however)\s+", re.I)
_PRONOUN = re.compile(r"\s*(?:it|its|they|their|he|she|his|her|this|these|that|the company|the group|we|our)\b", re.I)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader of the page knows besides the stretch: caption, headings, the document's title and file name."""

    text: str = ""  # caption, headings, headers: may supply names, words, a year, a scale, a currency
    before: str = ""  # the sentence before: read only where the stretch begins with a pronoun


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as rows of cells; the first `heads` rows are column headers."""

    rows: tuple[tuple[str, ...], ...]
    heads: int = 1

    def header(self, column: int) -> str:
        """A column's headers, from the top."""
        return " ".join(row[column] for row in self.rows[: self.heads] if column < len(row))


def prose_problems(claim: str, stretch: str, setting: Setting) -> list[str]:
    """What of the claim the stretch of prose does not say; empty if it says it all."""
    if _bare(claim) == _bare(stretch):
        return []
    said, page = facts(claim), facts(stretch)
    around = setting.text
    if setting.before and _PRONOUN.match(stretch):
        around = f"{around} {setting.before}"
    known = facts(around)
    problems = [
        _missing(quantity, said)
        for quantity in said.quantities
        if not any(same(quantity, other, said.text, around, stretch, table=False) for other in page.quantities)
    ]
    problems += _years(said, page, known)
    problems += _dates(said, page, known)
    problems += _names(said, page, known)
    problems += _words(said, f"{page.text} {known.text}")
    clause = _clause(said, page)
    problems += _polarity(said, page, clause)
    problems += _order(said, page)
    return problems


def _bare(text: str) -> str:
    """A sentence without its bullet, reference marks, blanks at punctuation and full stop: equal ones say the same."""
    text = re.sub(r"\s?\[\d{1,3}(?:\s?[,-]\s?\d{1,3})*\]", "", fold(text))
    text = re.sub(r"^(?:[•◦▪●■‣·*-]|\(?[A-Za-z0-9]{1,2}[.)])\s+", "", text)
    return re.sub(r"\s+", " ", text).strip(" .").casefold()


def same(claimed: Quantity, found: Quantity, claim: str, around: str, beside: str, *, table: bool) -> bool:
    """Whether two quantities agree: value with scale, sign, percent, currency, unit and bound."""
    values = {found.value} | ({found.value * scale for scale in scales(around)} if not found.scaled else set())
    if claimed.value not in values:
        return False
    context = f"{around} {beside}"
    if claimed.percent != found.percent:
        written_above = (
            table and claimed.percent == "%" and not found.percent and re.search(r"%|percent", context, re.I)
        )
        if not written_above:
            return False
    if claimed.currency and claimed.currency != found.currency:
        marked = re.search(re.escape(claimed.currency) + (r"|USD|dollars" if claimed.currency == "$" else ""), context)
        if found.currency or not marked:
            return False
    if claimed.unit and claimed.unit != found.unit and (found.unit or claimed.unit not in _units(context)):
        return False
    if claimed.bound != found.bound:
        return False
    minus = claimed.negative or (claimed.bracketed and found.bracketed)
    if found.bracketed and not (found.negative or minus):
        return not table or spends(claim) or claimed.bracketed
    return (found.negative or found.bracketed) == (minus or (claimed.bracketed and found.negative)) or (
        found.negative and spends(claim)
    )


def _units(text: str) -> set[str]:
    return {q.unit for word in set(re.findall(r"°?[A-Za-z]+", text)) for q in facts(f"7 {word}").quantities if q.unit}


def _missing(quantity: Quantity, said: Facts) -> str:
    start = max(0, said.text.rfind(" ", 0, max(0, quantity.start - 1)) + 1)
    shown = said.text[min(start, quantity.start) : quantity.end + 12].split(" ")
    return f"the number {' '.join(shown[:3]).strip(' ,.;')} does not stand there"


def _years(said: Facts, page: Facts, known: Facts) -> list[str]:
    here = {year for year, _ in page.years}
    claimed = {year for year, _ in said.years}
    elsewhere = {year for year, _ in known.years} if not here - claimed else set()
    return [f"the year {year} does not stand there" for year in sorted(claimed - here - elsewhere)]


def _dates(said: Facts, page: Facts, known: Facts) -> list[str]:
    problems = []
    for date in said.dates:
        pool = page.dates or known.dates
        # a coarser date is held by a finer one: March 2018 by March 3, 2018
        if not any(all(mine in (0, theirs) for mine, theirs in zip(date, other, strict=True)) for other in pool):
            problems.append("the date " + "-".join(str(part) for part in date if part) + " does not stand there")
    return problems


def _names(said: Facts, page: Facts, known: Facts) -> list[str]:
    here, around = _tokens(page.text), _tokens(known.text)
    problems = [f"'{name}' does not stand there" for name in said.names if not (_in(name, here) or _in(name, around))]
    borrowed = [name for name in (said.lead, *said.names) if name and not _in(name, here)]
    mine = _tokens(said.text)
    others = [name for name in (page.lead, *page.names) if name and not _in(name, mine) and not _in(name, around)]
    if borrowed and others and not problems:
        problems.append(f"it is said of '{others[0]}' there, not of '{borrowed[0]}'")
    return problems


def _in(name: str, tokens: set[str]) -> bool:
    return name in tokens or name.rstrip("s") in tokens or all(part in tokens for part in re.split(r"[-./&]", name))


def _tokens(text: str) -> set[str]:
    words = re.findall(r"[^\W_](?:[\w&+#]|[-./'](?=\w))*", text.lower())
    whole = {re.sub(r"'s?$", "", word) for word in words}
    return whole | {part for word in whole for part in re.split(r"[-./&']", word) if part}


def _words(said: Facts, text: str) -> list[str]:
    tokens = _tokens(text)
    stems = {stem(token) for token in tokens}
    sides = {side(token) for token in tokens}
    absent = []
    for word in said.words:
        parts = [part for part in re.split(r"[-./']", word) if len(part) > 2 and part not in LIGHT] or [word]
        if stem(word) in stems or all(stem(part) in stems for part in parts):
            continue
        if side(word) is not None and side(word) in sides:
            continue  # rose, increased: another word of the same side
        absent.append(word)
    return [f"'{word}' does not stand there" for word in dict.fromkeys(absent)]


def _clause(said: Facts, page: Facts) -> Facts:
    """The clause of the stretch that speaks of what the claim speaks of."""
    parts = [part for part in _CLAUSE.split(page.text) if part and part.strip()]
    if len(parts) < 2:
        return page
    mine = {stem(word) for word in said.words if side(word) is None} | set(said.names)
    numbers = {quantity.value for quantity in said.quantities}

    def score(part: str) -> tuple[int, int]:
        read = facts(part)
        words = {stem(word) for word in read.words} | set(read.names)
        return len(numbers & {quantity.value for quantity in read.quantities}), len(mine & words)

    best = max(parts, key=lambda part: (sum(score(part)), score(part)))
    return facts(best)


def _polarity(said: Facts, page: Facts, clause: Facts) -> list[str]:
    problems = []
    scope = page if len(_CLAUSE.split(said.text)) > 1 else clause
    if bool(said.negations) != bool(scope.negations) or said.negations % 2 != scope.negations % 2:
        problems.append("one of the two is negated")
    for pair, taken in sorted(said.sides):
        opposite = (pair, 1 - taken)
        if opposite in said.sides:
            continue
        if (opposite in page.sides and (pair, taken) not in page.sides) or (
            opposite in clause.sides and (pair, taken) not in clause.sides
        ):
            problems.append("it says the opposite there")
            break
    if page.hedged and not said.hedged and clause.hedged:
        problems.append("it is said with less certainty there")
    return problems


def _order(said: Facts, page: Facts) -> list[str]:
    """Two values, years or names that change places make another claim ("A beat B", "5 in 2018 and 7 in 2019").

    Only what stands once in both is compared: of a repeated name or number no place can be told.
    """
    groups = (
        _places([(quantity.value, quantity.start) for quantity in page.quantities], [q.value for q in said.quantities]),
        _places(page.years, [year for year, _ in said.years]),
        _places([(name, n) for n, name in enumerate((page.lead, *page.names))], (said.lead, *said.names)),
    )
    several = [group for group in groups if len(group) > 1]
    signs = {1 if group == sorted(group) else -1 if group == sorted(group, reverse=True) else 0 for group in several}
    if signs <= {1} or (signs == {-1} and len(several) > 1):
        return []
    return ["its parts stand in another order there"]


def _places(there: Sequence[tuple[Any, int]], mine: Sequence[Any]) -> list[int]:
    once = {value: at for value, at in there if [other for other, _ in there].count(value) == 1}
    return [once[value] for value in mine if value in once and list(mine).count(value) == 1]


def row_problems(claim: str, grid: Grid, row: int, setting: Setting) -> list[str]:
    """What of the claim a table's row, with its column headers, does not say; empty if it says it all."""
    said = facts(claim)
    cells = grid.rows[row]
    # a row without numbers above names a section of the table
    section = next((" ".join(up) for up in reversed(grid.rows[:row]) if not any(_numeric(cell) for cell in up[1:])), "")
    heads = [grid.header(column) for column in range(len(cells))]
    around = fold(f"{setting.text} {section} {' '.join(heads)}")
    problems: list[str] = []
    used: set[int] = set()
    headed: list[Quantity] = []  # numbers that only a column's header holds: "12 MHz Oscillator"
    for quantity in said.quantities:
        columns = [
            column
            for column, cell in enumerate(cells)
            if any(
                same(quantity, other, said.text, f"{around} {cells[0]}", " ".join(cells), table=True)
                for other in facts(cell).quantities
            )
        ]
        fitting = [column for column in columns if _column_fits(said, quantity, column, heads, cells)]
        if not columns:
            headed.append(quantity)
        elif not fitting:
            problems.append(f"{_missing(quantity, said)[: -len(' does not stand there')]} stands in another column")
        else:
            used.update(column for column in fitting if column)
    # a header's number is said along with a value of that column, never instead of one
    beside = [other for column in used for other in facts(f"{heads[column]} {setting.text}").quantities]
    problems += [
        _missing(quantity, said)
        for quantity in headed
        if not any(same(quantity, other, said.text, around, "", table=False) for other in beside)
    ]
    if said.quantities and any(len(head) != len(cells) for head in grid.rows[: grid.heads]):
        problems.append("the table's columns cannot be told apart")
    whole = facts(fold(f"{' '.join(cells)} {around}"))
    problems += _years(said, whole, facts(""))
    problems += _dates(said, whole, facts(""))
    problems += [f"'{name}' does not stand there" for name in said.names if not _in(name, _tokens(whole.text))]
    problems += _words(said, whole.text)
    label = facts(fold(f"{cells[0]} {' '.join(heads[column] for column in sorted(used))}"))
    if bool(said.negations) != bool(label.negations):
        problems.append("one of the two is negated")
    problems += [] if said.quantities else _order(said, facts(" ".join(cells)))
    if not problems and _fit(said, cells[0]) < max(_fit(said, other[0]) for other in grid.rows[grid.heads :] if other):
        problems.append("another row of the table fits it better")
    return problems


def _numeric(cell: str) -> bool:
    return bool(re.search(r"\d", cell))


def _fit(said: Facts, label: str) -> int:
    mine = {stem(token) for token in _tokens(said.text)} - {stem(word) for word in LIGHT}
    return len(mine & {stem(token) for token in _tokens(label)})


def _column_fits(said: Facts, quantity: Quantity, column: int, heads: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether the claim means this column: the year nearest to the number, or the header's words."""
    years = {year for year, _ in facts(heads[column]).years}
    if years and said.years:
        nearest = min(said.years, key=lambda item: (_gap(item[1], quantity), item[1]))[0]
        if nearest not in years:
            return False
    elif len(said.quantities) == 1 and column > 0:
        others = [other for other in range(1, len(cells)) if other != column and other < len(heads)]
        if any(_fit(said, heads[other]) > _fit(said, heads[column]) for other in others):
            return False
    return True


def _gap(year_at: int, quantity: Quantity) -> int:
    return quantity.start - (year_at + 4) if year_at < quantity.start else year_at - quantity.end
