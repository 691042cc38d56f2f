"""OHR-Bench: what errors of OCR cost a document question-answering system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ragsys.evaluation.records import AnswerType, GoldPassage, Question
from ragsys.options import Options
from ragsys_suites.suites import reading
from ragsys_suites.suites.base import PdfSuite
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.gold import page_numbers, pages_of

_FORMS: dict[str, AnswerType] = {"yes/no": "yesno"}  # every other form is compared as text by the benchmark


class OhrBenchOptions(Options):
    """Options of `ohr-bench`."""

    folder: Path = Field(description="holds qas_v2.json (or data/qas_v2.json) and pdfs/, the unzipped pdfs.zip")
    domain: str | None = Field(None, description="only this domain: law, finance, textbook, manual, ... (all)")


class OhrBench(PdfSuite[OhrBenchOptions]):
    """OHR-Bench v2 (Zhang et al. 2024): 8,498 questions on 1,261 PDFs (8,500 pages) of seven domains.

    Where: qas_v2.json in data/ of the repository opendatalab/OHR-Bench on GitHub; pdfs.zip on the dataset page
    opendatalab/OHR-Bench of the hub.
    What: FOLDER/qas_v2.json (or FOLDER/data/qas_v2.json) and FOLDER/pdfs/DOMAIN/NAME.pdf (unzip pdfs.zip into pdfs/).
    Licence: CC BY 4.0 on the dataset page, and in the repository's words for research only, not commercial.

    Read of each record: ID, doc_name (DOMAIN/NAME), questions, answers, doc_type, answer_form, evidence_source,
    evidence_context (a text or a list), evidence_page_no (a number or a list; counts from 0, as the benchmark compares
    it with page_idx; it becomes 1-based).

    Official setting: all documents are searched together. Official metrics: the longest common subsequence of words
    between the evidence and what was retrieved from its page (LCS), then EM and token F1 of the answer. What could not
    be verified: that pdfs.zip holds DOMAIN/NAME.pdf at its top (a reader of it relies on that).
    """

    name = "ohr-bench"
    licence = "CC BY 4.0; research only"
    metrics = ("token_f1", "exact_match", "page_recall@5", "page_mrr")
    FILES = ("qas_v2.json", "data/qas_v2.json")
    PDFS = ("pdfs",)

    def documents(self) -> list[Path]:
        """Every PDF below the folder, of the domain that is asked for."""
        return reading.files(self.root, (".pdf",), under=self.options.domain, suite=self)

    def questions(self) -> Iterator[Question]:
        """One question a record."""
        there = {path.relative_to(self.root).as_posix() for path in self.documents()}
        domain = self.options.domain

        def read(row: reading.Row, parts: Parts) -> Question | None:
            name = row.text("doc_name")
            if domain and not name.startswith(f"{domain}/"):
                return None
            doc = f"{name}.pdf"
            if doc not in there:
                raise row.error("doc_name", name, "a PDF below pdfs/, named DOMAIN/NAME")
            texts = parts(row.texts, "evidence_context") or ()
            passages: list[GoldPassage] = [{"doc": doc, "text": text} for text in texts if text.strip()]
            pages = page_numbers(row, "evidence_page_no", row.listed("evidence_page_no"), parts, low=0)
            return Question(
                id=row.text("ID"),
                question=row.text("questions"),
                answer=row.text("answers"),
                answers=[row.text("answers")],
                answer_type=_FORMS.get(row.text("answer_form").lower(), "text"),
                doc_ids=[doc],
                gold_pages=pages_of(doc, pages),
                gold_passages=passages,
                evidence_modality=list(filter(None, [parts(row.text, "evidence_source")])),
                source=parts(row.text, "doc_type") or "",
                meta={"answer_form": row.text("answer_form")},
            )

        file = self._file()
        return (one for one in self.flaws.sound(file, reading.json_list(file), read) if one is not None)
