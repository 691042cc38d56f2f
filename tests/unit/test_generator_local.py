"""The generator `local`: a model from a file in this process. Here a scripted server stands for the runtime; one test
loads the small model that comes in a package."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gguf_files import SMALL, gguf_file
from serving import Chat, Hang, Serving, Status, openai_error

pytest.importorskip("xllamacpp")

from ragsys_generate import local
from ragsys_generate.local import Local
from ragsys_generate.options import LocalOptions
from readers import SCHEMA, Calling, asking

from ragsys.errors import GenerationError, MalformedReply, RequestTooLarge
from ragsys.exchange import Bounded, Cancel, Limits
from ragsys.protocols import Context, Generator, Reply
from ragsys.testing.generators import check_generator


class Runtime:
    """Stands for xllamacpp: `CommonParams` takes any field, `Server` is a scripted one that is made anew each time."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.otherwise: Any = Chat("The plant opened in 1987.")
        self.counted: Any = Status(200, {"input_tokens": 7})
        self.broken = False
        self.loaded: list[Any] = []
        self.servers: list[Serving] = []

    def CommonParams(self) -> Any:
        return SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())

    def Server(self, params: Any) -> Any:
        if self.broken:
            raise RuntimeError("Failed to init server, please check the input params.")
        self.loaded.append(params)
        server = Serving(self.script, otherwise=self.otherwise, routes={local.COUNT: lambda asked: self.counted})
        server.start()
        self.servers.append(server)
        return SimpleNamespace(listening_address=server.url.removesuffix("/v1"))


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    made = Runtime()
    monkeypatch.setattr(local, "xllamacpp", made)
    yield made
    for server in made.servers:
        server.stop()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return gguf_file(tmp_path / "tiny.gguf", SMALL)


def made(model: Path | str, **options: Any) -> Local:
    context = Context(Path("state"), Path("cache"), "0123456789ab")
    return Local(LocalOptions(model=str(model), **options), context)


def test_it_keeps_the_contract(runtime: Runtime, model: Path) -> None:
    generator = made(model)
    assert isinstance(generator, Generator)
    assert isinstance(generator, Bounded)
    check_generator(generator)
    assert len(runtime.loaded) == 1


def test_what_is_known_of_the_model_loads_nothing(runtime: Runtime, model: Path) -> None:
    generator = made(model)
    assert generator.identity.startswith("local/tiny.gguf-")
    assert generator.limits() == Limits(2048, 0)  # no more than it was trained for
    assert made(model, context=512).limits() == Limits(512, 0)
    assert not generator.reads_images
    assert not runtime.loaded


def test_how_the_model_is_loaded(runtime: Runtime, model: Path) -> None:
    made(model, threads=3, slots=2, context=1024).generate(asking())
    (params,) = runtime.loaded
    assert params.model.path == str(model)
    assert (params.n_ctx, params.n_parallel) == (2048, 2)
    assert params.cpuparams.n_threads == params.cpuparams_batch.n_threads == 3
    assert params.verbosity == 0
    assert params.n_batch == params.n_ubatch == local.BATCH  # so that a call is given up within seconds
    assert params.cache_ram_mib == 0


def test_its_port_is_guarded_by_a_key_of_its_own(runtime: Runtime, model: Path) -> None:
    for _ in range(2):
        generator = made(model)
        generator.generate(asking())
        generator.tokens(asking())
    first, second = (params.api_keys[0] for params in runtime.loaded)
    assert first != second
    assert len(first) > 30
    server = runtime.servers[0]
    assert {asked.headers["authorization"] for asked in (*server.asked, *server.others)} == {f"Bearer {first}"}


def test_a_schema_is_enforced_by_the_runtime_and_held_here(runtime: Runtime, model: Path) -> None:
    runtime.script = [Chat('{"name": "x", "value": 3}')]
    reply = made(model).generate(asking(schema=SCHEMA))
    assert reply.data == {"name": "x", "value": 3}
    assert runtime.servers[0].asked[0].body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_a_reply_is_never_longer_than_configured(runtime: Runtime, model: Path) -> None:
    generator = made(model, max_tokens=100)
    generator.generate(asking(max_tokens=1024))
    generator.generate(asking(max_tokens=40))
    assert [asked.body["max_tokens"] for asked in runtime.servers[0].asked] == [100, 40]


def test_chance_is_that_of_the_options_where_they_say_so(runtime: Runtime, model: Path) -> None:
    made(model).generate(asking(seed=5, temperature=0.3))
    made(model, temperature=0.9, seed=11).generate(asking(seed=5, temperature=0.3))
    bodies = [server.asked[0].body for server in runtime.servers]
    assert [(body["temperature"], body["seed"]) for body in bodies] == [(0.3, 5), (0.9, 11)]


def test_tokens_are_counted_by_the_model(runtime: Runtime, model: Path) -> None:
    generator = made(model)
    assert generator.tokens(asking("one two")) == 7
    assert json.loads(runtime.servers[0].others[0].raw)["messages"][-1] == {"role": "user", "content": "one two"}
    runtime.counted = Status(500, "no")
    assert generator.tokens(asking("one two three four")) > 4


def test_a_prompt_that_is_too_long_says_how_much_fits(runtime: Runtime, model: Path) -> None:
    words = "request (5031 tokens) exceeds the available context size (2048 tokens), try increasing it"
    runtime.script = [openai_error(400, words, type="exceed_context_size_error")]
    with pytest.raises(RequestTooLarge) as caught:
        made(model).generate(asking())
    assert (caught.value.what, caught.value.limit) == ("tokens", 2048)
    assert "tiny.gguf" in caught.value.message


def test_an_error_names_the_model_and_no_address(runtime: Runtime, model: Path) -> None:
    runtime.script = [openai_error(500, "out of memory")]
    with pytest.raises(GenerationError, match=r"tiny\.gguf.*out of memory") as caught:
        list(made(model).stream(asking()))
    assert "127.0.0.1" not in str(caught.value)


def test_a_reply_that_cannot_be_used_is_told_apart_from_a_model_that_fails(runtime: Runtime, model: Path) -> None:
    runtime.script = [Chat('{"name": "x", "val', finish="length")]
    with pytest.raises(MalformedReply, match="was cut at 64 tokens") as caught:
        list(made(model).stream(asking(schema=SCHEMA, max_tokens=64)))
    assert caught.value.usage.calls == 1


def test_a_call_that_is_given_up_ends_at_once(runtime: Runtime, model: Path) -> None:
    runtime.script = [Hang(), Chat("again")]
    generator = made(model)
    generator.tokens(asking())
    calling = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
    while not runtime.servers[0].asked:
        time.sleep(0.005)
    calling.cancel.set()
    assert calling.result().finish == "cancelled"
    assert runtime.servers[0].left()
    assert generator.generate(asking()).text == "again"  # its slot is free


def test_a_call_that_was_given_up_before_the_model_was_there(runtime: Runtime, model: Path) -> None:
    cancel = Cancel()
    cancel.set()
    request = asking(cancel=cancel)
    assert made(model).generate(request).finish == "cancelled"
    assert [item.finish for item in made(model).stream(request) if isinstance(item, Reply)] == ["cancelled"]


def test_a_deadline_is_kept(runtime: Runtime, model: Path) -> None:
    runtime.script = [Hang()]
    with pytest.raises(GenerationError, match=r"tiny\.gguf had not replied"):
        made(model).generate(asking(deadline=0.2))


def test_a_closed_model_is_loaded_again(runtime: Runtime, model: Path) -> None:
    generator = made(model)
    generator.close()  # nothing is loaded yet
    generator.generate(asking())
    generator.close()
    generator.close()
    generator.generate(asking())
    assert len(runtime.loaded) == 2


def test_a_file_that_the_runtime_refuses(runtime: Runtime, model: Path) -> None:
    runtime.broken = True
    with pytest.raises(GenerationError, match=r"cannot load .*tiny\.gguf.*'llama'") as caught:
        made(model).generate(asking())
    assert "verbosity" in str(caught.value.hint)


def test_a_file_that_is_missing_or_broken(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"hello")
    with pytest.raises(GenerationError, match="no GGUF file"):
        made(tmp_path / "bad.gguf").generate(asking())
    with pytest.raises(GenerationError, match="cannot be read"):
        list(made(tmp_path / "none.gguf").stream(asking()))
    assert not runtime.loaded


def test_without_the_package_of_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "DEFAULT_PACKAGE", "no-such-package-of-a-model")
    with pytest.raises(GenerationError, match="no model") as caught:
        made("").generate(asking())
    assert local.GET_DEFAULT in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_small_model_answers_under_a_schema_and_is_freed() -> None:
    try:
        importlib.metadata.distribution(local.DEFAULT_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"its model is not installed: {local.GET_DEFAULT}")
    generator = made("", context=1024, max_tokens=48, threads=1)
    check_generator(generator, question="What is the capital of France?")
    reply = generator.generate(asking("How many balls are 3 red balls?", schema=SCHEMA))
    assert set(reply.data) == {"name", "value"}
    with pytest.raises(RequestTooLarge) as caught:
        generator.generate(asking("hello " * 2000))
    assert caught.value.limit == 1024
    assert generator.tokens(asking("hello " * 500)) > 500
    generator.close()
