"""The numbers of one made-up company, told once: every document takes them from here, so that they agree."""

from __future__ import annotations

COMPANY = "Kelvara Water Systems"
YEARS = (2021, 2022, 2023, 2024, 2025)

# EUR million
UNITS_SALES = (26.9, 33.7, 37.2, 48.8, 58.1)
SERVICE_SALES = (8.4, 11.0, 14.6, 18.3, 24.0)
MEMBRANE_SALES = (6.5, 7.9, 9.5, 11.8, 14.3)
REVENUE = tuple(round(sum(parts), 1) for parts in zip(UNITS_SALES, SERVICE_SALES, MEMBRANE_SALES, strict=True))
OPERATING_PROFIT = (3.1, 4.5, 4.2, 8.7, 12.3)
RESEARCH = (4.6, 5.3, 7.4, 8.1, 9.0)
NET_DEBT = (11.2, 13.9, 17.5, 14.1, 8.6)
EMPLOYEES = (212, 254, 301, 348, 407)
REGIONS = {  # EUR million in 2024 and 2025
    "Mediterranean": (33.0, 38.2),
    "Gulf": (17.4, 24.9),
    "North Atlantic": (19.7, 21.5),
    "Pacific islands": (8.8, 11.8),
}

# units delivered a year
DELIVERED = {"D15": (310, 342, 318, 365, 371), "D40": (94, 128, 151, 203, 248), "D120": (0, 12, 31, 58, 86)}
CLAIMS = (6.8, 6.1, 5.9, 4.3, 3.1)  # warranty claims per 100 units in service
FLEET_ENERGY = (4.10, 3.92, 3.71, 3.38, 2.96)  # kWh per cubic metre, mean of the fleet

SPECIFICATIONS = [  # name, D15, D40, D120
    ("Rated output (m³/day)", "15", "40", "120"),
    ("Feed pressure (bar)", "52", "55", "58"),
    ("Membrane elements", "2", "6", "16"),
    ("Recovery (%)", "30", "38", "42"),
    ("Rated power (kW)", "2.2", "5.5", "15.0"),
    ("Solar array, recommended (kWp)", "6", "16", "45"),
    ("Dry mass (kg)", "240", "610", "1,750"),
    ("Sound level at 1 m (dB(A))", "64", "67", "72"),
]
PRICES = {"D15": "21,500", "D40": "64,000", "D120": "148,000", "D200": "226,000"}  # EUR, list price 2026

# the paper: control strategy, kWh per cubic metre, flow lost after 2,000 h in percent, hours of training
RESULTS = [
    ("No flushing", "3.64", "14.2", "0"),
    ("Fixed interval", "3.41", "9.6", "0"),
    ("Learned controller", "2.90", "4.4", "600"),
    ("Pulse flushing", "2.87", "4.1", "0"),
    ("Pulse flushing + feed-forward", "2.81", "3.8", "0"),
]
ROLL_OUT = {"2024": 22, "2025": 58, "2026 (target)": 85}  # percent of units in service with pulse flushing
FAULTS = [
    ("E02", "Low feed flow", "Clean strainer S1; open valve V1 fully"),
    ("E04", "Prefilter clogged", "Replace both cartridges of F1"),
    ("E07", "High feed pressure", "Open valve V3 by hand, then replace its actuator"),
    ("E09", "High permeate salinity", "Rinse for 20 minutes; inspect O-rings of each vessel"),
    ("E11", "Motor over temperature", "Clean fan grille; let the motor cool for 45 minutes"),
    ("E15", "Supply voltage low", "Check array isolator; unit restarts above 340 V"),
]
