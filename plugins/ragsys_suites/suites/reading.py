"""Readers of a benchmark's files: every value is checked where it is read, every error names file, line and field.

Files are somebody else's: nothing in them is trusted. Paths that they name stay below their folder (`inside`), JSON and
parquet are data only, and a parquet file is read a few rows at a time, whatever its size.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import inspect
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, Protocol

from ragsys.errors import MissingExtra, SuiteError
from ragsys_suites.suites.rows import Row, shown

_BATCH = 16  # parquet rows in memory at once: cells may be images of megabytes
_WHOLE = 64 << 20  # files up to this many bytes are hashed whole, of larger ones the size, head and tail
_ENDS = 1 << 20
_FIELD = 1 << 27  # characters of one field of a CSV file

csv.field_size_limit(_FIELD)


class Named(Protocol):
    """A suite, or its class: its docstring says where the benchmark is had (`Where:`) and which files (`What:`)."""

    name: str


def download(suite: Named) -> str:
    """The `Where:` and `What:` of a suite's docstring and the command that prints all of it: the hint of an error."""
    lines, keep = [], False
    for line in (inspect.getdoc(suite if inspect.isclass(suite) else type(suite)) or "").splitlines():
        keep = line.startswith(("Where:", "What:")) or (keep and bool(line) and not line.startswith("Licence:"))
        if keep:
            lines.append(line)
    return "\n".join([*lines, f"all of it: ragsys eval {suite.name} --list"])


def need(folder: Path, *candidates: str, suite: Named) -> Path:
    """The first of these files (or folders) that is there, by its path below `folder`.

    Raises `SuiteError` that names what was looked for and says what to download.
    """
    found = optional(folder, *candidates)
    if found is not None:
        return found
    looked = " or ".join(f"'{one}'" for one in candidates)
    raise SuiteError(f"suite '{suite.name}': {folder} holds no {looked}", hint=download(suite))


def optional(folder: Path, *candidates: str) -> Path | None:
    """The first of these files (or folders) that is there, by its path below `folder`; None if there is none."""
    return next((path for one in candidates if (path := inside(folder, one)).exists()), None)


def inside(folder: Path, name: str, where: str = "") -> Path:
    """The path that `name`, which stands at `where`, names below `folder`; the file need not be there.

    Raises `SuiteError` if `name` is empty, absolute or leads out of the folder, on this system or on another. What lies
    in the folder as a link is the user's own doing and is followed.
    """
    parts = PureWindowsPath(name)  # takes / and \ as separators and knows drives
    if not parts.parts or parts.drive or parts.root or ".." in parts.parts or "\0" in name:
        raise SuiteError(f"{where}{': ' if where else ''}found the path {shown(name)}, expected one below {folder}")
    return folder.joinpath(*name.split("/"))


def files(folder: Path, suffixes: Sequence[str], *, suite: Named, under: str | None = None) -> list[Path]:
    """Every file below `folder` (or below `under` in it) with one of these endings (lower case), sorted by path.

    Hidden files and folders are left out. Raises `SuiteError` where there are none.
    """
    top = folder if under is None else inside(folder, under)
    found = []
    for here, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(here, name) for name in names if not name.startswith(".") and name.lower().endswith(tuple(suffixes))
        ]
    if not found:
        raise SuiteError(f"suite '{suite.name}': {top} holds no {' or '.join(suffixes)} files", hint=download(suite))
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def revision(paths: Iterable[Path]) -> str:
    """12 hex digits of the files' contents, in their order; of a file over 64 MiB its size, head and tail count.

    Raises `SuiteError` if one cannot be read.
    """
    found = hashlib.sha256()
    for path in paths:
        try:
            size = path.stat().st_size
            found.update(f"{size}\0".encode())
            with path.open("rb") as stream:
                if size > _WHOLE:
                    found.update(stream.read(_ENDS))
                    stream.seek(-_ENDS, os.SEEK_END)
                while block := stream.read(_ENDS):
                    found.update(block)
        except OSError as error:
            raise _unreadable(path, error) from error
    return found.hexdigest()[:12]


def json_lines(path: Path, *, list_of: Sequence[str] | None = None) -> Iterator[Row]:
    """The objects of a file with one JSON object a line; blank lines are passed over. `Row.line` counts from 1.

    With `list_of` each line is a list of that many values instead, which are given these names. Raises `SuiteError`.
    """
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                if raw.strip():
                    place = f"line {number}"
                    yield _row(_parsed(raw, path, place), path, number, place, list_of)
    except OSError as error:
        raise _unreadable(path, error) from error


def json_list(path: Path) -> Iterator[Row]:
    """The objects of a file that is one JSON list; `Row.line` is an object's index, from 0. Raises `SuiteError`."""
    content = _whole(path)
    if not isinstance(content, list):
        raise SuiteError(f"{path}: found {shown(content)}, expected a list of objects")
    for number, one in enumerate(content):
        yield _row(one, path, number, f"record [{number}]", None)


def json_texts(path: Path) -> list[str]:
    """The texts of a file that is one JSON list of texts. Raises `SuiteError`."""
    content = _whole(path)
    if not isinstance(content, list):
        raise SuiteError(f"{path}: found {shown(content)}, expected a list of texts")
    for number, one in enumerate(content):
        if not isinstance(one, str):
            raise SuiteError(f"{path}, [{number}]: found {shown(one)}, expected a text")
    return content


def json_object(path: Path) -> Row:
    """The object of a file that is one JSON object. Raises `SuiteError`."""
    return _row(_whole(path), path, 0, "", None)


def csv_rows(path: Path, columns: Sequence[str] = (), *, delimiter: str = ",") -> Iterator[Row]:
    """The rows of a CSV file with a header that names at least `columns`; all values are texts.

    `Row.line` is the line (from 1) that a row ends on. Raises `SuiteError`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            header = next(reader, [])
            _columns(path, columns, header)
            for values in reader:
                if not values:
                    continue
                place = f"line {reader.line_num}"
                if len(values) != len(header):
                    raise SuiteError(
                        f"{path}, {place}: found {len(values)} fields, expected the {len(header)} of the header"
                    )
                yield Row(dict(zip(header, values, strict=True)), path, reader.line_num, place)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: not a valid CSV file in UTF-8 ({error})") from error


def parquet_files(folder: Path, *, suite: Named, stem: str = "") -> list[Path]:
    """The parquet files of a folder whose names start with `stem`, sorted. Raises `SuiteError` where there are none."""
    found = sorted(path for path in folder.glob("*.parquet") if path.name.startswith(stem)) if folder.is_dir() else []
    if not found:
        raise SuiteError(f"suite '{suite.name}': {folder} holds no {stem}*.parquet", hint=download(suite))
    return found


def parquet(paths: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of parquet files, in order; only `columns` are read, and only a few rows are in memory at once.

    `Row.line` is a row's index in its file, from 0. Raises `SuiteError` on files that cannot be read and columns that
    are not there, `MissingExtra` where pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingExtra("file", paths[0].name, "pyarrow", "parquet")
    import pyarrow
    from pyarrow import parquet as reader

    for path in paths:
        try:
            # buffered and not read ahead: a row group of gigabytes is passed through in pieces
            with reader.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as source:
                _columns(path, columns or (), source.schema_arrow.names)
                number = 0
                for batch in source.iter_batches(_BATCH, columns=None if columns is None else list(columns)):
                    for one in batch.to_pylist():
                        yield Row(one, path, number, f"row {number}")
                        number += 1
        except (OSError, pyarrow.ArrowException) as error:
            raise SuiteError(f"{path}: not a parquet file that can be read ({error})") from error


def _columns(path: Path, wanted: Sequence[str], there: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise SuiteError(f"{path}: no column '{missing[0]}'", hint=f"columns: {', '.join(there) or 'none'}")


def _whole(path: Path) -> Any:
    try:
        return _parsed(path.read_bytes(), path, "")
    except OSError as error:
        raise _unreadable(path, error) from error


def _parsed(raw: bytes, path: Path, place: str) -> Any:
    where = f"{path}, {place}" if place else str(path)
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        here = f"column {error.colno}" if place else f"line {error.lineno}, column {error.colno}"
        wrong = f"{error.msg[0].lower()}{error.msg[1:]}".removesuffix(" at")
        raise SuiteError(
            f"{where}: not valid JSON: {wrong} at {here}",
            hint='correct the line: one JSON object, with quotes as \\" and line breaks as \\n inside of texts'
            if place
            else "correct the file, or get it anew",
        ) from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{where}: found the byte {raw[error.start]:#04x}, expected text in UTF-8") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise SuiteError(f"{where}: JSON that cannot be read ({error})") from error


def _row(content: Any, path: Path, number: int, place: str, list_of: Sequence[str] | None) -> Row:
    where = f"{path}, {place}" if place else str(path)
    if list_of is not None:
        if not isinstance(content, list) or len(content) != len(list_of):
            raise SuiteError(f"{where}: found {shown(content)}, expected a list [{', '.join(list_of)}]")
        content = dict(zip(list_of, content, strict=True))
    if not isinstance(content, dict):
        raise SuiteError(f"{where}: found {shown(content)}, expected an object")
    return Row(content, path, number, place)


def _unreadable(path: Path, error: OSError) -> SuiteError:
    return SuiteError(f"{path}: cannot be read ({error.strerror or error})")


__all__ = [
    "Row",
    "csv_rows",
    "download",
    "files",
    "inside",
    "json_lines",
    "json_list",
    "json_object",
    "json_texts",
    "need",
    "optional",
    "parquet",
    "parquet_files",
    "revision",
]
