"""What the page ranker's features say of pages whose right values are known; the ranker over small libraries."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ragsys_rank.asked import asked_of
from ragsys_rank.facts import facts_of
from ragsys_rank.features import VERSION
from ragsys_rank.names import Names
from ragsys_rank.options import TreesOptions
from ragsys_rank.ranker import Described, TreesRanker
from ragsys_rank.reporting import phrases_of
from ragsys_rank.words import Texts, match, question_words, window
from ragsys_text.fusions import Zsum
from ragsys_text.lexical import WordsLexical
from ragsys_text.options import Bm25Options, SplitterOptions, WordsOptions, ZsumOptions
from ragsys_text.retrievers import Bm25Retriever
from ragsys_text.splitter import LayoutSplitter

from ragsys.protocols import Context
from ragsys.testing.fakes import FakeIndex, page_of_texts
from ragsys.testing.retrieval import check_ranker
from ragsys.types import BlockKind, Document, Outcome, Page, Query, RankedList, Span

CONTEXT = Context(Path("state"), Path("cache"), "0123456789ab")
LEXICAL = WordsLexical(WordsOptions(), CONTEXT)
RETRIEVERS = {
    level: Bm25Retriever(Bm25Options.model_validate({"level": level}), CONTEXT, LEXICAL)
    for level in ("page", "passage")
}
TITLE = BlockKind.TITLE
DOCUMENTS = {
    "acme_2018_report.pdf": [
        page_of_texts(1, (TITLE, "Acme annual report 2018"), "For the year ended December 31, 2018."),
        page_of_texts(2, (TITLE, "Cash flow statement"), "Capital expenditure was 1,577 in 2018."),
        page_of_texts(3, "Expenditure on capital is planned with care; the statement says nothing of it."),
    ],
    "acme_2022_report.pdf": [
        page_of_texts(1, (TITLE, "Acme annual report 2022"), "For the year ended December 31, 2022."),
        page_of_texts(2, (TITLE, "Cash flow statement"), "Capital expenditure was 1,749 in 2022."),
    ],
    **{f"other{n}.pdf": [page_of_texts(1, f"Birds of island {n}.")] for n in range(8)},
}


def index(documents: dict[str, list[Page]] = DOCUMENTS) -> FakeIndex:
    splitter = LayoutSplitter(SplitterOptions(words=20, least=0), CONTEXT)
    return FakeIndex.of(documents, splitter, list(RETRIEVERS.values()))


def lists(query: str, library: FakeIndex) -> list[RankedList]:
    return [replace(r.retrieve(Query(query), 10, library), name=name) for name, r in RETRIEVERS.items()]


def ranker(tmp_path: Path, feature: str = "words.pairs", **changes: object) -> TreesRanker:
    """With one tree of two leaves: more of the feature is better."""
    content = {
        "format": 1,
        "name": "x",
        "version": VERSION,
        "features": [feature],
        "lists": {name: [spec.name for spec in r.specs] for name, r in RETRIEVERS.items()},
        "trees": [{"feature": [0], "threshold": [0.2], "left": [-1], "right": [-2], "leaf": [0.0, 1.0]}],
    }
    file = tmp_path / "model.json"
    file.write_text(json.dumps(content | changes), encoding="utf-8")
    return TreesRanker(TreesOptions(model=file, least_pages=5), CONTEXT, LEXICAL)


def described(query: str, tmp_path: Path) -> tuple[Described, dict[Span, int]]:
    library = index()
    made = ranker(tmp_path).describe(Query(query), lists(query, library), library)
    return made, {span: n for n, span in enumerate(made.found.spans)}


def test_words_beside_each_other_titles_and_years_count(tmp_path: Path) -> None:
    made, at = described("capital expenditure of Acme in 2018, cash flow statement", tmp_path)
    right, loose, later = (
        at[Span("acme_2018_report.pdf", 2, 2)],
        at[Span("acme_2018_report.pdf", 3, 3)],
        at[Span("acme_2022_report.pdf", 2, 2)],
    )
    columns = made.columns
    assert columns["words.pairs"][right] > columns["words.pairs"][loose] == 0
    assert columns["words.title"][right] > columns["words.title"][loose] == 0
    assert columns["doc.year_name"][[right, later]].tolist() == [2, -1]
    assert columns["doc.year_cover"][[right, later]].tolist() == [2, -1]
    assert columns["doc.named"][right] > columns["doc.named"][later] > 0
    assert columns["ask.year_share"][[right, loose, later]].tolist() == [1, -1, 0]
    assert columns["words.row_rest"][right] > columns["words.row_rest"][loose]
    assert columns["near.before"][right] == pytest.approx(made.found.fused[at[Span("acme_2018_report.pdf", 1, 1)]])


def test_columns_are_finite_and_always_the_same(tmp_path: Path) -> None:
    names = None
    for query in ("", "the", "birds", "Table 3 on page 2?", "zzz 1234567890 Ω 東京", "acme " * 300):
        made, _ = described(query, tmp_path)
        for name, column in made.columns.items():
            assert column.shape == (len(made.found.spans),), name
            assert np.isfinite(column).all(), name
        assert names in (None, list(made.columns))
        names = list(made.columns)


def test_a_document_that_is_asked_for_is_searched_deeper(tmp_path: Path) -> None:
    library = index()
    query = "acme 2018 statement"
    short = [ranked.top(1) for ranked in lists(query, library)]
    made = ranker(tmp_path).describe(Query(query), short, library)
    assert Span("acme_2018_report.pdf", 3, 3) in made.found.spans
    none = TreesRanker(TreesOptions(documents=0), CONTEXT, LEXICAL).describe(Query(query), short, library)
    assert set(none.found.spans) == {ranked.hits[0].span for ranked in short}


def test_the_ranker_keeps_its_contract(tmp_path: Path) -> None:
    for query in ("capital expenditure of acme in 2018", "birds", ""):
        check_ranker(ranker(tmp_path), Zsum(ZsumOptions(), CONTEXT), RETRIEVERS, index(), Query(query))


def test_the_model_decides(tmp_path: Path) -> None:
    library, query = index(), "capital expenditure"
    found = lists(query, library)
    fused = Zsum(ZsumOptions(), CONTEXT).fuse(found)
    made, notes = ranker(tmp_path).rank(Query(query), fused, found, library)
    assert [hit.score for hit in made.hits][:3] == [1.0, 1.0, 0.0]
    assert made.hits[2].span == Span("acme_2018_report.pdf", 3, 3)
    assert made.hits[0].stage_scores.keys() == {"bm25", "zsum", "rank"}
    assert not notes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": VERSION + 1}, "features of version"),
        ({"lists": {"page": ["x"], "dense": ["y"]}}, "for the lists dense, page, not for page, passage"),
        ({"lists": {"page": ["x"], "passage": ["y"]}}, "another 'page': x"),
        ({"features": ["words.unheard_of"]}, "'words.unheard_of'"),
    ],
)
def test_a_model_made_for_something_else_leaves_the_order_and_says_so(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    library = index()
    found = lists("acme", library)
    fused = Zsum(ZsumOptions(), CONTEXT).fuse(found)
    kept, notes = ranker(tmp_path, **changes).rank(Query("acme"), fused, found, library)
    assert kept == fused
    assert len(notes) == 1
    assert reason in notes[0]


def test_lists_of_several_wordings_leave_the_order_and_say_so(tmp_path: Path) -> None:
    library = index()
    found = [*lists("acme", library), *lists("acme report", library)]
    fused = Zsum(ZsumOptions(), CONTEXT).fuse(found)
    kept, notes = ranker(tmp_path).rank(Query("acme"), fused, found, library)
    assert (kept, len(notes)) == (fused, 1)
    assert "the ranking model was not used" in notes[0]
    assert "search.rewriters" in notes[0]


def test_a_tiny_library_keeps_the_fused_order(tmp_path: Path) -> None:
    library = index({"a": [page_of_texts(n, "zebra " * n) for n in range(1, 4)]})
    found = lists("zebra", library)
    fused = Zsum(ZsumOptions(), CONTEXT).fuse(found)
    kept, notes = ranker(tmp_path).rank(Query("zebra"), fused, found, library)
    assert (kept, len(notes)) == (fused, 1)
    assert "3 pages, fewer than 5" in notes[0]


def test_what_is_kept_follows_the_documents(tmp_path: Path) -> None:
    one = ranker(tmp_path)
    for word in ("zebra", "lion"):
        library = index({"a": [page_of_texts(n, f"{word} runs") for n in range(1, 7)], word: [page_of_texts(1, word)]})
        made = one.describe(Query(f"{word} runs"), lists(f"{word} runs", library), library)
        assert made.columns["words.share"].max() == 1
        assert made.columns["doc.named"].max() > 0


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("What does Figure 3 show?", "figure", True),
        ("What is on page 12?", "page", 12),
        ("slide 5, please", "page", 5),
        ("How many people came?", "amount", True),
        ("Who came?", "amount", False),
        ("revenue in FY18 and Q3 2019", "years", frozenset({2018, 2019})),
        ("which column of the table", "table", True),
    ],
)
def test_questions_are_read(text: str, field: str, value: object) -> None:
    asked = asked_of(text, LEXICAL, index().statistics(RETRIEVERS["page"].specs[0].name))
    assert getattr(asked, field) == value


def test_what_stored_digests_hold_is_what_is_made_today() -> None:
    """Where this fails on purpose, libraries hold digests of the old meaning: raise `digest._FORM` with it."""
    table = "| Item | FY2018 |\n| --- | --- |\n| Net revenue, x10 | 1,577 |"
    parts = ((BlockKind.TITLE, "Income 2017"), (BlockKind.TABLE, table), "In 12018 or 2018: 2049, 2050.", "---", "End.")
    facts = facts_of(replace(page_of_texts(3, *parts), label="iv"), LEXICAL)
    held = b"".join((facts.terms.astype("<u4").tobytes(), facts.fields.tobytes()))
    assert (zlib.crc32(held), facts.years, facts.label) == (526232007, {2017: 1, 2018: 2, 2049: 1}, "iv")
    assert facts.make_up.tolist() == pytest.approx([3.091, 0.2925, 1, 0.128, 0, 0, 0, 1, 0, 0], abs=1e-3)


def test_facts_hold_fields_years_and_breaks() -> None:
    table = "| Item | 2018 |\n| --- | --- |\n| Revenue | 1,577 |"
    page = page_of_texts(1, (TITLE, "Income"), (BlockKind.TABLE, table), "Text of 2018.")
    facts = facts_of(page, LEXICAL)
    by_field = {int(f): facts.fields.tolist().count(f) for f in set(facts.fields.tolist())}
    assert set(by_field) == {0, 1, 2, 3}  # text, title, rows, head
    assert facts.years == {2018: 2}
    assert (facts.terms == 0).sum() == 3
    assert facts_of(replace(page, blocks=()), LEXICAL).terms.size == 0


@pytest.mark.parametrize("query", ["capital expenditure of Acme in 2018, cash flow statement", "birds", "page 2"])
def test_digests_give_the_same_order(query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = index()
    fused = Zsum(ZsumOptions(), CONTEXT).fuse(found := lists(query, library))
    plain, _ = ranker(tmp_path).rank(Query(query), fused, found, library)
    library.digesting = ranker(tmp_path)
    ready = ranker(tmp_path)
    ready.prepare(Query(query), found[:1], library)
    monkeypatch.setattr(FakeIndex, "content", lambda *_: {})  # no page is read anew
    monkeypatch.setattr(
        FakeIndex, "digests", lambda self, spans: {s: self.digesting.digest(self.pages[s.doc, s.first]) for s in spans}
    )
    assert ready.rank(Query(query), fused, found, library)[0].hits == plain.hits


def test_names_join_words_and_forget_common_ones() -> None:
    paths = ["BESTBUY_2023_10K.pdf", "reports/Best Buy 2019.pdf", *(f"report_{n}_10K.pdf" for n in range(10))]
    names = Names.of({str(n): Document(str(n), (path,), "", 1, 0, Outcome.INDEXED) for n, path in enumerate(paths)})
    found = names.named({"best", "buy", "bestbuy", "2023", "10k"})
    assert found["0"] > 0
    assert found["1"] > 0
    assert set(found) == {"0", "1"}
    assert names.years["0"] == {2023}


@pytest.mark.parametrize(
    ("short", "found"),
    [("JnJ", {"0"}), ("J&J", {"0"}), ("AMEX", {"1"}), ("AE", set()), ("GM", {"2"}), ("ROA", set()), ("FY", set())],
)
def test_names_are_told_by_their_abbreviations(short: str, found: set[str]) -> None:
    paths = ["JOHNSON_JOHNSON_2022.pdf", "AMERICANEXPRESS_2022.pdf", "General Mills 2020.pdf"]
    paths += [f"plain_{n}.pdf" for n in range(9)]
    names = Names.of({str(n): Document(str(n), (path,), "", 1, 0, Outcome.INDEXED) for n, path in enumerate(paths)})
    asked = asked_of(f"What are the sales of {short}?", LEXICAL, index().statistics(RETRIEVERS["page"].specs[0].name))
    assert set(names.named(asked.joined, asked.short)) == found


@pytest.mark.parametrize(
    ("text", "row", "statement"),
    [
        ("How much capex?", "capital expenditures", "statements of cash flows"),
        ("Is it capital-intensive?", "property, plant and equipment, net", "statements of cash flows"),
        ("the quick ratio of 2020", "total current liabilities", "balance sheets"),
        ("Take the P&L statement: SG&A?", "selling, general and administrative", "statements of operations"),
        ("inventory turnover ratio", "cost of goods sold", "statements of earnings"),
    ],
)
def test_measures_are_known_by_the_rows_that_hold_them(text: str, row: str, statement: str) -> None:
    rows, statements = phrases_of(text)
    assert row in rows
    assert statement in statements


def test_a_statement_that_is_named_is_the_only_one() -> None:
    assert phrases_of("inventories by the balance sheet")[1] == ("balance sheets", "statements of financial position")
    assert phrases_of("Which birds live on the escape island?") == ((), ())


def test_the_page_with_a_measures_rows_is_found_without_the_questions_words(tmp_path: Path) -> None:
    table = "| Millions | 2018 |\n|---|---|\n| Purchases of property, plant and equipment | (1,577) |"
    flows = page_of_texts(4, (TITLE, "Consolidated statements of cash flows"), (BlockKind.TABLE, table))
    library = index({**DOCUMENTS, "acme_2018_report.pdf": [*DOCUMENTS["acme_2018_report.pdf"], flows]})
    query = "What was the capex of Acme in 2018?"
    short = [ranked.top(1) for ranked in lists(query, library)]
    one = TreesRanker(TreesOptions(deeper=1), CONTEXT, LEXICAL)
    made = one.describe(Query(query), short, library)
    right = made.found.spans.index(Span("acme_2018_report.pdf", 4, 4))
    assert made.found.spans[right] not in {hit.span for ranked in short for hit in ranked.hits}
    for name in ("search", "rows.pairs", "rows.table", "both"):
        column = made.columns[f"report.{name}"]
        assert column[right] == column.max() > np.delete(column, right).max(), name
    assert made.columns["report.statements.titled"][right] > 0
    other = one.describe(Query("birds"), short, library)
    assert not any(column.any() for name, column in other.columns.items() if name.startswith("report."))


def test_a_document_holds_what_its_candidates_hold_together() -> None:
    asked = asked_of("zebra stripes", LEXICAL, index().statistics(RETRIEVERS["page"].specs[0].name))
    facts = [facts_of(page_of_texts(n, text), LEXICAL) for n, text in enumerate(["zebra", "stripes", "zebra"], 1)]
    found = match(asked.ids, Texts.of(facts))
    columns = question_words(asked, found, np.zeros((3, 2), bool), np.array([0, 0, 1]), 2)
    assert columns["doc.holds"].tolist() == pytest.approx([1.0, 1.0, 0.5])
    assert columns["doc.holds.gap"].tolist() == pytest.approx([0.0, 0.0, -0.5])


def test_a_stretch_counts_each_term_once() -> None:
    ids = np.array([LEXICAL.term_id(term) for term in ("zebra", "lion")], np.uint32)
    near = facts_of(page_of_texts(1, "zebra lion zebra zebra"), LEXICAL)
    apart = facts_of(page_of_texts(2, "zebra " + "grass " * 40 + "lion"), LEXICAL)
    best = window(match(ids, Texts.of([near, apart])), np.array([2.0, 1.0]), 12)
    assert best.tolist() == [3.0, 2.0]
