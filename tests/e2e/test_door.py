"""Who is let in by the owner of a library: this user's commands, whatever else comes to its socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import write_folder

import ragsys
from ragsys import door, frames
from ragsys.errors import LibraryBusy, LibraryError, NoAnswer
from ragsys.library import Library
from ragsys.remote import RemoteLibrary
from ragsys.service import ABOUT
from ragsys.types import JSON


def address(owner: Library) -> JSON:
    about: JSON = json.loads((owner.place.folder / ABOUT).read_text(encoding="utf-8"))
    return about


@contextlib.contextmanager
def line_to(owner: Library) -> Iterator[socket.socket]:
    with door.dial(address(owner), 30) as line:
        line.settimeout(30)
        yield line


def heard(line: socket.socket) -> JSON | None:
    """What the owner says; None where it hangs up."""
    with line.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        said = frames.read(stream)  # type: ignore[arg-type]
        return said[0] if said else None
    return None


def test_a_wrong_token_gets_nothing(owner: Library) -> None:
    for message in (
        {"token": "guess"},
        {"token": "gu\u00e9ss"},
        {"token": "\ud83d"},
        {"token": None},
        {"token": [1]},
        {},
    ):
        with line_to(owner) as line:
            line.sendall(frames.packed({**message, "protocol": door.PROTOCOL, "call": "status"}))
            answer = heard(line)
            assert answer is not None
            assert answer["message"] == "wrong token"
            assert heard(line) is None


def test_a_first_message_is_small_and_nothing_behind_it_is_read(owner: Library) -> None:
    with line_to(owner) as line:
        line.sendall(struct.pack("<II", door._HELLO_BYTES + 1, 0))
        assert heard(line) is None  # it hangs up at once
    with line_to(owner) as line:
        head = b'{"token": "guess", "call": "stream"}'
        line.sendall(struct.pack("<II", len(head), 1 << 30) + head)  # the images never come
        answer = heard(line)
    assert answer is not None
    assert answer["message"] == "wrong token"


GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n" * 4,
    b"\x00" * 64,
    b"\xff" * 64,
    struct.pack("<II", 5, 0) + b"[1,2]",
    struct.pack("<II", 900, 0) + b"[" * 900,
    struct.pack("<II", 900, 0) + b'{"token":' * 100,
    struct.pack("<II", 4, 0) + b"\xff\xfe\x00{",
    struct.pack("<II", 1000, 0) + b"{",  # and hangs up
    b"",
]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_on_the_line_harms_nobody(
    owner: Library, remote: RemoteLibrary, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with line_to(owner) as line:
        line.sendall(data)
        with contextlib.suppress(OSError):  # it may have hung up already
            line.shutdown(socket.SHUT_WR)
        answer = heard(line)
    assert answer is None or answer["type"] == "error"
    assert remote.search("oven")
    assert "Traceback" not in capfd.readouterr().err


def test_garbage_of_one_who_has_the_token_is_no_traceback_either(
    owner: Library, remote: RemoteLibrary, capfd: pytest.CaptureFixture[str]
) -> None:
    nested = b'{"call":' + b"[" * 100_000
    call = {"config": owner.config.shared}
    for data in (
        struct.pack("<II", len(nested), 0) + nested,
        struct.pack("<II", 1 << 31, 0),
        frames.packed({**call, "call": "stream", "args": [1]}),
        frames.packed({**call, "call": ["status"]}),
        frames.packed({**call, "call": "find", "args": {"text": 1, "k": [], "filter": "x"}}),
        frames.packed({"call": 1}),
    ):
        with line_to(owner) as line:
            line.sendall(frames.packed(door.hello(address(owner)["token"])))
            assert (heard(line) or {}).get("type") == "welcome"
            line.sendall(data)
            answer = heard(line)
            assert answer is None or answer["type"] == "error"
    assert remote.search("oven")
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture(params=["as it comes", "loopback"])
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Library]:
    """An owner on the socket that the system gives, and one on the loopback address."""
    if request.param == "loopback":
        monkeypatch.setattr(door, "_paths", lambda _: iter(()))
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    with Library(write_folder(tmp_path / "docs"), background=False) as library:
        library.index()
        yield library


def test_many_who_say_nothing_keep_nobody_out(served: Library) -> None:
    before = threading.active_count()
    with contextlib.ExitStack() as lines:
        idle = [lines.enter_context(door.dial(address(served), 30)) for _ in range(300)]
        assert threading.active_count() <= before + 1  # they cost no thread each
        with RemoteLibrary(served.place, served.config) as remote:
            assert remote.search("oven")
        assert len(served._service._door._waiting) <= door._WAITING
        idle[0].settimeout(30)
        assert heard_nothing(idle[0])  # the oldest made way


def test_one_who_says_nothing_or_not_all_of_it_is_cut_off(served: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_HELLO_SECONDS", 0.3)
    for said in (b"", b"\x10", struct.pack("<II", 100, 0) + b"{"):
        with line_to(served) as line:
            line.sendall(said)
            assert heard_nothing(line)
    with RemoteLibrary(served.place, served.config) as remote:
        assert remote.search("oven")


def test_a_client_that_was_too_slow_tries_again(
    owner: Library, remote: RemoteLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragsys.service._CONNECT_SECONDS", 0.0)
    dialled: list[socket.socket] = []
    dial = door.dial

    def cut(about: JSON, seconds: float) -> socket.socket:
        dialled.append(dial(about, 30))
        if len(dialled) < 3:
            dialled[-1].shutdown(socket.SHUT_RDWR)
        return dialled[-1]

    monkeypatch.setattr(door, "dial", cut)
    assert remote.document("manual.pdf").pages
    assert len(dialled) == 3


def heard_nothing(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


def test_a_burst_of_calls_is_answered(served: Library) -> None:
    told: list[bool] = []

    def ask() -> None:
        with RemoteLibrary(served.place, served.config) as remote:
            told.append(bool(remote.document("manual.pdf").pages))

    calls = [threading.Thread(target=ask) for _ in range(100)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(120)
    assert told == [True] * 100


def test_more_calls_than_can_be_served_are_refused_with_words(
    owner: Library, remote: RemoteLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "CLIENTS", 1)
    with line_to(owner) as line:
        line.sendall(frames.packed(door.hello(address(owner)["token"])))
        assert (heard(line) or {}).get("type") == "welcome"
        with monkeypatch.context() as hasty:
            hasty.setattr("ragsys.service._CONNECT_SECONDS", 0.3)
            with pytest.raises(NoAnswer, match=f"process {os.getpid()} serves 1 calls already"):
                remote.search("oven")
        later = threading.Timer(0.5, line.shutdown, (socket.SHUT_RDWR,))
        later.start()
        monkeypatch.setattr("ragsys.service._CONNECT_SECONDS", 60.0)
        assert remote.search("oven")  # asked again until there is room
        later.join()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Unix sockets")
def test_the_socket_is_for_this_user_alone_and_goes_with_the_owner(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="r") as name:  # a short path
        folder = Path(name)
        listener, about = door.listen(folder)
        with listener:
            assert about == {"socket": str(folder / "owner.sock")}
            assert (folder / "owner.sock").stat().st_mode & 0o777 == 0o600
        door.listen(folder)[0].close()  # what a killed owner left is no hindrance
        (folder / "owner.sock").unlink()
        with Library(write_folder(tmp_path / "docs"), folder=folder / "library", background=False) as library:
            assert address(library)["socket"] == str(folder / "library" / "owner.sock")
            library.index()
        assert not (folder / "library" / "owner.sock").exists()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Unix sockets")
def test_a_path_that_is_too_long_for_a_socket_gets_one_in_the_runtime_folder_or_a_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 110)
    with tempfile.TemporaryDirectory(prefix="r") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        listener, about = door.listen(long)
        with listener:
            assert Path(about["socket"]).parent == Path(name)
        Path(name).chmod(0o755)  # not a folder of this user alone
        listener, about = door.listen(long)
        with listener:
            assert list(about) == ["port"]


def test_an_address_that_is_a_folder_or_garbage_is_told(owner: Library, tmp_path: Path) -> None:
    (tmp_path / "new" / ABOUT / "x").mkdir(parents=True)
    (tmp_path / "new" / "library.json").write_text(json.dumps({"root": str(owner.place.root), "format": 2}))
    with pytest.raises(LibraryError, match=f"{ABOUT}: the library cannot be served to other commands: Is a directory"):
        Library(owner.place.root, folder=tmp_path / "new")
    about = owner.place.folder / ABOUT
    whole = about.read_bytes()
    for text in ("", "[" * 100_000, "[1]", "{}", '{"token": 1, "pid": "x"}', "\ud83d"):
        about.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(NoAnswer, match="does not answer"):
            RemoteLibrary(owner.place, owner.config)
    about.write_text('{"port": 1, "token": "x", "pid": 42, "protocol": 1}')
    with pytest.raises(LibraryBusy, match="process 42 has the library open with another version of ragsys"):
        ragsys.open(owner.place.root, config=owner.config)
    about.write_bytes(whole)


def test_a_client_of_an_older_version_is_told(owner: Library) -> None:
    with line_to(owner) as line:
        token = address(owner)["token"]
        line.sendall(frames.packed({"token": token, "config": owner.config.shared, "call": "key", "args": {}}))
        answer = heard(line)
    assert answer is not None
    assert answer["type"] == "error"
    assert "another version of ragsys" in answer["message"]


def test_an_address_that_leads_to_somebody_else_is_told(owner: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed owner's port may be another program's by now: one that says nothing, or something else."""
    monkeypatch.setattr("ragsys.service._WELCOME_SECONDS", 0.5)
    about = owner.place.folder / ABOUT
    told = {key: value for key, value in address(owner).items() if key != "socket"}
    with socket.create_server(("127.0.0.1", 0)) as other:
        about.write_text(json.dumps({**told, "port": other.getsockname()[1]}))

        def answer(said: bytes, heard: threading.Event) -> None:
            with other.accept()[0] as line:
                line.sendall(said)
                heard.wait(30)

        for said in (b"", b"220 mail.example ESMTP\r\n" * 4, frames.packed({"type": "hi"})):
            heard = threading.Event()
            answering = threading.Thread(target=answer, args=(said, heard))
            answering.start()
            with pytest.raises(NoAnswer):
                RemoteLibrary(owner.place, owner.config)
            heard.set()
            answering.join(30)
