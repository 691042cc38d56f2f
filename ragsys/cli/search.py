"""`ragsys search`: the best pages for a query, each with its best passage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragsys.cli.filters import Narrow, filters
from ragsys.cli.shell import Shell, Where, folder, library, output
from ragsys.cli.text import bold, dim, excerpt, highlighted, shortened, wrapped

if TYPE_CHECKING:
    from ragsys.library import Explained, SearchHit


@click.command()
@folder
@click.argument("query", nargs=-1, required=True)
@click.option("-k", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many pages.")
@click.option("--explain", is_flag=True, help="Show the score of every stage.")
@click.option("--no-index", is_flag=True, help="Search the library as it is; do not look for new files.")
@filters
@library
@output
def search(
    shell: Shell,
    where: Where,
    folder: Path,
    query: tuple[str, ...],
    k: int,
    explain: bool,
    no_index: bool,
    narrow: Narrow,
) -> None:
    """Find the pages in FOLDER that fit QUERY best."""
    from ragsys.cli.fresh import finish, refresh

    text = " ".join(query)
    with where.open(folder, shell) as opened:
        if not no_index:
            refresh(opened, shell)
        hits, explained = opened.find(text, k, filter=narrow(opened))
        _tell(shell, text, k, hits, explained, explain)  # before the library is closed, which takes its time
        if not no_index:
            finish(opened, shell)


def _tell(shell: Shell, text: str, k: int, hits: list[SearchHit], explained: Explained, explain: bool) -> None:
    if shell.json:
        from ragsys.codec import plain

        shell.give({"query": text, "k": k, "hits": plain(hits), **plain(explained)})
        return
    for hit in hits:
        _show(shell, hit, text, explain)
    if not hits:
        shell.say("no page fits")
    if explain:
        _explain(shell, explained)
    for note in explained.notes:
        shell.note(dim(note))


def _show(shell: Shell, hit: SearchHit, query: str, explain: bool) -> None:
    place = " > ".join(hit.headings) or hit.title
    shell.say(
        f"{hit.rank:>3}  ", bold(f"{hit.path} p.{hit.page}"), dim(f"  {hit.score:.3f}  {shortened(place, 70)}".rstrip())
    )
    for line in wrapped(excerpt(hit.passages[0], query), indent=5) if hit.passages else ():
        shell.say(*highlighted(line, query))
    if explain:
        stages = " · ".join(f"{stage} {score:.3f}" for stage, score in hit.stage_scores.items())
        shell.say(dim(f"     {stages}"))


def _explain(shell: Shell, explained: Explained) -> None:
    for name, share in explained.coverage.items():
        shell.say(dim(f"{name}: could find {share:.0%} of what was searched"))
    shell.say(dim(" · ".join(f"{stage} {1000 * seconds:.0f} ms" for stage, seconds in explained.seconds.items())))
