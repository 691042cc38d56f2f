"""The contracts of splitters and lexical components: call these from the tests of a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ragsys.passages import passage_text
from ragsys.protocols import Lexical, Splitter
from ragsys.statistics import TermCounts
from ragsys.testing.loaders import ContractError
from ragsys.types import BlockKind, Page, Passage, Sparse

_COVERED = (BlockKind.TEXT, BlockKind.LIST, BlockKind.TITLE, BlockKind.TABLE)


def _law(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def check_splitter(splitter: Splitter, pages: Sequence[Page]) -> list[Passage]:
    """Split pages and hold the passages against the contract; returns them.

    Laws: ordinals count from 0; pieces are inside their blocks, never empty, and stand in order of pages; the text is
    `passage_text` of the pieces; every word of a title, text, list or table block is in a passage; a row of a table is
    never cut; equal pages give equal passages; it streams: pages are asked for as they are needed.
    """
    passages = list(splitter.split(pages))
    _law(list(splitter.split(iter(pages))) == passages, "equal pages gave other passages")
    by_number = {page.number: page for page in pages}
    _law([p.ordinal for p in passages] == list(range(len(passages))), "ordinals do not count from 0")
    covered: dict[tuple[int, int], set[int]] = {}
    for passage in passages:
        here = f"passage {passage.ordinal}"
        _law(bool(passage.pieces), f"{here} has no pieces")
        numbers = [piece.page for piece in passage.pieces]
        _law(numbers == sorted(numbers), f"{here}: its pages come as {numbers}")
        for piece in passage.pieces:
            block = by_number[piece.page].blocks[piece.block]
            _law(0 <= piece.start < piece.end <= len(block.text), f"{here}: {piece} is not inside its block")
            covered.setdefault((piece.page, piece.block), set()).update(range(piece.start, piece.end))
            if block.kind is BlockKind.TABLE:
                before = block.text[: piece.start].rpartition("\n")[2]
                after = block.text[piece.end :].partition("\n")[0]
                if block.text[piece.end - 1] == "\n":
                    after = ""
                _law(not (before + after).strip(), f"{here}: {piece} cuts through a row of its table")
        rebuilt = passage_text(passage.pieces, by_number)
        _law(passage.text == rebuilt, f"{here}: its text is not that of its pieces:\n{passage.text}\n--\n{rebuilt}")
    for page in pages:
        for block in page.blocks:
            if block.kind in _COVERED:
                inside = covered.get((page.number, block.ordinal), set())
                lost = "".join(c for n, c in enumerate(block.text) if n not in inside).strip()
                _law(not lost, f"page {page.number}, block {block.ordinal}: in no passage: {lost[:80]!r}")
    _check_streaming(splitter, pages)
    return passages


def _check_streaming(splitter: Splitter, pages: Sequence[Page]) -> None:
    """After the first passage not all pages may have been read, if there are many passages."""
    total = len(list(splitter.split(pages)))
    read = 0

    def counted() -> Iterator[Page]:
        nonlocal read
        for page in pages:
            read += 1
            yield page

    for _ in splitter.split(counted()):
        break
    _law(total < 2 * len(pages) or len(pages) < 3 or read < len(pages), "it reads every page before the first passage")


def check_lexical(lexical: Lexical, texts: Sequence[str]) -> list[Sparse]:
    """Encode texts as pages and passages and as queries; returns the pages' vectors.

    Laws: indices ascend and are unique, values are positive and finite; the same in any company and twice; term ids are
    those of the terms; scores are products of vectors; a text without terms gives an empty vector; a text finds itself
    before any that shares no term.
    """
    pages = [lexical.encode_item(text, level="page") for text in texts]
    for text, vector in zip(texts, pages, strict=True):
        _sparse(vector, text)
        again = lexical.encode_item(text, level="page")
        _law(np.array_equal(again.values, vector.values), f"a second encoding differs: {text[:60]!r}")
        in_order = [lexical.term_id(term) for term in lexical.terms(text)]
        _law(lexical.term_ids(text) == in_order, f"the ids are not those of the terms: {text[:60]!r}")
        _law(set(in_order) == set(vector.indices.tolist()), f"the vector has other ids: {text[:60]!r}")
        _sparse(lexical.encode_item(text, level="passage"), text)
    _law(len(lexical.encode_item("", level="page").indices) == 0, "an empty text has terms")
    statistics = TermCounts.of([vector.indices for vector in pages])
    for text, vector in zip(texts, pages, strict=True):
        query = lexical.encode_query(text, statistics)
        _sparse(query, text)
        scored = [lexical.scores(query, [[other]], level="page")[0] for other in texts]
        products = [_dot(query, other) for other in pages]
        _law(bool(np.allclose(scored, products, rtol=1e-5)), f"scores are not the products of vectors: {text[:60]!r}")
        if len(vector.indices):
            _law(_dot(query, vector) > 0, f"a text does not find itself: {text[:60]!r}")
    unknown = lexical.encode_query("qzxv", TermCounts.empty())
    _law(len(unknown.indices) == 0 or bool(np.isfinite(unknown.values).all()), "an empty library breaks the query")
    return pages


def _sparse(vector: Sparse, text: str) -> None:
    shown = repr(text[:60])
    _law(vector.indices.dtype == np.uint32 and vector.values.dtype == np.float32, f"dtypes are wrong: {shown}")
    _law(len(vector.indices) == len(vector.values), f"indices and values differ in length: {shown}")
    _law(bool(np.all(vector.indices[1:] > vector.indices[:-1])), f"indices do not ascend: {shown}")
    _law(bool(np.isfinite(vector.values).all() and (vector.values > 0).all()), f"weights are not positive: {shown}")


def _dot(left: Sparse, right: Sparse) -> float:
    shared, a, b = np.intersect1d(left.indices, right.indices, return_indices=True)
    return float(left.values[a] @ right.values[b]) if len(shared) else 0.0
