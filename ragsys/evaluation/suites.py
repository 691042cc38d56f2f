"""Suites by name or by folder, opened and held to what an evaluation relies on; the metrics that there are."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import places
from ragsys.config import Spec
from ragsys.errors import SuiteError, UsageError, did_you_mean
from ragsys.plugins import Builder, Component, Registry, load_target, registry
from ragsys.wording import part, verb

if TYPE_CHECKING:
    from ragsys.evaluation.records import Question
    from ragsys.protocols import Suite

_SHOWN = 5  # missing files that an error names


@dataclass(frozen=True, slots=True)
class Listed:
    """A suite or a metric as a list shows it."""

    name: str
    plugin: str
    summary: str
    licence: str = ""
    about: str = ""  # of a suite: where it can be had and what to download
    problem: str = ""  # why it cannot be used here


def listed(role: str, installed: Registry | None = None) -> list[Listed]:
    """Every installed suite or metric. Suites are imported for what their classes say of themselves, not built."""
    found = []
    for component, plugin in (installed or registry()).components(role):
        licence = about = problem = ""
        if role == "suite":
            try:
                target = load_target(component.target)
                licence, about = getattr(target, "licence", ""), inspect.getdoc(target) or ""
            except (ImportError, AttributeError) as error:  # one that lacks its package hides no other
                problem = str(error)
        found.append(Listed(component.name, plugin, component.summary, str(licence), about, problem))
    return found


def open_suite(
    source: str | Path,
    *,
    data: Path | None = None,
    options: Mapping[str, Any] | None = None,
    installed: Registry | None = None,
) -> Suite:
    """The suite of a registered name, which reads `data`, or of a folder that one of the suites knows as its own.

    Raises `UsageError` where no suite is named so or several know the folder, `SuiteError` where none does, and what
    the suite raises on its files.
    """
    installed = installed or registry()
    component, folder = _chosen(str(source), data, installed)
    given: dict[str, Any] = {"use": component.name, **(options or {})}
    if folder is not None:
        given["folder"] = str(folder.expanduser().resolve())
    builder = Builder(installed, {}, places.data_dir() / "suites", places.cache_dir())
    suite: Suite = built(builder, "suite", Spec.model_validate(given))
    return suite


def _chosen(source: str, data: Path | None, installed: Registry) -> tuple[Component, Path | None]:
    suites = [component for component, _ in installed.components("suite")]
    named = next((one for one in suites if one.name == source), None)
    here = Path(source).expanduser().is_dir()
    if named is not None and (data is not None or not here):  # without data, a folder of that name is what is meant
        if data is None:
            raise UsageError(
                f"the suite '{source}' reads files that you have: name their folder",
                hint=f"--data FOLDER        what to download: ragsys eval {places.quoted(source)} --list",
            )
        if not data.expanduser().is_dir():
            raise UsageError(
                f"--data {data}: no such folder", hint=f"what to download: ragsys eval {places.quoted(source)} --list"
            )
        return named, data
    if not here:
        near = did_you_mean(source, [one.name for one in suites])
        raise UsageError(f"no suite named '{source}', and no such folder.{near}", hint="ragsys eval --list")
    if data is not None:
        raise UsageError(f"{source} is a folder already: --data {data} has no meaning", hint="--data goes with a NAME")
    return _by_folder(Path(source), suites), Path(source)


def _by_folder(folder: Path, suites: Sequence[Component]) -> Component:
    """The suite whose files the folder holds; where several do, the one that asks for most of them."""
    inside = {path.name for path in folder.expanduser().iterdir()}
    fitting = [one for one in suites if one.accepts and inside.issuperset(one.accepts)]
    most = max((len(one.accepts) for one in fitting), default=0)
    best = [one for one in fitting if len(one.accepts) == most]
    if not best:
        known = [one for one in suites if one.accepts]
        raise SuiteError(
            f"{folder} holds no suite: " + ("; ".join(_lacking(one, inside) for one in known) or "none knows folders"),
            hint="\n".join(
                [f"what its files are: ragsys eval --list {one.name}" for one in known]
                + [f"or name the suite: ragsys eval NAME --data {places.quoted(folder)}"]
            ),
        )
    if len(best) > 1:
        names = ", ".join(one.name for one in best)
        raise UsageError(
            f"{folder} may be of several suites: {names}", hint=f"ragsys eval NAME --data {places.quoted(folder)}"
        )
    return best[0]


def _lacking(component: Component, inside: Collection[str]) -> str:
    """Which of a suite's files are not there."""
    missing = [name for name in component.accepts if name not in inside]
    there = [name for name in component.accepts if name in inside]
    told = f"{' and '.join(missing)} {verb(len(missing))} missing for the suite '{component.name}'"
    return told + (f" ({', '.join(there)} is there)" if there else "")


def built(builder: Builder, role: str, spec: Spec) -> Any:
    """`Builder.build`, with wrong options told as wrong use. Raises `UsageError` and what building raises."""
    from pydantic import ValidationError

    try:
        return builder.build(role, spec)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{role} '{spec.use}': {name}: {first['msg'][0].lower()}{first['msg'][1:]}",
            hint=f"its options: ragsys plugins {role}.{spec.use}",
        ) from None


def questions_of(suite: Suite) -> list[Question]:
    """The suite's questions. Raises `SuiteError` where there are none, or two share an id."""
    found = list(suite.questions())
    if not found:
        raise SuiteError(
            f"suite '{suite.name}' has no questions", hint="its files hold none, or its --option leaves none of them"
        )
    seen: set[str] = set()
    for question in found:
        if question["id"] in seen:
            raise SuiteError(f"suite '{suite.name}': two questions have the id '{question['id']}'")
        seen.add(question["id"])
        if not question["question"].strip():
            raise SuiteError(f"suite '{suite.name}': question '{question['id']}' is empty")
    return found


def documents_of(suite: Suite) -> list[str]:
    """The suite's documents by their path below its root. Raises `SuiteError` where a file is missing."""
    there, missing = files_of(suite)
    if missing:
        raise SuiteError(
            f"suite '{suite.name}': {part(len(missing), len(there) + len(missing), 'document')} missing",
            hint=missing_files(suite, missing),
        )
    return there


def files_of(suite: Suite) -> tuple[list[str], list[str]]:
    """(documents whose file exists, those whose file is missing), by their path below the suite's root.

    Raises `SuiteError` where the suite has none, or one outside of its root.
    """
    paths = [Path(path) for path in suite.documents()]
    if not paths:
        raise SuiteError(f"suite '{suite.name}' has no documents in {suite.root}")
    found: tuple[list[str], list[str]] = ([], [])
    try:
        for path in paths:
            found[not path.is_file()].append(path.relative_to(suite.root).as_posix())
    except ValueError as error:
        raise SuiteError(f"suite '{suite.name}': a document is not below its root: {error}") from error
    return found


def missing_files(suite: Suite, missing: Sequence[str]) -> str:
    """The hint of an error on documents whose files are missing: where they were looked for, what a suite needs."""
    more = [f"and {len(missing) - _SHOWN:,} more"] if len(missing) > _SHOWN else []
    shown = [str(Path(suite.root) / name) for name in missing[:_SHOWN]]
    return "\n".join([*shown, *more, "which files a suite reads: ragsys eval --list"])


__all__ = [
    "Listed",
    "built",
    "documents_of",
    "files_of",
    "listed",
    "missing_files",
    "open_suite",
    "questions_of",
]
