"""The end of a run: its lines become scores, `scores.json`, TREC files and reports. A run can be finished again."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragsys import places
from ragsys.config import Config, load
from ragsys.errors import RagsysError, UsageError
from ragsys.evaluation import codec, trecrag
from ragsys.evaluation.folder import RESULTS, RunFolder
from ragsys.evaluation.records import ConfigInfo, Outcome, Provenance, Scored
from ragsys.evaluation.report import Picture
from ragsys.evaluation.report import write as write_report
from ragsys.evaluation.scoring import NamedMetric, build_metrics, main_metrics, score
from ragsys.evaluation.trec import write as write_trec
from ragsys.wording import counted, part

if TYPE_CHECKING:
    from PIL.Image import Image

SCORES = "scores.json"
_DPI = 72  # of pages in a report


def finish(run: RunFolder, metrics: Sequence[NamedMetric], *, place: places.Place, config: Config | None) -> Scored:
    """Score the run as far as it is and write all that is made of it. Pages are drawn by the library of `config`."""
    scored = scored_of(run, metrics)
    codec.save(scored, run.path / SCORES)
    write_trec(scored, run.path)
    with _pictures(place, config) as picture:
        write_report(scored, run.path, picture)
    return scored


def again(path: Path, metrics: Sequence[str] = (), *, judge: str | Path | Config | None = None) -> Scored:
    """Score and report the run in a folder once more, with other metrics where some are named; no question is asked.

    A run that was scored with a judge is not scored without one, unless `metrics` says by what: its judged numbers
    would be gone. Raises `UsageError` there, where there is no run, and where a metric looks deeper than its rankings.
    """
    run = RunFolder.read(path)
    pinned = load(judge) if judge is not None else None
    made, notes = build_metrics(metrics or run.about["metrics"], judge=pinned, needs=load())
    notes += judged_by(pinned)
    depth = run.about["decides"]["depth"]
    for one in made:
        if one.k is not None and one.k > depth:
            raise UsageError(f"metric '{one.name}': the run holds {depth} pages a question", hint="run it anew")
    run.about["notes"] = notes
    # the command that makes these numbers, not those that were scored first
    named = isinstance(judge, str | Path)
    more = [word for name in metrics for word in ("--metric", name)] + (["--judge", str(judge)] if named else [])
    run.about["command"] = " ".join(filter(None, [run.about["command"], shlex.join(more)]))
    place = places.Place(Path(run.about["library"]), Path(run.about["root"]))
    return finish(run, made, place=place, config=None)


def judged_by(judge: Config | None) -> list[str]:
    """The note on which configuration the judge is of."""
    return [f"judged by the generator '{judge.generator.use}' of configuration {judge.hash}"] if judge else []


def scored_of(run: RunFolder, metrics: Sequence[NamedMetric], *, compared: bool = True) -> Scored:
    """The scores of a run, over the questions that every configuration was asked; `compared` with each other or not."""
    about = run.about
    names = run.names
    questions = [q for q in run.questions if all((q["id"], name) in run.outcomes for name in names)]
    if not questions:
        raise RagsysError(
            f"the run in {run.path} has no question that every configuration was asked",
            hint=f"go on with it: {run.resumed}",
        )
    outcomes: dict[str, list[Outcome]] = {name: [run.outcomes[q["id"], name] for q in questions] for name in names}
    notes = [*about.get("notes", ()), *about.get("suite_notes", ())]
    if len(questions) < len(run.questions):
        notes.append(
            f"unfinished: {part(len(questions), len(run.questions), 'question', 'was', 'were')} asked of every "
            "configuration"
        )
    if run.damaged:
        shown = ", ".join(map(str, run.damaged[:10])) + (", ..." if len(run.damaged) > 10 else "")
        notes.append(
            f"{RESULTS}: {counted(len(run.damaged), 'damaged line')} left out ({shown}); "
            f"to ask what they held again: {run.resumed}"
        )
    notes += _notes(run)
    if trecrag.is_topics(questions):
        notes += trecrag.notes(outcomes)
    return score(
        questions,
        outcomes,
        metrics,
        main=main_metrics(metrics) if compared else (),
        configs=[
            ConfigInfo(one["name"], one["hash"], one.get("generator", ""), one.get("coverage", {}))
            for one in about["configs"]
        ],
        provenance=Provenance(
            suite=about["suite"],
            licence=about["licence"],
            revision=about["revision"],
            command=about["command"],
            date=about["date"],
            commit=about["commit"],
            machine=about["machine"],
            seed=about["seed"],
            versions=about["decides"]["versions"],
        ),
        notes=notes,
        unreadable=sorted({doc for one in about["configs"] for doc in one.get("unreadable", ())}),
    )


def _notes(run: RunFolder) -> list[str]:
    """What the run says of its configurations; what holds for all of them is said once."""
    configs = run.about["configs"]
    shared = [note for note in configs[0].get("notes", ()) if all(note in one.get("notes", ()) for one in configs)]
    notes = list(shared)
    for one in configs:
        notes += [f"{one['name']}: {note}" for note in one.get("notes", ()) if note not in shared]
        if one.get("reused"):
            notes.append(
                f"{one['name']}: {one['reused']} of {len(run.questions)} outcomes are those of an earlier run of equal "
                "code and content, with the seconds that they took then"
            )
    if run.about["limit"] is not None:
        notes.append(f"a sample of {counted(len(run.questions), 'question')}, seed {run.about['seed']}")
    return notes


@contextlib.contextmanager
def _pictures(place: places.Place, config: Config | None) -> Iterator[Picture | None]:
    """What draws a page of a document, given by its path; None where the library cannot be opened now."""
    from ragsys.library import Library

    try:
        library = Library(place.root, config=config, folder=place.folder, background=False, index=False)
    except RagsysError:  # another process has it open, or it is gone: the report does without pages
        yield None
        return
    with library:
        docs = {path: state.doc for state in library.space.catalog for path in state.paths}

        def draw(doc: str, page: int) -> Image:
            return library.render(docs.get(doc, doc), page, dpi=_DPI).image

        yield draw
