"""The doctor finds what is wrong, names a remedy, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import portalocker
import pytest

from ragsys import doctor, places
from ragsys.cli.app import run
from ragsys.doctor import Check, examine
from ragsys.errors import MissingExtra
from ragsys.options import Options
from ragsys.plugins import Broken, Component, load_target, registry
from ragsys.protocols import Context


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAGSYS_CONFIG", raising=False)


def installed(role: str) -> list[str]:
    return [component.name for component, _ in registry().components(role)]


def checks(config: str | None = None, *overrides: str) -> dict[str, Check]:
    return {check.name: check for check in examine(config, overrides)}


def library(tmp_path: Path, *, root: str = "docs") -> places.Place:
    (tmp_path / "docs").mkdir(exist_ok=True)
    place = places.place_of(tmp_path / root)
    places.register(place)
    return place


def test_a_sound_installation_is_healthy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["healthy"] is True
    names = {check["name"] for check in data["checks"]}
    assert {"python", "ragsys", "packages", "plugins", "preset laptop", "data folder"} <= names
    assert {name.removesuffix(" (in use)") for name in names} >= {f"ocr {one}" for one in installed("ocr")}
    assert all(check["remedy"] for check in data["checks"] if check["severity"] in ("warning", "error"))
    assert not (tmp_path / "home").exists()


def test_an_error_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--set", "search.nonsense=1"]) == 1
    assert "search.nonsense: unknown key" in capsys.readouterr().out


def test_a_broken_plugin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry(), "broken", [Broken("bad", "ragsys-bad", "ImportError: no")])
    check = checks()["plugin bad"]
    assert check.severity == "warning"
    assert "ragsys-bad" in check.remedy


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "qdrant-edge-py" else "1")
    check = checks()["packages"]
    assert (check.severity, check.remedy) == ("error", "pip install qdrant-edge-py")


def test_missing_extras_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "rapidocr" else "1")
    found = checks()
    assert found["extra ocr"].severity == "info"
    assert "extra server" not in found
    assert found["packages"].severity == "ok"


def test_a_preset_whose_extra_is_missing_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    real = load_target("ragsys.plugins:missing_package")
    monkeypatch.setattr(
        "ragsys.config.missing_package", lambda c: "nonesuch" if (c.role, c.name) == ("store", "server") else real(c)
    )
    found = checks("server")
    assert found["preset server"].severity == "info"
    assert "ragsys[server]" in found["preset server"].remedy
    assert found["configuration (server)"].severity == "warning"
    assert found["preset laptop"].severity == "ok"


class Reader:
    """An OCR engine that says what it lacks."""

    lacks = ""

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options

    def available(self) -> str:
        """As set; raises what it is set to."""
        if isinstance(self.lacks, Exception):
            raise self.lacks
        return self.lacks


@pytest.mark.parametrize(
    ("lacks", "severity", "message", "remedy"),
    [
        ("", "ok", "can run here", ""),
        ("no program: apt install it", "info", "cannot run here: no program", "apt install it"),
        (TimeoutError("it hangs"), "warning", "cannot be asked: it hangs", "install anew what it runs"),
    ],
)
def test_an_optional_stage_says_itself_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, lacks: str | Exception, severity: str, message: str, remedy: str
) -> None:
    mine = Component("ocr", "made-up", f"{__name__}:Reader")
    monkeypatch.setitem(registry()._components, ("ocr", "made-up"), (mine, "test"))
    monkeypatch.setattr("ragsys.plugins.load_target", lambda target, load=load_target: _reader(target, load))
    monkeypatch.setattr(Reader, "lacks", lacks)
    found = checks(None, "ocr=made-up")["ocr made-up (in use)"]
    assert (found.severity, found.message, found.remedy) == (severity, message, remedy)


def _reader(target: str, load: Callable[[str], Any]) -> Any:
    return Reader if target.endswith(":Reader") else load(target)


def test_a_stage_whose_package_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Component("layout", "made-up", "no_such:Thing", requires=("no_such",), extra="layout")
    monkeypatch.setitem(registry()._components, ("layout", "made-up"), (mine, "test"))
    found = checks()["layout made-up"]
    assert (found.severity, found.remedy) == ("info", "pip install 'ragsys[layout]'  (if you need it)")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "file" / "below"))
    found = {check.name: check for check in doctor.folders()}
    assert found["data folder"].severity == "error"
    assert "RAGSYS_HOME" in found["data folder"].remedy


def test_a_full_disk_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor.shutil.disk_usage("/")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda at: usage._replace(free=10**6))
    assert {check.severity for check in doctor.folders()} == {"warning"}


def test_a_library_whose_folder_is_gone_is_a_warning(tmp_path: Path) -> None:
    place = library(tmp_path, root="gone")
    check = checks()[f"library {place.id}"]
    assert check.severity == "warning"
    assert place.id in check.remedy


def test_who_has_a_library_open_is_told(tmp_path: Path) -> None:
    place = library(tmp_path)
    name = f"library {place.id}"
    assert f"{name} owner" not in checks()
    (place.folder / "owner.json").write_text('{"pid": 42}')
    left = checks()[f"{name} owner"]
    assert left.severity == "info"
    assert "process 42, which ended" in left.message
    (place.folder / "owner.json").write_text("[" * 100_000)
    assert "process None, which ended" not in checks()[f"{name} owner"].message
    (place.folder / "owner.json").write_text('{"pid": 42}')  # the check has opened the library since
    with portalocker.Lock(str(place.folder / "owner.lock"), mode="a", timeout=0):
        assert "process 42 has it open" in checks()[f"{name} owner"].message


def test_a_library_of_a_newer_version_is_an_error(tmp_path: Path) -> None:
    place = library(tmp_path)
    (place.folder / places.ABOUT).write_text(json.dumps({"root": str(place.root), "format": 99}))
    assert checks()[f"library {place.id}"].severity == "error"


@pytest.mark.parametrize(
    ("layout", "name", "severity"), [(False, "layout bare", "info"), (True, "layout bare (in use)", "warning")]
)
def test_a_layout_model_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], layout: bool, name: str, severity: str
) -> None:
    def lacking(options: Options, context: Context) -> None:
        raise MissingExtra("layout", "bare", "no_such", "layout")

    mine = Component("layout", "bare", f"{__name__}:Bare", extra="layout")
    monkeypatch.setitem(registry()._components, ("layout", "bare"), (mine, "test"))
    real = load_target
    monkeypatch.setattr(
        "ragsys.plugins.load_target", lambda target: lacking if target.endswith(":Bare") else real(target)
    )
    given = ("layout=bare", f"index.layout={str(layout).lower()}")
    check = checks(None, *given)[name]
    assert check.severity == severity
    assert "pip install 'ragsys[layout]'" in check.remedy
    code = run(["config", "check", "--set", given[0], "--set", given[1]])
    assert code == (2 if layout else 0)
    assert ("ragsys[layout]" in capsys.readouterr().err) == layout
