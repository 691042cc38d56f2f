"""The paper about pulse flushing: two columns, a results table, a figure."""

from __future__ import annotations

import math

import pymupdf
import world as w
from charts import bars, lines
from kit import GREY, INK, SERIF, Flow, put

LEFT, RIGHT = (50.0, 288.0), (307.0, 545.0)


def _dress(page: pymupdf.Page, number: int) -> None:
    if number == 1:
        put(page, 50, 40, "Journal of Small-Scale Desalination 12 (2025) 214–216", SERIF.italic, 8.5, GREY)
        put(page, 297.5, 84, "Pulse Flushing: Keeping Reverse-Osmosis Membranes", SERIF.bold, 18, INK, "centre")
        put(page, 297.5, 106, "Clean under Variable Solar Power", SERIF.bold, 18, INK, "centre")
        put(page, 297.5, 130, "Marit Eikeland, Javier Ros and Anjali Deshmukh", SERIF.regular, 11, INK, "centre")
        put(page, 297.5, 145, "Kelvara Water Systems, Research Group, Bergen", SERIF.italic, 9.5, GREY, "centre")
    else:
        put(
            page,
            297.5,
            40,
            "M. Eikeland et al.: Pulse flushing under variable solar power",
            SERIF.italic,
            8.5,
            GREY,
            "centre",
        )
    put(page, 297.5, 812, str(213 + number), SERIF.regular, 9, INK, "centre")


def _decline(page: pymupdf.Page, rect: pymupdf.Rect) -> None:
    hours = [0, 500, 1000, 1500, 2000]
    curves = {
        name: [loss * (1 - math.exp(-hour / 900)) / (1 - math.exp(-2000 / 900)) for hour in hours]
        for name, loss in (("None", 14.2), ("Fixed", 9.6), ("Pulse", 4.1))
    }
    lines(page, rect, "Loss of flow (%)", [f"{h} h" for h in hours], curves, show=False, size=7)


def write() -> pymupdf.Document:
    """Three pages."""
    doc = pymupdf.open()
    frames = [(LEFT[0], 60, LEFT[1], 785), (RIGHT[0], 60, RIGHT[1], 785)]
    first = [(LEFT[0], 172, LEFT[1], 785), (RIGHT[0], 172, RIGHT[1], 785)]
    flow = Flow(doc, frames, _dress, face=SERIF, size=10.2, leading=1.26, justify=True, first_frames=first)

    def heading(text: str) -> None:
        flow.heading(text, 2, INK)

    heading("Abstract")
    flow.text(
        "Reverse-osmosis units that run on solar power without a battery start and stop many times a day. Each stop "
        "lets salt and biological matter settle on the membranes, and the flow of permeate falls. We present pulse "
        "flushing, a control rule that opens the concentrate valve for six seconds as soon as the flow falls faster "
        "than a threshold, and sends permeate back through the vessels. The rule has two parameters, needs no training "
        "and no further sensor. In 2,000 hours of operation at Skarnes it lowered the specific energy from 3.64 to "
        "2.87 kWh/m³ and the loss of flow from 14.2 % to 4.1 %. It equals a learned controller that had been trained "
        "for 600 hours."
    )
    heading("1  Introduction")
    flow.text(
        "Small communities on the coast often have sun and sea water but neither a strong grid nor a staff of "
        "engineers. Units without a battery are cheap and last long, yet their membranes suffer: power comes and goes, "
        "the pressure follows it, and whenever it drops, what was held away from the membrane by the cross-flow settles "
        "on it. Operators meet this with chemical cleaning, which takes hours, or by flushing at fixed intervals, which "
        "wastes permeate on days when nothing has settled."
    )
    flow.text(
        "Controllers that learn when to flush have been proposed [2, 4]. They work well, but they must be trained for "
        "each site, and their decisions are hard to explain to the people who run the unit. We asked how far a rule "
        "gets that fits on one line of a controller's program."
    )
    flow.text(
        "This paper makes three contributions: the rule itself; a comparison of five strategies on equal units under "
        "equal conditions; and an account of what it costs in permeate, which earlier work leaves out."
    )
    heading("2  Related work")
    flow.text(
        "Brandt and Oyelaran [1] measured how deposits settle when the cross-flow is interrupted and found that the first "
        "two minutes after a stop matter most. Deshmukh [3] showed that permeate which is drawn back by osmosis lifts such "
        "deposits within seconds. Chen and Farouk [2] let a controller learn when to clean; Okafor and Lind [4] did so for "
        "a solar unit and reported savings of 18 %. The cost of water with and without a battery was compared by Ros and "
        "Eikeland [5]: on small islands the unit without a battery is cheaper by EUR 0.41 per cubic metre."
    )
    heading("3  Method")
    flow.text(
        "Let Q be the flow of permeate, corrected to the reference pressure of 55 bar and the reference temperature of "
        "20 °C. The controller keeps the mean of Q over the last hour and over the hour before. When their ratio falls "
        "below 1 - θ, it commands a pulse: the concentrate valve opens fully for a time τ, the pressure drops to about "
        "8 bar, and permeate from a small tank runs back through the vessels. Osmosis now pulls water from the permeate "
        "side to the feed side and lifts the deposit; the cross-flow carries it away."
    )
    flow.text(
        "We set θ = 1.5 % and τ = 6 s throughout. A pulse takes 9 litres of permeate. With feed-forward, a pulse is also "
        "given when the forecast of irradiance announces a cloud of more than four minutes, so that the membranes are "
        "clean before the pressure drops by itself."
    )
    flow.table(
        "Table 1: Parameters of the rule",
        ["Symbol", "Meaning", "Value"],
        [
            ["θ", "Loss of flow in an hour that triggers a pulse", "1.5 %"],
            ["τ", "Length of a pulse", "6 s"],
            ["V", "Permeate used by a pulse", "9 l"],
            ["–", "Shortest time between two pulses", "10 min"],
        ],
        [1, 4, 1],
        align="llr",
        plain=True,
    )
    heading("4  Experiment")
    flow.text(
        "All trials ran between May and December 2023 on five equal D40 units that stood side by side at the municipal "
        "waterworks of Skarnes. Each has six elements in three vessels and takes sea water of 33 to 36 g/l. Before each trial the elements were "
        "replaced, so that each strategy began with new membranes. A trial lasted 2,000 hours of operation."
    )
    flow.text(
        "We compare five strategies. No flushing: only the rinse at start and stop. Fixed interval: a flush of 30 "
        "seconds every six hours, as in the firmware that was sold until 2024. Learned controller: the method of Okafor "
        "and Lind [4], trained for 600 hours on the same unit before its trial. Pulse flushing: the rule of section 3. "
        "Pulse flushing with feed-forward: the same with the forecast."
    )
    flow.text(
        "Specific energy is the electrical energy at the pump's inverter divided by the net permeate, that is, after "
        "the permeate that was used for flushing has been subtracted. The loss of flow compares Q at the end of the trial "
        "with Q after its first ten hours."
    )
    heading("5  Results")
    flow.text(
        "Table 2 gives the results. Pulse flushing saves 21 % of the energy compared with no flushing and 16 % compared "
        "with the fixed interval. The learned controller is within 0.03 kWh/m³ of it, a difference that is smaller than "
        "the spread between two weeks of the same trial (0.05 kWh/m³). Feed-forward adds a further 2 %."
    )
    flow.table(
        "Table 2: Results after 2,000 hours at Skarnes",
        ["Strategy", "Energy (kWh/m³)", "Loss of flow (%)", "Training (h)"],
        w.RESULTS,
        [3.2, 1.7, 1.6, 1.6],
        plain=True,
    )
    flow.figure(
        "Figure 1: Loss of permeate flow over the hours of operation, for no flushing, fixed interval and pulse flushing.",
        140,
        _decline,
    )
    flow.text(
        "Figure 1 shows how the loss builds up. Without flushing, half of it occurs in the first 500 hours. With pulse "
        "flushing the curve is nearly flat after 1,000 hours. Pulses were given 3.1 times a day on average, most of "
        "them in the hour after sunrise and on days with broken clouds. Together they used 28 litres of permeate a day, "
        "0.07 % of a D40's rated output in a day of 40 m³."
    )
    flow.figure(
        "Figure 2: Pulses a day by weather, mean of the trial.",
        120,
        lambda page, rect: bars(
            page,
            rect,
            "Pulses a day",
            ["Clear", "Broken clouds", "Overcast"],
            {"Pulses": (1.8, 5.6, 2.4)},
            form="{:.1f}",
            size=7,
        ),
    )
    flow.table(
        "Table 3: Specific energy by month (kWh/m³)",
        ["Month", "Fixed interval", "Learned", "Pulse"],
        [
            ["May 2023", "3.22", "2.84", "2.80"],
            ["June 2023", "3.29", "2.86", "2.82"],
            ["August 2023", "3.43", "2.92", "2.88"],
            ["October 2023", "3.52", "2.94", "2.92"],
            ["December 2023", "3.59", "2.96", "2.95"],
        ],
        [2.2, 1.6, 1.2, 1],
        plain=True,
    )
    flow.text(
        "The advantage grows with time (Table 3): in May all units still have clean membranes, in December the unit with "
        "the fixed interval needs 22 % more energy than the one with pulse flushing. The cost of the rule is small. The "
        "concentrate valve opened 760 times in the trial; its actuator is built for 200,000."
    )
    heading("6  Discussion")
    flow.text(
        "Why does so simple a rule do as well as a learned one? We think that the flow itself says nearly all that there "
        "is to know: whatever the cause of the deposit, it shows as a loss of flow within the hour. The learned "
        "controller had eleven inputs; when we removed all but the flow, its specific energy rose by only 0.04 kWh/m³."
    )
    flow.text(
        "The rule has limits. It cannot tell a deposit from a prefilter that clogs, since both lower the flow; the "
        "controller therefore stops giving pulses after four in an hour and shows fault E04. It has been tried at one "
        "site, with water that is cold and clean; in the Gulf, where the feed reaches 36 °C and blooms of algae are "
        "common, we expect a lower threshold to be better. Trials at Sur began in October 2024."
    )
    flow.text(
        "We did not study the life of the membranes directly. The elements that had run with pulse flushing showed 71 % "
        "less biological matter in the autopsy than those of the fixed interval. On this ground the manufacturer has "
        "lengthened the interval of replacement from three to five years."
    )
    heading("7  Conclusion")
    flow.text(
        "A rule with two parameters keeps the membranes of a solar unit clean. It needs no training, saves a fifth of "
        "the energy and can be added to existing units by an update of their firmware. The data of all trials are "
        "available from the authors."
    )
    heading("References")
    for n, reference in enumerate(
        [
            "H. Brandt, S. Oyelaran. Cross-flow and settling in intermittent reverse osmosis. Desal. Lett. 8 (2019) 77–91.",
            "L. Chen, M. Farouk. Reinforcement learning for membrane cleaning. Water Control 5 (2021) 12–29.",
            "A. Deshmukh. Osmotic backwash in small units. PhD thesis, University of Bergen, 2020.",
            "C. Okafor, P. Lind. A learned flushing controller for solar desalination. Water Control 7 (2023) 301–318.",
            "J. Ros, M. Eikeland. Batteries or not? Cost of water on small islands. J. Small-Scale Desal. 9 (2022) 45–60.",
        ],
        1,
    ):
        flow.text(f"[{n}] {reference}", size=8.4)
    return doc
