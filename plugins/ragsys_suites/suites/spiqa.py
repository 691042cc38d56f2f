"""SPIQA: questions on figures and tables of papers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ragsys.errors import SuiteError
from ragsys.evaluation.records import Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.bound import Leaf, bind
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.gold import pages_of
from ragsys_suites.suites.unpacked import safe_name

Part = Literal["A", "B", "C"]


class SpiqaOptions(Options):
    """Options of `spiqa`."""

    folder: Path = Field(description="holds test-A/ (or test-B/, test-C/) with its JSON file and its unzipped images")
    part: Part = Field("A", description="which test set")
    captions: bool = Field(True, description="set each figure's caption below it, as in the benchmark's main setting")


class Spiqa(Lenient):
    """SPIQA (Pramanick et al. 2024): questions on the figures and tables of 118, 65 and 314 papers (test-A, -B, -C).

    Where: the dataset page google/spiqa of the hub; code in google/spiqa on GitHub.
    What: FOLDER/test-A/SPIQA_testA.json and FOLDER/test-A/SPIQA_testA_Images/, the unzipped SPIQA_testA_Images.zip; the
    same with B and C for `--option part=B` and `part=C`.
    Licence: CC BY 4.0 (its dataset page), code Apache 2.0; papers have their own. test-B comes from QASA, test-C from
    QASPER.

    Read of {paper: ...}: test-A: paper_id, all_figures {file: {caption}}, qa [{question, answer, reference (a file)}],
    images in PAPER_ID/FILE; test-B: all_figures_tables {file: caption}, question [], composition [] (answers),
    referred_figures_tables [[file]], images in FILE, which names a folder too; test-C: arxiv_id, figures_and_tables
    [{file, caption}], question [], answer [{free_form_answer, yes_no}], referred_figures_tables [[file]], images in
    ARXIV_ID/FILE. Questions have no id: PART/PAPER/N, from 0.

    A paper becomes one PDF with a figure and its caption on each page, in the order of the file, made once. Official
    setting: the figures of the question's own paper (`scope`; closed models saw eight of them, drawn at random); the
    model names the figure that helps, then answers. Official metrics: METEOR, ROUGE-L, CIDEr, BERTScore and L3Score (a
    model's logits); page_recall@1 stands for the figure that is found first, judged_correctness for L3Score.
    """

    name = "spiqa"
    licence = "CC BY 4.0; papers have their own"
    metrics = ("rouge_l", "token_f1", "page_recall@1", "judged_correctness")

    def __init__(self, options: SpiqaOptions, context: Context) -> None:
        self.options = options
        self._state = context.state
        self._test = f"test{options.part}"
        self._folder = f"test-{options.part}"

    @property
    def root(self) -> Path:
        """Where papers are bound: another folder for another file."""
        plain = "" if self.options.captions else "-plain"
        return self._state / f"{self._test}-{self.revision}{plain}"

    @property
    def revision(self) -> str:
        """Of the file of questions."""
        return reading.revision([self._file()])

    def documents(self) -> Iterator[Path]:
        """The papers that have figures."""
        papers = {paper.name: paper for paper in self._papers()}

        def leaves(missing: Collection[str]) -> Iterator[tuple[str, Leaf]]:
            for name in papers:
                if name in missing:
                    yield from ((name, leaf) for leaf in self._leaves(papers[name]))

        return iter(bind(self.root, {name: len(paper.figures) for name, paper in papers.items()}, leaves))

    def questions(self) -> Iterator[Question]:
        """The questions of each paper."""
        for paper in self._papers():
            pages = {figure: page for page, figure in enumerate(paper.figures, 1)}
            for asked in paper.asked:
                yield Question(
                    id=f"{self._folder}/{paper.key}/{asked.number}",
                    question=asked.question.strip(),
                    answer=asked.answer,
                    answers=[asked.answer],
                    answer_type="text",
                    doc_ids=[paper.name],
                    gold_pages=pages_of(paper.name, (pages[figure] for figure in asked.figures)),
                    scope=[paper.name],
                    source=self._folder,
                    meta={"figures": asked.figures},
                )

    def _file(self) -> Path:
        return reading.need(self.options.folder, f"{self._folder}/SPIQA_{self._test}.json", suite=self)

    def _papers(self) -> Iterator[_Paper]:
        whole = reading.json_object(self._file())

        def read(key: str, parts: Parts) -> _Paper:
            return _paper(whole.row(key), key, self.options.part, parts)

        return (paper for paper in self.flaws.sound(self._file(), whole.data, read, "paper") if paper.figures)

    def _leaves(self, paper: _Paper) -> Iterator[Leaf]:
        images = f"{self._folder}/SPIQA_{self._test}_Images"
        # some programs unzip into one more folder of the same name
        folder = reading.need(self.options.folder, f"{images}/SPIQA_{self._test}_Images", images, suite=self)
        for figure, caption in paper.figures.items():
            where = f"{self._file()}, field '{paper.key}'"
            path = reading.inside(folder, f"{paper.folder}/{figure}" if paper.folder else figure, where)
            try:
                content = path.read_bytes()
            except OSError as error:
                raise SuiteError(f"{where}: no figure {path}", hint=reading.download(self)) from error
            yield Leaf(content, str(path), caption if self.options.captions else "")


@dataclass(frozen=True, slots=True)
class _Paper:
    """A paper with figures."""

    key: str
    name: str  # of its PDF
    folder: str  # of its images; empty where their names hold it
    figures: Mapping[str, str]  # {file: caption}, in order
    asked: Sequence[_Asked]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on a paper."""

    number: int  # in the paper, from 0
    question: str
    answer: str
    figures: list[str]


def _paper(row: reading.Row, key: str, part: Part, parts: Parts) -> _Paper:
    if part == "A":
        listed = row.row("all_figures")
        figures = {file: listed.row(file).text("caption") for file in listed.data}
        folder = row.key("paper_id")
    elif part == "B":
        listed = row.row("all_figures_tables")
        figures = {file: listed.text(file) for file in listed.data}
        folder = ""
    else:
        figures = {one.key("file"): one.text("caption") for one in row.rows("figures_and_tables")}
        folder = row.key("arxiv_id")
    for figure in figures:
        reading.inside(row.file.parent, figure, row.where())
    return _Paper(key, f"{safe_name(key)}.pdf", folder, figures, _asked(row, part, figures, parts))


def _asked(row: reading.Row, part: Part, known: Mapping[str, str], parts: Parts) -> list[_Asked]:
    def figures(where: str, named: Any) -> list[str]:
        if not isinstance(named, list) or not all(isinstance(figure, str) for figure in named):
            raise row.error(where, named, "a list of files")
        if unknown := [figure for figure in named if figure not in known]:
            raise row.error(where, unknown[0], "a figure of the paper")
        return list(dict.fromkeys(named))

    def one(number: int, given: reading.Row) -> _Asked:
        named = figures(f"qa[{number}].reference", [given.key("reference")])
        return _Asked(number, given.text("question"), given.text("answer"), named)

    def of_lists(number: int, given: tuple[str, Any, Any]) -> _Asked:
        question, answer, named = given
        text = answer if isinstance(answer, str) else _free(answer)
        return _Asked(number, question, text, figures(f"referred_figures_tables[{number}]", named))

    if part == "A":
        return parts.each(one, row.rows("qa"))
    questions = row.texts("question")
    field = "composition" if part == "B" else "answer"
    answers = row.texts(field) if part == "B" else row.rows(field)
    referred = row.list("referred_figures_tables")
    for name, values in ((field, answers), ("referred_figures_tables", referred)):
        if len(values) != len(questions):
            raise row.error(name, f"{len(values)} of them", f"{len(questions)}, one for each question")
    return parts.each(of_lists, zip(questions, answers, referred, strict=True))


def _free(row: reading.Row) -> str:
    """The answer of test-C: in words, else yes or no, as the benchmark takes it."""
    if text := row.text("free_form_answer").strip():
        return text
    return "Yes" if row.flag("yes_no") else "No"
