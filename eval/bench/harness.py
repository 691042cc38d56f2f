"""What an evaluation costs beside the searches and answers themselves, question by question in one process.

The folder given by `--data` holds `questions.jsonl` and `pdfs/`. Every question is put to the open library twice, bare
and through the harness, in turns first: the ratio of the two sums is the overhead. For a suite with gold boxes
those of all ranked pages are kept as well, which a bare search does not look up: that has a row of its own.
"""

from __future__ import annotations

import functools
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common import Row, arguments, report

from ragsys.config import load
from ragsys.evaluation import evaluate
from ragsys.evaluation.asking import Asker, How
from ragsys.evaluation.folder import RunFolder
from ragsys.evaluation.harness import ask_one
from ragsys.evaluation.kept import Kept, content_key
from ragsys.evaluation.records import Question
from ragsys.evaluation.suites import documents_of, open_suite, questions_of
from ragsys.library import Library
from ragsys.protocols import Suite
from ragsys.types import Query


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def per_question(library: Library, suite: Suite, questions: Sequence[Question], how: How, place: Path) -> Row:
    """Milliseconds of a question through the harness; the limit is the bare calls'."""
    name = "search" if how.search_only else "search and answer"
    name += ", boxes kept" if how.boxes else ""
    asker = Asker(library, name, suite.root, documents_of(suite), how)
    store = Kept(place, [content_key(library.space), name])
    run = RunFolder.start(place / name, {"configs": [{"name": name}], "decides": {}}, questions)

    def bare(question: Question) -> None:
        library.searcher.search(Query(question["question"]), how.depth)
        if not how.search_only:
            library.ask(question["question"])

    def harnessed(question: Question) -> None:
        outcome, known = ask_one(run, question, name, asker, store, suite.root)
        if known or outcome["error"]:
            raise SystemExit(f"nothing was measured: {outcome['error'] or 'the outcome was reused'}")

    ways = (bare, harnessed)
    totals = [0.0, 0.0]
    asker(questions[0])  # loads what is loaded at the first use
    with run:
        for n, question in enumerate(questions):
            for way in (0, 1) if n % 2 else (1, 0):
                totals[way] += seconds(functools.partial(ways[way], question))
    store.close()
    limit, value = (total / len(questions) * 1000 for total in totals)
    note = f"limit: the bare calls; {len(questions)} questions"
    return Row(f"{name}, a question", value, "ms", "<= 1.05 x the limit", (), limit, note)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--library", type=Path, help="where the library lives; made there if it is new")
    parser.add_argument("--config", default="laptop")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    suite = open_suite(options.data)
    questions = questions_of(suite)
    random.Random(0).shuffle(questions)
    chosen = questions[: options.questions]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        home = options.library or place / "library"
        config = load(options.config, [*options.overrides, "answer.cache=false"])
        with Library(suite.root, config=config, folder=home, background=False, index=False) as library:
            library.index(wait=True)
            ways = (How(search_only=True), How(search_only=True, boxes=True), How())
            rows = [per_question(library, suite, chosen, how, place) for how in ways]
        again = functools.partial(
            evaluate, suite, [config], search_only=True, limit=len(chosen), library=home, fresh=True
        )
        note = f"opening, {len(chosen)} questions, scores, report"
        whole = seconds(functools.partial(again, out=place / "run"))
        rows.append(Row("a whole run over an indexed library, search only", whole, "s", "", note=note))
    report(rows, options.json)


if __name__ == "__main__":
    os.environ.setdefault("RAGSYS_HOME", tempfile.mkdtemp(prefix="ragsys-bench-"))
    main()
