"""TREC RAG: topics of the track, asked of a folder of documents that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ragsys.errors import SuiteError
from ragsys.evaluation.records import Nugget, Question
from ragsys.evaluation.trec import read_qrels
from ragsys.options import Options
from ragsys.plugins import registry
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.rows import shown

TOPICS = ("topics.rag24.test.txt", "trec_rag_2025_queries.jsonl")


class TrecRagOptions(Options):
    """Options of `trec-rag`."""

    folder: Path = Field(description="holds the topics, a file of qrels if there is one, and corpus/")
    topics: str | None = Field(None, description="the file of topics below the folder (the one of 2024, else of 2025)")
    qrels: str | None = Field(None, description="a file of qrels below the folder (none)")
    nuggets: str | None = Field(None, description="a file of nuggets below the folder (none)")
    corpus: Path | None = Field(None, description="the folder of documents that is searched (corpus/ below the folder)")
    relevant: int = Field(2, ge=1, description="the lowest grade of a document that holds the answer (as the track: 2)")


class TrecRag(Lenient):
    """TREC RAG 2024 and 2025: the track's topics, asked of the documents in a folder of your own.

    Where: topics.rag24.test.txt, 2024-retrieval-qrels.txt and nugget_assignment.20241218.jsonl on the track's data page
    at NIST; topics and qrels.rag24.test-umbrela-all.txt in the repository TREC-RAG/trec-rag.github.io on GitHub
    (docs/assets/txt) and in topics-and-qrels/ of castorini/anserini-tools; trec_rag_2025_queries.jsonl on the track's
    pages; the corpus is MS MARCO V2.1 (segmented), or any documents.
    What: FOLDER/topics.rag24.test.txt or FOLDER/trec_rag_2025_queries.jsonl (or the option `topics`), files of qrels
    and of nuggets if you have them (the options `qrels` and `nuggets`), and the documents in FOLDER/corpus/ (or the
    option `corpus`), each named by its document id with an ending that a loader takes, in folders as you like.
    Licence: the topics are the track's (NIST); MS MARCO is for research, not commercial.

    Read of the topics of 2024: id, tab, text; of 2025, JSON lines: id, title; of the qrels: topic, 0, document id,
    grade (0 to 3), between blanks; of the nuggets, JSON lines: qid, nuggets [{text, importance: vital | okay}], of the
    first line of each topic (the lines of further runs repeat them).

    `doc_ids` are the documents of grade 2 and more (the option `relevant`; the track's own recall takes 2 and more);
    all grades of documents that the folder holds are in `meta.qrels`, and `meta.judged_elsewhere` counts the judged
    documents of grade 1 and more that it does not hold: recall is over those that it holds. Official metrics: nDCG@20,
    nDCG@100, recall@100 of segments (nDCG with grades; of documents here without); nuggets and support of answers.
    """

    name = "trec-rag"
    licence = "topics: NIST; MS MARCO: research only"
    metrics = (
        "document_recall@100",
        "document_ndcg@20",
        "document_ndcg@100",
        "nugget_vital_strict",
        "nugget_all_strict",
        "support_precision",
        "support_recall",
    )

    def __init__(self, options: TrecRagOptions, context: Context) -> None:
        self.options = options
        self.root = options.corpus or options.folder / "corpus"

    @property
    def revision(self) -> str:
        """Of the files of topics and qrels."""
        more = [name for name in (self.options.qrels, self.options.nuggets) if name]
        return reading.revision([self._topics(), *(self._file(name) for name in more)])

    def documents(self) -> list[Path]:
        """The files of the corpus that an installed loader takes by their ending."""
        suffixes = {suffix for component, _ in registry().components("loader") for suffix in component.suffixes}
        return reading.files(self.root, sorted(suffixes), suite=self)

    def questions(self) -> Iterator[Question]:
        """One question a topic."""
        judged = read_qrels(self._file(self.options.qrels)) if self.options.qrels else {}
        names = self._names() if judged else {}
        nuggets = self._nuggets() if self.options.nuggets else {}
        year = "2025" if self._topics().suffix == ".jsonl" else "2024"
        for key, text in self._asked():
            question = Question(id=key, question=text, source=year)
            if key in judged:
                held = {names[doc]: grade for doc, grade in judged[key].items() if doc in names}
                lost = sum(1 for doc, grade in judged[key].items() if grade >= 1 and doc not in names)
                question["doc_ids"] = [name for name, grade in held.items() if grade >= self.options.relevant]
                question["meta"] = {"qrels": held, "judged_elsewhere": lost}
            if key in nuggets:
                question["nuggets"] = nuggets[key]
            yield question

    def _topics(self) -> Path:
        names = (self.options.topics,) if self.options.topics else TOPICS
        return reading.need(self.options.folder, *names, suite=self)

    def _file(self, name: str) -> Path:
        return reading.need(self.options.folder, name, suite=self)

    def _asked(self) -> Iterator[tuple[str, str]]:
        path = self._topics()
        if path.suffix == ".jsonl":
            yield from self.flaws.sound(path, reading.json_lines(path), _topic_2025, "topic")
        else:
            yield from self.flaws.sound(path, _lines(path), lambda item, _: _topic_2024(path, *item), "topic")

    def _names(self) -> dict[str, str]:
        """{document id: its path below the root}. Raises `SuiteError` where two files have one id."""
        found: dict[str, str] = {}
        for path in self.documents():
            name = path.relative_to(self.root).as_posix()
            if path.stem in found:
                raise SuiteError(
                    f"{self.root}: '{found[path.stem]}' and '{name}' have the same document id '{path.stem}'",
                    hint="a document's id is its file name without the ending: each once",
                )
            found[path.stem] = name
        return found

    def _nuggets(self) -> dict[str, list[Nugget]]:
        found: dict[str, list[Nugget]] = {}
        file = self._file(str(self.options.nuggets))
        for key, nuggets in self.flaws.sound(file, reading.json_lines(file), _topic_nuggets):
            found.setdefault(key, nuggets)
        return found


def _topic_nuggets(row: reading.Row, parts: Parts) -> tuple[str, list[Nugget]]:
    def read(_: int, one: reading.Row) -> Nugget:
        return {"text": one.text("text"), "vital": one.one_of("importance", ("vital", "okay")) == "vital"}

    return row.key("qid"), parts.each(read, row.rows("nuggets"))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not blank, with their numbers from 1."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: not a text in UTF-8 that can be read ({error})") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _topic_2025(row: reading.Row, _: Parts) -> tuple[str, str]:
    return row.key("id"), row.text("title")


def _topic_2024(path: Path, number: int, line: str) -> tuple[str, str]:
    """Id and text of a line, with a tab between them; a tab in a text stays."""
    key, tab, text = line.strip().partition("\t")
    if not tab:
        raise SuiteError(f"{path}, line {number}: found {shown(line)}, expected an id, a tab and a text")
    return key, text
