"""The contract of an open library: the same calls give the same, in the process that owns it and in every other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from folders import write_folder
from PIL import Image

from ragsys.actions import Turn
from ragsys.asking import MAX_PIXELS, Asking
from ragsys.errors import DocumentError, LibraryError, RagsysError, UsageError
from ragsys.exchange import Cancel
from ragsys.host import LibraryHost
from ragsys.imageblocks import packed, unpacked
from ragsys.library import Library
from ragsys.progress import Progress
from ragsys.remote import RemoteLibrary

ASKED = "What was the revenue of the bakery in 2023?"
Opened = Library | RemoteLibrary


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    with Library(write_folder(tmp_path / "docs"), config="laptop-lexical", background=False) as library:
        library.index()
        yield library


@pytest.fixture(params=["owner", "remote"])
def library(owner: Library, request: pytest.FixtureRequest) -> Iterator[Opened]:
    if request.param == "owner":
        yield owner
    else:
        with RemoteLibrary(owner.place, owner.config) as client:
            yield client


def _public(kind: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers_static(kind) if not name.startswith("_")}


def test_both_have_the_same_public_names_with_the_same_signatures() -> None:
    base, own, remote = map(_public, (Asking, Library, RemoteLibrary))
    assert set(own) == set(remote) == set(base)
    for name, declared in base.items():
        if isinstance(declared, property):
            assert isinstance(own[name], property)
            assert isinstance(remote[name], property)
        else:
            assert inspect.signature(own[name]) == inspect.signature(declared), name
            assert inspect.signature(remote[name]) == inspect.signature(declared), name
        assert inspect.getdoc(declared), f"{name} is described for both"


def test_ask_takes_what_stream_takes() -> None:
    asked, streamed = (inspect.signature(call).parameters for call in (Asking.ask, Asking.stream))
    assert list(asked.values()) == list(streamed.values())


def test_searching(library: Opened) -> None:
    hits = library.search("the oven", 2, filter={"path": "manual.pdf"})
    assert [hit.path for hit in hits] == ["manual.pdf"]
    again, explained = library.find("the oven", k=2, filter={"path": "manual.pdf"})
    assert again == hits
    assert explained.seconds


def test_asking_with_all_that_stream_takes(library: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    search = LibraryHost.search

    def look(self: LibraryHost, action: Any, task: Any, until: float) -> Any:
        seen[:] = [[(image.mode, image.size) for image in task.images], task.history]
        return search(self, action, task, until)

    monkeypatch.setattr(LibraryHost, "search", look)
    given: dict[str, Any] = {
        "filter": {"path": "2023/*"},
        "budget": {"calls": 9},
        "images": [Image.new("RGB", (6, 4), "red"), Image.new("CMYK", (3, 2))],
        "history": [Turn("Who bakes?", "The bakery.")],
        "cancel": Cancel(),
        "answer": library.config.answer.model_copy(update={"pages": 1}),
    }
    answer = library.ask(ASKED, **given)
    assert "455" in answer.text
    assert len(answer.evidence) == 1
    assert answer.citations[0].picture(dpi=40).width > 100
    sizes, history = seen
    assert [size for _, size in sizes] == [(6, 4), (3, 2)]
    assert list(history) == given["history"]
    *_, last = library.stream(ASKED, **given)
    assert last.data.text == answer.text
    assert len(library.ask(ASKED).evidence) > 1  # the configuration itself is as it was


def test_events_of_a_stream_hold_something(library: Opened) -> None:
    events = list(library.stream(ASKED))
    assert events[-1].kind == "answer"
    assert all(event.text for event in events if event.kind == "text")


def test_a_question_is_given_up(library: Opened) -> None:
    cancel = Cancel()
    cancel.set()
    answer = library.ask(ASKED, cancel=cancel)
    assert (answer.status, answer.citations) == ("partial", ())
    assert any("cancelled" in note for note in answer.notes), answer.notes


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda library: library.search(" "), UsageError, "the query is empty"),
        (lambda library: library.search("oven", 0), UsageError, "k is 0"),
        (lambda library: library.search("oven", filter={"paht": "x"}), UsageError, "Did you mean 'path'"),
        (lambda library: library.ask(" "), UsageError, "the question is empty"),
        (lambda library: library.ask(3), UsageError, "must be a text"),
        (lambda library: library.ask(ASKED, images=["a.png"]), UsageError, "expected images of PIL"),
        (
            lambda library: library.ask(ASKED, images=[Image.new("1", (MAX_PIXELS // 1000, 1001))]),
            UsageError,
            "64,064,000 pixels together",
        ),
        (lambda library: library.document("none.pdf"), UsageError, "no document named"),
        (lambda library: library.restore("manual.pdf"), UsageError, "no removed document"),
        (lambda library: library.render("none", 1), DocumentError, "is not in this library"),
        (lambda library: library.render(library.document("manual.pdf").id, 99), RagsysError, "page"),
        (lambda library: library.chat(thread="../x"), UsageError, "name"),
    ],
)
def test_the_same_calls_are_refused(
    library: Opened, call: Callable[[Opened], object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        call(library)


def test_documents(library: Opened) -> None:
    assert {one.path for one in library.documents()} == {"2022/annual.pdf", "2023/annual.pdf", "manual.pdf"}
    assert library.document("manual.pdf").pages == 2
    key = library.key
    assert library.remove("manual.pdf").path == "manual.pdf"
    assert library.key != key
    assert library.status().documents == 2
    assert [one.path for one in library.documents(removed=True) if one.removed] == ["manual.pdf"]
    library.restore("manual.pdf")
    told: list[Progress] = []
    assert library.index(wait=True, prune=True, retry=True, progress=told.append).added == ["manual.pdf"]
    assert told
    assert library.status().documents == 3
    doc = library.document("manual.pdf").id
    assert library.render(doc, 1, dpi=30).image.width > 100
    (library.place.root / "manual.pdf").unlink()
    with pytest.raises(DocumentError):
        library.render(doc, 2, dpi=31)


def test_care(library: Opened, owner: Library) -> None:
    assert library.owner == owner.owner
    assert library.under_way == ""
    write_folder(library.place.root, {"new.pdf": ["The lighthouse keeper bought forty cinnamon buns."]})
    for call in (library.prepare, library.resume, library.refresh):
        call()
    assert library.index().added == ["new.pdf"]
    with library.chat("talk") as chat:
        assert "455" in chat.ask(ASKED).text
    assert [thread.name for thread in library.threads.list()] == ["talk"]


@pytest.mark.parametrize("library", ["owner", "remote"], indirect=True)
def test_a_closed_library_is_not_asked(library: Opened) -> None:
    library.close()
    library.close()
    calls: list[Callable[[], object]] = [
        lambda: library.search("oven"),
        lambda: library.ask(ASKED),
        library.index,
        library.refresh,
        library.prepare,
        library.documents,
        library.status,
        lambda: library.document("manual.pdf"),
        lambda: library.remove("manual.pdf"),
        lambda: library.render("manual.pdf", 1),
    ]
    for call in calls:
        with pytest.raises(LibraryError, match="this library is closed"):
            call()
    library.resume()  # nothing is left to fill


def test_the_later_layers_are_filled_for_a_bounded_time(library: Opened) -> None:
    told: list[Progress] = []
    library.index()
    assert library.finish(120, told.append)
    assert not library.status().pending
    assert library.finish(0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I"])
def test_images_arrive_as_they_were(mode: str) -> None:
    image = Image.new(mode, (5, 3), 7 if mode in ("F", "I", "L", "P") else None)
    (found,) = unpacked(packed([image])[1], packed([image])[0])
    assert found.size == (5, 3)
    assert found.convert("RGB").tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("sizes", [[3], [4], [10**9]])
def test_a_block_that_holds_no_image_is_refused(sizes: list[int]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        unpacked(b"none", sizes)


def test_a_notebook_shows_sources_and_quotes_without_pictures(library: Opened) -> None:
    shown = library.ask(ASKED)._repr_html_()
    assert "<sup>[1]</sup>" in shown
    assert "2023/annual.pdf, page 1, supported" in shown
    assert "<i>" in shown
    assert "http" not in shown
    assert "<img" not in shown
    assert len(shown) < 2000
