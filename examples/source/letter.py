"""A scanned letter: two pages of pixels, slightly askew, grey and noisy, with no text layer."""

from __future__ import annotations

import io

import numpy as np
import pymupdf
from kit import INK, RULE, SERIF, Flow, put
from PIL import Image, ImageFilter

DPI = 150


def _typed() -> pymupdf.Document:
    """The letter as it was written."""

    def dress(page: pymupdf.Page, number: int) -> None:
        if number == 1:
            put(page, 70, 70, "SKARNES MUNICIPAL WATERWORKS", SERIF.bold, 16)
            put(page, 70, 88, "Havnegata 3, 8390 Skarnes", SERIF.regular, 11)
            page.draw_line((70, 98), (525, 98), color=RULE, width=1)
        else:
            put(page, 70, 70, "Skarnes Municipal Waterworks, 14 March 2025, page 2", SERIF.italic, 11)

    doc = pymupdf.open()
    flow = Flow(doc, [(70, 110, 525, 780)], dress, face=SERIF, size=12, leading=1.4)
    flow.space(8)
    for line in ("Kelvara Water Systems", "Service Department", "Sandviksveien 110, 5035 Bergen"):
        flow.text(line)
        flow.y -= 5
    flow.y += 14
    flow.text("Skarnes, 14 March 2025")
    flow.text("Our reference: SMW-2025-0117")
    flow.y += 6
    flow.text("Repeated stops of desalination units 120-0033 and 120-0034", SERIF.bold)
    for paragraph in (
        "Dear Sir or Madam,",
        "Since 31 January our two D120 units have stopped eleven times with the fault code E07. Six of the stops were at "
        "unit 120-0033 and five at unit 120-0034. Each time our staff opened the concentrate valve by hand, whereupon the "
        "pressure fell and the unit could be started again. The membranes and the filters are in order.",
        "The units supply 540 households and the fish hall. During the stop of 22 February, which lasted 31 hours because "
        "the road was closed, we had to bring in 186 cubic metres of water by ship. The cost of the ship was EUR 7,450. We "
        "attach the invoice and ask you to refund it.",
        "We understand from your manual that actuators made between May and September 2024 have a brittle seal. Ours bear "
        "the date code 07/24. Both units are in warranty until 30 September 2026.",
        "We therefore ask you for three things:",
    ):
        flow.text(paragraph)
    flow.bullets(
        [
            "that you replace the actuators of the valve V3 at both units before 15 April 2025;",
            "that you send us two further actuators as spare parts, free of charge;",
            "that you confirm in writing what caused the fault.",
        ],
        numbered=True,
    )
    flow.new_page()
    for paragraph in (
        "Until then we run both units at no more than 48 bar, which lowers their output to about 85 cubic metres a day "
        "each. This is enough in winter but will not do from May on, when the camping ground opens.",
        "The last of the pilot units, a D40 on which your research group tried its new flushing, has run without a "
        "single stop since the trials ended in December 2023. We should like to buy it at the end of the lease and ask you for an offer.",
        "Please address your answer to the undersigned.",
        "Yours faithfully,",
    ):
        flow.text(paragraph)
    flow.y += 46
    x, y = flow.box[0], flow.y
    flow.page.draw_curve((x + 4, y - 8), (x + 40, y - 44), (x + 62, y + 6), color=(0.1, 0.15, 0.5), width=1.6)
    flow.page.draw_curve((x + 62, y + 6), (x + 96, y - 40), (x + 150, y - 14), color=(0.1, 0.15, 0.5), width=1.3)
    flow.y += 12
    flow.text("Astrid Nygård")
    flow.text("Head of operations", SERIF.italic)
    flow.text("Enclosure: invoice 4471 of Lofot Sjøtransport AS", size=10.5)
    put(flow.page, 70, 800, "Received 18 MAR 2025", SERIF.bold, 11, INK)
    return doc


def write() -> pymupdf.Document:
    """Two pages of pixels."""
    typed, scan = _typed(), pymupdf.open()
    noise = np.random.default_rng(7)
    for page, turn in zip(typed, (0.7, -0.5), strict=True):
        pixels = page.get_pixmap(dpi=DPI, colorspace=pymupdf.csGRAY)
        image = Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)
        image = image.rotate(turn, resample=Image.Resampling.BICUBIC, fillcolor=248)
        image = image.filter(ImageFilter.GaussianBlur(0.6))
        grey = np.asarray(image, dtype=np.float32) * 0.93 + 8  # (height, width), 0..255
        grey += noise.normal(0, 4.0, grey.shape)
        grey -= np.linspace(0, 14, grey.shape[1])[None, :]  # the lid of the scanner lets in some light
        specks = noise.random(grey.shape) > 0.99998
        grey[specks] = 70
        paper = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
        jpeg = io.BytesIO()
        paper.save(jpeg, "JPEG", quality=48)
        target = scan.new_page(width=page.rect.width, height=page.rect.height)
        target.insert_image(target.rect, stream=jpeg.getvalue())
    return scan
