"""The one build step that `pyproject.toml` cannot express: a wheel holds a copy of `configs/` inside the package.

An editable install copies nothing: `ragsys.builtin` reads the folder beside the package.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPresets(build_py):
    """`build_py`, then the presets."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "ragsys", "configs")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(__file__).parent / "configs", target)


setup(cmdclass={"build_py": BuildWithPresets})
