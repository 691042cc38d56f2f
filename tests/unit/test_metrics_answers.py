"""Metrics of answers as texts and as lists, against values worked out by hand."""

from __future__ import annotations

import pytest
from ragsys_suites.metrics.base import items
from ragsys_suites.metrics.numbers import Number, numbers
from scored import abstention, build, failure, outcome, question

PARIS = question(answer="the city of Paris", answer_type="text")
BY_TEXT = [
    "answer_accuracy", "exact_match", "token_f1", "anls", "rouge_l", "visdom_f1", "multihop_accuracy_corrected",
    "m3docvqa_em", "m3docvqa_f1", "list_em", "list_f1",
]  # fmt: skip


@pytest.mark.parametrize("name", BY_TEXT)
def test_what_is_the_same_for_all(name: str) -> None:
    metric = build(name)
    assert metric.score(PARIS, outcome("The city of Paris")) == 1.0
    assert metric.score(PARIS, abstention()) == 0.0
    assert metric.score(PARIS, failure()) == 0.0
    assert metric.score(PARIS, outcome()) is None  # nothing was asked for
    assert metric.score(question(), outcome("Paris")) is None
    nothing = question(answer="Not answerable", answer_type="unanswerable")
    assert metric.score(nothing, abstention()) == 1.0
    assert metric.score(nothing, outcome("Paris")) == 0.0
    several = question(answer="Lutetia", answers=["Lutetia", "the city of Paris"])
    assert metric.score(several, outcome("The city of Paris")) == 1.0  # the best of the accepted


@pytest.mark.parametrize(
    ("name", "gold", "answer", "value"),
    [
        ("exact_match", "The Eiffel-Tower!", "eiffeltower", 1.0),
        ("exact_match", "Eiffel", "Eiffel Tower", 0.0),
        # gold: city of paris; answer: it is city of light -> shared city, of: P 2/5, R 2/3 -> 2*2/(5+3)
        ("token_f1", "the city of Paris", "It is a city of light", 4 / 8),
        ("visdom_f1", "the city of Paris", "It is a city of light", 4 / 8),
        ("token_f1", "red red blue", "red", 2 * 1 / 4),
        ("token_f1", "the", "a", 1.0),  # both are empty
        ("token_f1", "the", "cat", 0.0),
        # kitten -> sitting: 3 edits of 7
        ("anls", "Kitten", "sitting ", 1 - 3 / 7),
        ("anls", "abcd", "abxy", 0.0),  # 2 edits of 4: not below one half
        # tokens the cat sat on the mat (6) / the cat on mat (4): the longest common one is all 4
        ("rouge_l", "The cat sat on the mat.", "the cat, on mat", 2 * 4 / 10),
        ("rouge_l", "a b", "b a", 2 * 1 / 4),
        ("rouge_l", "!", "?", 0.0),
        ("multihop_accuracy", "the Verge", "No, the Times.", 1.0),  # shares "the"
        ("multihop_accuracy", "Verge", "It is unclear.", 0.0),
        ("multihop_accuracy", "Verge", 'The answer to the question is "Times". Not Verge', 0.0),
        ("multihop_accuracy_corrected", "the Verge", "No, the Times.", 0.0),
        ("multihop_accuracy_corrected", "Sam Bankman-Fried", "It was Sam Bankman-Fried, in 2021.", 1.0),
        ("multihop_accuracy_corrected", "Bankman Sam", "It was Sam Bankman", 0.0),
        ("multihop_accuracy_corrected", "Yes", "Yes, there is no doubt.", 1.0),
        ("multihop_accuracy_corrected", "no", "Whether yes or no is open.", 0.0),
    ],
)
def test_texts(name: str, gold: str, answer: str, value: float) -> None:
    assert build(name).score(question(answer=gold), outcome(answer)) == pytest.approx(value)


def test_multihop_null_queries_expect_insufficient_information() -> None:
    null = question(answer="Insufficient information.", answer_type="unanswerable")
    assert build("multihop_accuracy").score(null, abstention()) == 1.0  # shares "insufficient"
    assert build("multihop_accuracy").score(null, outcome("It is Paris.")) == 0.0
    assert build("multihop_accuracy").score(question(answer_type="unanswerable"), abstention()) == 1.0
    assert build("multihop_accuracy").score(question(), abstention()) is None
    assert build("multihop_accuracy").score(null, outcome()) is None


@pytest.mark.parametrize(
    ("name", "gold", "answer", "value"),
    [
        ("m3docvqa_em", '["Red", "the blue"]', '["blue", "red"]', 1.0),
        ("m3docvqa_em", '["Red", "Blue"]', '["blue", "blue", "red"]', 0.0),  # one too many
        ("m3docvqa_em", '["Red", "Blue"]', "red and blue", 0.0),  # prose is one member
        ("list_em", '["Red", "Blue"]', "red and blue", 1.0),
        ("list_em", '["Red", "Blue", "1,000"]', "- blue;\n- 1,000;\n- the red.", 1.0),
        ("list_em", '["Red", "Blue"]', "red, blue, green", 0.0),
        # pairs: new york / new york city: sets 2 and 3, P 2/3 R 1 -> .8; oslo / oslo: 1 -> 1.8 / 2
        ("m3docvqa_f1", "['New York', 'Oslo']", "['Oslo', 'New York City']", 0.9),
        # three given for two: (.8 + 1) / 3 = .6
        ("m3docvqa_f1", '["New York", "Oslo"]', '["Oslo", "New York City", "Rome"]', 0.6),
        ("list_f1", '["New York", "Oslo"]', "Oslo, New York City, Rome", 0.6),
        # the pairing that is best in sum, not the first one: a b/a b c .8, a/a b .667 · a b/a b 1 + a/a b c .5 = 1.5
        ("list_f1", '["x y", "x"]', '["x y z", "x y"]', 1.5 / 2),
        # the number gate: words agree, the number does not
        ("m3docvqa_f1", "4 red cars", "5 red cars", 0.0),
        ("m3docvqa_f1", "4 red cars", "4.0 red cars", 1.0),
        ("m3docvqa_f1", "a b c d e f g", "b c", 0.5),  # without a: P 1, R 2/6 -> .5
        # sets 3 and 4, 3 shared: P 3/4, R 1 -> 6/7 = .857142..
        ("m3docvqa_f1", "red green blue", "red green blue x", 0.86),
        ("list_f1", "red green blue", "red green blue x", 6 / 7),
        ("list_f1", "ice-cream", "ice cream", 1.0),  # cut at hyphens
    ],
)
def test_lists(name: str, gold: str, answer: str, value: float) -> None:
    asked = question(answer=gold, answer_type="list")
    assert build(name).score(asked, outcome(answer)) == pytest.approx(value)


def test_lists_are_read_and_never_run() -> None:
    assert items('["a", 2]') == ["a", "2"]
    assert items("['a', \"b\"]") == ["a", "b"]
    assert items(" plain ") == ["plain"]
    for text in ("[open('x')]", "[[1]]", "[" * 2000 + "]" * 2000, "[1,", "[x for x in 'ab']", "[]x]"):
        assert items(text) == [text]
    assert items("[]") == []
    assert len(items(str(list(range(200))))) == 200
    assert len(items(str(list(range(201))))) == 1


def test_numbers_of_a_text() -> None:
    found = numbers("In FY2018 Q2 sales rose 4.2% to $1,577.5 million (3.7) from -12, about .5 or six; 2012-2013.")
    assert found == [
        Number(4.2, percent=True),
        Number(1577.5, 1e6),
        Number(-3.7),
        Number(-12.0),
        Number(0.5),
        Number(6.0),
        Number(2012.0),
        Number(2013.0),
    ]


@pytest.mark.parametrize(
    ("kind", "asked", "gold", "answer", "value"),
    [
        ("int", "How many?", "4", "There are four of them.", 1.0),
        ("int", "How many?", "4", "There are 14 of them.", 0.0),
        ("int", "How many?", "1383", "In all 1,383 patients.", 1.0),
        ("int", "How many?", "100", "Some 100.5 patients.", 0.0),
        ("float", "How many million USD?", "$1577.00", "It was $1.577 billion.", 1.0),
        ("float", "How much (in USD millions)?", "$1577.00", "It was $1,577 million in FY2018.", 1.0),
        ("float", "How much?", "$8.70", "It was 8.75.", 1.0),  # within 1 %
        ("float", "How much?", "$8.70", "It was 8.80.", 0.0),
        ("float", "What share?", "4.2%", "It is 0.042.", 1.0),
        ("float", "What share?", "0.01", "It is 1 %.", 1.0),
        ("float", "What share?", "4.2%", "It is 420.", 0.0),
        ("float", "Which change?", "-3.7", "It fell by 3.7.", 1.0),
        ("float", "Which change?", "-3.7", "It rose by 3.7.", 0.0),
        ("float", "Which change?", "-3.7", "It was (3.7).", 1.0),
        ("float", "When?", "2017", "In 2018.", 0.0),  # a year, although within 1 %
        ("float", "When?", "2017-12-31", "It ended on 2017-12-31.", 1.0),  # three numbers: as a text
        ("float", "When?", "2017-12-31", "It ended on 2017-12-30.", 0.0),
        ("int", "How many?", "3", "1, 2, 3, 4 or 5 of them.", 0.0),  # says them all
        ("int", "How many in 2017 and 2018?", "3", "Of 2017, 2018, 7 and 8: 3 and 9.", 1.0),  # years are asked of
        ("yesno", "Is it?", "Yes", "Yes, it is.", 1.0),
        ("yesno", "Is it?", "Yes, by 1 %.", "No.", 0.0),
        ("yesno", "Is it?", "No", "There is no such plan.", 1.0),
        ("yesno", "Is it?", "Yes", "It is.", 0.0),
        ("list", "Which?", '["Circle", "Rectangle"]', "A rectangle and a circle.", 1.0),
        ("list", "Which?", '["Circle", "Rectangle"]', "A circle.", 0.0),
        ("text", "Who?", "Customer deposits", "They are its customer deposits, mostly.", 1.0),
        ("text", "Who?", "Customer deposits", "Deposits of a customer.", 0.0),
        ("text", "Who?", "Bankman-Freid", "Bankman-Fried", 1.0),  # two edits of 13
        # content words: consumer segment shrunk 09 organically; four of five are there, and the number
        ("text", "How?", "The consumer segment shrunk by 0.9% organically.", "The consumer segment shrunk 0.9%.", 1.0),
        ("text", "How?", "The consumer segment shrunk by 0.9% organically.", "The consumer segment shrunk 0.8%.", 0.0),
        ("text", "How?", "The consumer segment shrunk by 0.9% organically.", "A segment shrunk 0.9%.", 0.0),
    ],
)
def test_answer_accuracy(kind: str, asked: str, gold: str, answer: str, value: float) -> None:
    made = question(question=asked, answer=gold, answer_type=kind)
    assert build("answer_accuracy").score(made, outcome(answer)) == value


def test_answer_accuracy_reads_only_the_first_words() -> None:
    asked = question(answer="Oslo")
    late = outcome("word " * 30 + "Oslo")
    assert build("answer_accuracy", words=30).score(asked, late) == 0.0
    assert build("answer_accuracy", words=31).score(asked, late) == 1.0
    # gold of 30 words: an answer of 60 may be read
    long = question(answer=" ".join(f"w{n}" for n in range(30)))
    assert build("answer_accuracy", words=10).score(long, outcome("x " * 30 + str(long["answer"]))) == 1.0
    assert build("answer_accuracy", words=10).score(long, outcome("x " * 40 + str(long["answer"]))) == 0.0


@pytest.mark.parametrize(
    ("kind", "gold", "answer", "value"),
    [
        ("int", "4", "4.9", 1.0),  # int(float("4.9"))
        ("int", "4", "5", 0.0),
        ("int", "4", "four", 0.0),
        ("int", "4.0", "4", 0.0),  # int("4.0") fails
        ("float", "4.2%", "4.24", 1.0),  # 4.24 is within 1 % of 4.2
        ("float", "4.2%", "0.042", 1.0),  # the hundredth
        ("float", "$4.2", "420", 1.0),  # the hundredfold
        ("float", "4.2", "4.3", 0.0),
        ("float", "4.2", "It is 4.2", 0.0),  # a sentence
        ("float", "0", "0.004", 1.0),  # both rounded to two decimals
        ("float", "0", "0.006", 0.0),
        ("text", "Blue (dark)", "'blue'", 1.0),
        ("text", "kitten", "sitting", 1 - 3 / 7),
        ("text", "abcd", "abxy", 0.0),
        ("text", "page 12", "page 13", 0.0),  # exact kinds
        ("text", "5 miles", "5 mile", 1 - 1 / 7),  # the units stay
        ("list", "['b', 'a']", '["A", "B"]', 1.0),
        ("list", "['a', 'b']", "a", 0.0),
        ("list", "['kitten', 'abc']", "['sitting', 'abc']", 1 - 3 / 7),  # the least of the two
        ("list", "['1', 'abc']", "['1', 'abd']", 0.0),  # the first is a number: all must be equal
        ("list", "[]", "[]", 1.0),
    ],
)
def test_mmlongbench(kind: str, gold: str, answer: str, value: float) -> None:
    made = question(answer=gold, answer_type=kind)
    assert build("mmlongbench_accuracy").score(made, outcome(answer)) == pytest.approx(value)
    assert build("mmlongbench_f1").score(made, outcome(answer)) == pytest.approx(value)


def test_mmlongbench_abstentions_say_not_answerable() -> None:
    metric = build("mmlongbench_accuracy")
    nothing = question(answer="Not answerable", answer_type="unanswerable")
    assert metric.score(nothing, abstention()) == 1.0
    assert metric.score(nothing, outcome("Not answerable")) == 1.0
    assert metric.score(nothing, outcome("It is Paris.")) == 0.0
    assert metric.score(question(answer="4", answer_type="int"), abstention()) == 0.0
    assert metric.score(question(), outcome("4")) is None
    assert metric.score(nothing, outcome()) is None


def test_mmlongbench_f1_by_hand() -> None:
    metric = build("mmlongbench_f1")
    four, none = question(answer="4", answer_type="int"), question(answer_type="unanswerable")
    questions = [four, four, four, none, none]
    outcomes = [outcome("4"), outcome("5"), abstention(), abstention(), outcome("7")]
    # answerable: 3 with one right -> R 1/3; answered: 4, 5, 7 -> P 1/3; F1 1/3
    assert metric.total(questions, outcomes) == pytest.approx(1 / 3)
    # without the last: answered 2 -> P 1/2; 2 * (1/2) * (1/3) / (5/6) = .4
    assert metric.total(questions[:4], outcomes[:4]) == pytest.approx(0.4)
    assert metric.total([four], [abstention()]) == 0.0
    assert metric.total([four], [outcome()]) is None
    assert metric.total([], []) is None
