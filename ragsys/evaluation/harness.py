"""An evaluation from end to end: a suite's questions, asked of configurations over one library, scored and reported.

Read it from `evaluate` down. All configurations share one library: each is opened on it in turn and fills what it
lacks, so that what two of them have in common is made once. Answers are made without the cache of model replies: what a
question costs is what is measured. Whole outcomes are kept instead (`kept.py`), with the seconds they took.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys import places
from ragsys.config import Config, load
from ragsys.errors import RagsysError, UsageError
from ragsys.evaluation import kept, provenance, reach, ready
from ragsys.evaluation.asking import Asker, How
from ragsys.evaluation.finishing import finish, judged_by, scored_of
from ragsys.evaluation.folder import RUN, RunFolder
from ragsys.evaluation.records import Outcome, Question, Scored
from ragsys.evaluation.sampling import sampled
from ragsys.evaluation.scoring import always, build_metrics, questions_key
from ragsys.evaluation.suites import files_of, open_suite, questions_of
from ragsys.plugins import registry
from ragsys.progress import Progress, Watch
from ragsys.types import Query
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.library import Library
    from ragsys.protocols import Suite

log = logging.getLogger("ragsys.evaluation")
DEPTH = 20  # pages that every ranking holds at least
_TOLD_SECONDS = 0.1  # between two times that progress is told


@dataclass(frozen=True, slots=True)
class Named:
    """A configuration under the name that the run gives it."""

    name: str
    config: Config


def evaluate(
    suite: str | Path | Suite,
    configs: str | Path | Config | Named | Sequence[str | Path | Config | Named | None] = (None,),
    *,
    data: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    overrides: str | Sequence[str] = (),
    out: str | Path | None = None,
    resume: bool = False,
    limit: int | None = None,
    seed: int = 0,
    search_only: bool = False,
    metrics: str | Sequence[str] = (),
    scope: str = "official",
    judge: str | Path | Config | None = None,
    library: str | Path | None = None,
    allow_incomplete: bool = False,
    fresh: bool = False,
    report: bool = True,
    command: str = "ragsys.evaluation.evaluate",
    watch: Watch | None = None,
    started: Callable[[RunFolder], None] | None = None,
) -> Scored:
    """Ask a suite's questions of each configuration, score what came, and write the run to the folder `out`.

    `suite` is a registered name (whose files lie in `data`), a folder, or a `Suite`; `configs` are presets, files or
    `Config`s (one, or a list), all with the same `overrides`. `limit` asks a sample, stratified by source and decided
    by `seed`.
    `metrics` (`NAME` or `NAME@K`) replace the suite's own and those of cost; those that ask a model take the one of
    `judge`. `scope` is "official" (each question searches the documents that the benchmark says) or "all". Layers that
    are not complete are refused, and so are gold documents that are missing or could not be read, unless
    `allow_incomplete`, which takes the library as it is. `fresh` asks again what an
    earlier run was answered. `out` must be new, or `resume` continues the run in it, with its own configurations where
    none is given, and asks again what ended with an error. Without `report` nothing is compared and no reports are
    written. `started` is given the run before anything is asked. Interrupted (Ctrl-C), everything that was answered
    stays.

    Raises `UsageError`, `ConfigError`, `SuiteError`, `IncompleteLayer`, `LibraryBusy`; an error of a question is a part
    of its outcome.
    """
    watch = watch or (lambda _: None)
    if scope not in ("official", "all"):
        raise UsageError(f"scope is '{scope}': it is 'official' or 'all'")
    configs = [configs] if isinstance(configs, str | Path | Config | Named) else configs
    overrides = [overrides] if isinstance(overrides, str) else overrides
    metrics = [metrics] if isinstance(metrics, str) else metrics
    pinned = load(judge) if judge is not None else None
    if isinstance(suite, str | Path):
        opened = open_suite(suite, data=Path(data) if data is not None else None, options=options)
    else:
        opened = suite
    path = Path(out) if out is not None else _folder(opened.name, resume)
    if resume and not overrides and all(one is None for one in configs):
        chosen = _configs_of(path)
    else:
        chosen = named_configs(configs, overrides)
    asked, notes = build_metrics(
        metrics or (*opened.metrics, *always()), judge=pinned, needs=chosen[0].config, asked=bool(metrics)
    )
    notes += judged_by(pinned)
    documents, missing = files_of(opened)
    questions = sampled(questions_of(opened), limit, seed)
    notes += ready.files(opened, missing, questions, allowed=allow_incomplete)
    how = How(
        depth=max([DEPTH, *(one.k for one in asked if one.k is not None)]),
        search_only=search_only,
        scoped=scope == "official",
        partial=allow_incomplete,
        boxes=any(question.get("gold_boxes") for question in questions),
        passages=any(question.get("gold_passages") for question in questions),
    )
    place = places.place_of(opened.root, Path(library) if library is not None else None)
    about = _about(opened, chosen, how, questions, documents, place)
    scoring = {
        "suite_notes": list(getattr(opened, "notes", ())),
        "metrics": [one.name for one in asked],
        "judge": {"hash": pinned.hash, "config": pinned.dump()} if pinned else None,
        "notes": notes,
        "seed": seed,
        "limit": limit,
        "command": command,
    }
    about |= scoring
    run = (RunFolder.resume if resume else RunFolder.start)(path, about, questions)
    run.about |= scoring  # a run that is continued may be scored otherwise
    if started is not None:
        started(run)
    with run:
        for one in chosen:
            _ask_all(run, one, opened, documents, how, place, fresh=fresh, watch=watch)
    run.order()
    run.save()  # where everything was asked before, nobody else did
    if not report:
        return scored_of(run, asked, compared=False)
    return finish(run, asked, place=place, config=chosen[0].config)


def named_configs(
    configs: Sequence[str | Path | Config | Named | None], overrides: Sequence[str] = ()
) -> tuple[Named, ...]:
    """The configurations under short names: a preset's own, a file's without its folder and ending.

    Raises `ConfigError` on what is no configuration, `UsageError` where one is given twice.
    """
    found: list[Named] = []
    for given in configs or (None,):
        if isinstance(given, Named):
            found.append(given)
        elif isinstance(given, Config):
            found.append(Named(given.hash, given))
        else:
            config = load(given, overrides)
            source = str(given) if given is not None else _default_name()
            path = Path(source)
            name = path.stem if path.suffix in (".yaml", ".yml") else source
            if any(one.name == name for one in found):  # files of one name in two folders
                name = source
            found.append(Named(name, config))
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise UsageError(f"the configuration '{one.name}' is given twice", hint="to compare, name two that differ")
    return tuple(found)


def _configs_of(path: Path) -> tuple[Named, ...]:
    """The configurations of the run in a folder, as `run.json` has them. Raises `UsageError` where it hides a secret of
    theirs, and where there is no run."""
    if not (path / RUN).is_file():
        raise UsageError(f"{path} holds no run to continue", hint="without --resume, a new one starts there")
    run = RunFolder.read(path)
    found = []
    for one in run.about["configs"]:
        if "***" in json.dumps(one["config"]):
            raise UsageError(
                f"the run in {path} does not hold the secrets of its configuration '{one['name']}'",
                hint=f"name it: {run.resumed}",
            )
        try:
            found.append(Named(one["name"], Config.model_validate(one["config"])))
        except ValueError as error:
            raise UsageError(
                f"the run in {path} was made with a configuration '{one['name']}' of another form",
                hint=f"name it: {run.resumed}",
            ) from error
    return tuple(found)


def _default_name() -> str:
    import os

    from ragsys.configfile import DEFAULT

    return os.environ.get("RAGSYS_CONFIG") or DEFAULT


def _about(
    suite: Suite,
    configs: Sequence[Named],
    how: How,
    questions: Sequence[Question],
    documents: Sequence[str],
    place: places.Place,
) -> dict[str, Any]:
    """What `run.json` says at first. `decides` holds all that decides the lines of a run: a run is only continued by
    one that has it equal."""
    return {
        "format": 1,
        "suite": suite.name,
        "licence": suite.licence,
        "revision": suite.revision,
        "root": str(suite.root),
        "library": str(place.folder),
        "decides": {
            "suite": suite.name,
            "revision": suite.revision,
            "questions": questions_key(questions),
            "documents": len(documents),
            "configs": {one.name: one.config.hash for one in configs},
            "depth": how.depth,
            "search_only": how.search_only,
            "scope": "official" if how.scoped else "all",
            "allow_incomplete": how.partial,
            "code": provenance.code(registry()),
            "versions": provenance.versions(),
        },
        "configs": [{"name": one.name, "hash": one.config.hash, "config": one.config.dump()} for one in configs],
        "date": provenance.now(),
        "commit": provenance.commit(),
        "machine": provenance.machine(),
    }


def _folder(suite: str, resume: bool) -> Path:
    """`eval-runs/SUITE-DATE-TIME` below the current folder: a new one, or to resume, the newest that there is."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", suite).strip("-.") or "suite"
    if not resume:
        return Path("eval-runs") / f"{slug}-{time.strftime('%Y%m%d-%H%M%S')}"
    runs = sorted(Path("eval-runs").glob(f"{slug}-[0-9]*-[0-9]*/{RUN}"))
    if not runs:
        raise UsageError(f"no run of '{suite}' in eval-runs to continue", hint="name its folder: --out DIR --resume")
    return runs[-1].parent


# -- one configuration -----------------------------------------------------------------------------------------------


def _ask_all(
    run: RunFolder,
    named: Named,
    suite: Suite,
    documents: Sequence[str],
    how: How,
    place: places.Place,
    *,
    fresh: bool,
    watch: Watch,
) -> None:
    """Ask a configuration what it was not asked yet or failed at, and note what a reader of its numbers must know."""
    from ragsys.library import Library

    told = next(config for config in run.about["configs"] if config["name"] == named.name)
    todo = run.missing(named.name)
    # what was lost since is counted anew when it is asked
    told["reused"] = min(told.get("reused", 0), len(run.questions) - len(todo))
    if not todo and "coverage" in told:
        return
    answer = named.config.answer.model_copy(update={"cache": False})
    config = named.config.model_copy(update={"answer": answer})
    with Library(suite.root, config=config, folder=place.folder, background=False, index=False) as library:
        report = library.index(wait=not how.partial, progress=watch)
        pages = ready.readable(library)
        notes = [
            *ready.layers(library, report, allowed=how.partial),
            *ready.gold(library, report, run.questions, pages, allowed=how.partial),
            *reach.unread(documents, run.questions, pages),
            *report.warnings,
        ]
        lost = [path for path in documents if path not in pages]
        told |= {"coverage": _coverage(library), "generator": "", "notes": notes, "unreadable": lost}
        if not how.search_only:
            generator: Any = library.space.builder.build("generator", config.generator)
            told["generator"] = generator.identity
        store = kept.Kept(
            place.folder,
            {
                "code": run.about["decides"]["code"],
                "versions": run.about["decides"]["versions"],
                "config": named.config.hash,
                "generator": told["generator"],
                "content": kept.content_key(library.space),
                "how": [how.depth, how.search_only, how.scoped, how.boxes, how.passages],
                "documents": sorted(documents),
            },
            # what an incomplete library gives depends on the moment
            fresh=fresh or how.partial,
        )
        try:
            asker = Asker(library, named.name, suite.root, documents, how)
            _ask(run, told, asker, todo, store, suite.root, watch)
        except BaseException:
            with contextlib.suppress(RagsysError):  # what ended it says more
                run.save()
            raise
        finally:
            store.close()
        run.save()


def _ask(
    run: RunFolder,
    told: dict[str, Any],
    asker: Asker,
    todo: Sequence[Question],
    store: kept.Kept,
    root: Path,
    watch: Watch,
) -> None:
    """Ask the questions in order; `told` counts the outcomes that were those of an earlier run."""
    name, total = told["name"], len(run.questions)
    asked = errors = 0
    began = last = time.monotonic()
    for n, question in enumerate(todo, 1):
        outcome, known = ask_one(run, question, name, asker, store, root)
        told["reused"] = told.get("reused", 0) + known
        asked += not known
        errors += outcome["error"] is not None
        now = time.monotonic()
        if now - last > _TOLD_SECONDS or n == len(todo):
            last = now
            rate = asked / max(1e-6, now - began)
            left = (len(todo) - n) / rate if rate else None
            detail = counted(errors, "error") if errors else ""
            watch(Progress(name, total - len(todo) + n, total, "questions", detail, rate, left))


def ask_one(
    run: RunFolder, question: Question, name: str, asker: Asker, store: kept.Kept, root: Path
) -> tuple[Outcome, bool]:
    """(the outcome of a question, which is now in the run; whether it is that of an earlier run)."""
    key = store.key(question, kept.images_key(root, question))
    known = store.get(key)
    if known is not None:
        outcome: Outcome = {**known, "config": name}
        run.add(outcome)
        return outcome, True
    outcome = asker(question)
    store.put(key, outcome, run.add(outcome))
    return outcome, False


def _coverage(library: Library) -> dict[str, float]:
    index, where = library.searcher.index, Query("")
    return {
        name: round(min((index.coverage(spec.name, where) for spec in retriever.specs), default=1.0), 6)
        for name, retriever in library.space.layers.retrievers.items()
    }
