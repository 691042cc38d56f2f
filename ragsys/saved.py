"""Saved answers and conversations: one HTML or Markdown file that needs nothing else, with the cited places drawn.

Everything that comes from a document or a question is text: escaped, never markup. The HTML forbids scripts and every
outside resource by its own policy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ragsys.answers import Answer, Citation, Statement
from ragsys.errors import RagsysError, UsageError
from ragsys.markup import jpeg, page
from ragsys.markup import plain as _plain
from ragsys.markup import text as _text
from ragsys.types import Level
from ragsys.wording import counted

DPI = 110.0
QUALITY = 80  # of the JPEG pictures
MEANING = {
    Level.SUPPORTED: "numbers, names, dates and negation of the sentence agree with the place",
    Level.QUOTED: "the quote stands there; the sentence was not proved by it",
    Level.LOCATED: "the place exists; the quote was not found in it",
    Level.NONE: "no place was found",
}
GONE = "the file is gone"


class Exchange(NamedTuple):
    """A turn of a conversation as it is saved."""

    asked: str  # as it was typed
    understood: str  # as it was asked of the documents; empty where that is the same
    answer: Answer
    at: str = ""  # ISO date and time


def save(answer: Answer, path: Path) -> Path:
    """Write the answer as the file's ending says: `.html` (or `.htm`) or `.md`. Raises `UsageError` on another."""
    writers = {".html": to_html, ".htm": to_html, ".md": to_markdown, ".markdown": to_markdown}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UsageError(
            f"{path}: an answer is saved as .html or .md, found '{path.suffix}'", hint="--save answer.html"
        )
    return write(path, writer(linked_from(answer, path.parent)))


def linked_from(answer: Answer, folder: Path) -> Answer:
    """The answer with links to its files as they are from a folder: what is saved may move with its documents."""
    return replace(answer, citations=tuple(replace(one, file=_relative(one.file, folder)) for one in answer.citations))


def _relative(file: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(file, folder.absolute())).as_posix() if file else ""
    except ValueError:  # another drive, on Windows
        return file


def write(path: Path, text: str) -> Path:
    """Write a text file, with the folders above it. Raises `UsageError` where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def to_html(answer: Answer) -> str:
    """The answer as one page: text with marks, then each citation with its picture; light and dark, no script."""
    return _whole(answer.question, _sections(answer, "c", "h2"))


def conversation_html(name: str, turns: Sequence[Exchange]) -> str:
    """A conversation as one page: each question, how it was understood, and its answer as `to_html` shows it."""
    told = []
    for n, one in enumerate(turns, 1):
        understood = f'<p class="understood">understood as: {_text(one.understood)}</p>' if one.understood else ""
        when = f"<time>{_text(_minute(one.at))}</time>" if one.at else ""
        body = f'<h2 class="asked">{_text(one.asked)}</h2>{when}{understood}{_sections(one.answer, f"t{n}c", "h3")}'
        told.append(f'<section class="turn" id="t{n}">{body}</section>')
    return _whole(f"Conversation {name}", "\n".join(told))


def _whole(title: str, body: str) -> str:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return page(title=title, policy=policy, style=_STYLE, body=f"<main>\n<h1>{_text(title)}</h1>\n{body}\n</main>")


def _sections(answer: Answer, anchor: str, heading: str) -> str:
    """The answer without its question. `anchor` begins the ids of its sources, `heading` is the tag of its headings."""
    figures = "\n".join(_figure(answer, citation, anchor) for citation in answer.sources)
    title = f"<{heading}>Sources</{heading}>"
    sections = [
        f'<p class="status {answer.status}">{answer.status}</p>',
        f'<div class="answer">{_body(answer, anchor)}</div>',
        f'<section class="sources" aria-label="Sources">{title}{figures}</section>' if figures else "",
        _doubts(answer.unsupported, heading),
        _facts(answer),
    ]
    return "\n".join(section for section in sections if section)


def to_cell(answer: Answer) -> str:
    """The answer as a small piece of HTML for a notebook: text, sources with quotes, no pictures, no scripts."""
    status = f"<p><b>{answer.status}</b></p>" if answer.status != "answered" else ""
    said = " ".join(
        _text(one.text) + "".join(f"<sup>[{number}]</sup>" for number in one.citations) for one in answer.said
    )
    sources = "".join(
        f'<li value="{one.number}">{_text(_name(one))}, page {one.page}, {one.level.value}'
        f"{f', {GONE}' if one.gone else ''}{f'<br><i>{_text(one.quote)}</i>' if one.quote else ''}</li>"
        for one in answer.sources
    )
    body = f"{status}<p>{said or _text(answer.text)}</p>" + (f"<ol>{sources}</ol>" if sources else "")
    return f'<div class="ragsys-answer">{body}{_doubts(answer.unsupported, "h4")}</div>'


def to_markdown(answer: Answer) -> str:
    """The answer as Markdown; pictures stand in it as data, so that the file can be moved alone."""
    return "\n".join([f"# {_plain(answer.question)}", "", *_lines(answer, "##")]).rstrip() + "\n"


def conversation_markdown(name: str, turns: Sequence[Exchange]) -> str:
    """A conversation as Markdown: each question, how it was understood, and its answer as `to_markdown` shows it."""
    lines = [f"# Conversation {_plain(name)}", ""]
    for n, one in enumerate(turns, 1):
        lines += [f"## {n}. {_plain(one.asked)}", ""]
        lines += [f"*{_plain(_minute(one.at))}*", ""] if one.at else []
        lines += [f"*understood as: {_plain(one.understood)}*", ""] if one.understood else []
        lines += [*_lines(one.answer, "###"), ""]
    return "\n".join(lines).rstrip() + "\n"


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _lines(answer: Answer, heading: str) -> list[str]:
    lines = [_marked(answer) or _plain(answer.text), ""]
    if answer.status != "answered":
        lines += [f"*{answer.status}*", ""]
    for citation in answer.sources:
        name = _plain(_name(citation))
        name = f"[{name}](<{citation.link}>)" if citation.link else name
        lines += [f"{heading} [{citation.number}] {name}, page {citation.page}", ""]
        if citation.quote:
            lines += [f"> {_plain(citation.quote)}", ""]
        picture, why = _picture(citation)
        if picture:
            lines += [f"![page {citation.page}, with the cited place marked]({picture})", ""]
        if why:
            lines += [f"*no picture: {_plain(why)}*", ""]
        gone = f"; {GONE}" if citation.gone else ""
        lines += [f"{citation.level.value}: {MEANING[citation.level]}{gone}", ""]
    if answer.unsupported:
        lines += [f"{heading} Not proved", ""]
        lines += [f"- {_plain(one.text)} ({_plain('; '.join(one.problems))})" for one in answer.unsupported]
        lines.append("")
    lines += [f"- {_plain(note)}" for note in answer.notes]
    return [*lines, "", " · ".join(_plain(part) for part in _cost(answer))]


def _linked(citation: Citation) -> str:
    """The document's name, which opens its file at the cited page."""
    name = _text(_name(citation))
    return f'<a href="{_text(citation.link)}">{name}</a>' if citation.link else name


def _name(citation: Citation) -> str:
    return f"{citation.title} ({citation.path})" if citation.title else citation.path


def _body(answer: Answer, anchor: str) -> str:
    if not answer.said:
        return f"<p>{_text(answer.text)}</p>"
    parts = []
    for one in answer.said:
        kind = "" if one.level is Level.SUPPORTED else f' class="doubt" title="{_text("; ".join(one.problems))}"'
        links = "".join(f'<a class="mark" href="#{anchor}{number}">{number}</a>' for number in one.citations)
        parts.append(f"<span{kind}>{_text(one.text)}</span>{links}")
    return "<p>" + " ".join(parts) + "</p>"


def _marked(answer: Answer) -> str:
    return " ".join(_plain(one.text) + "".join(f" \\[{number}\\]" for number in one.citations) for one in answer.said)


def _figure(answer: Answer, citation: Citation, anchor: str) -> str:
    picture, why = _picture(citation)
    image = f'<img alt="page {citation.page} with the cited place marked" src="{picture}">' if picture else ""
    image = f'<p class="undrawn">no picture: {_text(why)}</p>' if why else image
    said = [one.text for one in answer.said if citation.number in one.citations]
    label = _text(" / ".join(said))
    quote = f"<blockquote>{_text(citation.quote)}</blockquote>" if citation.quote else ""
    level = citation.level.value
    return (
        f'<figure id="{anchor}{citation.number}" aria-label="Source {citation.number} of: {label}"><figcaption>'
        f'<b class="number">{citation.number}</b><span class="file">{_linked(citation)}</span>'
        f'<span class="page">page {citation.page}{f", {GONE}" if citation.gone else ""}</span>'
        f'<span class="level {level}" title="{_text(MEANING[citation.level])}">{level}</span></figcaption>'
        f"{quote}{image}</figure>"
    )


def _picture(citation: Citation) -> tuple[str, str]:
    """(the crop as a data URI, why there is none): without a picture the quote is still in the answer."""
    if citation.renderer is None:
        return "", ""
    try:
        image = citation.picture(DPI, crop=True)
    except RagsysError as error:
        return "", "" if citation.gone else error.message
    return jpeg(image, quality=QUALITY), ""


def _doubts(statements: tuple[Statement, ...], heading: str) -> str:
    if not statements:
        return ""
    items = "".join(f"<li>{_text(one.text)}<small>{_text('; '.join(one.problems))}</small></li>" for one in statements)
    return f'<section class="doubts"><{heading}>Not proved by what it cites</{heading}><ul>{items}</ul></section>'


def _facts(answer: Answer) -> str:
    notes = "".join(f"<li>{_text(note)}</li>" for note in answer.notes)
    return f"<footer><ul>{notes}</ul><p>{' · '.join(_text(part) for part in _cost(answer))}</p></footer>"


def _cost(answer: Answer) -> Iterator[str]:
    usage = answer.usage
    if not answer.generator:  # it was asked back: nothing was read
        return
    yield f"{counted(len(answer.evidence), 'page')} read"
    yield f"{usage.seconds:.2f} s"
    if usage.calls:
        yield f"{counted(usage.calls, 'model call')}, {counted(usage.tokens, 'token')}"
    if answer.generator:
        yield answer.generator
    if answer.trace:
        yield f"trace {answer.trace}"


_STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #616a75; --paper: #fbfaf7; --card: #fff; --line: #e2dfd8;
  --accent: #9a4d00; --good: #1d6b3a; --doubt: #a33a1e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --soft: #9aa3ad; --paper: #16181b; --card: #1e2125;
  --line: #32363c; --accent: #f0a24b; --good: #7fce9c; --doubt: #f08a6c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 system-ui, "Segoe UI", sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 1rem; text-wrap: balance; overflow-wrap: anywhere; }
h2, h3 { font-size: .8rem; text-transform: uppercase; letter-spacing: .08em; color: var(--soft); }
h2, h3 { margin: 2.5rem 0 .75rem; }
.turn { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
h2.asked { font-size: 1.2rem; text-transform: none; letter-spacing: 0; color: var(--ink); margin: 0 0 .5rem;
  overflow-wrap: anywhere; }
.understood, time { display: block; margin: 0 0 .75rem; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
.answer { font-size: 1.12rem; overflow-wrap: anywhere; }
.answer p { margin: 0; }
.status { color: var(--doubt); font-weight: 600; }
.status.answered { display: none; }
.doubt { text-decoration: underline wavy var(--doubt) 1px; text-underline-offset: .25em; }
a.mark, .number { display: inline-block; min-width: 1.45em; padding: 0 .35em; margin-left: .2em; border-radius: .7em;
  background: var(--accent); color: var(--paper); font: 600 .72rem/1.45rem system-ui, sans-serif; text-align: center;
  text-decoration: none; vertical-align: .12em; }
a.mark:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
figure { margin: 0 0 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  overflow: hidden; scroll-margin-top: 1rem; }
figure:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
figcaption { display: flex; flex-wrap: wrap; gap: .35rem .6rem; align-items: baseline; padding: .7rem 1rem; }
.number { margin: 0; }
.file { font-weight: 600; overflow-wrap: anywhere; }
.page { color: var(--soft); font-variant-numeric: tabular-nums; }
.level { margin-left: auto; font-size: .82rem; color: var(--doubt); }
.level.supported { color: var(--good); }
blockquote { margin: 0 1rem .9rem; padding-left: .8rem; border-left: 3px solid var(--accent); color: var(--soft);
  overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; border-top: 1px solid var(--line); background: #fff; }
.undrawn { margin: 0 1rem .9rem; color: var(--doubt); font-size: .9rem; overflow-wrap: anywhere; }
.doubts small { display: block; color: var(--soft); }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .85rem;
  color: var(--soft); }
footer ul { padding-left: 1.1rem; margin: 0 0 .5rem; }
footer p { margin: 0; overflow-wrap: anywhere; }
"""
