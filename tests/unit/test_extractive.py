"""The generator without a model: what it chooses, when it abstains, and that what it says is proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragsys_generate.extractive import Extractive
from ragsys_generate.options import ExtractiveOptions
from ragsys_generate.words import read, tokens

from ragsys.citing import prove
from ragsys.errors import GenerationError
from ragsys.messages import written
from ragsys.protocols import Context, Request
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
