"""The folder of a run: what was asked (`run.json`, `questions.jsonl`) and, line by line, what came (`results.jsonl`).

Lines are appended as they come and made durable now and then. A run that is killed leaves at worst a torn last line,
which is dropped when it is continued; a damaged line elsewhere costs its own outcome and no other. What ended with an
error is asked again when the run is continued, and its last line counts. When all is asked the lines are put into the
order of the questions and, within one, of the configurations: a continued run ends with the same lines as an
undisturbed one, but for their seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

from ragsys.errors import RagsysError, UsageError
from ragsys.evaluation.records import Outcome, Question
from ragsys.evaluation.writing import replace, writing
from ragsys.wording import counted, verb

RUN, QUESTIONS, RESULTS = "run.json", "questions.jsonl", "results.jsonl"
KEYS = ("id", "config", "pages", "answer", "status", "citations", "usage", "seconds", "error")
_SYNC_SECONDS = 10.0  # between two times that lines are made durable: what a power cut may take away


class RunFolder:
    """A run on disk. A context manager: what was appended is durable when it ends, however it ends."""

    def __init__(self, path: Path, about: dict[str, Any], questions: Sequence[Question]) -> None:
        """Use `start`, `resume` or `read`."""
        self.path, self.about, self.questions = path, about, tuple(questions)
        self.outcomes: dict[tuple[str, str], Outcome] = {}  # {(question, configuration): outcome}
        self.damaged: list[int] = []  # numbers of lines, from 1, that hold no outcome of this run
        self._file: RawIOBase | None = None
        self._synced = time.monotonic()

    @classmethod
    def start(cls, path: Path, about: dict[str, Any], questions: Sequence[Question]) -> RunFolder:
        """A new run. Raises `UsageError` if the folder holds one, or anything else."""
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: a run needs a folder", hint="--out DIR, a new one")
        if (path / RUN).exists():
            raise UsageError(f"{path} holds a run already", hint="continue it with --resume, or name a new --out DIR")
        if path.is_dir() and any(path.iterdir()):
            raise UsageError(f"{path} is not empty and holds no run", hint="--out DIR, a new one")
        run = cls(path, about, questions)
        lines = "".join(_line(question) for question in questions)
        with writing(path, "or name another folder: --out DIR"):
            path.mkdir(parents=True, exist_ok=True)
            try:
                replace(path / QUESTIONS, lines.encode("utf-8"))
                replace(path / RUN, run._header())
            except OSError:
                (path / QUESTIONS).unlink(missing_ok=True)  # else the folder would hold no run, and not be empty
                raise
        return run

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """The run in a folder, as far as it is. Raises `UsageError` where there is none."""
        if not (path / RUN).is_file():
            raise UsageError(f"{path} holds no run", hint=f"a run's folder has {RUN} and {RESULTS}")
        try:
            about = json.loads((path / RUN).read_text(encoding="utf-8"))
            lines = (path / QUESTIONS).read_bytes().splitlines()  # a text's own line marks are no ends of lines
            run = cls(path, about, [json.loads(line) for line in lines])
        except (OSError, ValueError, RecursionError) as error:
            raise RagsysError(f"the run in {path} cannot be read: {error}", hint="start a new one") from error
        run._load()
        return run

    @classmethod
    def resume(cls, path: Path, about: dict[str, Any], questions: Sequence[Question]) -> RunFolder:
        """The run in a folder, to be continued.

        Raises `UsageError` where there is none, and if it is not the one that is asked for now: its lines would not
        belong together.
        """
        if not (path / RUN).exists():
            raise UsageError(f"{path} holds no run to continue", hint="without --resume, a new one starts there")
        run = cls.read(path)
        then, now = run.about.get("decides", {}), about["decides"]
        if then != now:
            keys = [key for key in now if then.get(key) != now[key]]
            shown = "\n".join(f"{key}: {_short(then.get(key))} then, {_short(now[key])} now" for key in keys)
            raise UsageError(
                f"the run in {path} asks something else",
                hint=f"{shown}\nto continue it: {run.resumed}\nor name a new --out DIR: equal answers are reused",
            )
        return run

    def _load(self) -> None:
        """Read the lines. What a torn or damaged one held will be asked again, the others count."""
        path = self.path / RESULTS
        if not path.exists():
            return
        ids = {question["id"] for question in self.questions}
        names = set(self.names)
        *lines, torn = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            outcome = _outcome(line)
            if outcome is None or outcome["id"] not in ids or outcome["config"] not in names:
                self.damaged.append(number)
            else:
                self.outcomes[outcome["id"], outcome["config"]] = outcome  # the last one, where an error was mended
        self._whole = path.stat().st_size - len(torn)

    _whole = 0  # bytes of whole lines

    @property
    def names(self) -> list[str]:
        """The configurations' names, in their order."""
        return [config["name"] for config in self.about["configs"]]

    @property
    def resumed(self) -> str:
        """The command that continues the run."""
        command = self.about.get("command", "")
        if not command.startswith("ragsys eval "):  # it was not started by the command line
            return "the same call with resume=True"
        where = "" if "--out" in shlex.split(command) else f" --out {shlex.quote(str(self.path))}"
        return f"{command}{where} --resume"

    def missing(self, config: str) -> list[Question]:
        """The questions that the configuration was not asked yet, and those that ended with an error, in order."""
        found = ((question, self.outcomes.get((question["id"], config))) for question in self.questions)
        return [question for question, outcome in found if outcome is None or outcome["error"] is not None]

    def __enter__(self) -> RunFolder:
        with self._writing(RESULTS):
            if self.damaged:
                lines = "".join(_line(outcome) for outcome in self.outcomes.values()).encode("utf-8")
                replace(self.path / RESULTS, lines)
                self.damaged, self._whole = [], len(lines)
            # unbuffered: what a full disk did not take must not come again when the file is closed
            self._file = (self.path / RESULTS).open("ab", buffering=0)
            self._file.truncate(self._whole)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(RagsysError) if kind else contextlib.nullcontext(), self._writing(RESULTS):
                try:
                    os.fsync(file.fileno())
                finally:
                    file.close()

    def add(self, outcome: Outcome) -> str:
        """Append a line and give it back. Raises `RagsysError` where it cannot be written; no part of it stays."""
        if self._file is None:
            raise RagsysError("the run's folder is not open")
        text = _line(outcome)
        line = text.encode("utf-8")
        with self._writing(RESULTS):
            self._append(self._file, line)
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())  # a killed process loses nothing, a machine that fails a moment's work
                self._synced = time.monotonic()
        self._whole += len(line)
        self.outcomes[outcome["id"], outcome["config"]] = outcome
        return text

    def _append(self, file: RawIOBase, line: bytes) -> None:
        left = memoryview(line)
        try:
            while left:
                left = left[file.write(left) or 0 :]
        except OSError:
            file.truncate(self._whole)
            raise

    def _writing(self, name: str) -> contextlib.AbstractContextManager[None]:
        done, every = len(self.outcomes), len(self.questions) * len(self.names)
        kept = f"{done:,} of {counted(every, 'answer')} {verb(done)} kept; "
        return writing(self.path / name, f"then: {self.resumed}", kept=kept)

    def _header(self) -> bytes:
        return (json.dumps(self.about, ensure_ascii=False, indent=1) + "\n").encode("utf-8")

    def save(self) -> None:
        """Write what is known of the run. Raises `RagsysError` where it cannot be written, as all that writes here."""
        with self._writing(RUN):
            replace(self.path / RUN, self._header())

    def order(self) -> None:
        """Put the lines into their order. Call it outside of `with`."""
        lines = (_line(outcome) for outcome in self.ordered())
        with self._writing(RESULTS):
            replace(self.path / RESULTS, "".join(lines).encode("utf-8"))

    def ordered(self) -> Iterable[Outcome]:
        """The outcomes by question, then configuration."""
        names = self.names
        keys = ((question["id"], name) for question in self.questions for name in names)
        return (self.outcomes[key] for key in keys if key in self.outcomes)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the run whole."""
        path = self.path / name
        with self._writing(name):
            replace(path, text.encode("utf-8"))
        return path


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def _outcome(line: bytes) -> Outcome | None:
    """The outcome of a line, else None."""
    try:
        found: Outcome = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() - {"notes"} == set(KEYS) else None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
