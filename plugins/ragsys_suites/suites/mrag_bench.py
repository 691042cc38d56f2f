"""MRAG-Bench: questions on an image that other images answer."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ragsys.evaluation.records import GoldPage, Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.unpacked import Entry, Written, image_bytes, safe_name, unpack

CHOICES = ("A", "B", "C", "D")
_QUERIES = ".queries"  # hidden: not to be indexed
_KINDS = ("gt_images", "retrieved_images")


class MragBenchOptions(Options):
    """Options of `mrag-bench`."""

    folder: Path = Field(description="holds data/ with the parquet files test-*.parquet")


class MragBench(Lenient):
    """MRAG-Bench (Hu et al. 2024): 1,353 multiple-choice questions on images, answered with the help of other images.

    Where: the dataset page uclanlp/MRAG-Bench of the hub.
    What: FOLDER/data/test-*.parquet (28 files, 4.3 GB).
    Licence: CC BY 4.0. Needs the extra `parquet`.

    Read of each row: id, aspect, scenario, image {bytes, path}, gt_images and retrieved_images [{bytes, path}],
    question, A, B, C, D, answer_choice (a letter), answer. The question is asked with its choices below it, as in the
    benchmark's prompt; the accepted answers are the letter and its text.

    The images are written out once, their bytes as they are (WEBP becomes PNG): those of `gt_images` and
    `retrieved_images` as documents of one page, each once, and `image` as the query image. In the scenario
    `Incomplete` only the first gold image counts, as in the benchmark's evaluation. Official setting: the images are
    searched in a corpus of 16,130 that is not in these files; here the search is over all images of the files, which
    is fewer: recall is not comparable with the published one. Official metric: the share of right letters.
    """

    name = "mrag-bench"
    licence = "CC BY 4.0"
    metrics = ("choice_accuracy", "page_recall@5")

    def __init__(self, options: MragBenchOptions, context: Context) -> None:
        self.options = options
        self._state = context.state

    @functools.cached_property
    def revision(self) -> str:
        """Of the data files."""
        return reading.revision(self._files())

    @property
    def root(self) -> Path:
        """Where the images are written out: another folder for other files."""
        return self._state / self.revision

    def documents(self) -> Iterator[Path]:
        """The images that may be found; query images are not among them."""
        root = self.root
        return (root / name for name in dict.fromkeys(f"images/{one.name}" for one in self._images().values()))

    def questions(self) -> Iterator[Question]:
        """One question a row."""
        gold: dict[str, list[str]] = {}
        for name, one in self._images().items():
            asked, kind, _ = name.rsplit("/", 2)
            if kind == "gt_images":
                gold.setdefault(asked, []).append(f"images/{one.name}")
        queries = self._queries()

        def read(row: reading.Row, parts: Parts) -> Question:
            key = row.key("id")
            letter = row.one_of("answer_choice", CHOICES)
            names = gold.get(key, [])
            names = list(dict.fromkeys(names[:1] if row.text("scenario") == "Incomplete" else names))
            pages: list[GoldPage] = [{"doc": name, "page": 1} for name in names]
            choices = "\n".join(f"{choice}: {row.text(choice)}" for choice in CHOICES)
            return Question(
                id=key,
                question=f"{row.text('question')}\nChoices:\n{choices}",
                answer=letter,
                answers=[letter, row.text("answer")],
                answer_type="text",
                doc_ids=names,
                gold_pages=pages,
                images=[f"{_QUERIES}/{queries[key].name}"],
                source=row.text("scenario"),
                meta={
                    "aspect": parts(row.text, "aspect") or "",
                    "choices": {choice: row.text(choice) for choice in CHOICES},
                },
            )

        return self.flaws.sound(self.options.folder / "data", reading.parquet(self._files(), columns=_TEXTS), read)

    def _files(self) -> list[Path]:
        return reading.parquet_files(self.options.folder / "data", suite=self)

    def _images(self) -> dict[str, Written]:
        return unpack(self.root / "images", self._found)

    def _queries(self) -> dict[str, Written]:
        return unpack(self.root / _QUERIES, self._asked)

    def _found(self) -> Iterator[Entry]:
        for row in reading.parquet(self._files(), columns=("id", *_KINDS)):
            for kind in _KINDS:
                for number, cell in enumerate(row.list(kind)):
                    where = f"{row.where(kind)}[{number}]"
                    content = image_bytes(cell, where)
                    name = hashlib.sha256(content).hexdigest()[:20]  # an image of several questions is one document
                    yield Entry(f"{row.key('id')}/{kind}/{number}", name, content, where)

    def _asked(self) -> Iterator[Entry]:
        for row in reading.parquet(self._files(), columns=("id", "image")):
            where = row.where("image")
            yield Entry(row.key("id"), safe_name(row.key("id")), image_bytes(row.get("image"), where), where)


_TEXTS = ("id", "aspect", "scenario", "question", *CHOICES, "answer_choice", "answer")
