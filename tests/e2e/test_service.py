"""A library that one process owns is served to others over the local socket."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from folders import write_folder

import ragsys
from ragsys.errors import LibraryBusy, RagsysError, UsageError
from ragsys.library import Library
from ragsys.owning import own
from ragsys.places import Place
from ragsys.progress import Progress, Report, Watch
from ragsys.remote import RemoteLibrary
from ragsys.service import ABOUT
from ragsys.types import Document

CLIENT = """
import sys, ragsys
library = ragsys.open(sys.argv[1])
print(type(library).__name__)
print(library.search("cleaning cycle of the oven")[0].path)
answer = library.ask("What was the revenue of the bakery in 2023?")
print("455" in answer.text, answer.citations[0].picture(dpi=40).width > 100)
library.close()
"""


def test_another_process_becomes_a_client(owner: Library) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(owner.place.root)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    assert done.stdout.split() == ["RemoteLibrary", "manual.pdf", "True", "True"]


def test_a_client_gets_what_the_owner_gets(owner: Library, remote: RemoteLibrary) -> None:
    assert remote.search("oven", 3, filter={"path": "2022/*"}) == owner.search("oven", 3, filter={"path": "2022/*"})
    assert remote.documents() == owner.documents()
    assert remote.document("manual.pdf") == owner.document("manual.pdf")
    assert remote.status() == owner.status()
    assert remote.key == owner.key
    for library in (owner, remote):
        for call in (library.search, library.find):
            with pytest.raises(UsageError, match="k: expected a whole number of pages, found 'a'"):
                call("oven", "a")  # type: ignore[arg-type]
    mine, theirs = owner.ask("When does the shop open?"), remote.ask("When does the shop open?")
    assert (theirs.text, theirs.citations, theirs.sentences) == (mine.text, mine.citations, mine.sentences)


def test_a_client_indexes_and_removes(owner: Library, remote: RemoteLibrary) -> None:
    write_folder(owner.place.root, {"new.pdf": ["The lighthouse keeper bought forty cinnamon buns."]})
    assert remote.index().added == ["new.pdf"]
    assert remote.search("cinnamon buns")[0].path == "new.pdf"
    remote.remove("new.pdf")
    assert "new.pdf" not in {hit.path for hit in owner.search("cinnamon buns")}
    remote.restore("new.pdf")


def test_who_asks_while_the_owner_still_reads_is_told(
    owner: Library, remote: RemoteLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, done = threading.Event(), threading.Event()

    def index(space: object, *, watch: Watch, **_: object) -> Report:
        watch(Progress("parse", 30, 90, "pages"))
        reading.set()
        done.wait(30)
        return Report()

    monkeypatch.setattr("ragsys.ingest.index", index)
    run = threading.Thread(target=owner.index)
    run.start()
    try:
        assert reading.wait(30)
        said = "indexing is still under way (3 documents can be searched, 30 of about 90 pages of this run)"
        assert remote.find("oven")[1].notes[-1].startswith(said)
        answer = remote.ask("When does the shop open?")
        assert [note for note in answer.notes if note.startswith(said)]
        question = [str(owner.place.root), "When does the shop open?"]
        command = [sys.executable, "-m", "ragsys", "ask", *question]
        asked = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
        assert asked.stderr.startswith(f"warning: {said}")  # before the answer
    finally:
        done.set()
        run.join(30)
    assert not [note for note in remote.find("oven")[1].notes if "under way" in note]


def test_what_was_removed_or_is_gone_is_told_to_clients(owner: Library, remote: RemoteLibrary) -> None:
    remote.remove("manual.pdf")
    (owner.place.root / "2022" / "annual.pdf").unlink()
    states = {one.path: (one.removed, one.gone) for one in remote.documents(removed=True)}
    assert states == {
        "2022/annual.pdf": (False, ("2022/annual.pdf",)),
        "2023/annual.pdf": (False, ()),
        "manual.pdf": (True, ()),
    }
    assert len(remote.documents()) == 2


def test_errors_come_back_as_what_they_were(remote: RemoteLibrary) -> None:
    with pytest.raises(UsageError, match="no document named"):
        remote.document("nothing.pdf")
    with pytest.raises(UsageError, match="Did you mean 'path'"):
        remote.search("oven", filter={"paht": "x"})
    assert remote.search("oven")  # the line is still good


def test_a_stream_may_be_left_early_and_other_calls_made_meanwhile(remote: RemoteLibrary) -> None:
    stream = remote.stream("What was the revenue of the bakery in 2023?")
    next(stream)
    assert remote.search("cleaning cycle of the oven")[0].path == "manual.pdf"
    stream.close()  # type: ignore[attr-defined]
    assert remote.status().documents == 3


def test_a_fault_in_the_owner_is_told(owner: Library, remote: RemoteLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(owner, "document", broken)
    with pytest.raises(RagsysError, match="no such luck"):
        remote.document("manual.pdf")


def test_another_configuration_is_refused(owner: Library) -> None:
    with pytest.raises(LibraryBusy, match="another configuration"):
        ragsys.open(owner.place.root, overrides=["search.candidates=7"])


def test_each_client_is_answered_as_it_is_configured(owner: Library) -> None:
    with ragsys.open(owner.place.root, overrides=["answer.strict=true", "answer.pages=1"]) as remote:
        mine = remote.ask("When does the shop open?")
    theirs = owner.ask("When does the shop open?")
    assert (len(mine.evidence), mine.config) == (1, remote.config.hash)
    assert theirs.config == owner.config.hash != mine.config
    assert len(theirs.evidence) > 1
    assert all(one.blocks for one in theirs.evidence if one.page.blocks)  # where on each page to look


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_token_is_for_this_user_alone(owner: Library) -> None:
    assert (owner.place.folder / ABOUT).stat().st_mode & 0o077 == 0


def test_an_owner_that_is_gone_is_said(owner: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragsys.library._PATIENCE", 0.5)
    owner._service.close()
    with pytest.raises(LibraryBusy, match="does not answer"):
        ragsys.open(owner.place.root)


def test_an_owner_that_opens_slowly_is_waited_for(
    tmp_path: Path, owner: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a busy machine an owner may take long to open: it has the lock, and no address yet."""
    monkeypatch.setattr("ragsys.library._QUIET", 0.0)
    address = owner.place.folder / ABOUT
    address.rename(tmp_path / "later")
    shown = threading.Timer(1.0, lambda: (tmp_path / "later").rename(address))
    shown.start()
    try:
        with ragsys.open(owner.place.root, config=owner.config) as client:
            assert isinstance(client, RemoteLibrary)
            assert client.search("oven")
    finally:
        shown.join()
    assert "waiting for the process" in caplog.text


def test_the_address_of_an_owner_that_was_killed_goes_when_the_lock_is_taken(tmp_path: Path, owner: Library) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / ABOUT).write_text('{"port": 1, "token": "x", "pid": 1, "protocol": 1}')
    with own(Place(folder, owner.place.root)):
        assert not (folder / ABOUT).exists()


def test_an_owner_that_is_done_lets_a_call_of_a_client_end(
    owner: Library, remote: RemoteLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go, document = threading.Event(), threading.Event(), owner.document

    def slow(name: str) -> Document:
        asked.set()
        go.wait(30)
        return document(name)

    monkeypatch.setattr(owner, "document", slow)
    told: list[str] = []
    call = threading.Thread(target=lambda: told.append(remote.document("manual.pdf").path))
    call.start()
    assert asked.wait(30)
    owner._service.finish(0.05)  # no longer than this
    assert not told
    later = threading.Timer(0.2, go.set)
    later.start()
    with owner:
        pass
    call.join(30)
    assert told == ["manual.pdf"]


def test_an_owner_that_fails_or_is_interrupted_waits_for_nobody(
    owner: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(owner._service, "finish", waited.append)
    with pytest.raises(KeyboardInterrupt), owner:
        raise KeyboardInterrupt
    assert not waited
