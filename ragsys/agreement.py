"""Does a stretch of a page say what a sentence claims? Every fact is compared; what differs is told in words.

The rules err on the side of doubt: a paraphrase that they cannot follow is not "supported", a changed fact never is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ragsys.claims import Facts, Quantity, facts, fold, scales, side, spends, stem
from ragsys.grids import Grid
from ragsys.vocabulary import LIGHT

# a comma alone parts nothing: what is negated before it may be all that follows
_CLAUSE = re.compile(r";\s+|,?\s+(?:but|while|whereas|although|though|and|yet|however)\s+", re.I)
_AND = re.compile(r",\s|\s(?:and|while|but|whereas|to|from)\s")
_ASIDE = re.compile(r"\([^()]*\b(?:thousands|millions|billions)\b[^()]*\)", re.I)  # of a header: said of every column
_PRONOUN = re.compile(r"\s*(?:it|its|they|their|he|she|his|her|this|these|that|the company|the group|we|our)\b", re.I)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader of the page knows besides the stretch: caption, headings, the document's title and file name."""

    text: str = ""  # caption, headings, headers: may supply names, words, a year, a scale, a currency
    before: str = ""  # the sentence before: read only where the stretch begins with a pronoun


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
    problems += _beside(said, page) or _elsewhere(said, page)
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
    borrows = bool(claimed.unit) and claimed.unit != found.unit  # its unit is not beside the number that was found
    if borrows and (found.unit or found.noun or claimed.unit not in _units(context)):
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


_ABSENT = " does not stand there"


def _missing(quantity: Quantity, said: Facts) -> str:
    start = said.text.rfind(" ", 0, quantity.start) + 1
    end = said.text.find(" ", quantity.end)
    return f"the number {said.text[start : end if end >= 0 else len(said.text)].strip(' ,.;')}{_ABSENT}"


def _years(said: Facts, page: Facts, known: Facts) -> list[str]:
    here = {year for year, _ in page.years}
    claimed = {year for year, _ in said.years}
    elsewhere = {year for year, _ in known.years} if not here - claimed else set()
    if not here and len(elsewhere) > 1 and claimed & elsewhere:
        return [f"which year it is of is not said there ({', '.join(map(str, sorted(elsewhere)))})"]
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


def _beside(said: Facts, page: Facts) -> list[str]:
    """A value with another year than it has there: "5 in 2018, compared with 4 in 2017" does not say "4 in 2018"."""
    if len({year for year, _ in page.years}) < 2 or not said.years:
        return []
    for quantity in said.quantities:
        there = [other for other in page.quantities if other.value == quantity.value]
        if len(there) == 1 and _year_of(quantity, said) != _year_of(there[0], page):
            return [f"{_missing(quantity, said)[: -len(_ABSENT)]} stands beside another year"]
    return []


def _year_of(quantity: Quantity, read: Facts) -> int | None:
    """The year that a sentence gives with one of its quantities.

    As many of a kind as years, and all on one side, are two lists: the first belongs to the first. Else it is the year
    that no comma, "and" or semicolon parts from the quantity, or the nearest one.
    """
    alike = [q for q in read.quantities if (q.percent, q.currency) == (quantity.percent, quantity.currency)]
    years = list(read.years)
    if len(alike) == len(years) > 1 and (
        alike[-1].end <= years[0][1] or years[-1][1] < alike[0].start or "respectively" in read.text
    ):
        return years[alike.index(quantity)][0]
    near: list[tuple[int, int]] = []
    for start, end in (_side(read.text, quantity), _segment(read.text, quantity)):
        near = near or [item for item in years if start <= item[1] < end]
    nearest = min(near or years, key=lambda item: (_gap(item[1], quantity), item[1]), default=None)
    return nearest[0] if nearest else None


def _segment(text: str, quantity: Quantity) -> tuple[int, int]:
    """The stretch between two semicolons that holds the quantity."""
    end = text.find(";", quantity.end)
    return text.rfind(";", 0, quantity.start) + 1, end if end >= 0 else len(text)


def _side(text: str, quantity: Quantity) -> tuple[int, int]:
    """The part of that stretch on the quantity's side of a comma or an "and"."""
    start, end = _segment(text, quantity)
    start = max((match.end() for match in _AND.finditer(text, start, quantity.start)), default=start)
    cut = _AND.search(text, quantity.end, end)
    return start, cut.start() if cut else end


def _elsewhere(said: Facts, page: Facts) -> list[str]:
    """A value said of what another clause speaks of: "revenue was 5 and costs were 3" does not say "revenue was 3";
    nor does "Graz and Linz employ 450 and 300" say "Linz employs 450"."""
    named = _places([(name, page.text.lower().find(name)) for name in page.names], said.names)
    alike = {(quantity.percent, quantity.currency) for quantity in page.quantities}
    if len(page.names) == len(page.quantities) > 1 and len(alike) == 1 and len(said.quantities) == 1 == len(named):
        places = [page.text.lower().find(name) for name in page.names]
        numbers = [quantity.start for quantity in page.quantities]
        mine = [n for n, other in enumerate(page.quantities) if other.value == said.quantities[0].value]
        apart = max(places) < min(numbers) or max(numbers) < min(places)
        if apart and len(mine) == 1 and sorted(places)[mine[0]] != named[0]:
            return [f"{_missing(said.quantities[0], said)[: -len(_ABSENT)]} is said of something else there"]
    clauses = [facts(part) for part in _CLAUSE.split(page.text) if part and part.strip()]
    mine_words = _subjects(said)
    for quantity in said.quantities:
        holding = [one for one in clauses if any(other.value == quantity.value for other in one.quantities)]
        others = [one for one in clauses if one.quantities and one not in holding]
        if len(holding) != 1 or not others:
            continue
        own = _subjects(holding[0])
        if own - mine_words and any(mine_words & (_subjects(one) - own) for one in others):
            return [f"{_missing(quantity, said)[: -len(_ABSENT)]} is said of something else there"]
    return []


def _subjects(read: Facts) -> set[str]:
    """Stems of what a clause speaks of: its names and words but for those that tell a direction."""
    lead = [read.lead] if read.lead else []
    return {stem(word) for word in (*lead, *read.names, *read.words) if side(word) is None}


def row_problems(claim: str, grid: Grid, row: int, setting: Setting) -> list[str]:
    """What of the claim a table's row, with its column headers, does not say; empty if it says it all."""
    said = facts(claim)
    cells, headers = grid.rows[row], grid.headers
    # a row without numbers above names a section of the table
    section = next((" ".join(up) for up in reversed(grid.rows[:row]) if not any(_numeric(cell) for cell in up[1:])), "")
    heads = [headers[column] if column < len(headers) else "" for column in range(len(cells))]
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
            problems.append(f"{_missing(quantity, said)[: -len(_ABSENT)]} stands in another column")
        else:
            used.update(column for column in fitting if column)
    # a header's number is said along with a value of that column, never instead of one
    plain_claim = said.text.casefold()
    beside = [other for column in used for other in facts(f"{heads[column]} {setting.text}").quantities]
    for part in setting.text.split(" . "):  # a caption that is said along with the row, number and all
        beside += facts(part).quantities if part.strip(" .:") and _said(plain_claim, part.strip(" .:")) else ()
    for column, cell in enumerate(cells):  # "Level 3: -" says that there is none
        if column and heads[column] and cell.strip() and not _numeric(cell):
            beside += facts(heads[column]).quantities if _said(plain_claim, f"{heads[column]}: {cell}") else ()
    problems += [
        _missing(quantity, said)
        for quantity in headed
        if not any(same(quantity, other, said.text, around, "", table=False) for other in beside)
    ]
    if said.quantities and any(len(head) != len(cells) for head in grid.rows[: grid.heads]):
        problems.append("the table's columns cannot be told apart")
    problems += _undated(said, sorted(used), heads, cells, facts(setting.text))
    whole = facts(fold(f"{' '.join(cells)} {around}"))
    problems += _years(said, whole, facts(""))
    problems += _dates(said, whole, facts(""))
    problems += [f"'{name}' does not stand there" for name in said.names if not _in(name, _tokens(whole.text))]
    problems += _words(said, whole.text)
    mine = " ".join(_ASIDE.sub("", heads[column]) for column in sorted(used))
    worded = " ".join(cell for cell in cells[1:] if not _numeric(cell) and cell.strip() and _said(plain_claim, cell))
    label = facts(fold(f"{cells[0]} {mine} {worded}"))
    if bool(said.negations) != bool(label.negations):
        problems.append("one of the two is negated")
    problems += [] if said.quantities else _order(said, facts(" ".join(cells)))
    named = _fit(said, cells[0])
    headed_words = {stem(token) for token in _tokens(mine)}
    if not problems and named < max(_fit(said, other[0], headed_words) for other in grid.rows[grid.heads :] if other):
        problems.append("another row of the table fits it better")
    if not problems and said.quantities and _strong(cells[0]) and not named[0]:
        problems.append(f"it is said of '{fold(cells[0])[:60]}' there")
    return problems


def _undated(said: Facts, used: Sequence[int], heads: Sequence[str], cells: Sequence[str], around: Facts) -> list[str]:
    """A year that no column bears and that is one of several around the table; columns that bear the same header."""
    values = [column for column in range(1, len(cells)) if _numeric(cells[column])]
    for column in used:
        if any(
            other != column and heads[other].casefold() == heads[column].casefold() and cells[other] != cells[column]
            for other in values
            if heads[column] or said.years
        ):
            return ["the table's columns cannot be told apart"]
    bare = [column for column in used if not facts(heads[column]).years]
    near = {year for text in (around, *map(facts, heads)) for year, _ in text.years}
    own = {year for year, _ in facts(" ".join(cells)).years}
    if bare and said.years and len(values) > 1 and len(near) > 1 and not {y for y, _ in said.years} <= own:
        return [f"which year it is of is not said there ({', '.join(map(str, sorted(near)))})"]
    return []


def _said(claim: str, text: str) -> bool:
    """Whether a header or cell stands so in a claim; `claim` is folded, in lower case."""
    return fold(text).casefold() in claim


def _numeric(cell: str) -> bool:
    return bool(re.search(r"\d", cell))


def _strong(label: str) -> set[str]:
    """The stems of a label that say something."""
    return {stem(token) for token in _tokens(label) if len(token) > 2 and token.isalpha()} - _LIGHT


def _fit(said: Facts, label: str, without: Collection[str] = ()) -> tuple[int, bool]:
    """How well a claim fits a label or header: how many of its telling words it holds, and whether it holds it all.

    Words of the claim whose stems are in `without` do not count: they are said of something else.
    """
    mine = {stem(token) for token in _tokens(said.text)} - set(without)
    theirs = {stem(token) for token in _tokens(label)}
    return len((mine - _LIGHT) & theirs), bool(theirs) and theirs <= mine


_LIGHT = {stem(word) for word in LIGHT}


def _column_fits(said: Facts, quantity: Quantity, column: int, heads: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether the claim means this column: the year that it gives with the number, and the header's other words."""
    years = {year for year, _ in facts(heads[column]).years}
    year = _year_of(quantity, said)
    if years and year is not None and year not in years:
        return False
    start, end = _segment(said.text, quantity)
    part = facts(said.text[start:end])
    if len(part.quantities) > 1:  # "5 in the first quarter and 6 in the second"
        start, end = _side(said.text, quantity)
        part = facts(said.text[start:end])
    if column == 0:
        return True
    rivals = [
        other
        for other in range(1, min(len(cells), len(heads)))
        if other != column and _numeric(cells[other]) and (not year or _bears(heads[other], year, years))
    ]
    row = {stem(token) for token in _tokens(cells[0])}
    fits = {n: _fit(part, _ASIDE.sub("", heads[n]), row) for n in (column, *rivals)}
    return all(fits[other] <= fits[column] for other in rivals)


def _bears(head: str, year: int, years: set[int]) -> bool:
    """Whether a header may be meant by a claim of this year; `years` are those of the header it is held against."""
    theirs = {one for one, _ in facts(head).years}
    return year in theirs if theirs else not years


def _gap(year_at: int, quantity: Quantity) -> int:
    return quantity.start - (year_at + 4) if year_at < quantity.start else year_at - quantity.end
