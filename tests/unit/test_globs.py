"""Globs over relative paths."""

from __future__ import annotations

import pytest

from ragsys.globs import matches, wanted


@pytest.mark.parametrize(
    ("path", "glob", "expected"),
    [
        ("2023/report.pdf", "2023/*", True),
        ("2023/q1/report.pdf", "2023/*", True),  # a folder's name matches everything inside it
        ("2023/q1/report.pdf", "2023", True),
        ("2023/report.pdf", "2022/*", False),
        ("a/b/annual-2023.pdf", "**/annual*.pdf", True),
        ("annual.pdf", "**/annual*.pdf", True),
        ("report.PDF", "*.pdf", True),
        ("q1/report.pdf", "*.pdf", False),
        ("q1/report.pdf", "**/*.pdf", True),
        ("report1.pdf", "report?.pdf", True),
        ("report12.pdf", "report?.pdf", False),
        ("report2.pdf", "report[1-3].pdf", True),
        ("report2.pdf", "report[!1-3].pdf", False),
        ("a+b (c).pdf", "a+b (c).pdf", True),
        ("a.pdf", "", True),
        ("2023x/report.pdf", "2023", False),
    ],
)
def test_glob(path: str, glob: str, expected: bool) -> None:
    assert matches(path, [glob]) is expected


def test_hidden_files_and_folders_are_left_alone() -> None:
    exclude = ["**/.*", "**/.*/**", "**/~$*"]
    assert wanted("a/b.pdf", ["**/*"], exclude)
    assert not wanted(".hidden.pdf", ["**/*"], exclude)
    assert not wanted("a/.git/b.pdf", ["**/*"], exclude)
    assert not wanted("a/~$b.docx", ["**/*"], exclude)
