"""Where a run's numbers come from: the code, its commit, the versions of what it uses, the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import ragsys
from ragsys.plugins import Registry

#: What decides no outcome: the command line, what plugin authors test with, scores and reports.
_BESIDE = ("cli", "testing", "evaluation")
_DECIDES = ("asking.py",)  # of the evaluation
_SCORING = {"suite", "metric"}  # a plugin of these roles alone changes no outcome
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """The checkout's commit, with `+changes` where files differ from it; `ragsys VERSION` elsewhere."""
    checkout = Path(ragsys.__file__).parents[1]
    if (checkout / ".git").exists():
        head = _git(checkout, "rev-parse", "--short=12", "HEAD")
        if head:
            return head + ("+changes" if _git(checkout, "status", "--porcelain", "--untracked-files=no") else "")
    return f"ragsys {ragsys.__version__}"


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):  # no git, or one that hangs: the numbers are no worse for it
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def machine() -> str:
    """Operating system, processor, cores that may be used, memory, Python."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}{cores} {'core' if cores == 1 else 'cores'}, "
        f"{memory:.0f} GiB, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip() + ", "
    except OSError:
        pass
    return f"{platform.processor()}, " if platform.processor() else ""


def versions() -> dict[str, str]:
    """{distribution: version} of ragsys and of those of its requirements that are installed."""
    found = {"ragsys": ragsys.__version__, "python": platform.python_version()}
    try:
        required = metadata.requires("ragsys") or []
    except metadata.PackageNotFoundError:  # a source tree that was not installed
        required = []
    for requirement in required:
        name = _NAME.match(requirement)
        if name is not None and "extra == 'dev'" not in requirement.replace('"', "'"):
            try:
                found[name[0]] = metadata.version(name[0])
            except metadata.PackageNotFoundError:
                continue
    return dict(sorted(found.items()))


def code(installed: Registry) -> str:
    """16 hex digits of all code and prompts that decide what a configuration gives for a question."""
    digest = hashlib.sha256()
    for path in sorted(_files(installed)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _files(installed: Registry) -> Iterator[Path]:
    core = Path(ragsys.__file__).parent
    yield from (path for path in _sources(core) if path.relative_to(core).parts[0] not in _BESIDE)
    yield from (core / "evaluation" / name for name in _DECIDES)
    roles: dict[str, set[str]] = {}
    for component, plugin in installed.components():
        roles.setdefault(plugin, set()).add(component.role)
    for name, module in installed.manager.list_name_plugin():
        file = getattr(module, "__file__", None)
        if name == "core" or not file or roles.get(name, set()) <= _SCORING:
            continue
        path = Path(file)
        yield from _sources(path.parent) if path.name == "__init__.py" else (path,)


def _sources(folder: Path) -> Iterable[Path]:
    return (path for suffix in ("*.py", "*.md", "*.yaml") for path in folder.rglob(suffix))
