"""The operation manual of the D40: specifications, figures, procedures, fault codes."""

from __future__ import annotations

import pymupdf
import world as w
from kit import BLUE, GREY, INK, PALE, RULE, SAND, SANS, TEAL, WHITE, Colour, Flow, put


def _dress(page: pymupdf.Page, number: int) -> None:
    put(page, 56, 38, "D40 Operation and Maintenance Manual", SANS.bold, 8, GREY)
    put(page, 539, 38, "Document KWS-M-040  Revision F", SANS.regular, 8, GREY, "right")
    page.draw_line((56, 44), (539, 44), color=RULE, width=0.6)
    page.draw_line((56, 800), (539, 800), color=RULE, width=0.6)
    put(page, 56, 812, w.COMPANY, SANS.regular, 8, GREY)
    put(page, 539, 812, f"Page {number}", SANS.regular, 8, GREY, "right")


def _box(page: pymupdf.Page, rect: tuple[float, ...], text: str, tag: str = "", fill: Colour = PALE) -> None:
    page.draw_rect(rect, color=BLUE, fill=fill, width=1.1, radius=0.08)
    middle, height = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    lines = text.split("\n")
    for n, line in enumerate(lines):
        put(page, middle, height + 3 + (n - (len(lines) - 1) / 2) * 10, line, SANS.regular, 8, INK, "centre")
    if tag:
        put(page, middle, rect[1] - 4, tag, SANS.bold, 8, BLUE, "centre")


def _arrow(page: pymupdf.Page, *points: tuple[float, float], colour: Colour = BLUE) -> None:
    page.draw_polyline(points, color=colour, width=1.6)
    (x0, y0), (x1, y1) = points[-2:]
    dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
    left, right = (x1 - 6 * dx + 3 * dy, y1 - 6 * dy + 3 * dx), (x1 - 6 * dx - 3 * dy, y1 - 6 * dy - 3 * dx)
    page.draw_polyline([left, (x1, y1), right, left], color=colour, fill=colour, width=0.5)


def _valve(page: pymupdf.Page, x: float, y: float, tag: str) -> None:
    for side in (-1, 1):
        page.draw_polyline(
            [(x, y), (x + 8 * side, y - 6), (x + 8 * side, y + 6), (x, y)], color=INK, fill=WHITE, width=1
        )
    put(page, x, y - 10, tag, SANS.bold, 8, INK, "centre")


def _flow_diagram(page: pymupdf.Page, rect: pymupdf.Rect) -> None:
    page.draw_rect(rect, color=RULE, fill=None, width=0.6)
    x, y = rect.x0, rect.y0 + 85
    _box(page, (x + 12, y - 22, x + 70, y + 22), "Sea water\nintake", "S1")
    _arrow(page, (x + 70, y), (x + 112, y))
    _valve(page, x + 90, y, "V1")
    _box(page, (x + 112, y - 22, x + 172, y + 22), "Cartridge\nfilters", "F1")
    _arrow(page, (x + 172, y), (x + 210, y))
    page.draw_circle((x + 230, y), 20, color=BLUE, fill=PALE, width=1.1)
    put(page, x + 230, y + 3, "Pump", SANS.regular, 8, INK, "centre")
    put(page, x + 230, y - 25, "P1", SANS.bold, 8, BLUE, "centre")
    _arrow(page, (x + 250, y), (x + 292, y))
    for n in range(3):
        top = y - 48 + n * 34
        _box(page, (x + 292, top, x + 390, top + 24), f"Vessel {n + 1} (2 elements)")
    put(page, x + 341, y - 53, "M1 to M3", SANS.bold, 8, BLUE, "centre")
    _arrow(page, (x + 390, y - 36), (x + 470, y - 36), colour=TEAL)
    put(page, x + 440, y - 42, "Permeate", SANS.regular, 8, TEAL, "centre")
    _arrow(page, (x + 390, y + 32), (x + 470, y + 32), colour=SAND)
    _valve(page, x + 430, y + 32, "V3")
    put(page, x + 430, y + 52, "Concentrate", SANS.regular, 8, SAND, "centre")
    _arrow(page, (x + 404, y - 36), (x + 404, y - 68), (x + 275, y - 68), (x + 275, y - 4), colour=TEAL)
    put(page, x + 340, y - 73, "Rinse line (pulse flushing)", SANS.regular, 8, TEAL, "centre")


def _panel(page: pymupdf.Page, rect: pymupdf.Rect) -> None:
    page.draw_rect(rect, color=INK, fill=(0.86, 0.88, 0.90), width=1.2, radius=0.03)
    screen = (rect.x0 + 20, rect.y0 + 18, rect.x0 + 260, rect.y1 - 18)
    page.draw_rect(screen, color=INK, fill=(0.08, 0.16, 0.20))
    for n, (name, value) in enumerate(
        [("OUTPUT", "1.68 m3/h"), ("PRESSURE", "55.2 bar"), ("ENERGY", "2.87 kWh/m3"), ("SALINITY", "310 mg/l")]
    ):
        put(page, screen[0] + 12, screen[1] + 22 + n * 20, name, SANS.regular, 9, (0.55, 0.80, 0.85))
        put(page, screen[2] - 12, screen[1] + 22 + n * 20, value, SANS.bold, 11, WHITE, "right")
    for n, (name, colour) in enumerate([("1 RUN", (0.2, 0.6, 0.3)), ("2 RINSE", TEAL), ("3 STOP", (0.75, 0.2, 0.2))]):
        x = rect.x0 + 310 + n * 62
        page.draw_circle((x, rect.y0 + 48), 18, color=INK, fill=colour, width=1)
        put(page, x, rect.y0 + 82, name, SANS.bold, 8, INK, "centre")


def write() -> pymupdf.Document:
    """Five pages, chapters one after the other."""
    doc = pymupdf.open()
    flow = Flow(doc, [(56, 66, 539, 785)], _dress)
    flow.space(1)
    flow.heading("D40 solar desalination unit")
    flow.text("Operation and Maintenance Manual", SANS.bold, 13)
    flow.text("Applies to serial numbers 40-1000 and above, controller firmware 3.0 to 3.4. January 2025.", SANS.italic)
    flow.heading("1  About this manual", 2)
    flow.text(
        "This manual is for the people who run and look after a D40. Read chapter 2 before you switch the unit on for "
        "the first time. Keep the manual beside the unit. Work on the high-pressure side may only be done by persons "
        "whom Kelvara has trained (certificate level 2)."
    )
    flow.heading("2  Safety", 2)
    flow.bullets(
        [
            "The high-pressure side is at up to 62 bar. Never loosen a fitting before the gauge at P1 shows zero.",
            "The solar array gives voltage whenever there is light. Open the array isolator and wait five minutes.",
            "Cleaning agent KC-2 is an acid (pH 2). Wear gloves and goggles; keep a bucket of fresh water at hand.",
            "Do not drink the permeate of the first 30 minutes after membranes have been replaced.",
        ]
    )
    flow.heading("3  Description", 2)
    flow.text(
        "Sea water is taken in through strainer S1, passes the cartridge filters F1 and is brought to pressure by the "
        "pump P1. In three vessels with two membrane elements each, 38 % of it becomes permeate. The concentrate "
        "leaves through the valve V3, which sets the pressure. Figure 1 shows the way of the water."
    )
    flow.figure(
        "Figure 1: Flow diagram of the D40. V3 is the concentrate valve that holds the feed pressure; the rinse line "
        "returns permeate to the vessels during pulse flushing.",
        175,
        _flow_diagram,
    )

    flow.heading("4  Technical data", 2)
    flow.text(
        "The D40 shares its parts with the smaller D15 and the larger D120. Values hold for sea water of 35 g/l at "
        "20 °C."
    )
    flow.table(
        "Table 1: Technical data of the D series",
        ["", "D15", "D40", "D120"],
        w.SPECIFICATIONS,
        [4, 1, 1, 1],
    )
    flow.table(
        "Table 2: Limits of operation",
        ["Quantity", "Minimum", "Normal", "Maximum", "What happens beyond"],
        [
            ["Feed pressure (bar)", "40", "55", "62", "Fault E07, pump stops"],
            ["Feed temperature (°C)", "4", "20", "38", "Output is reduced"],
            ["Feed salinity (g/l)", "10", "35", "42", "Output is reduced"],
            ["Permeate salinity (mg/l)", "–", "310", "500", "Fault E09, permeate is dumped"],
            ["Array voltage (V)", "340", "560", "720", "Fault E15, unit waits"],
        ],
        [2.6, 1.1, 1.1, 1.1, 3],
        align="lrrrl",
    )
    flow.heading("5  Installation", 2)
    flow.bullets(
        [
            "Set the unit on level ground, with 1.2 m free in front of the vessels so that elements can be drawn.",
            "Place the intake at least 2 m below the lowest tide and 5 m away from the concentrate outlet.",
            "Connect the array: 16 kWp are recommended, with strings of 14 modules.",
            "Fill the prefilters, open V1, and bleed the pump P1 at its upper screw.",
            "Run the acceptance test (menu 7.1). The report must be signed by the customer for the warranty to begin.",
        ],
        numbered=True,
    )

    flow.heading("6  Operation", 2)
    flow.heading("6.1  Control panel", 3)
    flow.text(
        "The panel (Figure 2) shows output, feed pressure, specific energy and salinity of the permeate. Press RUN to "
        "start: the unit rinses for two minutes and then raises the pressure in steps of 5 bar. STOP lets the pressure "
        "down within 40 seconds and fills the vessels with permeate."
    )
    flow.figure("Figure 2: Control panel. 1 start, 2 manual rinse, 3 stop.", 130, _panel)
    flow.heading("6.2  Running on the sun", 3)
    flow.text(
        "The D40 has no battery. The controller lets the pump follow the power of the array between 30 % and 100 % of "
        "its speed. Below 30 % the unit rests and starts again by itself. On a clear day in June at 38° north it gives "
        "its rated output of 40 m³ in about ten hours; in December expect 17 m³."
    )
    flow.heading("6.3  Pulse flushing", 3)
    flow.text(
        "From firmware 3.2 on, the controller cleans the membranes by pulse flushing: it watches how fast the flow of "
        "permeate falls at equal pressure, and when the loss exceeds 1.5 % within an hour it opens V3 for six seconds "
        "and sends permeate back through the vessels. A pulse uses about 9 litres. It is switched on in menu 4.3 and "
        "needs neither training nor a further sensor. Units with firmware 3.0 or 3.1 flush at the fixed interval of "
        "six hours until they are updated."
    )
    flow.text(
        "Pulse flushing lengthens the life of the membranes. Where it is switched on, the elements may stay in use for "
        "five years or 30,000 hours; otherwise for three years or 20,000 hours (see Table 3)."
    )

    flow.heading("7  Maintenance", 2)
    flow.text(
        "The controller counts hours and reminds you seven days ahead. Enter each piece of work in menu 6.2; an entry "
        "that is missing may cost you the warranty."
    )
    flow.table(
        "Table 3: Maintenance schedule",
        ["Interval", "Work", "Part number", "Time"],
        [
            ["Every day", "Read output, pressure and salinity; look for leaks", "–", "5 min"],
            ["250 hours", "Clean strainer S1", "–", "15 min"],
            ["500 hours", "Replace both cartridges of F1 (5 µm)", "KWS-1105", "20 min"],
            ["2,000 hours", "Change oil of P1 (1.8 litres)", "KWS-2040", "40 min"],
            ["4,000 hours", "Clean membranes with agent KC-2", "KWS-3002", "3 h"],
            ["8,000 hours", "Replace seals and valves of P1; replace actuator of V3", "KWS-2210", "5 h"],
            ["20,000 hours or 3 years", "Replace six membrane elements (no pulse flushing)", "KWS-3140", "6 h"],
            ["30,000 hours or 5 years", "Replace six membrane elements (with pulse flushing)", "KWS-3140", "6 h"],
        ],
        [2.3, 5, 1.5, 1],
        align="lllr",
    )
    flow.heading("7.1  Replacing the cartridges of F1", 3)
    flow.bullets(
        [
            "Press STOP and wait until the gauge at P1 shows zero. Close V1.",
            "Open the drain of F1 and let the water run off. Unscrew both housings with the key that is clipped to the "
            "frame.",
            "Draw the old cartridges. If they are slimy, rinse the housings with KC-2 diluted 1:50.",
            "Wet the O-rings with silicone grease, insert new cartridges, and tighten the housings by hand.",
            "Open V1, bleed F1, and press RUN.",
        ],
        numbered=True,
    )
    flow.heading("7.2  Chemical cleaning", 3)
    flow.text(
        "Clean the membranes when the output at 55 bar is more than 12 % below that of the acceptance test, and at the "
        "latest after 4,000 hours. Mix 2.5 kg of agent KC-2 with 120 litres of permeate. Circulate for 45 minutes, let "
        "it soak for one hour, circulate again for 30 minutes, and rinse until the pH is above 6. Hand the used "
        "solution to your waste service; never pour it into the sea."
    )

    flow.heading("8  Faults", 2)
    flow.text(
        "When a fault occurs the unit stops, lets the pressure down and shows a code. Press STOP for three seconds to "
        "clear it. If the same code returns three times within a day, stop the unit and call the service line."
    )
    flow.table(
        "Table 4: Fault codes of the D series",
        ["Code", "Meaning", "What to do"],
        w.FAULTS,
        [0.8, 2.4, 5],
        align="lll",
    )
    flow.heading("8.1  Fault E07 in detail", 3)
    flow.text(
        "E07 appears when the feed pressure has been above 62 bar for two seconds. By far the most common cause is a "
        "valve V3 that does not open: its actuator has lost its seal and no longer turns. Open V3 by hand with the "
        "lever behind the cover. If the pressure falls, the membranes are sound and the actuator (part number "
        "KWS-2231) must be replaced. Actuators made between May and September 2024 have a brittle seal and are "
        "replaced under warranty, whatever the age of the unit."
    )
    flow.text("If the pressure does not fall with V3 open, check in this order:")
    flow.bullets(
        [
            "The concentrate hose is kinked or its outlet is buried in sand.",
            "The pressure sensor reads more than the gauge: replace sensor PT2 (KWS-2305).",
            "The membranes are blocked: clean them as in section 7.2.",
        ],
        numbered=True,
    )
    flow.heading("8.2  Fault E09 in detail", 3)
    flow.text(
        "Salt passes where an O-ring leaks or an element is damaged. Measure the salinity at the sample tap of each "
        "vessel. A vessel that differs from the others by more than 80 mg/l is to be opened. If all three vessels are "
        "alike, the feed is too salty or too warm."
    )

    flow.heading("9  Warranty and service", 2)
    flow.text(
        "The warranty is 24 months from the signed acceptance test, for pressure vessels 60 months. It does not cover "
        "cartridges, oil and membranes that were not looked after as in Table 3. Claims need the unit's serial number, "
        "the fault log (menu 6.4) and two photographs."
    )
    flow.table(
        "Table 5: Service contracts, price in EUR a year",
        ["Contract", "D15", "D40", "D120", "Includes"],
        [
            ["Basic", "690", "1,450", "3,900", "Remote watch, yearly visit"],
            ["Plus", "1,280", "2,700", "7,200", "Basic, and all wear parts but membranes"],
            ["Full", "2,150", "4,600", "12,400", "Plus, and membranes; on site within 72 hours"],
        ],
        [1.3, 1, 1, 1, 4],
        align="lrrrl",
    )
    flow.text("Service line: +47 55 00 41 40, day and night. E-mail: service@kelvara.example.")
    flow.heading("10  Taking out of service", 2)
    flow.text(
        "If the unit rests for more than 14 days, rinse it with permeate, fill the vessels with preserving solution "
        "KC-7 and close V1 and V3. The solution keeps for six months. Below 4 °C drain the unit completely: ice "
        "destroys vessels and pump. To start again, rinse for 60 minutes and discard the permeate."
    )
    flow.heading("11  Disposal", 2)
    flow.text(
        "Kelvara takes back used membrane elements and turns them into feed spacers. Frames and vessels are stainless "
        "steel and glass fibre; the controller is electronic waste."
    )

    flow.heading("Appendix A  Spare parts", 2)
    flow.table(
        "Table A1: Spare parts of the D40",
        ["Part number", "Name", "Number in unit", "Price (EUR)"],
        [
            ["KWS-1105", "Filter cartridge 5 µm", "2", "38.00"],
            ["KWS-1110", "O-ring set for F1", "1", "14.50"],
            ["KWS-2040", "Pump oil, 2 litres", "1", "46.00"],
            ["KWS-2210", "Overhaul set for P1", "1", "820.00"],
            ["KWS-2231", "Actuator of V3", "1", "415.00"],
            ["KWS-2305", "Pressure sensor PT2", "1", "186.00"],
            ["KWS-3002", "Cleaning agent KC-2, 2.5 kg", "–", "64.00"],
            ["KWS-3007", "Preserving solution KC-7, 10 litres", "–", "58.00"],
            ["KWS-3140", "Membrane element, 8 inch", "6", "690.00"],
            ["KWS-4010", "Controller board, firmware 3.4", "1", "1,240.00"],
        ],
        [1.5, 3.5, 1.5, 1.5],
        align="llrr",
    )
    flow.heading("Appendix B  Change log", 2)
    flow.table(
        "Table B1: Revisions of this manual",
        ["Revision", "Date", "Change"],
        [
            ["D", "March 2023", "Menu numbers of firmware 3.0"],
            ["E", "June 2024", "Section 6.3 on pulse flushing; longer life of membranes"],
            ["F", "January 2025", "Section 8.1: actuators made between May and September 2024"],
        ],
        [1, 1.6, 6],
        align="lll",
    )
    return doc
