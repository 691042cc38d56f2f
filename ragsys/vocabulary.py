"""The words that `claims` knows: scales, numbers, units, months, pairs of opposites, words that claim nothing."""

from __future__ import annotations

import re

SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "thousands": 10**3,
    "k": 10**3,
    "million": 10**6,
    "millions": 10**6,
    "mn": 10**6,
    "m": 10**6,
    "billion": 10**9,
    "billions": 10**9,
    "bn": 10**9,
    "b": 10**9,
    "trillion": 10**12,
}
_TEENS = """two three four five six seven eight nine ten eleven twelve
thirteen fourteen fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS = {word: number for number, word in enumerate(re.findall(r"\w+", _TEENS), 2)} | {
    word: 10 * number for number, word in enumerate(re.findall(r"\w+", _TENS), 2)
}

_UNITS = """
km: km kilometer kilometers kilometre kilometres
m: meter meters metre metres
cm: cm centimeters
mm: mm millimeter millimeters
mi: mile miles
ft: ft feet foot
in: inch inches
kg: kg kilogram kilograms
g: g gram grams
mg: mg milligrams
t: tonne tonnes
ton: ton tons
lb: lb lbs pound pounds
l: l liter liters litre litres
ml: ml
s: s sec second seconds
ms: ms milliseconds
min: min minute minutes
h: h hr hrs hour hours
d: day days
wk: week weeks
mo: month months
yr: year years yr yrs
kb: kb
mb: mb
gb: gb
tb: tb
w: w watt watts
kw: kw
mw: mw
kwh: kwh
v: v volt volts
hz: hz
khz: khz
mhz: mhz
ghz: ghz
c: °c celsius
f: °f fahrenheit
bar: bar
kpa: kpa
people: people persons
employee: employee employees
times: times
share: share shares
n: nm newton
"""
#: {word: the unit it means}
UNITS = {
    word: line.partition(":")[0] for line in _UNITS.strip().splitlines() for word in line.partition(":")[2].split()
}
_MONTHS = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct"
    "|november nov|december dec"
)
MONTHS = {word: number for number, words in enumerate(_MONTHS.split("|"), 1) for word in words.split()}

# one pair a line: a claim that takes one side is not supported by words of the other
_SIDES = """
increase increases increased increasing rise rises rose risen rising grow grows grew grown growth growing climbed
    gained up
  | decrease decreases decreased decreasing decline declines declined declining fall falls fell fallen drop drops
    dropped shrank reduce reduces reduced reduction down
higher highest more most greater greatest larger largest above maximum max upper best better exceeds exceeded
    outperforms
  | lower lowest less least fewer fewest smaller smallest below minimum min worst worse underperforms
gain gains profit profits surplus profitable | loss losses deficit unprofitable
acquired acquire acquires bought buy purchase purchased | sold sell sells divested sale disposed
before prior earlier | after later following subsequent
include includes included including | exclude excludes excluded excluding
allow allows allowed permit permits permitted | prohibit prohibits prohibited forbid forbids forbidden prevents
accept accepted approve approved approves passed | reject rejected rejects refused denied failed
open opened opens opening launched started begin began | closed close closes closing ended stopped ceased
first earliest | last latest
always all every each | never none
win won wins | lost lose loses
enable enabled enables | disable disabled disables
positive | negative
left | right
north northern | south southern
east eastern | west western
hot warm | cold cool
must required mandatory | optional may
internal inside | external outside
import imports | export exports
strong stronger strongest | weak weaker weakest
easy easier | hard harder difficult
support supports | oppose opposes
male men man | female women woman
asset assets | liability liabilities
debit | credit
input | output
"""
#: {word: (pair, side)}
SIDES = {
    word: (number, side)
    for number, pair in enumerate(_SIDES.replace("\n    ", " ").replace("\n  |", " |").strip().splitlines())
    for side, words in enumerate(pair.split("|"))
    for word in words.split()
}

#: Words that belong to a quantity: it is compared whole.
MEASURES = frozenset(
    ("percent", "percentage", "point", "points", "basis", "pp", "bps", "dollars", "usd", "eur", "euros")
)

#: Words that carry no claim of their own.
LIGHT = frozenset(
    re.findall(
        r"\w+",
        """
        the a an and or of in on at to for from by with as is are was were be been being it its this that
        these those which who whom whose what when where how there their they them he she his her we our you
        your i also only than then so such into over under per between during about around approximately
        roughly nearly almost some any can will shall has have had do does did according report reports
        reported says said states stated state shows shown showed show given gives gave amount amounts
        amounted total totals totaled value values number figure year years fiscal ended ending respectively
        while whereas but both however thus therefore overall namely page table document section based
        listed using used via stands stood came come made make makes means mean equal equals equaled
        compared well very much many because since through within among against other
        """,
    )
)
