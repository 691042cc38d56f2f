"""`ragsys eval`: ask a suite's questions of several configurations, score what comes, say what differs for certain."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, output
from ragsys.cli.text import bold, coloured, dim, table
from ragsys.errors import UsageError
from ragsys.wording import part

if TYPE_CHECKING:
    from ragsys.cli.progress import Bar
    from ragsys.evaluation.folder import RunFolder
    from ragsys.evaluation.records import Scored

_BESIDE = {"as_json", "quiet", "verbose", "resume", "listing", "report_only", "fresh"}  # that change no number
#: What decides what is asked: without a meaning where nothing is.
_ASKING = (
    "data", "options", "configs", "overrides", "limit", "seed", "search_only", "library", "allow_incomplete", "fresh",
    "out", "resume",
)  # fmt: skip


@click.command(short_help="Ask a suite's questions of configurations; score and compare them.")
@click.argument("suite", required=False)
@click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER", help="Where a named suite's files lie.")
@click.option("--option", "options", multiple=True, metavar="A=VALUE", help="An option of the suite; repeatable.")
@click.option("-c", "--config", "configs", multiple=True, metavar="NAME|FILE", help="What to ask; repeatable.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a setting of all of them.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask a sample of N, each source in proportion.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample and of the statistics.")
@click.option("--search-only", is_flag=True, help="Rank pages; make no answers.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME[@K]", help="Instead of the suite's own; repeatable.")
@click.option("--judge", metavar="NAME|FILE", help="The configuration whose model judges answers, apart from readers.")
@click.option(
    "--scope",
    type=click.Choice(["official", "all"]),
    default="official",
    help="Search what the benchmark says, or everything.  [default: official]",
)
@click.option(
    "--library", type=click.Path(path_type=Path, file_okay=False), metavar="PATH", help="Where it is indexed."
)
@click.option("--allow-incomplete", is_flag=True, help="Take the library as it is, with layers and documents missing.")
@click.option("--fresh", is_flag=True, help="Ask again what an earlier run was answered.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the run goes.  [default: eval-runs/SUITE-DATE]"
)
@click.option("--resume", is_flag=True, help="Continue the run in --out, or the newest one; errors are asked again.")
@click.option("--report-only", is_flag=True, help="SUITE is a run's folder: score and report it again, ask nothing.")
@click.option("--list", "listing", is_flag=True, help="List suites and metrics; with SUITE, where to get it.")
@output
@click.pass_context
def eval(ctx: click.Context, /, shell: Shell, suite: str | None, **given: Any) -> None:
    """Ask the questions of SUITE of each --config, score the answers, compare.

    SUITE is a name (ragsys eval --list) or a folder of your own: questions.jsonl and pdfs/. All configurations share
    one library. DIR gets results.jsonl, scores.json, report.md, report.html and TREC files. A run that was interrupted
    goes on with --resume.
    """
    from ragsys.cli.scores import show

    if given["listing"]:
        _list(shell, suite)
        return
    if suite is None:
        raise UsageError("name a suite or a folder", hint="ragsys eval --list")
    again = given["report_only"]
    with shell.bar() as bar:
        scored, out = _again(suite, given) if given.pop("report_only") else _evaluate(ctx, shell, bar, suite, given)
    if shell.json:
        import json

        from ragsys.evaluation.codec import dumps

        shell.give(json.loads(dumps(scored)) | {"out": str(out)})
    else:
        show(shell, scored, out)
    if again:
        names = f", scored with {', '.join(given['metrics'])}" if given["metrics"] else ""
        shell.note(dim(f"the report, scores.json and the TREC files in {out} were written anew{names}"))
    failed = [name for name, found in scored.outcomes.items() if all(outcome["error"] is not None for outcome in found)]
    if failed:
        shell.note(coloured(f"every question ended with an error: {', '.join(failed)}", "red"))
        ctx.exit(1)


def _again(suite: str, given: dict[str, Any]) -> tuple[Scored, Path]:
    from ragsys.evaluation.finishing import again

    useless = [name for name in _ASKING if given[name]] + ["scope"] * (given["scope"] != "official")
    if useless:
        word = {"configs": "config", "overrides": "set", "options": "option"}.get(useless[0], useless[0])
        word = word.replace("_", "-")
        raise UsageError(f"--report-only asks nothing: --{word} has no meaning", hint="ragsys eval DIR --report-only")
    return again(Path(suite), given["metrics"], judge=given["judge"]), Path(suite)


def _evaluate(ctx: click.Context, shell: Shell, bar: Bar, suite: str, given: dict[str, Any]) -> tuple[Scored, Path]:
    from ragsys.evaluation.harness import evaluate

    runs: list[RunFolder] = []

    def started(run: RunFolder) -> None:
        runs.append(run)
        if shell.verbose:
            shell.note(dim(f"the run is in {run.path}"))

    try:
        scored = evaluate(
            suite,
            given["configs"] or (None,),
            data=given["data"],
            options=_options(given["options"]),
            overrides=given["overrides"],
            out=given["out"],
            resume=given["resume"],
            limit=given["limit"],
            seed=given["seed"],
            search_only=given["search_only"],
            metrics=given["metrics"],
            scope=given["scope"],
            judge=given["judge"],
            library=given["library"],
            allow_incomplete=given["allow_incomplete"],
            fresh=given["fresh"],
            command=written(ctx),
            watch=bar,
            started=started,
        )
    except KeyboardInterrupt:
        bar.clear()
        if runs:
            done, every = len(runs[0].outcomes), len(runs[0].questions) * len(runs[0].names)
            shell.note(f"{part(done, every, 'answer')} in {runs[0].path}; to go on, the same command with:")
            shell.note(bold(f"  --out {shlex.quote(str(runs[0].path))} --resume"))
        raise
    return scored, runs[0].path


def _options(given: tuple[str, ...]) -> dict[str, Any]:
    """{option: value} of `a=value`, read as YAML. Raises `UsageError`."""
    import yaml

    from ragsys.plainyaml import parse

    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--option {text}: expected a=value", hint="--option split=test")
        try:
            found[name.strip()] = parse(value)
        except yaml.YAMLError as error:
            raise UsageError(f"--option {text}: the value is not valid YAML") from error
    return found


def written(ctx: click.Context) -> str:
    """The command as it can be run again, without what changes no number. Secrets in `--set` are hidden."""
    from ragsys.masking import setting

    words = ["ragsys", "eval"]
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if param.name in _BESIDE or value in (None, False, ()) or value == param.get_default(ctx):
            continue
        for one in value if isinstance(value, tuple) else (value,):
            shown = str(one)
            if param.name == "overrides":
                shown = setting(shown)
            if isinstance(param, click.Option):
                words.append(max(param.opts, key=len))
            words += [] if one is True else [shown]
    return shlex.join(words)


def _list(shell: Shell, only: str | None) -> None:
    from ragsys.errors import did_you_mean
    from ragsys.evaluation.suites import listed

    suites, metrics = listed("suite"), listed("metric")
    if only is not None:
        known = [one.name for one in suites]
        if only not in known:
            raise UsageError(f"no suite named '{only}'.{did_you_mean(only, known)}", hint="ragsys eval --list")
        suites, metrics = [one for one in suites if one.name == only], []
    if shell.json:
        from ragsys.codec import plain

        shell.give({"suites": plain(suites), "metrics": plain(metrics)})
        return
    if only is None:
        shell.say(bold("suites"), dim("  where to get one, what it reads, its licence: ragsys eval --list NAME"))
        for row in table([(f"  {one.name}", one.summary) for one in suites]):
            shell.say(*row)
        for one in suites:
            if one.problem:
                shell.say(coloured(f"  {one.name} cannot be used here: {one.problem}", "yellow"))
        shell.say()
        shell.say(bold("metrics"), dim("  --metric NAME or NAME@K"))
        for row in table([(f"  {one.name}", one.summary) for one in metrics]):
            shell.say(*row)
        return
    for one in suites:
        licence = [dim(f"  {one.licence}")] if one.licence else []
        shell.say(bold(one.name), f"  {one.summary}", *licence)
        for line in one.about.splitlines():
            shell.say(f"  {line}".rstrip())
        if one.problem:
            shell.say(coloured(f"  cannot be used here: {one.problem}", "yellow"))
