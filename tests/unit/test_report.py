"""The report of a scored run: what it says, what it marks, what it bounds, and that nothing in it is foreign markup."""

from __future__ import annotations

import dataclasses
import html.parser
import math
import re
from pathlib import Path
from typing import Any, cast

import evaluations
import pytest
from PIL import Image

from ragsys.errors import RagsysError
from ragsys.evaluation import report
from ragsys.evaluation.records import Comparison, Estimate, MetricInfo, Outcome, Question, Scored
from ragsys.evaluation.report import cards, curves, failures, numbers, pages, plots, tables

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Reader(html.parser.HTMLParser):
    """Every element with its attributes; complains where tags do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader._open
    return reader


@pytest.fixture(scope="module")
def scored() -> Scored:
    return evaluations.scored(notes=("laptop: layer dense covers 25 % </b>",))


@pytest.fixture(scope="module")
def page(scored: Scored) -> str:
    return report.to_html(scored, evaluations.picture)


def test_the_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    found = read(page)
    assert len(found.all("script")) == len(found.all("style")) == 1
    for _, attrs in found.elements:
        for name in ("src", "href", "action", "data"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/jpeg;base64,")), attrs
        assert not any(name.startswith("on") or name == "style" for name in attrs), attrs
    policy = next(a["content"] for a in found.all("meta") if a.get("http-equiv") == "Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_texts_of_documents_and_benchmarks_are_never_markup(page: str) -> None:
    for hostile in ("<script>alert(1)", "<b>|bold", "\u202e"):
        assert hostile not in page
    assert "alert(1)" in "".join(read(page).text)  # it is there as text
    assert not read(page).all("b>|bold|<")


def test_ids_are_unique_and_references_lead_somewhere(page: str) -> None:
    found = read(page)
    ids = [attrs["id"] for _, attrs in found.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for link in found.all("a"):
        assert (link["href"] or "")[1:] in ids
    for drawing in found.all("svg"):
        for id in (drawing.get("aria-labelledby") or "").split():
            assert id in ids


def test_what_a_reader_must_know_comes_before_the_numbers(page: str, scored: Scored) -> None:
    assert page.index("covers 25 %") < page.index('id="results"')
    told = "".join(read(page).text)
    for value in (
        scored.provenance.commit,
        scored.provenance.machine,
        scored.provenance.command,
        scored.configs[0].hash,
        "seed",
        "dense 25%",
    ):
        assert value in told


def test_every_plot_is_there_and_says_what_it_shows(page: str) -> None:
    found = read(page)
    drawn = {attrs["id"] for attrs in found.all("svg") if attrs.get("class") == "plot"}
    assert drawn == {
        "plot-recall",
        "plot-seconds",
        "plot-tokens",
        "plot-risk",
        *(
            f"plot-{by}-{m}"
            for by in ("source", "modality", "gold-pages")
            for m in ("page-recall-5", "answer-accuracy")
        ),
    }
    assert len(found.all("desc")) == len(drawn)


def test_the_markdown_holds_the_same_tables_and_sentences(scored: Scored) -> None:
    made = report.to_markdown(scored)
    assert made.splitlines()[0] == "# A suite \\& its \\<folder\\>"
    for line in made.splitlines():
        if line.startswith("|"):  # every row of a table has as many cells as its head
            cells = re.split(r"(?<!\\)\|", line.strip("|"))
            assert len(cells) in (2 + len(scored.configs), 1 + len(scored.configs), 4), line
    for one in scored.comparisons:
        assert re.sub(r"\W", "", one.sentence) in re.sub(r"\W", "", made)
    value = scored.estimates["laptop"]["page_recall@5"].value or 0
    assert f"| page\\_recall@5 | {numbers.share(value)}" in made
    assert "<script>" not in made


def test_recall_at_k_by_hand() -> None:
    questions = cast(
        tuple[Question, ...],
        (
            {"id": "1", "question": "", "gold_pages": [{"doc": "a", "page": 1}, {"doc": "a", "page": 2}]},
            {"id": "2", "question": "", "gold_pages": [{"doc": "b", "page": 1}, {"doc": "c", "page": 1, "grade": 0.0}]},
            {"id": "3", "question": "", "gold_pages": [{"doc": "c", "page": 1, "grade": 0.0}]},
        ),
    )
    found = [[("a", 1), ("b", 9), ("a", 2)], [("c", 1), ("b", 1)], []]
    outcomes = cast(
        tuple[Outcome, ...],
        tuple({"pages": [{"doc": doc, "page": page} for doc, page in ranked]} for ranked in found),
    )
    base = evaluations.scored(8, ["laptop"])
    made = curves.recall_curves(dataclasses.replace(base, questions=questions, outcomes={"laptop": outcomes}))
    assert [one.value for one in made["laptop"]] == [0.25, 0.75, 1.0]
    assert made["laptop"][0].n == 2
    assert curves.rank_of_gold(questions[1], outcomes[1]) == 2
    assert curves.rank_of_gold(questions[2], outcomes[2]) is None


def outcome(status: str | None, score: float | None = None, **more: Any) -> Outcome:
    pages = [] if score is None else [{"doc": "a", "page": 1, "score": score, "stage_scores": {}}]
    made = {"status": status, "pages": pages, "usage": {}, "answer": "x", "citations": [], "error": None, **more}
    return cast(Outcome, made)


def test_risk_against_coverage_by_hand() -> None:
    base = evaluations.scored(8, ["laptop"])
    metric = MetricInfo("m", "")
    outcomes = (outcome("answered", 1.0), outcome("answered", 3.0), outcome("abstained", 9.0), outcome("answered", 1.0))
    scores = {"laptop": {"m": (0.0, 1.0, 0.0, 1.0)}}
    made = curves.risk_coverage(dataclasses.replace(base, outcomes={"laptop": outcomes}, scores=scores), metric)
    # 3.0 (right), then both of 1.0 (half wrong), then the abstention (wrong): losses 0, .5, .5, 1
    assert made["laptop"] == [(0.25, 0.0), (0.5, 0.25), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert curves.sureness(outcome("answered", 1.0, usage={"confidence": 0.3})) == 0.3


GOLD_ONE, GOLD_TWO = ({"gold_pages": [{"doc": "a", "page": page}]} for page in (1, 2))


@pytest.mark.parametrize(
    ("question", "given", "score", "kinds"),
    [
        ({}, outcome("answered", 1.0), 1.0, ()),
        ({}, outcome("answered", 1.0), 0.49, ("wrong",)),
        ({}, outcome("answered", 1.0), None, ()),
        ({}, outcome("abstained", 1.0), 0.0, ("abstained",)),
        ({"answer_type": "unanswerable"}, outcome("abstained", 1.0), 1.0, ()),
        ({"answer_type": "unanswerable"}, outcome("answered", 1.0), 0.0, ("invented",)),
        ({}, outcome(None, 1.0, answer=None, error="E"), 0.0, ("error",)),
        (GOLD_ONE, outcome(None, 1.0, answer=None), None, ()),
        (GOLD_TWO, outcome(None, 1.0, answer=None), None, ("missed20", "missed5", "missed1")),
    ],
)
def test_kinds_of_failure(question: Any, given: Outcome, score: float | None, kinds: tuple[str, ...]) -> None:
    assert failures.kinds_of(question, given, score) == kinds


def test_what_could_not_be_read_did_not_abstain_wrongly() -> None:
    question = cast(Question, GOLD_ONE)
    given = outcome("abstained", 1.0)
    assert failures.kinds_of(question, given, 0.0, {"a", "b"}) == ("unreadable",)
    assert failures.kinds_of(question, given, 0.0, {"b"}) == ("abstained",)
    base = evaluations.scored(12)
    lost = {page["doc"] for page in base.questions[0].get("gold_pages", ())}
    found, _ = failures.cases(dataclasses.replace(base, unreadable=tuple(lost)))
    assert found[0].kinds[0][-1] == "unreadable"
    assert "its gold documents could not be read" in report.to_markdown(
        dataclasses.replace(base, unreadable=tuple(lost))
    )


def test_a_failure_is_not_told_as_a_wrong_answer(scored: Scored, page: str) -> None:
    told = "with at least one configuration, be it only that the first ranked page is no gold page"
    assert told in report.to_markdown(scored)
    assert told in "".join(read(page).text)


def test_numbers_of_few_documents_are_marked() -> None:
    metric = MetricInfo("m", "")
    few, many, one = Estimate(1.0, 1.0, 1.0, 5, 0, 3), Estimate(1.0, 1.0, 1.0, 50, 0, 30), Estimate(1.0, None, None, 1)
    assert tables.estimate_cell(few, metric).note == "few"
    assert tables.estimate_cell(few, metric, n=9).note == "n 5, few"
    assert tables.estimate_cell(many, metric).note == ""
    assert tables.estimate_cell(one, metric).note == ""
    small = report.to_markdown(evaluations.scored(6, configs=("laptop",)))
    assert '"few": fewer than 10 documents, too few to rely on the value or its interval.' in small


def test_a_page_further_down_is_missed_above_it() -> None:
    question = cast(Question, {"gold_pages": [{"doc": "g", "page": 1}]})
    ranked = [{"doc": "x", "page": n, "score": 0.0, "stage_scores": {}} for n in range(1, 31)]
    for rank, kinds in ((1, ()), (5, ("missed1",)), (6, ("missed5", "missed1")), (21, tuple(failures._DEPTHS)[::-1])):
        at = [*ranked[: rank - 1], {"doc": "g", "page": 1, "score": 0.0, "stage_scores": {}}, *ranked[rank:]]
        assert failures.kinds_of(question, outcome(None, answer=None, pages=at), None) == kinds


def comparison(a: str, b: str, difference: float, p: float, *, higher: bool = True) -> Comparison:
    return Comparison("m", a, b, difference, 0, 0, p, p, 10, 10, "", higher)


def test_best_is_marked_only_where_the_difference_is_real() -> None:
    names = ("a", "b", "c")
    real = [comparison("a", "b", 0.2, 0.01), comparison("a", "c", 0.2, 0.049), comparison("b", "c", 0.0, 1.0)]
    assert tables.winners(real, names) == {("m", "a")}
    assert tables.winners([real[0], comparison("a", "c", 0.2, 0.05), real[2]], names) == set()
    assert tables.winners([comparison("a", "b", 0.2, 0.01, higher=False)], ("a", "b")) == {("m", "b")}
    assert tables.winners([], ("a",)) == set()


def test_a_mark_stands_in_both_reports() -> None:
    base = evaluations.scored(24, ["laptop", "laptop-lexical"])
    won = dataclasses.replace(comparison("laptop", "laptop-lexical", 0.3, 0.001), metric="page_recall@5")
    marked = dataclasses.replace(base, comparisons=(won,))
    assert report.to_markdown(marked).count("** ★") == 1
    assert report.to_html(marked).count('<td class="best">') == 1
    none = dataclasses.replace(base, comparisons=(dataclasses.replace(won, p_adjusted=0.2),))
    assert "** ★" not in report.to_markdown(none)
    assert "no difference was shown to be real" in report.to_markdown(none)


def test_every_comparison_is_told_real_differences_first() -> None:
    base = evaluations.scored(24, ["laptop", "laptop-lexical"])
    one = comparison("laptop", "laptop-lexical", 0.1, 0.5)
    every = [dataclasses.replace(one, sentence=f"open {n}") for n in range(9)]
    every.append(dataclasses.replace(one, sentence="real", p_adjusted=0.01))
    made = report.to_html(dataclasses.replace(base, comparisons=tuple(every)))
    places = [made.index(f">{each.sentence}</li>") for each in every]
    assert min(places) == places[-1]
    assert "no difference in 8 other comparisons" in made


def test_a_page_that_cannot_be_shown_says_so(page: str) -> None:
    told = "".join(read(page).text)
    assert "this page cannot be shown: folder/document 4.pdf is broken" in told
    assert "this page cannot be shown" in told.replace("this page cannot be shown: folder", "")
    assert "the benchmark gives no box on this page" in told


def test_pictures_are_bounded_and_the_report_says_so(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "Gallery", lambda draw: pages.Gallery(draw, failures=3))
    made = cards.section(scored, evaluations.picture)
    assert made.count('data-picture="1"') == 3
    assert "3 have pictures of pages (at most 3 and 15 MB" in made
    monkeypatch.setattr(cards, "Gallery", lambda draw: pages.Gallery(draw, room=100_000))
    few = cards.section(scored, evaluations.picture)
    assert 0 < few.count('data-picture="1"') < made.count("<details")
    assert 0 < sum(map(len, re.findall(r"data:image[^\"]*", few))) < 400_000


def test_without_pictures_the_report_says_why(scored: Scored, tmp_path: Path) -> None:
    made = report.write(scored, tmp_path / "deep")
    assert [path.name for path in made] == ["report.md", "report.html"]
    text = made[1].read_text(encoding="utf-8")
    assert "No page can be shown" in text
    assert "data:image" not in text.replace("img-src data:", "")


def test_boxes_are_drawn_where_they_lie() -> None:
    question = cast(
        Question,
        {
            "gold_pages": [{"doc": "a", "page": 1}],
            "gold_boxes": [
                {"doc": "a", "page": 1, "bbox": [0.1, 0.2, 0.5, 1.4]},
                {"doc": "a", "page": 2, "bbox": [0, 0, 1, 1]},
            ],
        },
    )
    ranked = [
        {"doc": "b", "page": 3, "score": 1.0, "stage_scores": {}, "boxes": [[0.2, 0.2, 0.3, 0.3]] * 2},
        {"doc": "a", "page": 1, "score": 0.5, "stage_scores": {}, "boxes": [[0.4, 0.4, 0.4, 0.4], [0, 0, 0.5, 0.5]]},
    ]
    made = pages.wanted(question, [outcome("answered", pages=ranked)], ["c"])
    assert [(one.doc, one.page, one.gold, one.found_by) for one in made] == [
        ("a", 1, True, ()),
        ("b", 3, False, ("c",)),
    ]
    assert made[0].gold_boxes == ((0.1, 0.2, 0.5, 1.0),)
    assert made[0].found_boxes == ((0.0, 0.0, 0.5, 0.5),)  # a box without area is none
    assert made[1].found_boxes == ((0.2, 0.2, 0.3, 0.3),)
    shown = pages.Gallery(lambda doc, page: Image.new("RGB", (2000, 1000)))
    case = failures.Case(1, question, (("missed1",),), (outcome("answered", pages=ranked),), (None,))
    assert shown.pages(case, ["c"])[0].size == (pages.WIDTH, pages.WIDTH // 2)


def test_a_giant_page_is_not_drawn() -> None:
    class Giant:
        width = height = 20_000

    missing = pages._drawn(lambda doc, page: cast(Image.Image, Giant()), "a", 1)[2]
    assert "too large" in missing


def test_a_run_without_answers_gold_or_groups_is_reported_too(tmp_path: Path) -> None:
    base = evaluations.scored(8, ["laptop"])
    bare = dataclasses.replace(
        base,
        questions=tuple(cast(Question, {"id": q["id"], "question": q["question"]}) for q in base.questions),
        outcomes={"laptop": tuple({**o, "answer": None, "status": None, "pages": []} for o in base.outcomes["laptop"])},
        metrics=(),
        scores={"laptop": {}},
        estimates={"laptop": {}},
        groups={},
        comparisons=(),
    )
    read(report.to_html(bare, evaluations.picture))
    assert "8 questions, 1 configuration" in report.to_markdown(bare)
    none = dataclasses.replace(bare, questions=(), outcomes={"laptop": ()})
    read(report.to_html(none))
    assert plots.plots(none) == []


def test_numbers_as_they_are_written() -> None:
    unit = MetricInfo("t", "", bounds=(0, math.inf), unit="tokens")
    shown = [numbers.value(x) for x in (0.4521, 1.0, 0.0, -0.02, 0.9999, None)]
    assert shown == [".452", "1.000", ".000", "-.020", "1.000", "–"]
    assert [numbers.value(x, unit) for x in (1234.5, 2.345, 0.0312)] == ["1,234 tokens", "2.35 tokens", ".031 tokens"]
    assert numbers.interval(Estimate(0.5, 0.4, 0.6, 3)) == "[.400, .600]"
    assert numbers.interval(Estimate(0.5, None, None, 3)) == ""
    assert numbers.count(1, "question") + numbers.count(2000, "question") == "1 question2,000 questions"


def test_a_folder_that_cannot_be_written_is_told(scored: Scored, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RagsysError, match=r"report\.md: cannot be written: .*\n  make it writable"):
        report.write(scored, tmp_path / "file")


def test_the_curve_of_risk_stands_in_numbers_too() -> None:
    made = evaluations.scored(60)
    shown = tables.risk_table(made)
    assert shown is not None
    assert shown.title == "answer_accuracy by coverage"
    assert [row[0].text for row in shown.rows][0::4] == ["the surest 10%", "the surest 100%"]
    for cell, config in zip(shown.rows[-1][1:], made.configs, strict=True):  # of all questions it is the plain mean
        assert cell.text == numbers.value(made.estimates[config.name]["answer_accuracy"].value or 0.0, made.metrics[1])
    assert "## answer\\_accuracy by coverage" in report.to_markdown(made)
    searched = dataclasses.replace(
        made, outcomes={c: tuple({**o, "answer": None} for o in of) for c, of in made.outcomes.items()}
    )
    assert tables.risk_table(searched) is None
