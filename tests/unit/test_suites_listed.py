"""Every suite is registered, says where it can be had, what to download and under which licence, and names metrics."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
import ragsys_suites.suites
from ragsys_suites.metrics import METRICS
from ragsys_suites.metrics.defaults import default_metrics
from ragsys_suites.suites import SUITES

from ragsys.options import Options
from ragsys.plugins import Component, load_target

FOLDER = Path(str(ragsys_suites.suites.__file__)).parent
_HOSTS = re.compile(r"https?://|huggingface|hf\.co|\b[\w-]+\.(?:com|org|net|io)/", re.IGNORECASE)


def _defined() -> set[str]:
    """`module:Class` of every class in the folder that has a name and questions: a suite, by its text alone."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                targets = [one for part in node.body if isinstance(part, ast.Assign) for one in part.targets]
                targets += [part.target for part in node.body if isinstance(part, ast.AnnAssign) and part.value]
                names = {one.id for one in targets if isinstance(one, ast.Name)}
                if {"name", "licence"} <= names:
                    found.add(f"ragsys_suites.suites.{path.stem}:{node.name}")
    return found


def test_every_suite_is_registered_once() -> None:
    targets = [component.target for component in SUITES]
    assert set(targets) == _defined()
    assert len(set(targets)) == len(targets)
    assert len({component.name for component in SUITES}) == len(SUITES)
    assert {component.role for component in SUITES} == {"suite"}


@pytest.mark.parametrize("component", SUITES, ids=lambda component: component.name)
def test_a_suite_says_what_it_is(component: Component) -> None:
    suite = load_target(component.target)
    assert suite.name == component.name
    assert suite.licence.strip()
    assert component.summary
    about = inspect.getdoc(suite) or ""
    for word in ("Where:", "What:", "Licence:"):
        assert re.search(rf"^{word} \S", about, re.MULTILINE), f"no line '{word}' in the docstring"
    assert not _HOSTS.search(about), "repositories are named by owner and name, without a host"
    if component.requires:
        assert component.extra


@pytest.mark.parametrize("component", SUITES, ids=lambda component: component.name)
def test_a_suite_takes_a_folder(component: Component) -> None:
    assert isinstance(component.options, str)
    options = load_target(component.options)
    assert issubclass(options, Options)
    assert options.model_fields["folder"].is_required()
    assert all(field.description for field in options.model_fields.values())


@pytest.mark.parametrize("component", SUITES, ids=lambda component: component.name)
def test_the_metrics_of_a_suite_are_there(component: Component) -> None:
    known = {metric.name: metric for metric in METRICS}
    names = load_target(component.target).metrics
    if isinstance(names, property):  # what it reports depends on its files: every name that it may say
        names = (*default_metrics(), *re.findall(r'"([a-z_]+@\d+)"', inspect.getsource(names.fget)))
    assert names
    assert len(set(names)) == len(names)
    for name in names:
        base, cut, number = name.partition("@")
        assert base in known, f"no metric named '{base}'"
        if cut:
            options = known[base].options
            fields = (load_target(options) if isinstance(options, str) else options).model_fields
            assert "k" in fields, f"'{base}' has no option k"
            assert int(number) >= 1
