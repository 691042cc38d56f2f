"""Where on a page to look: words with their title and captions, passages that led there, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ragsys.locating import best_blocks, dot
from ragsys.types import BBox, Block, BlockKind, Page, Passage, Piece, Sparse

BOX = BBox(0.1, 0.1, 0.9, 0.2)


def page(*blocks: tuple[str, str]) -> Page:
    return Page(1, 600, 800, tuple(Block(n, BlockKind(kind), BOX, text) for n, (kind, text) in enumerate(blocks)))


def shared(query: str) -> object:
    words = set(query.lower().split())

    def score(texts: Sequence[Sequence[str]]) -> list[float]:
        return [float(len(words & set(" ".join(parts).lower().split()))) for parts in texts]

    return score


def best(shown: Page, query: str, *passages: Passage, most: int = 20) -> tuple[int, ...]:
    return best_blocks(shown, passages, shared(query), most)  # type: ignore[arg-type]


def passage(*blocks: int, on: int = 1) -> Passage:
    return Passage(0, tuple(Piece(on, block, 0, 1) for block in blocks), "")


def test_the_block_that_shares_most_words_comes_first_and_headers_never() -> None:
    shown = page(("header", "annual revenue"), ("text", "staff"), ("text", "annual revenue"), ("text", "revenue"))
    assert best(shown, "annual revenue") == (2, 3, 1)
    assert best(shown, "annual revenue", most=1) == (2,)
    assert best(page(("footer", "revenue")), "revenue") == ()


def test_a_block_is_read_with_the_title_above_it() -> None:
    shown = page(("title", "harbour fees"), ("text", "forty euros"), ("title", "school"), ("text", "forty euros"))
    assert best(shown, "harbour fees in euros") == (1, 0, 3, 2)


def test_a_table_is_found_by_its_caption() -> None:
    blocks = (
        Block(0, BlockKind.TEXT, BOX, "boats came"),
        Block(1, BlockKind.TABLE, BOX, "1911 40"),
        Block(2, BlockKind.CAPTION, BOX, "boats in the harbour", about=1),
        Block(3, BlockKind.FIGURE, BOX, ""),
    )
    assert best(Page(1, 600, 800, blocks), "boats harbour")[:2] == (1, 2)


def test_of_equal_words_the_passage_that_led_there_decides_then_the_reading_order() -> None:
    shown = page(("text", "a"), ("text", "b"), ("text", "c"), ("text", "d"))
    assert best(shown, "x") == (0, 1, 2, 3)
    assert best(shown, "x", passage(3), passage(1)) == (3, 1, 0, 2)
    assert best(shown, "x", passage(3, on=2)) == (0, 1, 2, 3)  # a passage of another page
    assert best(shown, "a", passage(3)) == (0, 3, 1, 2)


def test_tables_and_figures_come_before_what_says_nothing() -> None:
    assert best(page(("text", "a"), ("figure", ""), ("text", "x y")), "x y") == (2, 1, 0)


def test_dot_takes_what_both_hold() -> None:
    query = Sparse(np.asarray([1, 4, 9], np.uint32), np.asarray([0.5, 2.0, 3.0], np.float32))
    item = Sparse(np.asarray([4, 7, 9], np.uint32), np.asarray([1.5, 8.0, 1.0], np.float32))
    assert dot(query, item) == 6.0
    assert dot(query, Sparse(np.empty(0, np.uint32), np.empty(0, np.float32))) == 0.0
