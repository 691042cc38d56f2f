"""MMLongBench-Doc, versions 1 and 2: questions on long documents, a fifth of which have no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from ragsys.evaluation.records import AnswerType, Question
from ragsys.options import Options
from ragsys_suites.suites import reading
from ragsys_suites.suites.base import PdfSuite
from ragsys_suites.suites.flaws import Parts
from ragsys_suites.suites.gold import answer_text, modalities, page_numbers, pages_of

TYPES = ("data/question_types.json", "question_types.json")
_FORMATS: dict[str, AnswerType] = {
    "Str": "text",
    "Int": "int",
    "Float": "float",
    "List": "list",
    "None": "unanswerable",
}


class MmLongBenchOptions(Options):
    """Options of `mmlongbench-doc` and `mmlongbench-doc-v2`."""

    folder: Path = Field(description="a checkout of the benchmark's repository: data/samples.json, data/documents/")


class MmLongBench(PdfSuite[MmLongBenchOptions]):
    """MMLongBench-Doc (Ma et al. 2024): 1,082 questions on 135 PDFs of about 49 pages each.

    Where: the repository mayubo2333/MMLongBench-Doc on GitHub, or the dataset page yubo2333/MMLongBench-Doc of the hub.
    What: FOLDER/data/samples.json and FOLDER/data/documents/*.pdf, as they are in the repository; of the hub's files
    FOLDER/data/train-00000-of-00001.parquet (extra `parquet`) and FOLDER/documents/*.pdf.
    Licence: code Apache 2.0, data CC BY-NC 4.0 and for research only; the documents belong to their publishers.

    Read of each record: doc_id (the PDF's name), doc_type, question, answer, evidence_pages ("[3, 5]": a list written
    as a text, 1-based, kept), evidence_sources ("['Chart']"), answer_format (Str | Int | Float | List | None: None
    cannot be answered). Records have no id: DOC#N, N the record's number in the file from 0. A few pages that are named
    are not in their PDF; they are left as they are. Three records name page 0, for none is known: they are asked
    without a gold page.

    Official setting: each question is asked of its own document (`scope`). Official metrics: accuracy and F1 by rules,
    after a model has shortened each answer: mmlongbench_extracted_* with --judge; mmlongbench_* score the answer as it
    stands. Page metrics are not published.
    """

    name = "mmlongbench-doc"
    licence = "CC BY-NC 4.0; research only"
    metrics: tuple[str, ...] = (
        "mmlongbench_accuracy",
        "mmlongbench_f1",
        "mmlongbench_extracted_accuracy",
        "mmlongbench_extracted_f1",
        "page_recall@1",
        "page_recall@5",
    )
    FILES = (
        "data/samples.json",
        "samples.json",
        "data/train-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    )
    PDFS = ("data/documents", "documents")

    def questions(self) -> Iterator[Question]:
        """One question a record."""
        root, kinds = self.root, self._kinds()

        def read(row: reading.Row, parts: Parts) -> Question:
            return _question(row, parts, root, kinds)

        return self.flaws.sound(self._file(), self._rows(), read)

    def _rows(self) -> Iterator[reading.Row]:
        file = self._file()
        return reading.parquet([file]) if file.suffix == ".parquet" else reading.json_list(file)

    def _kinds(self) -> dict[tuple[str, str], dict[str, object]]:
        """{(document, question): what version 2 says of the question's kind}."""
        return {}


def _question(
    row: reading.Row, parts: Parts, root: Path, kinds: Mapping[tuple[str, str], dict[str, object]]
) -> Question:
    doc = row.key("doc_id")
    reading.inside(root, doc, row.where("doc_id"))
    answer = answer_text(row, "answer")
    form = _FORMATS[row.one_of("answer_format", _FORMATS)]
    pages = page_numbers(row, "evidence_pages", parts(row.written_list, "evidence_pages") or (), parts)
    question = Question(
        id=f"{doc}#{row.line}",
        question=row.text("question"),
        answer=answer,
        answers=[answer],
        answer_type=form,
        doc_ids=[doc],
        scope=[doc],
        evidence_modality=modalities(parts(row.written_list, "evidence_sources") or ()),
        source=parts(row.text, "doc_type") or "",
        meta=kinds.get((doc, row.text("question")), {}),
    )
    if pages and form != "unanswerable":
        question["gold_pages"] = pages_of(doc, pages)
    return question


class MmLongBenchV2(MmLongBench):
    """MMLongBench-Doc-V2 (Zhang 2026): 1,071 of its questions on 134 PDFs with 106 corrected annotations.

    Where: the repository VectifyAI/MMLongBench-Doc-V2 on GitHub; the PDFs in mayubo2333/MMLongBench-Doc.
    What: FOLDER/data/samples.json and FOLDER/data/question_types.json (may be absent) of VectifyAI/MMLongBench-Doc-V2,
    and data/documents/*.pdf of mayubo2333/MMLongBench-Doc as FOLDER/data/documents/.
    Licence: questions Apache 2.0 (after its NOTICE); upstream data CC BY-NC 4.0, research only; the documents belong to
    their publishers.

    Read of each record: as in version 1; of question_types.json, joined by document and question: task_type (lookup |
    count | enumerate | derive | compare | verify) and requires_visual, labels of a model, into `meta`.

    Official setting: each question is asked of its own document (`scope`). Official metrics: accuracy and F1 by the
    verdict of one pinned model on the whole answer; the nearest here is judged_correctness with --judge, with its
    agreement with the rules, beside the rules of version 1. Figures of the two versions are not comparable.
    """

    name = "mmlongbench-doc-v2"
    licence = "Apache 2.0; upstream CC BY-NC 4.0, research only"
    metrics = (
        "answer_accuracy",
        "judged_correctness",
        "judge_agreement",
        "judge_kappa",
        "mmlongbench_accuracy",
        "page_recall@1",
        "page_recall@5",
    )

    def _kinds(self) -> dict[tuple[str, str], dict[str, object]]:
        file = reading.optional(self.options.folder, *TYPES)
        return dict(self.flaws.sound(file, reading.json_list(file), _kind)) if file else {}


def _kind(row: reading.Row, _: Parts) -> tuple[tuple[str, str], dict[str, object]]:
    about = {"task_type": row.text("task_type"), "requires_visual": row.flag("requires_visual")}
    return (row.key("doc_id"), row.text("question")), about
