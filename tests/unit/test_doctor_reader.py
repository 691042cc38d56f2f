"""The doctor asks the reader of a configuration what it can do, with an end to every question."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragsys import doctor_reader
from ragsys.cli.app import run
from ragsys.config import load
from ragsys.doctor import Check
from ragsys.errors import GenerationError, MissingExtra
from ragsys.exchange import Limits, Reply, Request
from ragsys.options import Options
from ragsys.plugins import Component, load_target, registry
from ragsys.protocols import Context
from ragsys.types import Usage


class Able:
    """A model that does all that is asked of it, by looking at the request."""

    reads_images = True
    identity = "able/1"

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def generate(self, request: Request) -> Reply:
        """What the request wants."""
        self.requests.append(request)
        if request.schema is not None:
            data = {"colour": "red", "count": 3}
            return Reply(json.dumps(data), data, Usage(1, 20, 12, 0.1))
        images = [part for part in request.messages[-1].parts if not isinstance(part, str)]
        return Reply(self.read(images[0]) if images else "Hello.", None, Usage(1, 20, 40, 0.1))

    def read(self, image: Any) -> str:
        """The number, as one who drew it knows it."""
        return self.drawn(image)

    drawn: Callable[[Any], str]

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """In two pieces with a pause."""
        reply = self.generate(request)
        yield "one, "
        threading.Event().wait(0.01)
        yield "two"
        yield reply


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> Able:
    """With eyes: the picture's text is kept where it is drawn."""
    drawn = []
    real = doctor_reader.picture
    monkeypatch.setattr(doctor_reader, "picture", lambda text: (drawn.append(text), real(text))[1])
    model = Able()
    model.drawn = lambda image: f"The number is {drawn[-1]}."
    return model


def checks(generator: Any, monkeypatch: pytest.MonkeyPatch, seconds: float = 5.0) -> dict[str, Check]:
    component = Component("generator", "made-up", f"{__name__}:made")
    monkeypatch.setitem(registry()._components, ("generator", "made-up"), (component, "test"))
    monkeypatch.setattr(
        "ragsys.plugins.load_target",
        lambda target: (lambda options, context: generator) if target.endswith(":made") else load_target(target),
    )
    config = load(None, ["generator=made-up"])
    return {check.name: check for check in doctor_reader.reader(config, seconds)}


def test_a_reader_that_does_all_is_well(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks(able, monkeypatch)
    assert {name: check.severity for name, check in found.items()} == {
        "reader": "ok",
        "reader images": "ok",
        "reader schema": "ok",
        "reader speed": "ok",
    }
    assert "able/1 answers" in found["reader"].message
    assert "tokens/s" in found["reader speed"].message
    assert all(request.deadline == 5.0 and request.cancel is not None for request in able.requests)


def test_what_fits_is_told_by_a_reader_that_knows(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bounded(Able):
        drawn = staticmethod(lambda image: "")

        def limits(self) -> Limits:
            return Limits(8192, 4)

        def tokens(self, request: Request) -> int:
            return 1

    assert "takes 8,192 tokens and 4 images" in checks(Bounded(), monkeypatch)["reader"].message


def test_a_reader_that_guesses_the_number_sees_nothing(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    able.drawn = lambda image: "0000"
    check = checks(able, monkeypatch)["reader images"]
    assert check.severity == "warning"
    assert "'0000'" in check.message
    assert "vision-language" in check.remedy


def test_a_reader_of_text_is_not_shown_a_picture(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    able.reads_images = False
    assert checks(able, monkeypatch)["reader images"].severity == "info"
    assert all(isinstance(part, str) for request in able.requests for part in request.messages[-1].parts)


@pytest.mark.parametrize(
    "data",
    [None, [], {"colour": "red"}, {"colour": "pink", "count": 3}, {"colour": "red", "count": True}],
)
def test_a_reply_beside_the_schema_is_told(able: Able, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    real = able.generate
    monkeypatch.setattr(able, "generate", lambda r: Reply("?", data) if r.schema is not None else real(r))
    check = checks(able, monkeypatch)["reader schema"]
    assert check.severity == "warning"
    assert check.remedy


def test_wrong_values_under_a_schema_are_no_fault_of_it(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    real, blue = able.generate, {"colour": "blue", "count": 9}
    monkeypatch.setattr(able, "generate", lambda r: Reply("?", blue) if r.schema is not None else real(r))
    assert checks(able, monkeypatch)["reader schema"].severity == "ok"


def test_a_server_that_is_not_reached_is_an_error_with_its_remedy(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(request: Request) -> Reply:
        raise GenerationError("http://localhost:1 is not reached", hint="start it")

    monkeypatch.setattr(able, "generate", refused)
    found = checks(able, monkeypatch)
    assert list(found) == ["reader"]
    assert (found["reader"].severity, found["reader"].remedy) == ("error", "start it")
    assert "is not reached" in found["reader"].message


def test_a_fault_of_the_generators_own_code_is_told(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(able, "generate", lambda request: 1 / 0)
    assert "ZeroDivisionError" in checks(able, monkeypatch)["reader"].message


def test_a_generator_that_cannot_be_made_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(options: Options, context: Context) -> Any:
        raise MissingExtra("generator", "made-up", "no_such", "served")

    component = Component("generator", "made-up", f"{__name__}:made")
    monkeypatch.setitem(registry()._components, ("generator", "made-up"), (component, "test"))
    real = load_target
    monkeypatch.setattr("ragsys.plugins.load_target", lambda t: lacking if t.endswith(":made") else real(t))
    (check,) = doctor_reader.reader(load(None, ["generator=made-up"]))
    assert (check.severity, check.remedy) == ("error", "pip install 'ragsys[served]'")


def test_a_reader_that_hangs_is_told_to_give_up_and_left(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()

    def hang(request: Request) -> Reply:
        assert request.cancel is not None
        request.cancel.on(given_up.set)
        given_up.wait(30)
        return Reply("late", finish="cancelled")

    monkeypatch.setattr(doctor_reader, "_LATE", 0.0)
    monkeypatch.setattr(able, "generate", hang)
    check = checks(able, monkeypatch, seconds=0.05)["reader"]
    assert given_up.is_set()
    assert check.severity == "error"
    assert "no reply within" in check.message


def test_a_stream_that_ends_at_once_tells_no_rate(able: Able, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(able, "stream", lambda request: iter([Reply("", None, Usage(1, 5, 0, 0.1))]))
    assert checks(able, monkeypatch)["reader speed"].severity == "warning"
    monkeypatch.setattr(able, "stream", lambda request: iter(["a", Reply("a", None, Usage(1, 5, 1, 0.1))]))
    assert checks(able, monkeypatch)["reader speed"].severity == "info"


def test_the_picture_shows_its_number() -> None:
    image = doctor_reader.picture("4711")
    assert image.size == (448, 168)
    dark = image.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert dark is not None
    assert dark[2] - dark[0] > 200
    assert dark[3] - dark[1] > 60
    assert doctor_reader.picture("4711").tobytes() != doctor_reader.picture("4712").tobytes()


def test_without_a_model_the_doctor_says_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAGSYS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAGSYS_CONFIG", raising=False)
    assert run(["doctor", "--json"]) == 0
    found = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"].startswith("reader")]
    assert [one["severity"] for one in found] == ["ok"]
    assert "no language model" in found[0]["message"]
