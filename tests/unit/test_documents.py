"""What the documentation says about the house is true: links, extras, targets of make, the example documents."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pymupdf
import pytest

ROOT = Path(__file__).parents[2]
MARKDOWN = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("eval/*.md")]
EXAMPLES = ROOT / "examples" / "kelvara"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert target.startswith("http") or (path.parent / target).exists(), target


def test_the_readme_lists_every_extra_of_users() -> None:
    told = set(re.findall(r"^\| `ragsys\[([\w-]+)\]`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert told == set(PROJECT["optional-dependencies"]) - {"dev"}


def test_the_readme_names_every_format_that_is_read() -> None:
    from ragsys.plugins import registry

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.search(r"^- \*\*What is read\*\*:(.*?)^- ", readme, re.MULTILINE | re.DOTALL)
    assert told is not None
    taken = {suffix for component, _ in registry().components("loader") for suffix in component.suffixes}
    assert set(re.findall(r"`(\.\w+)`", told[1])) == taken


def test_every_target_that_make_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test", "check", "bench", "clean"} <= targets
    for path in (*MARKDOWN, ROOT / "Makefile", ROOT / ".ci" / "run"):
        assert set(re.findall(r"\bmake ([a-z]+)\b(?! up| sure)", path.read_text(encoding="utf-8"))) <= targets, path


def test_the_version_is_told_once() -> None:
    import ragsys

    assert ragsys.__version__ == PROJECT["version"]


def test_the_examples_are_what_their_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "examples" / "make.py", tmp_path], check=True, capture_output=True)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {path.name for path in EXAMPLES.glob("*.pdf")}
    assert sum(path.stat().st_size for path in EXAMPLES.iterdir()) < 1_500_000
    for name in written:  # bytes may differ between versions of PyMuPDF, the text may not
        with pymupdf.open(tmp_path / name) as new, pymupdf.open(EXAMPLES / name) as old:
            assert [page.get_text() for page in new] == [page.get_text() for page in old], name


def test_the_pages_that_questions_name_hold_their_answers() -> None:
    text = (ROOT / "examples" / "QUESTIONS.md").read_text(encoding="utf-8")
    held = {
        ("annual-report-2025.pdf", 3): ["248", "86"],
        ("pulse-flushing-paper.pdf", 2): ["2.87", "2.81"],
        ("d40-manual.pdf", 3): ["30,000 hours"],
        ("d40-manual.pdf", 4): ["High feed pressure", "KWS-2231"],
        ("d40-manual.pdf", 5): ["415.00"],
        ("roadmap-2026-slides.pdf", 3): ["58 %", "85 %"],
        ("roadmap-2026-slides.pdf", 5): ["148,000"],
    }
    for (name, number), answers in held.items():
        assert re.search(rf"{re.escape(name)} p\. {number}|{re.escape(name)}.*and p\. {number}", text), (name, number)
        with pymupdf.open(EXAMPLES / name) as document:
            page = document[number - 1].get_text()
        for answer in answers:
            assert answer in page, (name, number, answer)


def test_the_demo_asks_the_first_question() -> None:
    question = re.findall(r"^\| 1 \| (.*?\?)", (ROOT / "examples" / "QUESTIONS.md").read_text(), re.MULTILINE)
    assert re.findall(r"^DEMO_QUESTION := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE) == question
