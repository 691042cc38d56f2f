"""Damages single files of a small library and tells what becomes of it: run as a program, it prints a JSON line a case.

Each case runs in a process of its own, forked from one that has imported everything and opened nothing: a file that was
cut may end its process by a signal. Parsers, OCR and the embedding model are those of `histories`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import histories
import pytest

from ragsys.errors import RagsysError
from ragsys.library import Library

KINDS = ("flip", "cut", "empty", "delete")
SEED = 12
_BLOCK = 4096
_SECONDS = 60
QUERIES = ("revenue of the harbour", "oven and flour", "butter", "membrane valve", "crew license sugar")
_NEVER = {"owner.lock", "owner.json", "lock", "at"}  # empty, or of the open library alone


def copy(source: Path, target: Path) -> None:
    """A folder with its files; what is zero becomes a hole, since the engine's files are mostly that."""
    for path in sorted(source.rglob("*")):
        to = target / path.relative_to(source)
        if path.is_dir():
            to.mkdir(parents=True, exist_ok=True)
            continue
        if path.is_socket():  # where its owner listens: nothing of the library
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as out:
            out.truncate(path.stat().st_size)
            for at, block in _blocks(path):
                out.seek(at)
                out.write(block)
        stat = path.stat()
        os.utime(to, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of each block that is not zero alone."""
    size, at, zero = path.stat().st_size, 0, bytes(_BLOCK)
    with path.open("rb") as file:
        while at < size:
            if hasattr(os, "SEEK_DATA"):
                try:
                    at = os.lseek(file.fileno(), at, os.SEEK_DATA) // _BLOCK * _BLOCK
                except OSError:  # nothing but a hole is left
                    return
            file.seek(at)
            block = file.read(_BLOCK)
            if block != zero[: len(block)]:
                yield at, block
            at += _BLOCK


def damage(path: Path, kind: str, chance: random.Random) -> bool:
    """Damage a file; False where this kind changes nothing of it."""
    held = list(_blocks(path))
    if kind == "delete":
        path.unlink()
    elif kind == "empty" or not held:
        if not path.stat().st_size:
            return False
        path.write_bytes(b"")
    elif kind == "cut":
        last, block = held[-1]
        with path.open("r+b") as file:
            file.truncate(max(1, (last + len(block.rstrip(b"\0"))) // 2))
    else:
        at, block = chance.choice(held)
        at += chance.choice([n for n, byte in enumerate(block) if byte])
        with path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))
    return True


def look(library: Library) -> Any:
    """All that a library gives: its points and states, and what searches find."""
    hits = [[(hit.doc, hit.page, round(hit.score, 4), hit.passages) for hit in library.search(q)] for q in QUERIES]
    first = [(hit.doc, hit.page) for hit in library.search(QUERIES[0], filter={"pages": (1, 1)})]
    return repr((hits, first, _ordered(histories.contents(library))))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _ordered(item)) for key, item in sorted(value.items())]
    return tuple(map(_ordered, value)) if type(value) is tuple else value


def opened(folder: Path, docs: Path) -> Library:
    """The library as a new process opens it."""
    library = Library(docs, folder=folder, background=False, index=False)
    histories.Parsers.library = library
    return library


def make(folder: Path, docs: Path) -> None:
    """A library with pages that need OCR, dense vectors, a removed document and a conversation."""
    with opened(folder, docs) as library:
        library.index(wait=True)
        library.remove("doc3.pdf")
        library.index(wait=True)
        thread = library.threads.open("kept")
        thread.append({"asked": "revenue?", "answer": "none"})
        thread.close()
    (folder / "at").unlink()  # of the parsers' stand-in


def _seen(folder: Path, docs: Path, before: Callable[[Library], Any] = lambda _: None) -> dict[str, Any]:
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("ragsys")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with opened(folder, docs) as library:
            before(library)
            given = look(library)
    except RagsysError as error:
        return {"error": str(error), "told": told}
    except BaseException as error:
        return {"crash": f"{type(error).__name__}: {error}"[:300], "told": told}
    finally:
        logger.removeHandler(handler)
    return {"given": given, "told": told}


def _forked(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives in a process of its own; the signal that ended it, as a crash."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the engine's own last words
        signal.alarm(_SECONDS)
        with os.fdopen(write, "w") as out:
            json.dump(work(), out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as given:
        text = given.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code or not text:
        name = signal.Signals(-code).name if code < 0 else str(code)
        return {"crash": name, "told": []}
    found: dict[str, Any] = json.loads(text)
    return found


def _index(library: Library) -> None:
    library.index(wait=True)
    library.index(wait=True)  # a document that is found damaged in the end is read by the next
    (library.place.folder / "at").unlink(missing_ok=True)


def _rebuilt(folder: Path, docs: Path) -> dict[str, Any]:
    from ragsys.config import load
    from ragsys.rebuild import begin

    try:
        begin(docs, load(), folder=folder)
    except RagsysError as error:
        return {"error": str(error), "told": []}
    found = _seen(folder, docs, _index)
    kept = [thread for thread in ("kept",) if (folder / "threads" / f"{thread}.jsonl").exists()]
    return {**found, "threads": kept}


def outcome(whole: Any, steps: dict[str, dict[str, Any]]) -> str:
    """In a word: "equal", "repaired" by indexing, "rebuilt"; else what is wrong."""
    for name, step in steps.items():
        if "crash" in step:
            return "crash"
        if "given" in step and step["given"] != whole and (name != "open" or not step["told"]):
            return "silent" if name == "open" else "stuck"
        if name == "rebuild" and "error" in step:
            return "stuck"
    if "rebuild" in steps:
        return "rebuilt"
    if "error" in steps["index"]:
        return "named"
    same = steps["open"].get("given") == whole and not steps["open"]["told"]
    return "equal" if same else "repaired"


def cases(made: Path, wanted: Sequence[int] | None) -> list[tuple[str, str]]:
    """(file, kind) of all damages, or of a sample that is drawn by a seed: (how many)."""
    files = sorted(p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file() and p.name not in _NEVER)
    every = [(file, kind) for file in files if not file.startswith("threads/") for kind in KINDS]
    if not wanted:
        return every
    # each kind of file once, whatever the engine calls its folders
    kinds = {(file.rsplit("/", 1)[-1], kind): (file, kind) for file, kind in every}
    chosen = sorted(kinds.values())
    return random.Random(SEED).sample(chosen, min(wanted[0], len(chosen)))


def main(at: Path, *sample: int) -> None:
    """Every case in the folder `at`, or a sample."""
    patch = pytest.MonkeyPatch()
    histories.install(patch)
    os.environ["RAGSYS_HOME"] = str(at / "home")
    histories.Parsers.chance = random.Random(SEED)
    docs, made = at / "docs", at / "made"
    docs.mkdir(parents=True)
    for number in range(4):
        histories.draw(docs / f"doc{number}.pdf", random.Random(40 + number))
    _forked(lambda: {"made": make(made, docs)})
    whole = _forked(lambda: _seen(made, docs))["given"]
    rebuilds = (Path(__file__).parent.parent / "ragsys" / "rebuild.py").exists()
    for file, kind in cases(made, sample):
        folder = at / "case"
        copy(made, folder)
        if not damage(folder / file, kind, random.Random(f"{SEED} {file} {kind}")):
            shutil.rmtree(folder)
            continue
        asked = at / "asked"
        copy(folder, asked)
        steps = {"open": _forked(lambda asked=asked: _seen(asked, docs))}  # type: ignore[misc]
        steps["index"] = _forked(lambda folder=folder: _seen(folder, docs, _index))  # type: ignore[misc]
        if rebuilds and ("error" in steps["index"] or "crash" in steps["index"]):
            steps["rebuild"] = _forked(lambda folder=folder: _rebuilt(folder, docs))  # type: ignore[misc]
        told = {name: step.get("error") or step.get("crash") or step["told"][:2] for name, step in steps.items()}
        if "rebuild" in steps and steps["rebuild"].get("threads") != ["kept"]:
            steps["rebuild"]["crash"] = "the conversation is gone"
        line = {"file": file, "kind": kind, "outcome": outcome(whole, steps), "told": told}
        print(json.dumps(line), flush=True)
        for used in (folder, asked):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(used)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
