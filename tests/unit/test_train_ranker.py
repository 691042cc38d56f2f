"""`eval/train`: folds leak nothing, weights that ship see no source that only measures, questions are made as told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import write_folder
from ragsys_rank.features import VERSION
from ragsys_rank.trees import Model
from scripts import EVAL, loaded

from ragsys.library import Library
from ragsys.testing.fakes import page_of_texts
from ragsys.types import BlockKind

pytest.importorskip("lightgbm")
TRAIN = EVAL / "train"
CELLS = (("", "2018", "2017"), ("Net sales of tools", "1,577", "1,402"), ("Cost of goods sold", "812", "790"))


collect, made, written, trained = (loaded(name, TRAIN) for name in ("collect", "made", "written", "train_ranker"))


def group(key: str, *docs: str, source: str = "tables", seed: int = 0) -> Any:
    """Twelve candidates of which the second is gold; the first column tells it."""
    chance = np.random.default_rng([seed, len(key)])
    table = chance.normal(size=(12, 3)).astype(np.float32)
    label = np.zeros(12, np.int8)
    label[1] = 1
    table[:, 0] = label + chance.normal(scale=0.1, size=12)
    return collect.Group(key, source, docs, 1, table, label, np.arange(12, 0, -1.0), np.ones(12, bool))


def test_questions_that_share_a_document_even_by_others_are_in_one_fold() -> None:
    chain = [group("1", "a", "b"), group("2", "b", "c"), group("3", "d", "c")]
    others = [group(f"o{n}", f"x{n}") for n in range(20)]
    found = trained.folds([*chain, *others])
    assert len({found[one.id] for one in chain}) == 1
    assert set(found.values()) == set(range(trained.FOLDS))
    assert found == trained.folds([*reversed(others), *reversed(chain)])


def test_no_model_sees_its_fold_or_a_source_that_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [group(f"q{n}", f"d{n // 2}", source=("tables", "financebench")[n % 2]) for n in range(24)]
    fold, seen = trained.folds(every), []

    class Spy:
        def predict(self, table: Any) -> Any:
            return table[:, 0]

    def train(groups: Any, *_: Any) -> list[Spy]:
        seen.append(list(groups))
        return [Spy()]

    monkeypatch.setattr(trained, "train", train)
    scores = trained.by_folds(every[:12], every[12:], [0, 1, 2], ["a", "b", "c"], trained.SHIPPED)
    assert set(scores) == {one.id for one in every[:12]}
    for n, used in enumerate(seen):
        assert used
        assert {one.source for one in used} == {"tables"}
        assert n not in {fold[one.id] for one in used}
    assert {"financebench", "ohr-bench", "mmlongbench-doc-v2"}.isdisjoint(trained.SHIPPED)


def test_recall_counts_gold_that_was_never_found_and_breaks_ties_by_the_fused_order() -> None:
    one = group("q", "a")
    assert [trained.recall(one, np.zeros(12), k) for k in (1, 2)] == [0.0, 1.0]
    assert trained.recall(one, one.label.astype(float), 1) == 1.0
    twice = collect.Group("q", "s", ("a",), 2, one.table, one.label, one.fused, one.held)
    assert trained.recall(twice, one.label.astype(float), 12) == 0.5


def test_equal_input_gives_an_equal_model_that_the_ranker_reads(tmp_path: Path) -> None:
    groups = [group(f"q{n}", f"d{n}", seed=n) for n in range(30)]
    names = ["a", "b", "c"]
    first, second = (trained.train(given, [0, 2], names, [1]) for given in (groups, groups[::-1]))
    assert first[0].model_to_string() == second[0].model_to_string()
    content = trained.exported(first[0], name="x", version=VERSION, lists={"pages": ["v"]})
    (tmp_path / "m.json").write_text(json.dumps(content), encoding="utf-8")
    model = Model.read(tmp_path / "m.json")
    assert model.features == ("a", "c")
    table = groups[0].table[:, [0, 2]]
    np.testing.assert_allclose(model.trees.score(table), first[0].predict(table.astype(float)), atol=1e-12)
    assert int(np.argmax(model.trees.score(table))) == 1


def test_what_is_collected_is_what_the_ranker_sees_and_comes_back_from_its_file(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "docs")
    asked = {"id": 7, "source": "tables", "question": "What was the revenue of the bakery in 2023?"}
    row = {**asked, "gold_pages": [{"doc": "2023/annual.pdf", "page": 1}, {"doc": "2023/annual.pdf", "page": 3}]}
    settings = ("search.rank=null", "search.retrievers.dense=null")
    with Library(root, folder=tmp_path / "library", overrides=settings, background=False) as library:
        library.index(wait=True)
        groups, names, lists = collect.collect(library, [row])
    (one,) = groups
    # no list finds page 3: it counts as gold all the same
    assert (one.id, one.docs, one.gold, int(one.label.sum())) == ("7", ("2023/annual.pdf",), 2, 1)
    assert one.table.shape == (len(one.label), len(names))
    assert set(lists) == {"pages", "passages"}
    collect.kept(tmp_path / "kept.npz", groups, names, lists)
    (again,), *about = collect.read(tmp_path / "kept.npz")
    assert about == [names, lists]
    assert (again.id, again.source, again.docs, again.gold) == (one.id, one.source, one.docs, one.gold)
    assert all(np.array_equal(getattr(again, key), getattr(one, key)) for key in ("table", "label", "fused", "held"))


def test_questions_of_tables_have_their_number_on_every_gold_page() -> None:
    table = page_of_texts(2, (BlockKind.TABLE, "\n".join(" | ".join(row) for row in CELLS)))
    pages = [page_of_texts(1, "Nothing here."), replace(table, blocks=(replace(table.blocks[0], cells=CELLS),))]
    found = made.from_tables({"acme_2018_10k.pdf": pages}, 5, 0)
    assert {row["answer"] for row in found} == {"1,577", "812"}
    assert all(row["gold_pages"] == [{"doc": "acme_2018_10k.pdf", "page": 2}] for row in found)
    assert found == made.from_tables({"acme_2018_10k.pdf": pages}, 5, 0)


def test_answers_tell_pages_by_numbers_that_are_long_or_meet() -> None:
    pages = {"a.pdf": [page_of_texts(1, "Sales 1,577 and costs 8,120."), page_of_texts(2, "Sales 1,577 in 2018.")]}
    row = {"id": "1", "doc_ids": ["a.pdf"], "source": "s", "question": "?"}
    (found,) = made.told_by_numbers([{**row, "answer": "1,577 less 8,120"}], pages)
    assert found["gold_pages"] == [{"doc": "a.pdf", "page": 1}]
    assert made.told_by_numbers([{**row, "answer": "1,577 in 2018"}], pages) == []  # one short number is on too much
    assert made.told_by_numbers([{**row, "answer": "nothing"}], pages) == []


def test_sentences_lose_their_answer() -> None:
    text = "The harbour of Aldburg was deepened by 450 workers in the long winter and holds forty wooden fishing boats."
    found = written.from_prose({"town.pdf": [page_of_texts(1, text), page_of_texts(2, "Other words.")]}, 5, 0)
    assert len(found) == 1
    assert found[0]["answer"] in text
    assert found[0]["answer"] not in found[0]["question"]
    assert found[0]["gold_pages"] == [{"doc": "town.pdf", "page": 1}]
