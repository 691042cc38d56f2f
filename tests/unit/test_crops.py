"""What a citation's crop shows: whole lines, and of a table the header that its numbers stand under."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import write_pdf
from PIL import Image

from ragsys.answers import Citation
from ragsys.library import Library
from ragsys.pictures import BREAK, citation_picture, cut_of
from ragsys.saved import linked_from, save
from ragsys.types import BBox, Block, BlockKind, Evidence, Hit, Level, Line, Page, PageImage, Span


def cited(*boxes: BBox, blocks: tuple[int, ...] = (0,), page: int = 1) -> Citation:
    return Citation(1, 1, "d", "a.pdf", "", page, blocks, boxes, "", Level.QUOTED, "p")


def prose(top: float, lines: int, height: float = 0.02, ordinal: int = 0) -> Block:
    """Lines of text one below the other, a line's height apart."""
    made = tuple(Line(n * 5, BBox(0.1, top + n * height, 0.9, top + (n + 1) * height)) for n in range(lines))
    return Block(ordinal, BlockKind.TEXT, BBox(0.1, top, 0.9, top + lines * height), "words" * lines, made)


def table(top: float, rows: int, height: float = 0.02, *, continues: bool = False) -> Block:
    cells = (("Model", "2024", "2025"), *((f"D{n}", str(n), str(n + 1)) for n in range(rows)))
    texts = ["| " + " | ".join(row) + " |" for row in cells]
    texts.insert(1, "|---|---|---|")
    text = "\n".join(texts)
    bbox = BBox(0.1, top, 0.9, top + (rows + (not continues)) * height)
    starts = [0]
    for n in range(1, len(texts)):
        starts.append(starts[-1] + len(texts[n - 1]) + 1)
    del starts[1]  # the rule is no row
    boxes = [BBox(0.1, top + n * height, 0.9, top + (n + 1) * height) for n in range(rows + 1)]
    if continues:  # its header is on the page before: the loader gives it the whole table's box
        boxes = [bbox, *boxes[:rows]]
    lines = tuple(Line(start, box) for start, box in zip(starts, boxes, strict=True))
    return Block(0, BlockKind.TABLE, bbox, text, lines, cells, continues=continues)


def test_no_line_is_cut() -> None:
    page = Page(1, 600, 800, (prose(0.05, 45),))
    lines = page.blocks[0].lines
    for n in range(0, 45, 4):
        (view,) = cut_of(page, cited(lines[n].bbox)).views
        for line in lines:
            inside = view.y0 <= line.bbox.y0 + 0.002 and line.bbox.y1 - 0.002 <= view.y1
            assert inside or line.bbox.y1 <= view.y0 + 0.002 or line.bbox.y0 >= view.y1 - 0.002
        assert view.y0 <= lines[n].bbox.y0
        assert lines[n].bbox.y1 <= view.y1


def test_a_row_that_is_near_its_header_is_shown_in_one_piece_with_it() -> None:
    one = table(0.2, 18)
    (view,) = cut_of(Page(1, 600, 800, (one,)), cited(one.lines[17].bbox)).views
    assert view.y0 <= one.lines[0].bbox.y0
    assert view.y1 > one.lines[17].bbox.y1
    assert view.y1 - view.y0 < 0.6


def test_a_row_that_is_far_from_its_header_comes_under_it_after_a_break() -> None:
    one = table(0.05, 44)
    caption = Block(1, BlockKind.CAPTION, BBox(0.1, 0.02, 0.9, 0.04), "Table 1", about=0)
    cut = cut_of(Page(1, 600, 800, (one, caption)), cited(one.lines[40].bbox))
    head, row = cut.views
    assert head.y0 <= 0.02
    assert one.lines[0].bbox.y1 <= head.y1 < one.lines[3].bbox.y1
    assert row.y0 > head.y1
    assert row.y0 <= one.lines[40].bbox.y0
    assert one.lines[40].bbox.y1 <= row.y1
    assert cut.header == ()


def test_a_table_that_goes_on_from_the_page_before_has_its_header_as_text() -> None:
    one = table(0.05, 30, continues=True)
    cut = cut_of(Page(2, 600, 800, (one,)), cited(one.lines[20].bbox, page=2))
    assert cut.header == ("Model", "2024", "2025")
    (view,) = cut.views
    assert view.y1 - view.y0 < 0.4


def test_parts_are_stacked_with_the_cited_boxes_marked() -> None:
    one = table(0.05, 44)
    page = Page(1, 600, 800, (one,))
    evidence = Evidence(1, "d", "a.pdf", "", page, "p", Hit(Span("d", 1, 1), 1, 0.0))

    def render(_: Evidence, dpi: float, clip: BBox | None) -> PageImage:
        height = round(800 * (clip.y1 - clip.y0)) if clip else 800
        return PageImage(1, 600, height, dpi, Image.new("RGB", (600, height), "white"))

    image = citation_picture(render, evidence, cited(one.lines[40].bbox), 72, True)
    head, row = cut_of(page, cited(one.lines[40].bbox)).views
    whole = 800 * (head.y1 - head.y0 + row.y1 - row.y0)
    assert whole < image.height < whole + 40
    colours = {colour for _, colour in image.getcolors(1 << 20) or ()}
    assert BREAK in colours  # the break
    assert any(red > 240 and blue < 220 for red, _, blue in colours)  # type: ignore[misc]  # the box
    assert image.crop((0, 0, 600, 14)).getcolors() == [(600 * 14, (255, 255, 255))]  # none in the header


@pytest.mark.parametrize("name", ["report.pdf", "Q1 #2 50%.pdf", "Übersicht ß.pdf"])
def test_a_saved_answer_links_to_the_page_of_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.parse import unquote, urlsplit

    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    file = write_pdf(tmp_path / "docs" / name, ["Nothing here.", "Press the green button for nine seconds."])
    with Library(tmp_path / "docs", config="laptop-lexical", background=False) as library:
        answer = library.ask("For how many seconds must the green button be pressed?")
        (citation,) = answer.citations
        parts = urlsplit(citation.link)
        assert (parts.scheme, unquote(parts.path), parts.fragment) == ("file", file.as_posix(), "page=2")
        save(answer, tmp_path / "out" / "answer.md")
        save(answer, tmp_path / "out" / "answer.html")
    moved = linked_from(answer, tmp_path / "out").citations[0].link
    assert unquote(urlsplit(moved).path) == f"../docs/{name}"
    assert f"(<{moved}>)" in (tmp_path / "out" / "answer.md").read_text(encoding="utf-8")
    html = (tmp_path / "out" / "answer.html").read_text(encoding="utf-8")
    assert f'href="{moved}"' in html
    assert str(tmp_path) not in html  # a saved answer does not say where its reader's files are
    file.unlink()
    with Library(tmp_path / "docs", config="laptop-lexical", background=False, index=False) as library:
        (gone,) = library.ask("For how many seconds must the green button be pressed?").citations
        assert (gone.link, gone.gone) == ("", True)
