"""Where a chat's lines come from: an editor with history and completion in a terminal, plain lines from a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROMPT = "> "


def interactive() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def lines_of(history: Path, commands: Mapping[str, str]) -> Callable[[], str]:
    """What gives the next line; raises `EOFError` at the end and, in a terminal, `KeyboardInterrupt` at Ctrl-C.

    `commands` are {name: what it does}, for completion; `history` is the file of what was typed before.
    """
    if not interactive():
        return _piped
    if os.environ.get("TERM") == "dumb":
        return lambda: input(PROMPT)
    return _editor(history, commands)


def _piped() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.lstrip("\ufeff").rstrip("\r\n")


def _editor(history: Path, commands: Mapping[str, str]) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings

    from ragsys import private
    from ragsys.masking import command

    class Commands(Completer):
        """Completes the name of a command at the beginning of a line."""

        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Any:
            typed = document.text_before_cursor
            if typed.startswith("/") and " " not in typed:
                for name, about in commands.items():
                    if name.startswith(typed):
                        yield Completion(name, -len(typed), display_meta=about)

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    class Lines(FileHistory):
        """What was typed before, but for lines with a secret in them."""

        def store_string(self, string: str) -> None:
            if command(string) == string:
                super().store_string(string)

    kept: History
    try:
        private.folder(history.parent)
        private.file(history)
        with history.open("ab"):
            pass
        kept = Lines(str(history))
    except OSError:  # a folder that cannot be written costs the history alone
        kept = InMemoryHistory()
    session: PromptSession[str] = PromptSession(history=kept, completer=Commands(), key_bindings=keys)

    def read() -> str:
        return session.prompt(PROMPT, prompt_continuation=lambda width, *_: " " * width)

    return read
