"""Write the numbers of a finished run into `eval/README.md`: `python eval/record.py RUN... [--metric NAME...]`.

RUN is the folder of `ragsys eval --out` (or its `scores.json`). A row is one configuration on one metric; a row of the
same suite, configuration, metric and command is replaced, so that recording a run twice changes nothing and a newer run
of the same command takes the place of the older one. Numbers of a checkout with uncommitted changes, or of a run with
errors or incomplete layers, are refused unless told: nobody could make them again.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from readme import README, cut, written

from ragsys.errors import UsageError, did_you_mean
from ragsys.evaluation import codec
from ragsys.evaluation.records import MetricInfo, Scored
from ragsys.evaluation.report import numbers, tables
from ragsys.markup import plain

SECTION = "measured"
HEAD = (
    "suite", "configuration", "metric", "value", "95 % interval", "n",
    "command", "config hash", "commit", "date", "machine",
)  # fmt: skip
COMMAND = HEAD.index("command")  # on the page its number, in a row itself
KEY = (0, 1, 2, COMMAND)  # the columns that say which measurement a row is
_NUMBERED = re.compile(r"- (\d+): `(.+)`")
_BESIDE = ("--out", "--library")  # options with a value that change no number
_CELL = re.compile(r"(?<!\\)\|")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="folder of a finished run, or its scores.json"
    )
    parser.add_argument("--metric", action="append", default=[], metavar="NAME", help="instead of the main ones")
    parser.add_argument("--readme", type=Path, default=README, help="the page (default: eval/README.md)")
    parser.add_argument(
        "--anyway", action="store_true", help="record uncommitted code, errors and incomplete layers too"
    )
    given = parser.parse_args(arguments)

    def change(page: str) -> str:
        rows = [row for run in given.runs for row in rows_of(read(run), given.metric, anyway=given.anyway)]
        return replaced(page, rows, given.readme)

    return written(given.readme, change, "the numbers are in")


def read(run: Path) -> Scored:
    """The scores of a run's folder."""
    return codec.load(run / "scores.json" if run.is_dir() else run)


def rows_of(scored: Scored, metrics: Iterable[str] = (), *, anyway: bool = False) -> list[tuple[str, ...]]:
    """A row a configuration and metric; the metrics that configurations are compared on where none is named."""
    about = scored.provenance
    if "+changes" in about.commit and not anyway:
        raise UsageError(
            f"{about.suite}: the run was made from uncommitted changes ({about.commit})",
            hint="commit them and run it again: outcomes of equal code are reused. Or: --anyway",
        )
    doubts = [note for note in scored.notes if "ended with an error" in note or note.startswith("unfinished")]
    doubts += [
        f"{config.name}: layer {layer} covers {share:.0%} of the documents"
        for config in scored.configs
        for layer, share in config.coverage.items()
        if share < 1
    ]
    if doubts and not anyway:
        raise UsageError(f"{about.suite}: {doubts[0]}", hint="ragsys eval ... --resume, or record it with --anyway")
    rows: list[tuple[str, ...]] = []
    for metric in _metrics(scored, list(metrics)):
        for config in scored.configs:
            found = scored.estimates.get(config.name, {}).get(metric.name)
            if found is None or found.value is None:
                continue
            rows.append(
                (
                    plain(about.suite),
                    plain(config.name),
                    plain(metric.name),
                    plain(numbers.value(found.value, metric)),
                    plain(numbers.interval(found, metric)) or numbers.NONE,
                    f"{found.n:,}",
                    command(about.command),
                    plain(config.hash),
                    plain(about.commit),
                    plain(about.date),
                    plain(about.machine),
                )
            )
    if not rows:
        raise UsageError(f"{about.suite}: the run has no such number", hint="--metric NAME, see its report.md")
    return rows


def _metrics(scored: Scored, names: list[str]) -> list[MetricInfo]:
    known = {metric.name: metric for metric in scored.metrics}
    for name in names:
        if name not in known:
            raise UsageError(f"the run has no metric '{name}'.{did_you_mean(name, known)}", hint=", ".join(known))
    compared = {one.metric for one in scored.comparisons}
    main = [metric for metric in scored.metrics if metric.name in compared]
    return [known[name] for name in names] or main or tables.main_metrics(scored)


def command(written: str) -> str:
    """The command without what changes no number; folders outside the checkout are told as `$DATA/NAME`."""
    words, kept = shlex.split(written), []
    while words:
        word = words.pop(0)
        if word in _BESIDE:
            words[:1] = []
        elif not word.startswith(tuple(f"{one}=" for one in _BESIDE)):
            kept.append(_portable(word))
    return " ".join(word if word.startswith("$DATA/") else shlex.quote(word) for word in kept)


def _portable(word: str) -> str:
    windows = PureWindowsPath(word)
    parts = PurePosixPath(word.replace("\\", "/")).parts
    outside = word.startswith(("/", "~")) or windows.drive != "" or ".." in parts
    return f"$DATA/{windows.name}" if outside and windows.name else word


def replaced(page: str, rows: Iterable[tuple[str, ...]], where: Path = README) -> str:
    """The page with these rows in its table, sorted; rows of the same key give way. Text outside the marks stays.

    A command stands on the page once, below the table, by a number that it keeps.
    """
    around = cut(page, SECTION, where)
    lines = around.section.splitlines()
    named = {match[1]: match[2] for line in lines if (match := _NUMBERED.fullmatch(line))}
    held: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in [line for line in lines if line.startswith("|")][2:]:
        cells = [cell.strip() for cell in _CELL.split(line.strip().strip("|"))]
        if len(cells) != len(HEAD):
            raise UsageError(f"{where}: a row of {len(cells)} cells, {len(HEAD)} are expected: {line[:80]}")
        if cells[COMMAND] not in named:
            raise UsageError(f"{where}: no command is numbered {cells[COMMAND]}: {line[:80]}")
        cells[COMMAND] = named[cells[COMMAND]]
        held[tuple(cells[place] for place in KEY)] = tuple(cells)
    held |= {tuple(row[place] for place in KEY): row for row in rows}
    number = _numbers({row[COMMAND] for row in held.values()}, named)
    told = [
        (*row[:COMMAND], str(number[row[COMMAND]]), *row[COMMAND + 1 :]) for _, row in sorted(held.items(), key=_order)
    ]
    table = [f"| {' | '.join(line)} |" for line in (HEAD, ("---",) * len(HEAD), *told)]
    commands = [f"- {n}: `{text}`" for text, n in sorted(number.items(), key=lambda one: one[1])]
    text = "\n".join([*table, *(["", "The commands, by their numbers:", "", *commands] if commands else [])])
    return f"{around.before}{text}{around.after}"


def _numbers(commands: Iterable[str], known: Mapping[str, str]) -> dict[str, int]:
    """{command: number}; those that have one keep it."""
    kept = {text: int(number) for number, text in known.items() if text in set(commands)}
    free = max(map(int, known), default=0) + 1
    return kept | {text: free + n for n, text in enumerate(sorted({*commands} - {*kept}))}


def _order(row: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
    suite, config, metric, command = row[0]
    return (suite, command, metric, config)


if __name__ == "__main__":
    sys.exit(main())
