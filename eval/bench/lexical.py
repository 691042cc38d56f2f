"""Words without a model: page recall of BM25 over pages, over passages and of their fusion; CPU time of a page.

Recall@k of a question is the share of its gold pages among the first k, averaged over the questions. Every page of
every document is in one index; pages of equal score stand by document and number. Scores are computed in numpy and no
engine.

python eval/bench/lexical.py --data FOLDER [--runs 3]
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import Row, arguments, report
from numpy.typing import NDArray

from ragsys import config, ranking
from ragsys.passages import embedded_text
from ragsys.plugins import Builder, registry
from ragsys.protocols import Lexical, Loader, Splitter
from ragsys.statistics import TermCounts
from ragsys.types import Page, Sparse

DEPTHS = (1, 5, 10, 20)
CANDIDATES = 100  # pages of a list that is fused
Key = tuple[str, int]  # document's file name, page number


class Postings:
    """Items' vectors turned round: for a query, the score of every item."""

    def __init__(self, vectors: Sequence[Sparse]) -> None:
        terms = np.concatenate([vector.indices for vector in vectors])
        order = np.argsort(terms, kind="stable")
        self.terms = terms[order]
        self.items = np.repeat(np.arange(len(vectors)), [len(v.indices) for v in vectors])[order]
        self.weights = np.concatenate([vector.values for vector in vectors])[order].astype(np.float64)
        self.statistics = TermCounts.of([vector.indices for vector in vectors])
        self.count = len(vectors)

    def scores(self, lexical: Lexical, question: str) -> NDArray[np.float64]:
        """(items,)"""
        query = lexical.encode_query(question, self.statistics)
        found = np.zeros(self.count)
        for term, weight in zip(query.indices, query.values, strict=True):
            at = slice(np.searchsorted(self.terms, term), np.searchsorted(self.terms, term, "right"))
            found[self.items[at]] += weight * self.weights[at]
        return found


def top(keys: Sequence[Key], scores: NDArray[np.float64]) -> dict[Key, float]:
    """The best pages that share a term."""
    order = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return {keys[n]: float(scores[n]) for n in order if scores[n] > 0}


def recall(lists: Sequence[dict[Key, float]], gold: Sequence[set[Key]]) -> dict[int, float]:
    """{k: page recall@k}."""
    shares: dict[int, list[float]] = {k: [] for k in DEPTHS}
    for scores, wanted in zip(lists, gold, strict=True):
        order = ranking.ordered(scores)
        for k in DEPTHS:
            shares[k].append(len(wanted & set(order[:k])) / len(wanted))
    return {k: statistics.fmean(values) for k, values in shares.items()}


def main() -> None:
    """Parse, encode, search, print."""
    given = arguments(__doc__ or "").parse_args()
    data: Path = given.data
    settings = config.load("laptop")
    builder = Builder(registry(), settings.defaults, data / "none", data / "none")
    loader: Loader = builder.build("loader", settings.loaders["pymupdf"])
    splitter: Splitter = builder.build("splitter", settings.splitter)
    lexical: Lexical = builder.build("lexical", settings.lexical)

    documents = {
        path.name: [page for page in loader.open(path) if isinstance(page, Page)]
        for path in sorted((data / "pdfs").glob("*.pdf"))
    }
    keys = [(doc, page.number) for doc, pages in documents.items() for page in pages]
    texts = [page.text for pages in documents.values() for page in pages]
    costs: dict[str, list[float]] = {"encode pages": [], "split": [], "encode passages": []}
    for _ in range(given.runs):
        began = time.process_time()
        page_vectors = [lexical.encode_item(text, level="page") for text in texts]
        costs["encode pages"].append(time.process_time() - began)
        began = time.process_time()
        passages = [(doc, passage) for doc, pages in documents.items() for passage in splitter.split(pages)]
        costs["split"].append(time.process_time() - began)
        whole = [embedded_text(passage.headings, passage.text) for _, passage in passages]
        began = time.process_time()
        passage_vectors = [lexical.encode_item(text, level="passage") for text in whole]
        costs["encode passages"].append(time.process_time() - began)

    questions = [json.loads(line) for line in (data / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = [question for question in questions if question.get("gold_pages")]
    gold = [{(place["doc"], place["page"]) for place in question["gold_pages"]} for question in questions]
    where = {key: n for n, key in enumerate(keys)}
    touched = [(where[doc, n], i) for i, (doc, p) in enumerate(passages) for n in range(p.first, p.last + 1)]
    at, of = (np.array(column) for column in zip(*touched, strict=True))
    by_page, by_passage = Postings(page_vectors), Postings(passage_vectors)
    lists: dict[str, list[dict[Key, float]]] = {}
    for question in questions:
        direct = by_page.scores(lexical, question["question"])
        credited = np.zeros(len(keys))
        np.maximum.at(credited, at, by_passage.scores(lexical, question["question"])[of])
        both = [top(keys, direct), top(keys, credited)]
        lists.setdefault("BM25 over pages", []).append(both[0])
        lists.setdefault("BM25 over passages", []).append(both[1])
        lists.setdefault("both, z-score sum", []).append(ranking.zsum(both))
        lists.setdefault("both, z-score sum, absent zero", []).append(ranking.zsum(both, absent="zero"))
        lists.setdefault("both, reciprocal ranks", []).append(ranking.rrf(both))

    print(f"{len(documents)} documents, {len(keys)} pages, {len(passages)} passages, {len(questions)} questions")
    rows = []
    for name, found in lists.items():
        values = recall(found, gold)
        note = ", ".join(f"@{k} {value:.3f}" for k, value in values.items())
        rows.append(Row(f"page recall@5, {name}", values[5], "", ">= .635 with dense vectors", note=note))
    for name, seconds in costs.items():
        runs = tuple(1000 * value / len(keys) for value in seconds)
        rows.append(Row(f"CPU time: {name}", statistics.median(runs), "ms a page", "<= 0.5", runs))
    report(rows, given.json)


if __name__ == "__main__":
    main()
