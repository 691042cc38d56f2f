"""M-LongDoc: open questions on documents of hundreds of pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import Field

from ragsys.evaluation.records import Question
from ragsys.options import Options
from ragsys_suites.suites import reading
from ragsys_suites.suites.base import PdfSuite
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.gold import page_numbers, pages_of

_MODALITIES = {"texts": "text", "tables": "table", "figures or diagrams or charts": "figure"}


class MLongDocOptions(Options):
    """Options of `m-longdoc`."""

    folder: Path = Field(description="a checkout of chiayewken/multimodal-docs with the PDFs in data/test/")
    questions: str = Field(
        "data/questions/test.json", description="which file below the folder: also test_academic, _finance, _product"
    )


class MLongDoc(PdfSuite[MLongDocOptions]):
    """M-LongDoc (Chia et al. 2024): 851 open questions on 180 academic, financial and product documents.

    Where: the authors' repository chiayewken/multimodal-docs on GitHub; data/test/metadata.csv there lists where each
    PDF was published.
    What: FOLDER/data/questions/test.json (or test_academic.json, test_finance.json, test_product.json: the option
    `questions`) and FOLDER/data/test/NAME.pdf; a PDF whose address ends without .pdf needs that ending.
    Licence: the repository states none; the documents belong to their publishers.

    Read of each line (JSON lines in spite of the ending .json): question, category (texts | tables | figures or
    diagrams or charts), evidence_pages (1-based, kept), source (data/test/NAME.json: names the PDF), annotator. There
    are no reference answers: `answer` is empty. A line has no id: its number in the file is taken.

    Official setting: each question is asked of its own document, of which the five best pages are read. Official
    metrics: correctness on a scale of 1 to 5, the mean of three judges who see the evidence pages; MRR of the evidence
    page for retrieval. Judges here see no pages, and without a reference answer they have nothing to grade by:
    correctness is not scored. What could not be verified: that this file holds all 851 questions of the paper.
    """

    name = "m-longdoc"
    licence = "not stated; documents of their publishers"
    metrics = ("page_mrr", "page_recall@5")
    PDFS = ("data/test",)

    def questions(self) -> Iterator[Question]:
        """One question a line."""
        file = self._file()
        return self.flaws.sound(file, reading.json_lines(file), self._question)

    def _question(self, row: reading.Row, parts: Parts) -> Question:
        source = PurePosixPath(row.text("source"))
        doc = f"{source.stem}.pdf" if source.suffix == ".json" else f"{source.name}.pdf"
        reading.inside(self.root, doc, row.where("source"))
        modality = _MODALITIES[row.one_of("category", _MODALITIES)]
        return Question(
            id=str(row.line),
            question=row.text("question"),
            doc_ids=[doc],
            gold_pages=pages_of(doc, page_numbers(row, "evidence_pages", row.listed("evidence_pages"), parts)),
            scope=[doc],
            evidence_modality=[modality],
            source=modality,
            meta={"annotator": row.get("annotator")},
        )

    def _file(self) -> Path:
        return reading.need(self.options.folder, self.options.questions, suite=self)
