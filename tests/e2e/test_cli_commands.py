"""The commands over real folders: what people see, what pipes get, what happens when things go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import portalocker
import pytest
from folders import write_folder, write_pdf

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAGSYS_CONFIG", "laptop-lexical")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("RAGSYS_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "docs")


def json_of(run: Run, *arguments: str | Path) -> Any:
    code, out, err = run(*arguments, "--json")
    assert code == 0, out + err
    return json.loads(out)


# -- ask and search ----------------------------------------------------------------------------------------------------


def test_ask_indexes_and_answers_with_its_source(run: Run, docs: Path) -> None:
    code, out, err = run("ask", docs, "What was the revenue of the bakery in 2023?")
    assert code == 0
    assert "indexed 3 added (7 pages)" in err
    first, rest = out.split("\n\n", 1)
    assert "455" in first
    assert "[1]" in first
    assert "[1] 2023/annual.pdf p.1  supported" in rest
    assert "“Revenue of the bakery was 455 thousand euros in 2023" in rest
    assert "trace" in run("ask", docs, "What was the revenue of the bakery in 2023?", "--verbose")[1]
    again = run("ask", docs, "What was the revenue of the bakery in 2023?", "--quiet")
    assert again[2] == ""
    assert "read · " not in again[1]


def test_words_of_a_question_need_no_quotes(run: Run, docs: Path) -> None:
    assert json_of(run, "ask", docs, "When", "does", "the", "shop", "open?")["question"] == "When does the shop open?"


def test_an_answer_that_abstains_is_no_error(run: Run, docs: Path) -> None:
    question = "Which submarine did the admiral of the Peruvian navy command in 1879?"
    code, out, _ = run("ask", docs, question)
    assert code == 0
    assert out.startswith("abstained")
    assert json_of(run, "ask", docs, question)["status"] == "abstained"


@pytest.mark.parametrize("ending", ["html", "md"])
def test_an_answer_is_saved(run: Run, docs: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"answer.{ending}"
    code, _, err = run("ask", docs, "When does the shop open?", "--save", target)
    assert code == 0
    assert f"saved as {target}" in err
    assert "data:image/" in target.read_text(encoding="utf-8")


def test_search_shows_pages_with_their_words(run: Run, docs: Path) -> None:
    code, out, _ = run("search", docs, "cleaning", "oven", "-k", "2", "--explain")
    assert code == 0
    first = out.splitlines()
    assert first[0].startswith("  1  manual.pdf p.1")
    assert "cleaning cycle of the oven" in first[1]
    assert "pages " in first[2]
    assert "could find 100%" in out
    assert len(json_of(run, "search", docs, "oven", "-k", "2")["hits"]) == 2


def test_search_is_coloured_when_asked(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("search", docs, "oven")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[33m\x1b[1moven" in run("search", docs, "oven")[1]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        (["--path", "2023/*"], {"2023/annual.pdf"}),
        (["--path", "2022/*", "--path", "manual*"], {"2022/annual.pdf", "manual.pdf"}),
        (["--doc", "manual.pdf"], {"manual.pdf"}),
        (["--doc", "2022/annual.pdf", "--pages", "2"], {"2022/annual.pdf"}),
        (["--meta", "author=nobody"], set()),
        (["--after", "2999-01-01"], set()),
    ],
)
def test_filters_narrow_a_search(run: Run, docs: Path, options: list[str], paths: set[str]) -> None:
    hits = json_of(run, "search", docs, "the bakery oven", *options)["hits"]
    assert {hit["path"] for hit in hits} == paths
    if "--pages" in options:
        assert {hit["page"] for hit in hits} == {2}


@pytest.mark.parametrize(
    ("globs", "words"),
    [
        (["2024/*"], ["no path matches '2024/*' (3 files in the library).", "Did you mean '2022'?"]),
        (["manual", "x/**"], ["no path matches 'manual' or 'x/**'", "Did you mean 'manual.pdf'?"]),
        (["*.docx"], ["paths are such as 2022/annual.pdf, 2023/annual.pdf, manual.pdf"]),
    ],
)
def test_a_path_that_matches_nothing_is_told(run: Run, docs: Path, globs: list[str], words: list[str]) -> None:
    given = [word for glob in globs for word in ("--path", glob)]
    for asked in (["ask", docs, "When does the shop open?"], ["search", docs, "oven"]):
        code, out, err = run(*asked, *given)
        assert (code, out) == (2, "")
        assert all(word in err for word in [*words, f"ragsys docs {docs} list"]), err
    assert run("search", docs, "oven", "--path", "none", "--path", "manual.pdf")[0] == 0


def test_a_document_is_suggested_by_a_part_of_its_name(run: Run, docs: Path) -> None:
    run("index", docs)
    code, _, err = run("docs", docs, "info", "manual")
    assert code == 2
    assert "no document named 'manual'. Did you mean 'manual.pdf'?" in err


def test_the_footer_of_an_answer_is_one_line_and_verbose_tells_the_rest(run: Run, docs: Path) -> None:
    run("index", docs, "--wait")
    _, short, _ = run("ask", docs, "When does the shop open?")
    answer, footer = short.rstrip("\n").rsplit("\n\n", 1)
    assert "six" in answer
    assert re.fullmatch(r"extractive · \d pages? read · [\d.]+ m?s · -v shows 1 note", footer), footer
    _, whole, _ = run("ask", docs, "When does the shop open?", "-v")
    assert "extractive: " in whole
    assert "· config " in whole
    assert "trace " in whole
    _, abstained, _ = run("ask", docs, "Which submarine did the admiral command in 1879?")
    assert "no page was found for this question" in abstained  # why it abstains is no detail


def test_without_indexing_the_library_is_asked_as_it_is(run: Run, docs: Path) -> None:
    run("index", docs)
    write_pdf(docs / "new.pdf", ["The unicorn lives in the harbour."])
    assert not any(hit["path"] == "new.pdf" for hit in json_of(run, "search", docs, "unicorn", "--no-index")["hits"])
    assert json_of(run, "search", docs, "unicorn")["hits"][0]["path"] == "new.pdf"


# -- index and docs ----------------------------------------------------------------------------------------------------


def test_index_says_what_it_did_and_left_out(run: Run, docs: Path) -> None:
    (docs / "empty.pdf").write_bytes(b"")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nno")
    (docs / "sheet.xlsx").write_bytes(b"PK")
    code, out, err = run("index", docs)
    assert (code, err) == (0, "")
    assert out.startswith("3 added (7 pages)  in ")
    assert "skipped: 2 files" in out
    assert "not of a kind that is read: 1 file, .xlsx (1)" in out
    assert "  broken.pdf  broken: " in out
    assert "  empty.pdf  empty: the file has no bytes" in out
    assert "7 pages" in out.splitlines()[-2]
    assert out.splitlines()[-1] == "complete: pages, passages"
    (docs / "manual.pdf").unlink()
    shutil.move(docs / "2022" / "annual.pdf", docs / "moved.pdf")
    out = run("index", docs, "--verbose", "--prune")[1]
    assert out.startswith("1 moved, 1 removed, ")
    assert "  moved  moved.pdf" in out
    assert "  removed  manual.pdf" in out


def test_what_is_gone_at_once_is_kept_and_told(run: Run, docs: Path) -> None:
    run("index", docs)
    (docs / "manual.pdf").unlink()
    out = run("index", docs, "--set", "index.prune_least=0")[1]
    assert "warning: 1 document is gone" in out
    assert "--prune" in out
    assert len(json_of(run, "docs", docs)["documents"]) == 3


def test_documents_are_listed_shown_removed_and_restored(run: Run, docs: Path) -> None:
    run("index", docs)
    assert "2023/annual.pdf" in run("docs", docs)[1]
    code, out, _ = run("docs", docs, "info", "manual.pdf")
    assert code == 0
    assert "layer pages" in out
    assert run("docs", docs, "remove", "manual.pdf")[:2] == (0, "removed manual.pdf\n")
    _, out, err = run("docs", docs, "list")
    (line,) = [line for line in out.splitlines() if line.startswith("manual.pdf")]
    assert line.split()[-1] == "removed"
    assert f"ragsys docs {docs} restore FILE" in err
    assert [one["path"] for one in json_of(run, "docs", docs)["documents"] if one["removed"]] == ["manual.pdf"]
    hits = json_of(run, "search", docs, "green button cleaning cycle")["hits"]
    assert not any(hit["path"] == "manual.pdf" for hit in hits)
    assert run("docs", docs, "restore", "manual.pdf")[0] == 0
    assert json_of(run, "search", docs, "green button cleaning cycle")["hits"][0]["path"] == "manual.pdf"


def test_every_place_of_the_same_bytes_is_listed(run: Run, docs: Path) -> None:
    shutil.copy(docs / "manual.pdf", docs / "second.pdf")
    run("index", docs)
    (line,) = [line for line in run("docs", docs)[1].splitlines() if line.startswith("second.pdf")]
    assert "same bytes" in line
    assert line.endswith("as manual.pdf")


def test_a_file_that_is_gone_is_marked_where_it_is_listed_and_cited(run: Run, docs: Path) -> None:
    run("index", docs)
    (docs / "manual.pdf").unlink()
    _, out, err = run("docs", docs)
    (line,) = [line for line in out.splitlines() if line.startswith("manual.pdf")]
    assert line.rstrip().endswith("file is gone")
    assert f"ragsys index {docs} --prune" in err
    question = "For how many seconds must the green button be pressed to start the cleaning cycle?"
    kept = ("--set", "index.prune_least=0")  # of three documents one is a large share
    assert "manual.pdf p.1  supported  the file is gone" in run("ask", docs, question, *kept)[1]
    citations = json_of(run, "ask", docs, question, *kept)["citations"]
    assert [one["gone"] for one in citations] == [True]
    assert "file is gone" not in run("ask", docs, "What was the revenue of the bakery in 2023?", *kept)[1]


def test_a_name_that_is_nearly_right_is_offered(run: Run, docs: Path) -> None:
    run("index", docs)
    code, _, err = run("docs", docs, "info", "manul.pdf")
    assert code == 2
    assert "Did you mean 'manual.pdf'?" in err


def test_hostile_names_and_texts_drive_no_terminal(run: Run, docs: Path) -> None:
    if os.name == "nt":
        pytest.skip("such names cannot be made here")
    write_pdf(docs / "evil\x1b[2J.pdf", ["The zebra is striped."])
    for arguments in (
        ["index", docs, "-v"],
        ["docs", docs],
        ["search", docs, "zebra"],
        ["ask", docs, "zebra striped?"],
    ):
        code, out, err = run(*arguments)
        assert code == 0
        assert "\x1b" not in out + err


# -- wrong folders -----------------------------------------------------------------------------------------------------


def test_an_empty_folder_says_what_was_looked_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("ask", "search"):
        code, out, err = run(name, tmp_path / "empty", "what?")
        assert (code, out) == (1, "")
        assert f"no documents that can be read in {tmp_path / 'empty'}, looked for *.pdf " in err
    assert run("index", tmp_path / "empty")[0] == 1
    assert json_of(run, "libraries")["libraries"] == []  # what came to hold nothing leaves nothing
    assert run("index", tmp_path / "none")[0] == 1
    assert json_of(run, "libraries")["libraries"] == []


def test_a_library_in_a_folder_that_was_there_is_left_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "mine.txt").write_text("not of ragsys")
    assert run("index", tmp_path / "empty", "--library", tmp_path / "place")[0] == 1
    assert (tmp_path / "place" / "mine.txt").exists()


@pytest.mark.parametrize(("place", "said"), [("none/a.html", "there is no folder"), ("docs.html", "it is a folder")])
def test_where_an_answer_cannot_be_saved_is_told_before_it_is_made(
    run: Run, docs: Path, tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "docs.html").mkdir()
    code, out, err = run("ask", docs, "What was the revenue?", "--save", tmp_path / place)
    assert (code, out) == (2, "")
    assert said in err
    assert json_of(run, "libraries")["libraries"] == []


def test_a_folder_that_cannot_be_read_says_so(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refuse(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == docs:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("ragsys.scan.os.scandir", refuse)
    code, _, err = run("ask", docs, "what?")
    assert code == 1
    assert f"{docs} cannot be read: Permission denied" in err


def test_one_file_is_a_library(run: Run, docs: Path) -> None:
    assert json_of(run, "search", docs / "manual.pdf", "cleaning")["hits"][0]["path"] == "manual.pdf"
    (docs / "sheet.xyz").write_text("no loader takes this")
    code, _, err = run("search", docs / "sheet.xyz", "cleaning")
    assert code == 1
    assert "sheet.xyz cannot be read, looked for *.pdf" in err


def test_a_library_elsewhere(run: Run, docs: Path, tmp_path: Path) -> None:
    assert run("index", docs, "--library", tmp_path / "mine")[0] == 0
    assert (tmp_path / "mine" / "library.json").exists()
    assert json_of(run, "libraries")["libraries"] == []
    other = write_folder(tmp_path / "other")
    code, _, err = run("index", other, "--library", tmp_path / "mine")
    assert code == 1
    assert f"is the library of {docs}" in err


# -- care --------------------------------------------------------------------------------------------------------------


def test_libraries_are_listed_and_removed(run: Run, docs: Path) -> None:
    run("index", docs)
    (listed,) = json_of(run, "libraries")["libraries"]
    assert (listed["root"], listed["exists"]) == (str(docs), True)
    assert listed["bytes"] > 10_000
    assert str(docs) in run("libraries")[1]
    code, _, err = run("libraries", "remove", docs)
    assert code == 2
    assert "--yes" in err
    assert run("libraries", "remove", docs, "--yes")[0] == 0
    assert not Path(listed["folder"]).exists()
    assert json_of(run, "libraries")["libraries"] == []
    assert docs.is_dir()


def test_gc_drops_what_no_configuration_uses(run: Run, docs: Path) -> None:
    changed = ("--set", "splitter.words=40")
    run("index", docs)
    run("index", docs, *changed)
    wanted = json_of(run, "search", docs, "cleaning oven")["hits"]
    both = json_of(run, "gc", docs, "--keep", "laptop", "--dry-run")
    assert len(both["layers"]) == 1
    dry = json_of(run, "gc", docs, "--dry-run")
    assert (dry["layers"], dry["dry_run"]) == (both["layers"], True)
    done = json_of(run, "gc", docs)
    assert done["points"] == dry["points"] == 7
    assert json_of(run, "search", docs, "cleaning oven")["hits"] == wanted
    assert "nothing to drop" in run("gc", docs)[1]
    assert json_of(run, "index", docs, *changed)["pages"] == 0  # the pages are still there: nothing is parsed again
    assert json_of(run, "gc", docs)["points"] == 7


def test_gc_drops_vectors_and_their_statistics(run: Run, docs: Path) -> None:
    words = ("--set", "search.retrievers.passages=null")
    run("index", docs)
    wanted = json_of(run, "search", docs, "cleaning oven", *words)["hits"]
    done = json_of(run, "gc", docs, *words)
    assert len(done["vectors"]) == 1
    assert json_of(run, "search", docs, "cleaning oven", *words)["hits"] == wanted
    again = json_of(run, "search", docs, "cleaning oven")  # made anew from the stored pages
    assert again["hits"][0]["path"] == "manual.pdf"
    assert again["coverage"]["passages"] == 1.0


def test_a_configuration_whose_store_does_not_answer_is_told(run: Run, tmp_path: Path) -> None:
    dead = "store={use: server, url: 'http://127.0.0.1:9'}"
    code, out, _ = run("config", "check", "--set", dead)
    assert code == 1
    assert "valid: " in out
    assert "not reached: store: " in out
    code, out, _ = run("config", "check", "--set", dead, "--json")
    assert code == 1
    assert json.loads(out)["valid"] is True
    assert "127.0.0.1:9" in json.loads(out)["not_reached"][0]
    assert run("config", "check")[0] == 0
    assert not (tmp_path / "home" / "data").exists()


def test_what_is_shown_is_a_configuration_of_its_own(run: Run, tmp_path: Path) -> None:
    out = run("config", "show")[1]
    (tmp_path / "again.yaml").write_text(out)
    assert json_of(run, "config", "show", tmp_path / "again.yaml")["config"] == json_of(run, "config", "show")["config"]


def test_a_move_needs_a_server_that_answers(run: Run, docs: Path) -> None:
    run("index", docs)
    code, _, err = run("move", docs, "--to", "http://127.0.0.1:1")
    assert code == 1
    assert "no Qdrant server answers" in err
    code, _, err = run("move", docs, "--to", "http://127.0.0.1:1", "--api-key-env", "NO_SUCH_NAME")
    assert code == 2
    assert "NO_SUCH_NAME is not set" in err


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
def test_a_move_copies_every_point_and_says_how_to_use_it(run: Run, docs: Path) -> None:
    pytest.importorskip("qdrant_client")
    run("index", docs)
    moved = json_of(run, "move", docs, "--to", ":memory:")
    assert moved["copied"] == 7 + 7 + 3
    assert moved["kept"] == 0
    assert json.loads(moved["set"].removeprefix("store="))["url"] == ":memory:"


def test_traces_are_listed_shown_and_replayed(run: Run, docs: Path) -> None:
    assert run("trace", docs)[0] == 1
    answer = json_of(run, "ask", docs, "When does the shop open?")
    (listed,) = json_of(run, "trace", docs)["traces"]
    assert (listed["id"], listed["question"]) == (answer["trace"], "When does the shop open?")
    code, out, _ = run("trace", docs, "show")
    assert code == 0
    assert "search pages" in out
    assert json_of(run, "trace", docs, "replay", answer["trace"])["equal"] is True
    assert run("trace", docs, "show", "nonsense")[0] == 2


# -- other processes ---------------------------------------------------------------------------------------------------


def process(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ragsys", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def watching(docs: Path) -> Iterator[subprocess.Popen[str]]:
    owner = process("index", docs, "--watch", "--json")
    assert owner.stdout is not None
    first = json.loads(owner.stdout.readline())
    assert len(first["added"]) == 3
    yield owner
    owner.kill()
    owner.communicate()


def test_a_watched_folder_is_followed_and_served_until_ctrl_c(
    run: Run, docs: Path, watching: subprocess.Popen[str]
) -> None:
    assert json_of(run, "search", docs, "cleaning oven")["hits"][0]["path"] == "manual.pdf"
    assert json_of(run, "ask", docs, "When does the shop open?")["status"] == "answered"
    write_pdf(docs / "new.pdf", ["The unicorn lives in the harbour."])
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["added"] == ["new.pdf"]
    assert json_of(run, "search", docs, "unicorn")["hits"][0]["path"] == "new.pdf"
    for arguments in (("gc", docs), ("index", docs, "--watch"), ("libraries", "remove", docs, "--yes")):
        code, _, err = run(*arguments)
        assert code == 1
        assert "open" in err
    code, _, err = run("search", docs, "oven", "--set", "search.candidates=7")
    assert code == 1
    assert "another configuration" in err
    if os.name != "nt":
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
        assert watching.returncode == 130
        assert json.loads(out.splitlines()[-1])["error"] == "Interrupted"
        assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_while_reading_loses_nothing(run: Run, tmp_path: Path) -> None:
    for number in range(30):
        write_pdf(tmp_path / "many" / f"{number}.pdf", [f"Page {n} of {number}. " + "words " * 200 for n in range(12)])
    runner = process("index", tmp_path / "many")
    folder = tmp_path / "home" / "data" / "libraries"
    until = time.monotonic() + 20
    while time.monotonic() < until and not list(folder.glob("*/owner.json")):
        time.sleep(0.05)
    time.sleep(0.5)
    runner.send_signal(signal.SIGINT)
    _, err = runner.communicate(timeout=30)
    assert "Traceback" not in err
    if runner.returncode != 0:  # else it was done before the signal came
        assert runner.returncode == 130
        assert "interrupted; nothing is lost" in err
    status = json_of(run, "index", tmp_path / "many")["status"]
    assert (status["documents"], status["pages"]) == (30, 360)


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_reader_that_goes_early_is_no_error(docs: Path) -> None:
    script = f"{sys.executable} -m ragsys search {docs} oven -k 50 --explain | head -1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "manual.pdf" in done.stdout
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_an_answer_that_abstains_names_the_files_that_could_not_be_read(run: Run, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nno")
    (docs / "empty.pdf").write_bytes(b"")
    code, out, err = run("ask", docs, "Who won the contract for the desalination plant of Reykjavik?", "-v")
    assert code == 0
    assert f"not read: 2 files (1 broken, 1 empty); see ragsys docs {docs}" in err
    assert "not read, so that an answer in them is not found: 2 files (1 broken, 1 empty)" in " ".join(out.split())


def test_a_greeting_does_not_hide_a_mistake(run: Run, docs: Path) -> None:
    assert run("ask", docs, "hello")[0] == 0
    code, _, err = run("ask", docs / "nothing", "hello")
    assert (code, "no such folder" in err) == (1, True)
    for words in (("--config", "laptpo"), ("--set", "anser.pages=3"), ("--set", "search.cut=haf")):
        code, _, err = run("ask", docs, "hello", *words)
        assert code == 2, err
        assert "ConfigError" in err


def test_a_locked_library_whose_owner_does_not_answer_is_told(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragsys.library._QUIET", 0.3)
    monkeypatch.setattr("ragsys.library._PATIENCE", 1.0)
    run("index", docs)
    (listed,) = json_of(run, "libraries")["libraries"]
    with portalocker.Lock(str(Path(listed["folder"]) / "owner.lock"), mode="a", timeout=0):
        for arguments in (("ask", docs, "what?"), ("docs", docs), ("index", docs)):
            code, out, err = run(*arguments)
            assert (code, out) == (1, "")
            waits, error, *hints = err.splitlines()
            assert waits.startswith("warning: waiting for the process that has the library of")
            assert error.startswith("NoAnswer: another process has the library")
            assert any("ragsys doctor" in hint for hint in hints)
    assert run("docs", docs)[0] == 0
