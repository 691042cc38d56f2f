"""A tiny suite and three metrics for tests of evaluations: `registry().add(evaluating, "evaluating")`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from folders import TEXTS, write_folder
from pydantic import Field

from ragsys.errors import SuiteError
from ragsys.evaluation.folder import KEYS
from ragsys.evaluation.records import MetricInfo, Outcome, Question
from ragsys.hookspecs import hookimpl
from ragsys.options import Options
from ragsys.plugins import Component, Registry, registry
from ragsys.protocols import Context, Reply, Request
from ragsys.types import Usage

ASKED = (
    ("What was the revenue of the bakery in 2022?", "2022/annual.pdf", 1, "412 thousand euros", "money"),
    ("When was the oven replaced?", "2022/annual.pdf", 2, "March 2022", "oven"),
    ("How much less gas does the new oven use?", "2022/annual.pdf", 2, "31 percent", "oven"),
    ("What was the revenue of the bakery in 2023?", "2023/annual.pdf", 1, "455 thousand euros", "money"),
    ("When did the apprentices join?", "2023/annual.pdf", 2, "September 2023", "people"),
    ("When does the shop open?", "2023/annual.pdf", 2, "six in the morning", "people"),
    ("Where is a second shop planned?", "2023/annual.pdf", 3, "near the harbour", "people"),
    ("Which button starts the cleaning cycle?", "manual.pdf", 1, "the green button", "oven"),
    ("Which temperatures does the thermostat accept?", "manual.pdf", 2, "40 to 320 degrees", "oven"),
    ("Who won the bread prize?", "", 0, "", "people"),
)


class SuiteOptions(Options):
    """Options of the tiny suite."""

    folder: Path = Field(description="where the files lie")
    part: str = Field("", description="only this source")


class Tiny:
    """A bakery's documents; written by the tests, nothing is to download."""

    name, licence, metrics = "tiny", "CC0", ("found@1", "found@3", "said", "share-answered")

    def __init__(self, options: SuiteOptions, context: Context) -> None:
        self.folder, self.part = options.folder, options.part
        self.root = self.folder / "pdfs"
        self.revision = "1"

    def documents(self) -> list[Path]:
        """The files to index; a folder may hold others."""
        return sorted(path for path in self.root.rglob("*.pdf") if not path.name.startswith("other"))

    def questions(self) -> Iterator[Question]:
        """The questions of the file."""
        path = self.folder / "tiny-questions.jsonl"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                question: Question = json.loads(line)
            except ValueError as error:
                raise SuiteError(f"{path}, line {number}: not JSON: {error}", hint="correct the line") from error
            if self.part in ("", question.get("source")):
                yield question


class FoundOptions(Options):
    """Options of `found`."""

    k: int = Field(10, ge=1)


class Found:
    """Whether a gold page is among the first k."""

    def __init__(self, options: FoundOptions, context: Context) -> None:
        self.k = options.k
        self.info = MetricInfo(f"found@{self.k}", "a gold page is among the first k")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """1 or 0; None without gold pages."""
        gold = {(page["doc"], page["page"]) for page in question.get("gold_pages", ())}
        found = {(page["doc"], page["page"]) for page in outcome["pages"][: self.k]}
        return float(bool(gold & found)) if gold else None


class Said:
    """Whether the answer holds the gold answer's first word."""

    def __init__(self, options: Options, context: Context) -> None:
        self.info = MetricInfo("said", "the answer holds the first word of the gold answer")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """1 or 0; None without an answer."""
        if outcome["answer"] is None or not question.get("answer"):
            return None
        return float(question["answer"].split()[0].lower() in outcome["answer"].lower())


class ShareAnswered:
    """A metric over a set."""

    def __init__(self, options: Options, context: Context) -> None:
        self.info = MetricInfo("share-answered", "questions that were answered")

    def score(self, question: Question, outcome: Outcome) -> float | None:
        """1 or 0."""
        return None if outcome["status"] is None else float(outcome["status"] == "answered")

    def total(self, questions: Sequence[Question], outcomes: Sequence[Outcome]) -> float | None:
        """The share."""
        answered = [outcome["status"] == "answered" for outcome in outcomes]
        return sum(answered) / len(answered) if answered else None


class Asks(Said):
    """A metric that asks a model."""

    def __init__(self, options: Options, context: Context, generator: Any) -> None:
        super().__init__(options, context)
        self.generator = generator


class Grader:
    """A generator that grades and answers with what it is told to."""

    identity, reads_images = "grader@1", False

    def __init__(self, options: Options, context: Context) -> None:
        pass

    def generate(self, request: Request) -> Reply:
        """A reply to every schema."""
        return Reply('{"ready": true}', {"ready": True}, Usage())

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """The reply."""
        yield self.generate(request)


@hookimpl
def ragsys_components() -> list[Component]:
    """The suite and its metrics."""
    here = f"{__name__}:"
    return [
        Component(
            "suite", "tiny", here + "Tiny", SuiteOptions, summary="a bakery", accepts=("tiny-questions.jsonl", "pdfs")
        ),
        Component("metric", "found", here + "Found", FoundOptions, summary="a gold page is among the first k"),
        Component("metric", "said", here + "Said", summary="the answer holds a word"),
        Component("metric", "share-answered", here + "ShareAnswered", summary="questions that were answered"),
        Component("generator", "grader", here + "Grader", summary="grades"),
        Component("metric", "asks", here + "Asks", needs={"generator": "generator"}, summary="asks a model"),
    ]


def install() -> Registry:
    """The registry with these components."""
    import evaluating

    found = registry()
    if not found.manager.has_plugin("evaluating"):
        found.add(evaluating, "evaluating")
    return found


def write_suite(folder: Path) -> Path:
    """The tiny suite's files."""
    write_folder(folder / "pdfs", TEXTS)
    lines = []
    for n, (text, doc, page, answer, source) in enumerate(ASKED):
        question: Question = {"id": f"q{n:02}", "question": text, "source": source, "gold_pages": []}
        if doc:
            question |= {"gold_pages": [{"doc": doc, "page": page}], "doc_ids": [doc], "answer": answer}
        else:
            question["answer_type"] = "unanswerable"
        lines.append(json.dumps(question) + "\n")
    (folder / "tiny-questions.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def configs(suite: Path) -> list[str]:
    """The words that name two configurations: a preset, and the file beside the suite."""
    return ["--config", "laptop-lexical", "--config", str(suite.parent / "rrf.yaml")]


def rows(out: Path) -> list[dict[str, Any]]:
    """The outcomes of a run."""
    found = [json.loads(line) for line in (out / "results.jsonl").read_bytes().splitlines()]
    assert all(tuple(key for key in row if key != "notes") == KEYS for row in found)
    return found


def timeless(out: Path) -> list[str]:
    """The lines without their seconds."""
    return [json.dumps({**row, "seconds": {}, "usage": {**row["usage"], "seconds": 0}}) for row in rows(out)]
