"""What stands in a folder now: files by size, mtime and inode, hashed only where those changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ragsys import checked
from ragsys.globs import wanted
from ragsys.records import sound
from ragsys.types import Fault, Outcome

TABLE = "files.json"  # the last scan, in the library's folder
LARGE = "large-"  # begins the id of a document that was not hashed
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """One file of the folder. `path` is relative to the root, with forward slashes; `doc` is its content's id."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    doc: str


@dataclass(slots=True)
class Scan:
    """The files that a loader takes, those that none takes, and those that could not be read."""

    root: Path
    files: dict[str, File] = field(default_factory=dict)
    unsupported: list[str] = field(default_factory=list)
    unreadable: dict[str, Fault] = field(default_factory=dict)
    missing: bool = False  # the root is not there: an unmounted disk, a renamed folder


def document_id(path: Path) -> str:
    """The first 32 hex digits of the sha256 of the file's bytes. Raises `OSError`, also for what is no regular file."""
    digest = hashlib.sha256()
    with open(path, "rb", opener=_at_once) as stream:  # `Path.open` takes no opener
        if what := special(os.fstat(stream.fileno()).st_mode):  # it took the place of a file since that was looked at
            raise OSError(what)
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:32]


def _at_once(path: str, flags: int) -> int:
    """Open without waiting: a named pipe would wait for whoever writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def unread_id(path: str, size: int, mtime_ns: int) -> str:
    """What stands for the id of a file that is too large to be hashed: by its place, size and time."""
    return LARGE + hashlib.sha256(f"{path}\0{size}\0{mtime_ns}".encode()).hexdigest()[: 32 - len(LARGE)]


def special(mode: int) -> str:
    """What a file is that cannot hold a document, by the mode of its stat; empty for a regular file."""
    if stat.S_ISREG(mode):
        return ""
    named = next((name for test, name in _SPECIAL if test(mode)), "no regular file")
    return f"{named}: it is not opened"


_SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def walk(
    root: Path,
    include: Sequence[str],
    exclude: Sequence[str],
    failed: dict[str, Fault],
    apart: Collection[Path] = (),
) -> Iterator[tuple[str, os.DirEntry[str] | Path]]:
    """(relative path, entry) of every wanted file below a folder, by name; a root that is a file yields itself.

    Links to files are followed, links to folders (and Windows' junctions) are not: a circle of them would never end.
    They go into `failed`, and so does a folder that cannot be listed. Folders that lie `apart` are passed over.
    """
    if root.is_file():
        yield root.name, root
        return
    pending = [""]
    while pending:
        folder = pending.pop()
        if apart and (root / folder).resolve() in apart:
            continue
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError as error:
            failed[sound(folder) or "."] = _unreadable(error)
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}".lstrip("/")
            if _leads_elsewhere(entry):
                if wanted(path + "/x", ["**"], exclude):
                    failed[sound(path)] = Fault(0, "a link to a folder is not followed", Outcome.UNSUPPORTED)
            elif entry.is_dir(follow_symlinks=False):
                if wanted(path + "/x", ["**"], exclude):
                    pending.append(path)
            elif wanted(path, include, exclude):
                yield path, entry


def _leads_elsewhere(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is another name of a folder: a symbolic link or a junction, which Windows does not call one."""
    try:
        if entry.is_symlink():
            return entry.is_dir()
        # 3.12 has `is_junction`; what it asks stands in the entry's own stat
        tag = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0)
    except OSError:
        return False  # told where it is read
    return bool(tag) and tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)


def scan(
    root: Path,
    suffixes: Collection[str],
    known: Mapping[str, File],
    *,
    include: Sequence[str] = ("**",),
    exclude: Sequence[str] = (),
    apart: Collection[Path] = (),
    most: int | None = None,
) -> Scan:
    """The state of a folder. `suffixes` are lower case with their dot; what lies in a folder of `apart` is left out.

    `known` is the last scan's files: equal size, mtime and inode spare the hashing. Files of more than `most` bytes
    are not hashed: their ids are of their stats (see `unread_id`).
    """
    found = Scan(root)
    if not root.exists():
        found.missing = True
        return found
    if not root.is_dir() and (what := special(root.stat().st_mode)):
        found.unreadable["."] = Fault(0, what, Outcome.UNREADABLE)
        return found
    for path, entry in walk(root, include, exclude, found.unreadable, apart):
        if PurePosixPath(path).suffix.lower() not in suffixes:
            found.unsupported.append(sound(path))
            continue
        if (shown := sound(path)) != path:  # no store, no JSON and few terminals take such a name
            while shown in found.unreadable:  # two names may look the same without what is not valid
                shown += "?"
            found.unreadable[shown] = Fault(0, "its name is not valid Unicode: rename it", Outcome.UNREADABLE)
            continue
        try:
            about = entry.stat()
            if what := special(about.st_mode):
                found.unreadable[path] = Fault(0, what, Outcome.UNSUPPORTED)
                continue
            before = known.get(path)
            same = before and (before.size, before.mtime_ns, before.inode) == (
                about.st_size,
                about.st_mtime_ns,
                about.st_ino,
            )
            large = most is not None and about.st_size > most
            if before and same and (large or not before.doc.startswith(LARGE)):
                doc = before.doc
            elif large:
                doc = unread_id(path, about.st_size, about.st_mtime_ns)
            else:
                doc = document_id(root / path if root.is_dir() else root)
            found.files[path] = File(path, about.st_size, about.st_mtime_ns, about.st_ino, doc)
        except OSError as error:
            found.unreadable[path] = _unreadable(error)
    return found


def _unreadable(error: OSError) -> Fault:
    return Fault(0, error.strerror or str(error), Outcome.UNREADABLE)


def load_table(path: Path) -> dict[str, File]:
    """The last scan's files; empty if the table is absent or damaged: it is only a cache."""
    try:
        return {row[0]: File(*row) for row in checked.load(path)}
    except (OSError, ValueError, TypeError, IndexError):
        return {}


def save_table(path: Path, files: Mapping[str, File]) -> None:
    """Keep the scan's files for the next scan; replaced at once, so that a kill leaves the old or the new."""
    rows = [[f.path, f.size, f.mtime_ns, f.inode, f.doc] for f in files.values()]
    checked.save(path, rows)
