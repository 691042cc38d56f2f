"""What a model could be served on: the GPUs that nvidia-smi lists, or the processor and its memory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_QUERY = "index,uuid,name,memory.total,memory.free,compute_cap"
_MIB = 2**20
_PATIENCE = 20.0  # seconds; nvidia-smi wakes sleeping GPUs first
#: Flags of processors that multiply bfloat16 numbers themselves, on x86 and on Arm.
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; memory in bytes, `capability` as CUDA counts it, (8, 0) and above with bfloat16."""

    name: str
    total: int
    free: int
    capability: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine; `memory` is what its processor could use now, in bytes."""

    system: str  # as platform.system() says: Linux, Darwin, Windows
    architecture: str
    cores: int  # that this process may use
    memory: int
    bfloat16: bool  # of the processor
    gpus: tuple[Gpu, ...] = ()
    note: str = ""  # why no GPU is listed where one may be expected

    def described(self) -> str:
        """In a line."""
        if not self.gpus:
            return f"{self.cores} processor cores, {self.memory / 1e9:.0f} GB of memory free, no NVIDIA GPU"
        smallest = min(gpu.total for gpu in self.gpus)
        names = ", ".join(dict.fromkeys(gpu.name for gpu in self.gpus))
        return f"{len(self.gpus)} GPU{'s' * (len(self.gpus) > 1)} ({names}) with {smallest / 1e9:.0f} GB each"


def look(ask: Callable[[Sequence[str]], str] | None = None) -> Machine:
    """This machine. `ask` runs a command and gives what it says (for tests)."""
    gpus, note = _gpus(ask or _said)
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        cores=_cores(),
        memory=int(psutil.virtual_memory().available),
        bfloat16=bool(_flags() & _BFLOAT16),
        gpus=gpus,
        note=note,
    )


def _said(command: Sequence[str]) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    done = subprocess.run(
        [program, *command[1:]],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise OSError((done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr else "no reply")
    return done.stdout


def _gpus(ask: Callable[[Sequence[str]], str]) -> tuple[tuple[Gpu, ...], str]:
    """The GPUs that this process may use, and why there are none where the driver does not answer."""
    try:
        said = ask(["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"])
    except (OSError, subprocess.TimeoutExpired) as error:
        return (), f"nvidia-smi does not answer: {error}"
    found: list[tuple[str, str, Gpu]] = []
    for line in said.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == len(_QUERY.split(",")):
            index, uuid, name, total, free, capability = fields
            found.append((index, uuid, Gpu(name, *_memory(total, free), _capability(capability))))
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return tuple(gpu for _, _, gpu in found), ""
    wanted = [one.strip() for one in shown.split(",") if one.strip()]
    chosen = tuple(gpu for index, uuid, gpu in found if any(one == index or uuid.startswith(one) for one in wanted))
    return chosen, "" if chosen else f"CUDA_VISIBLE_DEVICES={shown!r} shows no GPU" if found else ""


def _memory(total: str, free: str) -> tuple[int, int]:
    """Bytes in all and free. A GPU that shares the processor's memory has none of its own to tell: it is that."""
    if total.isdigit() and free.isdigit():
        return int(total) * _MIB, int(free) * _MIB
    memory = psutil.virtual_memory()
    return int(memory.total), int(memory.available)


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _flags() -> frozenset[str]:
    """What the processor says that it can do, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    told = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(told.partition(":")[2].split())
