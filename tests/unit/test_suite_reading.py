"""The readers that suites share: every error names file, place and field, and nothing leaves its folder."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ragsys_suites.suites import reading
from ragsys_suites.suites.rows import Row
from suite_files import put, put_lines, put_parquet

from ragsys.errors import MissingExtra, SuiteError


class Mills:
    """Questions on mills.

    Where: nowhere.
    What: FOLDER/mills.jsonl, as large
    as it comes.
    Licence: none.

    More words.
    """

    name = "mills"


def _row(**data: Any) -> Row:
    return Row(data, Path("mills.jsonl"), 3, "line 3", "evidence[1]")


def _said(call: Callable[[], object]) -> str:
    with pytest.raises(SuiteError) as caught:
        call()
    return str(caught.value)


# -- fields ------------------------------------------------------------------------------------------------------------


def test_an_error_names_file_line_field_what_was_found_and_what_is_expected() -> None:
    said = _said(lambda: _row(page="three").integer("page", low=1))
    assert said == "mills.jsonl, line 3, field 'evidence[1].page': found 'three', expected a whole number of at least 1"
    said = _said(lambda: _row(pages=3, doc="x").integer("page", low=1))
    assert said.startswith("mills.jsonl, line 3, field 'evidence[1].page': missing, expected a whole number")
    assert "fields there: pages, doc" in said
    assert len(_said(lambda: _row(page="x" * 10_000).integer("page"))) < 200


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        ("text", "", ""),
        ("key", 7, "7"),
        ("key", "a", "a"),
        ("flag", False, False),
        ("integer", 3.0, 3),  # a column of numbers with gaps is one of floats
        ("number", 3, 3.0),
        ("list", [1, "a"], [1, "a"]),
        ("texts", "a", ["a"]),
        ("texts", ["a", "b"], ["a", "b"]),
        ("keys", [1, "a"], ["1", "a"]),
        ("listed", 4, [4]),
        ("listed", [4, 5], [4, 5]),
        ("numbers", [1, 2.5], [1.0, 2.5]),
        ("written_list", "['a', 3]", ["a", 3]),
        ("written_list", ' ["a", null]', ["a", None]),
        ("written_list", [1], [1]),
    ],
)
def test_values(read: str, value: object, expected: object) -> None:
    found = getattr(_row(x=value), read)("x")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", None),
        ("text", 3),
        ("key", ""),
        ("key", True),
        ("key", 1.5),
        ("flag", 1),
        ("integer", True),
        ("integer", 2.5),
        ("integer", "2"),
        ("number", float("nan")),
        ("number", True),
        ("list", "a"),
        ("texts", [1]),
        ("texts", None),
        ("keys", [None]),
        ("listed", "1"),
        ("numbers", [float("inf")]),
        ("row", [1]),
        ("rows", [1]),
        ("written_list", "__import__('os').listdir()"),
        ("written_list", "[" * 50_000),
        ("written_list", "3, 5"),
        ("written_list", "{'a': 1}"),
    ],
)
def test_values_of_the_wrong_kind(read: str, value: object) -> None:
    assert "found " in _said(lambda: getattr(_row(x=value), read)("x"))


def test_missing_is_an_error_unless_it_may_be() -> None:
    for read in ("list", "texts", "keys", "rows"):
        assert "'evidence[1].x': missing" in _said(lambda read=read: getattr(_row(), read)("x"))
        assert getattr(_row(), read)("x", missing=True) == []
        assert getattr(_row(x=None), read)("x", missing=True) == []
    assert _row(x=None, y=1).has("y")
    assert not _row(x=None, y=1).has("x", "y")


def test_bounds_and_choices() -> None:
    assert "in 1..9" in _said(lambda: _row(x=10).integer("x", low=1, high=9))
    assert "of at most 9" in _said(lambda: _row(x=10).number("x", high=9))
    assert "2 numbers" in _said(lambda: _row(x=[1]).numbers("x", length=2))
    assert "found 'c', expected a | b" in _said(lambda: _row(x="c").one_of("x", ("a", "b")))
    assert "expected a | b" in _said(lambda: _row(x=["a"]).one_of("x", ("a", "b")))


def test_records_inside_records() -> None:
    row = _row(spans=[{"at": {"page": 0}}])
    said = _said(lambda: row.rows("spans")[0].row("at").integer("page", low=1))
    assert "field 'evidence[1].spans[0].at.page': found 0" in said


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.pdf", "b/a.pdf", "Who: a tale.pdf", "...pdf"])
def test_paths_inside(tmp_path: Path, name: str) -> None:
    assert reading.inside(tmp_path, name).is_relative_to(tmp_path)
    assert reading.inside(tmp_path, name).relative_to(tmp_path).as_posix() == name


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a", "b/../../a", "..\\a", "\\\\host\\a", "C:\\a", "C:a", "a\0b", "//host/share/a"]
)
def test_paths_that_lead_out(tmp_path: Path, name: str) -> None:
    assert "expected one below" in _said(lambda: reading.inside(tmp_path, name))
    assert _said(lambda: reading.inside(tmp_path, name, "f, line 1")).startswith("f, line 1: found the path ")


def test_a_missing_file_says_what_to_download(tmp_path: Path) -> None:
    said = _said(lambda: reading.need(tmp_path, "a.json", "data/a.json", suite=Mills()))
    assert f"suite 'mills': {tmp_path} holds no 'a.json' or 'data/a.json'" in said
    assert "Where: nowhere.\n  What: FOLDER/mills.jsonl, as large\n  as it comes." in said
    assert "Licence" not in said
    assert "More words" not in said
    assert "ragsys eval mills --list" in said
    put(tmp_path / "data" / "a.json")
    assert reading.need(tmp_path, "a.json", "data/a.json", suite=Mills) == tmp_path / "data" / "a.json"
    assert reading.optional(tmp_path, "b.json") is None


def test_files_below_a_folder(tmp_path: Path) -> None:
    for name in ("b.PDF", "a/c.pdf", "a/d.txt", ".hidden/e.pdf", "a/.f.pdf"):
        put(tmp_path / name)
    found = reading.files(tmp_path, (".pdf",), suite=Mills())
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a/c.pdf", "b.PDF"]
    assert [path.name for path in reading.files(tmp_path, (".pdf",), suite=Mills(), under="a")] == ["c.pdf"]
    assert "holds no .epub files" in _said(lambda: reading.files(tmp_path, (".epub",), suite=Mills()))


def test_revisions(tmp_path: Path) -> None:
    one, other = put(tmp_path / "a", "x"), put(tmp_path / "b", "y")
    assert len(reading.revision([one])) == 12
    revisions = {reading.revision(files) for files in ([one], [other], [one, other], [other, one])}
    assert len(revisions) == 4
    before = reading.revision([one])
    put(tmp_path / "a", "z")
    assert reading.revision([one]) != before
    assert "cannot be read" in _said(lambda: reading.revision([tmp_path / "none"]))


# -- files -------------------------------------------------------------------------------------------------------------


def test_json_lines(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jsonl", '\ufeff{"id": 1}\n\n {"id": 2}')
    assert [(row.line, row.get("id")) for row in reading.json_lines(file)] == [(1, 1), (3, 2)]
    lists = put_lines(tmp_path / "b.jsonl", [["a", 2]])
    assert next(reading.json_lines(lists, list_of=("x", "y"))).data == {"x": "a", "y": 2}
    assert "line 1: found ['a', 2], expected a list [x, y, z]" in _said(
        lambda: list(reading.json_lines(lists, list_of=("x", "y", "z")))
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"id": }', "line 2: not valid JSON: expecting value at column 8"),
        (b'{"id": "a\x01"}', "line 2: not valid JSON: invalid control character at column 10"),
        (b"[1]", "line 2: found [1], expected an object"),
        (b'{"id": "\xff"}', "line 2: found the byte 0xff, expected text in UTF-8"),
        (b"[" * 100_000, "line 2: JSON that cannot be read"),
        (b"1" * 5_000, "line 2: JSON that cannot be read"),
    ],
)
def test_lines_that_are_no_records(tmp_path: Path, line: bytes, words: str) -> None:
    file = put(tmp_path / "a.jsonl", b'{"id": 1}\n' + line + b"\n")
    said = _said(lambda: list(reading.json_lines(file)))
    assert f"{file}, {words}" in said
    assert "not valid JSON" not in said or "correct the line: one JSON object" in said
    assert len(said) < 500


def test_json_files(tmp_path: Path) -> None:
    records = put(tmp_path / "a.json", json.dumps([{"id": 1}, {"id": 2}]))
    assert [(row.line, row.get("id")) for row in reading.json_list(records)] == [(0, 1), (1, 2)]
    assert reading.json_object(put(tmp_path / "b.json", '{"id": 1}')).integer("id") == 1
    assert reading.json_texts(put(tmp_path / "c.json", '["a"]')) == ["a"]
    assert "expected an object" in _said(lambda: reading.json_object(records))
    broken = put(tmp_path / "d.json", '[\n{"id": 1},\n]')
    assert "not valid JSON" in _said(lambda: list(reading.json_list(broken)))
    assert "at line 3, column 1" in _said(lambda: list(reading.json_list(broken)))
    assert "cannot be read" in _said(lambda: list(reading.json_list(tmp_path / "none.json")))
    assert "cannot be read" in _said(lambda: list(reading.json_lines(tmp_path)))  # a folder


def test_csv_files(tmp_path: Path) -> None:
    file = put(tmp_path / "a.csv", '\ufeffid,text\n1,"two\nlines, and ""quotes"""\n\n2,' + "long " * 50_000 + "\n")
    one, two = reading.csv_rows(file, ("id", "text"))
    assert (one.line, one.text("text")) == (3, 'two\nlines, and "quotes"')
    assert (two.key("id"), len(two.text("text"))) == ("2", 250_000)
    assert "no column 'answer'" in _said(lambda: list(reading.csv_rows(file, ("answer",))))
    assert "columns: id, text" in _said(lambda: list(reading.csv_rows(file, ("answer",))))
    wide = put(tmp_path / "b.csv", "id,text\n1,2,3\n")
    assert "line 2: found 3 fields, expected the 2 of the header" in _said(lambda: list(reading.csv_rows(wide)))
    assert "UTF-8" in _said(lambda: list(reading.csv_rows(put(tmp_path / "c.csv", b"id\n\xff\n"))))
    assert "columns: none" in _said(lambda: list(reading.csv_rows(put(tmp_path / "d.csv", ""), ("id",))))


# -- parquet -----------------------------------------------------------------------------------------------------------


def test_parquet_files(tmp_path: Path) -> None:
    one = put_parquet(
        tmp_path / "a-0.parquet", [{"id": number, "image": {"bytes": b"x", "path": None}} for number in range(40)]
    )
    other = put_parquet(tmp_path / "a-1.parquet", [{"id": 40, "image": None}])
    put(tmp_path / "note.txt")
    assert reading.parquet_files(tmp_path, suite=Mills()) == [one, other]
    assert reading.parquet_files(tmp_path, suite=Mills(), stem="a-1") == [other]
    assert "holds no b-*.parquet" in _said(lambda: reading.parquet_files(tmp_path, suite=Mills(), stem="b-"))
    rows = list(reading.parquet([one, other], ("id",)))
    assert [row.get("id") for row in rows] == list(range(41))
    assert [rows[39].line, rows[40].line] == [39, 0]
    assert set(rows[0].data) == {"id"}
    assert rows[40].where("id") == f"{other}, row 0, field 'id'"
    assert next(reading.parquet([one])).row("image").value("bytes") == b"x"
    assert "no column 'text'" in _said(lambda: list(reading.parquet([one], ("text",))))
    assert "not a parquet file" in _said(lambda: list(reading.parquet([put(tmp_path / "b.parquet", b"PAR1")])))


def test_a_row_group_is_not_read_as_a_whole(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    noise = random.Random(7)
    table = pyarrow.table({"image": [noise.randbytes(200_000) for _ in range(300)]})  # 60 MB that cannot be packed
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=False, write_batch_size=4)
    assert parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups == 1
    del table
    before = pyarrow.total_allocated_bytes()
    held = [pyarrow.total_allocated_bytes() - before for _ in reading.parquet([tmp_path / "a.parquet"], ("image",))]
    assert len(held) == 300
    assert max(held) < 20_000_000


def test_without_pyarrow_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path / "a.parquet")
    monkeypatch.setattr(reading.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"ragsys\[parquet\]"):
        list(reading.parquet([file]))
