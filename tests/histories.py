"""Random histories of a library: files come and go, runs end at any write, OCR and embedders fail; all in one process.

Real parts, but for three: parsers run in this process (`Parsers`), OCR reads made-up text, and a hash stands in for the
embedding model. Files are drawn once and copied.
"""

from __future__ import annotations

import copy
import importlib.util
import io
import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragsys import frames
from ragsys.backfill import later
from ragsys.catalog import tally
from ragsys.errors import DocumentError
from ragsys.library import Library
from ragsys.passages import split_pages
from ragsys.pool import Job, Message
from ragsys.records import page_of, passage_payload
from ragsys.stages import pages_of
from ragsys.statistics import TermCounts
from ragsys.store import AllOf, Has, Is, Not
from ragsys.testing.fakes import MemoryStore, page_of_texts
from ragsys.types import Outcome, Page, PageImage, Sparse
from ragsys.worker import Worker

WORDS = ("oven", "flour", "butter", "sugar", "revenue", "harbour", "thermostat", "membrane", "valve", "crew", "license")
NOTHING = TermCounts.empty().pack()
LAYOUT = importlib.util.find_spec("pymupdf.layout") is not None
POISON = "thermostat"  # embedders fail on a text that begins with it


class Stopped(BaseException):
    """The process ends here, as by kill -9: what was written is in the store."""


class Frail(MemoryStore):
    """A store in whose `left`-th write the process ends."""

    left = 0

    def _write(self) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                raise Stopped

    def upsert(self, points: Any) -> None:
        self._write()
        super().upsert([replace(point, payload=copy.deepcopy(point.payload)) for point in points])

    def set_vectors(self, name: str, vectors: Any) -> None:
        self._write()
        super().set_vectors(name, vectors)

    def set_payload(self, where: Any, payload: Any) -> None:
        self._write()
        super().set_payload(where, copy.deepcopy(payload))  # what changes after the call is not on the disk

    def delete_where(self, where: Any) -> None:
        self._write()
        super().delete_where(where)

    def close(self) -> None:
        """Its points stay for the next process."""


def pages_texts(chance: random.Random) -> list[tuple[str, bool]]:
    """(text, whether a picture lies on the page) of each page of a document."""
    pages: list[tuple[str, bool]] = []
    for number in range(chance.randint(1, 5)):
        kind = chance.choice(["text", "text", "runs on", "letters", "letters", "blank"])
        words = " ".join(chance.choices(WORDS, k=chance.randint(20, 70)))
        if kind == "letters":  # too few to be the page's text
            pages.append((chance.choice(["2024 Camry", "p. 7", "Nature 5"]), True))
        elif kind == "blank":
            pages.append(("", True))
        else:
            end = "" if kind == "runs on" else f". Page {number}."
            pages.append((words + end, False))
    return pages


def draw(path: Path, chance: random.Random) -> None:
    """Write a PDF."""
    import pymupdf

    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 8, 8), False)
    picture.clear_with(chance.randint(100, 200))
    document = pymupdf.open()
    for text, pictured in pages_texts(chance):
        page = document.new_page()
        if pictured:
            page.insert_image(page.rect, pixmap=picture)
        if text:
            page.insert_textbox((60, 60, 540, 780), text, fontsize=11)
    document.save(path)
    document.close()


class Parsers:
    """Takes the place of `ragsys.pool.Pool`: each job in this process; crashes and restarts by chance."""

    library: Library
    chance: random.Random
    troubled = False

    def __init__(self, *_: Any) -> None: ...

    def __enter__(self) -> Parsers:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, jobs: Iterable[Job], stop: object = None) -> Iterator[Message]:
        for job in jobs:
            fate = self.chance.random() if self.troubled else 1.0
            messages = list(self._messages(job))
            if fate < 0.15:  # a page ended the worker: its document goes again without it
                yield from messages[: self.chance.randint(0, max(0, len(messages) - 1))]
                page = self.chance.choice(job.message.get("pages") or [1, 2])
                job.skip.append(page)
                job.lost[page] = "took too long", Outcome.TIMEOUT
                yield Message(job, {"type": "again", "page": page, "reason": "took too long"})
                messages = list(self._messages(job))
            elif fate < 0.25:
                yield from messages[: self.chance.randint(0, max(0, len(messages) - 1))]
                yield Message(job, {"type": "error", "reason": "took too long", "outcome": "timeout"})
                continue
            yield from messages

    def _messages(self, job: Job) -> Iterator[Message]:
        out = io.BytesIO()
        at = self.library.place.folder / "at"
        Worker(self.library.space.layers, out, at).run({**job.message, "skip": job.skip})
        out.seek(0)
        while (message := frames.read(out)) is not None:
            yield Message(job, *message)


@dataclass
class History:
    """One library and what happens to it."""

    seed: int
    folder: Path
    files: list[Path]  # drawn ones, to copy from
    library_folder: Path
    store: Frail = field(default_factory=Frail)
    told: list[str] = field(default_factory=list)  # what was done, for the failing test's message

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.folder.mkdir(parents=True)

    def open(self, store: Frail | None = None, folder: Path | None = None) -> Library:
        """The library, as a new process opens it."""
        config = ["search.rank=null"] if self.seed % 2 else []
        config += ["index.layout=true"] if LAYOUT and self.seed % 3 == 0 else []
        library = Library(
            self.folder, store=store or self.store, folder=folder or self.library_folder, overrides=config,
            background=False, index=False,
        )  # fmt: skip
        Parsers.library = library
        return library

    def run(self) -> None:
        """Some runs, each in a process of its own, of which some end before they are done."""
        Parsers.chance = self.chance
        for _ in range(self.chance.randint(2, 6)):
            self._touch()
            Parsers.troubled = self.chance.random() < 0.5
            self.store.left = self.chance.choice([0, 0, self.chance.randint(1, 60)])
            library = None
            step = self.chance.choice(["index", "index", "wait", "later", "retry"])
            self.told.append(f"{step}, troubled {Parsers.troubled}, ends at write {self.store.left}")
            try:
                library = self.open()
                before = searchable(library)
                if step == "later":
                    later(library.space, lambda _: None, Ending(self.chance.randint(1, 9)))
                else:
                    library.index(wait=step != "index", retry=True if step == "retry" else None)
                self.store.left = 0
                fits(library, checked=step != "later")
                if step != "retry":  # what is asked for by name may be read from scratch
                    after = searchable(library)
                    lost = {doc: pages - after[doc] for doc, pages in before.items() if doc in after}
                    assert not any(lost.values()), f"pages that could be found are lost: {lost}"
            except Stopped:
                self.told.append("ended")
            finally:
                self.store.left = 0
                if library is not None:
                    library.close()
        Parsers.troubled = False

    def _touch(self) -> None:
        for _ in range(self.chance.randint(0, 3)):
            name = self.folder / f"doc{self.chance.randint(0, 3)}.pdf"
            if name.exists() and self.chance.random() < 0.3:
                name.unlink()
                self.told.append(f"{name.name} goes")
            else:
                source = self.chance.choice(self.files)
                shutil.copyfile(source, name)
                self.told.append(f"{name.name} is {source.name}")

    def finish(self) -> dict[str, Any]:
        """The library after an undisturbed run to the end, whole; it is what its folder alone gives."""
        with self.open() as library:
            library.index(retry=True, wait=True, prune=True)
            fits(library)
            found = contents(library)
        with self.open(Frail(), self.library_folder.with_name(f"fresh{self.seed}")) as fresh:
            fresh.index(wait=True)
            assert found == contents(fresh), "other than a library that was indexed in one go"
        return found


class Ending:
    """An event that is set after some looks at it."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def fits(library: Library, *, checked: bool = True) -> None:
    """Every passage is what the splitter makes of the stored pages; what is counted is what the store holds.

    Unless it was `checked` by an indexing run, a document may say that it is to be checked.
    """
    space = library.space
    for state in space.catalog:
        pages, passages = space.layer(state, "page"), space.layer(state, "passage")
        if state.excluded or not (state.complete(pages) and state.complete(passages)):
            continue
        if not checked and not state.layers[passages].sound:
            continue
        assert state.layers[passages].sound
        where = AllOf((Is("doc", state.doc), Is("layer", passages)))
        held = {record.payload["ordinal"]: record.payload for record in space.store.scroll(where)}
        made = dict(split_pages(space.layers.splitter, pages_of(space, state, pages)))
        expected = {n: passage_payload(state.doc, passages, n, p.pieces, p.headings) for n, p in made.items()}
        assert held == expected, f"{state.paths}: passages that do not fit their pages"
        records = list(space.store.scroll(where))
        texts = {r.payload["ordinal"]: p.text for r, p in zip(records, space.passages(records), strict=True) if p}
        assert texts == {n: passage.text for n, passage in made.items()}
        assert state.layers[passages].items == len(held)
        counted = space.catalog.terms(state.doc)
        for name, (spec, _) in space.layers.makers(eager=True).items():
            layer = space.layer(state, spec.items)
            found = [
                record.vectors[name].indices
                for record in space.store.scroll(AllOf((Is("doc", state.doc), Is("layer", layer))), vectors=[name])
                if name in record.vectors and len(record.vectors[name].indices)
            ]
            assert counted.get(tally(name, layer), NOTHING) == TermCounts.of(found).pack(), (
                f"{state.paths}: {name} is miscounted"
            )
    assert len(library.search("revenue of the harbour", k=5)) <= 5  # a question is answered whatever happened before


def outdated(library: Library) -> list[str]:
    """The texts whose later vectors were made of other words than they have now."""
    space, found = library.space, []
    for state in space.catalog:
        for name, (spec, retriever) in space.layers.makers(eager=False).items():
            where = AllOf((Is("doc", state.doc), Is("layer", space.layer(state, spec.items)), Has(name)))
            records = list(space.store.scroll(where, vectors=[name]))
            texts = [text or "" for text in space.item_texts(spec, records)]
            made = [vectors[name] for vectors in retriever.encode_items(texts)] if texts else []
            rows = zip(records, texts, made, strict=True)
            found += [text for record, text, vector in rows if not np.allclose(record.vectors[name], vector, atol=1e-2)]
    return found


def contents(library: Library) -> dict[str, Any]:
    """Every point but the states', and of the states what does not tell how they came about."""
    space = library.space
    names = list(space.layers.vectors)
    found: dict[str, Any] = {}
    for record in space.store.scroll(Not(Is("layer", "state")), vectors=names):
        vectors = {n: v.indices.tolist() if isinstance(v, Sparse) else v.tolist() for n, v in record.vectors.items()}
        page = page_of(record.payload) if record.payload["kind"] == "page" else None
        found[record.id] = (record.payload, page, vectors)
    for state in space.catalog:
        faults = sorted((fault.stage, fault.page) for fault in state.faults)
        layers = {name: (held.items, held.complete, held.sound) for name, held in state.layers.items()}
        found[state.doc] = (state.outcome, state.pages, faults, layers, state.vectors, space.states(state))
    return found


def embedded(self: Any, texts: list[str]) -> list[dict[str, Any]]:
    """A hash of each text; it fails on some."""
    for text in texts:
        if str(text).startswith(POISON):
            raise ValueError("cannot encode this")
    name = self.specs[0].name
    seeds = [np.random.default_rng(sum(map(ord, text)) + len(text)) for text in texts]
    rows = [seed.normal(size=self.specs[0].dim).astype(np.float32) for seed in seeds]
    return [{name: row / np.linalg.norm(row)} for row in rows]


def read(self: Any, image: PageImage) -> Any:
    """Made-up text of a page, the same each time; none for some, and a failure by chance while there is trouble."""
    chance = random.Random(image.page)
    if Parsers.troubled and Parsers.chance.random() < 0.3:
        if Parsers.chance.random() < 0.5:
            raise DocumentError(f"page {image.page}: took too long", outcome="timeout")
        raise RuntimeError("the reader's model fell over")
    texts = [" ".join(chance.choices(WORDS, k=30)) + "." for _ in range(image.page % 4)]
    return page_of_texts(image.page, *texts).blocks


def refined(self: Any, path: Path, pages: Iterable[Page]) -> Iterator[Page]:
    """The pages with their blocks the other way round."""
    for page in pages:
        turned = page.blocks[::-1] if page.source == "text" else page.blocks
        yield replace(page, blocks=tuple(replace(block, ordinal=n, about=None) for n, block in enumerate(turned)))


def searchable(library: Library) -> dict[str, set[int]]:
    """{document: its pages that a search may find}."""
    space = library.space
    hidden = set(space.concealed()[0])
    found = {}
    for state in space.catalog:
        where = AllOf((Is("doc", state.doc), Is("layer", space.layer(state, "page"))))
        records = () if state.doc in hidden else space.store.scroll(where, payload=["page"])
        found[state.doc] = {record.payload["page"] for record in records}
    return found


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the three stand-ins in their places."""
    from PIL import Image

    blank = Image.new("RGB", (4, 4))
    monkeypatch.setattr("ragsys.ingest.Pool", Parsers)
    monkeypatch.setattr("ragsys.stages.Pool", Parsers)
    monkeypatch.setattr("ragsys.backfill.Pool", Parsers)
    monkeypatch.setattr("ragsys.stages._OCR_SECONDS", 0.0)  # a commit after each message
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_items", embedded)
    monkeypatch.setattr("ragsys_text.minilm.MiniLMEmbedder.embed_queries", lambda self, queries: embedded(self, ["q"]))
    if LAYOUT:
        monkeypatch.setattr("ragsys_pdf.layout.PyMuPdfLayout.__init__", lambda self, options, context: None)
        monkeypatch.setattr("ragsys_pdf.layout.PyMuPdfLayout.refine", refined)
    monkeypatch.setattr("ragsys_pdf.ocr.AutoOcr.available", lambda self: "")
    monkeypatch.setattr("ragsys_pdf.ocr.AutoOcr.read", read)
    monkeypatch.setattr(
        "ragsys_pdf.loader.PyMuPdfLoader.render", lambda self, path, page, **_: PageImage(page, 4, 4, 72.0, blank)
    )
