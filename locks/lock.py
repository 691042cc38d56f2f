"""Writes the lock files beside it: every package that an installation needs, with its version and its files' hashes.

    python locks/lock.py            # all of them; needs the package registry that pip is set up for

They are for CPython 3.11 on Linux: what the image and CI run on. pip works out what is needed, for one kind of machine
at a time, without installing anything; wheels alone are taken. Elsewhere the ranges of `pyproject.toml` hold.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
PYTHON = "3.11"
GLIBC = 36  # of Debian bookworm, which the image is made of: 2.36
BUILD: list[str] = PROJECT["build-system"]["requires"]
#: {file: kinds of machine}; not every package that development needs has a wheel for every machine
LOCKS = {"image.txt": ("x86_64", "aarch64"), "build.txt": ("x86_64", "aarch64"), "development.txt": ("x86_64",)}
_HEAD = """\
# Written by locks/lock.py: packages with the hashes of their files, for CPython {python} on Linux ({machines}).
# Install with: pip install --require-hashes -r locks/{name}
"""


def normal(name: str) -> str:
    """A package's name as the registry compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(name: str) -> list[str]:
    """What a lock file is to satisfy, as `pyproject.toml` says it."""
    wanted: list[str] = PROJECT["project"]["dependencies"]
    match name:
        case "image.txt":
            wanted = [*wanted, *_of_extra("server"), *_of_extra("watch")]
        case "development.txt":
            wanted = [*wanted, *_of_extra("dev"), *BUILD]
        case _:
            wanted = BUILD
    return list(dict.fromkeys(wanted))


def _of_extra(extra: str) -> Iterable[str]:
    for line in PROJECT["project"]["optional-dependencies"][extra]:
        if own := re.fullmatch(r"ragsys\[(.*)\]", line):
            for inner in own[1].split(","):
                yield from _of_extra(inner.strip())
        else:
            yield line


def resolved(wanted: Iterable[str], machine: str, pins: Iterable[str] = ()) -> dict[str, tuple[str, set[str]]]:
    """{package: (version, hashes)} of what pip would install there."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms += [f"{old}_{machine}" for old in ("manylinux2014", "manylinux2010", "manylinux1", "linux")]
    with tempfile.TemporaryDirectory() as folder:
        asked, held, report = (Path(folder, name) for name in ("asked.txt", "held.txt", "report.json"))
        asked.write_text("\n".join(wanted), encoding="utf-8")
        held.write_text("\n".join(pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--target", folder, "--only-binary", ":all:", "--python-version", PYTHON]
        command += ["--implementation", "cp", "--constraint", str(held), "--requirement", str(asked)]
        for platform in platforms:
            command += ["--platform", platform]
        # neither caps nor copies of packages that only this machine has
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run(command, check=True, env={**os.environ, **own})
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    made = {}
    for one in found:
        about = one["metadata"]
        hashes = one["download_info"]["archive_info"]["hashes"]
        made[normal(about["name"])] = (about["version"], {f"sha256:{hashes['sha256']}"})
    return made


def locked(name: str) -> str:
    """The text of a lock file."""
    wanted = requirements(name)
    found: dict[str, tuple[str, set[str]]] = {}
    for machine in LOCKS[name]:
        for package, (version, hashes) in resolved(
            wanted, machine, [f"{key}=={value[0]}" for key, value in found.items()]
        ).items():
            known = found.setdefault(package, (version, set()))
            known[1].update(hashes)
    lines = [_HEAD.format(name=name, python=PYTHON, machines=", ".join(LOCKS[name]))]
    for package, (version, hashes) in sorted(found.items()):
        marks = "".join(f" \\\n    --hash={one}" for one in sorted(hashes))
        lines.append(f"{package}=={version}{marks}\n")
    return "".join(lines)


def main() -> None:
    for name in LOCKS:
        text = locked(name)
        (HERE / name).write_text(text, encoding="utf-8")
        print(f"{name}: {text.count('==')} packages")


if __name__ == "__main__":
    main()
