"""`ragsys tune`: choose among presets and weights on one's own questions, or say that they are too few."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, output
from ragsys.cli.text import Part, bold, coloured, dim, one_line, table, wrapped
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.evaluation.records import Comparison
    from ragsys.tuning import Tuned


@click.command(short_help="Choose among presets and weights on your own questions.")
@click.argument("suite")
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER", help="Where a named suite's files lie.")
@click.option("--option", "options", multiple=True, metavar="A=VALUE", help="An option of the suite; repeatable.")
@click.option(
    "-c", "--config", "configs", multiple=True, metavar="NAME|FILE",
    help="What to choose from, the default first; repeatable.  [default: all presets for the same library]",
)  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a setting of all of them.")
@click.option(
    "--vary", type=click.Choice(["weights", "fuse", "candidates", "rank", "cut", "nothing"]), multiple=True,
    metavar="WHAT", help="What to vary of each: weights, fuse, candidates, rank, cut, nothing.  [default: all but cut]",
)  # fmt: skip
@click.option("--metric", default="page_recall@5", show_default=True, metavar="NAME[@K]", help="What to choose by.")
@click.option(
    "--least", type=click.FloatRange(min=0, min_open=True), default=0.02, show_default=True, metavar="GAIN",
    help="The smallest gain that is worth having.",
)  # fmt: skip
@click.option("--search-only/--answers", default=True, help="Rank pages only, or answer too.  [default: search only]")
@click.option(
    "--scope", type=click.Choice(["official", "all"]), default="official",
    help="Search what the benchmark says, or everything.  [default: official]",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask a sample of N, each source in proportion.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the folds, the sample and the intervals.")
@click.option(
    "--library", type=click.Path(path_type=Path, file_okay=False), metavar="PATH", help="Where it is indexed."
)
@click.option("--allow-incomplete", is_flag=True, help="Take the library as it is, with layers and documents missing.")
@click.option(
    "--write", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Write what was chosen as a preset."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the run goes.  [default: eval-runs/...]"
)
@output
@click.pass_context
def tune(ctx: click.Context, /, shell: Shell, suite: str, write: Path | None, **given: Any) -> None:
    """Choose among presets and weights by the questions of SUITE.

    SUITE is a folder of your own, questions.jsonl and pdfs/, or a name (ragsys eval --list). Every candidate is asked
    over one library. Nested cross-validation by document estimates what choosing gives on documents that it has not
    seen; where that cannot be told from nothing, the default stays, and it says how many more questions it takes. What
    was asked before is not asked again.
    """
    from ragsys.cli.eval import _options, written
    from ragsys.evaluation.writing import replace, writing
    from ragsys.tuning import RESULT, USUAL, check_new
    from ragsys.tuning import tune as choose
    from ragsys.tuning import write as write_preset

    if write is not None:
        check_new(write)
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(suite).name).strip("-.") or "suite"
    out = given.pop("out") or Path("eval-runs") / f"{slug}-tune-{time.strftime('%Y%m%d-%H%M%S')}"
    vary = tuple(one for one in given.pop("vary") or USUAL if one != "nothing")
    answers, options = not given.pop("search_only"), _options(given.pop("options"))
    try:
        with shell.bar() as bar:
            done = choose(
                suite, out=out, vary=vary, answers=answers, options=options, command=written(ctx), watch=bar, **given
            )
    except KeyboardInterrupt:
        shell.note("what was answered is kept: the same command goes on from there")
        raise
    wrote = write is not None and done.choice.verdict == "choose"
    if write is not None and wrote:
        write_preset(done.used, write, why=done.choice.sentence)
    result = told(done) | {"written": str(write) if wrote else None}
    with writing(done.run / RESULT, "then run the same command: it goes on"):
        replace(done.run / RESULT, (json.dumps(result, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    if shell.json:
        shell.give(result)
        return
    show(shell, done)
    if write is not None:
        shell.note(f"{write} holds it: --config {write}" if wrote else f"{write} was not written: the default stays")


def told(done: Tuned) -> dict[str, Any]:
    """The result as JSON."""
    from ragsys.codec import plain

    choice, start = done.choice, {one.name: one for one in done.candidates}
    gains = ("difference", "low", "high", "p", "n", "clusters")
    return {
        "suite": done.suite,
        "metric": choice.metric.name,
        "default": choice.default,
        "verdict": choice.verdict,
        "use": choice.use,
        "sentence": choice.sentence,
        "gain": {key: getattr(choice.gain, key) for key in gains},
        "least": choice.least,
        "needed": choice.needed,
        "more": choice.more,
        "tried": [
            {
                "name": one.name,
                "extends": start[one.name].source,
                "changes": list(start[one.name].changes),
                "value": plain(one.value),
                "gain": {key: getattr(one.gain, key) for key in gains},
                "chosen": one.chosen,
            }
            for one in choice.tried
        ],
        "notes": list(done.notes),
        "out": str(done.run),
    }


def show(shell: Shell, done: Tuned) -> None:
    """The table of candidates, the verdict, what to know."""
    from ragsys.cli.scores import cell

    choice = done.choice
    asked, documents = choice.gain.n, choice.gain.clusters
    about = (
        f"{counted(asked, 'question')} on {counted(documents, 'document')}, {counted(len(choice.tried), 'candidate')}"
    )
    shell.say(bold(done.suite), f"  {about}")
    shell.say()
    rows: list[list[Part]] = []
    for one in sorted(choice.tried, key=lambda one: (one.name != choice.default, -_gain(one.gain))):
        own = "" if one.name == choice.default else _difference(one.gain)
        name: Part = bold(one.name) if one.name == choice.use else one.name
        rows.append([name, cell(one.value, choice.metric), own, f"{one.chosen:.0%}"])
    head = ("", choice.metric.name, f"minus {choice.default}", "chosen in folds")
    for line in table(rows, head=head, right=(3,)):
        shell.say(*line)
    shell.say()
    colour = "green" if choice.verdict == "choose" else "yellow"
    for text in wrapped(choice.sentence):
        shell.say(coloured(text, colour))
    if choice.verdict == "choose" and done.used.changes:
        shell.say("  " + " ".join(f"--set '{change}'" for change in done.used.changes))
    if not shell.quiet:
        shell.say()
        for note in done.notes:
            shell.say(coloured("note: ", "yellow"), one_line(note))
        shell.say(dim(f"{done.run}: every outcome"))


def _gain(comparison: Comparison) -> float:
    return comparison.difference if comparison.higher_is_better else -comparison.difference


def _difference(comparison: Comparison) -> str:
    from ragsys.evaluation.statistics import number

    low, high = number(comparison.low, "+"), number(comparison.high, "+")
    return f"{number(comparison.difference, '+')} [{low}, {high}]"
