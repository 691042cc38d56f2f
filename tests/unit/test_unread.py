"""Files that no loader takes are counted by kind."""

from __future__ import annotations

from ragsys.unread import kinds, told


def test_kinds_are_counted_the_most_frequent_first() -> None:
    assert kinds(["a.xlsx", "b.docx", "c.DOCX", "d"]) == ".docx (2), .xlsx (1), no ending (1)"
    assert kinds([f"a.{n}" for n in range(9)]).endswith(".5 (1), others (3)")


def test_one_file_is_one_file() -> None:
    assert told([]) == ""
    assert told(["a.docx"]) == "1 file of a kind that ragsys does not read: .docx (1); a.docx"
