"""Where on a page to look: its blocks by how well they fit a query, best first.

    words / most + 0.15 / (1 + place) + 0.4 if the block is a table or a figure

words   the lexical score of the block, read with the section's title above it and with the captions about it: a table's
        rows and a figure's labels seldom say what they are of
most    the highest of the page's blocks; where no block shares a word with the query, the first term is 0
place   of the best passage that holds the block, from 0, among those that led to the page; the term is 0 for a block in
        none of them. Passages are found by meaning too

A table or figure is seldom found by its words, and holds the answer more often than a paragraph that is. Headers and
footers are no answers. Both weights were chosen on 228 questions with gold boxes by folds over documents: on those left
out one of the first five blocks lay on gold for .458 of the questions, .303 in the order of the passages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ragsys.types import Block, BlockKind, Page, Passage, Sparse

#: Lexical scores of a page's texts for one query, each 0 or more; a text comes in parts.
Score = Callable[[Sequence[Sequence[str]]], Sequence[float]]
_PLACE, _FLOAT = 0.15, 0.4
_LEFT_OUT = (BlockKind.HEADER, BlockKind.FOOTER)
_FLOATS = (BlockKind.TABLE, BlockKind.FIGURE)


def best_blocks(page: Page, passages: Sequence[Passage], score: Score, most: int = 20) -> tuple[int, ...]:
    """Ordinals of at most so many of the page's blocks, best first; equal ones in reading order."""
    blocks = [block for block in page.blocks if block.kind not in _LEFT_OUT]
    if not blocks:
        return ()
    words = list(score(_read(blocks)))
    highest = max(words) or 1.0
    places: dict[int, int] = {}
    for place, passage in enumerate(passages):
        for piece in passage.pieces:
            if piece.page == page.number:
                places.setdefault(piece.block, place)
    worth = {
        block.ordinal: own / highest
        + (_PLACE / (1 + places[block.ordinal]) if block.ordinal in places else 0.0)
        + (_FLOAT if block.kind in _FLOATS else 0.0)
        for block, own in zip(blocks, words, strict=True)
    }
    return tuple(sorted(worth, key=lambda ordinal: (-worth[ordinal], ordinal))[:most])


def _read(blocks: Sequence[Block]) -> list[tuple[str, ...]]:
    """Each block's captions, the last title at or above it and its text."""
    captions: dict[int, list[str]] = {}
    for block in blocks:
        if block.kind is BlockKind.CAPTION and block.about is not None:
            captions.setdefault(block.about, []).append(block.text)
    texts, title = [], ""
    for block in blocks:
        title = block.text if block.kind is BlockKind.TITLE else title
        texts.append(tuple(filter(None, (*captions.get(block.ordinal, ()), title, block.text))))
    return texts


def dot(query: Sparse, item: Sparse) -> float:
    """The sum of products over the indices of both; each holds an index once."""
    if not len(query.indices) or not len(item.indices):
        return 0.0
    # both ascend, and a query has few terms: np.intersect1d, which sorts, takes several times as long
    at = np.minimum(np.searchsorted(query.indices, item.indices), len(query.indices) - 1)
    theirs = np.flatnonzero(query.indices[at] == item.indices)
    ours = at[theirs]
    return float(np.dot(query.values[ours].astype(np.float64), item.values[theirs].astype(np.float64)))
