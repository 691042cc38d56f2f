"""Answers that are lists: M3DocVQA's list-EM and list-F1, and the same without its quirks.

M3DocVQA takes MultiModalQA's measures (allenai/multimodalqa, evaluate.py, after DROP). A text is cut at blanks and
hyphens; each token in lower case, without punctuation unless it is a number, numbers as floats, without a, an, the. A
gold answer or an answer written as a list (JSON or Python) is its members; any other text is a list of one.

    m3docvqa_em  1 if both have the same members and the same number of them
    m3docvqa_f1  members are paired one to one so that the sum of their F1 (of *sets* of tokens) is largest; the mean
                 over the longer list, rounded to two decimals. A pair whose gold holds numbers, of which the other has
                 none, counts 0
    list_em      1 if the members, cleaned as above, are equal as a multiset; an answer in prose is cut at commas,
                 semicolons, line ends and "and" where gold has several members
    list_f1      the same pairing, not rounded, with the answer cut as for list_em

All in 0..1, the best over the accepted answers; unanswerable questions and abstentions as in `answers`.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Sequence

from ragsys.evaluation.records import Outcome, Question
from ragsys_suites.metrics.assignment import assign
from ragsys_suites.metrics.base import MEMBERS, best, items, simple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_BLANKS = re.compile(r"[^\S\n]+")
_BETWEEN = re.compile(r" ?(?:[;\n]|,(?!\d{3}\b)|\band\b|&) ?")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")


def normal(text: str) -> str:
    """DROP's normal form."""
    parts = (" ".join(_ARTICLES.sub(" ", _token(token.lower())).split()) for token in re.split("[ -]", text))
    return " ".join(part for part in parts if part)


def _token(token: str) -> str:
    if not _is_number(token):
        token = token.translate(_PUNCTUATION)
    return str(float(token)) if _is_number(token) else token


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def bag_f1(gold: frozenset[str], given: frozenset[str]) -> float:
    """F1 of two sets of tokens; 0 where gold holds numbers and none of them is given."""
    numbers = {token for token in gold if _is_number(token)}
    if numbers and not numbers & given:
        return 0.0
    shared = len(gold & given)
    precision = shared / len(given) if given else 1.0
    recall = shared / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def aligned_f1(gold: Sequence[str], given: Sequence[str]) -> float:
    """The mean F1 over the longer list in the best pairing."""
    gains = [[bag_f1(_bag(one), _bag(other)) for other in given] for one in gold]
    return sum(gains[row][column] for row, column in assign(gains)) / max(len(gold), len(given), 1)


def _bag(text: str) -> frozenset[str]:
    return frozenset(normal(text).split())


def members(text: str, several: bool) -> list[str]:
    """The members of an answer: of its list, or of its prose where several are wanted."""
    found = items(text)
    if len(found) > 1 or not several or text.strip().startswith("["):
        return found
    parts = (_BULLET.sub("", part).strip(" .") for part in _BETWEEN.split(_BLANKS.sub(" ", text)))
    made = [part for part in parts if part]
    return made if 0 < len(made) <= MEMBERS else found


@functools.lru_cache(maxsize=10_000)
def _m3docvqa_em(gold: str, text: str) -> float:
    right, given = [normal(one) for one in items(gold)], [normal(one) for one in items(text)]
    return float(set(right) == set(given) and len(right) == len(given))


@functools.lru_cache(maxsize=10_000)
def _m3docvqa_f1(gold: str, text: str) -> float:
    return round(aligned_f1(items(gold), items(text)), 2)


@functools.lru_cache(maxsize=10_000)
def _list_em(gold: str, text: str) -> float:
    right = items(gold)
    return float(sorted(map(normal, right)) == sorted(map(normal, members(text, len(right) > 1))))


@functools.lru_cache(maxsize=10_000)
def _list_f1(gold: str, text: str) -> float:
    right = items(gold)
    return aligned_f1(right, members(text, len(right) > 1))


def _official_em(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, _m3docvqa_em)


def _official_f1(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, _m3docvqa_f1)


def _em(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, _list_em)


def _f1(question: Question, outcome: Outcome) -> float | None:
    return best(question, outcome, _list_f1)


m3docvqa_em = simple("m3docvqa_em", "M3DocVQA's list-EM: the same members", _official_em)
m3docvqa_f1 = simple("m3docvqa_f1", "M3DocVQA's list-F1 of the best pairing, two decimals", _official_f1)
list_em = simple("list_em", "the members of the answer are the gold ones", _em)
list_f1 = simple("list_f1", "F1 of the members in the best pairing", _f1)
