"""Words of many scripts and forms: what must meet, what must not, and BM25 against its formula."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ragsys_text.languages import language_of
from ragsys_text.lexical import WordsLexical
from ragsys_text.options import WordsOptions
from ragsys_text.tokens import chunks, number

from ragsys.protocols import Context
from ragsys.statistics import TermCounts
from ragsys.types import Sparse

LEXICAL = WordsLexical(WordsOptions(), Context(Path(), Path()))


def terms(text: str) -> set[str]:
    return set(LEXICAL.terms(text))


def score(query: str, item: str, others: tuple[str, ...] = ()) -> float:
    vectors = [LEXICAL.encode_item(text, level="page") for text in (item, *others)]
    made = LEXICAL.encode_query(query, TermCounts.of([v.indices for v in vectors]))
    weights = dict(zip(made.indices.tolist(), made.values.tolist(), strict=True))
    return sum(weights.get(i, 0.0) * v for i, v in zip(*(x.tolist() for x in pair(vectors[0])), strict=True))


def pair(vector: Sparse) -> tuple[np.ndarray, np.ndarray]:
    return vector.indices, vector.values


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("1577", "a total of $1,577.00"),
        ("1577.5", "1.577,50 Euro"),
        ("0.10", "0.1 percent"),
        ("10-K", "the 10-K report"),
        ("10K", "the 10-K report"),
        ("COVID", "COVID-19 cases"),
        ("covid19", "COVID-19 cases"),
        ("2018", "in FY2018"),
        ("fy2018", "FY2018"),
        ("running", "he runs"),
        ("company", "the company's companies"),
        ("naive cafe", "naïve café"),
        ("STRASSE", "straße"),
        ("Umsatz", "Die Umsätze der Firma sind in dem Jahr und auch danach nicht gestiegen"),
        ("人口", "東京都の人口は"),
        ("ประชากร", "ประเทศไทยมีประชากรมาก"),
        ("ﬁnance", "finance"),
        ("１２３", "123"),
        ("q3", "Q3 results"),
        ("2018-2019", "from 2018 on"),
        ("R&D", "R&D spending"),
    ],
)
def test_they_meet(query: str, item: str) -> None:
    assert score(query, item, ("nothing of it",)) > 0


@pytest.mark.parametrize(
    ("query", "item"),
    [("1577", "157.7"), ("the of and", "the of and"), ("2018", "2019"), ("人口", "人間の口"), ("1.5", "15")],
)
def test_they_do_not_meet(query: str, item: str) -> None:
    assert score(query, item, ("nothing of it",)) == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,577.00", "1577"),
        ("1.577,00", "1577"),
        ("0007", "7"),
        ("0", "0"),
        ("3.50", "3.5"),
        ("3,5", "3.5"),
        ("12,345,678", "12345678"),
        ("1.2.3", None),
        ("abc", None),
    ],
)
def test_numbers_have_one_form(text: str, value: str | None) -> None:
    assert number(text) == value


def test_languages_are_told_by_function_words() -> None:
    assert language_of(chunks("the cat is on the roof and it is not happy")) == "english"
    assert language_of(chunks("die katze ist auf dem dach und sie ist nicht froh")) == "german"
    assert language_of(chunks("le chat est sur le toit et il ne dort pas dans la maison")) == "french"
    assert language_of(["revenue", "2018", "ebit", "a", "m", "a"]) == "english"
    assert language_of([]) == "english"


def test_bm25_is_its_formula() -> None:
    texts = ["apple apple pear", "pear plum", "plum " * 40, "fig"]
    options = WordsOptions(k1=1.2, b=0.6, page_length=10)
    lexical = WordsLexical(options, Context(Path(), Path()))
    vectors = [lexical.encode_item(text, level="page") for text in texts]
    query = lexical.encode_query("apple plum", TermCounts.of([v.indices for v in vectors]))
    for text, vector in zip(texts, vectors, strict=True):
        words = Counter(text.split())
        by_hand = 0.0
        for term, df in (("apple", 1), ("plum", 2)):
            idf = math.log(1 + (4 - df + 0.5) / (df + 0.5))
            tf = words[term]
            by_hand += idf * tf * 2.2 / (tf + 1.2 * (1 - 0.6 + 0.6 * words.total() / 10)) if tf else 0
        weights = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
        found = sum(weights.get(i, 0) * v for i, v in zip(vector.indices.tolist(), vector.values.tolist(), strict=True))
        assert found == pytest.approx(by_hand, rel=1e-6)


def test_a_word_weighs_as_much_as_all_its_stems_together() -> None:
    # one page was taken for German and holds the word with its German stem: it must not win by rarity
    german = LEXICAL.term_id(LEXICAL.terms("Running und der die das")[0])
    english = LEXICAL.term_id(LEXICAL.terms("running of the world")[0])
    assert german != english
    statistics = TermCounts(100, *map(np.array, zip(*sorted({german: 1, english: 60}.items()), strict=True)))
    query = LEXICAL.encode_query("running", statistics)
    assert set(query.indices.tolist()) == {german, english}
    assert query.values[0] == query.values[1] == pytest.approx(math.log(1 + 39.5 / 61.5))


def test_page_and_passage_have_their_own_reference_length() -> None:
    page, passage = (LEXICAL.encode_item("apple " * 5, level=level) for level in ("page", "passage"))
    assert page.values[0] > passage.values[0]


@given(st.text(max_size=200))
def test_any_text_gives_a_valid_vector(text: str) -> None:
    vector = LEXICAL.encode_item(text, level="page")
    assert np.all(np.diff(vector.indices.astype(np.int64)) > 0)
    assert np.all(vector.values > 0)
    assert set(vector.indices.tolist()) == {LEXICAL.term_id(term) for term in LEXICAL.terms(text)}
    assert all(0 < len(term) <= 64 for term in LEXICAL.terms(text))


@given(st.lists(st.sampled_from(["the", "Apples", "10-K", "1,000", "東京", "don't", "FY2018"]), max_size=20))
def test_terms_do_not_depend_on_what_came_before(words: list[str]) -> None:
    fresh = WordsLexical(WordsOptions(), Context(Path(), Path()))
    assert fresh.terms(" ".join(words)) == LEXICAL.terms(" ".join(words))
