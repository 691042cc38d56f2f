"""The rules under the loader: clean text, numbers, headings, captions, tables; the layout of MuPDF's JSON."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ragsys_pdf.captions import CAPTION
from ragsys_pdf.cleaning import clean, glue, unmappable
from ragsys_pdf.columns import regions
from ragsys_pdf.figures import join_boxes
from ragsys_pdf.furniture import edges, furniture
from ragsys_pdf.ocr import parse_tsv
from ragsys_pdf.paragraphs import Line, title_level
from ragsys_pdf.rows import Row, group_rows, is_value, make_cells
from ragsys_pdf.spans import RawPage, Span, parse_stext, raw_page, turn
from ragsys_pdf.tables import find_tables, markdown


def span(x: float, y: float, text: str, size: float = 10.0, bold: bool = False) -> Span:
    """Text whose letters are half as wide as high, its top at `y`."""
    return Span(x, y, x + 0.5 * size * len(text), y + 1.1 * size, text, size, bold, 0)


@given(st.text())
def test_clean_text_has_no_controls_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in cleaned)
    assert clean(cleaned) == cleaned
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ﬁnal eﬀort", "final effort"),
        ("a\x00b\x07c", "abc"),
        ("co\u00adoperate", "cooperate"),
        ("\u202bשלום\u202c", "שלום"),
        ("Fr´enay", "Frénay"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert clean(raw) == expected


def test_unmappable_characters_are_counted() -> None:
    assert unmappable("plain") == 0
    assert unmappable("\uf0b7 a list mark") == 0
    assert unmappable("\ufffd\x01\ue000a") == 3


@pytest.mark.parametrize(
    ("before", "after", "words", "result"),
    [
        ("a weak-", "ness of", set(), "a weakness of"),
        ("the well-", "known case", {"well-known"}, "the well-known case"),
        ("from weak-", "to-strong", set(), "from weak-to-strong"),
        ("COVID-", "19 cases", set(), "COVID-19 cases"),
        ("one line", "and the next", set(), "one line and the next"),
        ("北京", "大学", set(), "北京大学"),
    ],
)
def test_lines_are_joined(before: str, after: str, words: set[str], result: str) -> None:
    kept, joint = glue(before, after, words)
    assert kept + joint + after == result


@pytest.mark.parametrize(
    "text",
    ["1,577", "(370)", "$5,363", "$(0.84)", "23.9 %", "—", "2018", "n/a", "53.8(0.5)", "3.2 ± 0.1", "€ 3,4", "(1)"],
)
def test_values(text: str) -> None:
    assert is_value(text)


@pytest.mark.parametrize("text", ["Net", "ACE05", "10-K", "A", "see note 5", "Q2 sales", "a 1,200"])
def test_words_are_no_values(text: str) -> None:
    assert not is_value(text)


@pytest.mark.parametrize(
    "text", ["Figure 3: A bar", "Fig. 2. Boats", "Table IV. Costs", "FIGURE 7", "Table 1.2 – Sums"]
)
def test_captions(text: str) -> None:
    assert CAPTION.match(text)


@pytest.mark.parametrize("text", ["Figure 2 shows that", "Tables are", "Figures and facts", "table of contents"])
def test_no_captions(text: str) -> None:
    assert not CAPTION.match(text)


@pytest.mark.parametrize(
    ("text", "size", "bold", "level"),
    [
        ("Annual Report", 20, False, 1),
        ("2.1 Methods", 10, True, 3),
        ("Item 7. Management's Discussion", 10, True, 2),
        ("PART II", 10, True, 1),
        ("Overview", 10, True, 5),
        ("Overview", 10, False, 0),
        ("a line in bold that goes on in the next one,", 10, True, 0),
        ("1,577 2,321", 14, True, 0),
    ],
)
def test_headings(text: str, size: float, bold: bool, level: int) -> None:
    line = Line((72, 100, 72 + 5 * len(text), 112), text, size, bold)
    assert title_level([line], 10, 72, 540) == level


def test_numbers_near_each_other_are_columns_and_signs_join_their_numbers() -> None:
    row = [span(72, 0, "Net income"), span(300, 0, "$"), span(330, 0, "5,363"), span(400, 0, "(370"), span(422, 0, ")")]
    assert [c.text for c in make_cells(row)] == ["Net income", "$5,363", "(370)"]


def test_a_table_among_text() -> None:
    lines = [[span(72, 12 * n, "running text that fills the width of the page " * 3)] for n in range(3)]
    head = [span(300, 50, "2022"), span(380, 50, "2021")]
    rows = [
        [span(72, 62 + 12 * n, f"Label {n}"), span(300, 62 + 12 * n, f"{n}12"), span(380, 62 + 12 * n, f"{n}45")]
        for n in range(4)
    ]
    below = [[span(72, 130 + 12 * n, "more running text that fills the page " * 3)] for n in range(2)]
    made = [Row(make_cells(r)) for r in [*lines, head, *rows, *below]]
    ((first, end, table),) = find_tables(made)
    assert (first, end) == (3, 8)
    assert table.rows[0] == ("", "2022", "2021")
    assert table.rows[4] == ("Label 3", "312", "345")
    assert table.headed


def test_a_header_over_a_group_names_each_of_its_columns() -> None:
    rows = [
        [span(212, 0, "Three Months"), span(412, 0, "Nine Months")],
        [span(x, 12, text) for x, text in ((200, "2022"), (260, "2021"), (400, "2022"), (460, "2021"))],
        [span(72, 24, "Sales"), *(span(x, 24, f"{x},5") for x in (200, 260, 400, 460))],
        [span(72, 36, "Costs"), *(span(x, 36, f"{x},7") for x in (200, 260, 400, 460))],
    ]
    ((_, _, table),) = find_tables([Row(make_cells(r)) for r in rows])
    assert table.rows[0] == ("", "Three Months 2022", "Three Months 2021", "Nine Months 2022", "Nine Months 2021")


def test_page_numbers_under_short_pages() -> None:
    pages = [RawPage(n, 600, 800, [span(72, 90, "text"), span(250, 400, f"The Mill | {n + 4}")]) for n in (1, 2)]
    marks = [edges(page) for page in pages]
    headers, footers = furniture(marks[0], marks[1:], 10)
    assert headers == []
    assert [s.text for row in footers for s in row] == ["The Mill | 5"]


def test_prose_is_no_table() -> None:
    rows = [
        Row(
            make_cells(
                [
                    span(72, 12 * n, "some running text"),
                    span(240, 12 * n, "and the much longer rest of it that is set apart"),
                ]
            )
        )
        for n in range(6)
    ]
    assert find_tables(rows) == []


def test_a_wrapped_label_is_one_row() -> None:
    rows = [
        [span(300, 0, "2022"), span(380, 0, "2021")],
        [span(72, 12, "Adjustments to reconcile net income to cash")],
        [span(72, 24, "provided by operations"), span(300, 24, "1,200"), span(380, 24, "1,100")],
        [span(72, 36, "Depreciation"), span(300, 36, "12"), span(380, 36, "11")],
    ]
    ((_, _, table),) = find_tables([Row(make_cells(r)) for r in rows])
    assert table.rows[1] == ("Adjustments to reconcile net income to cash provided by operations", "1,200", "1,100")


@given(st.lists(st.lists(st.text("ab|1 ", max_size=4), min_size=2, max_size=2), min_size=1, max_size=5))
def test_markdown_rows_start_where_it_says(rows: list[list[str]]) -> None:
    text, starts = markdown(rows)
    assert len(starts) == len(rows)
    assert all(text[s] == "|" and (s == 0 or text[s - 1] == "\n") for s in starts)
    assert len(text.splitlines()) == len(rows) + 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500),
            st.integers(0, 700),
            st.text("abc 12", min_size=1, max_size=30),
            st.sampled_from((7.0, 10.0, 14.0)),
            st.integers(0, 6),
        ),
        max_size=40,
    )
)
def test_every_span_is_in_one_region(places: list[tuple[int, int, str, float, int]]) -> None:
    spans = [span(x, y, text.strip() or "x", size)._replace(block=block) for x, y, text, size, block in places]
    rows = [row for region in regions(spans) for row in region]
    letters = sum(len(cell.text.replace(" ", "")) for row in rows for cell in row.cells)
    assert letters == sum(len(s.text.replace(" ", "")) for s in spans)


@given(st.lists(st.tuples(*[st.integers(0, 90)] * 2).map(lambda p: (p[0], p[1], p[0] + 10, p[1] + 10)), max_size=20))
def test_joined_boxes_are_apart_and_hold_all(boxes: list[tuple[float, float, float, float]]) -> None:
    joined = join_boxes(boxes, gap=1)
    for box in boxes:
        assert any(j[0] <= box[0] and j[1] <= box[1] and j[2] >= box[2] and j[3] >= box[3] for j in joined)
    for n, a in enumerate(joined):
        for b in joined[n + 1 :]:
            assert a[0] > b[2] + 1 or a[2] < b[0] - 1 or a[1] > b[3] + 1 or a[3] < b[1] - 1


@given(st.sampled_from([90, 180, 270]), st.tuples(*[st.floats(0, 500)] * 4))
def test_turning_is_undone(turned: int, corners: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
    width, height = 500.0, 600.0
    frame = (width, height) if turned == 180 else (height, width)
    page = RawPage(1, *frame, [], turned=turned)
    assert page.displayed(turn((x0, y0, x1, y1), turned, width, height)) == pytest.approx((x0, y0, x1, y1))
    assert page.displayed_size == (width, height)


def stext(*lines: tuple[int, int, int, int, str], order: bool = True) -> bytes:
    """MuPDF's JSON of one block; with `order` false its keys come in another order."""
    made = []
    for x, y, w, h, text in lines:
        font = {"name": "A", "family": "serif", "weight": "bold", "style": "normal", "size": 1000}
        line = {
            "wmode": 0,
            "bbox": {"x": x, "y": y, "w": w, "h": h, "flags": 0},
            "font": font,
            "x": x,
            "y": y + h,
            "text": text,
        }
        made.append(line if order else dict(sorted(line.items(), reverse=True)))
    image = {"type": "image", "bbox": {"x": 100, "y": 200, "w": 300, "h": 400}}
    return json.dumps({"blocks": [{"type": "text", "lines": made}, image]}, separators=(",", ":")).encode()


@pytest.mark.parametrize("order", [True, False])
def test_structured_text_is_read_in_either_form(order: bool) -> None:
    found = parse_stext(stext((7200, 1000, 5000, 1100, 'say "no" \\ 5'), (0, 0, 10, 10, "  "), order=order), 100.0)
    (piece,) = found.level
    assert piece == Span(72.0, 10.0, 122.0, 21.0, 'say "no" \\ 5', 10.0, True, 0)
    assert found.images == [(1.0, 2.0, 4.0, 6.0)]


def test_numbers_and_dot_leaders_come_apart() -> None:
    page = raw_page(
        1, 600, 800, stext((0, 1000, 30000, 1100, "Business ........ 5"), (0, 3000, 9000, 1100, "1,2 3,4 5,6")), 100.0
    )
    assert [s.text for s in page.spans] == ["Business", "5", "1,2", "3,4", "5,6"]
    assert page.spans[1].x0 > page.spans[0].x1


def test_furniture_needs_company() -> None:
    pages = [RawPage(n, 600, 800, [span(72, 20, f"The Mill, part {n}"), span(72, 400, "text")]) for n in (1, 2, 3)]
    marks = [edges(page) for page in pages]
    headers, footers = furniture(marks[0], marks[1:], 10)
    assert [s.text for row in headers for s in row] == ["The Mill, part 1"]
    assert footers == []
    assert furniture(marks[0], [edges(RawPage(2, 600, 800, [span(72, 20, "Another")]))], 10) == ([], [])


def test_rows_are_grouped_by_height() -> None:
    rows = group_rows([span(200, 11, "b"), span(72, 10, "a"), span(72, 24, "c"), span(80, 8, "2", 6)])
    assert [[s.text for s in row] for row in rows] == [["a", "2", "b"], ["c"]]


def test_tesseract_table() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    words = [
        "5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t96.5\tHello",
        "5\t1\t1\t1\t1\t2\t50\t20\t30\t12\t12\tnoise",
        "4\t1\t1\t1\t2\t0\t1\t1\t1\t1\t-1\t",
    ]
    assert parse_tsv("\n".join([head, *words]), 30) == [[((10.0, 20.0, 40.0, 32.0), "Hello")]]
