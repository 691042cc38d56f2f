"""What was tried against the causes: `python eval/attempts.py --data DATA --library PATH` writes the table into
`eval/README.md`.

Each attempt reorders the first 100 pages of the public search, or fuses a second search with it; it is no part of the
product unless the table says so. Its one weight is chosen among three by folds over documents: an attempt is told with
the weight that the other documents chose. Questions and documents stay out of the page.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from causes import rare
from readme import README, replaced, written

from ragsys.errors import UsageError
from ragsys.evaluation import provenance
from ragsys.evaluation.records import MetricInfo
from ragsys.evaluation.statistics import clusters, compare
from ragsys.evaluation.suites import open_suite, questions_of
from ragsys.ranking import zscores

if TYPE_CHECKING:
    from ragsys_text.onnx import TextModel

    from ragsys.evaluation.records import Question
    from ragsys.library import Library
    from ragsys.search import Searcher
    from ragsys.types import FloatArray, Hit

SECTION = "attempts"
POOL = 100  # pages of the search that are reordered
WEIGHTS = (0.25, 0.5, 1.0)  # of what an attempt adds, in standard deviations of the search's own scores
FOLDS = 6
READ = 12  # pages whose passages are read token by token: about half a second
TERMS, FROM = 12, 5  # a second query takes so many terms from the first pages
PLACES = {"figure", "chart", "graph", "plot", "diagram", "picture", "photo", "image", "map", "logo", "bar", "pie"}
RECALL = MetricInfo("page_recall@20", "share of the gold pages in the first 20")
Place = tuple[str, int]
Scores = Mapping[Place, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what every attempt needs of it."""

    question: Question
    gold: frozenset[Place]
    first: Scores  # {page: z-score} of the search
    added: Mapping[str, Scores]  # {attempt: {page: what it adds, as z-scores}}


def documents(first: Scores) -> dict[Place, float]:
    """How well a page's document does: the mean of its three best pages, those that were not found at the lowest."""
    floor = min(first.values())
    pages: dict[str, list[float]] = {}
    for (doc, _), score in first.items():
        pages.setdefault(doc, []).append(score)
    best = {doc: sum(sorted([*own, floor, floor], reverse=True)[:3]) / 3 for doc, own in pages.items()}
    return {place: best[place[0]] for place in first}


def neighbours(first: Scores) -> dict[Place, float]:
    """The better of the pages before and after."""
    floor = min(first.values())
    return {
        (doc, page): max(first.get((doc, page - 1), floor), first.get((doc, page + 1), floor)) for doc, page in first
    }


def standard(scores: Mapping[Place, float]) -> dict[Place, float]:
    """z-scores."""
    return dict(zip(scores, zscores(list(scores.values())).tolist(), strict=True))


def recall(asked: Asked, attempt: str, weight: float, k: int) -> float:
    """Share of the gold pages among the first k, with the attempt's scores added."""
    added = asked.added.get(attempt, {})
    floor, least = min(asked.first.values(), default=0.0), min(added.values(), default=0.0)
    places = asked.first.keys() | added.keys()
    score = {place: asked.first.get(place, floor) + weight * added.get(place, least) for place in places}
    order = sorted(score, key=lambda place: (-score[place], place))
    return len(asked.gold & set(order[:k])) / len(asked.gold)


def ask(library: Library, question: Question, docs: Mapping[str, str]) -> Asked:
    """Search twice, and work out what each attempt adds."""
    from ragsys.types import Query, Span

    search, index = library.searcher, library.searcher.index
    paths = {doc: path for path, doc in docs.items()}

    def found(text: str) -> tuple[dict[Place, float], Sequence[Hit]]:
        hits = search.search(Query(text), POOL, partial=False).hits
        return standard({(paths[hit.doc], hit.page): hit.score for hit in hits}), hits

    first, hits = found(question["question"])
    best = sorted(first, key=lambda place: -first[place])
    spans = {place: Span(docs[place[0]], place[1], place[1]) for place in best[:40]}
    pages = index.content(list(spans.values()))
    lexical: Any = search.space.builder.build("lexical", search.space.config.lexical)  # type: ignore[arg-type]
    statistics = index.statistics(next(n for n, s in search.space.layers.vectors.items() if s.kind == "sparse"))
    counts: Counter[str] = Counter()
    for place in best[:FROM]:
        if spans[place] in pages:
            counts.update(set(_words(pages[spans[place]].text)))
    known = statistics.frequency([lexical.term_id(stem) for stem in (_stem(lexical, word) for word in counts)])
    worth = {word: n * rare(seen, statistics.items) for (word, n), seen in zip(counts.items(), known, strict=True)}
    terms = sorted(worth, key=lambda word: (-worth[word], word))[:TERMS]
    pictured = bool(PLACES & {word.rstrip("s") for word in _words(question["question"])})
    shows = {
        place: float(pictured and any(block.kind.value == "figure" for block in pages[span].blocks))
        for place, span in spans.items()
        if span in pages
    }
    gold = frozenset((one["doc"], one["page"]) for one in question["gold_pages"] if one.get("grade", 1.0) > 0)
    added = {
        "document": standard(documents(first)),
        "feedback": found(f"{question['question']} {' '.join(terms)}")[0],
        "neighbours": standard(neighbours(first)),
        "figures": shows,
        "tokens": tokens(search, question["question"], hits[:READ], paths),
    }
    return Asked(question, gold, first, added)


def tokens(search: Searcher, question: str, hits: Sequence[Hit], paths: Mapping[str, str]) -> dict[Place, float]:
    """MaxSim of the question's token vectors over those of each page's best passages, as z-scores over these pages.

    Khattab, Zaharia 2020, "ColBERT", by the embedder's last states, which were not trained for it.
    """
    model: TextModel = search.space.builder.build("embedder", search.space.config.embedder).opened()  # type: ignore[arg-type]

    def states(text: str) -> FloatArray:
        found = model.states(text)
        unit: FloatArray = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit

    query = states(question)[1:-1]  # (tokens, d) without the two that frame a text
    with ThreadPoolExecutor() as pool:
        evidence = [(one, text) for one in search.evidence(hits) for text in [p.text for p in one.passages[:1]]]
        read = list(pool.map(states, [text for _, text in evidence]))
    best = [float((query @ own.T).max(axis=1).mean()) for own in read] if len(query) else []
    return standard({(paths[one.doc], one.page.number): score for (one, _), score in zip(evidence, best, strict=False)})


def _words(text: str) -> list[str]:
    return [word for word in "".join(char if char.isalpha() else " " for char in text.lower()).split() if len(word) > 2]


def _stem(lexical: Any, word: str) -> str:
    return next(iter(lexical.terms(word)), "")


#: {attempt: (the cause that it is made for, what it does)}
ATTEMPTS: Mapping[str, tuple[str, str]] = {
    "document": ("wrong document", "adds how well the page's document does: the mean of its three best pages"),
    "feedback": ("vocabulary gap", f"adds a second search with {TERMS} terms of the first {FROM} pages"),
    "neighbours": ("right document, wrong page", "adds the better of the pages before and after"),
    "tokens": ("wrong page", f"adds MaxSim of the embedder's tokens over the best passage of the first {READ} pages"),
    "figures": ("needs a picture", "adds 1 to pages with a figure where the question names one"),
}


def table(every: Sequence[Asked], seed: int = 0) -> list[str]:
    """A row an attempt, with the weight that the other documents chose for each question's document."""
    labels = clusters([one.question for one in every])
    names = sorted(set(labels))
    fold = {name: n % FOLDS for n, name in enumerate(names)}
    base = {k: [recall(one, "", 0.0, k) for one in every] for k in (5, 20)}
    lines = [
        "| attempt | against | what it does | recall@5 | recall@20 | change @20 | missed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| none | | the search as it is | {_mean(base[5])} | {_mean(base[20])} | | {_lost(base[20])} |",
    ]
    for attempt, (cause, what) in ATTEMPTS.items():
        tried = {weight: {k: [recall(one, attempt, weight, k) for one in every] for k in (5, 20)} for weight in WEIGHTS}
        own: dict[int, list[float]] = {5: [], 20: []}
        for n, label in enumerate(labels):
            others = [m for m in range(len(every)) if fold[labels[m]] != fold[label]]
            # what moves the first pages alone, as reading their tokens does, shows at 5
            weight = max(
                (0.0, *WEIGHTS), key=lambda w: [sum((tried[w] if w else base)[k][m] for m in others) for k in (20, 5)]
            )
            for k in own:
                own[k].append((tried[weight] if weight else base)[k][n])
        change = compare(RECALL, attempt, "none", own[20], base[20], labels, seed=seed)
        told = f"{change.difference:+.3f} \\[{change.low:+.3f}, {change.high:+.3f}\\]"
        lines.append(
            f"| {attempt} | {cause} | {what} | {_mean(own[5])} | {_mean(own[20])} | {told} | {_lost(own[20])} |"
        )
    return lines


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}".replace("0.", ".", 1)


def _lost(values: Sequence[float]) -> str:
    return f"{sum(not value for value in values)}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write what was tried against the causes into eval/README.md")
    parser.add_argument("--data", required=True, metavar="FOLDER", help="a suite's folder: questions.jsonl, pdfs/")
    parser.add_argument("--library", required=True, type=Path, help="where it is indexed, all layers complete")
    parser.add_argument("--config", metavar="NAME|FILE", help="what searches (default: the default preset)")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="A.B=VALUE")
    parser.add_argument("--readme", type=Path, default=README)
    given = parser.parse_args(arguments)

    def change(page: str) -> str:
        text = section_of(given.data, given.library, given.config, given.overrides)
        return replaced(page, SECTION, text, given.readme)

    return written(given.readme, change, "the attempts are in")


def section_of(data: str, folder: Path, config: str | None, overrides: Sequence[str]) -> str:
    """The table of a suite's questions, and what made it."""
    from ragsys.config import load
    from ragsys.library import Library

    suite = open_suite(data)
    questions = [one for one in questions_of(suite) if one.get("gold_pages")]
    if not questions:
        raise UsageError(f"{data}: no question has gold pages")
    chosen = load(config, overrides)
    with Library(suite.root, config=chosen, folder=folder, background=False, index=False) as library:
        docs = {path: state.doc for state in library.space.catalog for path in state.paths}
        every = [ask(library, question, docs) for question in questions]
    made = f"{len(every):,} questions, configuration `{config or 'laptop'}` ({chosen.hash}), commit "
    return "\n".join([*table(every), "", f"{made}{provenance.commit()}, {provenance.now()}."])


if __name__ == "__main__":
    sys.exit(main())
