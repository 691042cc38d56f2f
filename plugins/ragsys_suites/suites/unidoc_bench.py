"""UniDoc-Bench: questions on PDFs of eight domains, by the kind of evidence that they need."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from ragsys.evaluation.records import GoldPage, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts

Domain = Literal[
    "commerce_manufacturing", "construction", "crm", "education", "energy", "finance", "healthcare", "legal"
]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
COLUMNS = ("question", "answer", "gt_image_paths", "question_type", "answer_type", "domain")
_MODALITIES = {
    "text_only": ["text"],
    "image_only": ["figure"],
    "table_required": ["table"],
    "image_plus_text_as_answer": ["figure", "text"],
}
_PAGE = re.compile(r"images/(?P<domain>[^/]+)/(?P<doc>[^/]+)/(?P=doc)_page_(?P<page>\d{1,6})\.(?:png|jpe?g)")


class UniDocOptions(Options):
    """Options of `unidoc-bench`."""

    folder: Path = Field(description="holds data/DOMAIN-*.parquet and pdfs/DOMAIN/, the unpacked DOMAIN_pdfs.tar.gz")
    domains: tuple[Domain, ...] = Field(DOMAINS, min_length=1, description="which of the eight domains are asked")


class UniDocBench(Lenient):
    """UniDoc-Bench (Peng et al. 2025): 1,600 questions on 70,000 pages of PDFs in eight domains.

    Where: the dataset page Salesforce/UniDoc-Bench of the hub; code in SalesforceAIResearch/UniDoc-Bench on GitHub.
    What: FOLDER/data/DOMAIN-00000-of-00001.parquet, and FOLDER/pdfs/DOMAIN/ID.pdf: unpack DOMAIN_pdfs.tar.gz in pdfs/.
    DOMAIN is commerce_manufacturing, construction, crm, education, energy, finance, healthcare or legal; for some of
    them alone: --option domains=[finance,legal].
    Licence: CC BY-NC 4.0. Needs the extra `parquet`.

    Read of each row: question, answer, question_type (factual_retrieval | comparison | summarization | ...),
    answer_type (text_only | image_only | table_required | image_plus_text_as_answer), domain, gt_image_paths
    ("images/DOMAIN/ID/ID_page_0004.png" names page 4 of ID.pdf; 1-based, kept). Rows have no id: DOMAIN/N, from 0.
    longdoc_image_paths and the page images are not needed.

    Official setting: each question searches all documents of its domain (`scope`, where several domains are asked).
    Official metrics: claim recall (completeness) and claim precision of answers by a model; recall, precision and nDCG
    of ten pages, the nDCG with an ideal of what was retrieved. What could not be verified: that the archives hold
    DOMAIN/ID.pdf (users of the files rely on it), and that gt_image_paths are the pages that the official evaluation
    works out of `chunk_used` and its parsed elements, which the hub does not hold.
    """

    name = "unidoc-bench"
    licence = "CC BY-NC 4.0"
    metrics = (
        "page_recall@10",
        "unidoc_precision@10",
        "unidoc_ndcg@10",
        "page_ndcg@10",
        "claim_recall",
        "claim_precision",
    )

    def __init__(self, options: UniDocOptions, context: Context) -> None:
        self.options = options
        self.root = options.folder / "pdfs"

    @property
    def revision(self) -> str:
        """Of the files of questions."""
        return reading.revision([file for domain in self.options.domains for file in self._files(domain)])

    def documents(self) -> Iterator[Path]:
        """Every PDF of the domains that are asked for."""
        return (path for domain in self.options.domains for path in self._pdfs(domain))

    def questions(self) -> Iterator[Question]:
        """One question a row, by domain."""
        for domain in self.options.domains:
            names = {path.relative_to(self.root).as_posix() for path in self._pdfs(domain)}
            rows = enumerate(reading.parquet(self._files(domain), COLUMNS))
            read = functools.partial(self._question, domain, names)
            yield from self.flaws.sound(self._files(domain)[0], rows, read)

    def _question(self, domain: Domain, names: set[str], item: tuple[int, reading.Row], parts: Parts) -> Question:
        number, row = item
        if row.text("domain") != domain:
            raise row.error("domain", row.text("domain"), f"'{domain}', as the file is named")

        def read(at: int, path: str) -> GoldPage:
            found = _PAGE.fullmatch(path)
            if not found or found["domain"] != domain or int(found["page"]) < 1:
                raise row.error(f"gt_image_paths[{at}]", path, f"images/{domain}/ID/ID_page_NNNN.png, NNNN from 0001")
            page: GoldPage = {"doc": f"{domain}/{found['doc']}.pdf", "page": int(found["page"])}
            if page["doc"] not in names:
                raise row.error(f"gt_image_paths[{at}]", path, f"a page of a PDF in {self.root / domain}")
            return page

        pages: list[GoldPage] = []
        for page in parts.each(read, row.texts("gt_image_paths")):
            if page not in pages:
                pages.append(page)
        answer = row.text("answer")
        question = Question(
            id=f"{domain}/{number}",
            question=row.text("question"),
            answer=answer,
            answers=[answer],
            answer_type="text",
            doc_ids=list(dict.fromkeys(page["doc"] for page in pages)),
            gold_pages=pages,
            evidence_modality=_MODALITIES[row.one_of("answer_type", tuple(_MODALITIES))],
            source=domain,
            meta={"question_type": row.text("question_type")},
        )
        if len(self.options.domains) > 1:
            question["scope"] = [f"{domain}/"]  # all below it: thousands of names would stand in every question
        return question

    def _files(self, domain: Domain) -> list[Path]:
        return reading.parquet_files(self.options.folder / "data", suite=self, stem=f"{domain}-")

    def _pdfs(self, domain: Domain) -> list[Path]:
        return reading.files(self.root, (".pdf",), under=domain, suite=self)
