"""Pages and passages as points, and back."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from ragsys.packing import pack, unpack
from ragsys.records import (
    digest_of,
    digest_payload,
    headings_of,
    page_of,
    page_payload,
    passage_payload,
    pieces_of,
    point_id,
    sound_page,
)
from ragsys.types import BBox, Block, BlockKind, Line, Page, Piece

PAGE = Page(
    3,
    612.0,
    792.0,
    (
        Block(
            0,
            BlockKind.TITLE,
            BBox(0.1, 0.1, 0.5, 0.12),
            "Results \ud800 ü",
            (Line(0, BBox(0.1, 0.1, 0.5, 0.12)),),
            level=2,
        ),
        Block(
            1,
            BlockKind.TABLE,
            BBox(0.1, 0.2, 0.9, 0.4),
            "| a | b |\n| 1 | 2 |",
            (Line(0, BBox(0.1, 0.2, 0.9, 0.3)), Line(10, BBox(0.1, 0.3, 0.9, 0.4))),
            (("a", "b"), ("1", "2")),
            continues=True,
        ),
        Block(2, BlockKind.CAPTION, BBox(0.1, 0.42, 0.9, 0.44), "Table 1", about=1),
    ),
    "text",
    "iii",
)


def test_a_page_comes_back_whole() -> None:
    assert page_of(page_payload("d" * 32, "layer", PAGE)) == PAGE


def test_boxes_keep_a_ten_thousandth_of_the_page() -> None:
    box = BBox(0.123456, 0.2, 0.654321, 0.9)
    page = Page(1, 100.0, 100.0, (Block(0, BlockKind.TEXT, box, "x"),))
    back = page_of(page_payload("d", "l", page)).blocks[0].bbox
    assert max(abs(a - b) for a, b in zip(box, back, strict=True)) <= 0.5e-4


def test_a_passage_keeps_its_pieces_and_its_section_path() -> None:
    pieces = (Piece(3, 0, 0, 7), Piece(4, 1, 0, 19))
    payload = passage_payload("d", "l", 5, pieces, ["Results", "By\nregion"])
    assert pieces_of(payload) == pieces
    assert headings_of(payload) == ("Results", "By region")
    assert headings_of(passage_payload("d", "l", 5, pieces, [])) == ()
    assert (payload["page"], payload["last"], payload["ordinal"]) == (3, 4, 5)


def test_a_passage_of_a_library_of_the_first_versions_is_read() -> None:
    payload = {"pieces": [3, 0, 0, 7, 4, 1, 0, 19], "headings": ["Results"]}
    assert pieces_of(payload) == (Piece(3, 0, 0, 7), Piece(4, 1, 0, 19))
    assert headings_of(payload) == ("Results",)
    assert headings_of({"headings": []}) == ()


def test_a_digest_is_read_under_its_key_alone_and_only_if_it_is_sound() -> None:
    payload = digest_payload("abc", b"\x00\xff facts")
    assert digest_of(payload, "abc") == b"\x00\xff facts"
    assert digest_of(payload, "abd") is digest_of({}, "abc") is digest_of({"digest": "abc x"}, "abc") is None


def test_point_ids_are_equal_everywhere_and_differ_by_all_three_parts() -> None:
    assert point_id("doc", "layer", 1) == "30d77eba-64a1-5d94-bcd1-39e65a0cc1a6"
    assert len({point_id(doc, layer, n) for doc in "ab" for layer in "xy" for n in (1, 2)}) == 8


def test_lone_surrogates_are_replaced_and_nothing_moves() -> None:
    page = sound_page(PAGE)
    assert page.blocks[0].text == "Results ? ü"
    assert page.blocks[1:] == PAGE.blocks[1:]
    assert sound_page(page) is page


@pytest.mark.parametrize(
    ("text", "cells", "kept"),
    [
        ("| a | b |\n|---|---|\n| 1 |  |", (("a", "b"), ("1", "")), False),
        ("| a | b |\n|---|---|\n| 1 \\| 2 | 3 |", (("a", "b"), ("1 | 2", "3")), True),
        ("| a |\n|---|", (("a",),), False),
        ("a b\n1 2", (("a", "b"), ("1", "2")), True),
        ("", ((),), True),
        ("no table", (), True),
    ],
)
def test_rows_that_the_text_tells_are_not_kept_twice(text: str, cells: tuple[tuple[str, ...], ...], kept: bool) -> None:
    page = Page(1, 100.0, 100.0, (Block(0, BlockKind.TABLE, BBox(0.1, 0.2, 0.9, 0.4), text, cells=cells),))
    payload = page_payload("d", "l", page)
    assert page_of(payload) == page
    assert isinstance(unpack(payload["blocks"])[0][4], list) == kept


def test_a_page_of_a_library_of_the_first_versions_is_read() -> None:
    payload = page_payload("d", "l", PAGE)
    blocks = unpack(payload["blocks"])
    older = base64.b64encode(zlib.compress(json.dumps(blocks).encode())).decode()
    assert page_of({**payload, "blocks": older}) == PAGE
    assert len(pack(blocks)) < len(older)
