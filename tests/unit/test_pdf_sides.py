"""Text beside a chart and text beside text are read one after the other; rows of tables stay rows."""

from __future__ import annotations

import pytest
from ragsys_pdf.columns import regions
from ragsys_pdf.rows import row_text
from ragsys_pdf.spans import Span


def span(x: float, y: float, text: str, size: float, block: int) -> Span:
    """Text whose letters are half as wide as high, its top at `y`."""
    return Span(x, y, x + 0.5 * size * len(text), y + 1.35 * size, text, size, False, block)


def paragraph(x: float, y: float, size: float, block: int, *lines: str, pitch: float = 1.4) -> list[Span]:
    """Lines of one block, the first with its top at `y`."""
    return [span(x, y + n * pitch * size, line, size, block) for n, line in enumerate(lines)]


def read(spans: list[Span]) -> list[str]:
    """The lines as they are read."""
    return [row_text(row.cells) for rows in regions(spans) for row in rows]


BULLETS = [
    span(82, 120, "705 units delivered in 2025", 19, 2),
    *paragraph(82, 164, 19, 3, "D40 is the growth model: 248, up", "from 203"),
    *paragraph(82, 234, 19, 4, "D120 needed a recall of valves,", "closed on 30 June"),
]
READ = [one.text for one in BULLETS]


def test_a_list_is_not_joined_with_the_labels_of_the_chart_beside_it() -> None:
    labels = [
        span(470, 114, "Units delivered", 13, 5),
        span(776, 114, "D15", 13, 11),
        span(484, 149, "400", 11.7, 10),
        span(665, 168, "365", 11.2, 17),  # level with a line of the list, by chance
        span(797, 163, "371", 11.2, 21),
        span(532, 201, "318", 11.2, 13),
        span(830, 252, "248", 11.2, 22),
        span(561, 450, "2023", 13, 12),
    ]
    lines = read([*labels, *BULLETS])
    assert lines[:5] == READ
    assert sorted(" ".join(lines[5:]).split()) == sorted(" ".join(one.text for one in labels).split())


def test_two_labels_are_enough() -> None:
    labels = [
        span(470, 114, "Units in the fleet", 15, 5),
        span(525, 188, "2024", 15, 6),
        span(641, 188, "22 %", 15, 6),
        span(525, 297, "2025", 15, 7),
    ]
    assert read([*labels, *BULLETS])[:5] == READ


def test_text_at_the_right_of_a_chart_is_read_whole() -> None:
    shift = [one._replace(x0=one.x0 + 400, x1=one.x1 + 400) for one in BULLETS]
    labels = [
        span(60, 112, "Deliveries by region", 13, 20),
        span(90, 158, "Mediterranean", 11, 21),
        span(90, 209, "North Atlantic", 11, 22),
        span(90, 246, "The Gulf", 11, 23),
    ]
    lines = read([*labels, *shift])
    assert lines[-5:] == READ
    assert lines[0] == "Deliveries by region"


def test_two_boxes_of_a_few_lines_are_read_one_after_the_other() -> None:
    title = span(60, 40, "What we promise, and to whom it is promised by us this year, in full", 30, 0)
    left = paragraph(60, 120, 16, 1, "Five years of warranty for all", "membranes with pulse flushing")
    right = paragraph(520, 120, 16, 2, "The free update comes to every", "unit that is in service by May")
    assert read([title, *left, *right]) == [one.text for one in (title, *left, *right)]


def test_three_boxes_of_a_few_lines_are_read_one_after_the_other() -> None:
    boxes = [
        paragraph(60 + 300 * n, 120, 14, n, f"Box {n} begins with this line", "and ends with a second one")
        for n in range(3)
    ]
    assert read([one for box in boxes for one in box]) == [one.text for box in boxes for one in box]


@pytest.mark.parametrize("top", range(84, 130, 3))
@pytest.mark.parametrize("pitch", [1.2, 1.4])
def test_a_caption_beside_text_leaves_the_lines_above_and_below_whole(top: float, pitch: float) -> None:
    across = "runs across the whole of the page, as do some others, far to the right of the picture"
    above = paragraph(60, 60, 12, 1, f"The text {across}")
    beside = paragraph(60, 80, 12, 1, *(f"the text stands beside a picture {n}" for n in range(5)), pitch=1.67)
    below = paragraph(60, 182, 12, 1, f"and then it {across}")
    caption = paragraph(420, top, 10, 2, "The glacier in 1840, drawn", "by a guide who was", "there", pitch=pitch)
    spans = [*above, *beside, *below]
    assert read([*spans, *caption]) == [one.text for one in (*above, *beside, *caption, *below)]


def test_larger_labels_and_their_values_stay_one_row() -> None:
    rows = [
        (
            span(60, 100 + 30 * n, f"Sales of the plant {n}", 14, n),
            span(400, 103.3 + 30 * n, f"{n + 1},2{n}0", 10, 10 + n),
        )
        for n in range(5)
    ]
    assert read([one for row in rows for one in row]) == [f"{a.text} {b.text}" for a, b in rows]


def test_notes_stay_with_their_marks() -> None:
    notes = [(f"({n})", f"In {2015 + n} the company recorded a charge of ${n} million") for n in range(1, 5)]
    spans = []
    for n, (mark, text) in enumerate(notes):
        spans += [span(60, 100 + 20 * n, mark, 6, n), span(90, 102 + 20 * n, text, 9, 10 + n)]
    assert read(spans) == [f"{mark} {text}" for mark, text in notes]


def test_names_stay_with_their_entries() -> None:
    entries = [
        ("Safety and Graphics", ("Personal protection products and", "floor matting of all kinds")),
        ("Health Care", ("Medical and surgical supplies of", "many kinds and information")),
        ("Consumer", ("Office tapes and adhesives, and", "notes that stick anywhere")),
    ]
    spans = []
    for n, (name, lines) in enumerate(entries):
        spans.append(span(60, 108.5 + 60 * n, name, 12, 2 * n))  # beside the middle of its entry
        spans += paragraph(300, 100 + 60 * n, 10, 2 * n + 1, *lines)
    lines = read(spans)
    for name, text in entries:
        near = lines.index(next(line for line in lines if text[0] in line))
        assert any(name in line for line in lines[max(0, near - 1) : near + 2])


def test_the_wrapped_headers_of_two_columns_stay_over_them() -> None:
    head = [
        span(300, 100, "The world would be", 9, 1),
        span(296, 111, "worse without them", 9, 1),
        span(450, 100, "Efforts to solve it", 9, 2),
        span(456, 111, "are making it bad", 9, 2),
    ]
    body = [
        one
        for n in range(4)
        for one in (span(60, 130 + 14 * n, f"Group {n}", 9, 3), span(330, 130 + 14 * n, f"{n}8", 9, 3),
                    span(480, 130 + 14 * n, f"5{n}", 9, 3))
    ]  # fmt: skip
    assert len(regions([*head, *body])) == 1


def test_wrapped_cells_of_a_table_stay_in_their_row() -> None:
    cells = [
        *paragraph(60, 100, 10, 1, "the function of this", "row, which is wrapped"),
        *paragraph(260, 100, 10, 2, "where it is described,", "which is wrapped too"),
        span(460, 100, "Supported", 10, 3),
    ]
    assert len(regions(cells)) == 1
    assert len(regions(cells[:-1])) == 2  # with nothing else beside them they are two paragraphs
