"""`ragsys chat` as people use it: through a pipe, at a terminal, killed in the middle, beside the library's owner."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import write_folder

from ragsys.config import load
from ragsys.errors import BudgetSpent
from ragsys.library import Library

REVENUE = "What was the revenue of the bakery in 2023?"
CHAT = [sys.executable, "-m", "ragsys", "chat"]
#: Seconds that anything may take: only what hangs is waited for so long, on the slowest machine.
PATIENCE = 300.0
#: A model that takes long: it answers a word at a time until nobody waits any more, and then says so.
# It begins and says no more: an endless reply might be cut off before Ctrl-C is typed where the machine is slow.
SLOW = """
import sys, time
from ragsys.cli.app import run
from ragsys.testing.generators import ScriptedGenerator
from ragsys.plugins import Builder
class Slow(ScriptedGenerator):
    def stream(self, request):
        gone = []
        request.cancel.on(lambda: (gone.append(1), print("GIVEN-UP", flush=True)))
        yield from ["word \\x1b]0;evil\\x07"] * 3
        while not gone:
            time.sleep(0.05)
build = Builder.build
Builder.build = lambda self, role, *a, **k: Slow() if role == "generator" else build(self, role, *a, **k)
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", "laptop-lexical")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    root = write_folder(tmp_path / "docs")
    with Library(root, config="laptop-lexical", background=False) as library:
        library.index()
    return root


def piped(docs: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAT, str(docs), *options], input=text, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_lines_of_a_pipe_are_asked_one_by_one(docs: Path, tmp_path: Path) -> None:
    lines = [
        REVENUE,
        "and in 2022?",
        "/sources",
        "/why",
        "/why manual.pdf:2",
        f"/show 1 {tmp_path / 'crop.png'}",
        f"/save {tmp_path / 'kept.html'}",
        "/config answer.pages=2",
        "/config answer",
        "/config generator={use: openai, api_key: hush, headers: {x-gate: hush}}",
        "/config generator",
        "/config generator=extractive",
        "/undo",
        "/threads",
        "/help",
        "/quit",
        "never asked",
    ]
    done = piped(docs, "\n".join(lines), "--thread", "talk")
    assert (done.returncode, done.stderr) == (0, "")
    assert "understood as: What was the revenue of the bakery in 2022?" in done.stdout
    assert "455" in done.stdout
    assert "412" in done.stdout
    assert "understood by rules" in done.stdout
    assert "manual.pdf p.2" in done.stdout
    assert "pages: 2" in done.stdout
    assert "x-gate: '***'" in done.stdout
    assert "hush" not in done.stdout
    assert "taken back: and in 2022?" in done.stdout
    assert "never asked" not in done.stdout
    assert (tmp_path / "crop.png").stat().st_size > 1000
    assert "2022/annual.pdf" in (tmp_path / "kept.html").read_text(encoding="utf-8")
    again = piped(docs, "and in 2022?\n/shwo 1\n", "--continue", "--json")
    assert again.returncode == 1  # the line that is no command
    first, second = map(json.loads, again.stdout.splitlines())
    assert (first["thread"], first["turn"]) == ("talk", 2)
    assert first["understood"]["text"] == "What was the revenue of the bakery in 2022?"
    assert "412" in first["answer"]["text"]
    assert "Did you mean '/show'" in second["message"]
    listed = subprocess.run([*CHAT, str(docs), "--list"], capture_output=True, text=True, check=True).stdout
    assert "talk" in listed
    subprocess.run([*CHAT, str(docs), "--delete", "talk"], capture_output=True, check=True)
    assert "no conversation" in subprocess.run([*CHAT, str(docs), "--list"], capture_output=True, text=True).stdout


def test_a_conversation_is_saved_whole(docs: Path, tmp_path: Path) -> None:
    last, whole = tmp_path / "last.md", tmp_path / "whole.html"
    lines = [REVENUE, "and in 2022?", "thanks", "why did it rise?", f"/save {last}", f"/save {whole} all", "/save all"]
    done = piped(docs, "\n".join(lines), "--thread", "talk", "--export", str(tmp_path / "talk.md"))
    assert done.returncode == 1  # the last line names no file
    assert "/save FILE all saves the whole conversation" in done.stdout
    assert "/save: name a file" in done.stdout
    assert "Conversation" not in last.read_text(encoding="utf-8")
    html = whole.read_text(encoding="utf-8")
    for told in (REVENUE, "and in 2022?", "understood as: What was the revenue of the bakery in 2022?", 'href="#t2c1"'):
        assert told in html
    assert html.count('src="data:image/jpeg;base64,') == 2
    assert "thanks" not in html
    markdown = (tmp_path / "talk.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d\. .*)$", markdown, re.M)[:2] == [f"1. {REVENUE}", "2. and in 2022?"]
    assert "455" in markdown
    # an old conversation, without a question
    old = piped(docs, "", "--thread", "talk", "--export", str(tmp_path / "old.json"))
    assert (old.returncode, old.stderr) == (0, "")
    assert "saved as" in old.stdout
    turns = json.loads((tmp_path / "old.json").read_text(encoding="utf-8"))["turns"]
    assert [turn["asked"] for turn in turns] == [REVENUE, "and in 2022?", "why did it rise?"]
    assert turns[1]["understood"]["text"] == "What was the revenue of the bakery in 2022?"
    told = json.loads(piped(docs, "", "--export", str(tmp_path / "again.html"), "--json").stdout)
    assert (told["thread"], told["turns"]) == ("talk", 3)
    assert "src=" in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_what_cannot_be_exported_is_told_with_what_to_do(docs: Path, tmp_path: Path) -> None:
    for options, said, hint in (
        (["--thread", "tolk", "--export", "x.md"], "there is no such conversation", "--list"),
        (["--export", "x.md"], "no conversation about", "ragsys chat"),
        (["--export", "x.pdf"], "saved as .html, .md or .json", "--export talk.html"),
        (["--export", str(tmp_path / "none" / "x.md")], "there is no folder", "--export talk.html"),
        (["--list", "--export", "x.md"], "excludes --list", "--help"),
    ):
        done = piped(docs, "", *options)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert [said in done.stderr, hint in done.stderr] == [True, True], done.stderr
    assert not (tmp_path / "none").exists()


def test_small_talk_needs_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    root = write_folder(tmp_path / "docs")
    ask = [sys.executable, "-m", "ragsys", "ask", str(root)]
    done = subprocess.run([*ask, "Who", "are", "you?"], capture_output=True, text=True, check=True)
    assert "I am ragsys" in done.stdout
    assert "pages read" not in done.stdout
    told = json.loads(subprocess.run([*ask, "thanks", "--json"], capture_output=True, text=True, check=True).stdout)
    assert (told["status"], told["text"], told["citations"]) == ("answered", "You are welcome.", [])
    assert not (tmp_path / "home" / "data").exists()  # nothing was opened, nothing indexed
    assert "You are welcome." in piped(root, "thanks\n").stdout


def test_names_of_threads_and_options_are_checked(docs: Path) -> None:
    for options, said in (
        (["--thread", "../x"], "cannot be a thread's name"),
        (["--delete", "nothing"], "no thread named 'nothing'"),
        (["--continue"], "no conversation"),
        (["--continue", "--list"], "exclude each other"),
    ):
        done = piped(docs, "", *options)
        assert done.returncode == 2
        assert said in done.stderr


def test_a_chat_beside_the_owner_of_the_library(docs: Path) -> None:
    with Library(docs, config=load("laptop-lexical"), background=False, index=False) as owner:
        done = piped(docs, f"{REVENUE}\nand in 2022?\n/config search.candidates=7\n", "--thread", "talk", "--json")
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert ["455" in answers[0]["answer"]["text"], "412" in answers[1]["answer"]["text"]] == [True, True]
        assert answers[2]["error"] == "LibraryBusy"
        assert f"/config search.candidates=7: process {os.getpid()} has this library open" in answers[2]["message"]
        assert "/config answer.pages=4" in answers[2]["hint"]
        own = piped(docs, f"/config answer.pages=2\n/config answer.strict=true\n/config answer\n{REVENUE}\n", "--json")
        assert (own.returncode, "pages: 2" in own.stderr, "strict: true" in own.stderr) == (0, True, True)
        assert len(json.loads(own.stdout)["answer"]["evidence"]) == 2
        with owner.chat("talk") as chat:
            assert len(chat.turns) == 2


def test_a_chat_that_is_killed_is_gone_on_with(docs: Path) -> None:
    run = subprocess.Popen(
        [*CHAT, str(docs), "--thread", "talk", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write(f"{REVENUE}\n")
    run.stdin.flush()
    assert "455" in run.stdout.readline()
    run.stdin.write("and in 2022?\n")
    run.stdin.flush()
    run.kill()
    run.wait()
    run.stdin.close()
    run.stdout.close()
    done = piped(docs, "how about 2022?\n", "--continue", "--json")
    told = json.loads(done.stdout)
    assert told["turn"] in (2, 3)
    assert told["understood"]["text"] == "What was the revenue of the bakery in 2022?"


# -- at a terminal -----------------------------------------------------------------------------------------------------

pty = pytest.importorskip("pty") if os.name == "posix" else None
terminal_only = pytest.mark.skipif(os.name != "posix", reason="this platform has no pseudo-terminals")


_ESCAPES = re.compile(rb"\x1b\[[0-9;?>]*[A-Za-z]|\x1b[>=]")
_BEGUN = re.compile(rb"\x1b(?:\[[0-9;?>]*)?$")  # an escape code of which the rest has not come yet


class Terminal:
    """A program at a pseudo-terminal."""

    def __init__(self, command: list[str]) -> None:
        assert pty is not None
        self.pid, self.line = pty.fork()
        if not self.pid:
            # asked where the cursor is, this terminal would answer late where it is slow: in the next line's text
            os.environ.update(TERM="xterm", COLUMNS="100", LINES="40", PROMPT_TOOLKIT_NO_CPR="1")
            os.execv(command[0], command)
        self.raw = b""  # all that came
        self.read = 0  # bytes of it that a wait has gone past

    def type(self, text: str) -> None:
        os.write(self.line, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until a text came since the last wait; escape codes are left out, wherever a read cuts them."""
        until = time.monotonic() + PATIENCE
        while (end := self._found(text)) is None:
            assert time.monotonic() < until, self.raw[self.read :]
            assert self._take(0.5) is not False, self.raw[self.read :]
        self.read = end

    def _found(self, text: str) -> int | None:
        """Where the first such text ends that no wait has gone past yet."""
        said = _BEGUN.sub(b"", self.raw[self.read :])
        plain, places = bytearray(), []
        at = 0
        for match in [*_ESCAPES.finditer(said), None]:
            stop = match.start() if match else len(said)
            plain += said[at:stop]
            places += range(at, stop)
            at = match.end() if match else stop
        found = plain.find(text.encode())
        return None if found < 0 else self.read + places[found + len(text.encode()) - 1] + 1

    def _take(self, seconds: float) -> bool | None:
        """Whether something came in so many seconds: None if nothing did, False at the end."""
        import select

        if not select.select([self.line], [], [], seconds)[0]:
            return None
        try:
            data = os.read(self.line, 65536)
        except OSError:
            return False
        self.raw += data
        return bool(data)

    def end(self) -> int:
        """The exit code, once it ended by itself."""
        until = time.monotonic() + PATIENCE
        while self._take(0.5) is not False:
            assert time.monotonic() < until, self.raw[self.read :]
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def started() -> Iterator[list[Terminal]]:
    found: list[Terminal] = []
    yield found
    for one in found:
        try:
            os.kill(one.pid, signal.SIGKILL)
            os.waitpid(one.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(one.line)


@terminal_only
def test_at_a_terminal(docs: Path, started: list[Terminal]) -> None:
    chat = Terminal([*CHAT, str(docs), "--thread", "talk"])
    started.append(chat)
    chat.wait_for("/help lists the commands")
    chat.type(f"{REVENUE}\r")
    chat.wait_for("455")
    chat.wait_for(" read · ")
    chat.wait_for(">")
    chat.type("\x03")
    chat.wait_for("Ctrl-D or /quit ends")
    chat.wait_for(">")
    chat.type("and in\x1b\r2022?\r")  # Alt-Enter begins a line
    chat.wait_for("understood as: What was the revenue of the bakery in 2022?")
    chat.wait_for("412")
    chat.wait_for(" read · ")
    chat.wait_for(">")
    chat.type("/config generator.api_key=hush\r")
    chat.wait_for("unknown key")
    chat.wait_for(">")
    chat.type("\x04")
    chat.wait_for("--thread talk goes on with it")
    assert chat.end() == 0
    history = next((Path(os.environ["RAGSYS_HOME"]) / "data" / "libraries").glob("*/chat-history"))
    kept = history.read_text(encoding="utf-8")
    assert REVENUE in kept
    assert "hush" not in kept


@terminal_only
def test_ctrl_c_gives_an_answer_up_and_the_chat_goes_on(docs: Path, started: list[Terminal]) -> None:
    chat = Terminal([sys.executable, "-c", SLOW, "chat", str(docs), "--budget", f"{PATIENCE:.0f}s"])
    started.append(chat)
    chat.wait_for("/help lists the commands")
    chat.wait_for(">")
    chat.type(f"{REVENUE}\r")
    chat.wait_for("word ]0;evil")
    assert b"\x1b]0;evil" not in chat.raw  # what drives a terminal is taken out of texts
    chat.type("\x03")
    chat.wait_for("GIVEN-UP")
    chat.wait_for("cancelled; what came before is kept")
    chat.wait_for(">")
    chat.type("/quit\r")
    assert chat.end() == 0


def test_a_client_that_hangs_up_ends_its_answer_at_the_owner(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from ragsys import service
    from ragsys.exchange import Cancel
    from ragsys.protocols import Request
    from ragsys.remote import RemoteLibrary
    from ragsys.testing.generators import ScriptedGenerator

    given_up = threading.Event()

    class Silent(ScriptedGenerator):
        def stream(self, request: Request) -> Iterator[str]:  # type: ignore[override]
            assert request.cancel is not None
            request.cancel.on(given_up.set)
            given_up.wait(PATIENCE)
            return iter(())

    monkeypatch.setattr(service, "_CANCEL_SECONDS", PATIENCE)  # that the owner has to tell how it ended
    with Library(docs, config="laptop-lexical", background=False, index=False) as owner:
        build = owner.space.builder.build
        silent = Silent()
        monkeypatch.setattr(
            owner.space.builder, "build", lambda role, *a, **k: silent if role == "generator" else build(role, *a, **k)
        )
        cancel = Cancel()
        with RemoteLibrary(owner.place, owner.config) as client:
            events = client.stream(REVENUE, cancel=cancel)
            for event in events:
                if event.step is not None and event.step.kind == "write":
                    break
            cancel.set()
            assert given_up.wait(PATIENCE)
            ended = list(events)[-1]  # as one that is given up in this process
            assert (ended.kind, ended.data.status, ended.data.notes) == ("answer", "partial", ("cancelled",))


def test_a_call_that_its_owner_does_not_give_up_in_time_ends_as_cancelled(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from ragsys import service
    from ragsys.exchange import Cancel
    from ragsys.remote import RemoteLibrary

    held, began = threading.Event(), threading.Event()

    def stuck(library: object, args: object, tell: object) -> tuple[None, bytes]:
        began.set()
        held.wait(PATIENCE)
        return None, b""

    monkeypatch.setattr(service, "_CALLS", {**service._CALLS, "stream": stuck})
    monkeypatch.setattr(service, "_CANCEL_SECONDS", 0.1)
    cancel = Cancel()
    with (
        Library(docs, config="laptop-lexical", background=False, index=False) as owner,
        RemoteLibrary(owner.place, owner.config) as client,
    ):
        threading.Thread(target=lambda: (began.wait(PATIENCE), cancel.set())).start()
        with pytest.raises(BudgetSpent, match="cancelled"):
            list(client.stream(REVENUE, cancel=cancel))
        held.set()
