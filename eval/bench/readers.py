"""Small readers beside one another: the same questions, the same pages, each by the way that `ragsys ask` goes.

A question's pages are its gold pages and others of the same document, in an order that is drawn; one without an answer
gets others alone. So no search is measured, only what is made of pages. Intervals are a bootstrap over documents.

    python eval/bench/readers.py --data DATA --reader extractive --reader local --reader local=/models/other.gguf
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common import arguments

from ragsys import answer as answering
from ragsys.actions import Search, Task
from ragsys.answers import Answer
from ragsys.config import Config, Spec, load
from ragsys.errors import RagsysError
from ragsys.evaluation import statistics
from ragsys.evaluation.provenance import commit, machine
from ragsys.evaluation.records import Outcome, Question
from ragsys.evaluation.suites import open_suite, questions_of
from ragsys.plugins import Builder, registry
from ragsys.protocols import Generator, Loader
from ragsys.testing.agents import MemoryHost
from ragsys.types import Fault, Hit, Page, Span

METRICS = ("answer_accuracy", "supported_share", "abstention_accuracy")
UNANSWERABLE = 0.2  # share of the questions that have no answer
LEAST_TEXT = 300  # characters of a page that is given beside the gold ones
TEXT = frozenset({"text"})


@dataclass(frozen=True)
class Given:
    """A question with the pages that every reader gets, in their order."""

    question: Question
    document: str
    pages: tuple[Page, ...]


class Host(MemoryHost):
    """A library that finds exactly the pages it was made of, and has the prompts and agents that are installed."""

    def __init__(self, folder: Path, given: Given, generator: Generator, config: Config, builder: Builder) -> None:
        pages = {(given.document, page.number): page for page in given.pages}
        agents = {config.answer.agent.use: builder.build("agent", config.answer.agent)}
        super().__init__(folder, pages, generator, agents=agents, config=config)
        self._builder = builder

    def search(self, action: Search, task: Task) -> list[Hit]:
        """All of them, as they are ordered."""
        return [
            Hit(Span(doc, number, number), rank, 1.0 / rank, {}) for rank, (doc, number) in enumerate(self.pages, 1)
        ]

    def prompt(self, name: str) -> str:
        """As the core brings it."""
        return self._builder.registry.prompt(name)


def sample(questions: Sequence[Question], count: int, seed: int) -> list[Question]:
    """Questions whose evidence is text on one or two pages of one document, each source by its share; and some that
    have no answer."""
    drawn = random.Random(seed)
    none = [q for q in questions if q.get("answer_type") == "unanswerable" and len(q.get("doc_ids", ())) == 1]
    answerable: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        gold = question.get("gold_pages", ())
        fits = set(question.get("evidence_modality", ())) == TEXT and len({one["doc"] for one in gold}) == 1
        if fits and len(gold) <= 2 and question.get("answer_type") != "unanswerable":
            answerable[question.get("source", "")].append(question)
    wanted = min(len(none), round(count * UNANSWERABLE))
    rest, total = count - wanted, sum(map(len, answerable.values()))
    chosen = drawn.sample(none, wanted)
    for source in sorted(answerable):
        chosen += drawn.sample(
            answerable[source], min(len(answerable[source]), round(rest * len(answerable[source]) / total))
        )
    drawn.shuffle(chosen)  # so that a prefix is a sample too
    return chosen[:count]


def gather(root: Path, question: Question, loader: Loader, pages: int, seed: int) -> Given:
    """The question with `pages` pages. Equal arguments give equal pages."""
    drawn = random.Random(f"{seed} {question['id']}")
    gold = question.get("gold_pages") or []
    document = gold[0]["doc"] if gold else question["doc_ids"][0]
    path = next(path for path in sorted(root.rglob("*.pdf")) if path.name == Path(document).name)
    numbers = sorted({one["page"] for one in gold})
    others = [n for n in range(1, loader.info(path).pages + 1) if n not in numbers]
    drawn.shuffle(others)
    candidates = others[: 4 * pages]
    skip = {*others} - {*candidates}
    read = {page.number: page for page in loader.open(path, skip=skip) if not isinstance(page, Fault)}
    full = [n for n in candidates if n in read and len(read[n].text) >= LEAST_TEXT]
    chosen = [*numbers, *full][: max(pages, len(numbers))]
    drawn.shuffle(chosen)
    return Given(question, document, tuple(read[n] for n in chosen if n in read))


def outcome(name: str, given: Given, made: Answer | None, seconds: float, error: str | None) -> Outcome:
    """What `ragsys eval` would record of it."""
    bare = tuple(replace(one, citations=()) for one in made.said) if made else ()
    return {
        "id": given.question["id"],
        "config": name,
        "pages": [],
        "answer": (answering.marked(bare) if bare else made.text) if made else None,
        "status": made.status if made else None,
        "citations": [
            {
                "doc": given.document,
                "page": one.page,
                "bbox": list(box),
                "quote": one.quote,
                "level": one.level.value,
            }
            for one in (made.citations if made else ())
            for box in one.bboxes
        ],
        "usage": {},
        "seconds": {"total": seconds},
        "error": error,
    }


def ask(
    name: str, spec: Spec, questions: Sequence[Given], folder: Path, until: float, form: str
) -> list[tuple[Outcome, Answer | None]]:
    """Every question to one reader, until its time (of `time.monotonic`) is up."""
    config = load(None, ["answer.cache=false", f"answer.format={form}"]).model_copy(update={"generator": spec})
    builder = Builder(registry(), config.defaults, folder / "state", folder / "cache")
    generator: Generator = builder.build("generator", spec)
    made: list[tuple[Outcome, Answer | None]] = []
    for given in questions:
        if time.monotonic() > until:
            break
        began, found, error = time.perf_counter(), None, None
        try:
            found = answering.answer(Host(folder, given, generator, config, builder), given.question["question"])
        except RagsysError as problem:
            error = problem.message
        except KeyboardInterrupt:  # the table is made of what there is
            break
        spent = time.perf_counter() - began
        made.append((outcome(name, given, found, spent, error), found))
        print(
            f"  {name} {len(made)}/{len(questions)} {spent:.1f} s {error or (found.status if found else '')}",
            flush=True,
        )
    close = getattr(generator, "close", None)
    if close is not None:
        close()
    return made


def row(name: str, asked: Sequence[Given], made: Sequence[tuple[Outcome, Answer | None]], builder: Builder) -> str:
    """A reader's line of the table."""
    questions = [given.question for given in asked[: len(made)]]
    outcomes = [one for one, _ in made]
    labels = statistics.clusters(questions)
    cells = []
    for metric in METRICS:
        scorer = builder.build("metric", Spec(use=metric))
        scores = [scorer.score(question, one) for question, one in zip(questions, outcomes, strict=True)]
        cells.append(told(scores, labels))
    has_answer = [question.get("answer_type") != "unanswerable" for question in questions]
    kept_quiet = [
        float(one["status"] == "abstained") if known else None for one, known in zip(outcomes, has_answer, strict=True)
    ]
    proved = [
        sum(said.level.value == "supported" for said in answer.said) / len(answer.said)
        if answer and answer.said
        else None
        for _, answer in made
    ]
    seconds = sum(one["seconds"]["total"] for one in outcomes) / max(1, len(outcomes))
    cells.insert(1, told(proved, labels))
    errors = sum(one["error"] is not None for one in outcomes)
    cells += [told(kept_quiet, labels), f"{seconds:.1f}", str(errors), str(len(outcomes))]
    return f"| {name} | " + " | ".join(cells) + " |"


def told(scores: Sequence[float | None], labels: Sequence[str]) -> str:
    """A mean with its interval and how many it is of."""
    made = statistics.estimate(scores, labels, seed=0)
    if made.value is None:
        return "-"
    between = f" [{made.low:.2f}, {made.high:.2f}]" if made.low is not None and made.high is not None else ""
    return f"{made.value:.2f}{between} of {made.n}"


def main() -> None:
    """Ask, and print the table as markdown."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--reader", action="append", required=True, help="a generator, or NAME=MODEL of it")
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--pages", type=int, default=3, help="of each question")
    parser.add_argument("--context", type=int, default=2048, help="tokens of a local model: evidence shrinks to fit")
    parser.add_argument("--max-tokens", type=int, default=160, help="of a local model's reply")
    parser.add_argument("--format", default="auto", help="answer.format: auto, json or marks")
    parser.add_argument("--threads", type=int, default=None, help="of a local model")
    parser.add_argument(
        "--minutes", type=float, default=25.0, help="for each reader; what it has not answered is left out"
    )
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    suite = open_suite(given.data)
    with tempfile.TemporaryDirectory(prefix="ragsys-readers-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        config = load()
        builder = Builder(registry(), config.defaults, folder / "state", folder / "cache")
        loader: Loader = builder.build("loader", next(iter(config.loaders.values())))
        chosen = sample(questions_of(suite), given.questions, given.seed)
        asked = [gather(given.data, one, loader, given.pages, given.seed) for one in chosen]
        rows = []
        for reader in given.reader:
            use, _, model = reader.partition("=")
            options = {"context": given.context, "max_tokens": given.max_tokens, "threads": given.threads}
            spec = Spec.model_validate(
                {"use": use, **(options if use == "local" else {}), **({"model": model} if model else {})}
            )
            name = f"{use} ({Path(model).stem})" if model else use
            made = ask(name, spec, asked, folder, time.monotonic() + 60 * given.minutes, given.format)
            rows.append(row(name, asked, made, builder))
    empty = sum(not one.pages for one in asked)
    print(f"\n{empty} of {len(asked)} questions have no page with text: every reader abstains from them")
    print(f"commit {commit()}, {machine()}, seed {given.seed}\n")
    print(
        "| reader | answer accuracy | sentences supported | citations that support |"
        " abstained, no answer exists | abstained, an answer exists | s an answer | errors | n |"
    )
    print("| --- " * 9 + "|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
