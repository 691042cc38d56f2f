"""What could be wrong with an installation, and what to do about it: checks, none of which changes anything."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragsys import places
from ragsys.doctor_library import content as library_content
from ragsys.doctor_library import unnamed
from ragsys.errors import MissingExtra, RagsysError

if TYPE_CHECKING:
    from ragsys.config import Config, Spec
    from ragsys.plugins import Component, Registry

Severity = Literal["ok", "info", "warning", "error"]
_LITTLE_SPACE = 2 * 10**9  # bytes: below this an indexing run may fill the disk
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `remedy` is what to do, empty where there is nothing to do."""

    name: str
    severity: Severity
    message: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Stable keys: name, severity, message, remedy."""
        return asdict(self)


def examine(config: str | None = None, overrides: Sequence[str] = ()) -> Iterator[Check]:
    """Every check, the cheap ones first. `config` and `overrides` are the configuration that is in use."""
    yield python()
    yield from packages()
    yield from plugins()
    yield from presets()
    yield configuration(config, overrides)
    yield from stages(config, overrides)
    yield from reader(config, overrides)
    yield from folders()
    for place in places.libraries():
        yield from library(place)
        yield from library_content(place, config, overrides)
    yield from unnamed()


def named(root: Path, folder: Path | None, config: str | None = None, overrides: Sequence[str] = ()) -> Iterator[Check]:
    """The checks of one library."""
    place = places.place_of(root, folder)
    about = places.known(place)
    if about is None and not place.folder.exists():
        remedy = places.command(place, "index FOLDER")
        yield Check(f"library {place.id}", "error", f"there is no library of {place.root}", remedy)
        return
    yield from library(about or place)
    yield from library_content(about or place, config, overrides)


def python() -> Check:
    """Python itself."""
    return Check("python", "ok", f"Python {platform.python_version()} on {platform.platform()}, {sys.executable}")


def packages() -> Iterator[Check]:
    """Every package that ragsys requires, and the extras that are not there."""
    try:
        about = importlib.metadata.distribution("ragsys")
    except importlib.metadata.PackageNotFoundError:
        yield Check("ragsys", "error", "ragsys is not installed in this Python", "pip install .")
        return
    yield Check("ragsys", "ok", f"ragsys {about.version}")
    extras: dict[str, list[str]] = {}
    missing: list[str] = []
    for requirement in about.requires or ():
        name = _NAME.match(requirement)
        if name is None:
            continue
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if extra is not None:
            extras.setdefault(extra[1], [])
        if _version(name[0]) is None:
            (extras[extra[1]] if extra else missing).append(name[0])
    if missing:
        yield Check("packages", "error", f"not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    else:
        yield Check("packages", "ok", "every required package is installed")
    for extra_name, lacking in sorted(extras.items()):
        if lacking and extra_name != "dev":
            text = f"not installed: {', '.join(lacking)}"
            yield Check(f"extra {extra_name}", "info", text, f"pip install 'ragsys[{extra_name}]'  (if you need it)")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def plugins() -> Iterator[Check]:
    """What plugins were loaded, and which could not be."""
    from ragsys.plugins import registry

    try:
        installed = registry()
    except RagsysError as error:  # two plugins that bring the same name
        yield Check("plugins", "error", error.message, error.hint or "")
        return
    yield Check("plugins", "ok", f"{', '.join(installed.names)}: {len(installed.components())} components")
    for broken in installed.broken:
        remedy = f"pip install --force-reinstall {broken.distribution}, or uninstall it"
        yield Check(f"plugin {broken.plugin}", "warning", f"could not be loaded: {broken.error}", remedy)


def presets() -> Iterator[Check]:
    """Whether every preset is valid and what it needs is installed."""
    from ragsys.plugins import registry

    try:
        names = list(registry().resources("preset"))
    except RagsysError:
        return  # told by `plugins`
    for name in names:
        yield _config(f"preset {name}", name, (), used=False)


def configuration(source: str | None, overrides: Sequence[str]) -> Check:
    """The configuration in use."""
    shown = source or os.environ.get("RAGSYS_CONFIG") or "the default"
    return _config(f"configuration ({shown})", source, overrides)


def _config(name: str, source: str | None, overrides: Sequence[str], *, used: bool = True) -> Check:
    from ragsys.config import load, preflight
    from ragsys.plugins import registry

    try:
        problems = preflight(load(source, overrides), registry())
    except RagsysError as error:
        return Check(name, "error", error.message, error.hint or "")
    if problems:
        text = "; ".join(problem.message for problem in problems)
        remedy = "; ".join(problem.hint or "" for problem in problems)
        if not used and all(isinstance(problem, MissingExtra) for problem in problems):
            return Check(name, "info", text, f"{remedy}  (if you need it)")
        return Check(name, "warning", text, remedy)
    return Check(name, "ok", "valid")


def stages(source: str | None, overrides: Sequence[str]) -> Iterator[Check]:
    """What each installed component of an optional stage (OCR, a layout model) says that it lacks here.

    A component says so by a method `available()`: an empty text, or what is missing and how to get it. None of them is
    an error: pages that such a stage cannot read stay pending.
    """
    from ragsys.config import OPTIONAL, is_used, load
    from ragsys.plugins import registry

    try:
        installed, config = registry(), load(source, overrides)
    except RagsysError:
        return  # told by `plugins` and `configuration`
    for role in OPTIONAL:
        for component, _ in installed.components(role):
            chosen = config.defaults[role]
            used = chosen.use == component.name and is_used(config, role)
            yield _stage(installed, component, config, chosen if used else None)


def _stage(installed: Registry, component: Component, config: Config, chosen: Spec | None) -> Check:
    from ragsys.config import Spec
    from ragsys.plugins import Builder, missing_package

    name = f"{component.role} {component.name}" + (" (in use)" if chosen else "")
    missing = missing_package(component)
    if missing is not None:
        install = f"pip install 'ragsys[{component.extra}]'" if component.extra else f"pip install {missing}"
        return Check(name, "info", f"needs '{missing}', which is not installed", f"{install}  (if you need it)")
    builder = Builder(installed, config.defaults, places.data_dir(), places.cache_dir())
    try:
        built = builder.build(component.role, chosen or Spec(use=component.name))
        lacking = str(built.available()) if hasattr(built, "available") else ""
    except MissingExtra as error:
        if chosen:
            return Check(name, "warning", error.message, error.hint or "")
        install = f"pip install 'ragsys[{component.extra}]'" if component.extra else str(error.hint or "")
        return Check(name, "info", "optional, not installed", f"{install}  (if you need it)")
    except Exception as error:  # a component's own code; what it starts may hang, too
        return Check(name, "warning", f"cannot be asked: {error}", "install anew what it runs")
    if lacking:
        what, _, remedy = lacking.partition(": ")
        return Check(name, "info", f"cannot run here: {what}", remedy)
    return Check(name, "ok", "can run here")


def reader(source: str | None, overrides: Sequence[str]) -> Iterator[Check]:
    """Whether the reader is reached, and what it can do."""
    from ragsys.doctor_reader import checks

    yield from checks(source, overrides)


def folders() -> Iterator[Check]:
    """Whether libraries and caches can be written, and the room there is."""
    for name, folder in (("data folder", places.data_dir()), ("cache folder", places.cache_dir())):
        at = folder
        while not at.exists() and at != at.parent:
            at = at.parent
        try:
            with tempfile.TemporaryFile(dir=at):
                pass
            free = shutil.disk_usage(at).free
        except OSError as error:
            remedy = "set RAGSYS_HOME to a folder that you can write"
            yield Check(name, "error", f"{folder} cannot be written: {error.strerror or error}", remedy)
            continue
        text = f"{folder}, {free / 1e9:.1f} GB free"
        if free < _LITTLE_SPACE:
            yield Check(name, "warning", text, "make room, or set RAGSYS_HOME to another disk")
        else:
            yield Check(name, "ok", text)


def library(place: places.Place) -> Iterator[Check]:
    """One library: its root, and who has it open."""
    from ragsys.gc import disk_bytes

    name = f"library {place.id}"
    text = f"{place.root}, {disk_bytes(place.folder) / 1e6:.1f} MB"
    if place.format > places.FORMAT:
        yield Check(name, "error", f"{text}: made by a newer ragsys", "pip install --upgrade ragsys")
    elif not place.root.exists():
        remedy = f"mount it; or, if it is gone for good: ragsys libraries remove {place.id}"
        yield Check(name, "warning", f"{text}: the folder is not there", remedy)
    else:
        yield Check(name, "ok", text)
    yield from _owner(place, name)


def _owner(place: places.Place, name: str) -> Iterator[Check]:
    """Who has a library open; what a process that was killed left behind."""
    from ragsys.owning import is_open
    from ragsys.service import ABOUT

    about = place.folder / ABOUT
    owner = _owner_of(about)
    if is_open(place.folder):
        who = f"process {owner}" if owner else "a process"
        yield Check(f"{name} owner", "info", f"{who} has it open; other commands are served by it")
    elif about.exists():
        who = f"process {owner}" if owner else "a process"
        text = f"left by {who}, which ended without closing it; nothing is lost"
        yield Check(f"{name} owner", "info", text, "none needed: the next command takes over")


def _owner_of(about: Path) -> int | None:
    try:
        return int(json.loads(about.read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
