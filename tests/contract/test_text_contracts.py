"""The components of ragsys_text against their contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragsys_text import options
from ragsys_text.cuts import Gap, Relative, Top
from ragsys_text.fusions import Rrf, Zsum
from ragsys_text.lexical import WordsLexical
from ragsys_text.retrievers import Bm25Retriever, DenseRetriever
from ragsys_text.splitter import LayoutSplitter

from ragsys.protocols import Context, Cut, Fusion, Lexical, Retriever, Splitter
from ragsys.testing.fakes import FakeIndex, HashEmbedder, page_of_texts
from ragsys.testing.retrieval import check_cut, check_fusion, check_retriever
from ragsys.testing.text import check_lexical, check_splitter
from ragsys.types import BlockKind, Page, Query

CONTEXT = Context(Path("state"), Path("cache"), "0123456789ab")
TEXTS = [
    "Net sales rose 4.2% to $1,577.00 million in FY2018.",
    "Die Umsätze der Straßenbahnen stiegen in den letzten Jahren und sind nun größer als die der Busse.",
    "東京都の人口は約1400万人です。",
    "ประเทศไทยมีประชากรมาก",
    "الكتاب على الطاولة",
    "COVID-19 and the 10-K: don't",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "...",
]


def documents() -> dict[str, list[Page]]:
    title = BlockKind.TITLE
    return {
        "apples": [
            page_of_texts(1, (title, "Growing apples"), "Apples need cold winters. Apple trees live for fifty years."),
            page_of_texts(2, (title, "Selling apples"), "The price of an apple rose to 3 euros in 2021."),
        ],
        "trains": [
            page_of_texts(1, (title, "Trains"), "Trains run between cities and cross the winter snow"),
            page_of_texts(2, "without a stop. Tickets cost 40 euros."),
            page_of_texts(3, "Nothing of note."),
            page_of_texts(4),
        ],
    }


QUERIES = [Query("apple"), Query("how many euros does a train ticket cost"), Query("winter"), Query("zebra")]


def splitter(**settings: int) -> LayoutSplitter:
    return LayoutSplitter(options.SplitterOptions.model_validate(settings), CONTEXT)


def words(**settings: float) -> WordsLexical:
    return WordsLexical(options.WordsOptions.model_validate(settings), CONTEXT)


@pytest.mark.parametrize("level", ["page", "passage"])
def test_bm25(level: str) -> None:
    retriever = Bm25Retriever(options.Bm25Options.model_validate({"level": level}), CONTEXT, words())
    assert isinstance(retriever, Retriever)
    assert retriever.eager
    check_retriever(retriever, FakeIndex.of(documents(), splitter(), [retriever]), QUERIES)


def test_dense() -> None:
    retriever = DenseRetriever(options.DenseOptions(), CONTEXT, HashEmbedder())
    assert isinstance(retriever, Retriever)
    assert not retriever.eager
    check_retriever(retriever, FakeIndex.of(documents(), splitter(), [retriever]), QUERIES)


@pytest.mark.parametrize("settings", [{}, {"words": 20, "least": 0}, {"words": 20, "overlap": 8}])
def test_splitter(settings: dict[str, int]) -> None:
    assert isinstance(splitter(), Splitter)
    for pages in documents().values():
        check_splitter(splitter(**settings), pages)


def test_lexical() -> None:
    assert isinstance(words(), Lexical)
    check_lexical(words(), TEXTS)


@pytest.mark.parametrize(
    "fusion",
    [
        Rrf(options.RrfOptions(), CONTEXT),
        Zsum(options.ZsumOptions(), CONTEXT),
        Zsum(options.ZsumOptions(weights={"two": 0.5}), CONTEXT),
        Rrf(options.RrfOptions(k=1, weights={"one": 2.0}), CONTEXT),
    ],
)
def test_fusions(fusion: Fusion) -> None:
    assert isinstance(fusion, Fusion)
    check_fusion(fusion)


@pytest.mark.parametrize(
    "cut",
    [
        Top(options.TopOptions(k=3), CONTEXT),
        Gap(options.GapOptions(), CONTEXT),
        Relative(options.RelativeOptions(), CONTEXT),
    ],
)
def test_cuts(cut: Cut) -> None:
    assert isinstance(cut, Cut)
    check_cut(cut)
