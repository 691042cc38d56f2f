"""MRAMG-Bench: answers of text with the figures that belong between its sentences."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ragsys.evaluation.records import Question
from ragsys.options import Options
from ragsys.protocols import Context
from ragsys_suites.suites import reading
from ragsys_suites.suites.flaws import Lenient, Parts
from ragsys_suites.suites.unpacked import Entry, Written, safe_name, unpack

Part = Literal["wit", "wiki", "web", "arxiv", "recipe", "manual"]
PLACE = "<PIC>"  # where a document, or a gold answer, shows its next image


class MramgOptions(Options):
    """Options of `mramg-bench`."""

    folder: Path = Field(description="holds doc_PART.jsonl, PART_mqa.jsonl and IMAGE/images_info/")
    part: Part = Field("arxiv", description="which of the six parts is asked and searched")


class Mramg(Lenient):
    """MRAMG-Bench (Yu et al. 2025): 4,800 questions on 4,346 documents with 14,190 images in six parts.

    Where: the dataset page MRAMG/MRAMG-Bench of the hub.
    What: FOLDER/doc_PART.jsonl and FOLDER/PART_mqa.jsonl for PART in wit, wiki, web, arxiv, recipe, manual, and
    FOLDER/IMAGE/images_info/PART_imgs_collection.json (from IMAGE.zip; IMAGE/IMAGE/images_info/ is found as well).
    Licence: Apache 2.0 on the dataset page; texts and images have the licences of their sources.

    Read of each document line, a list: [id, text, [image ids]], with <PIC> in the text where an image stands; of each
    question line: id, question, ground_truth (with <PIC> where an image belongs), provenance [document ids],
    images_list [image ids in order]; of the image collection: {image id: {image_path, image_caption}}. Where a
    document's id comes again the first one counts, as in the benchmark's readers.

    Each document is written out once as a Markdown file in which <PIC> has become `![caption](image id)`: an answer
    shows an image the same way. Official setting: a part is asked of its own documents (the option `part`), cut into
    texts of 256 tokens, of which the best 10 are read. Official metrics: precision, recall, F1 and order of the images,
    ROUGE-L, BERTScore, four judgements of a model. What could not be verified: the types of the ids (numbers and texts
    are both read), and that every document without images has an empty list or null.
    """

    name = "mramg-bench"
    licence = "Apache 2.0; sources have their own"
    metrics = ("image_f1", "image_precision", "image_recall", "image_ordering", "rouge_l", "document_recall@10")

    def __init__(self, options: MramgOptions, context: Context) -> None:
        self.options = options
        self._state = context.state

    @functools.cached_property
    def root(self) -> Path:
        """Where the documents are written out: another folder for other files."""
        return self._state / reading.revision([self._docs(), self._images()])

    @property
    def revision(self) -> str:
        """Of the part's file of questions."""
        return reading.revision([self._questions()])

    def documents(self) -> Iterator[Path]:
        """The documents of the part."""
        root = self.root
        return (root / one.name for one in self._documents().values())

    def questions(self) -> Iterator[Question]:
        """One question a line."""
        documents = self._documents()

        def read(row: reading.Row, _: Parts) -> Question:
            names = []
            for key in row.keys("provenance"):
                if key not in documents:
                    raise row.error("provenance", key, f"the id of a document in {self._docs().name}")
                names.append(documents[key].name)
            answer = row.text("ground_truth")
            return Question(
                id=row.key("id"),
                question=row.text("question").replace(PLACE, "").strip(),
                answer=answer,
                answers=[answer],
                answer_type="text",
                doc_ids=list(dict.fromkeys(names)),
                gold_images=row.keys("images_list"),
                source=self.options.part,
            )

        return self.flaws.sound(self._questions(), reading.json_lines(self._questions()), read)

    def _docs(self) -> Path:
        return reading.need(self.options.folder, f"doc_{self.options.part}.jsonl", suite=self)

    def _questions(self) -> Path:
        return reading.need(self.options.folder, f"{self.options.part}_mqa.jsonl", suite=self)

    def _images(self) -> Path:
        name = f"images_info/{self.options.part}_imgs_collection.json"
        return reading.need(self.options.folder, f"IMAGE/{name}", f"IMAGE/IMAGE/{name}", suite=self)

    def _documents(self) -> dict[str, Written]:
        return unpack(self.root, self._entries)

    def _entries(self) -> Iterator[Entry]:
        images = reading.json_object(self._images())
        seen = set()
        for row in reading.json_lines(self._docs(), list_of=("id", "text", "images")):
            key = row.key("id")
            if key in seen:
                continue
            seen.add(key)
            marks = [f"![{images.row(one).text('image_caption')}]({one})" for one in row.keys("images", missing=True)]
            yield Entry(key, safe_name(key), _filled(row.text("text"), marks), row.where("text"))


def _filled(text: str, marks: list[str]) -> str:
    """The text with its places filled in order; a place too many stays, images without a place follow at the end."""
    first, *rest = text.split(PLACE)
    filled = first + "".join(f"{mark}{part}" for mark, part in zip([*marks, *[PLACE] * len(rest)], rest, strict=False))
    return "\n\n".join([filled, *marks[len(rest) :]]) + "\n"
