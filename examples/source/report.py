"""The annual report: tables over five years, charts, notes."""

from __future__ import annotations

import pymupdf
import world as w
from charts import bars, lines
from kit import BLUE, GREY, RULE, SANS, WHITE, Flow, put

YEARS = [str(year) for year in w.YEARS]


def _dress(page: pymupdf.Page, number: int) -> None:
    if number == 1:
        page.draw_rect((0, 0, 595, 250), color=None, fill=BLUE)
        put(page, 56, 120, w.COMPANY, SANS.regular, 15, WHITE)
        put(page, 56, 168, "Annual Report 2025", SANS.bold, 36, WHITE)
        put(page, 56, 200, "Drinking water from sun and sea", SANS.italic, 14, WHITE)
        return
    put(page, 56, 40, w.COMPANY, SANS.regular, 8, GREY)
    put(page, 539, 40, "Annual Report 2025", SANS.regular, 8, GREY, "right")
    page.draw_line((56, 46), (539, 46), color=RULE, width=0.6)
    put(page, 297.5, 812, str(number), SANS.regular, 8.5, GREY, "centre")


def _signed(values: tuple[float, ...], form: str = "{:.1f}") -> list[str]:
    return [form.format(value) if value >= 0 else f"({form.format(-value)})" for value in values]


def write() -> pymupdf.Document:
    """Seven pages."""
    doc = pymupdf.open()
    flow = Flow(doc, [(56, 70, 539, 785)], _dress, first_frames=[(56, 290, 539, 785)])
    flow.heading("At a glance")
    flow.text(
        "Kelvara Water Systems builds solar-powered desalination units for harbours, islands and coastal towns. Our "
        "units turn sea water into drinking water by reverse osmosis, run on a photovoltaic array without a battery, "
        "and arrive ready to connect. 2025 was the year in which the installed base learned to save energy: a "
        "software release that we call pulse flushing reached more than half of all units in service."
    )
    flow.table(
        "Key figures",
        ["", "2024", "2025", "Change"],
        [
            ["Revenue (EUR million)", "78.9", "96.4", "+22.2 %"],
            ["Operating profit (EUR million)", "8.7", "12.3", "+41.4 %"],
            ["Operating margin", "11.0 %", "12.8 %", "+1.8 points"],
            ["Units delivered", "626", "705", "+12.6 %"],
            ["Employees at year end", "348", "407", "+59"],
            ["Warranty claims per 100 units in service", "4.3", "3.1", "-1.2"],
        ],
        [5, 1.5, 1.5, 2],
    )
    flow.text(
        "The board proposes a dividend of EUR 0.34 per share for 2025 (2024: EUR 0.25). The annual general meeting "
        "takes place in Tromsø on 12 May 2026."
    )
    flow.heading("Contents", 2)
    flow.bullets(
        [
            "Letter from the chief executive, page 2",
            "Business review: revenue, units, regions, page 3",
            "Products in the field: energy and reliability, page 4",
            "Research and people, page 5",
            "Financial statements and notes, pages 6 and 7",
        ]
    )

    flow.new_page()
    flow.heading("Letter from the chief executive")
    for paragraph in (
        "Dear shareholders,",
        "A desalination unit has one job: to give water every day. When I visited Skarnes in March 2025, the town's "
        "two D120 units had stopped eleven times in six weeks, each time with the same fault. The engineers of the "
        "waterworks did not ask us for a discount. They asked for a cause, and for a date. We gave them both: a batch "
        "of valve actuators with a brittle seal, and a replacement programme that ended on 30 June 2025. It cost us "
        "EUR 1.1 million, and it was worth every cent. No unit with the new actuator has shown the fault since.",
        "The same year brought the best result in our history. Revenue grew by 22.2 % to EUR 96.4 million, and the "
        "operating margin rose to 12.8 %. Service, the part of our business that is closest to the customer, grew "
        "faster than anything else: to EUR 24.0 million from EUR 18.3 million. More than two thirds of the units that "
        "we delivered in 2025 left the yard with a service contract.",
        "What made me proudest is a curve on page 4. The fleet's mean energy for a cubic metre of water fell below "
        "three kilowatt hours. Four years ago it stood above four. Most of the fall is due to pulse flushing, a way "
        "to keep membranes clean that was invented by our own research group in Bergen, published for everybody to "
        "read, and given to every customer whose controller can run it, free of charge.",
        "In 2026 we shall open an assembly hall in Cartagena, bring the D200 to market and invest EUR 9.5 million in "
        "research. We expect revenue between EUR 112 million and EUR 118 million. I thank our customers for their "
        "patience and their candour, and our 407 colleagues for a year of very good work.",
    ):
        flow.text(paragraph)
    flow.space(14)
    flow.text("Ingrid Solheim", SANS.bold)
    flow.text("Chief executive officer, Bergen, 27 February 2026", SANS.italic, 9)

    flow.new_page()
    flow.heading("Business review")
    flow.heading("Revenue", 2)
    flow.text(
        "Revenue comes from three segments: the sale of units, service contracts, and membranes with other spare "
        "parts. The sale of units includes arrays, foundations and installation where a customer orders them. In 2025 units brought 60 % of revenue, service 25 % and membranes 15 %. The weak year for units was "
        "2023, when the shortage of high-pressure pumps held up 41 deliveries until January 2024."
    )
    flow.figure(
        "Figure 1: Revenue by segment, EUR million. The total stands above each bar.",
        165,
        lambda page, rect: bars(
            page,
            rect,
            "Revenue by segment (EUR million)",
            YEARS,
            {"Units": w.UNITS_SALES, "Service": w.SERVICE_SALES, "Membranes": w.MEMBRANE_SALES},
            stacked=True,
            form="{:.1f}",
        ),
    )
    flow.heading("Units delivered", 2)
    flow.text(
        "We delivered 705 units in 2025, 79 more than in the year before. The D15 remains the most common unit, but "
        "growth comes from the larger models: the D40 is now chosen by most harbours, and the D120, introduced in "
        "2022, by towns of up to 600 households."
    )
    total = [sum(column) for column in zip(*w.DELIVERED.values(), strict=True)]
    flow.table(
        "Table 1: Units delivered by model",
        ["Model", *YEARS],
        [*([name, *map(str, counts)] for name, counts in w.DELIVERED.items()), ["Total", *map(str, total)]],
        [2, 1, 1, 1, 1, 1],
        strong=[3],
    )
    flow.table(
        "Table 2: Revenue by region (EUR million)",
        ["Region", "2024", "2025", "Change"],
        [
            *(
                [name, f"{before:.1f}", f"{after:.1f}", f"{(after / before - 1) * 100:+.1f} %"]
                for name, (before, after) in w.REGIONS.items()
            ),
            ["Total", "78.9", "96.4", "+22.2 %"],
        ],
        [3, 1, 1, 1.2],
        strong=[4],
    )
    flow.text(
        "The Gulf grew fastest, by 43.1 %, after the port authority of Sur ordered 31 units of type D120 under a frame "
        "contract that runs until 2028. In the Pacific islands, deliveries follow donor programmes and swing from "
        "year to year."
    )

    flow.new_page()
    flow.heading("Products in the field")
    flow.heading("Energy", 2)
    flow.text(
        "Every unit reports how much energy it takes for a cubic metre of permeate. The mean of the fleet, weighted "
        "by output, is the figure that we steer by. It fell from 4.10 kWh/m³ in 2021 to 2.96 kWh/m³ in 2025. Until "
        "2023 the fall came from better pumps; since 2024 it has come from pulse flushing, which 58 % of the units in "
        "service ran at the end of 2025."
    )
    flow.figure(
        "Figure 2: Mean specific energy of the fleet, weighted by output.",
        150,
        lambda page, rect: lines(page, rect, "Specific energy (kWh/m³)", YEARS, {"Fleet": w.FLEET_ENERGY}),
    )
    flow.heading("Reliability", 2)
    flow.text(
        "Warranty claims fell to 3.1 per 100 units in service. Without the replacement of valve actuators at D120 "
        "units, which we count as claims although most of the parts had not failed, the figure would have been 2.4."
    )
    flow.figure(
        "Figure 3: Warranty claims per 100 units in service.",
        150,
        lambda page, rect: bars(
            page, rect, "Warranty claims per 100 units", YEARS, {"Claims": w.CLAIMS}, form="{:.1f}"
        ),
    )
    flow.text(
        "The causes of the 2025 claims were valve actuators (23 %), high-pressure pumps (19 %), sensors (17 %), "
        "membranes before their time (14 %), and others (27 %). Membranes that were returned showed biological "
        "fouling in four of five cases; none of these came from a unit that ran pulse flushing."
    )

    flow.new_page()
    flow.heading("Research and people")
    flow.text(
        "We spent EUR 9.0 million on research and development in 2025, 9.3 % of revenue. Forty-one colleagues work "
        "in Bergen and, since September, in Cartagena. Three lines of work took most of the money."
    )
    flow.bullets(
        [
            "Pulse flushing. The method was tried for 2,000 hours at the Skarnes pilot on a D40 unit and published in "
            "the Journal of Small-Scale Desalination. It needs no training and no further sensor.",
            "The D200. The largest unit that still fits on one lorry: 200 m³ a day. Two prototypes ran through the "
            "autumn at Cartagena; sales start in the third quarter of 2026.",
            "Valves without seals. A ceramic disc valve that would make the actuator fault of 2025 impossible. First "
            "field tests are planned for 2027.",
        ]
    )
    flow.figure(
        "Figure 4: Research and development, EUR million, and employees at year end.",
        165,
        lambda page, rect: (
            bars(
                page,
                pymupdf.Rect(rect.x0, rect.y0, rect.x0 + 228, rect.y1),
                "Research (EUR million)",
                YEARS,
                {"Research": w.RESEARCH},
                form="{:.1f}",
            ),
            bars(
                page,
                pymupdf.Rect(rect.x0 + 256, rect.y0, rect.x1, rect.y1),
                "Employees",
                YEARS,
                {"Employees": w.EMPLOYEES},
            ),
        )[0],
    )
    flow.heading("People", 2)
    flow.text(
        "At the end of 2025 we were 407 (2024: 348), of whom 36 % are women. Eighteen apprentices learn with us in "
        "Bergen. Sick leave was 3.4 %. There were two accidents with lost time, both at the assembly line for "
        "pressure vessels; since October every vessel is turned by a hoist and no longer by hand."
    )
    flow.heading("Outlook", 2)
    flow.text(
        "For 2026 we expect revenue between EUR 112 million and EUR 118 million and an operating margin between 13 % "
        "and 14 %. By the end of 2026, 85 % of the units in service shall run pulse flushing."
    )

    flow.new_page()
    flow.heading("Financial statements")
    flow.table(
        "Table 3: Income statement (EUR million)",
        ["Year to 31 December", *YEARS],
        [
            ["Units", *_signed(w.UNITS_SALES)],
            ["Service", *_signed(w.SERVICE_SALES)],
            ["Membranes and spare parts", *_signed(w.MEMBRANE_SALES)],
            ["Revenue", *_signed(w.REVENUE)],
            ["Cost of sales", *_signed((-25.9, -32.4, -37.8, -47.3, -56.8))],
            ["Research and development", *_signed(tuple(-value for value in w.RESEARCH))],
            ["Sales and administration", *_signed((-8.2, -10.4, -11.9, -14.8, -18.3))],
            ["Operating profit", *_signed(w.OPERATING_PROFIT)],
            ["Financial items", *_signed((-0.5, -0.7, -1.1, -1.0, -0.7))],
            ["Income tax", *_signed((-0.6, -0.9, -0.7, -1.8, -2.7))],
            ["Profit for the year", *_signed((2.0, 2.9, 2.4, 5.9, 8.9))],
        ],
        [3.6, 1, 1, 1, 1, 1],
        strong=[3, 7, 10],
    )
    flow.table(
        "Table 4: Balance sheet (EUR million)",
        ["At 31 December", *YEARS],
        [
            ["Property, plant and equipment", "14.8", "17.6", "21.9", "23.0", "26.4"],
            ["Inventories", "9.7", "12.8", "16.2", "15.1", "16.9"],
            ["Receivables", "7.3", "9.0", "10.1", "13.2", "15.8"],
            ["Cash", "3.9", "4.1", "3.0", "6.4", "10.7"],
            ["Total assets", "35.7", "43.5", "51.2", "57.7", "69.8"],
            ["Equity", "12.4", "15.3", "17.7", "23.6", "30.6"],
            ["Loans", "15.1", "18.0", "20.5", "20.5", "19.3"],
            ["Payables and provisions", "8.2", "10.2", "13.0", "13.6", "19.9"],
            ["Total equity and liabilities", "35.7", "43.5", "51.2", "57.7", "69.8"],
        ],
        [3.6, 1, 1, 1, 1, 1],
        strong=[4, 8],
    )
    flow.text(
        "Net debt, loans less cash, fell from EUR 14.1 million to EUR 8.6 million. The loan of the Nordic Coastal Bank "
        "(EUR 12.0 million, 4.1 %) is due in March 2029."
    )

    flow.new_page()
    flow.heading("Notes")
    flow.heading("1  Accounting policies", 2)
    flow.text(
        "The statements follow the International Financial Reporting Standards as adopted by the European Union. "
        "Revenue from units is recognised when a unit has passed its acceptance test at the customer's site; revenue "
        "from service over the term of the contract. Amounts are in millions of euros, rounded to one decimal."
    )
    flow.heading("2  Warranty provision", 2)
    flow.text(
        "Units carry a warranty of 24 months, pressure vessels of 60 months. The provision is the expected cost of "
        "claims on units in warranty."
    )
    flow.table(
        "Table 5: Movement of the warranty provision (EUR million)",
        ["", "2024", "2025"],
        [
            ["At 1 January", "2.8", "3.0"],
            ["Added", "1.9", "2.6"],
            ["Used for the valve actuator programme", "–", "(1.1)"],
            ["Used for other claims", "(1.5)", "(1.2)"],
            ["Released", "(0.2)", "(0.1)"],
            ["At 31 December", "3.0", "3.2"],
        ],
        [5, 1, 1],
        strong=[5],
    )
    flow.heading("3  Frame contracts", 2)
    flow.text(
        "At the end of 2025 orders in hand were EUR 61.7 million (2024: EUR 38.2 million). The frame contract with the "
        "port authority of Sur over 31 units of type D120 accounts for EUR 2.6 million of the year's revenue (18 units) "
        "and for EUR 1.9 million of the orders in hand (13 units). The authority may end the contract at six months' notice; in that "
        "case it bears the cost of units that are in assembly."
    )
    flow.heading("4  Related parties", 2)
    flow.text(
        "The chair of the board, Tomás Aguirre, holds 6.2 % of the shares. A company of his family leases the hall in "
        "Cartagena to us from 1 January 2026 for EUR 0.3 million a year. The rent was set by an independent valuer."
    )
    flow.heading("5  Events after the balance sheet date", 2)
    flow.text(
        "On 19 January 2026 the group acquired the remaining 40 % of Membran Service Vest AS for EUR 1.6 million in "
        "cash. No other events of importance have occurred."
    )
    return doc
