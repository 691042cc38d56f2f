"""Where libraries live: one folder each in the user's data directory, never inside the folder of documents.

`$RAGSYS_HOME` moves everything (libraries and cache) to one place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ragsys.errors import LibraryError

FORMAT = 2
ABOUT = "library.json"  # names a folder a library


@dataclass(frozen=True, slots=True)
class Place:
    """One library on disk: `root` is the folder (or file) that it indexes."""

    folder: Path
    root: Path
    format: int = FORMAT

    @property
    def id(self) -> str:
        """Its name in the data directory."""
        return self.folder.name


def data_dir() -> Path:
    """Where the libraries are."""
    home = os.environ.get("RAGSYS_HOME")
    return Path(home) / "data" if home else Path(platformdirs.user_data_path("ragsys", appauthor=False))


def cache_dir() -> Path:
    """Where rendered pages and the like are; may be deleted at any time."""
    home = os.environ.get("RAGSYS_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_path("ragsys", appauthor=False))


def place_of(root: Path, folder: Path | None = None) -> Place:
    """The library of a root: in `folder` if given, else in the data directory, named after the root's path."""
    root = root.expanduser().resolve()
    if folder is not None:
        return Place(folder.expanduser().resolve(), root)
    slug = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:32] or "library"
    digest = hashlib.sha256(os.path.normcase(str(root)).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Place(data_dir() / "libraries" / f"{slug}-{digest}", root)


def command(place: Place, words: str) -> str:
    """A command on a library as it can be pasted: `ragsys index FOLDER` with `--library` where it lives elsewhere."""
    return " ".join(["ragsys", words.replace("FOLDER", quoted(place.root)), *_elsewhere(place)])


def _elsewhere(place: Place) -> list[str]:
    return [] if place_of(place.root).folder == place.folder else ["--library", quoted(place.folder)]


def quoted(path: Path) -> str:
    """A path as it can be pasted into a shell."""
    text = str(path)
    return f'"{text}"' if any(char in text for char in " ()&;'") else text


def register(place: Place) -> None:
    """Make the library's folder and note its root in it. Raises `LibraryError` where it cannot be made."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{place.folder}: the library's folder cannot be made: {error.strerror or error}",
            hint="give another with --library PATH, or name a folder for all libraries: RAGSYS_HOME=PATH",
        ) from error
    about = place.folder / ABOUT
    if not about.exists():
        _write(about, place)


def upgrade(place: Place) -> None:
    """Note that the library is now of this version's format: older versions refuse it from here on."""
    _write(place.folder / ABOUT, place)


def _write(about: Path, place: Place) -> None:
    partial = about.with_suffix(".part")
    partial.write_text(json.dumps({"root": str(place.root), "format": FORMAT}), encoding="utf-8")
    os.replace(partial, about)


def read(folder: Path) -> Place | None:
    """The library in a folder; None if there is none that can be read."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return Place(folder, Path(about["root"]), int(about["format"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def libraries() -> Iterator[Place]:
    """Every library of this user, by name."""
    base = data_dir() / "libraries"
    if base.is_dir():
        for folder in sorted(base.iterdir()):
            if (place := read(folder)) is not None:
                yield place
