"""The generator without a model: what it chooses, when it abstains, and that what it says is proved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ragsys_generate.extractive import Extractive
from ragsys_generate.options import ExtractiveOptions
from ragsys_generate.words import parts, read, tokens

from ragsys.citing import prove
from ragsys.errors import GenerationError
from ragsys.protocols import Context, Request
from ragsys.replying.drafts import written
from ragsys.testing.agents import page_of
from ragsys.testing.generators import check_generator
from ragsys.types import BlockKind, Draft, Evidence, Hit, Level, Page, Span

TABLE = "|  | 2018 | 2017 |\n| Net sales | 5,363 | 4,869 |\n| Capital expenditures | (1,577) | (1,373) |"
PAGES = {
    "acme": page_of(
        (BlockKind.TITLE, "Acme: results of the year"),
        "Acme makes pumps and valves. The plant in Graz opened in 1987 and employs 450 people [12].",
        (BlockKind.TABLE, TABLE),
    ),
    "borg": page_of(
        (BlockKind.TITLE, "Borg manual"),
        "Open the housing first. Change the oil of the gearbox after 500 hours."
        " To lock the lid:\n• Turn the key.\n• Press OK.",
        "Maria Huber leads the service team of Borg.",
    ),
}


def evidence(pages: dict[str, Page] | None = None) -> tuple[Evidence, ...]:
    """The pages in order."""
    given = PAGES if pages is None else pages
    return tuple(
        Evidence(n, name, f"{name}.pdf", "", page, "p", Hit(Span(name, 1, 1), n, 1.0 / n))
        for n, (name, page) in enumerate(given.items(), 1)
    )


@pytest.fixture
def generator(tmp_path: Path) -> Extractive:
    return Extractive(ExtractiveOptions(), Context(tmp_path, tmp_path, "f"))


def ask(generator: Extractive, question: str) -> Draft:
    """The draft for a question."""
    pages = evidence()
    reply = generator.generate(Request((), question, pages))
    return written(reply.text, reply.data, pages)


def test_it_keeps_the_contract(generator: Extractive) -> None:
    check_generator(generator, evidence(), "How many people does the plant in Graz employ?")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many people does the plant in Graz employ?", "450"),
        ("When did the plant in Graz open?", "1987"),
        ("What were Acme's capital expenditures in 2018?", "Capital expenditures, 2018: (1,577)"),
        ("What were Acme's net sales in 2017?", "Net sales, 2017: 4,869"),
        ("After how many hours must the oil of the gearbox be changed?", "500 hours"),
        ("Who leads the service team of Borg?", "Maria Huber"),
        ("How do I lock the lid?", "Turn the key."),
    ],
)
def test_it_finds_the_answer_and_every_sentence_is_proved(generator: Extractive, question: str, expected: str) -> None:
    draft = ask(generator, question)
    assert draft.status == "answered"
    assert expected in draft.text
    assert "[12]" not in draft.text
    assert {statement.level for statement in prove(draft).statements} == {Level.SUPPORTED}


def test_two_hops_are_answered_from_two_documents(generator: Extractive) -> None:
    draft = ask(
        generator, "In which year did the Graz plant open, and after how many hours is gearbox oil changed at Borg?"
    )
    assert {mark.evidence for sentence in draft.sentences for mark in sentence.marks} == {1, 2}
    assert "1987" in draft.text
    assert "500" in draft.text
    assert draft.note == ""  # each part is about what it asks itself


@pytest.mark.parametrize(
    "question",
    [
        "What is the melting point of tungsten carbide?",
        "What were Zenith's capital expenditures in 2012?",
        "How many satellites did the agency launch?",
    ],
)
def test_it_abstains_when_the_pages_do_not_hold_it(generator: Extractive, question: str) -> None:
    draft = ask(generator, question)
    assert draft.status == "abstained"
    assert draft.sentences == ()
    assert draft.note


def test_without_pages_or_words_it_abstains(generator: Extractive) -> None:
    assert generator.extract("What is it?", ())["status"] == "abstained"
    assert generator.extract("???", evidence())["status"] == "abstained"
    assert generator.extract("What?", evidence({"empty": page_of("")}))["status"] == "abstained"


def test_it_refuses_to_look(generator: Extractive) -> None:
    with pytest.raises(GenerationError, match="only writes"):
        generator.generate(Request((), "x", (), "look", {"type": "object"}))


def test_words_meet_in_one_form() -> None:
    assert tokens("1,577.00 Revenues' FY2018") == ["1577", "revenu", "fy2018", "2018"]
    question = read("How much did Acme Corp spend in FY2018?")
    assert question.years == {"2018"}
    assert "acm" in question.names or "acme" in question.names
    assert question.wants == "number"


def draft_of(generator: Extractive, question: str, *pages: Page, titles: Sequence[str] = ()) -> Draft:
    """The draft for a question over pages of one document each."""
    given = tuple(
        Evidence(n, f"d{n}", f"d{n}.pdf", (*titles, *[""] * n)[n - 1], page, "p", Hit(Span(f"d{n}", 1, 1), n, 1.0 / n))
        for n, page in enumerate(pages, 1)
    )
    reply = generator.generate(Request((), question, given))
    return written(reply.text, reply.data, given)


def levels(draft: Draft) -> set[Level]:
    return {statement.level for statement in prove(draft).statements}


INCOME = page_of(
    (BlockKind.TITLE, "Acme: consolidated income"),
    (
        BlockKind.TABLE,
        "|  | FY18 | FY17 | Change 2018 vs. 2017 |\n| Net sales | 5,363 | 4,869 | 10% |\n"
        "| Cost of sales | 2,001 | 1,902 | 5% |",
    ),
)
HALVES = page_of(
    (BlockKind.TITLE, "Acme: results"),
    (
        BlockKind.TABLE,
        "|  | Three months ended June 30 |  | Six months ended June 30 |  |\n|  | 2018 | 2017 | 2018 | 2017 |\n"
        "| Net sales | 5 | 4 | 11 | 9 |\n| Total costs | 3 | 2 | 6 | 7 |",
    ),
)


@pytest.mark.parametrize(
    ("question", "page", "said"),
    [
        ("What were the net sales of Acme in FY2018?", INCOME, "Net sales, FY18: 5,363"),
        ("What were the net sales of Acme in fiscal 17?", INCOME, "Net sales, FY17: 4,869"),
        ("By how much did the net sales of Acme change from 2017 to 2018?", INCOME, "Change 2018 vs. 2017: 10%"),
        (
            "What were Acme's net sales in the six months ended June 30, 2017?",
            HALVES,
            "Net sales, Six months ended June 30 2017: 9",
        ),
        (
            "What were Acme's net sales for the three months ended June 30, 2018?",
            HALVES,
            "Net sales, Three months ended June 30 2018: 5",
        ),
    ],
)
def test_the_column_of_the_period_that_is_asked_for(
    generator: Extractive, question: str, page: Page, said: str
) -> None:
    draft = draft_of(generator, question, page)
    assert said in draft.text
    assert draft.status == "answered"
    assert levels(draft) == {Level.SUPPORTED}


def test_a_column_of_another_year_is_no_answer(generator: Extractive) -> None:
    draft = draft_of(generator, "What were the net sales of Acme in fiscal 2012?", INCOME)
    assert draft.status == "abstained" or "2012" in draft.note
    both = page_of(*(INCOME.blocks[:2]), "In 2012, the net sales of Acme were 3,100 million.")
    draft = draft_of(generator, "What were the net sales of Acme in fiscal 2012?", both)
    assert draft.text.startswith("In 2012, the net sales of Acme were 3,100")


def test_another_company_is_not_taken_for_the_one_that_is_asked_for(generator: Extractive) -> None:
    one = page_of("The annual report of Acme. Acme employs 450 people in its plant.")
    draft = draft_of(generator, "How many people does Zenith employ in its plant?", one)
    assert draft.status != "answered"
    assert "Zenith" in draft.note
    both = page_of("Acme employs 450 people in its plant.", "Zenith is a competitor of Acme.")
    draft = draft_of(generator, "How many people does Zenith employ in its plant?", both)
    assert draft.status == "abstained" or "Zenith" in draft.note
    own = page_of("It employs 450 people in its plant.")
    titled = draft_of(generator, "How many people does Zenith employ in its plant?", own, titles=("Zenith 2020",))
    assert (titled.status, titled.note) == ("answered", "")


MODELS = page_of(
    (BlockKind.TITLE, "Acme: deliveries and parts"),
    (
        BlockKind.TABLE,
        "| Model | 2023 | 2024 |\n| D40 units delivered | 151 | 203 |\n| D90 units delivered | 12 | 14 |",
    ),
    (BlockKind.TABLE, "| Part | Name | Price (EUR) |\n| K-11 | Filter of the D40 | 38.00 |\n| K-12 | Valve | 9.00 |"),
)


def test_a_measure_of_another_thing_or_period_is_no_answer(generator: Extractive) -> None:
    draft = draft_of(generator, "What was the price of a D40 in 2024?", MODELS)
    assert draft.status in ("abstained", "partial")
    assert "38.00" not in draft.text
    assert draft.status == "abstained" or "price" in draft.note
    delivered = draft_of(generator, "How many D40 units were delivered in 2024?", MODELS)
    assert (delivered.status, delivered.note) == ("answered", "")
    assert "203" in delivered.text


def test_the_entity_and_the_measure_meet_in_one_fact(generator: Extractive) -> None:
    page = page_of("Revenue target 2026: EUR 115 million.", "We opened an office.", "The Gulf passes EUR 30 million.")
    draft = draft_of(generator, "What is the revenue target for the Gulf in 2026?", page)
    assert draft.status in ("abstained", "partial")
    assert "Gulf" in draft.note
    assert "30 million" not in draft.text  # no revenue, no target


@pytest.mark.parametrize(
    "block",
    [
        (BlockKind.FOOTER, "Acme sales meeting, 15 January 2019"),
        "[3] Baker, J.: Energy use of learned controllers. Journal 8 (2019) 77–91.",
        "Journal of Water 8 (2019) 77–91.",
    ],
)
def test_a_footer_or_a_list_of_works_supplies_no_year(
    generator: Extractive, block: str | tuple[BlockKind, str]
) -> None:
    table = "| Strategy | Energy (kWh) | Loss (%) |\n| Learned controller | 2.90 | 4.4 |\n| Fixed | 3.41 | 9.6 |"
    page = page_of((BlockKind.TITLE, "Results"), (BlockKind.TABLE, table), block)
    draft = draft_of(generator, "What was the energy use of the learned controller in 2019?", page)
    assert draft.status in ("abstained", "partial")
    assert "2019" in draft.note
    assert "2019" not in draft.text
    now = draft_of(generator, "What is the energy use of the learned controller?", page)
    assert now.status == "answered"
    assert "2.90" in now.text


def test_what_is_written_under_references_says_nothing(generator: Extractive) -> None:
    page = page_of(
        (BlockKind.TITLE, "References"), "Baker, J. The energy use of the learned controller was high in 2019."
    )
    assert draft_of(generator, "What was the energy use of the learned controller?", page).status == "abstained"


def test_a_sentence_without_the_measure_that_is_asked_for_is_told(generator: Extractive) -> None:
    page = page_of("The engineers of the Skarnes waterworks did not ask for a discount in 2025.", "Revenue was 3.")
    draft = draft_of(generator, "What was the revenue of the Skarnes waterworks in 2025?", page)
    assert draft.status == "abstained" or (draft.status == "partial" and "revenue" in draft.note)


def test_a_question_that_is_answered_in_part_says_what_is_missing(generator: Extractive) -> None:
    page = page_of("The plant in Graz opened in 1987.", "It makes valves.")
    draft = draft_of(generator, "When did the plant in Graz open, and who designed its cooling tower?", page)
    assert draft.status == "partial"
    assert "1987" in draft.text
    assert "who designed its cooling tower" in draft.note


def test_a_second_sentence_must_say_more_of_what_is_asked(generator: Extractive) -> None:
    page = page_of(
        (BlockKind.TITLE, "Operating expenses of Acme"),
        (BlockKind.TABLE, "|  | 2021 | 2020 |\n| Total operating expenses | 65,345 | 60,001 |\n| Revenue | 9 | 8 |"),
        "Depreciation expense of Acme increased during 2021 with the assets.",
        "The total of all operating leases of Acme was stable during 2021.",
    )
    draft = draft_of(generator, "What were the total operating expenses of Acme in 2021?", page)
    assert [sentence.text for sentence in draft.sentences] == ["Total operating expenses, 2021: 65,345"]


def test_a_row_says_the_scale_of_its_table_once_and_no_dashes(generator: Extractive) -> None:
    table = "|  | 2021 | Level 1 | (dollars in millions) Level 3 |\n| Equity securities | 284 | 280 | — |"
    page = page_of((BlockKind.TITLE, "Plan assets of Acme"), (BlockKind.TABLE, table))
    draft = draft_of(generator, "What are the equity securities of Acme?", page)
    assert draft.text == "Equity securities, 2021: 284; Level 1: 280 (dollars in millions)"
    assert levels(draft) == {Level.SUPPORTED}


def test_values_without_a_label_are_not_said(generator: Extractive) -> None:
    table = "|  | 2021 | 2020 |\n| Long-term debt | 284 | 280 |\n|  | 799 | 801 |\n| Leases | 5 | 6 |"
    page = page_of((BlockKind.TITLE, "Debt of Acme"), (BlockKind.TABLE, table))
    assert "799" not in draft_of(generator, "What is the debt of Acme in 2021?", page).text


def test_what_is_missing_is_told_in_the_words_of_the_question(generator: Extractive) -> None:
    page = page_of("Acme makes pumps and valves in Graz.")
    note = draft_of(generator, "How many Satellites did Bombardier launch in 2012?", page).note
    assert note == "nothing there on: 2012, Bombardier, Satellites"


@pytest.mark.parametrize(
    "order", ["Answer in millions.", "Please write the answer in int format.", "Round to one decimal."]
)
def test_an_order_how_to_answer_is_no_question(order: str) -> None:
    assert parts(f"How many people does the plant employ? {order}") == [
        f"How many people does the plant employ? {order}"
    ]
    assert "Answer" not in read(f"How many people does it employ? {order}").names


def test_short_fiscal_years_are_years() -> None:
    for text in ("FY18", "FY'18", "FY 18", "fiscal 18", "fiscal year 2018"):
        assert "2018" in tokens(text), text
    assert "2012" not in tokens("fiscal 12.5")


PRICES = page_of(
    (BlockKind.TITLE, "Acme: list of models"),
    (BlockKind.TABLE, "| Model | Price (EUR) | Mass (kg) |\n| D40 | 64,000 | 610 |\n| D90 | 99,000 | 810 |"),
    "The price of the D40 rose because steel became scarce.",
    "The D90 remains the most common model.",
)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Why did the price of the D40 rise?", "because steel"),
        ("What is the reason for the price of the D40?", "because steel"),
        ("Which model is the most common?", "The D90 remains"),
    ],
)
def test_a_reason_or_a_superlative_that_is_written_is_quoted(generator: Extractive, question: str, said: str) -> None:
    draft = draft_of(generator, question, PRICES)
    assert (draft.status, said in draft.text, len(draft.sentences)) == ("answered", True, 1)


@pytest.mark.parametrize(
    ("question", "looked"),
    [
        ("Why is the mass of the D90 810 kg?", "gives a reason and speaks of mass, D90, 810, kg"),
        ("What caused the mass of the D90?", "gives a reason and speaks of mass, D90"),
        ("Which model is cheapest?", "says “cheapest” and speaks of model"),
        ("Which model has the lowest price?", "says “lowest” and speaks of model, price"),
        ("Compare the D40 and the D90.", "compares D40 and D90"),
        ("Is the D40 better than the D90?", "compares D40 and D90"),
    ],
)
def test_a_fact_alone_gives_no_reason_and_no_superlative(generator: Extractive, question: str, looked: str) -> None:
    draft = draft_of(generator, question, PRICES)
    assert (draft.status, draft.sentences) == ("abstained", ())
    assert f"looked for a sentence that {looked}" in draft.note


@pytest.mark.parametrize(
    "question",
    [
        "Compare the price of the D40 and the D90.",
        "What is the difference between the price of the D40 and the price of the D90?",
        "How much more does the D90 cost than the D40?",
        "What is the price of the D40, and what is the price of the D90? Compare: which is cheaper?",
    ],
)
def test_what_is_compared_is_quoted_side_by_side_and_not_called_an_answer(generator: Extractive, question: str) -> None:
    draft = draft_of(generator, question, PRICES)
    assert ["64,000" in draft.text, "99,000" in draft.text, "steel" in draft.text] == [True, True, False]
    assert draft.status == "partial"
    assert "does not compare them" in draft.note


def test_a_sentence_that_compares_answers_a_comparison(generator: Extractive) -> None:
    page = page_of("The D90 is 200 kg heavier than the D40.", "The D40 is painted blue.")
    draft = draft_of(generator, "How much heavier is the D90 than the D40?", page)
    assert (draft.status, draft.text) == ("answered", "The D90 is 200 kg heavier than the D40.")


def test_two_columns_of_one_row_are_both_said(generator: Extractive) -> None:
    question = "What were the net sales of Acme in FY18, and what were the net sales of Acme in FY17? Compare them."
    draft = draft_of(generator, question, INCOME)
    assert ["FY18: 5,363" in draft.text, "FY17: 4,869" in draft.text] == [True, True]


def test_a_row_of_another_measure_is_no_answer(generator: Extractive) -> None:
    draft = draft_of(generator, "What was the budget of Acme for capital expenditures in 2018?", PAGES["acme"])
    assert draft.status == "abstained" or "budget" in draft.note
    deliveries = draft_of(generator, "What is the price of the D90 units delivered in 2024?", MODELS)
    assert (deliveries.status, deliveries.sentences) == ("abstained", ())
    assert "price" in deliveries.note
