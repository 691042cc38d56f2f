"""Where libraries live: one folder each in the user's data directory, never inside the folder of documents.

`$RAGSYS_HOME` moves everything (libraries and cache) to one place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ragsys import checked, private
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


def quoted(path: Path | str) -> str:
    """A path or a word as it can be pasted into a shell, on one line: nothing in a name is a command."""
    text = str(path)
    if os.name == "nt":
        return f'"{text}"' if re.search(r"[ ()&;'^%!,=]", text) else text
    if not text.isprintable():  # a line feed, an escape of a terminal, bytes that are no text
        return "$'" + "".join(map(_escaped, text)) + "'"
    return shlex.quote(text)


def _escaped(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable():
        return char
    how = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", how))


#: What ragsys makes in a library's folder, as {folder in it: names in that}; "" is the library's folder itself.
_FILES = {
    "": re.compile(
        r"(library|removed)\.(json|part)|owner\.(json|part|lock|sock)|files\.(json|part)|chat-history"
        r"|replies\.sqlite(-wal|-shm|-journal)?"
    ),
    "store": re.compile(r"lock|shard|creating|(schema|seal)\.(json|new)|(texts|terms)\.u?\w+"),
    "traces": re.compile(r".+\.jsonl(\.part)?|.+\.part"),
    "threads": re.compile(r".+\.jsonl(\.part)?|.+\.lock|.+\.part"),
    "evaluation": re.compile(r"outcomes\.sqlite(-wal|-shm|-journal)?"),
}
#: The folder of a component: its role, its name and its fingerprint.
_COMPONENT = re.compile(
    r"(agent|cut|embedder|enricher|fusion|generator|judge|layout|lexical|loader|metric|ocr|postprocessor|ranker|reranker"
    r"|retriever|rewriter|splitter|suite|tool)-.+-[0-9a-f]{12}"
)
_BEGUN = frozenset(
    {"owner.lock", "owner.json", "owner.sock", "library.part"}
)  # what a start that was interrupted leaves


def made_here(folder: Path) -> tuple[list[Path], list[Path]]:
    """(what ragsys made in a library's folder, what somebody else put there), each by name.

    A folder of the first list is ragsys's with all that is in it, or empty.
    """
    ours: list[Path] = []
    others: list[Path] = []
    for entry in sorted(folder.iterdir()):
        real = not entry.is_symlink()
        if real and entry.is_dir() and entry.name in _FILES:
            within = sorted(entry.iterdir())
            made = [one for one in within if _FILES[entry.name].fullmatch(one.name) and not one.is_symlink()]
            made = [one for one in made if one.is_file() or one.name == "shard"]
            left = [one for one in within if one not in made]
            ours += made if left else [entry]
            others += left
        elif real and (_COMPONENT if entry.is_dir() else _FILES[""]).fullmatch(entry.name):
            ours.append(entry)
        else:
            others.append(entry)
    return ours, others


def apart(folder: Path) -> frozenset[Path]:
    """Folders of ragsys that are never taken for documents, wherever they are: that of a library, and those of all."""
    return frozenset(path.resolve() for path in (folder, data_dir(), cache_dir()))


def register(place: Place, *, again: bool = False) -> None:
    """Make the library's folder and note its root in it; `again` also where that note was lost.

    Raises `LibraryError` where it cannot be made.
    """
    about = known(place)
    if about is None:
        _check_new(place, again)
    try:
        private.folder(place.folder)
    except OSError as error:
        raise LibraryError(
            f"{place.folder}: the library's folder cannot be made: {error.strerror or error}",
            hint="give another with --library PATH, or name a folder for all libraries: RAGSYS_HOME=PATH",
        ) from error
    if about is None:
        try:
            _write(place.folder / ABOUT, place)
        except OSError as error:
            raise LibraryError(
                f"{place.folder / ABOUT}: {error.strerror or error}", hint="may you write there?"
            ) from error
    _secure(place.folder)


def _secure(folder: Path) -> None:
    """Keep what ragsys made from other users: the folders of all libraries and of the cache, and what is ours in a
    library's folder.

    A folder that was named by `--library` keeps its own rights: it may be one that a user made with care, for a group
    say. What others see in it are the names of our files, which are private all the same.
    """
    base = data_dir() / "libraries"
    for path in (data_dir(), base, cache_dir(), *([folder] if folder.parent == base else [])):
        private.tighten(path)
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.name in _FILES or _FILES[""].fullmatch(entry.name) or _COMPONENT.fullmatch(entry.name):
                private.tighten(entry)


def known(place: Place) -> Place | None:
    """The library in a place as its folder tells; None for a new one, and where what tells it is lost or damaged.

    The name of a folder in the data directory tells the root, too.
    """
    about = read(place.folder)
    return None if about is not None and about.root != place.root and _named(place) else about


def _named(place: Place) -> bool:
    return place_of(place.root).folder == place.folder


def _check_new(place: Place, again: bool) -> None:
    """A new library takes a folder of its own: it is deleted with all that ragsys made in it."""
    folder, root = place.folder, place.root
    where = f"--library {folder}"
    hint = "name a new folder that is elsewhere, or leave --library out"
    if folder == root or folder in root.parents:
        raise LibraryError(f"{where}: this folder holds the documents themselves", hint=hint)
    if root in folder.parents and folder != place_of(root).folder:
        raise LibraryError(f"{where}: this folder is inside the folder of documents", hint=hint)
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"{where}: this is a file", hint=hint)
    if folder.is_dir() and (folder / "store").is_dir() and not made_here(folder)[1]:  # its note of the root was lost
        if _named(place) or again:
            return
        raise LibraryError(
            f"{folder}: {ABOUT}, which tells what the library is of, is lost or damaged",
            hint=f"if it is the library of {place.root}: {command(place, 'index FOLDER --rebuild')}",
        )
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _BEGUN) if folder.is_dir() else []
    if others:
        raise LibraryError(f"{where}: this folder is no library and holds other files ({others[0]})", hint=hint)


def upgrade(place: Place) -> None:
    """Note that the library is now of this version's format: older versions refuse it from here on."""
    _write(place.folder / ABOUT, place)


def _write(about: Path, place: Place) -> None:
    partial = about.with_suffix(".part")
    private.file(partial)
    told: dict[str, str | int] = {"root": str(place.root), "format": FORMAT}
    partial.write_text(json.dumps({**told, "checksum": checked.checksum(told)}), encoding="utf-8")
    os.replace(partial, about)


def read(folder: Path) -> Place | None:
    """The library in a folder; None if there is none that can be read."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about.pop("checksum", None) not in (None, checked.checksum(about)):  # older versions wrote none
            return None
        return Place(folder, Path(about["root"]), int(about["format"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def check(place: Place) -> Place | None:
    """The library at a place; None for one that is to be made. Raises `LibraryError` where it cannot be opened."""
    found = known(place)
    if found is not None and found.root != place.root:
        raise LibraryError(
            f"{place.folder} is the library of {found.root}, not of {place.root}",
            hint="give another folder with --library, or leave it out",
        )
    if found is not None and found.format > FORMAT:
        raise LibraryError(
            f"{place.folder} was made by a newer ragsys (format {found.format})", hint="pip install --upgrade ragsys"
        )
    if found is None and not place.root.exists():
        raise LibraryError(f"{place.root}: no such folder or file", hint="ragsys libraries")
    return found


def libraries() -> Iterator[Place]:
    """Every library of this user, by name."""
    base = data_dir() / "libraries"
    if base.is_dir():
        for folder in sorted(base.iterdir()):
            if (place := read(folder)) is not None:
                yield place
