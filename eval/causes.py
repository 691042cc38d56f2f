"""Why searches missed: `python eval/causes.py RUN` writes the table of causes into `eval/README.md`.

RUN is the folder of `ragsys eval --out`; its library is read where the run made it. A question is missed if none of its
gold pages is among the first 20. What it was asked, and what the documents say, stays out of the page: it holds ids,
page numbers and counts. Writing a run twice changes nothing.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readme import README, replaced, written

from ragsys.errors import UsageError, did_you_mean
from ragsys.evaluation.folder import RunFolder
from ragsys.markup import plain

if TYPE_CHECKING:
    from ragsys.evaluation.records import Outcome, Question
    from ragsys.library import Library
    from ragsys.types import Document, Page

SECTION = "causes"
DEPTH = 20
EMPTY = 5  # words: fewer are no text
LITTLE = 60  # words: a page with fewer shows, rather than says
SHARE = 0.5  # of the question's terms by rarity: less is another vocabulary
PICTURES = {"figure", "chart"}  # kinds of evidence, as the data names them
SHOWN = 3

#: {cause: when it holds}; the first that holds is the question's cause.
CAUSES: Mapping[str, str] = {
    "no text on the page": f"no gold page has {EMPTY} words, OCR's included",
    "needs a picture": f"all its evidence is {' or '.join(sorted(PICTURES))}, or no gold page has {LITTLE} words",
    "wrong document": f"none of the first {DEPTH} pages is of a gold document",
    "vocabulary gap": f"no gold page, with its document's name, title and first page, holds {SHARE:.0%} of the "
    "question's terms, weighted by rarity",
    "right document, wrong page": "none of the above",
}


@dataclass(frozen=True, slots=True)
class Missed:
    """What is known of a missed question."""

    id: str
    source: str
    pages: tuple[int, ...]  # the gold pages' numbers
    words: int  # on the gold page that has most
    shared: float  # the highest share of the question's terms on a gold page, weighted by rarity, 0..1
    found: int  # how many of the first 20 pages are of a gold document
    kinds: frozenset[str]  # of its evidence

    def causes(self) -> list[str]:
        """Every cause that holds; the first one is the question's."""
        holds = (
            self.words < EMPTY,
            (bool(self.kinds) and self.kinds <= PICTURES) or self.words < LITTLE,
            not self.found,
            self.shared < SHARE,
        )
        return [cause for cause, held in zip(CAUSES, holds, strict=False) if held] or [list(CAUSES)[-1]]

    def reason(self) -> str:
        """In numbers."""
        where = f"p. {', '.join(map(str, self.pages[:3]))}" + (", ..." if len(self.pages) > 3 else "")
        return f"{where}: {self.words} words, {self.shared:.0%} of the terms, {self.found} of {DEPTH} from its document"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--config", metavar="NAME", help="one of the run's configurations (default: the first)")
    parser.add_argument("--readme", type=Path, default=README, help="the page (default: eval/README.md)")
    given = parser.parse_args(arguments)

    def change(page: str) -> str:
        return replaced(page, SECTION, section_of(RunFolder.read(given.run), given.config), given.readme)

    return written(given.readme, change, "the causes are in")


def section_of(run: RunFolder, config: str | None = None) -> str:
    """The section of a run. Raises `UsageError` where it has no such configuration or no gold pages."""
    name = config or run.names[0]
    if name not in run.names:
        raise UsageError(f"the run has no configuration '{name}'.{did_you_mean(name, run.names)}")
    asked = [q for q in run.questions if _gold(q) and (q["id"], name) in run.outcomes]
    if not asked:
        raise UsageError(f"the run in {run.path} has no question with gold pages that {name} was asked")
    lost = [q for q in asked if not _gold(q) & _places(run.outcomes[q["id"], name])]
    about = next(one for one in run.about["configs"] if one["name"] == name)
    with _library(run, about) as library:
        missed = list(_missed(library, lost, {q["id"]: run.outcomes[q["id"], name] for q in lost}))
    made = f"configuration `{name}` ({about['hash']}), commit {run.about['commit']}, {run.about['date']}"
    return section(missed, len(asked), made)


def _library(run: RunFolder, about: Mapping[str, Any]) -> Library:
    from ragsys.config import Config
    from ragsys.library import Library

    config = Config.model_validate(about["config"])
    where = Path(run.about["library"])
    return Library(Path(run.about["root"]), config=config, folder=where, background=False, index=False)


def _missed(library: Library, questions: Iterable[Question], outcomes: Mapping[str, Outcome]) -> Iterable[Missed]:
    from ragsys.types import Span

    space, index = library.space, library.searcher.index
    if space.config.lexical is None:
        raise UsageError("the configuration has no lexical component: causes are told by words")
    lexical: Any = space.builder.build("lexical", space.config.lexical)
    words = next(name for name, spec in space.layers.vectors.items() if spec.kind == "sparse")
    statistics = index.statistics(words)
    documents = index.documents()
    docs = {path: state.doc for state in space.catalog for path in state.paths}
    for question in questions:
        gold = sorted(_gold(question))
        spans = [Span(docs[doc], page, page) for doc, page in gold if doc in docs]
        pages = index.content([*spans, *(Span(span.doc, 1, 1) for span in spans)])
        about = {span.doc: _about(documents[span.doc], pages.get(Span(span.doc, 1, 1))) for span in spans}
        texts = {span: pages[span].text for span in spans if span in pages}
        terms = sorted(set(lexical.terms(question["question"])))
        counts = statistics.frequency([lexical.term_id(term) for term in terms])
        rarity = {term: rare(count, statistics.items) for term, count in zip(terms, counts, strict=True)}
        yield Missed(
            id=question["id"],
            source=question.get("source", ""),
            pages=tuple(page for _, page in gold),
            words=max((len(text.split()) for text in texts.values()), default=0),
            shared=max(
                (share(rarity, lexical.terms(f"{about[span.doc]} {text}")) for span, text in texts.items()), default=0.0
            ),
            found=sum(one["doc"] in {doc for doc, _ in gold} for one in outcomes[question["id"]]["pages"][:DEPTH]),
            kinds=frozenset(question.get("evidence_modality", ())),
        )


def _about(document: Document, opening: Page | None) -> str:
    """What a document says of itself as a whole."""
    names = re.sub(r"[^\w]+|_", " ", " ".join(document.paths))
    return f"{names} {document.title} {opening.text if opening else ''}"


def rare(count: int, items: int) -> float:
    """BM25's idf: ln(1 + (N - n + 0.5) / (n + 0.5)), for n of N items that hold a term."""
    return math.log1p((items - count + 0.5) / (count + 0.5))


def share(rarity: Mapping[str, float], terms: Iterable[str]) -> float:
    """The share of the question's terms that are among these, weighted; 1 for a question without terms."""
    total = sum(rarity.values())
    return sum(rarity[term] for term in rarity.keys() & set(terms)) / total if total else 1.0


def _gold(question: Question) -> set[tuple[str, int]]:
    pages = question.get("gold_pages") or ()
    return {(one["doc"], one["page"]) for one in pages if one.get("grade", 1.0) > 0}


def _places(outcome: Outcome) -> set[tuple[str, int]]:
    return {(one["doc"], one["page"]) for one in outcome["pages"][:DEPTH]}


# -- the page ----------------------------------------------------------------------------------------------------------


def section(missed: Sequence[Missed], asked: int, made: str) -> str:
    """The table: each question under its first cause, and how often a cause holds at all."""
    causes = {one.id: one.causes() for one in missed}
    have = "has" if len(missed) == 1 else "have"
    lines = [
        f"Of {asked:,} questions with gold pages, {len(missed):,} {have} none of them among the first {DEPTH}: {made}.",
        "",
        "| cause | holds if | questions | holds for | examples |",
        "| --- | --- | --- | --- | --- |",
    ]
    for cause, rule in CAUSES.items():
        own = sorted((one for one in missed if causes[one.id][0] == cause), key=lambda one: one.id)
        also = sum(cause in held for held in causes.values())
        examples = "; ".join(f"{plain(one.id)} ({plain(one.reason())})" for one in _spread(own))
        lines.append(f"| {cause} | {rule} | {len(own)} | {also} | {examples or 'none'} |")
    by_source: dict[str, int] = {}
    for one in missed:
        by_source[one.source] = by_source.get(one.source, 0) + 1
    told = ", ".join(f"{plain(name or 'no source')} {count}" for name, count in sorted(by_source.items()))
    lines += ["", f"By source: {told or 'none'}."]
    return "\n".join(lines)


def _spread(missed: Sequence[Missed]) -> list[Missed]:
    """Three of them, from the beginning, the middle and the end."""
    if len(missed) <= SHOWN:
        return list(missed)
    return [missed[n * (len(missed) - 1) // (SHOWN - 1)] for n in range(SHOWN)]


if __name__ == "__main__":
    sys.exit(main())
