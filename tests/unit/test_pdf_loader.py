"""What the loader makes of pages whose content is known, and of files that are no good."""

from __future__ import annotations

from pathlib import Path

import pdfs
import pymupdf
import pytest
from ragsys_pdf.loader import PyMuPdfLoader, iso_date
from ragsys_pdf.options import LoaderOptions

from ragsys.errors import DocumentError, UsageError
from ragsys.protocols import Context
from ragsys.types import BBox, Block, BlockKind, Page


def loader(**options: object) -> PyMuPdfLoader:
    return PyMuPdfLoader(LoaderOptions.model_validate(options), Context(Path(), Path()))


def pages(path: Path, **options: object) -> list[Page]:
    items = list(loader(**options).open(path))
    assert all(isinstance(item, Page) for item in items)
    return [item for item in items if isinstance(item, Page)]


def of_kind(page: Page, kind: BlockKind) -> list[Block]:
    return [block for block in page.blocks if block.kind is kind]


def test_article(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.article))
    titles = of_kind(page, BlockKind.TITLE)
    assert [(t.text, t.level) for t in titles] == [("Life on the River", 1), ("2 Boats and Their Builders", 2)]
    texts = of_kind(page, BlockKind.TEXT)
    assert [t.text for t in texts] == [pdfs.PROSE.strip()] * 2
    (items,) = of_kind(page, BlockKind.LIST)
    assert items.text.splitlines() == ["· oak for the keel", "· pine for the planks", "· tar for the seams"]
    assert page.source == "text"


def test_lines_point_into_the_text(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.article))
    block = of_kind(page, BlockKind.TEXT)[0]
    start = block.text.index("the same two brothers")
    (box,) = set(block.boxes(start, start + 8))
    words = pymupdf.open(tmp_path / "a.pdf")[0].get_text("words")
    x0, y0, x1, y1 = next(w[:4] for w in words if w[4] == "brothers")
    middle = (x0 + x1) / 2 / page.width_pt, (y0 + y1) / 2 / page.height_pt
    assert box.x0 <= middle[0] <= box.x1
    assert box.y0 <= middle[1] <= box.y1


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.columns))
    marks = ["A Title", "LEFT BEGINS", "LEFT ENDS", "RIGHT BEGINS", "RIGHT ENDS"]
    places = [page.text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_table(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.table_page))
    (table,) = of_kind(page, BlockKind.TABLE)
    assert table.cells == tuple(pdfs.FINANCES)
    lines = table.text.splitlines()
    assert lines[0] == "| (in millions) | 2022 | 2021 | 2020 |"
    assert lines[1] == "|---|---|---|---|"
    assert lines[4] == "| Research and development | 947 | 1,072 | 1,201 |"
    row = table.lines[3]
    assert table.text[row.start :].startswith("| Research and development")
    # the fourth row stands at y = 140 + 3 * 16 points
    assert row.bbox.y0 < 186 / page.height_pt < row.bbox.y1
    (caption,) = of_kind(page, BlockKind.CAPTION)
    assert caption.about == table.ordinal


def test_a_list_beside_a_chart_is_no_table(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.chart_beside_list_page, width=960, height=540))
    assert not of_kind(page, BlockKind.TABLE)
    texts = [line for block in page.blocks for line in block.text.split("\n")]
    (gulf,) = [text for text in texts if "The Gulf" in text]
    assert gulf.endswith("The Gulf passes EUR 30 million")  # and no label of a bar
    assert "44.0" in page.text


def test_tables_can_be_turned_off(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.table_page), tables=False)
    assert not of_kind(page, BlockKind.TABLE)
    assert "Research and development 947 1,072 1,201" in page.text


def test_a_table_over_two_pages_repeats_its_header(tmp_path: Path) -> None:
    document = pymupdf.open()
    rows = [(f"Item {n}", f"{n}.5", f"{n * 7}", f"{n * 3}") for n in range(1, 60)]
    pdfs.table(document.new_page(), [("Product", "Weight", "Price", "Stock"), *rows[:40]], top=100)
    pdfs.table(document.new_page(), rows[40:], top=100)
    document.save(tmp_path / "a.pdf")
    first, second = pages(tmp_path / "a.pdf")
    (begun,), (goes_on,) = of_kind(first, BlockKind.TABLE), of_kind(second, BlockKind.TABLE)
    assert begun.cells[0] == ("Product", "Weight", "Price", "Stock")
    assert not begun.continues
    assert goes_on.continues
    assert goes_on.cells[0] == begun.cells[0]
    assert goes_on.cells[1] == rows[40]
    assert len(goes_on.lines) == len(goes_on.cells) == 20


@pytest.mark.parametrize("draw", [pdfs.figure_page, pdfs.drawing_page])
def test_figures_and_their_captions(draw: object, tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", draw))  # type: ignore[arg-type]
    (figure,) = of_kind(page, BlockKind.FIGURE)
    (caption,) = of_kind(page, BlockKind.CAPTION)
    assert caption.about == figure.ordinal
    assert figure.bbox.x0 * page.width_pt == pytest.approx(150, abs=3)
    assert figure.bbox.x1 * page.width_pt == pytest.approx(450, abs=50)
    assert page.text.count("meets the sea") == 2


def test_labels_of_a_drawing_belong_to_it(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.drawing_page))
    (figure,) = of_kind(page, BlockKind.FIGURE)
    assert figure.text == "2018 2019 2020 2021 2022"


def test_a_table_over_a_drawing_is_none_of_it(tmp_path: Path) -> None:
    (page,) = pages(pdfs.new(tmp_path / "a.pdf", pdfs.table_over_drawing_page))
    (table,) = of_kind(page, BlockKind.TABLE)
    assert table.cells == (
        ("Strategy", "Energy (kWh/m³)", "Loss of flow (%)"),
        ("No flushing", "3.64", "14.2"),
        ("Fixed interval", "3.41", "9.6"),
        ("Learned control", "2.90", "4.4"),
        ("Pulse flushing + feed-forward", "2.81", "3.8"),
    )
    (figure,) = of_kind(page, BlockKind.FIGURE)
    assert figure.text.splitlines()[0] == "Loss of flow (%) None Fixed Pulse"
    assert "1500 h" in figure.text
    assert figure.bbox.y0 >= table.bbox.y1
    captions = of_kind(page, BlockKind.CAPTION)
    assert [(c.text.split(":")[0], c.about) for c in captions] == [
        ("Table 2", table.ordinal),
        ("Figure 1", figure.ordinal),
    ]
    first, last = of_kind(page, BlockKind.TEXT)
    assert first.text == last.text == pdfs.PROSE[:270].strip()


def test_what_git_leaves_in_the_place_of_a_large_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(DocumentError, match="a Git LFS pointer, not the file itself") as found:
        list(loader().open(path))
    assert found.value.hint == "fetch the files: git lfs pull"


def test_broken_content_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = pdfs.new(tmp_path / "a.pdf", pdfs.article)
    document = pymupdf.open(path)
    document.update_stream(document[0].get_contents()[0], b"BT ( 12 Tf <zz> Tj ET ] ) ) q q 1 0 foo bar [")
    document.save(tmp_path / "b.pdf")
    document.close()
    list(loader().open(tmp_path / "b.pdf"))
    loader().render(tmp_path / "b.pdf", 1, dpi=30)
    assert pymupdf.TOOLS.mupdf_warnings()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_pages_are_read_as_displayed(degrees: int, tmp_path: Path) -> None:
    (upright,) = pages(pdfs.new(tmp_path / "upright.pdf", pdfs.table_page))
    (page,) = pages(pdfs.rotated(tmp_path / "a.pdf", degrees))
    assert [b.kind for b in page.blocks] == [b.kind for b in upright.blocks]
    assert page.text == upright.text
    size = (upright.width_pt, upright.height_pt)
    assert (page.width_pt, page.height_pt) == (size if degrees == 180 else size[::-1])
    # the page is turned clockwise: what was at the top is at the right (90), at the bottom (180), at the left (270)
    x0, y0, x1, y1 = upright.blocks[0].bbox
    turned = {90: (1 - y1, x0, 1 - y0, x1), 180: (1 - x1, 1 - y1, 1 - x0, 1 - y0), 270: (y0, 1 - x1, y1, 1 - x0)}
    assert page.blocks[0].bbox == pytest.approx(turned[degrees], abs=0.01)


def test_running_headers_and_page_numbers_are_furniture(tmp_path: Path) -> None:
    document = pymupdf.open()
    for n in range(5):
        page = document.new_page()
        page.insert_text((72, 40), f"Annual Report of the Mill, part {n}", fontsize=9)
        pdfs.article(page)
        page.insert_text((290, 820), str(n + 1), fontsize=9)
    document.save(tmp_path / "a.pdf")
    for n, page in enumerate(pages(tmp_path / "a.pdf")):
        assert [b.text for b in of_kind(page, BlockKind.HEADER)] == [f"Annual Report of the Mill, part {n}"]
        assert [b.text for b in of_kind(page, BlockKind.FOOTER)] == [str(n + 1)]


def test_outline_gives_levels(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 80), "Of boats", fontsize=11)
    page.insert_textbox((72, 100, 520, 200), pdfs.PROSE, fontsize=11)
    document.set_toc([[1, "River", 1], [2, "Of  Boats", 1]])
    document.save(tmp_path / "a.pdf")
    (read,) = pages(tmp_path / "a.pdf")
    assert [(b.text, b.level) for b in of_kind(read, BlockKind.TITLE)] == [("Of boats", 2)]
    (plain,) = pages(tmp_path / "a.pdf", outline=False)
    assert of_kind(plain, BlockKind.TITLE) == []


def test_right_to_left_text_is_in_logical_order(tmp_path: Path) -> None:
    document = pymupdf.open()
    sentence = "הנהר עולה מן הגבעות Mill Road וזורם 40 קילומטרים עד הים"
    document.new_page().insert_htmlbox((72, 72, 520, 200), f'<p dir="rtl">{sentence}</p>')
    document.save(tmp_path / "a.pdf")
    (page,) = pages(tmp_path / "a.pdf")
    assert page.text == sentence


def test_scans_are_without_text(tmp_path: Path) -> None:
    (page,) = pages(pdfs.scan(tmp_path / "a.pdf", pdfs.article))
    assert page.source == "none"
    assert [b.kind for b in page.blocks] == [BlockKind.FIGURE]


def test_garbage_is_no_text(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page().insert_htmlbox((72, 72, 520, 200), "<p>\ue123\ue456\ue789 \uf123 ab</p>" * 3)
    document.save(tmp_path / "a.pdf")
    (page,) = pages(tmp_path / "a.pdf")
    assert page.source == "none"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [(b"", "empty"), (b"this is no PDF", "broken"), (b"%PDF-1.7\n garbage \n%%EOF", "broken")],
)
def test_files_that_are_no_good(content: bytes, outcome: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    for read in (loader().info, lambda p: list(loader().open(p))):
        with pytest.raises(DocumentError) as caught:
            read(path)
        assert caught.value.outcome in (outcome, "empty")


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        loader().info(tmp_path / "none.pdf")
    assert caught.value.outcome == "unreadable"


def test_an_unknown_kind_of_file_is_unsupported(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    with pytest.raises(DocumentError) as caught:
        loader().info(tmp_path / "a.bin")
    assert caught.value.outcome == "unsupported"


def test_encrypted(tmp_path: Path) -> None:
    path = pdfs.encrypted(tmp_path / "a.pdf", "sesame")
    for options in ({}, {"password": "wrong"}):
        with pytest.raises(DocumentError) as caught:
            loader(**options).info(path)
        assert caught.value.outcome == "encrypted"
        assert "wrong" not in str(caught.value)
    assert "Life on the River" in pages(path, password="sesame")[0].text


def test_a_truncated_file_gives_what_is_left(tmp_path: Path) -> None:
    path = pdfs.new(tmp_path / "a.pdf", pdfs.article, pages=6)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.7)])
    read = list(loader().open(path))
    assert any(isinstance(item, Page) and "River" in item.text for item in read)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".svg", ".png", ".epub"])
def test_other_kinds_of_files(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".svg":
        path.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="99"><text y="50">river boats</text></svg>'
        )
    elif suffix == ".png":
        path.write_bytes(pdfs.picture())
    elif suffix == ".epub":
        write_epub(path)
    else:
        path.write_text("# The river boats\n\n" + pdfs.PROSE, encoding="utf-8")
    read = pages(path)
    if suffix == ".png":
        assert read[0].source == "none"
    else:
        assert "river boats" in read[0].text.lower()
        assert read[0].source == "text"


def write_epub(path: Path) -> None:
    """The smallest EPUB."""
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr(
            "c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
        )
        archive.writestr(
            "a.xhtml", '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>River boats.</p></body></html>'
        )


def test_renders_are_limited(tmp_path: Path) -> None:
    path = pdfs.new(tmp_path / "a.pdf", pdfs.article, width=14_000, height=14_000)
    image = loader(max_pixels=1_000_000).render(path, 1, dpi=300)
    assert image.width_px * image.height_px <= 1_010_000
    assert image.dpi < 10
    part = loader().render(path, 1, dpi=144, clip=BBox(0, 0, 0.01, 0.02))
    assert (part.width_px, part.height_px) == (280, 560)
    with pytest.raises(UsageError, match="no page 2"):
        loader().render(path, 2)


def test_info(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page()
    document.set_metadata({"title": "Boats of\tthe\u200b  North", "author": "A. Mill", "creationDate": "D:20190214"})
    document.save(tmp_path / "a.pdf")
    info = loader().info(tmp_path / "a.pdf")
    assert (info.pages, info.title) == (1, "Boats of the North")
    assert info.metadata["author"] == "A. Mill"
    assert info.metadata["created"] == "2019-02-14"


@pytest.mark.parametrize(
    ("given", "date"), [("D:2019", "2019-01-01"), ("20200230", "2020-02-30"), ("D:20191301", ""), ("", ""), (None, "")]
)
def test_dates(given: str | None, date: str) -> None:
    assert iso_date(given) == date
