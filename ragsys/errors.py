"""One tree of errors. Each says what happened, where, and the next command; the CLI prints it without a traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal


class RagsysError(Exception):
    """Base of every error that ragsys raises on purpose.

    `message` says what and where, `hint` is the next step (a command, where there is one). `exit_code` is what the CLI
    exits with. `str(error)` is both, the hint indented on lines of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return self.message + "".join(f"\n  {line}" for line in self.hint.splitlines())

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: `{"error": kind, "message": ..., "hint": ...}`."""
        return {"error": type(self).__name__, "message": self.message, "hint": self.hint}


class ConfigError(RagsysError):
    """A configuration names or holds something that is not valid; carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str], *, hint: str | None = None) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        head = self.problems[0] if len(self.problems) == 1 else f"{len(self.problems)} problems in the configuration"
        body = "" if len(self.problems) == 1 else "".join(f"\n  - {p}" for p in self.problems)
        super().__init__(head + body, hint=hint)


class UsageError(RagsysError):
    """A command or a call was given something it cannot take."""

    exit_code = 2


class SuiteError(RagsysError):
    """A benchmark's files are missing, or hold something that its schema does not allow; names file, line and field."""


class PluginError(RagsysError):
    """A plugin could not be loaded, declares something invalid, or clashes with another."""

    exit_code = 2


class MissingExtra(PluginError):
    """A component needs a package that is not installed; the hint is the pip command."""

    def __init__(self, role: str, name: str, package: str, extra: str | None) -> None:
        hint = f"pip install 'ragsys[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"{role} '{name}' needs '{package}', which is not installed.", hint=hint)


class DocumentError(RagsysError):
    """One document could not be read. `outcome` is a name of `types.Outcome`; never fatal to a run over a folder."""

    def __init__(self, message: str, *, outcome: str = "broken", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome


class LibraryError(RagsysError):
    """The library (the index of a folder) cannot be opened or used."""


class LibraryBusy(LibraryError):
    """Another process owns the library and does not answer on its socket."""


class NoAnswer(LibraryBusy):
    """The owner of the library cannot be reached: it is opening, closing, or gone."""


class StoreError(LibraryError):
    """The vector store refused an operation or cannot be reached."""


class EngineFailed(StoreError):
    """The store's engine refused, and not for want of memory, room, files or permission."""


class StoreDamaged(StoreError):
    """Files of the store are not as they were written: changed, cut or lost. Indexing from scratch mends it."""

    def __init__(self, where: str, files: Sequence[str], reason: str = "") -> None:
        """`where` is the store in words; `files` are the damaged ones, as far as they are known."""
        named = ", ".join(sorted(files)[:_NAMED]) + (f" and {len(files) - _NAMED} more" if len(files) > _NAMED else "")
        super().__init__(
            f"{where} is damaged: {reason or 'these files were changed or lost since it was closed'}"
            + (f": {named}" if named else ""),
            hint="make it again from the documents: ragsys index FOLDER --rebuild",
        )


class DiskFull(StoreError):
    """The disk has not the room that the store needs to write; what was done before is kept."""

    def __init__(self, where: str, free: int, needed: int) -> None:
        """`where` is the store in words; `free` and `needed` are bytes."""
        super().__init__(
            f"{where}: the disk is full: {free >> 20} MB are free, {needed >> 20} MB are needed",
            hint="make room and run the same command again: what was done is kept",
        )


class IncompleteLayer(LibraryError):
    """An operation needs a layer that covers only a part of the documents."""


class AgentError(RagsysError):
    """An agent broke its protocol: an unknown action, a result of the wrong type, a loop without a bound."""


class ActionFailed(AgentError):
    """An action of an agent failed; raised inside the agent at the `yield`. `cause` is the error it failed with."""

    def __init__(self, action: str, cause: BaseException) -> None:
        super().__init__(f"{action} failed: {cause}")
        self.action = action
        self.cause = cause


class BudgetSpent(AgentError):
    """The question's budget of calls, tokens or seconds is spent; raised inside the agent at the `yield`."""


class ReplayDiverged(AgentError):
    """A replayed agent asked for an action that its trace does not hold. `step` is the 0-based step that differs."""

    def __init__(self, message: str, *, step: int) -> None:
        super().__init__(message)
        self.step = step


class GenerationError(RagsysError):
    """A generator could not reply, or replied with something that its schema does not allow."""


class MalformedReply(GenerationError):
    """A model was reached and replied, but with nothing that can be used: cut, refused, or not under its schema.

    `usage`: what the reply cost all the same (types.Usage), where the generator knows it.
    """

    def __init__(self, message: str, *, hint: str | None = None, usage: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.usage = usage


class RequestTooLarge(GenerationError):
    """A request holds more tokens or images than the model takes. `limit` is how many it takes, where it says so."""

    def __init__(self, message: str, *, what: Literal["tokens", "images"], limit: int | None = None) -> None:
        super().__init__(message, hint="fewer pages: --set answer.pages=4; or serve the model with a longer context")
        self.what: Literal["tokens", "images"] = what
        self.limit = limit


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest of `known`, or an empty string when nothing is near.

    Near is a small distance (rapidfuzz's normalised Damerau-Levenshtein, of the whole or of the last part of a path,
    with a floor of 0.6); else a name that begins with the word or holds it, at most three of them.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import DamerauLevenshtein

    names = list(dict.fromkeys(known))
    likeness = DamerauLevenshtein.normalized_similarity
    for forms in (names, [name.rstrip("/").rpartition("/")[2] for name in names]):
        if best := process.extractOne(word, forms, scorer=likeness, score_cutoff=0.6):
            return f" Did you mean '{names[best[2]]}'?"
    near = sorted((name for name in names if _holds(name, word)), key=lambda name: (len(name), name))[:_SUGGESTED]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


_SUGGESTED = 3  # names
_NAMED = 3  # damaged files
_TELLING = 3  # letters: what is shorter stands in too many names


def _holds(name: str, word: str) -> bool:
    return len(word) >= _TELLING and word.casefold() in name.casefold()
