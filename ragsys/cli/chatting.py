"""One session of `ragsys chat`: questions are answered, lines that begin with / are commands."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ragsys import masking
from ragsys.cli.ask import show
from ragsys.cli.live import Live
from ragsys.cli.shell import Shell, Where
from ragsys.cli.text import Styled, bold, coloured, dim, one_line, shortened, table, wrapped
from ragsys.errors import ConfigError, LibraryBusy, RagsysError, UsageError, did_you_mean
from ragsys.exchange import Cancel
from ragsys.wording import counted

if TYPE_CHECKING:
    from ragsys.chat import Chat, ChatTurn
    from ragsys.library import Library
    from ragsys.remote import RemoteLibrary

#: Opens the library under a configuration.
Open = Callable[[Where], "Library | RemoteLibrary"]


class Command(NamedTuple):
    """A command of a chat."""

    usage: str
    about: str


COMMANDS = {
    "/help": Command("/help", "these commands"),
    "/sources": Command("/sources", "what the last answer cites, and how far it is proved"),
    "/show": Command("/show N [FILE.png]", "the cited place as a picture: opened, or saved"),
    "/why": Command("/why [FILE:PAGE]", "how the last answer came about; why a page was not read"),
    "/config": Command("/config [A.B=VALUE]", "show the settings, or change one for this chat"),
    "/save": Command("/save FILE [all]", "save the last answer, or all of them: .html or .md, with page crops"),
    "/new": Command("/new [NAME]", "begin another thread"),
    "/threads": Command("/threads [NAME]", "list the threads, or go on with one"),
    "/undo": Command("/undo", "take the last question back"),
    "/quit": Command("/quit", "end; so does Ctrl-D"),
}


class Session:
    """A chat at a terminal or a pipe."""

    def __init__(
        self,
        shell: Shell,
        where: Where,
        opening: Open,
        *,
        thread: str | None,
        narrow: Callable[[Any], dict[str, Any]],
        budget: dict[str, float] | None,
        terminal: bool,
        before: Callable[[Any], None],
    ) -> None:
        """`before` brings an opened library up to its folder."""
        self.shell, self.where, self.terminal = shell, where, terminal
        self._opening, self._narrow, self._budget, self._before = opening, narrow, budget, before
        self.failed = False
        self._noted: set[str] = set()
        self.library: Library | RemoteLibrary = opening(where)
        try:
            before(self.library)
            self.chat: Chat = self._begin(thread)
        except BaseException:
            self.library.close()
            raise

    def _begin(self, thread: str | None) -> Chat:
        chat = self.library.chat(thread, filter=self._narrow(self.library), budget=self._budget)
        for note in chat.notes:
            self._tell(coloured("note: ", "yellow"), note)
        return chat

    def close(self) -> None:
        """Let go of the thread and the library."""
        self.chat.close()
        self.library.close()

    def _tell(self, *parts: Any) -> None:
        """A line of a command: beside the answers where those are JSON."""
        (self.shell.note if self.shell.json else self.shell.say)(*parts)

    def greet(self) -> None:
        """What a person sees first."""
        status = self.library.status()
        holds = f"{counted(status.documents, 'document')}, {counted(status.pages, 'page')}"
        self._tell(bold(self.library.place.root.name), f"  {holds}  ", dim("/help lists the commands, Ctrl-D ends"))
        if self.chat.turns:
            self._resumed()

    def _resumed(self) -> None:
        turns = self.chat.turns
        asked = shortened(turns[-1].asked, 80)
        self._tell(dim(f"thread {self.chat.thread}, {counted(len(turns), 'turn')}; the last: {asked}"))
        cited = [citation for turn in turns for citation in turn.answer.citations]
        if stale := sum(bool(self.chat.stale(citation)) for citation in cited):
            self._tell(
                coloured(f"{stale} of {counted(len(cited), 'citation')} are stale: their files changed", "yellow")
            )

    # -- a line ----------------------------------------------------------------------------------------------------

    def line(self, text: str) -> bool:
        """Do what a line says; False at the end. A user's mistake is told, and the chat goes on."""
        text = text.strip()
        if not text:
            return True
        if not self.terminal and not self.shell.json:
            self.shell.say(bold(f"> {one_line(masking.command(text))}"))
        try:
            if text.startswith("/"):
                return self._command(text)
            self._ask(text)
        except RagsysError as error:
            self.failed = True
            self._error(error)
        return True

    def _error(self, error: RagsysError) -> None:
        if self.shell.json:
            click.echo(json.dumps(error.as_dict(), ensure_ascii=False))
            return
        told = error.as_dict()
        # a mistake of the configuration may be several, one a line
        first, *more = str(told["message"]).split("\n") if isinstance(error, ConfigError) else [str(told["message"])]
        self.shell.say(Styled(f"{told['error']}: ", "red", True), first)
        for line in more:
            self.shell.say(line)
        for line in str(told["hint"] or "").splitlines():
            self.shell.say(dim(f"  {line}"))

    def _ask(self, text: str) -> None:
        live, cancel, made = Live(shown=self.terminal), Cancel(), None
        try:
            for event in self.chat.stream(text, cancel=cancel):
                if event.kind == "progress" and event.data is not None and not self.shell.json:
                    self.shell.faint(f"understood as: {event.text}")
                elif event.kind == "text":
                    live.feed(event.text)
                elif event.kind == "warning":
                    live.clear()
                    self.shell.note(Styled("warning: ", "yellow"), event.text)
                elif event.kind == "answer":
                    made = event.data
        except KeyboardInterrupt:
            cancel.set()
            if not self.terminal:
                raise
            live.clear()
            self.shell.say(dim("cancelled; what came before is kept"))
            return
        finally:
            live.clear()
        if made is None:
            return
        if self.shell.json:
            told = {"thread": self.chat.thread, "turn": len(self.chat.turns), "asked": text}
            told |= {"understood": self.chat.query.to_json() if self.chat.query else None, "answer": made.to_json()}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            own = made.notes[:1] if made.status != "answered" else ()  # what is missing is told each time
            notes = tuple(note for note in made.notes if note in own or note not in self._noted)  # the others once
            self._noted.update(notes)
            show(self.shell, replace(made, notes=notes))
            self.shell.say()

    def _command(self, text: str) -> bool:
        name, _, rest = text.partition(" ")
        name = {"/exit": "/quit", "/q": "/quit", "/?": "/help", "/h": "/help"}.get(name.lower(), name.lower())
        if name not in COMMANDS:
            raise UsageError(f"no command '{one_line(name)}'.{did_you_mean(name, COMMANDS)}", hint="/help lists them")
        if name == "/quit":
            return False
        done: Callable[[str], None] = getattr(self, f"_{name[1:]}")
        done(rest.strip())
        return True

    def _last(self) -> ChatTurn:
        if not self.chat.turns:
            raise UsageError("nothing was answered in this thread yet", hint="ask a question first")
        return self.chat.turns[-1]

    # -- commands --------------------------------------------------------------------------------------------------

    def _help(self, _: str) -> None:
        for line in table([[bold(one.usage), one.about] for one in COMMANDS.values()]):
            self._tell(*line)
        if self.terminal:
            self._tell(dim("Alt-Enter (or Esc, Enter) begins a new line; Ctrl-C gives an answer up"))

    def _sources(self, _: str) -> None:
        answer = self._last().answer
        if not answer.citations:
            self._tell("the last answer cites nothing")
        for citation in answer.citations:
            stale = self.chat.stale(citation)
            self._tell(
                Styled(f"[{citation.number}] ", "cyan", True),
                bold(f"{citation.path} p.{citation.page}"),
                f"  {citation.level.value}",
                coloured(f"  stale: {stale}" if stale else "", "yellow"),
            )
            for line in wrapped(f"“{shortened(citation.quote, 300)}”", indent=4) if citation.quote else ():
                self._tell(line)

    def _show(self, rest: str) -> None:
        number, _, file = rest.partition(" ")
        turn = self._last()
        cited = {str(one.number): one for one in turn.answer.citations}
        number = number.strip("[]")
        if number not in cited:
            known = ", ".join(cited) or "none"
            raise UsageError(
                f"/show {rest}: the last answer has no source [{number}]" if number else "/show: which source?",
                hint=f"/show N with N of: {known}",
            )
        image = cited[number].picture(150, crop=True)
        path = _file(file) if file.strip() else self._shown(number)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be written: {error}", hint="/show 1 crop.png") from error
        if self.terminal and not file.strip() and _display() and click.launch(str(path)) == 0:
            self._tell(dim(f"opened {path}"))
        else:
            self._tell(f"saved as {path}")

    def _shown(self, number: str) -> Path:
        from ragsys.places import cache_dir

        return cache_dir() / "shown" / f"{self.chat.thread}-{len(self.chat.turns)}-{number}.png"

    def _why(self, rest: str) -> None:
        from ragsys.cli.why import how, why_not

        turn = self._last()
        for text in why_not(self.library, turn, rest) if rest else how(self.chat, turn):
            for line in wrapped(text, indent=len(text) - len(text.lstrip())):
                self._tell(line)

    def _config(self, rest: str) -> None:
        import yaml

        from ragsys.cli.config import whole

        if rest and "=" in rest:
            self._change(rest)
            return
        data = whole(self.library.config)
        keys = [rest] if rest else ["generator", "answer", "chat"]
        for key in keys:
            if key not in data:
                raise UsageError(
                    f"/config {rest}: no section '{key}'.{did_you_mean(key, data)}", hint=f"sections: {', '.join(data)}"
                )
            for line in yaml.safe_dump({key: data[key]}, sort_keys=False, allow_unicode=True).rstrip().splitlines():
                self._tell(line)

    def _change(self, setting: str) -> None:
        """Open the library anew with another setting; with the old ones where that does not work."""
        from ragsys.config import preflight
        from ragsys.plugins import registry
        from ragsys.remote import RemoteLibrary

        changed = replace(self.where, overrides=(*self.where.overrides, setting.replace(" = ", "=")))
        config = changed.load()
        if isinstance(self.library, RemoteLibrary) and config.shared != self.library.config.shared:
            raise LibraryBusy(
                f"/config {masking.setting(setting)}: process {self.library.owner} has this library open, and decides "
                "all but how you are answered",
                hint="beside it, settings of answer and chat can be changed: /config answer.pages=4\n"
                "for others, end that process, or start it with the setting",
            )
        if problems := preflight(config, registry()):
            raise ConfigError(problems[0].message, hint=problems[0].hint)
        thread = self.chat.thread if self.chat.turns else None
        self.close()
        try:
            self.library = self._opening(changed)
            self.where = changed
        except RagsysError:
            self.library = self._opening(self.where)
            raise
        finally:
            self.chat = self._begin(thread)
        self._before(self.library)
        self._tell(dim(f"{masking.setting(setting)}; config {self.library.config.hash}"))

    def _save(self, rest: str) -> None:
        from ragsys.saved import save

        name = re.sub(r"^all(?:\s+|$)|\s+all$", "", rest)
        if not name:
            raise UsageError(
                "/save: name a file", hint="/save answer.html        the whole conversation: /save talk.html all"
            )
        if name != rest:
            self.export(_file(name))
            return
        path = save(self._last().answer, _file(name))
        self._tell(f"saved as {path}", dim("  the last answer; /save FILE all saves the whole conversation"))

    def export(self, path: Path) -> None:
        """Save the whole conversation, and say so."""
        self._tell(f"saved as {self.chat.save(path)}", dim(f"  {counted(len(self.chat.turns), 'turn')}"))

    def _new(self, rest: str) -> None:
        if rest and rest in self.library.threads.names():
            raise UsageError(f"there is a thread '{rest}' already", hint=f"/threads {rest} goes on with it")
        self._switch(rest or None)
        self._tell(dim(f"a new thread: {self.chat.thread}"))

    def _threads(self, rest: str) -> None:
        if rest:
            known = self.library.threads.names()
            if rest not in known:
                raise UsageError(f"no thread '{rest}'.{did_you_mean(rest, known)}", hint=f"/new {rest} begins it")
            if rest != self.chat.thread:
                self._switch(rest)
            self._resumed()
            return
        rows = threads_table(self.library.threads.list(), self.chat.thread)
        for line in rows or [["no thread is kept yet"]]:
            self._tell(*line)

    def _switch(self, thread: str | None) -> None:
        fresh = self._begin(thread)
        self.chat.close()
        self.chat = fresh

    def _undo(self, _: str) -> None:
        taken = self.chat.undo()
        self._tell(dim(f"taken back: {shortened(taken.asked, 100)}" if taken else "there is nothing to take back"))


def threads_table(found: list[Any], current: str = "") -> list[Any]:
    """The threads as lines of a table, those changed last first."""
    import time

    return list(
        table(
            [
                [
                    bold(one.name) if one.name == current else one.name,
                    str(one.turns),
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(one.changed)),
                    shortened(one.question, 60),
                ]
                for one in found
            ],
            head=["thread", "turns", "last", "began with"] if found else (),
            right=(1,),
        )
    )


def _file(text: str) -> Path:
    return Path(text.strip().strip("\"'")).expanduser()


def _display() -> bool:
    """Whether a picture could be opened on a screen here."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
