"""Passages of pages whose passages are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ragsys_text.options import SplitterOptions
from ragsys_text.prose import count_words, sentences, slices
from ragsys_text.splitter import LayoutSplitter

from ragsys.passages import embedded_text
from ragsys.protocols import Context
from ragsys.testing.fakes import page_of_texts
from ragsys.testing.text import check_splitter
from ragsys.types import BBox, Block, BlockKind, Page, Passage

TITLE, TEXT, TABLE, CAPTION, FIGURE = (
    BlockKind.TITLE,
    BlockKind.TEXT,
    BlockKind.TABLE,
    BlockKind.CAPTION,
    BlockKind.FIGURE,
)
BOX = BBox(0, 0, 1, 1)


def split(*pages: Page, **settings: int) -> list[Passage]:
    options = SplitterOptions.model_validate(settings)
    return check_splitter(LayoutSplitter(options, Context(Path(), Path())), pages)


def sentence(words: int, name: str = "Word") -> str:
    return " ".join([name, *["word"] * (words - 2), "end."])


def table(rows: int) -> Block:
    lines = [f"| row {n} | {n} |" for n in range(rows)]
    return Block(0, TABLE, BOX, "\n".join(["| Name | 2021 |", "|---|---|", *lines]))


def test_sections_begin_passages_and_give_headings() -> None:
    body = sentence(30)
    page = page_of_texts(
        1, (TITLE, "Report"), body, Block(0, TITLE, BOX, "Costs", level=2), body, Block(0, TITLE, BOX, "End"), body
    )
    passages = split(page)
    assert [p.headings for p in passages] == [("Report",), ("Report", "Costs"), ("End",)]
    assert passages[1].text == f"Costs\n\n{body}"
    assert embedded_text(passages[1].headings, passages[1].text) == f"Report\nCosts\n\n{body}"
    assert passages[1].heading == "Report > Costs"


def test_a_short_section_goes_on() -> None:
    page = page_of_texts(1, (TITLE, "A"), "Two words.", (TITLE, "B"), sentence(30))
    assert [p.text for p in split(page)] == [f"A\n\nTwo words.\n\nB\n\n{sentence(30)}"]
    assert len(split(page, least=0)) == 2


def test_headers_and_footers_are_left_out() -> None:
    page = page_of_texts(1, (BlockKind.HEADER, "Head"), "Body text.", (BlockKind.FOOTER, "Foot"))
    assert [p.text for p in split(page)] == ["Body text."]


def test_long_text_is_cut_at_sentence_ends() -> None:
    text = " ".join(sentence(12, f"S{n}") for n in range(12))
    passages = split(page_of_texts(1, text), words=40)
    assert len(passages) == 4
    assert all(p.text.endswith("end.") and p.text.startswith("S") and count_words(p.text) == 36 for p in passages)


def test_overlap_repeats_the_last_sentences() -> None:
    text = " ".join(sentence(10, f"S{n}") for n in range(10))
    passages = split(page_of_texts(1, text), words=40, overlap=10)
    assert passages[0].text.split()[-10] == passages[1].text.split()[0] == "S3"
    assert all(count_words(p.text) <= 40 for p in passages)
    with pytest.raises(ValidationError, match="at most half"):
        SplitterOptions(words=20, overlap=11)


def test_a_table_is_cut_between_rows_and_reads_with_caption_and_header() -> None:
    caption = Block(0, CAPTION, BOX, "Table 1: Names.", about=1)
    passages = split(page_of_texts(1, caption, table(30)), words=60)
    assert len(passages) > 3
    for passage in passages:
        assert passage.text.startswith("Table 1: Names.\n")
        assert passage.text.count("| Name | 2021 |\n|---|---|\n| row") == 1
        assert count_words(passage.text) <= 60
    # nothing is repeated in the pieces
    assert sum(len(p.pieces) for p in passages) == len(passages) + 1
    rows = [line for p in passages for line in p.text.splitlines() if line.startswith("| row")]
    assert rows == [f"| row {n} | {n} |" for n in range(30)]


def test_a_table_that_fits_stays_whole() -> None:
    passages = split(page_of_texts(1, sentence(30), table(3)), words=40)
    assert [p.text.splitlines()[0] for p in passages] == [sentence(30), "| Name | 2021 |"]


def test_a_caption_below_stays_with_its_figure() -> None:
    page = page_of_texts(
        1,
        sentence(16),
        Block(0, FIGURE, BOX, "Axis 1 2 3"),
        Block(0, CAPTION, BOX, "Figure 1: Growth.", about=1),
        sentence(10),
    )
    passages = split(page, words=20)
    assert "Figure 1: Growth.\n\nAxis 1 2 3" in passages[1].text


def test_a_paragraph_runs_over_the_page_end() -> None:
    first, second = page_of_texts(1, "The sentence goes"), page_of_texts(2, "on here. And ends.", "Another paragraph.")
    passages = split(first, second)
    assert [(p.first, p.last, p.text) for p in passages] == [
        (1, 2, "The sentence goes on here. And ends."),
        (2, 2, "Another paragraph."),
    ]
    assert [(p.first, p.last) for p in split(first, page_of_texts(2, "On its own."))] == [(1, 1), (2, 2)]
    assert [(p.first, p.last) for p in split(first, page_of_texts(2), page_of_texts(3, "on."))] == [(1, 1), (3, 3)]


def test_no_words_no_passages() -> None:
    assert split() == []
    assert split(page_of_texts(1), page_of_texts(2, "  \n ")) == []


def test_text_without_sentences_or_spaces_is_cut_all_the_same() -> None:
    assert max(count_words(p.text) for p in split(page_of_texts(1, "word " * 500), words=50)) <= 50
    assert max(count_words(p.text) for p in split(page_of_texts(1, "東京" * 500), words=50)) <= 50
    assert len(split(page_of_texts(1, "x" * 5000), words=50)) == 1


texts = st.text(alphabet="ab A.!?\n東。1\u0e01|", max_size=120)
kinds = st.sampled_from([TITLE, TEXT, TABLE, FIGURE, BlockKind.LIST, BlockKind.HEADER, CAPTION])


@st.composite
def pages(draw: st.DrawFn) -> list[Page]:
    made = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        blocks = draw(st.lists(st.tuples(kinds, texts, st.none() | st.integers(0, 4)), max_size=5))
        about = [Block(0, k, BOX, t, level=1, about=a if k is CAPTION else None) for k, t, a in blocks]
        made.append(page_of_texts(number, *about))
    return made


@given(pages(), st.integers(20, 60), st.integers(0, 10), st.integers(0, 30))
def test_any_pages_keep_the_contract(given_pages: list[Page], words: int, overlap: int, least: int) -> None:
    split(*given_pages, words=words, overlap=overlap, least=least)


@given(st.text(alphabet="ab A.!?\n東。 Dr", max_size=200), st.integers(1, 9))
def test_sentences_and_slices_make_up_the_text(text: str, words: int) -> None:
    parts = list(sentences(text, 0, len(text)))
    assert "".join(text[a:b] for a, b in parts) == text
    cut = list(slices(text, 0, len(text), words))
    assert "".join(text[a:b] for a, b in cut) == text
    assert all(count_words(text[a:b]) <= words for a, b in cut)


def test_abbreviations_end_no_sentence() -> None:
    text = "Dr. Smith of Acme Inc. Paris paid 3.5 euros. See Fig. 2 for U.S. Sales data. Done! 終わり。次。"
    found = [text[a:b].strip() for a, b in sentences(text, 0, len(text))]
    assert found[0] == "Dr. Smith of Acme Inc. Paris paid 3.5 euros."
    assert found[1:] == ["See Fig. 2 for U.S. Sales data.", "Done!", "終わり。", "次。"]
