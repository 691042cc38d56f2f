"""What a question about a company's figures is called in its reports: the rows and statements that a measure rests on.

People ask for a ratio, an abbreviation or a name of their trade; a report prints the rows that it is worked out of
("capex" is the row "purchases of property, plant and equipment" of the cash flow statement). The list is textbook
accounting, US GAAP and IFRS wordings side by side, and knows no company and no benchmark.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

from ragsys.protocols import Lexical, Statistics
from ragsys_rank.asked import Asked, asked_of

_INCOME = ("statements of income", "statements of operations", "statements of earnings", "income statement")
_BALANCE = ("balance sheets", "statements of financial position")
_CASH = ("statements of cash flows", "cash flow statement")

_REVENUE = ("net sales", "net revenues", "total revenues", "total net sales")
_COST = ("cost of sales", "cost of goods sold", "cost of products sold", "cost of revenue")
_PROFIT = ("net income", "net earnings", "profit for the year")
_OPERATING = ("operating income", "income from operations", "operating profit", "earnings from operations")
_PROPERTY = ("property, plant and equipment, net", "property and equipment, net")
_SPENDING = (
    "purchases of property, plant and equipment",
    "purchases of property and equipment",
    "additions to property, plant and equipment",
    "capital expenditures",
    "payments for property, plant and equipment",
)
_WEAR = ("depreciation and amortization",)
_CURRENT = ("total current assets", "total current liabilities")
_STOCK = ("inventories", "merchandise inventories")
_PAYABLE = ("accounts payable", "trade payables")
_RECEIVABLE = ("accounts receivable", "trade receivables", "receivables, net")
_ASSETS = ("total assets",)
_EQUITY = ("total shareholders equity", "total stockholders equity", "total equity")
_DEBT = ("long-term debt", "short-term debt", "notes payable", "debt maturing within one year")
_DIVIDENDS = ("dividends paid", "cash dividends", "payments of dividends")
_FLOW = (
    "net cash provided by operating activities",
    "net cash used in investing activities",
    "net cash used in financing activities",
)

#: (what is asked, the rows that hold it, the statements that hold these rows)
_MEASURES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"cap\s?ex\b|capital expenditures?|capital[- ]intensi\w+", (*_SPENDING, *_PROPERTY), _CASH),
    (r"pp&e|ppn?e\b|fixed assets?|property,? plant", _PROPERTY, _BALANCE),
    (r"gross (profit|margin)s?", ("gross profit", "gross margin", *_REVENUE, *_COST), _INCOME),
    (r"cogs\b|cost of (goods|sales|revenues?|products)", _COST, _INCOME),
    (r"operating (margin|profit|income|earnings)", (*_OPERATING, *_REVENUE), _INCOME),
    (r"ebitda?\b", (*_OPERATING, *_WEAR), (*_INCOME, *_CASH)),
    (r"d&a\b|depreciation", _WEAR, _CASH),
    (r"sg&a\b|selling,? general", ("selling, general and administrative",), _INCOME),
    (r"r&d\b|research (and|&) development", ("research and development",), _INCOME),
    (
        r"quick ratio|acid[- ]test",
        (*_CURRENT, "cash and cash equivalents", "marketable securities", *_RECEIVABLE, *_STOCK),
        _BALANCE,
    ),
    (r"current ratio|working capital|liquidity|current (assets|liabilities)", _CURRENT, _BALANCE),
    (
        r"inventor(y|ies) turn\w*|turn\w* of inventor\w+|(sold|sell) its inventory|days (of )?inventory|\bdio\b",
        (*_STOCK, *_COST),
        (*_BALANCE, *_INCOME),
    ),
    (r"inventor(y|ies)", _STOCK, _BALANCE),
    (r"days payables?|\bdpo\b|payables? turn\w*|accounts payable", (*_PAYABLE, *_COST), _BALANCE),
    (r"days sales|\bdso\b|receivables?", (*_RECEIVABLE, *_REVENUE), _BALANCE),
    (r"cash conversion", (*_STOCK, *_PAYABLE, *_RECEIVABLE, *_COST, *_REVENUE), (*_BALANCE, *_INCOME)),
    (r"\broa\b|return on assets|total assets", (*_ASSETS, *_PROFIT), (*_BALANCE, *_INCOME)),
    (r"asset turn\w*", (*_ASSETS, *_REVENUE), (*_BALANCE, *_INCOME)),
    (r"\broe\b|return on equity|shareholders'? equity", (*_EQUITY, *_PROFIT), (*_BALANCE, *_INCOME)),
    (r"(retention|pay-?out) ratio|dividends?", (*_DIVIDENDS, *_PROFIT), _CASH),
    (
        r"(effective )?tax rate|income tax(es)?",
        ("provision for income taxes", "income tax expense", "income before income taxes", "effective tax rate"),
        _INCOME,
    ),
    (r"\beps\b|(earnings|income|profit) per share", ("earnings per share", "net income per share", "diluted"), _INCOME),
    (r"net (profit )?margin|net (income|earnings|profit|loss)|bottom line", (*_PROFIT, *_REVENUE), _INCOME),
    (r"revenues?|(net|total|unit) sales|sales (growth|grew)|top[- ]line|turnover|high[- ]growth", _REVENUE, _INCOME),
    (r"free cash flow", (*_FLOW[:1], *_SPENDING), _CASH),
    (r"(operating|investing|financing)( activities)?,? (and|or|cash)|cash flows? from", _FLOW, _CASH),
    (r"debt|borrowings?|leverage|gearing", (*_DEBT, "total debt"), _BALANCE),
    (r"interest cover\w*", ("interest expense", *_OPERATING), _INCOME),
    (
        r"buy-?backs?|(share|stock) repurchases?|repurchased? (its )?(shares|stock)",
        ("repurchases of common stock", "purchases of treasury stock", "share repurchases"),
        _CASH,
    ),
    (r"cash (and|&) (cash )?equivalents?", ("cash and cash equivalents",), _BALANCE),
    (r"liabilit(y|ies)", ("total liabilities", *_CURRENT[1:], *_DEBT), _BALANCE),
    (r"working cap\w+|net debt", (*_CURRENT, *_DEBT), _BALANCE),
)
_NAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"p&l|income statements?|profit (and|&) loss|statements? of (\w+ )?(income|operations|earnings)", _INCOME),
    (r"balance sheets?|statements? of financial position", _BALANCE),
    (r"cash flows? statements?|statements? of cash flows?|statements? of cashflows?", _CASH),
)
_COMPILED = tuple((re.compile(rf"(?<!\w)(?:{asks})", re.IGNORECASE), rows, where) for asks, rows, where in _MEASURES)
_STATED = tuple((re.compile(rf"(?<!\w)(?:{asks})", re.IGNORECASE), where) for asks, where in _NAMED)


@dataclass(frozen=True, slots=True)
class Written:
    """What a report would write for what a question asks."""

    rows: Asked  # the measures' rows; no terms: no measure is asked for
    statements: Asked  # the titles of the statements
    phrases: tuple[str, ...]  # of both


def phrases_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(rows, statements) that hold what a text asks for, each once."""
    rows: dict[str, None] = {}
    where: dict[str, None] = {}
    named = [titles for asks, titles in _STATED if asks.search(text)]
    for asks, own, titles in _COMPILED:
        if asks.search(text):
            rows |= dict.fromkeys(own)
            if not named:
                where |= dict.fromkeys(titles)
    for titles in named:
        where |= dict.fromkeys(titles)
    return tuple(rows), tuple(where)


def written_of(text: str, lexical: Lexical, statistics: Statistics) -> Written:
    """Looks a question's measures up."""
    rows, statements = phrases_of(text)
    return Written(_asked(rows, lexical, statistics), _asked(statements, lexical, statistics), (*rows, *statements))


def _asked(phrases: tuple[str, ...], lexical: Lexical, statistics: Statistics) -> Asked:
    """Phrases as a question whose neighbours are those inside each phrase."""
    whole = asked_of(" . ".join(phrases), lexical, statistics)
    place = {term: n for n, term in enumerate(whole.terms)}
    follows = set()
    for phrase in phrases:
        terms = lexical.terms(phrase)
        pairs = itertools.pairwise(terms)
        follows |= {(place[a], place[b]) for a, b in pairs if a in place and b in place and a != b}
    return replace(whole, follows=frozenset(follows))
