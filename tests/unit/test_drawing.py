"""Pages are drawn in a process of their own: what takes time or memory without end costs its own picture alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import psutil
import pytest
from folders import write_folder, write_pdf

from ragsys.config import Limits, load
from ragsys.drawing import Drawer, Sheet
from ragsys.errors import DocumentError, RagsysError, UsageError
from ragsys.library import Library
from ragsys.types import BBox

QUESTION = "When was the kiln of Oberndorf fired?"


def start() -> dict[str, Any]:
    """The first message to a process."""
    return {"config": load(None).model_dump(mode="json"), "state": ".", "cache": "."}


def sheet(file: Path, page: int = 1) -> Sheet:
    """A page of a file."""
    return Sheet(file.stem, file, page, file.name)


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    """One that gives a drawing a second."""
    one = Drawer(start, Limits(draw_seconds=1))
    yield one
    one.close()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Of a document that cannot be drawn, beside one that can."""
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    folder = write_folder(tmp_path / "docs", {"manual.pdf": ["Press the green button."]})
    hostile.write(folder / "kiln.pdf", "tiles")
    config = ["index.limits.draw_seconds=0.5"]
    with Library(folder, config="laptop-lexical", overrides=config, background=False) as opened:
        opened.index()
        yield opened


def test_pages_and_parts_are_drawn_by_one_process(drawer: Drawer, tmp_path: Path) -> None:
    file = write_pdf(tmp_path / "good.pdf", ["One.", "Two."])
    assert drawer._process is None  # it starts with the first drawing
    whole = drawer.draw(sheet(file), 72)
    assert drawer._process is not None
    first = drawer._process.popen
    assert (whole.width_px, whole.height_px, whole.image.mode, whole.page) == (420, 595, "RGB", 1)
    part = drawer.draw(sheet(file, 2), 72, BBox(0, 0, 1, 0.5))
    assert abs(part.height_px * 2 - whole.height_px) <= 2
    assert part.page == 2
    assert drawer._process.popen is first
    drawer.close()
    assert first.poll() is not None


def test_what_cannot_be_drawn_is_named_as_the_user_knows_it(drawer: Drawer, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"good\.pdf has no page 9"):
        drawer.draw(sheet(write_pdf(tmp_path / "good.pdf", ["One."]), 9), 72)
    (tmp_path / "bad.pdf").write_bytes(b"no PDF")
    with pytest.raises(DocumentError, match=r"^page 1 of bad\.pdf could not be drawn: not a readable PDF file") as bad:
        drawer.draw(sheet(tmp_path / "bad.pdf"), 72)
    assert str(tmp_path) not in str(bad.value)


@pytest.mark.parametrize("name", ["tiles", "forms"])
def test_a_page_that_draws_for_ever_is_given_up_and_the_next_one_drawn(
    drawer: Drawer, tmp_path: Path, name: str
) -> None:
    file = hostile.write(tmp_path / "bad.pdf", name)
    assert file.stat().st_size < 10_000
    expected = (
        r"^page 1 of bad\.pdf could not be drawn: took more than 1 s of computing time \(index.limits.draw_seconds\)"
    )
    with pytest.raises(DocumentError, match=expected) as error:
        drawer.draw(sheet(file), 72)
    assert error.value.outcome == "timeout"
    assert error.value.hint is not None
    assert "index.limits.draw_seconds=" in error.value.hint
    with pytest.raises(DocumentError, match="took more than 1 s"):  # remembered: no process is started for it
        drawer.draw(sheet(file), 110)
    assert drawer._process is None
    assert drawer.draw(sheet(write_pdf(tmp_path / "good.pdf", ["One."])), 72).width_px == 420


def test_a_drawing_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    drawer = Drawer(start, Limits(memory_mb=256))
    drawer._limits = Limits.model_construct(**{**Limits().model_dump(), "memory_mb": 40})  # less than an idle process
    try:
        with pytest.raises(DocumentError, match=r"held \d+ MB \(index.limits.memory_mb is 40\)") as error:
            drawer.draw(sheet(hostile.write(tmp_path / "bad.pdf", "tiles")), 72)
        assert error.value.outcome == "out-of-memory"
    finally:
        drawer.close()


@pytest.mark.parametrize("name", ["groups", "wide", "image"])
def test_odd_pages_end_in_a_picture_or_a_named_error(tmp_path: Path, name: str) -> None:
    drawer = Drawer(start, Limits(draw_seconds=5))
    told, pixels = "", 0
    try:
        picture = drawer.draw(sheet(hostile.write(tmp_path / "odd.pdf", name)), 72)
        pixels = picture.width_px * picture.height_px
    except DocumentError as error:
        told = error.message
    finally:
        drawer.close()
    assert told.startswith("page 1 of odd.pdf could not be drawn: ") or 0 < pixels <= 24_100_000  # as the loader says


def test_a_process_that_was_killed_meanwhile_is_started_anew(drawer: Drawer, tmp_path: Path) -> None:
    file = write_pdf(tmp_path / "good.pdf", ["One."])
    drawer.draw(sheet(file), 72)
    assert drawer._process is not None
    drawer._process.popen.kill()
    drawer._process.popen.wait()
    assert drawer.draw(sheet(file), 73).page == 1


def test_a_process_that_dies_while_it_draws_is_a_crash(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import sys\nfrom ragsys import frames\nframes.read(sys.stdin.buffer)\n"
        "frames.write(sys.stdout.buffer, {'type': 'ready'})\nframes.read(sys.stdin.buffer)\n"
    )
    drawer = Drawer(start, Limits(), (sys.executable, str(script)))
    with pytest.raises(DocumentError, match=r"page 1 of good\.pdf could not be drawn: it ended its process") as error:
        drawer.draw(sheet(write_pdf(tmp_path / "good.pdf", ["One."])), 72)
    assert error.value.outcome == "crashed"
    drawer.close()


def test_a_picture_of_a_wrong_size_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "lies.py"
    script.write_text(
        "import sys\nfrom ragsys import frames\nframes.read(sys.stdin.buffer)\n"
        "frames.write(sys.stdout.buffer, {'type': 'ready'})\nframes.read(sys.stdin.buffer)\n"
        "about = {'type': 'drawn', 'width': 50000, 'height': 50000, 'dpi': 72}\n"
        "frames.write(sys.stdout.buffer, about, b'abc')\nframes.read(sys.stdin.buffer)\n"
    )
    drawer = Drawer(start, Limits(), (sys.executable, str(script)))
    with pytest.raises(DocumentError, match="its picture has a wrong size"):
        drawer.draw(sheet(write_pdf(tmp_path / "good.pdf", ["One."])), 72)
    drawer.close()


def test_a_process_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    drawer = Drawer(start, Limits(), (sys.executable, "-c", "raise SystemExit(5)"))
    with pytest.raises(RagsysError, match=r"could not be started: it ended before it was ready \(exit code 5\)"):
        drawer.draw(sheet(tmp_path / "any.pdf"), 72)


def test_closing_ends_a_drawing_of_another_thread(tmp_path: Path) -> None:
    drawer = Drawer(start, Limits(draw_seconds=600))
    file = hostile.write(tmp_path / "bad.pdf", "tiles")
    errors: list[BaseException] = []

    def draw() -> None:
        try:
            drawer.draw(sheet(file), 72)
        except RagsysError as error:
            errors.append(error)

    thread = threading.Thread(target=draw)
    thread.start()
    while drawer._process is None or drawer._process.job is None:
        time.sleep(0.01)
    process = drawer._process.popen
    drawer.close()
    thread.join(60)
    assert not thread.is_alive()
    assert "the library is closed" in str(errors[0])
    assert process.poll() is not None


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_ends_a_drawing_and_its_process(tmp_path: Path) -> None:
    file = hostile.write(tmp_path / "bad.pdf", "tiles")
    script = tmp_path / "draws.py"
    script.write_text(
        "from pathlib import Path\nfrom ragsys.config import Limits, load\nfrom ragsys.drawing import Drawer, Sheet\n"
        "start = lambda: {'config': load(None).model_dump(mode='json'), 'state': '.', 'cache': '.'}\n"
        f"file = Path({str(file)!r})\n"
        "Drawer(start, Limits(draw_seconds=600)).draw(Sheet('d', file, 1, 'bad.pdf'), 72)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE) as process:
        owner = psutil.Process(process.pid)
        until = time.monotonic() + 100
        while not (found := owner.children()) or found[0].cpu_times().user < 1.5:  # it draws
            assert time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, told = process.communicate(timeout=60)
        assert time.monotonic() - began < 30
        assert b"KeyboardInterrupt" in told
        assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in found)


def test_an_answer_whose_page_cannot_be_drawn_is_shown_and_saved_with_the_reason(
    library: Library, tmp_path: Path
) -> None:
    answer = library.ask(QUESTION)
    assert "1911" in answer.text
    for name in ("answer.html", "answer.md"):
        saved = answer.save(tmp_path / name).read_text(encoding="utf-8")
        assert "1911" in saved
        assert "no picture: page 1 of kiln" in saved
        assert "could not be drawn: took more than 0.5 s of computing time" in saved.replace("\\", "")
    with pytest.raises(DocumentError, match=r"page 1 of kiln\.pdf could not be drawn"):
        answer.citations[0].picture()
    assert library.render(library.document("manual.pdf").id, 1, dpi=60).page == 1
