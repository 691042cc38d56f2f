"""`ragsys tune`: which preset, and which weights of it, do best on one's own questions, and whether that is certain.

Candidates are presets or files and small changes of them, all asked over one library by the harness of the evaluations,
which reuses what was asked before. Which of them to use is decided in `ragsys.evaluation.choosing`. Read it from `tune`
down.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragsys.config import Config, Spec, load, preflight
from ragsys.configfile import DEFAULT, override
from ragsys.errors import RagsysError, UsageError, did_you_mean
from ragsys.evaluation.choosing import Choice, choose
from ragsys.evaluation.harness import Named, evaluate, named_configs
from ragsys.evaluation.scoring import NamedMetric, build_metrics
from ragsys.evaluation.statistics import clusters
from ragsys.evaluation.suites import open_suite, questions_of
from ragsys.places import quoted
from ragsys.plugins import Builder, Registry, registry
from ragsys.protocols import SetMetric
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.evaluation.folder import RunFolder
    from ragsys.evaluation.records import Outcome, Question
    from ragsys.progress import Watch

#: What can be varied; the last is only where it is asked for, as leaving pages out never helps a recall.
AXES = ("weights", "fuse", "candidates", "rank", "cut")
USUAL = AXES[:-1]
RESULT = "tune.json"
_WEIGHTS = (0.5, 2.0)  # of one retriever, times what it has
_CANDIDATES = (0.5, 2.0)  # times what the preset asks of each retriever
#: What decides how a library is made: presets that differ in it read another one.
_LIBRARY = ("loaders", "ocr", "layout", "splitter", "index", "store")
_ANSWERING = ("generator", "judge", "answer")  # decides no search


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that may be chosen."""

    name: str
    source: str  # the preset or file that it starts from
    changes: tuple[str, ...]  # a.b=value, laid over it
    config: Config


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it."""

    suite: str
    choice: Choice
    candidates: tuple[Candidate, ...]  # the default first
    run: Path  # the folder with every outcome
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> Candidate:
        """The candidate to use."""
        return next(one for one in self.candidates if one.name == self.choice.use)


def tune(
    suite: str | Path,
    configs: Sequence[str | Path] = (),
    *,
    out: Path,
    data: Path | None = None,
    options: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    metric: str = "page_recall@5",
    vary: Sequence[str] = USUAL,
    least: float = 0.02,
    answers: bool = False,
    scope: str = "official",
    library: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    allow_incomplete: bool = False,
    command: str = "ragsys.tuning.tune",
    watch: Watch | None = None,
    started: Callable[[RunFolder], None] | None = None,
) -> Tuned:
    """Choose among `configs` and their variations by a metric on a suite's questions; leave the run in `out`.

    The first of `configs` is the default that the others have to beat. Without any it is the default preset, and the
    others are all presets that can run here and read the same library. `vary` names what is changed of each (`AXES`),
    `least` is the smallest gain that is worth having. A run in `out` that asks the same is continued. The rest is as in
    `evaluation.evaluate`.

    Raises `UsageError` where the metric is unknown or says nothing of these questions, where they are on one document
    only, where there is nothing to choose from, and what `evaluate` raises.
    """
    opened = open_suite(suite, data=data, options=options)
    named = _metric(metric)
    _check(named, questions_of(opened), answers=answers)
    candidates, notes = candidates_of(configs, overrides, vary, answers=answers)
    scored = evaluate(
        opened,
        [Named(one.name, one.config) for one in candidates],
        out=out,
        resume=(out / "run.json").is_file(),
        limit=limit,
        seed=seed,
        search_only=not answers,
        metrics=[metric],
        scope=scope,
        library=library,
        allow_incomplete=allow_incomplete,
        report=False,
        command=command,
        watch=watch,
        started=started,
    )
    scores = {name: of[named.name] for name, of in scored.scores.items() if named.name in of}
    labels = clusters(scored.questions)
    shared = [n for n in range(len(labels)) if scores and all(of[n] is not None for of in scores.values())]
    if len({labels[n] for n in shared}) < 2:
        raise UsageError(
            f"{named.name} has a score of every candidate for {counted(len(shared), 'question')} only: too few to "
            "choose by",
            hint=f"what each was given: ragsys eval {quoted(out)} --report-only",
        )
    choice = choose(named.info, scores, labels, least=least, seed=seed)
    return Tuned(opened.name, choice, tuple(candidates), out, (*notes, *scored.notes))


def _metric(name: str) -> NamedMetric:
    """The metric of a name. Raises `UsageError` on one that is unknown, needs a judge, or has no score a question."""
    (found,), _ = build_metrics([name], needs=load())
    if isinstance(found.metric, SetMetric):
        raise UsageError(f"metric '{name}' is of all questions together: choosing takes one that has a score for each")
    return found


def _check(named: NamedMetric, questions: Sequence[Question], *, answers: bool) -> None:
    """Raises `UsageError` where the metric has nothing to say of the questions, before any of them is asked."""
    told = [question for question in questions if _speaks(named, question, answers=answers)]
    if not told:
        if not answers and any(_speaks(named, question, answers=True) for question in questions):
            raise UsageError(f"metric '{named.name}' needs answers, and only searches are made", hint="--answers")
        raise UsageError(
            f"metric '{named.name}' says nothing of these {len(questions):,} questions: they lack the gold it needs",
            hint='most metrics of a search need gold pages: "gold_pages": [{"doc": "report.pdf", "page": 3}]\n'
            "another metric: --metric NAME        see them all: ragsys eval --list",
        )
    labels = set(clusters(told))
    if len(labels) < 2:
        raise UsageError(
            f"all {len(told):,} questions that metric '{named.name}' has a score for are on one document: what is best "
            "for it says nothing of another",
            hint="add questions on other documents: it takes ten documents or more to choose",
        )


def _speaks(named: NamedMetric, question: Question, *, answers: bool) -> bool:
    """Whether the metric has a score for an outcome that found nothing or, with `answers`, that said nothing."""
    nothing: Outcome = {
        "id": question["id"], "config": "", "pages": [], "answer": None, "status": None, "citations": [],
        "usage": {}, "seconds": {"total": 0.0}, "error": None,
    }  # fmt: skip
    tried = [nothing]
    if answers:
        tried = [{**nothing, "answer": "", "status": status} for status in ("answered", "abstained")]
    return any(named.metric.score(question, one) is not None for one in tried)


# -- candidates --------------------------------------------------------------------------------------------------------


def candidates_of(
    configs: Sequence[str | Path] = (),
    overrides: Sequence[str] = (),
    vary: Sequence[str] = USUAL,
    *,
    answers: bool = False,
    installed: Registry | None = None,
) -> tuple[list[Candidate], list[str]]:
    """(the candidates, the default first, the others by how much they differ from it; what was left out and why)."""
    installed = installed or registry()
    for axis in vary:
        if axis not in AXES:
            raise UsageError(f"--vary {axis}: no such thing.{did_you_mean(axis, AXES)}", hint=", ".join(AXES))
    notes: list[str] = []
    bases = _given(configs, overrides) if configs else _installed(overrides, installed, notes)
    found = list(bases)
    for base in bases:
        for name, changes in _changes(base.config, bases, vary, installed):
            config = load(base.source, [*overrides, *changes])
            found.append(Candidate(f"{base.name}, {name}", base.source, (*base.changes, *changes), config))
    unique: dict[str, Candidate] = {}
    for one in found:
        kept = unique.setdefault(_identity(one.config, answers=answers), one)
        if kept is not one and one in bases:
            notes.append(f"{one.name} was left out: it {'is' if answers else 'searches'} the same as {kept.name}")
    if len(unique) < 2:
        ranked = any(base.config.search.rank for base in bases) and {"weights", "fuse"} & set(vary)
        why = ": its ranking model orders the pages, whatever the weights of the lists and their fusion are"
        raise UsageError(
            f"there is nothing to choose from: one candidate only{why if ranked else ''}",
            hint="name others: --config A --config B"
            + "\nto choose among weights without the ranking model: --set search.rank=null" * bool(ranked),
        )
    return list(unique.values()), notes


def _given(configs: Sequence[str | Path], overrides: Sequence[str]) -> list[Candidate]:
    """The configurations that were named. Raises `UsageError` where one library cannot serve them all."""
    named = named_configs(configs, overrides)
    for one in named[1:]:
        if one.config.store != named[0].config.store:
            raise UsageError(
                f"{one.name} and {named[0].name} keep their points in different stores: one library serves all",
                hint="choose among configurations of one store: --set store=...",
            )
    pairs = zip(named, configs, strict=True)
    return [Candidate(one.name, str(source), tuple(overrides), one.config) for one, source in pairs]


def _installed(overrides: Sequence[str], installed: Registry, notes: list[str]) -> list[Candidate]:
    """The default preset and all others that can run here and read its library."""
    first = os.environ.get("RAGSYS_CONFIG") or DEFAULT
    default = Candidate(named_configs([first])[0].name, first, tuple(overrides), load(first, overrides))
    found = [default]
    for name in installed.resources("preset"):
        if name == default.name:
            continue
        try:
            config = load(name, overrides)
        except RagsysError as error:
            notes.append(f"{name} was left out: {error.message.splitlines()[0]}")
            continue
        if problems := preflight(config, installed):
            notes.append(f"{name} was left out: {problems[0].message.splitlines()[0]}")
        elif not _same_library(config, default.config, installed):
            try_it = f"; to try it: --config {default.name} --config {name}" * (config.store == default.config.store)
            notes.append(f"{name} was left out: it reads another library than {default.name}{try_it}")
        else:
            found.append(Candidate(name, name, tuple(overrides), config))
    return found


def _same_library(config: Config, default: Config, installed: Registry) -> bool:
    """Whether a library that is complete for the default is complete for another configuration."""
    if any(getattr(config, key) != getattr(default, key) for key in _LIBRARY):
        return False
    return _layers(config, installed) <= _layers(default, installed)


def _layers(config: Config, installed: Registry) -> set[str]:
    builder = Builder(installed, config.defaults, Path(), Path())
    return {builder.fingerprint("retriever", spec) for spec in config.search.lists.values()}


def _identity(config: Config, *, answers: bool) -> str:
    """What decides the outcomes of a run."""
    data = config.dump(redact=False)
    return json.dumps({key: data[key] for key in sorted(data) if answers or key not in _ANSWERING}, sort_keys=True)


def _changes(
    config: Config, bases: Sequence[Candidate], vary: Sequence[str], installed: Registry
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(name, changes) of every variation of a configuration, one thing at a time."""
    search = config.search
    several = len(search.lists) > 1
    # a ranker orders the pages itself: what the fusion made of them decides next to nothing
    fused = several and search.rank is None
    if "weights" in vary and fused:
        weights = getattr(Builder(installed, {}, Path(), Path()).options("fusion", search.fuse), "weights", None)
        for name in search.lists if isinstance(weights, Mapping) else ():
            for factor in _WEIGHTS:
                value = f"{float(weights.get(name, 1.0)) * factor:g}"  # type: ignore[union-attr]
                yield f"{name} x{value}", (f"search.fuse.weights.{name}={value}",)
    if "fuse" in vary and fused:
        for component, _ in installed.components("fusion"):
            if component.name != search.fuse.use and not component.needs:
                yield f"fuse {component.name}", (f"search.fuse={component.name}",)
    if "candidates" in vary:
        for factor in _CANDIDATES:
            count = max(1, round(search.candidates * factor))
            yield f"{count} candidates", (f"search.candidates={count}",)
    if "rank" in vary:
        yield from _choices("rank", search.rank, [base.config.search.rank for base in bases])
    if "cut" in vary:
        cuts = [Spec(use=component.name) for component, _ in installed.components("cut") if not component.needs]
        yield from _choices("cut", search.cut, [*(base.config.search.cut for base in bases), *cuts])


def _choices(key: str, own: Spec | None, others: Sequence[Spec | None]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Without the stage, and with that of each other configuration."""
    if own is not None:
        yield f"no {key}", (f"search.{key}=null",)
    seen = [own]
    for spec in others:
        if spec is not None and spec not in seen:
            seen.append(spec)
            yield f"{key} {spec.use}", (f"search.{key}={json.dumps(spec.model_dump(mode='json'))}",)


# -- the chosen one as a file ------------------------------------------------------------------------------------------


def write(candidate: Candidate, path: Path, why: str = "") -> None:
    """Write a candidate as a YAML file that extends what it starts from; `why` becomes its comment.

    Raises `UsageError` where there is something already, `RagsysError` where it cannot be written.
    """
    import yaml

    check_new(path)
    source = Path(candidate.source)
    extends = str(source.expanduser().resolve()) if source.suffix in (".yaml", ".yml") else candidate.source
    changes: dict[str, Any] = {}
    for change in candidate.changes:
        changes = override(changes, change)
    head = "".join(f"# {line}\n" for line in why.splitlines())
    text = head + yaml.safe_dump({"extends": extends, **changes}, sort_keys=False, allow_unicode=True)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise RagsysError(f"{path}: {error.strerror or error}") from error


def check_new(path: Path) -> None:
    """Raises `UsageError` where a file cannot be written as a new configuration."""
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"--write {path}: a configuration's name ends in .yaml", hint=f"--write {path}.yaml")
    if path.exists():
        raise UsageError(f"--write {path}: it is there already", hint="name another file, or move that one away")


__all__ = ["AXES", "RESULT", "USUAL", "Candidate", "Tuned", "candidates_of", "check_new", "tune", "write"]
