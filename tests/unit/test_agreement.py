"""A true quote beside a false sentence is not support: pairs in which one fact was changed, and pairs that do agree."""

from __future__ import annotations

import pytest

from ragsys.agreement import Setting, prose_problems, row_problems
from ragsys.claims import facts, fold
from ragsys.grids import Grid

PAGE = "Acme Corp reported revenue of $1,577.00 million in 2018, compared with $1,373 million in 2017."
PEOPLE = "The plant in Graz opened on 3 March 1987 and employs more than 450 people."
FLAT = "The filter must not be washed, and it lasts for 12 months."

AGREE = [
    (PAGE, PAGE),
    ("Acme Corp reported revenue of $1577 million in 2018.", PAGE),
    ("Revenue of Acme was $1.577 billion in 2018.", PAGE),
    ("In 2018, Acme reported $1,577,000,000 in revenue.", PAGE),
    ("The plant in Graz opened in March 1987.", PEOPLE),
    ("The plant employs over 450 people.", PEOPLE),
    ("The Graz plant opened on March 3, 1987.", PEOPLE),
    ("The filter lasts 12 months.", FLAT),
    ("The filter must not be washed.", FLAT),
    ("Sales rose by 4 percent.", "Sales increased by 4% over the year."),
    ("The loss was $ 30 million.", "A loss of $30 million was booked."),
    ("It has five doors.", "It has 5 doors."),
    ("The tank holds 40 litres.", "The tank holds 40 l."),
    ("Temperatures reached -5 °C.", "Temperatures reached −5 °C."),
    ("The coefficient was 0.35.", "The coefﬁcient was .35."),
    ("Profits did not rise.", "Profits did not rise while costs fell."),
]

DIFFER = [
    ("Acme Corp reported revenue of $1,578 million in 2018.", PAGE),  # number
    ("Acme Corp reported revenue of $1,577 billion in 2018.", PAGE),  # scale
    ("Acme Corp reported revenue of $1,577 in 2018.", PAGE),  # no scale
    ("Acme Corp reported revenue of €1,577 million in 2018.", PAGE),  # currency
    ("Acme Corp reported revenue of 1,577% in 2018.", PAGE),  # percent
    ("Acme Corp reported revenue of $1,577 million in 2016.", PAGE),  # year
    ("Acme Corp reported revenue of $1,373 million in 2018 and $1,577 million in 2017.", PAGE),  # swapped
    ("Borg Corp reported revenue of $1,577 million in 2018.", PAGE),  # name
    ("Acme Corp reported costs of $1,577 million in 2018.", PAGE),  # what is counted
    ("Acme Corp reported no revenue of $1,577 million in 2018.", PAGE),  # negation
    ("Acme Corp reported revenue of -$1,577 million in 2018.", PAGE),  # sign
    ("Acme Corp expects revenue of $1,577 million in 2018.", PAGE),  # another word
    ("The plant in Graz closed on 3 March 1987.", PEOPLE),  # opposite
    ("The plant in Linz opened on 3 March 1987.", PEOPLE),  # place
    ("The plant in Graz opened on 4 March 1987.", PEOPLE),  # day
    ("The plant in Graz opened on 3 May 1987.", PEOPLE),  # month
    ("The plant in Graz opened on 3 March 1978.", PEOPLE),  # year
    ("The plant employs 450 people.", PEOPLE),  # bound dropped
    ("The plant employs less than 450 people.", PEOPLE),  # bound changed
    ("The filter must be washed.", FLAT),
    ("The filter lasts for 12 weeks.", FLAT),  # unit
    ("The filter lasts for 12 years.", FLAT),
    ("The filter does not last for 12 months.", FLAT),
    ("Sales decreased by 4 percent.", "Sales increased by 4% over the year."),
    ("Sales rose by 4 percentage points.", "Sales increased by 4% over the year."),
    ("Sales rose by 40 percent.", "Sales increased by 4% over the year."),
    ("Margins fell.", "Margins rose although costs fell."),
    ("The method beats BERT.", "The method is beaten by RoBERTa."),
    ("Alpha outperforms Beta.", "On all sets Beta outperforms Alpha."),
    ("The drug causes nausea.", "The drug may cause nausea."),
    ("The board approved the merger.", "The board rejected the merger."),
    ("The board approved the merger.", "The board did not approve the merger."),
    ("Version 2.1.3 fixes this.", "Version 2.1.4 fixes this."),
    ("The valve is on the left side.", "The valve is on the right side."),
    ("Acme sold Borg in 2018.", "Acme acquired Borg in 2018."),
    ("At least 30 samples are needed.", "At most 30 samples are needed."),
    ("The highest value was 7.", "The lowest value was 7."),
    ("Net income was 370.", "Net income (loss) was -370."),
    ("Temperatures reached 5 °C.", "Temperatures reached -5 °C."),
    ("Nobody was hurt.", "Three workers were hurt."),
    ("COVID-20 spread.", "COVID-19 spread."),
    ("The fee is $5.", "The fee is $5.50."),
    ("The device weighs 2 kg.", "The device weighs 2 g."),
]

#: (claim, page, whether the page says it): the number, the year and the name stand there, but not all with each other.
PAIRED = [
    ("Acme Corp reported revenue of $1,373 million in 2018.", PAGE, False),
    ("Acme Corp reported revenue of $1,373 million in 2017.", PAGE, True),
    ("Acme Corp reported revenue of $1,577 million in 2018.", PAGE, True),
    ("Revenue was $3 million.", "Revenue was $5 million and costs were $3 million.", False),
    ("Costs were $3 million.", "Revenue was $5 million and costs were $3 million.", True),
    ("The Linz plant employs 450 people.", "The plants in Graz and Linz employ 450 and 300 people.", False),
    ("The Linz plant employs 300 people.", "The plants in Graz and Linz employ 450 and 300 people.", True),
    ("Revenue was 7 million in 2018.", "Revenue in 2018 and 2017 was 5 million and 7 million.", False),
    ("Revenue was 5 million in 2018.", "Revenue in 2018 and 2017 was 5 million and 7 million.", True),
    ("Revenue was 5 million in 2017.", "Revenue was 5 million and 7 million in 2018 and 2017, respectively.", False),
    ("Revenue was 5 million in 2018.", "Revenue rose from 5 million in 2017 to 7 million in 2018.", False),
    ("Revenue was 7 million in 2018.", "Revenue was at 5 million in 2017 and at 7 million in 2018.", True),
    ("Acme has 300 employees.", "Acme has 450 employees and 300 trucks.", False),
    ("Acme has 450 employees.", "Acme has 450 employees and 300 trucks.", True),
    ("Revenue was $3 million in Europe.", "Revenue was $5 million in Europe and $3 million in Asia.", False),
    ("Revenue was $3 million in Asia.", "Revenue was $5 million in Europe and $3 million in Asia.", True),
    ("The error was 12% with BERT.", "The error was 10% with BERT, while it was 12% with LSTM.", False),
    ("In fiscal 2018 sales were $9 million.", "Sales were $8 million in 2018; they were $9 million in 2017.", False),
    ("In FY17 sales were $9 million.", "Sales were $8 million in 2018; they were $9 million in 2017.", True),
]


@pytest.mark.parametrize(("claim", "page"), AGREE)
def test_a_sentence_that_the_page_says_is_supported(claim: str, page: str) -> None:
    assert prose_problems(claim, page, Setting()) == []


@pytest.mark.parametrize(("claim", "page"), DIFFER)
def test_a_sentence_with_a_changed_fact_is_not(claim: str, page: str) -> None:
    assert prose_problems(claim, page, Setting())


@pytest.mark.parametrize(("claim", "page", "holds"), PAIRED)
def test_a_value_belongs_to_its_year_and_to_what_it_is_said_of(claim: str, page: str, holds: bool) -> None:
    assert (prose_problems(claim, page, Setting()) == []) is holds


def test_of_several_years_around_none_is_borrowed() -> None:
    said, page = "Acme employed 450 people in 2017.", "Acme employed 450 people."
    assert prose_problems(said, page, Setting("Annual report 2017")) == []
    assert prose_problems(said, page, Setting("Annual report 2018 . 2018 compared with 2017"))


def test_what_stands_around_supplies_a_name_but_does_not_replace_one() -> None:
    around = Setting("Acme Corp annual report 2018")
    assert prose_problems("Acme employed 450 people in 2018.", "It employed 450 people.", around) == []
    assert prose_problems("Acme employed 450 people.", "Borg employed 450 people.", around)
    assert prose_problems("Acme employed 450 people in 2018.", "In 2016 it employed 450 people.", around)
    before = Setting("", "Borg is a supplier.")
    assert prose_problems("Borg employs 450 people.", "It employs 450 people.", before) == []
    assert prose_problems("Borg employs 450 people.", "Acme employs 450 people.", before)


GRID = Grid(
    (
        ("", "2018", "2017", "Change %"),
        ("Cash Flows from Investing Activities", "", "", ""),
        ("Purchases of property, plant and equipment (PP&E)", "(1,577)", "(1,373)", "15"),
        ("Proceeds from sale of PP&E", "262", "49", "435"),
        ("Net income", "5,363", "4,869", "10"),
        ("Net loss of affiliates", "(11)", "12", ""),
    )
)
AROUND = Setting("Acme consolidated statement of cash flows (Millions) $")


@pytest.mark.parametrize(
    ("claim", "row"),
    [
        ("Purchases of property, plant and equipment: 2018 (1,577)", 2),
        ("Purchases of property, plant and equipment (PP&E): 2018 (1,577); 2017 (1,373)", 2),
        ("In 2018 Acme paid $1,577 million for purchases of property, plant and equipment.", 2),
        ("Acme's net income was 5,363 in 2018.", 4),
        ("Net income was $4.869 billion in 2017.", 4),
        ("Net income was 5,363 in 2018 and 4,869 in 2017.", 4),
    ],
)
def test_a_row_supports_what_it_says(claim: str, row: int) -> None:
    assert row_problems(claim.replace("paid", "used"), GRID, row, Setting(AROUND.text + " used")) == []


@pytest.mark.parametrize(
    ("claim", "row"),
    [
        ("Net income was 4,869 in 2018.", 4),  # the other column
        ("Net income was 5,363 in 2017.", 4),
        ("Net income was 4,869 in 2018 and 5,363 in 2017.", 4),
        ("Net income was 5,364 in 2018.", 4),
        ("Net income was 5,363 in 2016.", 4),
        ("Net income was $5,363 thousand in 2018.", 4),
        ("Net income was €5,363 million in 2018.", 4),
        ("Net income was -5,363 in 2018.", 4),
        ("Net loss was 5,363 in 2018.", 4),
        ("Net income was 262 in 2018.", 3),  # another row
        ("Proceeds from sale of PP&E were 1,577 in 2018.", 2),
        ("Borg's net income was 5,363 in 2018.", 4),
        ("Net income was not 5,363 in 2018.", 4),
        ("Net loss of affiliates was -12 in 2017.", 5),
    ],
)
def test_a_row_does_not_support_a_changed_fact(claim: str, row: int) -> None:
    assert row_problems(claim, GRID, row, AROUND)


SPANNED = Grid(
    (
        ("", "Three months ended June 30", "", "Six months ended June 30", ""),
        ("", "2018", "2017", "2018", "2017"),
        ("Net sales", "5", "4", "11", "9"),
        ("Costs", "3", "2", "6", "7"),
    ),
    2,
)
MIDDLE = Grid(
    (
        ("", "Domestic", "2022 International", "Total", "Domestic", "2021 International", "Total"),
        ("Stores", "10", "5", "15", "9", "4", "13"),
    )
)
CENTRED = Grid(
    (
        ("", "", "2022", "", "", "2021", ""),
        ("", "Home", "Abroad", "All", "Home", "Abroad", "All"),
        ("Stores", "10", "5", "15", "9", "4", "13"),
    ),
    2,
)
QUARTERS = Grid((("", "Q1 2018", "Q2 2018"), ("Net income", "5", "6")))
PLANTS = Grid((("Plant", "2018", "2017"), ("Graz", "5", "6"), ("Linz", "7", "8")))
LEVELS = Grid((("", "Total", "Level 1", "Level 3"), ("Equity securities", "284", "284", "—")))
CHANGES = Grid((("", "2021", "2020", "(dollars in millions) Change 2021 vs. 2020"), ("Costs", "$65", "$60", "$5")))


def test_a_header_that_spans_columns_counts_for_each() -> None:
    assert SPANNED.header(2) == "Three months ended June 30 2017"
    assert SPANNED.header(3) == "Six months ended June 30 2018"
    assert MIDDLE.headers[1:] == tuple(
        f"{year} {n}" for year in (2022, 2021) for n in ("Domestic", "International", "Total")
    )
    assert CENTRED.headers[1:] == tuple(f"{year} {n}" for year in (2022, 2021) for n in ("Home", "Abroad", "All"))
    assert GRID.headers == ("", "2018", "2017", "Change %")
    assert Grid((("a", "b"),), 0).header(1) == ""


@pytest.mark.parametrize(
    ("claim", "grid", "holds"),
    [
        ("Net sales for the three months ended June 30, 2018 were 5.", SPANNED, True),
        ("Net sales for the six months ended June 30, 2018 were 5.", SPANNED, False),
        ("Net sales for the three months ended June 30, 2018 were 11.", SPANNED, False),
        ("Net sales were 4 in 2018.", SPANNED, False),
        ("Stores: 9 domestic in 2021.", MIDDLE, True),
        ("Stores: 9 domestic in 2022.", MIDDLE, False),
        ("Stores in total: 13 in 2022.", MIDDLE, False),
        ("Stores, 2022 Home: 9", CENTRED, False),
        ("Stores, 2022 Home: 10; 2021 Home: 9", CENTRED, True),
        ("Net income was 6 in Q2 2018.", QUARTERS, True),
        ("Net income was 6 in Q1 2018.", QUARTERS, False),
        ("Net income was 5 in Q1 2018 and 6 in Q2 2018.", QUARTERS, True),
        ("Net income was 6 in Q1 2018 and 5 in Q2 2018.", QUARTERS, False),
        ("Graz made 5 in 2018.", PLANTS, True),
        ("Acme made 5 in 2018.", PLANTS, False),  # it is one plant of Acme's
        ("Equity securities, Level 1: 284; Level 3: —", LEVELS, True),
        ("Equity securities, Level 3: 284", LEVELS, False),
        ("Costs, 2021: $65; 2020: $60 (dollars in millions)", CHANGES, True),
        ("Costs, 2021: $60 (dollars in millions)", CHANGES, False),
    ],
)
def test_a_value_belongs_to_its_column(claim: str, grid: Grid, holds: bool) -> None:
    setting = Setting("Acme made cars")
    assert (row_problems(claim, grid, grid.heads, setting) == []) is holds


def test_columns_that_nothing_tells_apart_support_no_year() -> None:
    around = Setting("Years ended December 31, 2018 and 2017")
    bare = Grid((("Net income", "5,363", "4,869"), ("Costs", "3", "4")), 0)
    assert row_problems("Net income was 4,869 in 2018.", bare, 0, around)
    assert row_problems("Net income was 5,363 in 2018.", bare, 0, around)
    assert row_problems("Net income was 5,363.", bare, 0, around) == []
    twice = Grid((("", "2018", "2018"), ("Net income", "5", "6")))
    assert row_problems("Net income was 6 in 2018.", twice, 1, Setting())


def test_a_label_of_light_words_is_compared_too() -> None:
    grid = Grid((("", "2022", "2021"), ("Foreign operations", "(8)", "20"), ("Other", "(20)", "(32)")))
    assert row_problems("Other was 20 in 2021.", grid, 1, Setting())
    assert row_problems("Other was (32) in 2021.", grid, 2, Setting()) == []


def test_quantities_are_read_with_scale_sign_and_unit() -> None:
    read = facts("Of $1.5 million, (12%) went to 3M in FY2018; five kg of COVID-19 tests cost -3 euros.")
    assert [(str(q.value), q.currency, q.percent, q.unit) for q in read.quantities] == [
        ("1500000.0", "$", "", ""),
        ("12", "", "%", ""),
        ("5", "", "", "kg"),
        ("3", "€", "", ""),
    ]
    assert [year for year, _ in read.years] == [2018]
    assert {"3m", "covid-19"} <= set(read.names)


def test_folding_makes_one_form_of_ligatures_and_hyphens() -> None:
    assert fold("eﬃ\u00adcient  “A–B”") == 'efficient "A-B"'
