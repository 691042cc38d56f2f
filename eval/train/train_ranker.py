"""Train and measure the page ranker `trees`, through the product's own search over an indexed library.

    python eval/train/train_ranker.py --data FOLDER --library PATH [--set A.B=VALUE] [--keep FILE.npz]
        [--nested] [--ablate] [--write FILE]

FOLDER holds `questions.jsonl` (question, answer, doc_ids, gold_pages, source), `documents.jsonl` (doc, redistribution)
and `pdfs/`; PATH is a complete library of `pdfs/`, made with the same settings. Needs lightgbm. Models are measured by
folds over documents: the one whose weights ship (sources whose licence allows it), and one of all sources. `--keep`
holds the collected features, so that the next run takes minutes; delete it when features or questions change. Equal
input gives an equal model file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from collect import Group, collect, kept, questions, read
from made import document_pages, from_tables, told_by_numbers
from numpy.typing import NDArray
from ragsys_rank.features import VERSION
from ragsys_rank.trees import exported
from written import from_captions, from_prose, from_statements

import ragsys
from ragsys.evaluation.statistics import estimate

FOLDS = 6
SEEDS = (1, 2, 3)  # models that are summed: the variance of one is larger than most groups of features
ROUNDS = 150
DEPTHS = (1, 5, 10, 20)
MADE = ("tables", "prose", "captions", "statements")  # the sources of questions made here

#: Sources that may be in weights that ship, and of questions made here. The others only measure.
SHIPPED = ("alps-squad-epam", "docugami-kg-rag-sec-10q", *MADE)

PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "metric": "None",
    "num_leaves": 8,
    "min_data_in_leaf": 50,
    "learning_rate": 0.05,
    "feature_fraction": 0.25,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "lambdarank_truncation_level": 15,
    "label_gain": [0, 1],
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}

Scores = dict[str, NDArray[np.float64]]


def folds(groups: Sequence[Group]) -> dict[str, int]:
    """{question: fold}: questions that share a gold document, directly or by others, are in one fold."""
    parent: dict[str, str] = {}

    def root(doc: str) -> str:
        parent.setdefault(doc, doc)
        while parent[doc] != doc:
            doc = parent[doc]
        return doc

    for group in groups:
        for doc in group.docs:
            parent[root(doc)] = root(group.docs[0])
    together: dict[str, list[str]] = {}
    for group in groups:
        together.setdefault(root(group.docs[0]), []).append(group.id)
    sizes = [0] * FOLDS
    found: dict[str, int] = {}
    for _, ids in sorted(together.items(), key=lambda item: (-len(item[1]), item[0])):
        fold = min(range(FOLDS), key=lambda n: (sizes[n], n))
        sizes[fold] += len(ids)
        found |= dict.fromkeys(ids, fold)
    return found


def train(groups: Iterable[Group], columns: Sequence[int], names: Sequence[str], seeds: Sequence[int]) -> list[Any]:
    """One booster a seed, of the questions of which some gold page was found."""
    used = sorted((group for group in groups if group.label.any()), key=lambda group: group.id)
    table = np.concatenate([group.table[:, columns] for group in used]).astype(np.float64)
    label = np.concatenate([group.label for group in used])
    data = lightgbm.Dataset(
        table, label, group=[len(group.label) for group in used], feature_name=[names[c] for c in columns]
    )
    return [lightgbm.train({**PARAMETERS, "seed": seed}, data, ROUNDS) for seed in seeds]


def by_folds(
    measured: Sequence[Group],
    extra: Sequence[Group],
    columns: Sequence[int],
    names: Sequence[str],
    sources: Sequence[str] | None,
    seeds: Sequence[int] = SEEDS,
) -> Scores:
    """{question: scores of its candidates} by models that saw no document of its fold. `sources` None: all train."""
    every = [*measured, *extra]
    fold = folds(every)
    scores: Scores = {}
    for n in range(FOLDS):
        models = train(
            (g for g in every if fold[g.id] != n and (sources is None or g.source in sources)), columns, names, seeds
        )
        for group in measured:
            if fold[group.id] == n:
                table = group.table[:, columns].astype(np.float64)
                scores[group.id] = np.sum([model.predict(table) for model in models], axis=0)
    return scores


def recall(group: Group, scores: NDArray[np.float64], k: int) -> float:
    """Share of the question's gold pages among the first k; equal scores in the fused order."""
    order = np.lexsort((np.arange(len(scores)), -group.fused, -scores))
    return float(group.label[order][:k].sum()) / group.gold


def report(name: str, groups: Sequence[Group], scores: Mapping[str, NDArray[np.float64]]) -> None:
    """Page recall over all and by source, with intervals clustered by document."""
    documents = [group.docs[0] for group in groups]
    print(f"\n{name}\n| source | n |" + "".join(f" @{k} |" for k in DEPTHS) + " ceiling |")
    print("|---|---|" + "---|" * (len(DEPTHS) + 1))
    for source in ("all", *sorted({group.source for group in groups})):
        rows = [n for n, group in enumerate(groups) if source in ("all", group.source)]
        cells = []
        for k in DEPTHS:
            values = [recall(groups[n], scores[groups[n].id], k) for n in rows]
            found = estimate(values, [documents[n] for n in rows], seed=0)
            # one document alone has no interval
            interval = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
            cells.append(f"{found.value:.3f}{interval}")
        ceiling = np.mean([groups[n].label.sum() / groups[n].gold for n in rows])
        print(f"| {source} | {len(rows)} | " + " | ".join(cells) + f" | {ceiling:.3f} |", flush=True)


#: What inner folds choose among: {name: (groups of features left out, sources trained on)}.
CHOICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no reporting terms; of made questions only those of tables": (("report",), (*SHIPPED[:2], "tables")),
    "no reporting terms": (("report",), SHIPPED),
    "all": ((), SHIPPED),
}


def nested(groups: Sequence[Group], extra: Sequence[Group], names: Sequence[str]) -> Scores:
    """{question: scores} of weights that ship, where features and training questions are chosen without its fold.

    In each outer fold the choice with the best mean of recall@1 and @5 by two inner folds is trained; one seed.
    """
    every = [*groups, *extra]
    fold = folds(every)

    def scored(choice: str, out: set[int], test: set[int]) -> Scores:
        left, sources = CHOICES[choice]
        columns = [n for n, name in enumerate(names) if name.partition(".")[0] not in left]
        used = (g for g in every if fold[g.id] not in out and g.source in sources)
        (model,) = train(used, columns, names, SEEDS[:1])
        return {g.id: model.predict(g.table[:, columns].astype(float)) for g in groups if fold[g.id] in test}

    found: Scores = {}
    for outer in range(FOLDS):
        rest = [n for n in range(FOLDS) if n != outer]
        worth = {}
        for choice in CHOICES:
            inner: Scores = {}
            for part in (rest[:3], rest[3:]):
                inner |= scored(choice, {outer, *part}, set(part))
            seen = [g for g in groups if g.id in inner]
            worth[choice] = np.mean([(recall(g, inner[g.id], 1) + recall(g, inner[g.id], 5)) / 2 for g in seen])
        best = max(CHOICES, key=lambda choice: worth[choice])
        print(f"fold {outer}: {best}; " + ", ".join(f"{value:.4f}" for value in worth.values()), flush=True)
        found |= scored(best, {outer}, {outer})
    return found


def ablation(groups: Sequence[Group], extra: Sequence[Group], names: Sequence[str]) -> None:
    """Page recall@1 and @5 over all of weights that ship, without one group of features; one seed each."""
    print("\nweights that ship, by folds, one seed\n| without | @1 | @5 | @20 |\n|---|---|---|---|")
    for part in ("", *sorted({name.partition(".")[0] for name in names})):
        columns = [n for n, name in enumerate(names) if name.partition(".")[0] != part]
        scores = by_folds(groups, extra, columns, names, SHIPPED, SEEDS[:1])
        cells = [f"{np.mean([recall(g, scores[g.id], k) for g in groups]):.3f}" for k in (1, 5, 20)]
        print(f"| {part or '(nothing)'} | " + " | ".join(cells) + " |", flush=True)


def gather(
    data: Path, library: Path, settings: Sequence[str]
) -> tuple[list[Group], tuple[str, ...], dict[str, list[str]]]:
    """(measured questions and made ones, features, {list: its vectors})."""
    lines = (data / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    whole_documents = [row for row in map(json.loads, lines) if row["doc_ids"] and not row["gold_pages"]]
    lines = (data / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    free = {r["doc"] for r in map(json.loads, lines) if str(r["redistribution"]).startswith(("open", "public"))}
    with ragsys.Library(data / "pdfs", folder=library, index=False, background=False, overrides=settings) as opened:
        numbers = [row for row in whole_documents if row["source"] in SHIPPED and row["answer_type"] != "unanswerable"]
        pages = document_pages(opened, free | {doc for row in numbers for doc in row["doc_ids"]})
        own = {doc: held for doc, held in pages.items() if doc in free}
        made = [*from_tables(own, 10, 0), *from_prose(own, 12, 0), *from_captions(own, 10, 0)]
        made += [*from_statements(own, 8, 0), *told_by_numbers(numbers, pages)]
        return collect(opened, [*questions(data / "questions.jsonl"), *made])


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="A.B=VALUE")
    parser.add_argument("--keep", type=Path, help="a file that holds the collected features; made if it is new")
    parser.add_argument("--ablate", action="store_true", help="measure each group of features")
    parser.add_argument("--nested", action="store_true", help="let inner folds choose among features and questions")
    parser.add_argument("--write", type=Path, help="the model file to write")
    given = parser.parse_args()
    if given.keep and given.keep.exists():
        every, names, lists = read(given.keep)
    else:
        every, names, lists = gather(given.data, given.library, given.settings)
        if given.keep:
            kept(given.keep, every, names, lists)
    measured = {str(row["id"]) for row in questions(given.data / "questions.jsonl")}
    groups, extra = ([g for g in every if (g.id in measured) == chosen] for chosen in (True, False))
    columns = list(range(len(names)))
    sizes = {source: sum(g.source == source for g in extra) for source in sorted({g.source for g in extra})}
    print(f"{len(groups)} questions, {len(names)} features; only for training: {sizes}")
    if given.write:
        models = train((g for g in every if g.source in SHIPPED), columns, names, SEEDS)
        whole = [exported(model, name="pages", version=VERSION, lists=lists) for model in models]
        content = {**whole[0], "trees": [tree for one in whole for tree in one["trees"]]}
        given.write.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")
        print(f"{given.write}: {given.write.stat().st_size} bytes", flush=True)
    report("z-score sum", groups, {group.id: group.fused for group in groups})
    report("weights that ship, by folds", groups, by_folds(groups, extra, columns, names, SHIPPED))
    report("all sources, by folds", groups, by_folds(groups, extra, columns, names, None))
    if given.nested:
        report("nested", groups, nested(groups, extra, names))
    if given.ablate:
        ablation(groups, extra, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
