"""FinanceBench: questions of analysts on the filings of listed companies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ragsys.evaluation.records import GoldPage, GoldPassage, Question
from ragsys.options import Options
from ragsys_suites.suites import reading
from ragsys_suites.suites.base import PdfSuite
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.gold import page_numbers


class FinanceBenchOptions(Options):
    """Options of `financebench`."""

    folder: Path = Field(description="a checkout of patronus-ai/financebench: data/ and pdfs/")
    setting: Literal["shared", "single"] = Field(
        "shared",
        description="what is searched: shared, the filings of all questions; single, the question's own filing",
    )


class FinanceBench(PdfSuite[FinanceBenchOptions]):
    """FinanceBench (Islam et al. 2023): 150 questions on 84 filings (10-K, 10-Q, 8-K, earnings) of listed companies.

    Where: the repository patronus-ai/financebench on GitHub.
    What: FOLDER/data/financebench_open_source.jsonl and FOLDER/pdfs/*.pdf, as they are in the repository.
    Licence: CC BY-NC 4.0 (the annotations); the filings are public documents of their companies.

    Read of each line: financebench_id, doc_name, question, answer, question_type, question_reasoning (may be null),
    company, evidence [{doc_name, evidence_page_num, evidence_text}]. `evidence_page_num` is taken to count from 0 and
    becomes 1-based. `evidence_text_full_page`, `justification` and data/financebench_document_information.jsonl are not
    needed.

    Official settings: `shared` searches the filings of all questions together (the paper's shared vector store),
    `single` only the question's own (its single vector store). Published answers were graded by hand as correct,
    incorrect or refused; a judge stands in for that. Page metrics are not published: they use the evidence pages.
    What could not be verified: that page numbers count from 0. The repository's README only says "page number"; readers
    of the files look the evidence up in the PDFs in this way.
    """

    name = "financebench"
    licence = "CC BY-NC 4.0"
    metrics = ("judged_correctness", "answer_accuracy", "page_recall@5", "page_mrr")
    FILES = ("data/financebench_open_source.jsonl",)
    PDFS = ("pdfs",)

    def questions(self) -> Iterator[Question]:
        """One question a line."""
        file = self._file()
        return self.flaws.sound(file, reading.json_lines(file), self._question)

    def _question(self, row: reading.Row, parts: Parts) -> Question:
        doc = _pdf(row)
        reading.inside(self.root, doc, row.where("doc_name"))
        places: dict[tuple[str, int], None] = {}  # several texts of one page are one gold page
        passages: list[GoldPassage] = []
        for one in parts(row.rows, "evidence") or ():
            name = _pdf(one)
            reading.inside(self.root, name, one.where("doc_name"))
            number = one.value("evidence_page_num", "a whole number")
            places |= {(name, page): None for page in page_numbers(one, "evidence_page_num", [number], parts, low=0)}
            passages.append({"doc": name, "text": one.text("evidence_text")})
        pages: list[GoldPage] = [{"doc": name, "page": page} for name, page in places]
        question = Question(
            id=row.text("financebench_id"),
            question=row.text("question"),
            answer=row.text("answer"),
            answers=[row.text("answer")],
            answer_type="text",
            doc_ids=list(dict.fromkeys([doc, *(one["doc"] for one in passages)])),
            gold_pages=pages,
            gold_passages=passages,
            source=parts(row.text, "question_type") or "",
            meta={"company": parts(row.text, "company") or "", "reasoning": row.get("question_reasoning")},
        )
        if self.options.setting == "single":
            question["scope"] = [doc]
        return question


def _pdf(row: reading.Row) -> str:
    return f"{row.text('doc_name')}.pdf"
