"""docs/security.md: every promise names tests that exist, and the page is linked where documents are listed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions_of(path: Path) -> set[str]:
    """The names of the tests in a file; none where the file is not there."""
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) >= 30
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)] == []


def test_every_promise_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| they try to |")]
    rows = [line for line in rows if not line.startswith(("| it tries to |", "| it happens that |"))]
    assert len(rows) >= 15
    assert [row for row in rows if not NAMED.search(row)] == []
    assert PAGE.count("::test_") == len(NAMED.findall(PAGE))


def test_the_page_is_linked() -> None:
    assert "](docs/security.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "docs/security.md" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
