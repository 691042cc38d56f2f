"""Small files in the schemas of benchmarks, made up here, and what tests of suites do with them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ragsys.errors import SuiteError
from ragsys.protocols import Context, Suite


def make(suite: type, options: type, folder: Path, **given: Any) -> Any:
    """A suite on a folder, with its state beside that."""
    return suite(options(folder=folder, **given), Context(folder.parent / "state", folder.parent / "cache"))


def put(path: Path, content: str | bytes = b"%PDF-1.4 never opened") -> Path:
    """A file with these contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_lines(path: Path, records: Sequence[Any]) -> Path:
    """A file of JSON lines."""
    return put(path, "".join(json.dumps(record) + "\n" for record in records))


def put_parquet(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    """A parquet file of these rows; a test that needs it is skipped where pyarrow is not installed."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(list(records)), path)
    return path


def picture(width: int = 40, height: int = 20, colour: str = "red", form: str = "PNG") -> bytes:
    """An image file."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(made, form)
    return made.getvalue()


def cell(content: bytes) -> dict[str, Any]:
    """An image as image columns of parquet files hold it."""
    return {"bytes": content, "path": None}


def fails(suite: Suite, *words: str) -> SuiteError:
    """Reading the suite's documents and questions fails, and the error has these words."""
    with pytest.raises(SuiteError) as caught:
        _read(suite)
    shown = str(caught.value)
    assert all(word in shown for word in words), shown
    return caught.value


def _read(suite: Suite) -> None:
    list(suite.documents())
    list(suite.questions())


def each_field_is_checked(
    record: Mapping[str, Any], fields: Sequence[str], suite_of: Callable[[Mapping[str, Any]], Suite], file: str
) -> None:
    """A record without one of the fields, or with an object in its place, is an error that names file and field."""
    for field in fields:
        fails(suite_of({key: value for key, value in record.items() if key != field}), file, field, "missing")
        fails(suite_of({**record, field: {"wrong": 1}}), file, field, "found", "expected")
