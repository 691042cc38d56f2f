"""Small PDFs of known content, made by script: what the tests of loaders and OCR read."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymupdf

PROSE = (
    "The river rises in the northern hills and runs for forty kilometres through open farmland before it meets the "
    "sea. In spring the meadows along its banks are flooded for weeks and the villages can only be reached by boat. "
    "Every family keeps one, and most of them were built by the same two brothers who still work in the old mill. "
)
FINANCES = [
    ("(in millions)", "2022", "2021", "2020"),
    ("Net sales", "$ 5,363", "$ 4,869", "$ 5,058"),
    ("Cost of goods sold", "2,911", "2,667", "2,321"),
    ("Research and development", "947", "1,072", "1,201"),
    ("Restructuring charges", "(48)", "-", "(110)"),
    ("Net income", "$ 1,457", "$ 1,130", "$ 1,426"),
]


def new(path: Path, draw: Callable[[Any], None], *, width: float = 595, height: float = 842, pages: int = 1) -> Path:
    """A PDF whose pages `draw(page)` fills."""
    document = pymupdf.open()
    for _ in range(pages):
        draw(document.new_page(width=width, height=height))
    document.save(path)
    document.close()
    return path


def article(page: Any) -> None:
    """A title, a paragraph, a heading, a bulleted list."""
    page.insert_text((72, 90), "Life on the River", fontsize=22)
    page.insert_textbox((72, 110, 520, 220), PROSE, fontsize=11)
    page.insert_text((72, 250), "2 Boats and Their Builders", fontsize=13, fontname="hebo")
    page.insert_textbox((72, 260, 520, 340), PROSE, fontsize=11)
    for n, item in enumerate(("oak for the keel", "pine for the planks", "tar for the seams")):
        page.insert_text((80, 370 + 16 * n), f"• {item}", fontsize=11)


def columns(page: Any) -> None:
    """A title over two columns of text."""
    page.insert_text((72, 80), "A Title That Runs Across Both Columns", fontsize=20)
    page.insert_textbox((60, 100, 285, 500), "LEFT BEGINS. " + PROSE * 2 + "LEFT ENDS.", fontsize=10)
    page.insert_textbox((310, 100, 535, 500), "RIGHT BEGINS. " + PROSE * 2 + "RIGHT ENDS.", fontsize=10)


def table(page: Any, rows: Sequence[Sequence[str]] = FINANCES, *, top: float = 140) -> None:
    """A statement: labels at the left, numbers set to the right edge of their columns."""
    for n, row in enumerate(rows):
        y = top + 16 * n
        page.insert_text((72, y), row[0], fontsize=10)
        for c, text in enumerate(row[1:]):
            right = 360 + 80 * c
            page.insert_text((right - pymupdf.get_text_length(text, fontsize=10), y), text, fontsize=10)


def table_page(page: Any) -> None:
    """A paragraph, a caption, a table, a paragraph."""
    page.insert_textbox((72, 50, 520, 110), PROSE[:200], fontsize=10)
    page.insert_text((72, 122), "Table 1: Results of three years.", fontsize=10)
    table(page)
    page.insert_textbox((72, 260, 520, 330), PROSE, fontsize=10)


def chart_beside_list_page(page: Any) -> None:
    """A list in large type; at its right a bar chart whose labels stand where the values put them."""
    page.insert_text((56, 70), "Targets by region", fontsize=30)
    items = ("Revenue target 2026: EUR 115 million", "The Gulf passes EUR 30 million", "Islands: wait for the round")
    for n, item in enumerate(items):
        page.insert_text((82, 140 + 44 * n), item, fontsize=19)
    page.insert_text((82, 254), "in May", fontsize=19)
    page.insert_text((470, 128), "Revenue (EUR million)", fontsize=13)
    for n in range(6):
        page.insert_text((491, 161 + 58 * n), str(50 - 10 * n), fontsize=11.7)
    for n, value in enumerate((38.2, 44.0, 24.9, 32.5, 21.5, 25.0)):
        x, top = 530 + 38 * n + 24 * (n // 2), 446 - 5.76 * value
        page.draw_rect((x, top, x + 22, 446), fill=(0.2, 0.4, 0.6))
        page.insert_text((x, top - 3), str(value), fontsize=11.2)


def picture(width: int = 300, height: int = 200) -> bytes:
    """A PNG: a red bar on white."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((20, 20, width // 2, height - 20), fill="red")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def figure_page(page: Any) -> None:
    """A paragraph, a picture, its caption, a paragraph."""
    page.insert_textbox((72, 60, 520, 140), PROSE, fontsize=10)
    page.insert_image((150, 160, 450, 360), stream=picture())
    page.insert_text((150, 378), "Figure 3: A red bar on white ground.", fontsize=9)
    page.insert_textbox((72, 420, 520, 500), PROSE, fontsize=10)


def drawing_page(page: Any) -> None:
    """A drawn chart with labels, and its caption below."""
    page.insert_textbox((72, 60, 520, 140), PROSE, fontsize=10)
    page.draw_line((150, 340), (450, 340))
    page.draw_line((150, 180), (150, 340))
    for n in range(5):
        page.draw_rect((170 + 50 * n, 320 - 25 * n, 200 + 50 * n, 340), fill=(0.2, 0.4, 0.8))
        page.insert_text((175 + 50 * n, 352), f"{2018 + n}", fontsize=8)
    page.insert_text((150, 378), "Figure 1. Sales by year.", fontsize=9)
    page.insert_textbox((72, 420, 520, 500), PROSE, fontsize=10)


TRIALS = [
    (("Strategy",), ("Energy", "(kWh/m³)"), ("Loss of", "flow (%)")),
    (("No flushing",), ("3.64",), ("14.2",)),
    (("Fixed interval",), ("3.41",), ("9.6",)),
    (("Learned control",), ("2.90",), ("4.4",)),
    (("Pulse flushing +", "feed-forward"), ("2.81",), ("3.8",)),
]


def table_over_drawing_page(page: Any) -> None:
    """A paragraph, a table with its caption above, a drawn chart right under it with its caption below.

    The table's header and last label take two lines; there are rules over and under it. The paragraph's last line is
    short.
    """
    page.insert_textbox((72, 40, 330, 128), PROSE[:270], fontsize=10)
    page.insert_text((72, 148), "Table 2: Results after 2,000 hours", fontsize=10)
    y = 166.0
    page.draw_line((72, 154), (330, 154))
    for row in TRIALS:
        for column, lines in enumerate(row):
            for n, text in enumerate(lines):
                x = 72 if column == 0 else 170 + 80 * column - pymupdf.get_text_length(text, fontsize=10)
                page.insert_text((x, y + 12 * n), text, fontsize=10)
        y += 17 + 12 * (max(map(len, row)) - 1)
    page.draw_line((72, y - 10), (330, y - 10))
    chart = y + 18
    page.insert_text((72, chart), "Loss of flow (%)", fontsize=8)
    for n, name in enumerate(("None", "Fixed", "Pulse")):
        page.draw_rect((190 + 45 * n, chart - 6, 196 + 45 * n, chart), fill=(0.1 * n, 0.4, 0.8))
        page.insert_text((200 + 45 * n, chart), name, fontsize=8)
    for n in range(4):
        page.draw_line((90, chart + 20 + 25 * n), (330, chart + 20 + 25 * n))
        page.insert_text((75, chart + 22 + 25 * n), str(15 - 5 * n), fontsize=8)
        page.insert_text((90 + 70 * n, chart + 108), f"{500 * n} h", fontsize=8)
        page.draw_line((90 + 60 * n, chart + 95 - 15 * n), (150 + 60 * n, chart + 80 - 15 * n))
    page.insert_text((72, chart + 128), "Figure 1: Loss of flow over the hours of operation.", fontsize=9)
    page.insert_textbox((72, chart + 145, 330, chart + 230), PROSE[:270], fontsize=10)


def scan(path: Path, draw: Callable[[Any], None], dpi: int = 150) -> Path:
    """The drawn page as a picture alone."""
    source = pymupdf.open()
    page = source.new_page()
    draw(page)
    pixels = page.get_pixmap(dpi=dpi).tobytes("png")
    result = pymupdf.open()
    result.new_page().insert_image(page.rect, stream=pixels)
    result.save(path)
    source.close()
    result.close()
    return path


def encrypted(path: Path, password: str) -> Path:
    """An article that opens with `password` alone."""
    document = pymupdf.open()
    article(document.new_page())
    document.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw=password + "-owner")
    document.close()
    return path


def rotated(path: Path, degrees: int) -> Path:
    """A table page displayed turned: the text runs sideways or upside down on the displayed page."""
    document = pymupdf.open()
    page = document.new_page()
    table_page(page)
    page.set_rotation(degrees)
    document.save(path)
    document.close()
    return path
