"""An answer while it is written: drawn in place on stderr, and gone before the answer itself is shown."""

from __future__ import annotations

import shutil
import sys

import click

from ragsys.cli.text import cells, dim, rendered, safe, width

_UP, _CLEAR = "\x1b[{}A\r", "\x1b[J"  # so many rows up; clear from there on


class Live:
    """Shows text as it streams, in the lines of one block, and takes it off the screen again.

    Only the last lines that fit on the screen are drawn: what has left the screen could not be taken back, and would
    stand there twice.
    """

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._lines = [""]  # as drawn: never wider than the terminal
        self._drawn = 0  # rows on the screen

    @classmethod
    def of(cls, *, quiet: bool) -> Live:
        """One that draws if someone looks at stderr."""
        return cls(shown=not quiet and sys.stderr.isatty())

    def feed(self, piece: str) -> None:
        """Text that came."""
        if not self._shown or not piece:
            return
        for word in _words(safe(piece)):
            self._put(word)
        self._draw()

    def clear(self) -> None:
        """Take it off the screen. Idempotent."""
        if self._drawn:
            click.echo(self._back(), err=True, nl=False)
        self._lines, self._drawn = [""], 0

    def _put(self, word: str) -> None:
        """A word, or blanks; a word of several pieces that grows over the edge moves to the next line."""
        if word == "\n":
            self._lines.append("")
            return
        last, room = self._lines[-1], width() - 1
        if cells(last) + cells(word) <= room:
            self._lines[-1] = last + word if last or not word.isspace() else ""
            return
        if word.isspace():
            self._lines.append("")
            return
        head, _, tail = last.rpartition(" ")
        if head and cells(tail) + cells(word) <= room:
            self._lines[-1] = head
            self._lines.append(tail + word)
            return
        for char in word:  # a word that is wider than the screen
            if cells(self._lines[-1]) + cells(char) > room:
                self._lines.append("")
            self._lines[-1] += char

    def _draw(self) -> None:
        rows = self._lines[-max(1, shutil.get_terminal_size((100, 24)).lines - 2) :]
        text = "\n".join(rendered([dim(row)]) for row in rows)
        click.echo(f"{self._back()}{text}\n", err=True, nl=False)
        self._drawn = len(rows)
        del self._lines[:-200]  # what has left the screen

    def _back(self) -> str:
        return _UP.format(self._drawn) + _CLEAR if self._drawn else ""


def _words(text: str) -> list[str]:
    """Words, stretches of blanks, and line ends, in order."""
    found: list[str] = []
    for char in text.replace("\t", " "):
        kind = "\n" if char == "\n" else "blank" if char.isspace() else "word"
        same = found and kind != "\n" and (found[-1] != "\n") and found[-1].isspace() == (kind == "blank")
        if same:
            found[-1] += char
        else:
            found.append(char)
    return found
