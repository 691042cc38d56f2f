"""The slides of a sales meeting: landscape, few words, charts."""

from __future__ import annotations

from collections.abc import Callable

import pymupdf
import world as w
from charts import bars, shares
from kit import BLUE, GREY, INK, SAND, SANS, TEAL, WHITE, Flow, put, wrapped

PAPER = (960.0, 540.0)


class Deck:
    """Slides with a title, points and room for a picture."""

    def __init__(self) -> None:
        self.doc = pymupdf.open()

    def slide(self, title: str) -> pymupdf.Page:
        """A slide with its title and number."""
        page = self.doc.new_page(width=PAPER[0], height=PAPER[1])
        page.draw_rect((0, 0, 14, 540), color=None, fill=TEAL)
        put(page, 56, 72, title, SANS.bold, 30, BLUE)
        put(page, 56, 520, "Kelvara sales meeting, Bergen, 15 January 2026", SANS.regular, 11, GREY)
        put(page, 920, 520, str(self.doc.page_count), SANS.regular, 11, GREY, "right")
        return page

    @staticmethod
    def points(page: pymupdf.Page, items: list[str], width: float, y: float = 140, gap: float = 30) -> None:
        """Bullet points from the left margin."""
        for item in items:
            page.draw_circle((64, y - 6), 3.5, color=None, fill=SAND)
            for line in wrapped(item, SANS.regular, 19, width):
                put(page, 82, y, line, SANS.regular, 19, INK)
                y += 26
            y += gap

    def picture(self, title: str, items: list[str], draw: Callable[[pymupdf.Page, pymupdf.Rect], None]) -> None:
        """Points on the left, a drawing on the right."""
        page = self.slide(title)
        self.points(page, items, 350, gap=18)
        draw(page, pymupdf.Rect(470, 115, 910, 470))


def write() -> pymupdf.Document:
    """Eight slides."""
    deck = Deck()
    cover = deck.doc.new_page(width=PAPER[0], height=PAPER[1])
    cover.draw_rect(cover.rect, color=None, fill=BLUE)
    cover.draw_rect((70, 318, 190, 324), color=None, fill=SAND)
    put(cover, 70, 230, "Roadmap 2026", SANS.bold, 54, WHITE)
    put(cover, 70, 280, "What we build, what we sell, what we promise", SANS.regular, 24, WHITE)
    put(cover, 70, 370, "Sales meeting, Bergen, 15 January 2026", SANS.regular, 18, WHITE)
    put(cover, 70, 396, "Leila Haddad, product management", SANS.italic, 18, WHITE)

    deck.picture(
        "Where we stand",
        [
            "705 units delivered in 2025, a record",
            "D40 is the growth model: 248 units, up from 203",
            "D120 needed a recall of valve actuators, closed on 30 June",
        ],
        lambda page, rect: bars(
            page,
            rect,
            "Units delivered",
            ["2023", "2024", "2025"],
            {name: counts[2:] for name, counts in w.DELIVERED.items()},
            size=13,
        ),
    )
    deck.picture(
        "Pulse flushing reaches the fleet",
        [
            "Share of units in service that run it",
            "Needs firmware 3.2 or later; the update is free",
            "Units with firmware below 3.0 need a new controller board (EUR 1,240)",
        ],
        lambda page, rect: shares(
            page, rect, "Units with pulse flushing", {k: float(v) for k, v in w.ROLL_OUT.items()}, size=15
        ),
    )
    page = deck.slide("The D200 comes in the third quarter")
    deck.points(
        page,
        [
            "200 m³ a day on one lorry: 24 elements in eight vessels",
            "2.70 kWh/m³ with pulse flushing and feed-forward as standard",
            "Orders open on 1 April 2026, first deliveries in August",
            "Launch customer: port authority of Sur (six units)",
            "Ceramic valve V3: not before 2027, do not promise it",
        ],
        780,
    )
    page = deck.slide("List prices 2026")
    flow = Flow(pymupdf.open(), [(56, 110, 904, 480)], lambda *_: None, size=18, paper=PAPER)
    flow.doc, flow.page = deck.doc, page
    flow.table(
        "Price of a unit, ex works Bergen, without array",
        ["Model", "Output (m³/day)", "List price 2025 (EUR)", "List price 2026 (EUR)"],
        [
            ["D15", "15", "20,900", w.PRICES["D15"]],
            ["D40", "40", "62,500", w.PRICES["D40"]],
            ["D120", "120", "145,000", w.PRICES["D120"]],
            ["D200", "200", "–", w.PRICES["D200"]],
        ],
        [1.2, 1.5, 2, 2],
    )
    flow.text(
        "Discounts: up to 8 % from five units, up to 12 % from twenty. Anything beyond needs Leila's signature.",
        size=16,
    )
    deck.picture(
        "Targets by region",
        [
            "Revenue target 2026: EUR 115 million",
            "The Gulf passes EUR 30 million",
            "Pacific islands: wait for the donor round in May",
        ],
        lambda page, rect: bars(
            page,
            rect,
            "Revenue (EUR million)",
            ["Mediterr.", "Gulf", "N. Atlantic", "Pacific"],
            {"2025": tuple(v[1] for v in w.REGIONS.values()), "2026 target": (44.0, 32.5, 25.0, 13.5)},
            form="{:.1f}",
            size=13,
        ),
    )
    page = deck.slide("What customers ask, and what we answer")
    deck.points(
        page,
        [
            "“Is the actuator fault gone?” Yes: no E07 at any unit with the new actuator since July 2025",
            "“How long do membranes last?” Five years with pulse flushing, three without",
            "“Can it run at night?” Only with a battery of another maker; we give no warranty on that",
            "“What if the sun fails?” Grid kit KG-1 (EUR 2,900) fits D40 and D120",
        ],
        800,
    )
    page = deck.slide("Next steps")
    deck.points(
        page,
        [
            "By 31 January: every region sends its list of units with firmware below 3.2",
            "By 28 February: Skarnes gets our offer for the pilot D40 (lease ends in April)",
            "1 April: D200 orders open",
            "Questions: leila.haddad@kelvara.example",
        ],
        800,
    )
    return deck.doc
