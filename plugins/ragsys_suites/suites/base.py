"""A benchmark that is one file of questions and one folder of PDFs, as many are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from ragsys.evaluation.records import Question
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient


class InFolder(Protocol):
    """Options of a suite that lies in one folder."""

    @property
    def folder(self) -> Path:
        """The folder."""
        ...


Given = TypeVar("Given", bound=InFolder)


class PdfSuite(Lenient, Generic[Given]):
    """What such suites share; each says where its files are, what it is, and what a record of its file means."""

    name: str
    licence: str
    metrics: tuple[str, ...]
    FILES: ClassVar[tuple[str, ...]]  # of questions: the first that is there, below the folder
    PDFS: ClassVar[tuple[str, ...]]  # folders of documents: the first that is there, below the folder

    def __init__(self, options: Given, context: Context) -> None:
        self.options = options

    @property
    def root(self) -> Path:
        """The folder of PDFs."""
        return reading.need(self.options.folder, *self.PDFS, suite=self)

    @property
    def revision(self) -> str:
        """Of the file of questions."""
        return reading.revision([self._file()])

    def documents(self) -> Iterable[Path]:
        """The PDFs that questions ask about; others in the folder are left out."""
        root = self.root
        names = dict.fromkeys(doc for question in self.questions() for doc in question["doc_ids"])
        return (reading.inside(root, name) for name in names)

    def questions(self) -> Iterable[Question]:
        """One question a record of the file."""
        raise NotImplementedError

    def _file(self) -> Path:
        return reading.need(self.options.folder, *self.FILES, suite=self)
