"""MultiHop-RAG: questions whose evidence lies in several news articles."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ragsys.evaluation.records import AnswerType, GoldPassage, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.unpacked import Entry, Written, safe_name, unpack

QUESTIONS = ("MultiHopRAG.json", "dataset/MultiHopRAG.json")
ARTICLES = ("corpus.json", "dataset/corpus.json")
_NULL = "null_query"


class MultiHopRagOptions(Options):
    """Options of `multihop-rag`."""

    folder: Path = Field(description="holds MultiHopRAG.json and corpus.json (or dataset/ with them)")


class MultiHopRag(Lenient):
    """MultiHop-RAG (Tang and Yang 2024): 2,556 questions with evidence in 2 to 4 of 609 news articles.

    Where: dataset/ of the repository yixuantt/MultiHop-RAG on GitHub, or the dataset page yixuantt/MultiHopRAG of the
    hub.
    What: FOLDER/MultiHopRAG.json and FOLDER/corpus.json, or FOLDER/dataset/ with both.
    Licence: ODC-BY 1.0; the articles belong to their publishers.

    Read of each question: query, answer, question_type (inference_query | comparison_query | temporal_query |
    null_query), evidence_list [{url, title, fact}]; of each article: url, title, source, published_at, category, body,
    author (may be null). A question has no id: its number in the file, from 0, is taken. `null_query` has no evidence
    and cannot be answered.

    Each article is written out once as a Markdown file that begins with its title, source and time, as the benchmark's
    own retrieval gives them to its models. Official setting: all articles are searched. Official metrics: Hits@4,
    Hits@10, MAP@10 and MRR@10 by whether a retrieved text holds a fact (blanks stripped; null queries left out); the
    answer counts as right if it shares a word with the gold one.
    """

    name = "multihop-rag"
    licence = "ODC-BY 1.0"
    metrics = (
        "multihop_hits@10",
        "multihop_hits@4",
        "multihop_map",
        "multihop_mrr",
        "multihop_accuracy",
        "multihop_accuracy_corrected",
    )

    def __init__(self, options: MultiHopRagOptions, context: Context) -> None:
        self.options = options
        self._state = context.state

    @functools.cached_property
    def root(self) -> Path:
        """Where the articles are written out: another folder for other files."""
        return self._state / reading.revision([reading.need(self.options.folder, *ARTICLES, suite=self)])

    @property
    def revision(self) -> str:
        """Of the file of questions."""
        return reading.revision([self._file()])

    def documents(self) -> Iterator[Path]:
        """The articles, one file each."""
        root = self.root
        return (root / one.name for one in self._articles().values())

    def questions(self) -> Iterator[Question]:
        """One question a record."""
        articles = self._articles()

        def read(row: reading.Row, _: Parts) -> Question:
            passages: list[GoldPassage] = []
            for one in row.rows("evidence_list"):
                url = one.text("url")
                if url not in articles:
                    raise one.error("url", url, "the url of an article in corpus.json")
                passages.append({"doc": articles[url].name, "text": one.text("fact")})
            kind = row.text("question_type")
            if not passages and kind != _NULL:
                raise row.error("evidence_list", [], f"evidence, or question_type {_NULL}")
            question = Question(
                id=str(row.line),
                question=row.text("query"),
                answer=row.text("answer"),
                answers=[row.text("answer")],
                answer_type="unanswerable" if kind == _NULL else _type(row.text("answer")),
                source=kind,
                meta={"question_type": kind},
            )
            if passages:
                question["doc_ids"] = list(dict.fromkeys(one["doc"] for one in passages))
                question["gold_passages"] = passages
            return question

        return self.flaws.sound(self._file(), reading.json_list(self._file()), read)

    def _file(self) -> Path:
        return reading.need(self.options.folder, *QUESTIONS, suite=self)

    def _articles(self) -> dict[str, Written]:
        return unpack(self.root, self._entries)

    def _entries(self) -> Iterator[Entry]:
        for row in reading.json_list(reading.need(self.options.folder, *ARTICLES, suite=self)):
            title, url = row.text("title"), row.text("url")
            about = "\n".join(f"{key}: {row.text(key)}" for key in ("source", "published_at"))
            # two outlets may run one title: the url is what tells articles apart
            yield Entry(
                url, safe_name(f"{title} {url}"), f"# {title}\n\n{about}\n\n{row.text('body')}\n", row.where("body")
            )


def _type(answer: str) -> AnswerType:
    return "yesno" if answer.strip().lower() in ("yes", "no") else "text"
