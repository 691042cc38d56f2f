"""A third party's plugin is found, built and read by public names only; so is the one of CONTRIBUTING.md."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import ragsys.testing
from ragsys.config import load
from ragsys.configfile import override
from ragsys.protocols import ROLES

ROOT = Path(__file__).parents[2]
SCRIPT = """
from pathlib import Path
from ragsys.config import Spec
from ragsys.plugins import Builder, registry
from ragsys.types import RankedList, Span
found = registry()
assert not found.broken, found.broken
ranked = RankedList.of("x", {Span("d", n, n): score for n, score in enumerate([9.0, 8.5, 8.4, 2.0, 1.9], 1)})
spec = Spec.model_validate(SPEC)
built = Builder(found, {}, Path("state"), Path("cache")).build("cut", spec)
print(len(built.cut(ranked).hits))
"""


def installed(folder: Path, name: str, module: str) -> None:
    """What pip would leave beside an installed module: its metadata with the entry point."""
    info = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[ragsys]\n{name} = {module}\n", encoding="utf-8")


def run(folders: list[Path], script: str) -> str:
    code = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=folders[0]
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_distribution_brings_a_cut_a_preset_and_a_prompt(tmp_path: Path) -> None:
    installed(tmp_path, "knee", "ragsys_knee")
    folders = [tmp_path, ROOT / "tests" / "third_party_plugin"]
    assert run(folders, SCRIPT.replace("SPEC", "{'use': 'knee'}")) == "3"
    assert run(folders, SCRIPT.replace("SPEC", "{'use': 'knee', 'least': 4}")) == "4"
    read = "found.resources('preset')['knee'].read().count('extends: laptop-lexical'), found.prompt('knee-note')[:3]"
    script = f"from ragsys.plugins import registry; found = registry(); print({read})"
    assert run(folders, script) == "1 Say"


def test_the_plugin_of_contributing_runs_and_is_twelve_lines(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Write a plugin in 12 lines\n")[1].split("\n## ")[0]
    source, check = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len([line for line in source.splitlines() if line.strip()]) == 12
    (project,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    (module,) = re.findall(r'\[project.entry-points.ragsys\]\n\w+ = "(\w+)"', project)
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    installed(tmp_path, "mine", module)
    assert run([tmp_path], SCRIPT.replace("SPEC", "'half'")) == "3"
    assert run([tmp_path], f"{check}\ntest_half_is_a_cut()\nprint('it holds')") == "it holds"


def test_every_role_has_a_check_that_is_listed() -> None:
    assert ragsys.testing.__doc__ is not None
    listed = set(re.findall(r"\bcheck_\w+", ragsys.testing.__doc__))
    assert listed == {f"check_{role}" for role in [*ROLES, "agent"] if role != "store"}
    names = [found.name for found in pkgutil.iter_modules(ragsys.testing.__path__)]
    modules = [importlib.import_module(f"ragsys.testing.{name}") for name in names]
    assert listed <= {name for module in modules for name in vars(module)}


def test_a_list_is_set_as_the_documentation_shows() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    first, second = re.findall(r"--set '(\S+=[\[{].*?)'", text)[:2]
    assert load("laptop", [first]).index.include == ["**/*.pdf", "notes/*"]
    assert load("laptop", [second]).search.fuse.options == {"k": 30}
    (third,) = re.findall(r"--set '(search\.cut=\{.*?)'", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    cut = override({"search": {}}, third)["search"]["cut"]
    assert cut == {"use": "half", "kinds": ["table", "figure"]}
