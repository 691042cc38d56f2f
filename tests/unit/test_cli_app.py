"""The frame of the command line: help, wrong use, errors as text and JSON, interruption, commands of plugins."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest

from ragsys.cli import app, main
from ragsys.cli.shell import Quieter
from ragsys.errors import LibraryError
from ragsys.hookspecs import hookimpl
from ragsys.plugins import Registry

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    for name in ("RAGSYS_DEBUG", "RAGSYS_CONFIG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def runner(*arguments: str) -> tuple[int, str, str]:
        code = app.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return runner


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail() -> Any:
        raise error

    monkeypatch.setattr("ragsys.plugins.registry", fail)


def test_help_lists_every_command_and_says_the_exit_codes(run: Run) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for name in ("ask", "search", "index", "docs", "plugins", "config", "doctor", "libraries", "gc", "move", "trace"):
        assert f"\n  {name} " in out
    assert "Exit codes: 0 done" in out
    assert "RAGSYS_HOME" in out


@pytest.mark.parametrize("name", [name for section in app.SECTIONS.values() for name in section])
def test_every_command_has_help_and_json(run: Run, name: str) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: ragsys {name}")
    assert "--json" in out
    assert "--quiet" in out


@pytest.mark.parametrize("name", ["ask", "search", "index", "docs", "gc", "move", "trace"])
def test_what_opens_a_library_takes_its_place_and_configuration(run: Run, name: str) -> None:
    out = run(name, "--help")[1]
    for option in ("--library PATH", "--config NAME|FILE", "--set A.B=VALUE"):
        assert option in out


def test_a_misspelt_command_and_option_name_the_nearest(run: Run) -> None:
    code, out, err = run("serch")
    assert (code, out) == (2, "")
    assert "Did you mean 'search'?" in err
    code, _, err = run("search", "x", "y", "--explian")
    assert code == 2
    assert "--explain" in err


def test_no_arguments_show_the_help(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out == run("--help")[1]
    assert "Usage: ragsys [OPTIONS] COMMAND [ARGS]..." in out


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["ask", "/no/such/folder", "why?", "--json"], "LibraryError", 1),
        (["plugins", "--json", "minilmm"], "UsageError", 2),
        (["config", "check", "laptp", "--json"], "ConfigError", 2),
        (["ask", "--json"], "UsageError", 2),
        (["index", ".", "--json", "--set", "search"], "ConfigError", 2),
        (["search", ".", "x", "--json", "--pages", "9-2"], "UsageError", 2),
        (["ask", ".", "x", "--json", "--budget", "soon"], "UsageError", 2),
        (["ask", ".", "x", "--json", "--save", "answer.pdf"], "UsageError", 2),
        (["index", ".", "--json", "--watch", "--wait"], "UsageError", 2),
        (["docs", ".", "info", "--json"], "UsageError", 2),
        (["libraries", "remove", "nothing", "--json"], "UsageError", 2),
        (["trace", "/no/such/folder", "--json"], "LibraryError", 1),
    ],
)
def test_errors_are_json_where_json_is_asked_for(run: Run, arguments: list[str], kind: str, code: int) -> None:
    found, out, err = run(*arguments)
    assert (found, err) == (code, "")
    error = json.loads(out)
    assert set(error) == {"error", "message", "hint"}
    assert error["error"] == kind


def test_an_error_has_its_next_step_and_no_traceback(run: Run) -> None:
    code, out, err = run("config", "check", "laptp")
    assert (code, out) == (2, "")
    assert err.startswith("ConfigError: no preset named 'laptp'. Did you mean 'laptop'?\n  presets: ")
    assert "Traceback" not in err


def test_a_fault_of_ours_is_told_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("by zero"))
    code, _, err = run("plugins")
    assert code == 1
    assert "unexpected ZeroDivisionError: by zero" in err
    assert "RAGSYS_DEBUG=1" in err
    monkeypatch.setenv("RAGSYS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("plugins")


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_want_of_memory_or_threads_is_no_fault_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    raising(monkeypatch, error)
    code, _, err = run("plugins")
    assert code == 1
    assert err.startswith("OutOfMemory: the system gives this command no more memory or threads")
    assert "ulimit" in err
    assert "fault of ragsys" not in err


def test_the_system_s_refusals_name_the_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, PermissionError(13, "Permission denied", "/data/x"))
    assert run("plugins")[2] == "OSError: /data/x: Permission denied\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    raising(monkeypatch, error)
    code, out, err = run("plugins")
    assert (code, out, err.lstrip("\n")) == (130, "", f"{app.INTERRUPTED}\n")


def test_an_interruption_while_it_starts_is_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    class Starting(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "ragsys.cli.app", Starting("ragsys.cli.app"))
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 130


def test_text_of_errors_can_drive_no_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, LibraryError("bad\x1b[2Jname", hint="do\x07this"))
    assert "\x1b" not in run("plugins")[2]


def test_text_of_warnings_can_drive_no_terminal() -> None:
    record = logging.LogRecord("ragsys", logging.WARNING, "", 1, "%s says %s", ("it", "\x1b]0;title\x07red"), None)
    assert "\x1b" not in Quieter().format(record)
    assert Quieter().format(record).startswith("warning: it says ")


def test_colours_are_off_in_a_pipe_and_can_be_forced(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("plugins")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("plugins")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("plugins")[1]


# -- plugins, config, version ------------------------------------------------------------------------------------------


def test_plugins_are_listed_by_role(run: Run) -> None:
    code, out, _ = run("plugins")
    assert code == 0
    assert "presets: " in out
    data = json.loads(run("plugins", "--json")[1])
    for component in data["components"]:
        assert component["name"] in out
    assert {"loader", "store", "retriever", "agent"} <= {one["role"] for one in data["components"]}


def test_a_component_shows_its_options(run: Run) -> None:
    code, out, _ = run("plugins", "bm25")
    assert code == 0
    assert "retriever bm25" in out
    assert "needs lexical" in out
    (component,) = json.loads(run("plugins", "retriever.bm25", "--json")[1])["components"]
    options = {option["name"]: option for option in component["options"]}
    assert options["level"]["default"] in ("page", "passage")
    for option in options.values():
        assert option["description"], option
        assert option["type"], option


def test_every_component_can_be_shown(run: Run) -> None:
    for plugin in ("pdf", "text", "qdrant", "generate", "agents"):
        code, out, err = run("plugins", plugin)
        assert (code, err) == (0, "")
        assert "NoneType" not in out
        assert "ragsys_" not in out.replace("ragsys_" + plugin, "")


def test_a_name_of_nothing_is_told(run: Run) -> None:
    code, _, err = run("plugins", "minilmm")
    assert code == 2
    assert "Did you mean 'minilm'?" in err


def test_the_configuration_is_shown_whole_and_can_be_read_again(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("config", "show", "laptop", "--set", "search.candidates=7")
    assert code == 0
    assert "candidates: 7" in out
    assert "k1:" in out  # an option's default
    copy = tmp_path / "copy.yaml"
    copy.write_text(out, encoding="utf-8")
    assert json.loads(run("config", "check", str(copy), "--json")[1])["valid"] is True


def test_secrets_are_not_shown(run: Run) -> None:
    given = "store={use: server, url: 'https://me:hush@host', api_key: hush}"
    for options in (["--json"], []):
        code, out, _ = run("config", "show", "--set", given, *options)
        assert code == 0
        assert "hush" not in out
        assert "host" in out


def test_two_configurations_are_one_too_many(run: Run) -> None:
    assert run("config", "check", "laptop", "--config", "laptop-lexical")[0] == 2
    assert run("config", "check", "--config", "laptop-lexical")[0] == 0


def test_what_is_not_installed_fails_the_check(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragsys.config.missing_package", lambda component: "nonesuch" if component.extra else None)
    code, _, err = run("config", "check", "--set", "store={use: server}")
    assert code == 2
    assert "store 'server' needs 'nonesuch'" in err
    assert "pip install 'ragsys[server]'" in err


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, kind: str) -> None:
    code, out, _ = run("completion", kind)
    assert code == 0
    assert "_RAGSYS_COMPLETE" in out
    assert (
        json.loads(run("completion", kind, "--json")[1]) == {"shell": kind, "script": out.rstrip("\n")} or "\n" in out
    )


def test_the_shell_completes_commands() -> None:
    asked = {"_RAGSYS_COMPLETE": "bash_complete", "COMP_WORDS": "ragsys sea", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ragsys"], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["plain,search"]


def test_the_version(run: Run) -> None:
    from ragsys import __version__

    assert __version__ in run("--version")[1]
    assert json.loads(run("version", "--json")[1])["ragsys"] == __version__


# -- commands of plugins -----------------------------------------------------------------------------------------------


def with_plugins(monkeypatch: pytest.MonkeyPatch, **modules: Any) -> None:
    registry = Registry()
    for name, module in modules.items():
        registry.add(module, name)
    monkeypatch.setattr("ragsys.plugins.registry", lambda: registry)
    monkeypatch.setattr(app.cli, "_added", None)


@hookimpl
def ragsys_commands(cli: click.Group) -> None:
    """Adds a command, and one whose name is taken."""

    @cli.command(short_help="Say hello.")
    def hello() -> None:
        click.echo("hello")

    @cli.command()
    def ask() -> None:
        click.echo("mine")


def test_a_plugin_adds_a_command_and_replaces_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with_plugins(monkeypatch, extra=SimpleNamespace(ragsys_commands=ragsys_commands))
    code, out, err = run("hello")
    assert (code, out) == (0, "hello\n")
    assert "a command 'ask', which there is already" in err
    assert "From plugins:\n  hello" in run("--help")[1]


def test_a_plugin_that_fails_costs_its_own_commands_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    @hookimpl
    def failing(cli: click.Group) -> None:
        raise RuntimeError("no luck")

    with_plugins(monkeypatch, bad=SimpleNamespace(ragsys_commands=failing))
    code, out, err = run("--help")
    assert code == 0
    assert "plugin 'bad' could not add its commands: no luck" in err
    assert "search" in out


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["docs", "list", "lib"], "the folder comes first, then 'list'", "ragsys docs lib list"),
        (["docs", "info", "lib", "a.pdf"], "the folder comes first", "ragsys docs lib info a.pdf"),
        (["search", "lib", "x", "--filter", "path=y"], "No such option: --filter", "--path"),
    ],
)
def test_what_another_order_or_name_means_is_told(run: Run, arguments: list[str], message: str, hint: str) -> None:
    code, _, told = run(*arguments)
    assert code == 2
    assert message in told
    assert hint in told
