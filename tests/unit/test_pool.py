"""The pool of parser processes: bounds, crashes and what becomes of a document."""

from __future__ import annotations

import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ragsys.config import Limits
from ragsys.errors import RagsysError
from ragsys.pool import Job, Message, Pool, WorkerProcess

#: A worker that does on page n what its job says, and reads the other pages.
SCRIPT = """
import os, sys, time
from ragsys import frames
start, _ = frames.read(sys.stdin.buffer)
out = sys.stdout.buffer
frames.write(out, {"type": "ready"})
while (message := frames.read(sys.stdin.buffer)) is not None:
    job = message[0]
    for page in range(1, job["pages"] + 1):
        if page in job["skip"]:
            continue
        with open(start["at"], "wb") as at:
            at.write(b"%d" % page)
        trap = job["traps"].get(str(page))
        if trap == "hang":
            while True:
                pass
        if trap == "stall":
            time.sleep(600)
        if trap == "slow":
            time.sleep(job["seconds"])
        if trap == "crash":
            os._exit(3)
        if trap == "grow":
            held = bytearray(700 << 20)
            time.sleep(60)
        frames.write(out, {"type": "items", "page": page}, b"x")
    frames.write(out, {"type": "end"})
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    script = tmp_path / "worker.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return [sys.executable, str(script)]


def job(doc: str, pages: int = 3, **traps: str) -> Job:
    return Job(doc, {"pages": pages, "traps": {key.removeprefix("page"): trap for key, trap in traps.items()}})


def run(command: list[str], jobs: list[Job], **limits: float) -> list[Message]:
    with Pool({}, 2, Limits.model_validate(limits), command) as pool:
        return list(pool.run(jobs))


def of(messages: list[Message], doc: str) -> list[tuple[str, int]]:
    return [(m.type, m.header.get("page", 0)) for m in messages if m.job.doc == doc]


def test_every_job_ends_once(command: list[str]) -> None:
    messages = run(command, [job(f"doc{n}", pages=n) for n in range(5)])
    for n in range(5):
        assert of(messages, f"doc{n}") == [*(("items", page) for page in range(1, n + 1)), ("end", 0)]


def test_a_page_that_crashes_the_worker_costs_that_page(command: list[str]) -> None:
    messages = run(command, [job("bad", page2="crash"), job("good")])
    assert of(messages, "bad") == [("items", 1), ("again", 2), ("items", 1), ("items", 3), ("end", 0)]
    assert of(messages, "good")[-1] == ("end", 0)


def test_a_page_that_hangs_is_given_up(command: list[str]) -> None:
    messages = run(command, [job("bad", page1="hang")], page_seconds=0.5)
    assert of(messages, "bad") == [("again", 1), ("items", 2), ("items", 3), ("end", 0)]


def test_a_page_that_waits_for_a_busy_machine_is_not_given_up(command: list[str]) -> None:
    """The time that a page computes counts, not the time that it waits for a processor."""
    one = job("late", page2="slow")
    one.message["seconds"] = 1.0
    assert of(run(command, [one], page_seconds=0.3), "late")[-1] == ("end", 0)


def test_a_page_that_neither_computes_nor_ends_is_given_up(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragsys.pool._STILL", 0.5)
    messages = run(command, [job("bad", page1="stall")], page_seconds=0.1)
    assert of(messages, "bad")[:1] == [("again", 1)]
    assert of(messages, "bad")[-1] == ("end", 0)


def test_a_pool_that_is_stopped_waits_for_no_page(command: list[str]) -> None:
    stop = threading.Event()
    with Pool({}, 1, Limits(), command) as pool:
        began = None
        for message in pool.run([job("long", 3, page2="stall")], stop):
            assert message.type == "items"
            began = time.monotonic()
            stop.set()
    assert began is not None
    assert time.monotonic() - began < 60  # the page takes ten minutes


def test_an_earlier_failed_attempt_gives_a_document_more_time(command: list[str]) -> None:
    def spun(patience: float) -> str:
        one = job("bad", page1="hang")
        one.patience = patience
        return next(m.header["reason"] for m in run(command, [one], page_seconds=0.2) if m.type == "again")

    assert "more than 0.2 s of computing time" in spun(1)
    assert "more than 0.8 s of computing time" in spun(4)


def test_what_ended_a_worker_is_known_of_its_page(command: list[str]) -> None:
    one = job("bad", page2="crash")
    run(command, [one])
    assert one.lost == {2: ("ended its parser process", "crashed")}


def test_a_worker_that_holds_too_much_is_ended(command: list[str]) -> None:
    messages = run(command, [job("bad", page2="grow")], memory_mb=300)
    assert ("again", 2) in of(messages, "bad")
    assert "MB (index.limits.memory_mb is 300)" in next(m.header["reason"] for m in messages if m.type == "again")


def test_a_document_that_goes_on_crashing_is_given_up(command: list[str]) -> None:
    messages = run(command, [job("bad", 9, page1="crash", page2="crash", page3="crash", page4="crash")])
    assert of(messages, "bad")[-1] == ("error", 0)
    assert messages[-1].header["outcome"] == "crashed"
    assert messages[-1].header["reason"].startswith("page 4")


def test_a_document_over_its_time_is_given_up_whole(command: list[str]) -> None:
    messages = run(command, [job("bad", page1="hang")], page_seconds=30, document_seconds=0.5)
    assert of(messages, "bad") == [("error", 0)]
    assert messages[-1].header["outcome"] == "timeout"


def test_leaving_the_pool_ends_its_workers(command: list[str]) -> None:
    with Pool({}, 1, Limits(), command) as pool:
        for _ in pool.run([job("long", 10, page2="hang")]):
            break
        running = [process.popen for process in pool._processes]
    assert running
    deadline = time.monotonic() + 5
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(process.poll() is not None for process in running)


def test_a_worker_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragsys.pool._TICK", 0.01)
    failing = [sys.executable, "-c", "raise SystemExit(5)"]
    with (
        Pool({}, 2, Limits(), failing) as pool,
        pytest.raises(RagsysError, match=r"ready \(exit code 5\); tried 3 times"),
    ):
        list(pool.run([job("any"), job("other")]))


def test_a_worker_that_fails_to_start_once_is_tried_again(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragsys.pool._TICK", 0.01)
    once = tmp_path / "once.py"
    seen = tmp_path / "seen"
    once.write_text(
        f"import pathlib, runpy, sys\nseen = pathlib.Path({str(seen)!r})\n"
        f"if not seen.exists():\n    seen.touch()\n    raise SystemExit(9)\n"
        f"runpy.run_path({command[1]!r})\n",
        encoding="utf-8",
    )
    messages = run([sys.executable, str(once)], [job(f"doc{n}") for n in range(4)])
    assert [of(messages, f"doc{n}")[-1] for n in range(4)] == [("end", 0)] * 4


def test_workers_that_start_slowly_make_way_for_one(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is too busy for all of them, one has it to itself, and does the work."""
    monkeypatch.setattr("ragsys.pool._STARTING", 0.0)
    messages = run(command, [job(f"doc{n}") for n in range(4)])
    assert [of(messages, f"doc{n}")[-1] for n in range(4)] == [("end", 0)] * 4


def test_no_room_for_another_process_leaves_the_work_to_those_that_run(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragsys import ahead

    launched: list[Any] = []
    launch = ahead.launch

    def bounded(command: tuple[str, ...]) -> Any:
        if launched:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        launched.append(launch(command))
        return launched[0]

    monkeypatch.setattr(ahead, "launch", bounded)
    monkeypatch.setattr("ragsys.pool._TICK", 0.01)
    messages = run(command, [job(f"doc{n}") for n in range(4)])
    assert [of(messages, f"doc{n}")[-1] for n in range(4)] == [("end", 0)] * 4


def test_an_owner_that_stands_still_takes_nothing_of_a_documents_time(command: list[str], tmp_path: Path) -> None:
    inbox: queue.Queue[Any] = queue.Queue(maxsize=1)
    process = WorkerProcess(command, {}, tmp_path / "at", inbox)
    try:
        assert inbox.get(timeout=30)[1] == {"type": "ready"}
        process.give(job("d", pages=3))
        while not inbox.full():
            time.sleep(0.01)
        time.sleep(1.2)  # the worker is ready with all, and stands behind the full inbox
        limits = Limits.model_validate({"document_seconds": 1.0, "page_seconds": 1.0})
        assert process.over(limits) is None
        assert [inbox.get(timeout=5)[1]["type"] for _ in range(4)] == ["items", "items", "items", "end"]
        assert process.over(limits) is None
    finally:
        process.end()
